/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * LD_PRELOAD library: the kernel of a host with a fake sysfs tree. The root of the tree
 * ($VFA_SOAK_SYSFS) counts as a sysfs. rtnetlink has the cards of the map (made.h): it reads and
 * sets VFs and netdevs, one request and one reply, as lib/device/netlink.c uses it. Other requests
 * go to the real kernel.
 *
 * tests/faults/inject.c decides which reply is a refusal: EAGAIN, EBUSY, or for a change also
 * ENODEV. ENODEV is true: the VF has been created again, with its initial settings.
 */
#define _GNU_SOURCE
#include "made.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/magic.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define PF_MTU 9000

struct made_host *made_host(void)
{
    static struct made_host *map;
    const char *path = getenv("VFA_SOAK_MAP");
    int fd;

    if (map || !path)
        return map;
    fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC); /* no fault applies here */
    if (fd < 0)
        return NULL;
    map = mmap(NULL, sizeof(*map), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (map == MAP_FAILED)
        map = NULL;
    return map;
}

/* ---- the journal: $VFA_SOAK_LOG ---- */

static void log_line(const char *format, va_list args)
{
    const char *path = getenv("VFA_SOAK_LOG");
    char text[1024];
    int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;

    if (fd < 0)
        return;
    vsnprintf(text, sizeof(text), format, args);
    dprintf(fd, "%s\n", text);
    close(fd);
}

void syslog(int priority, const char *format, ...)
{
    va_list args;

    (void)priority;
    va_start(args, format);
    log_line(format, args);
    va_end(args);
}

/* ---- the root of /sys ---- */

static bool is_root(int fd)
{
    const char *root = getenv("VFA_SOAK_SYSFS");
    char link[32], path[4096];
    ssize_t n;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = root ? readlink(link, path, sizeof(path) - 1) : -1;
    if (n < 0)
        return false;
    path[n] = '\0';
    return strcmp(path, root) == 0;
}

int fstatfs(int fd, struct statfs *buf)
{
    int (*real)(int, struct statfs *) = (int (*)(int, struct statfs *))dlsym(RTLD_NEXT, "fstatfs");
    int r = real(fd, buf);

    if (r == 0 && is_root(fd))
        buf->f_type = SYSFS_MAGIC;
    return r;
}

int fstatfs64(int fd, struct statfs64 *buf)
{
    int (*real)(int, struct statfs64 *) =
        (int (*)(int, struct statfs64 *))dlsym(RTLD_NEXT, "fstatfs64");
    int r = real(fd, buf);

    if (r == 0 && is_root(fd))
        buf->f_type = SYSFS_MAGIC;
    return r;
}

/* ---- the reply: one datagram ---- */

static struct {
    int fd; /* the socket that waits for the reply */
    size_t len;
    _Alignas(NLMSG_ALIGNTO) char data[32768];
} reply = {.fd = -1};

static void *append(size_t len)
{
    void *at = reply.data + reply.len;

    if (reply.len + NLMSG_ALIGN(len) > sizeof(reply.data))
        abort();
    memset(at, 0, NLMSG_ALIGN(len));
    reply.len += NLMSG_ALIGN(len);
    return at;
}

static struct nlmsghdr *begin_message(const struct nlmsghdr *request, uint16_t type)
{
    struct nlmsghdr *hdr = append(sizeof(*hdr));

    *hdr = (struct nlmsghdr){
        .nlmsg_type = type, .nlmsg_seq = request->nlmsg_seq, .nlmsg_pid = request->nlmsg_pid};
    return hdr;
}

static void end_message(struct nlmsghdr *hdr)
{
    hdr->nlmsg_len = (uint32_t)(reply.data + reply.len - (char *)hdr);
}

static struct rtattr *begin_attr(uint16_t type, const void *data, size_t len)
{
    struct rtattr *attr = append(RTA_LENGTH(len));

    *attr = (struct rtattr){.rta_len = (uint16_t)RTA_LENGTH(len), .rta_type = type};
    if (len)
        memcpy(RTA_DATA(attr), data, len);
    return attr;
}

static void end_attr(struct rtattr *attr)
{
    attr->rta_len = (uint16_t)(reply.data + reply.len - (char *)attr);
}

static void acknowledge(const struct nlmsghdr *request, int error)
{
    struct nlmsghdr *hdr = begin_message(request, NLMSG_ERROR);
    struct nlmsgerr *body = append(sizeof(*body));

    *body = (struct nlmsgerr){.error = -error, .msg = *request};
    end_message(hdr);
}

/* ---- reading ---- */

static void tell_vf(const struct made_vf *vf)
{
    const struct ifla_vf_mac mac = {.vf = vf->number};
    const struct ifla_vf_trust trust = {vf->number, vf->values[TRUST]};
    const struct ifla_vf_spoofchk spoofchk = {vf->number, vf->values[SPOOFCHK]};
    const struct ifla_vf_link_state state = {vf->number, vf->values[LINK_STATE]};
    const struct ifla_vf_rate rate = {vf->number, vf->values[MIN_RATE], vf->values[MAX_RATE]};
    struct rtattr *info = begin_attr(IFLA_VF_INFO | NLA_F_NESTED, NULL, 0), *list;
    struct ifla_vf_vlan_info vlan;

    memset(&vlan, 0, sizeof(vlan));
    vlan.vf = vf->number;
    vlan.vlan = vf->values[VLAN];
    vlan.qos = vf->values[QOS];
    vlan.vlan_proto = (uint16_t)vf->values[PROTO];
    begin_attr(IFLA_VF_MAC, &mac, sizeof(mac));
    begin_attr(IFLA_VF_TRUST, &trust, sizeof(trust));
    begin_attr(IFLA_VF_SPOOFCHK, &spoofchk, sizeof(spoofchk));
    begin_attr(IFLA_VF_LINK_STATE, &state, sizeof(state));
    begin_attr(IFLA_VF_RATE, &rate, sizeof(rate));
    list = begin_attr(IFLA_VF_VLAN_LIST | NLA_F_NESTED, NULL, 0);
    begin_attr(IFLA_VF_VLAN_INFO, &vlan, sizeof(vlan));
    end_attr(list);
    end_attr(info);
}

static void tell(const struct made_host *host, const struct nlmsghdr *request, const char *netdev,
                 const struct made_vf *own)
{
    struct nlmsghdr *hdr = begin_message(request, RTM_NEWLINK);
    struct ifinfomsg *info = append(sizeof(*info));
    uint32_t mtu = own ? own->mtu : PF_MTU;
    struct rtattr *list;

    info->ifi_flags = !own || own->up ? IFF_UP : 0;
    begin_attr(IFLA_IFNAME, netdev, strlen(netdev) + 1);
    begin_attr(IFLA_MTU, &mtu, sizeof(mtu));
    list = begin_attr(IFLA_VFINFO_LIST | NLA_F_NESTED, NULL, 0);
    for (int i = 0; i < MADE_VFS; i++) {
        if (!own && host->vfs[i].present && strcmp(host->vfs[i].pf, netdev) == 0)
            tell_vf(&host->vfs[i]);
    }
    end_attr(list);
    end_message(hdr);
}

/* ---- setting ---- */

static const struct rtattr *find_attr(const struct rtattr *attr, size_t len, unsigned type)
{
    for (; RTA_OK(attr, len); attr = RTA_NEXT(attr, len)) {
        if ((attr->rta_type & NLA_TYPE_MASK) == type)
            return attr;
    }
    return NULL;
}

static const struct rtattr *find_inside(const struct rtattr *attr, unsigned type)
{
    return attr ? find_attr(RTA_DATA(attr), RTA_PAYLOAD(attr), type) : NULL;
}

static struct made_vf *find_vf(struct made_host *host, const char *pf, uint32_t number)
{
    for (int i = 0; i < MADE_VFS; i++) {
        struct made_vf *vf = &host->vfs[i];

        if (vf->present && vf->number == number && strcmp(vf->pf, pf) == 0)
            return vf;
    }
    return NULL;
}

static void make_again(struct made_vf *vf)
{
    memset(vf->values, 0, sizeof(vf->values));
    vf->values[SPOOFCHK] = 1;
    vf->values[PROTO] = htons(ETH_P_8021Q);
    vf->up = 0;
    vf->mtu = 1500;
}

static void set_vf(struct made_vf *vf, const struct rtattr *info)
{
    static const struct {
        unsigned attr, value;
    } simple[] = {
        {IFLA_VF_TRUST, TRUST}, {IFLA_VF_SPOOFCHK, SPOOFCHK}, {IFLA_VF_LINK_STATE, LINK_STATE}};
    const struct rtattr *attr;

    for (size_t i = 0; i < sizeof(simple) / sizeof(simple[0]); i++) {
        attr = find_inside(info, simple[i].attr);
        if (attr)
            vf->values[simple[i].value] = ((const struct ifla_vf_trust *)RTA_DATA(attr))->setting;
    }
    attr = find_inside(info, IFLA_VF_RATE);
    if (attr) {
        vf->values[MIN_RATE] = ((const struct ifla_vf_rate *)RTA_DATA(attr))->min_tx_rate;
        vf->values[MAX_RATE] = ((const struct ifla_vf_rate *)RTA_DATA(attr))->max_tx_rate;
    }
    attr = find_inside(find_inside(info, IFLA_VF_VLAN_LIST), IFLA_VF_VLAN_INFO);
    if (attr) {
        vf->values[VLAN] = ((const struct ifla_vf_vlan_info *)RTA_DATA(attr))->vlan;
        vf->values[QOS] = ((const struct ifla_vf_vlan_info *)RTA_DATA(attr))->qos;
        vf->values[PROTO] = ((const struct ifla_vf_vlan_info *)RTA_DATA(attr))->vlan_proto;
    }
}

static int set(struct made_host *host, const char *netdev, struct made_vf *own,
               const struct ifinfomsg *change, const struct rtattr *attrs, size_t len)
{
    const struct rtattr *list = find_attr(attrs, len, IFLA_VFINFO_LIST);
    const struct rtattr *info = find_inside(list, IFLA_VF_INFO);
    const struct rtattr *mtu = find_attr(attrs, len, IFLA_MTU);
    struct made_vf *vf = own;

    if (info) /* each setting begins with the VF's number, except in the list of VLANs */
        vf = find_vf(
            host, netdev,
            find_inside(info, IFLA_VF_VLAN_LIST)
                ? *(uint32_t *)RTA_DATA((struct rtattr *)RTA_DATA((struct rtattr *)RTA_DATA(info)))
                : *(uint32_t *)RTA_DATA((struct rtattr *)RTA_DATA(info)));
    if (!vf)
        return info ? EINVAL : 0; /* as drivers refuse a number that does not exist */
    if (vfa_fault_netlink()) {
        if (getpid() % 3 != 0)
            return getpid() % 3 == 1 ? EAGAIN : EBUSY;
        make_again(vf);
        return ENODEV;
    }
    if (info)
        set_vf(vf, info);
    if (mtu && own)
        own->mtu = *(uint32_t *)RTA_DATA(mtu);
    if (own && (change->ifi_change & IFF_UP))
        own->up = (change->ifi_flags & IFF_UP) != 0;
    return 0;
}

/* ---- one request ---- */

static struct made_vf *find_netdev(struct made_host *host, const char *netdev, bool *ret_pf)
{
    *ret_pf = false;
    for (int i = 0; i < MADE_VFS; i++) {
        if (host->vfs[i].present && strcmp(host->vfs[i].netdev, netdev) == 0)
            return &host->vfs[i];
        *ret_pf = *ret_pf || strcmp(host->vfs[i].pf, netdev) == 0;
    }
    return NULL;
}

/* True if the request is about a card of the map; the reply is ready then. */
static bool answer(const struct nlmsghdr *request, int fd)
{
    const struct ifinfomsg *info = NLMSG_DATA(request);
    const struct rtattr *attrs = IFLA_RTA(info), *name;
    struct made_host *host = made_host();
    struct made_vf *own;
    bool is_pf;
    int error;

    if (!host || (request->nlmsg_type != RTM_GETLINK && request->nlmsg_type != RTM_SETLINK))
        return false;
    name = find_attr(attrs, IFLA_PAYLOAD(request), IFLA_IFNAME);
    own = name ? find_netdev(host, RTA_DATA(name), &is_pf) : NULL;
    if (!name || (!own && !is_pf))
        return false;
    reply.fd = fd;
    reply.len = 0;
    if (request->nlmsg_type == RTM_SETLINK)
        error = set(host, RTA_DATA(name), own, info, attrs, IFLA_PAYLOAD(request));
    else
        error = vfa_fault_netlink() ? (getpid() % 2 ? EAGAIN : EBUSY) : 0;
    if (!error && request->nlmsg_type == RTM_GETLINK)
        tell(host, request, RTA_DATA(name), own);
    acknowledge(request, error);
    return true;
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
    static ssize_t (*real)(int, const struct msghdr *, int);
    const struct sockaddr *to = msg->msg_name;

    if (!real)
        real = (ssize_t(*)(int, const struct msghdr *, int))dlsym(RTLD_NEXT, "sendmsg");
    if (to && to->sa_family == AF_NETLINK && msg->msg_iovlen > 0 &&
        answer(msg->msg_iov[0].iov_base, fd))
        return (ssize_t)msg->msg_iov[0].iov_len;
    return real(fd, msg, flags);
}

static ssize_t deliver(struct msghdr *msg, int flags)
{
    struct sockaddr_nl from = {.nl_family = AF_NETLINK};
    size_t room = msg->msg_iov[0].iov_len, n = room < reply.len ? room : reply.len;

    memcpy(msg->msg_iov[0].iov_base, reply.data, n);
    if (msg->msg_name)
        memcpy(msg->msg_name, &from, sizeof(from));
    msg->msg_namelen = sizeof(from);
    msg->msg_controllen = 0;
    msg->msg_flags = n < reply.len ? MSG_TRUNC : 0;
    if (!(flags & MSG_PEEK))
        reply.fd = -1;
    return (ssize_t)(flags & MSG_TRUNC ? reply.len : n);
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
    static ssize_t (*real)(int, struct msghdr *, int);

    if (!real)
        real = (ssize_t(*)(int, struct msghdr *, int))dlsym(RTLD_NEXT, "recvmsg");
    if (reply.fd == fd && reply.fd >= 0)
        return deliver(msg, flags);
    return real(fd, msg, flags);
}
