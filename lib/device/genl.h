/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Generic netlink: one request to a family of the kernel, and its reply or its list of replies.
 *
 * The kernel handles a request inside sendmsg(). So sendmsg() takes as long as the kernel does, and
 * no time limit of the socket ends it. While a request of a family without parallel_ops waits
 * ("vdpa" is one), the requests of all such families wait, even the one that looks up a family
 * (genl_rcv_msg() in net/netlink/genetlink.c, kernel 6.1 and 6.12). So requests are made in a child
 * with a time limit (child.h): the parent opens the socket, which never waits, and the child keeps
 * the socket's descriptor.
 *
 * libnl-3 sends, receives and packs attributes. libnl-genl-3 is not used: the header of a message
 * is four bytes, and genl_ctrl_resolve() reports "no such family" for each failure.
 */
#ifndef VFA_DEVICE_GENL_H
#define VFA_DEVICE_GENL_H

#include "base/common.h"
#include "base/error.h"

struct nl_msg;
struct nla_policy;
struct nlattr;
struct vfa_genl;

#define VFA_GENL_TEXT_SIZE 160

enum {
    VFA_GENL_ABSENT = 1, /* the kernel has no such family, in this network namespace */
};

/* Opens a socket with SOCK_CLOEXEC. libnl takes a lock here, so not after fork() in a process with
 * threads. */
int vfa_genl_open(struct vfa_genl **ret, struct vfa_error *err);
struct vfa_genl *vfa_genl_close(struct vfa_genl *genl);
VFA_DEFINE_AUTO(struct vfa_genl, vfa_genl_close);

int vfa_genl_fd(const struct vfa_genl *genl);

struct vfa_genl_call {
    const char *family;
    uint8_t version;
    uint8_t command;
    bool dump; /* a list: take() is called for each of its messages */
    /* Appends the attributes of the request. NULL: none. Returns a negative code of libnl. */
    int (*put)(struct nl_msg *msg, const void *arg);
    const void *put_arg;
    /* Receives the attributes of a reply: attrs[0 to max_attr], checked against the policy; NULL:
     * not in the message. NULL: only an acknowledgement is expected. Returns 0 or -ENOMEM. */
    int (*take)(struct nlattr **attrs, void *arg);
    void *take_arg;
    int max_attr;
    const struct nla_policy *policy;

    /* written by vfa_genl_request() */
    int refusal;                   /* the kernel's positive errno; 0: not refused */
    char text[VFA_GENL_TEXT_SIZE]; /* the kernel's explanation of the refusal, or "" */
};

/* Sends a request and receives the reply. 0: the kernel has done it, or has refused (call->refusal).
 * `what` completes "cannot ...", for errors. Returns VFA_GENL_ABSENT if there is no such family. */
int vfa_genl_request(struct vfa_genl *genl, struct vfa_genl_call *call, const char *what,
                     struct vfa_error *err);

#endif
