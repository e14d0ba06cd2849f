/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See attribute-apply.h. What apply writes is what plan has put into job->saved.attributes. */

#include "attribute-apply.h"

#include "base/common.h"
#include "base/error.h"
#include "base/patience.h"
#include "base/pci-address.h"
#include "device/attribute-file.h"
#include "device/attributes.h"
#include "device/pci.h"
#include "device/sysfs.h"
#include "state/claims.h"
#include "state/saved.h"
#include "host/host.h"
#include "private.h"
#include "provisioner.h"

#include <errno.h>
#include <string.h>

/* 0 with *ret_fd, or VFA_VF_REFUSED. */
static int open_device_folder(const struct vfa_job *job, int *ret_fd, struct vfa_error *err)
{
    struct vfa_pci_addr addr;

    if (vfa_parse_pci_addr(job->claim->device, &addr) < 0)
        return vfa_refuse(err, EINVAL, "'%s' is not a PCI device", job->claim->device);
    *ret_fd = vfa_pci_open(&job->host->sysfs, &addr);
    if (*ret_fd >= 0)
        return 0;
    if (errno == ENOENT || errno == ENODEV)
        return vfa_refuse(err, ENODEV, "%s is gone", job->claim->device);
    return vfa_refuse(err, errno, "cannot open the folder of %s: %s", job->claim->device,
                      strerror(errno));
}

bool vfa_attributes_is_wanted(const struct vfa_job *job)
{
    return job->desired->attributes.n > 0 && vfa_sysfs_is_host(&job->host->sysfs);
}

/* ---- what is written ---- */

static int plan_attribute(struct vfa_job *job, int fd, const struct vfa_attribute *want,
                          struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    char now[VFA_ATTRIBUTE_VALUE_MAX + 1];

    if (vfa_attribute_read(fd, want->name, now, &why) < 0)
        return vfa_refuse(
            err, why.code,
            "cannot set attribute '%s' of %s: cannot read what it is now, so it could not be set back: %s",
            want->name, job->claim->device, vfa_error_text(&why));
    if (vfa_attribute_same(now, want->value))
        return 0;
    return vfa_attributes_set(&job->saved.attributes, want->name, now, err);
}

int vfa_attributes_plan(struct vfa_job *job, struct vfa_error *err)
{
    const struct vfa_attributes *want = &job->desired->attributes;
    VFA_AUTO(vfa_closep) int fd = -1;
    int r = open_device_folder(job, &fd, err);

    for (size_t i = 0; r == 0 && i < want->n; i++)
        r = plan_attribute(job, fd, &want->items[i], err);
    return r;
}

/* ---- writing ---- */

static int refuse_write(const struct vfa_job *job, const struct vfa_attribute *want,
                        const struct vfa_error *why, struct vfa_error *err)
{
    return vfa_refuse(err, why->code, "cannot set attribute '%s' of %s to '%.60s': %s", want->name,
                      job->claim->device, want->value, vfa_error_text(why));
}

static int write_attribute(struct vfa_job *job, int fd, const struct vfa_attribute *want,
                           struct vfa_error *err)
{
    for (;;) {
        VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;

        if (vfa_attribute_set(fd, want->name, want->value, &why) == 0)
            return 0;
        if (!vfa_attribute_is_busy(&why) || !vfa_patience_wait(&job->patience))
            return refuse_write(job, want, &why, err);
    }
}

int vfa_attributes_apply(struct vfa_job *job, struct vfa_error *err)
{
    const struct vfa_attributes *want = &job->desired->attributes;
    VFA_AUTO(vfa_closep) int fd = -1;
    int r = open_device_folder(job, &fd, err);

    for (size_t i = 0; r == 0 && i < want->n; i++) {
        if (vfa_attributes_find(&job->saved.attributes, want->items[i].name))
            r = write_attribute(job, fd, &want->items[i], err);
    }
    return r;
}
