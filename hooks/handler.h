/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What both handlers share: a table says which function serves a call of libvirt, and how a failure
 * of this function ends.
 *
 * libvirt holds the lock of the domain or network while a hook runs: a handler must not call
 * libvirt. libvirt shows the user what a failing hook writes to stderr, so that is one line; other
 * problems go to the journal. For some calls libvirt reads stdout as XML, and empty means
 * unchanged: only the reply of a function that succeeded is written there.
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
    int64_t began;   /* start of the program, in seconds since the epoch */
    char *reply_xml; /* out: XML that replaces `xml`, to be freed; NULL: unchanged */
};

enum vfa_failing {
    VFA_FAILS_NEVER,   /* failures are logged only */
    VFA_FAILS_REFUSED, /* fails if the function refuses (returns > 0); errors are logged only */
    VFA_FAILS_ALWAYS,
};

struct vfa_handler {
    const char *op;
    const char *subop;
    int (*function)(struct vfa_call *call, struct vfa_error *err);
    enum vfa_failing failing;
};

/* The main() of a handler. A call that is not in the table succeeds and does nothing. `kind`:
 * "domain" or "network". Returns the exit status: 0 or one of these. */
enum {
    VFA_HANDLER_REFUSED = 1,
    VFA_HANDLER_NO_VERDICT = 2, /* an error of VFA_FAILS_ALWAYS, or an incomplete reply on stdout */
};
int vfa_handler_main(int argc, char **argv, const char *kind, const struct vfa_handler *table,
                     size_t n);

/* Writes a warning to the journal; may be used as vfa_host.warn. */
void vfa_handler_warn(const char *text);

/* vfa_unreleased_open_host() that writes non-fatal warnings to the journal. */
int vfa_handler_open_host(const struct vfa_config *config, struct vfa_host *ret,
                          struct vfa_error *err);

#endif
