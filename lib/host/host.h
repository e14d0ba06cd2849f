/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One host: its configuration, its sysfs and its state, opened together. Functions that change
 * cards or claims take a struct vfa_host.
 */
#ifndef VFA_HOST_HOST_H
#define VFA_HOST_HOST_H

#include "base/common.h"
#include "base/error.h"
#include "device/sysfs.h"
#include "config/config.h"
#include "state/state.h"

struct vfa_host {
    const struct vfa_config *config; /* borrowed */
    struct vfa_sysfs sysfs;
    struct vfa_state *state;
    void (*warn)(const char *text); /* receives non-fatal warnings; may be NULL */
    /* Makes or destroys a device as the record says, in another process, and waits for its result:
     * see vfa_made_errand() in provision/made.h. For a program that may not do that itself. NULL: it
     * is done here. */
    int (*run_maker)(void *data, const char *verb, const char *device, struct vfa_error *err);
    void *maker_data; /* of run_maker */
    char *lacks;      /* why the last scan is without the devices of a kind, or NULL */
    bool slow;        /* the kernel did not answer when devices were put back last */
    bool scanned;     /* the present vfa_transaction_run() has scanned the hardware already */
};

/* A host that is not open; fits VFA_AUTO(vfa_host_clear). */
#define VFA_HOST_INIT                                                                              \
    {                                                                                              \
        .sysfs = {.rootfd = -1 }                                                                   \
    }

/* Opens sysfs and the state file, for writing, as the configuration says. Programs that claim or
 * release devices call vfa_unreleased_open_host() instead. `config` is borrowed until
 * vfa_host_clear(). *ret is written only on success; clear it with vfa_host_clear(). Returns 0 or
 * an error of vfa_sysfs_open() or vfa_state_open(). */
int vfa_host_open(const struct vfa_config *config, struct vfa_host *ret, struct vfa_error *err);

/* Closes sysfs and state; the configuration stays with its owner. A host that is not open is
 * fine. */
void vfa_host_clear(struct vfa_host *host);

/* The folder of the links to the nodes of made devices: "vdpa" beside the state file. free() it;
 * NULL: no memory. */
char *vfa_made_folder(const struct vfa_config *config);

#endif
