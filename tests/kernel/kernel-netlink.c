/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See kernel.h: generic netlink of the made kernel. A request is answered inside sendmsg() or
 * sendto(), as by the real one; the reply waits in this process until recvmsg() takes it, one
 * datagram at a time. One socket at a time can have a reply that waits.
 */
#include "kernel.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FAMILY    0x7d0
#define DATAGRAM  8192 /* a list is cut into datagrams of this size, or a bit less */
#define LAST_ATTR 20

struct kernel_reply {
    int fd; /* the socket that it is for; -1: none */
    const struct nlmsghdr *request;
    bool dump;
    size_t len, room, start; /* start: of the message that is being made */
    size_t taken;
    char *data;
};

static struct kernel_reply reply = {.fd = -1};

/* ---- making ---- */

static void *append(struct kernel_reply *to, size_t len)
{
    size_t whole = NLMSG_ALIGN(len);
    void *at;

    if (to->len + whole > to->room) {
        to->room = 2 * (to->len + whole);
        to->data = realloc(to->data, to->room);
        if (!to->data)
            abort();
    }
    at = to->data + to->len;
    memset(at, 0, whole);
    to->len += whole;
    return at;
}

static void begin(struct kernel_reply *to, uint16_t type, uint16_t flags)
{
    struct nlmsghdr *hdr;

    to->start = to->len;
    hdr = append(to, sizeof(*hdr));
    *hdr = (struct nlmsghdr){.nlmsg_type = type,
                             .nlmsg_flags = flags,
                             .nlmsg_seq = to->request->nlmsg_seq,
                             .nlmsg_pid = to->request->nlmsg_pid};
}

void kernel_begin(struct kernel_reply *to, unsigned command)
{
    struct genlmsghdr *head;

    begin(to, FAMILY, to->dump ? NLM_F_MULTI : 0);
    head = append(to, sizeof(*head));
    head->cmd = (uint8_t)command;
    head->version = 1;
}

void kernel_add(struct kernel_reply *to, unsigned attr, const void *data, size_t len)
{
    struct nlattr *nla = append(to, NLA_HDRLEN + len);

    nla->nla_type = (uint16_t)attr;
    nla->nla_len = (uint16_t)(NLA_HDRLEN + len);
    if (len)
        memcpy((char *)nla + NLA_HDRLEN, data, len);
}

void kernel_end(struct kernel_reply *to)
{
    ((struct nlmsghdr *)(void *)(to->data + to->start))->nlmsg_len =
        (uint32_t)(to->len - to->start);
}

static void acknowledge(struct kernel_reply *to, int error, const char *text)
{
    struct nlmsgerr *body;

    begin(to, NLMSG_ERROR, *text ? NLM_F_CAPPED | NLM_F_ACK_TLVS : NLM_F_CAPPED);
    body = append(to, sizeof(*body));
    *body = (struct nlmsgerr){.error = -error, .msg = *to->request};
    if (*text)
        kernel_add(to, NLMSGERR_ATTR_MSG, text, strlen(text) + 1);
    kernel_end(to);
}

static void finish_dump(struct kernel_reply *to)
{
    begin(to, NLMSG_DONE, NLM_F_MULTI);
    memset(append(to, sizeof(int)), 0, sizeof(int));
    kernel_end(to);
}

/* ---- reading the request ---- */

static const struct nlattr *find_attr(const struct nlmsghdr *request, unsigned type)
{
    size_t at = NLMSG_HDRLEN + GENL_HDRLEN;

    while (at + NLA_HDRLEN <= request->nlmsg_len) {
        const struct nlattr *attr = (const void *)((const char *)request + at);

        if (attr->nla_len < NLA_HDRLEN)
            break;
        if ((attr->nla_type & NLA_TYPE_MASK) == type)
            return attr;
        at += NLA_ALIGN(attr->nla_len);
    }
    return NULL;
}

static const void *attr_data(const struct nlmsghdr *request, unsigned type)
{
    const struct nlattr *attr = find_attr(request, type);

    return attr ? (const char *)attr + NLA_HDRLEN : NULL;
}

static void read_attrs(const struct nlmsghdr *request, struct kernel_attrs *attrs)
{
    const void *vqp = attr_data(request, 12), *mtu = attr_data(request, 13);
    const void *features = attr_data(request, 20);

    *attrs = (struct kernel_attrs){.bus = attr_data(request, 1),
                                   .dev = attr_data(request, 2),
                                   .name = attr_data(request, 4),
                                   .mac = attr_data(request, 10),
                                   .has_max_vqp = vqp,
                                   .has_mtu = mtu,
                                   .has_features = features};
    if (vqp)
        memcpy(&attrs->max_vqp, vqp, sizeof(attrs->max_vqp));
    if (mtu)
        memcpy(&attrs->mtu, mtu, sizeof(attrs->mtu));
    if (features)
        memcpy(&attrs->features, features, sizeof(attrs->features));
}

/* ---- one request ---- */

static bool is_family_request(const struct nlmsghdr *request)
{
    const struct genlmsghdr *head = NLMSG_DATA(request);
    const char *name = attr_data(request, CTRL_ATTR_FAMILY_NAME);

    return request->nlmsg_type == GENL_ID_CTRL && head->cmd == CTRL_CMD_GETFAMILY && name &&
           strcmp(name, "vdpa") == 0;
}

/* The requests of all families have one lock. */
static void answer_family(struct kernel_reply *to)
{
    const uint16_t id = FAMILY;
    const uint32_t version = 1, hdrsize = 0, maxattr = LAST_ATTR;

    begin(to, GENL_ID_CTRL, 0);
    *(struct genlmsghdr *)append(to, GENL_HDRLEN) =
        (struct genlmsghdr){.cmd = CTRL_CMD_NEWFAMILY, .version = 2};
    kernel_add(to, CTRL_ATTR_FAMILY_NAME, "vdpa", sizeof("vdpa"));
    kernel_add(to, CTRL_ATTR_FAMILY_ID, &id, sizeof(id));
    kernel_add(to, CTRL_ATTR_VERSION, &version, sizeof(version));
    kernel_add(to, CTRL_ATTR_HDRSIZE, &hdrsize, sizeof(hdrsize));
    kernel_add(to, CTRL_ATTR_MAXATTR, &maxattr, sizeof(maxattr));
    kernel_end(to);
}

static int answer_vdpa(struct kernel_reply *to, char text[LINE_LEN])
{
    const struct genlmsghdr *head = NLMSG_DATA(to->request);
    struct kernel_attrs attrs;

    read_attrs(to->request, &attrs);
    to->dump = (to->request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
    return kernel_vdpa(head->cmd, to->dump, &attrs, to, text);
}

static void answer(int fd, const struct nlmsghdr *request)
{
    char text[LINE_LEN] = "", path[PATH_LEN];
    int lock = kernel_lock(kernel_path(path, "../kernel/lock")), error = 0;

    reply.fd = fd;
    reply.request = request;
    reply.len = reply.taken = 0;
    reply.dump = false;
    if (!kernel_exists("bus/vdpa"))
        error = ENOENT;
    else if (request->nlmsg_type == GENL_ID_CTRL)
        answer_family(&reply);
    else
        error = answer_vdpa(&reply, text);
    close(lock);
    if (error)
        reply.len = 0;
    if (!error && reply.dump)
        finish_dump(&reply);
    else if (error || (request->nlmsg_flags & NLM_F_ACK))
        acknowledge(&reply, error, text);
}

/* ---- calls about sockets ---- */

static bool is_for_made(int fd, const void *data, size_t len)
{
    const struct nlmsghdr *request = data;
    int protocol = 0;
    socklen_t size = sizeof(protocol);

    if (!kernel_root() || len < NLMSG_HDRLEN + GENL_HDRLEN || request->nlmsg_len > len ||
        (request->nlmsg_type != FAMILY && request->nlmsg_type != GENL_ID_CTRL))
        return false;
    return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 &&
           protocol == NETLINK_GENERIC &&
           (request->nlmsg_type == FAMILY || is_family_request(request));
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
    if (msg->msg_iovlen != 1 || !is_for_made(fd, msg->msg_iov[0].iov_base, msg->msg_iov[0].iov_len))
        return REAL(sendmsg)(fd, msg, flags);
    answer(fd, msg->msg_iov[0].iov_base);
    return (ssize_t)msg->msg_iov[0].iov_len;
}

ssize_t sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to,
               socklen_t to_len)
{
    if (!is_for_made(fd, data, len))
        return REAL(sendto)(fd, data, len, flags, to, to_len);
    answer(fd, data);
    return (ssize_t)len;
}

/* The length of the next datagram: whole messages, and those that are no list one by one. */
static size_t next_datagram(void)
{
    size_t len = 0;

    while (reply.taken + len < reply.len) {
        const struct nlmsghdr *hdr = (const void *)(reply.data + reply.taken + len);

        if (len && (!reply.dump || len + hdr->nlmsg_len > DATAGRAM))
            break;
        len += NLMSG_ALIGN(hdr->nlmsg_len);
    }
    return len;
}

static ssize_t deliver(struct msghdr *msg, int flags)
{
    struct sockaddr_nl from = {.nl_family = AF_NETLINK};
    size_t len = next_datagram(), n = msg->msg_iov[0].iov_len;

    n = n < len ? n : len;
    memcpy(msg->msg_iov[0].iov_base, reply.data + reply.taken, n);
    if (msg->msg_name)
        memcpy(msg->msg_name, &from, sizeof(from));
    msg->msg_namelen = sizeof(from);
    msg->msg_controllen = 0;
    msg->msg_flags = n < len ? MSG_TRUNC : 0;
    if (!(flags & MSG_PEEK))
        reply.taken += len;
    if (reply.taken == reply.len)
        reply.fd = -1;
    return (ssize_t)(flags & MSG_TRUNC ? len : n);
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
    if (fd >= 0 && reply.fd == fd)
        return deliver(msg, flags);
    return REAL(recvmsg)(fd, msg, flags);
}

__attribute__((destructor)) static void free_reply(void)
{
    free(reply.data);
    reply.data = NULL;
}
