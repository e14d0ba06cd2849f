/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making the VF of a claim what alias and request want it to be, before the guest uses it, and
 * making it what it was again.
 *
 * Order: what the VF is now is written to the state, in a transaction in which the claim is still
 * there, and committed; only then is anything set, outside of transactions. All of it happens under
 * the device's lock (presence.h). So a domain that stops in between leaves a claim in `releasing`,
 * and whoever finishes that waits for the lock and puts back what was set (claim/release.h). Killed
 * anywhere, the next one finds what is saved and begins anew: to apply twice is to apply once.
 *
 * A driver that says EAGAIN or EBUSY is asked again for VFA_VF_PATIENCE_MS; so is the kernel if it
 * does not find the VF, while sysfs has it.
 *
 * Nothing is ever set for a sysfs root that is not this host's.
 */
#ifndef VFA_PROVISION_VF_APPLY_H
#define VFA_PROVISION_VF_APPLY_H

#include "base/error.h"
#include "device/vf-settings.h"
#include "spec/spec.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "host/host.h"

#define VFA_VF_PATIENCE_MS 2000

/* What is wanted of a device. */
struct vfa_vf_desired {
    struct vfa_vf_settings settings;
    enum vfa_settings_policy policy;
    enum vfa_attach_kind kind; /* a macvtap has its netdev up, and its MTU is the netdev's */
};

/* What the alias says, key by key replaced by what the request says. Either may be NULL. */
void vfa_vf_desired_make(const struct vfa_alias *alias, const struct vfa_request *request,
                         enum vfa_attach_kind kind, struct vfa_vf_desired *ret);

/* Saves and sets. Outside of a transaction. With best_effort host->warn gets what the driver
 * refused, else it is VFA_VF_REFUSED and the VF is as it was. */
int vfa_vf_apply(struct vfa_host *host, const struct vfa_claim *claim,
                 const struct vfa_vf_desired *desired, struct vfa_error *err);

/* libvirt sets the VLAN of an interface itself when it attaches one: the number that the element
 * has (none: 0) with QoS 0 and 802.1Q. Sets what is wanted once more; a number that libvirt set
 * stays. Outside of a transaction, after the device was attached. */
int vfa_vf_apply_vlan(struct vfa_host *host, const struct vfa_claim *claim,
                      const struct vfa_vf_desired *desired, struct vfa_error *err);

/* vfa_vf_apply() for each device of a request that the domain's XML has already, at prepare. Unless
 * 0 the claims are to be released, and err has the line. VFA_VF_REFUSED or an error. */
int vfa_vf_apply_present(struct vfa_host *host, const struct vfa_domain *domain,
                         struct vfa_error *err);

/* vfa_vf_apply_vlan() for each that it has got since, which is one whose claim is not active yet.
 * What cannot be set host->warn is told. */
int vfa_vf_apply_new_vlans(struct vfa_host *host, const struct vfa_domain *domain,
                           struct vfa_error *err);

/* Tells host->warn, with the domain and the request of a claim. */
void vfa_vf_warn(const struct vfa_host *host, const struct vfa_claim *claim,
                 const struct vfa_error *why);

#endif
