/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The configuration that the daemon has now, and its replacement while workers use the old one. */
#ifndef VFA_VFALIASD_CONFIG_H
#define VFA_VFALIASD_CONFIG_H

#include "base/error.h"
#include "config/config.h"
#include "daemon.h"

/* A configuration and how many use it; another may replace the daemon's while workers still have
 * the old. */
struct vfa_shared_config {
    atomic_uint users;
    struct vfa_config *config;
};

struct vfa_shared_config *vfa_daemon_config(struct vfa_daemon *daemon);
void vfa_shared_config_unref(struct vfa_shared_config **shared); /* fits VFA_AUTO */

/* Takes the configuration over, also when it fails. For the main thread, as the next ones. */
int vfa_daemon_set_config(struct vfa_daemon *daemon, struct vfa_config *config,
                          struct vfa_error *err);

/* Reads the configuration anew; one that cannot be used is logged, and the old one stays. */
void vfa_daemon_reload(struct vfa_daemon *daemon);

/* Does that by itself from now on, whenever the files come to say something else. */
int vfa_daemon_watch_config(struct vfa_daemon *daemon, struct vfa_error *err);

#endif
