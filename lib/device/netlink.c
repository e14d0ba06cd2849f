/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See netlink.h. Each request has the name of the netdev (IFLA_IFNAME), never an index that was
 * looked up before. So the request cannot reach another netdev.
 */

#include "netlink.h"

#include "base/common.h"
#include "base/error.h"
#include "vf-settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <string.h>

struct vfa_netlink {
    struct nl_sock *sock;
};

static inline void nl_msg_freep(struct nl_msg **msg)
{
    nlmsg_free(*msg);
}

struct vfa_netlink *vfa_netlink_close(struct vfa_netlink *nl)
{
    if (nl) {
        nl_socket_free(nl->sock);
        free(nl);
    }
    return NULL;
}

static struct vfa_netlink *alloc_netlink(void)
{
    struct vfa_netlink *nl = calloc(1, sizeof(*nl));

    if (nl)
        nl->sock = nl_socket_alloc();
    return nl && nl->sock ? nl : vfa_netlink_close(nl);
}

int vfa_netlink_open(struct vfa_netlink **ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_netlink_closep) struct vfa_netlink *nl = alloc_netlink();
    int r;

    if (!nl)
        return vfa_fail_oom(err);
    r = nl_connect(nl->sock, NETLINK_ROUTE); /* with SOCK_CLOEXEC */
    if (r < 0)
        return vfa_fail(err, EIO, "cannot open a netlink socket: %s", nl_geterror(r));
    *ret = vfa_steal(&nl);
    return 0;
}

/* ---- one request and its reply ---- */

/* The reply: the first message that read() accepts, or the kernel's refusal. */
struct answer {
    int (*read)(struct nlmsghdr *hdr, void *data); /* NULL: only an acknowledgement is expected */
    void *data;
    bool read_done;
    bool over;
    int refusal; /* a positive errno */
};

static int on_valid(struct nl_msg *msg, void *arg)
{
    struct answer *answer = arg;

    if (answer->read && answer->read(nlmsg_hdr(msg), answer->data) == 0)
        answer->read_done = true;
    return NL_OK;
}

/* Keeps the errno: libnl would map it to one of its own, fewer codes. */
static int on_error(struct sockaddr_nl *who, struct nlmsgerr *error, void *arg)
{
    struct answer *answer = arg;

    answer->refusal = -error->error;
    answer->over = true;
    return NL_STOP;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
    ((struct answer *)arg)->over = true;
    return NL_STOP;
}

/* Sends a request and waits for the reply. 0: a reply came; it may be a refusal. */
static int send_request(struct vfa_netlink *nl, struct nl_msg *msg, struct answer *answer)
{
    struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
    int r;

    if (!cb)
        return -NLE_NOMEM;
    nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, answer);
    nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, answer);
    nl_cb_err(cb, NL_CB_CUSTOM, on_error, answer);
    r = nl_send_auto(nl->sock, msg);
    while (r >= 0 && !answer->over) /* the acknowledgement is a message of its own */
        r = nl_recvmsgs(nl->sock, cb);
    nl_cb_put(cb);
    return answer->refusal ? 0 : r;
}

/* Sends a request and turns a refusal into an error. `what` completes "cannot ...". */
static int transact(struct vfa_netlink *nl, struct nl_msg *msg, struct answer *answer,
                    const char *what, struct vfa_error *err)
{
    int r = send_request(nl, msg, answer);

    if (r < 0)
        return vfa_fail(err, EIO, "cannot %s: %s", what, nl_geterror(r));
    if (answer->refusal == ENODEV)
        return VFA_NETLINK_GONE;
    if (answer->refusal)
        return vfa_fail(err, answer->refusal, "cannot %s: %s", what, strerror(answer->refusal));
    return 0;
}

/* Makes a request about a netdev. NULL: out of memory. */
static struct nl_msg *new_request(int type, const char *netdev, unsigned flags, unsigned change)
{
    const struct ifinfomsg info = {
        .ifi_family = AF_UNSPEC, .ifi_flags = flags, .ifi_change = change};
    VFA_AUTO(nl_msg_freep) struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_REQUEST | NLM_F_ACK);

    if (!msg || nlmsg_append(msg, (void *)(uintptr_t)&info, sizeof(info), NLMSG_ALIGNTO) < 0 ||
        nla_put_string(msg, IFLA_IFNAME, netdev) < 0)
        return NULL;
    return vfa_steal(&msg);
}

/* ---- reading a VF ---- */

struct vf_wanted {
    unsigned vf;
    bool found;
    struct vfa_vf_settings settings;
};

/* The value is -1 if the driver does not report the setting (rtnl_fill_vf() of the kernel). */
static void put_bool(struct vfa_vf_settings *settings, enum vfa_vf_setting setting,
                     struct nlattr *attr)
{
    const struct ifla_vf_trust *reported; /* all these attributes have a VF number and a value */

    if (!attr || nla_len(attr) < (int)sizeof(*reported))
        return;
    reported = nla_data(attr);
    if (reported->setting != UINT32_MAX)
        vfa_vf_settings_put(settings, setting, reported->setting != 0);
}

static void put_link_state(struct vfa_vf_settings *settings, struct nlattr *attr)
{
    const struct ifla_vf_link_state *reported;

    if (!attr || nla_len(attr) < (int)sizeof(*reported))
        return;
    reported = nla_data(attr);
    if (reported->link_state <= IFLA_VF_LINK_STATE_DISABLE)
        vfa_vf_settings_put(settings, VFA_VF_LINK_STATE, reported->link_state);
}

static void put_rates(struct vfa_vf_settings *settings, struct nlattr *attr)
{
    const struct ifla_vf_rate *reported;

    if (!attr || nla_len(attr) < (int)sizeof(*reported))
        return;
    reported = nla_data(attr);
    vfa_vf_settings_put(settings, VFA_VF_MIN_TX_RATE, reported->min_tx_rate);
    vfa_vf_settings_put(settings, VFA_VF_MAX_TX_RATE, reported->max_tx_rate);
}

/* Reads the list, because only the list has the protocol. The kernel puts one entry into it. */
static void put_vlan(struct vfa_vf_settings *settings, struct nlattr *attr)
{
    struct nlattr *first = attr ? nla_data(attr) : NULL;
    const struct ifla_vf_vlan_info *reported;

    if (!first || !nla_ok(first, nla_len(attr)) || nla_len(first) < (int)sizeof(*reported))
        return;
    reported = nla_data(first);
    vfa_vf_settings_put(settings, VFA_VF_VLAN, reported->vlan);
    vfa_vf_settings_put(settings, VFA_VF_VLAN_QOS, reported->qos);
    vfa_vf_settings_put(settings, VFA_VF_VLAN_PROTO,
                        ntohs(reported->vlan_proto) == ETH_P_8021AD ? ETH_P_8021AD : ETH_P_8021Q);
}

static bool is_vf(struct nlattr *attr, unsigned vf)
{
    const struct ifla_vf_mac *mac = attr ? nla_data(attr) : NULL;

    return mac && nla_len(attr) >= (int)sizeof(*mac) && mac->vf == vf;
}

static int read_vf_info(struct nlattr *info, struct vf_wanted *wanted)
{
    struct nlattr *attrs[IFLA_VF_MAX + 1];
    struct vfa_vf_settings *settings = &wanted->settings;

    if (nla_parse_nested(attrs, IFLA_VF_MAX, info, NULL) < 0 ||
        !is_vf(attrs[IFLA_VF_MAC], wanted->vf))
        return -ENOENT;
    put_bool(settings, VFA_VF_TRUST, attrs[IFLA_VF_TRUST]);
    put_bool(settings, VFA_VF_SPOOFCHK, attrs[IFLA_VF_SPOOFCHK]);
    put_bool(settings, VFA_VF_QUERY_RSS, attrs[IFLA_VF_RSS_QUERY_EN]);
    put_link_state(settings, attrs[IFLA_VF_LINK_STATE]);
    put_rates(settings, attrs[IFLA_VF_RATE]);
    put_vlan(settings, attrs[IFLA_VF_VLAN_LIST]);
    wanted->found = true;
    return 0;
}

static int read_vf_list(struct nlmsghdr *hdr, void *data)
{
    struct vf_wanted *wanted = data;
    struct nlattr *attrs[IFLA_MAX + 1], *info;
    int left;

    if (hdr->nlmsg_type != RTM_NEWLINK ||
        nlmsg_parse(hdr, sizeof(struct ifinfomsg), attrs, IFLA_MAX, NULL) < 0 ||
        !attrs[IFLA_VFINFO_LIST])
        return -ENOENT;
    nla_for_each_nested(info, attrs[IFLA_VFINFO_LIST], left)
    {
        if (nla_type(info) == IFLA_VF_INFO && read_vf_info(info, wanted) == 0)
            return 0;
    }
    return -ENOENT;
}

int vfa_netlink_read_vf(struct vfa_netlink *nl, const char *pf, unsigned vf,
                        struct vfa_vf_settings *ret, struct vfa_error *err)
{
    VFA_AUTO(nl_msg_freep) struct nl_msg *msg = new_request(RTM_GETLINK, pf, 0, 0);
    struct vf_wanted wanted = {.vf = vf};
    struct answer answer = {.read = read_vf_list, .data = &wanted};
    char what[64 + IF_NAMESIZE];
    int r;

    if (!msg || nla_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS) < 0)
        return vfa_fail_oom(err);
    snprintf(what, sizeof(what), "read the settings of VF %u of %s", vf, pf);
    r = transact(nl, msg, &answer, what, err);
    if (r == 0 && !wanted.found)
        return VFA_NETLINK_GONE;
    if (r == 0)
        *ret = wanted.settings;
    return r;
}

/* ---- setting a VF ---- */

static int put_vlan_list(struct nl_msg *msg, unsigned vf, const uint32_t *values)
{
    uint16_t proto = values[VFA_VF_VLAN_PROTO] == ETH_P_8021AD ? ETH_P_8021AD : ETH_P_8021Q;
    struct nlattr *list = nla_nest_start(msg, IFLA_VF_VLAN_LIST);
    struct ifla_vf_vlan_info vlan;
    int r;

    memset(&vlan, 0, sizeof(vlan)); /* the padding goes to the kernel too */
    vlan.vf = vf;
    vlan.vlan = values[VFA_VF_VLAN];
    vlan.qos = values[VFA_VF_VLAN_QOS];
    vlan.vlan_proto = htons(proto);
    r = list ? nla_put(msg, IFLA_VF_VLAN_INFO, sizeof(vlan), &vlan) : -NLE_NOMEM;
    return r < 0 ? r : nla_nest_end(msg, list);
}

static int put_setting(struct nl_msg *msg, unsigned vf, enum vfa_vf_setting setting,
                       const uint32_t *values)
{
    const struct ifla_vf_trust one = {.vf = vf, .setting = values[setting]};
    const struct ifla_vf_rate rates = {vf, values[VFA_VF_MIN_TX_RATE], values[VFA_VF_MAX_TX_RATE]};

    switch (setting) {
    case VFA_VF_TRUST: /* this and the next three have the layout of ifla_vf_trust */
        return nla_put(msg, IFLA_VF_TRUST, sizeof(one), &one);
    case VFA_VF_SPOOFCHK:
        return nla_put(msg, IFLA_VF_SPOOFCHK, sizeof(one), &one);
    case VFA_VF_LINK_STATE:
        return nla_put(msg, IFLA_VF_LINK_STATE, sizeof(one), &one);
    case VFA_VF_QUERY_RSS:
        return nla_put(msg, IFLA_VF_RSS_QUERY_EN, sizeof(one), &one);
    case VFA_VF_MIN_TX_RATE:
    case VFA_VF_MAX_TX_RATE:
        return nla_put(msg, IFLA_VF_RATE, sizeof(rates), &rates);
    case VFA_VF_VLAN:
    case VFA_VF_VLAN_QOS:
    case VFA_VF_VLAN_PROTO:
        return put_vlan_list(msg, vf, values);
    case VFA_VF_MTU: /* vfa_netlink_set_mtu() sets it */
    case VFA_VF_SETTINGS:
        break;
    }
    return -NLE_INVAL;
}

static int put_vf(struct nl_msg *msg, unsigned vf, enum vfa_vf_setting setting,
                  const uint32_t *values)
{
    struct nlattr *list = nla_nest_start(msg, IFLA_VFINFO_LIST);
    struct nlattr *info = list ? nla_nest_start(msg, IFLA_VF_INFO) : NULL;
    int r = info ? put_setting(msg, vf, setting, values) : -NLE_NOMEM;

    if (r >= 0)
        r = nla_nest_end(msg, info);
    return r < 0 ? r : nla_nest_end(msg, list);
}

int vfa_netlink_set_vf(struct vfa_netlink *nl, const char *pf, unsigned vf,
                       enum vfa_vf_setting setting, const struct vfa_vf_settings *values,
                       struct vfa_error *err)
{
    VFA_AUTO(nl_msg_freep) struct nl_msg *msg = new_request(RTM_SETLINK, pf, 0, 0);
    struct answer answer = {0};
    char what[64 + IF_NAMESIZE];

    if (!msg || put_vf(msg, vf, setting, values->values) < 0)
        return vfa_fail_oom(err);
    snprintf(what, sizeof(what), "set %s of VF %u of %s", vfa_vf_setting_name(setting), vf, pf);
    return transact(nl, msg, &answer, what, err);
}

/* ---- a netdev itself ---- */

static int parse_link(struct nlmsghdr *hdr, void *data)
{
    const struct ifinfomsg *info = nlmsg_data(hdr);
    struct vfa_link *link = data;
    struct nlattr *attrs[IFLA_MAX + 1];

    if (hdr->nlmsg_type != RTM_NEWLINK ||
        nlmsg_parse(hdr, sizeof(*info), attrs, IFLA_MAX, NULL) < 0 || !attrs[IFLA_MTU] ||
        nla_len(attrs[IFLA_MTU]) < (int)sizeof(uint32_t))
        return -ENOENT;
    link->up = info->ifi_flags & IFF_UP;
    link->running = info->ifi_flags & IFF_RUNNING;
    link->mtu = nla_get_u32(attrs[IFLA_MTU]);
    return 0;
}

int vfa_netlink_read_link(struct vfa_netlink *nl, const char *netdev, struct vfa_link *ret,
                          struct vfa_error *err)
{
    VFA_AUTO(nl_msg_freep) struct nl_msg *msg = new_request(RTM_GETLINK, netdev, 0, 0);
    struct vfa_link link = {0};
    struct answer answer = {.read = parse_link, .data = &link};
    char what[32 + IF_NAMESIZE];
    int r;

    if (!msg)
        return vfa_fail_oom(err);
    snprintf(what, sizeof(what), "read the state of %s", netdev);
    r = transact(nl, msg, &answer, what, err);
    if (r == 0 && !answer.read_done)
        return VFA_NETLINK_GONE;
    if (r == 0)
        *ret = link;
    return r;
}

int vfa_netlink_set_up(struct vfa_netlink *nl, const char *netdev, bool up, struct vfa_error *err)
{
    VFA_AUTO(nl_msg_freep)
    struct nl_msg *msg = new_request(RTM_SETLINK, netdev, up ? IFF_UP : 0, IFF_UP);
    struct answer answer = {0};
    char what[32 + IF_NAMESIZE];

    if (!msg)
        return vfa_fail_oom(err);
    snprintf(what, sizeof(what), "set %s %s", netdev, up ? "up" : "down");
    return transact(nl, msg, &answer, what, err);
}

int vfa_netlink_set_mtu(struct vfa_netlink *nl, const char *netdev, uint32_t mtu,
                        struct vfa_error *err)
{
    VFA_AUTO(nl_msg_freep) struct nl_msg *msg = new_request(RTM_SETLINK, netdev, 0, 0);
    struct answer answer = {0};
    char what[32 + IF_NAMESIZE];

    if (!msg || nla_put_u32(msg, IFLA_MTU, mtu) < 0)
        return vfa_fail_oom(err);
    snprintf(what, sizeof(what), "set mtu of %s", netdev);
    return transact(nl, msg, &answer, what, err);
}
