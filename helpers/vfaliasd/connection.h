/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connections to libvirt, and the events that come over the first of them. */
#ifndef VFA_VFALIASD_CONNECTION_H
#define VFA_VFALIASD_CONNECTION_H

#include "base/common.h"
#include "daemon.h"

#include <libvirt/libvirt.h>

void *vfa_daemon_connector(void *daemon); /* a thread's body */

/* A connection; the caller drops its reference by virConnectClose(). NULL: not connected. */
virConnectPtr vfa_daemon_connection(struct vfa_daemon *daemon, unsigned line);
/* Since when events come, in seconds since the epoch. */
int64_t vfa_daemon_connected(struct vfa_daemon *daemon);

#endif
