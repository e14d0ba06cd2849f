/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verbs of vfalias(1), for main()'s table. argv[0] is the verb; each returns an exit status
 * (cmd.h). Each verb is one file, cmd-VERB.c, and calls no other verb. */
#ifndef VFA_VFALIAS_VERBS_H
#define VFA_VFALIAS_VERBS_H

struct vfa_cmd_context;

int vfa_cmd_attach(struct vfa_cmd_context *ctx, int argc, char **argv);
int vfa_cmd_check(struct vfa_cmd_context *ctx, int argc, char **argv);
int vfa_cmd_claims(struct vfa_cmd_context *ctx, int argc, char **argv);
int vfa_cmd_detach(struct vfa_cmd_context *ctx, int argc, char **argv);
int vfa_cmd_devices(struct vfa_cmd_context *ctx, int argc, char **argv);
int vfa_cmd_explain(struct vfa_cmd_context *ctx, int argc, char **argv);
int vfa_cmd_gc(struct vfa_cmd_context *ctx, int argc, char **argv);
int vfa_cmd_migrate(struct vfa_cmd_context *ctx, int argc, char **argv);
int vfa_cmd_quarantine(struct vfa_cmd_context *ctx, int argc, char **argv);
int vfa_cmd_release(struct vfa_cmd_context *ctx, int argc, char **argv);
int vfa_cmd_request(struct vfa_cmd_context *ctx, int argc, char **argv);
int vfa_cmd_resolve(struct vfa_cmd_context *ctx, int argc, char **argv);
int vfa_cmd_rescan(struct vfa_cmd_context *ctx, int argc, char **argv);
int vfa_cmd_start(struct vfa_cmd_context *ctx, int argc, char **argv);
int vfa_cmd_stats(struct vfa_cmd_context *ctx, int argc, char **argv);
int vfa_cmd_vfs(struct vfa_cmd_context *ctx, int argc, char **argv);

#endif
