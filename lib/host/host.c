/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See host.h. Opening changes nothing but what vfa_state_open() changes. */

#include "host.h"

#include "base/error.h"
#include "device/sysfs.h"
#include "config/config.h"
#include "state/state.h"

#include <string.h>

int vfa_host_open(const struct vfa_config *config, struct vfa_host *ret, struct vfa_error *err)
{
    struct vfa_host host = VFA_HOST_INIT;
    int r = vfa_sysfs_open(config->sysfs_root, &host.sysfs, err);

    host.config = config;
    if (r == 0)
        r = vfa_state_open(config->state_path, config->libvirt_run, VFA_STATE_WRITE, &host.state,
                           err);
    if (r == 0)
        *ret = host;
    else
        vfa_host_clear(&host);
    return r;
}

void vfa_host_clear(struct vfa_host *host)
{
    host->state = vfa_state_close(host->state);
    vfa_sysfs_close(&host->sysfs);
    free(host->lacks);
    host->lacks = NULL;
}

char *vfa_made_folder(const struct vfa_config *config)
{
    const char *slash = strrchr(config->state_path, '/');
    int len = slash ? (int)(slash - config->state_path) : 0;
    char *folder = NULL;

    return asprintf(&folder, "%.*s/vdpa", len, config->state_path) < 0 ? NULL : folder;
}
