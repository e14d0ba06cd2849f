/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sub-verbs of `vfalias request`, for the table of vfa_cmd_request(). Each sub-verb calls no
 * other sub-verb. */
#ifndef VFA_VFALIAS_REQUEST_VERBS_H
#define VFA_VFALIAS_REQUEST_VERBS_H

#include "cmd.h"

/* argv[0] is the sub-verb. */
int vfa_request_add(struct vfa_cmd_context *ctx, int argc, char **argv);
int vfa_request_list(struct vfa_cmd_context *ctx, int argc, char **argv);
int vfa_request_ports(struct vfa_cmd_context *ctx, int argc, char **argv);
int vfa_request_remove(struct vfa_cmd_context *ctx, int argc, char **argv);

#endif
