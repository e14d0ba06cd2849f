/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See genl.h. The kernel explains a refusal with a text (extended acknowledgement) if the socket
 * asks for it. The text stands behind a copy of the request, or behind its header only
 * (NLM_F_CAPPED).
 *
 * Source: Documentation/userspace-api/netlink/intro.rst and linux/genetlink.h of the kernel.
 */

#include "genl.h"

#include "base/common.h"
#include "base/error.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <string.h>
#include <sys/socket.h>

struct vfa_genl {
    struct nl_sock *sock;
};

static inline void genl_msg_freep(struct nl_msg **msg)
{
    nlmsg_free(*msg);
}

struct vfa_genl *vfa_genl_close(struct vfa_genl *genl)
{
    if (genl) {
        nl_socket_free(genl->sock);
        free(genl);
    }
    return NULL;
}

static struct vfa_genl *alloc_genl(void)
{
    struct vfa_genl *genl = calloc(1, sizeof(*genl));

    if (genl)
        genl->sock = nl_socket_alloc();
    return genl && genl->sock ? genl : vfa_genl_close(genl);
}

int vfa_genl_open(struct vfa_genl **ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_genl_closep) struct vfa_genl *genl = alloc_genl();
    const int on = 1;
    int r;

    if (!genl)
        return vfa_fail_oom(err);
    r = nl_connect(genl->sock, NETLINK_GENERIC); /* with SOCK_CLOEXEC */
    if (r < 0)
        return vfa_fail(err, EIO, "cannot open a netlink socket: %s", nl_geterror(r));
    (void)setsockopt(vfa_genl_fd(genl), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
    *ret = vfa_steal(&genl);
    return 0;
}

int vfa_genl_fd(const struct vfa_genl *genl)
{
    return nl_socket_get_fd(genl->sock);
}

/* ---- one request and its replies ---- */

struct genl_exchange {
    struct vfa_genl_call *call;
    bool over;
    int failure; /* of take(): a negative errno */
};

static int on_genl_message(struct nl_msg *msg, void *arg)
{
    struct genl_exchange *exchange = arg;
    const struct vfa_genl_call *call = exchange->call;
    VFA_AUTO(vfa_freep)
    struct nlattr **attrs = calloc((size_t)call->max_attr + 1, sizeof(*attrs));

    if (!attrs)
        exchange->failure = -ENOMEM;
    else if (call->take &&
             nlmsg_parse(nlmsg_hdr(msg), GENL_HDRLEN, attrs, call->max_attr, call->policy) >= 0 &&
             exchange->failure == 0)
        exchange->failure = call->take(attrs, call->take_arg);
    return NL_OK;
}

/* Copies the kernel's explanation, without the name of the module in front of it. */
static void copy_explanation(const struct nlmsgerr *error, char *ret, size_t size)
{
    const struct nlmsghdr *hdr =
        (const struct nlmsghdr *)(const void *)((const char *)error - NLMSG_HDRLEN);
    size_t start = sizeof(*error), len = hdr->nlmsg_len - NLMSG_HDRLEN;
    struct nlattr *attr;
    char text[VFA_GENL_TEXT_SIZE];

    if (!(hdr->nlmsg_flags & NLM_F_ACK_TLVS))
        return;
    if (!(hdr->nlmsg_flags & NLM_F_CAPPED))
        start += NLMSG_ALIGN(error->msg.nlmsg_len) - sizeof(error->msg);
    if (start >= len)
        return;
    attr = nla_find((struct nlattr *)(uintptr_t)((const char *)error + start), (int)(len - start),
                    NLMSGERR_ATTR_MSG);
    if (!attr)
        return;
    nla_strlcpy(text, attr, sizeof(text));
    snprintf(ret, size, "%s", strncmp(text, "vdpa: ", 6) == 0 ? text + 6 : text);
}

/* Keeps the errno: libnl would map it to one of its own, fewer codes. */
static int on_genl_error(struct sockaddr_nl *who, struct nlmsgerr *error, void *arg)
{
    struct genl_exchange *exchange = arg;

    exchange->call->refusal = -error->error;
    copy_explanation(error, exchange->call->text, sizeof(exchange->call->text));
    exchange->over = true;
    return NL_STOP;
}

static int on_genl_ack(struct nl_msg *msg, void *arg)
{
    ((struct genl_exchange *)arg)->over = true;
    return NL_STOP;
}

/* Returns a negative code of libnl, or 0: the exchange is over. */
static int exchange_genl(struct vfa_genl *genl, struct nl_msg *msg, struct genl_exchange *exchange)
{
    struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
    int r;

    if (!cb)
        return -NLE_NOMEM;
    nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_genl_message, exchange);
    nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_genl_ack, exchange);
    nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_genl_ack, exchange); /* the end of a list */
    nl_cb_err(cb, NL_CB_CUSTOM, on_genl_error, exchange);
    r = nl_send_auto(genl->sock, msg);
    while (r >= 0 && !exchange->over) /* the acknowledgement is a message of its own */
        r = nl_recvmsgs(genl->sock, cb);
    nl_cb_put(cb);
    return exchange->call->refusal || r > 0 ? 0 : r;
}

/* Makes the request. NULL: out of memory. */
static struct nl_msg *new_genl_message(uint16_t family, const struct vfa_genl_call *call)
{
    const struct genlmsghdr head = {.cmd = call->command, .version = call->version};
    const int flags = NLM_F_REQUEST | NLM_F_ACK | (call->dump ? NLM_F_DUMP : 0);
    VFA_AUTO(genl_msg_freep) struct nl_msg *msg = nlmsg_alloc_simple(family, flags);

    if (!msg || nlmsg_append(msg, (void *)(uintptr_t)&head, sizeof(head), NLMSG_ALIGNTO) < 0 ||
        (call->put && call->put(msg, call->put_arg) < 0))
        return NULL;
    return vfa_steal(&msg);
}

static int request_of_family(struct vfa_genl *genl, uint16_t family, struct vfa_genl_call *call,
                             const char *what, struct vfa_error *err)
{
    VFA_AUTO(genl_msg_freep) struct nl_msg *msg = new_genl_message(family, call);
    struct genl_exchange exchange = {.call = call};
    int r;

    if (!msg)
        return vfa_fail_oom(err);
    r = exchange_genl(genl, msg, &exchange);
    if (r < 0)
        return vfa_fail(err, EIO, "cannot %s: %s", what, nl_geterror(r));
    return exchange.failure ? vfa_fail_oom(err) : 0;
}

/* ---- the number of a family ---- */

static int put_family_name(struct nl_msg *msg, const void *name)
{
    return nla_put_string(msg, CTRL_ATTR_FAMILY_NAME, name);
}

static int take_family_id(struct nlattr **attrs, void *ret)
{
    if (attrs[CTRL_ATTR_FAMILY_ID])
        *(uint16_t *)ret = nla_get_u16(attrs[CTRL_ATTR_FAMILY_ID]);
    return 0;
}

static int find_family(struct vfa_genl *genl, const char *name, uint16_t *ret, const char *what,
                       struct vfa_error *err)
{
    static const struct nla_policy policy[CTRL_ATTR_FAMILY_ID + 1] = {
        [CTRL_ATTR_FAMILY_ID] = {.type = NLA_U16}};
    struct vfa_genl_call call = {.version = 1,
                                 .command = CTRL_CMD_GETFAMILY,
                                 .put = put_family_name,
                                 .put_arg = name,
                                 .take = take_family_id,
                                 .take_arg = ret,
                                 .max_attr = CTRL_ATTR_FAMILY_ID,
                                 .policy = policy};
    int r = request_of_family(genl, GENL_ID_CTRL, &call, what, err);

    if (r < 0)
        return r;
    if (call.refusal == ENOENT || (call.refusal == 0 && *ret == 0))
        return VFA_GENL_ABSENT;
    if (call.refusal)
        return vfa_fail(err, call.refusal, "cannot %s: %s", what, strerror(call.refusal));
    return 0;
}

int vfa_genl_request(struct vfa_genl *genl, struct vfa_genl_call *call, const char *what,
                     struct vfa_error *err)
{
    uint16_t family = 0;
    int r = find_family(genl, call->family, &family, what, err);

    return r ? r : request_of_family(genl, family, call, what, err);
}
