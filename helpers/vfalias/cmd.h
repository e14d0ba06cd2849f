/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the verbs of vfalias(1) share: the global options as they were given, the parser of a verb's
 * own options, and how errors reach the user. One verb is one file, cmd-VERB.c; vfalias.c has their
 * table.
 *
 * Exit statuses: 0 fine, 1 no (not found, nothing there, differs, cannot), 2 usage or configuration
 * error. An error is one line on stderr that starts with "vfalias: ". No verb knows another one.
 */
#ifndef VFA_VFALIAS_CMD_H
#define VFA_VFALIAS_CMD_H

#include "base/common.h"
#include "base/error.h"
#include "config/config.h"
#include "state/claims.h"
#include "state/state.h"

enum {
    VFA_CMD_FINE = 0,
    VFA_CMD_NO = 1,
    VFA_CMD_USAGE = 2,
};

struct vfa_cmd_context {
    const char *config_path;   /* --config, or NULL */
    const char *sysfs_root;    /* --sysfs-root, or NULL */
    const char *state_path;    /* --state, or NULL */
    const char *connect_uri;   /* --connect, or NULL */
    struct vfa_config *config; /* read by vfa_cmd_begin(), with --sysfs-root and --state put in */
    bool foreign;              /* --sysfs-root is not the tree of this host */
    bool use_state; /* false: foreign without --state, so there are no claims to speak of */
};

/* ---- a verb's options and operands ---- */
struct vfa_cmd_flag {
    const char *name;   /* long option without the dashes */
    bool *on;           /* set when it is given; or */
    const char **value; /* it takes a value, borrowed from argv */
    /* Both: it may be repeated, and value is an array of VFA_CMD_REPEAT_MAX + 1 places, closed by
     * NULL. */
};

#define VFA_CMD_OPERANDS_MAX 2
#define VFA_CMD_REPEAT_MAX   32

struct vfa_cmd_syntax {
    const char *verb; /* "devices", "request add": for messages and --help */
    const struct vfa_cmd_flag *flags;
    size_t n_flags;
    const char *operands[VFA_CMD_OPERANDS_MAX + 1]; /* their names, closed by NULL; those that may
                                                       be left out in brackets: "[DOMAIN]" */
};

/* The first half of vfa_cmd_begin(), which parses, for verbs that do not always want the
 * configuration; and the second, which reads it. */
bool vfa_cmd_parse(const struct vfa_cmd_syntax *syntax, int argc, char **argv,
                   const char **ret_operands, int *ret_exit);
bool vfa_cmd_load(struct vfa_cmd_context *ctx, int *ret_exit);

/* Parses argv[1...] and reads the configuration. ret_operands has a place for each operand (NULL if
 * there are none); one that was left out is NULL. False: *ret_exit is the status to exit with (a
 * message or the help is printed already). */
bool vfa_cmd_begin(struct vfa_cmd_context *ctx, const struct vfa_cmd_syntax *syntax, int argc,
                   char **argv, const char **ret_operands, int *ret_exit);

/* Prints the synopsis (NULL), or the synopsis of a verb and what the verb and its options do, on
 * stdout. */
void vfa_cmd_print_help(const char *verb);

/* ---- errors ---- */

/* Prints "vfalias: TEXT" and returns VFA_CMD_NO resp. VFA_CMD_USAGE. */
int vfa_cmd_fail(const char *fmt, ...) VFA_PRINTF(1, 2);
int vfa_cmd_fail_usage(const char *fmt, ...) VFA_PRINTF(1, 2);
/* The same with the text of an error. */
int vfa_cmd_fail_error(const struct vfa_error *err);
void vfa_cmd_warn(const char *text); /* goes on; fits vfa_host.warn */

/* ---- things that several verbs do ---- */

/* Opens the state for reading; NULL in *ret when there is no state file or it is not to be looked
 * at. */
int vfa_cmd_open_state(const struct vfa_cmd_context *ctx, struct vfa_state **ret,
                       struct vfa_error *err);

/* The claims on record, of one domain or (uuid NULL) all; none when there is no state. Clear *ret
 * with vfa_claims_clear(). */
int vfa_cmd_load_claims(const struct vfa_cmd_context *ctx, const char *uuid, struct vfa_claims *ret,
                        struct vfa_error *err);

/* The same for all domains, and the claims whose devices are being released or cleaned. */
int vfa_cmd_load_all_claims(const struct vfa_cmd_context *ctx, struct vfa_claims *ret,
                            struct vfa_error *err);

/* Prints how many claims were dropped, and how many devices are still being released (if any). */
void vfa_cmd_print_dropped(size_t claims, size_t left);

/* For verbs that write the state: false, and a message, when it is not the state of the tree. */
bool vfa_cmd_may_write(const struct vfa_cmd_context *ctx);

/* Seconds since the epoch for a table (local time) or, utc, for JSON (ISO 8601). Returns buf. */
const char *vfa_cmd_time(int64_t since, bool utc, char *buf, size_t size);

#endif
