/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the second halves of the hooks have in common: which call of libvirt is which function, and
 * what becomes of its failure.
 *
 * libvirt has the domain or the network locked while a hook runs: nothing here may call libvirt.
 * What a failing hook writes to stderr reaches the user, so that is one line; what goes wrong
 * otherwise is for the journal. stdout is read as XML by libvirt for some calls, and empty means
 * unchanged: nothing is written there but the answer of a function that succeeded.
 */
#ifndef VFA_HOOKS_HANDLER_H
#define VFA_HOOKS_HANDLER_H

#include "base/common.h"
#include "base/error.h"
#include "base/io.h"
#include "config/config.h"
#include "host/host.h"

struct vfa_call {
    const char *object; /* the domain or network, as libvirt names it in argv */
    struct vfa_io_data xml;
    int64_t began;   /* when the program did, in seconds since the epoch */
    char *reply_xml; /* out: XML in place of this one, to be freed; NULL: it stays as it is */
};

enum vfa_failing {
    VFA_FAILS_NEVER,   /* nobody may suffer: logged only */
    VFA_FAILS_REFUSED, /* if the function returns more than 0; its errors are logged only */
    VFA_FAILS_ALWAYS,
};

struct vfa_handler {
    const char *op;
    const char *subop;
    int (*function)(struct vfa_call *call, struct vfa_error *err);
    enum vfa_failing failing;
};

/* A main(): what is not in the table succeeds without doing anything. `kind`: "domain" or
 * "network". Returns the exit status: 0 or one of these. */
enum {
    VFA_HANDLER_REFUSED = 1,
    VFA_HANDLER_NO_VERDICT = 2, /* an error where these count, or half an answer on stdout */
};
int vfa_handler_main(int argc, char **argv, const char *kind, const struct vfa_handler *table,
                     size_t n);

/* Says something in the journal and goes on; fits vfa_host.warn. */
void vfa_handler_warn(const char *text);

/* vfa_unreleased_open_host(), with the journal told of what goes wrong beside the point. */
int vfa_handler_open_host(const struct vfa_config *config, struct vfa_host *ret,
                          struct vfa_error *err);

#endif
