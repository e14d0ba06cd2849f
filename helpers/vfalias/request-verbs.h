/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sub-verbs of `vfalias request`, for its table. A sub-verb is one file, cmd-request-VERB.c,
 * and calls no other one. */
#ifndef VFA_VFALIAS_REQUEST_VERBS_H
#define VFA_VFALIAS_REQUEST_VERBS_H

#include "cmd.h"

/* argv[0] is the sub-verb. */
int vfa_request_add(struct vfa_cmd_context *ctx, int argc, char **argv);
int vfa_request_list(struct vfa_cmd_context *ctx, int argc, char **argv);
int vfa_request_ports(struct vfa_cmd_context *ctx, int argc, char **argv);
int vfa_request_remove(struct vfa_cmd_context *ctx, int argc, char **argv);

#endif
