/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The configuration that the daemon uses, and replacing it while workers use the old one. */
#ifndef VFA_VFALIASD_CONFIG_H
#define VFA_VFALIASD_CONFIG_H

#include "base/error.h"
#include "config/config.h"
#include "daemon.h"

/* A configuration with its count of users. It is freed when the last user drops it, which may be
 * after the daemon got another configuration. */
struct vfa_shared_config {
    atomic_uint users;
    struct vfa_config *config;
};

/* The configuration in use; drop it with vfa_shared_config_unref(). */
struct vfa_shared_config *vfa_daemon_config(struct vfa_daemon *daemon);
void vfa_shared_config_unref(struct vfa_shared_config **shared); /* fits VFA_AUTO */

/* Takes over `config`, on failure too. This and the functions below: main thread only. */
int vfa_daemon_set_config(struct vfa_daemon *daemon, struct vfa_config *config,
                          struct vfa_error *err);

/* Reads the configuration again. If it cannot be used, logs why and keeps the old one. */
void vfa_daemon_reload(struct vfa_daemon *daemon);

/* Reads the configuration again whenever the contents of its files change. */
int vfa_daemon_watch_config(struct vfa_daemon *daemon, struct vfa_error *err);

#endif
