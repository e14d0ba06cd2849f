/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the verbs of vfalias(1) share: the global options, the parser of a verb's own options, and
 * error output. Each verb is one file, cmd-VERB.c (verbs.h), and calls no other verb.
 *
 * Exit status: 0 success, 1 failure or a negative result (not found, nothing free, differences), 2
 * usage or configuration error. An error is one line on stderr that starts with "vfalias: ".
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
    struct vfa_config *config; /* set by vfa_cmd_load(), with --sysfs-root and --state applied */
    bool foreign;              /* --sysfs-root is the tree of another host */
    bool use_state;            /* false: foreign without --state, so no claims are known */
};

/* ---- a verb's options and operands ---- */
struct vfa_cmd_flag {
    const char *name;   /* long option without the dashes */
    bool *on;           /* set to true if the option is given; or NULL */
    const char **value; /* set to the option's value, borrowed from argv; NULL: it takes no value */
    /* With both set, the option may be repeated: `value` is an array of VFA_CMD_REPEAT_MAX + 1
     * entries that ends with NULL. */
};

#define VFA_CMD_OPERANDS_MAX 2
#define VFA_CMD_REPEAT_MAX   32

struct vfa_cmd_syntax {
    const char *verb; /* "devices", "request add": for messages and --help */
    const struct vfa_cmd_flag *flags;
    size_t n_flags;
    /* Names of the operands, NULL at the end; an optional operand has brackets: "[DOMAIN]". */
    const char *operands[VFA_CMD_OPERANDS_MAX + 1];
};

/* The two steps of vfa_cmd_begin(): parse the arguments, read the configuration. For verbs that do
 * not always need the configuration. */
bool vfa_cmd_parse(const struct vfa_cmd_syntax *syntax, int argc, char **argv,
                   const char **ret_operands, int *ret_exit);
bool vfa_cmd_load(struct vfa_cmd_context *ctx, int *ret_exit);

/* Parses argv[1...] and reads the configuration. ret_operands has room for each operand (NULL if
 * the verb has none); an omitted operand is NULL. False: a message or the help was printed, and
 * *ret_exit is the exit status. */
bool vfa_cmd_begin(struct vfa_cmd_context *ctx, const struct vfa_cmd_syntax *syntax, int argc,
                   char **argv, const char **ret_operands, int *ret_exit);

/* Prints on stdout the synopsis of all verbs (NULL), or the synopsis and description of `verb` and
 * its sub-verbs. */
void vfa_cmd_print_help(const char *verb);

/* ---- errors ---- */

/* Print "vfalias: TEXT" on stderr and return VFA_CMD_NO or VFA_CMD_USAGE. */
int vfa_cmd_fail(const char *fmt, ...) VFA_PRINTF(1, 2);
int vfa_cmd_fail_usage(const char *fmt, ...) VFA_PRINTF(1, 2);
/* The same with the text of an error; returns VFA_CMD_NO. */
int vfa_cmd_fail_error(const struct vfa_error *err);
void vfa_cmd_warn(const char *text); /* fits vfa_host.warn */

/* ---- shared by several verbs ---- */

/* Opens the state for reading. *ret is NULL, and the result 0, if there is no state file or
 * ctx->use_state is false. */
int vfa_cmd_open_state(const struct vfa_cmd_context *ctx, struct vfa_state **ret,
                       struct vfa_error *err);

/* Reads the claims that one domain holds, or (uuid NULL) all domains; none if there is no state.
 * Clear *ret with vfa_claims_clear(). */
int vfa_cmd_load_claims(const struct vfa_cmd_context *ctx, const char *uuid, struct vfa_claims *ret,
                        struct vfa_error *err);

/* Reads the claims of all domains, also those whose devices are being released or cleaned. */
int vfa_cmd_load_all_claims(const struct vfa_cmd_context *ctx, struct vfa_claims *ret,
                            struct vfa_error *err);

/* Prints how many claims were dropped, and how many devices are still being released (if any). */
void vfa_cmd_print_dropped(size_t claims, size_t left);

/* For verbs that write the state: false, with a message, if ctx->use_state is false. */
bool vfa_cmd_may_write(const struct vfa_cmd_context *ctx);

/* Formats seconds since the epoch: as local time for tables, or (utc) as ISO 8601 for JSON. Returns
 * buf. */
const char *vfa_cmd_time(int64_t since, bool utc, char *buf, size_t size);

#endif
