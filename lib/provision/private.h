/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between provisioner.h and the rows of its table. */
#ifndef VFA_PROVISION_PRIVATE_H
#define VFA_PROVISION_PRIVATE_H

#include "base/common.h"
#include "base/error.h"
#include "base/patience.h"
#include "device/sysfs.h"
#include "device/vf-settings.h"
#include "device/vf.h"
#include "state/claims.h"
#include "state/saved.h"
#include "host/host.h"
#include "provisioner.h"

struct vfa_netlink;

#define VFA_PROVISIONER_PATIENCE_MS 2000 /* of one job, for lock and driver together */

/* What vf-apply.h keeps between plan and apply. */
struct vfa_vf_work {
    struct vfa_vf vf;
    struct vfa_vf_settings now; /* mtu: of the VF's own netdev, for a macvtap */
    bool up;                    /* that netdev */
    unsigned change;            /* settings that differ from what is wanted, as bits */
    bool raise;                 /* apply sets the netdev up */
};

struct vfa_job;

enum { VFA_STEP_BEFORE_ATTACH, VFA_STEP_AFTER_ATTACH, VFA_STEPS };

/* plan reads the device, fills job->saved and changes nothing. apply runs after job->saved was
 * committed. Both run under the device's lock and outside of transactions. */
struct vfa_step_functions {
    bool (*is_wanted)(const struct vfa_job *job); /* false: nothing to do, the lock is not needed */
    int (*plan)(struct vfa_job *job, struct vfa_error *err);
    int (*apply)(struct vfa_job *job, struct vfa_error *err);
    bool undo_refused; /* what apply changed before it failed is undone at once */
};

struct vfa_provisioner {
    const char *kind;
    struct vfa_step_functions steps[VFA_STEPS];
    int (*undo)(struct vfa_host *host, struct vfa_netlink *nl, const struct vfa_saved *saved,
                struct vfa_error *err);
};

/* One step for one claim. */
struct vfa_job {
    const struct vfa_provisioner *provisioner;
    struct vfa_host *host;
    const struct vfa_claim *claim;
    const struct vfa_desired *desired;
    struct vfa_patience patience;
    struct vfa_netlink *nl;  /* opened by the row when needed, closed by provisioner.h */
    struct vfa_saved saved;  /* by plan: what undo has to restore; cleared by provisioner.h */
    struct vfa_vf_work work; /* of the kind "pci" */
    bool done;               /* of a made device: it is as it is wanted */
};

/* ---- the kinds "vdpa" and "mdev": see made.h ---- */
bool vfa_made_is_wanted(const struct vfa_job *job);
int vfa_made_plan(struct vfa_job *job, struct vfa_error *err);
int vfa_made_apply(struct vfa_job *job, struct vfa_error *err);
int vfa_made_undo(struct vfa_host *host, const struct vfa_saved *saved, struct vfa_error *err);

/* Sends `why` to host->warn, with the domain and the request of the claim. */
void vfa_provisioner_warn(const struct vfa_host *host, const struct vfa_claim *claim,
                          const struct vfa_error *why);

#endif
