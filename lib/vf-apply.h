/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making the VF of a claim what alias and request want it to be, before the guest uses it, and
 * making it what it was again.
 *
 * Order: what the VF is now is written to the state and committed; only then is anything set. The
 * setting itself happens inside a second transaction, in which the claim is still there: so a
 * domain that stops in between is not given a VF that it no longer has, and what it left behind is
 * set back before the claim goes (release.h). Killed anywhere, the next one finds what is saved and
 * begins anew: to apply twice is to apply once.
 *
 * Nothing is ever set for a sysfs root that is not this host's.
 */
#ifndef VFA_VF_APPLY_H
#define VFA_VF_APPLY_H

#include "allocate.h"

struct vfa_netlink;

enum {
    VFA_VF_REFUSED = 1, /* err has the line for a person */
    VFA_VF_STALE = 2,   /* the claim is not there any more: nothing was set */
};

/* What is wanted of a device. */
struct vfa_vf_order {
    struct vfa_vf_settings settings;
    enum vfa_settings_policy policy;
    enum vfa_attach_kind kind; /* a macvtap has its netdev up, and its MTU is the netdev's */
};

/* What the alias says, key by key replaced by what the request says. Either may be NULL. */
void vfa_vf_order_make(const struct vfa_alias *alias, const struct vfa_request *request,
                       enum vfa_attach_kind kind, struct vfa_vf_order *ret);

/* Saves and sets. Outside of a transaction. With best_effort host->warn gets what the driver
 * refused, else it is VFA_VF_REFUSED and the VF is as it was. */
int vfa_vf_apply(struct vfa_host *host, const struct vfa_claim *claim,
                 const struct vfa_vf_order *order, struct vfa_error *err);

/* libvirt sets the VLAN of an interface itself when it attaches one: the number that the element
 * has (none: 0) with QoS 0 and 802.1Q. Sets what is wanted once more; a number that libvirt set
 * stays. Outside of a transaction, after the device was attached. */
int vfa_vf_apply_vlan(struct vfa_host *host, const struct vfa_claim *claim,
                      const struct vfa_vf_order *order, struct vfa_error *err);

/* vfa_vf_apply() for each device of a request that the domain's XML has already, at prepare. Unless
 * 0 the claims are to be released, and err has the line. VFA_VF_REFUSED or an error. */
int vfa_vf_apply_present(struct vfa_host *host, const struct vfa_domain *domain,
                         struct vfa_error *err);

/* vfa_vf_apply_vlan() for each that it has got since, which is one whose claim is not active yet.
 * What cannot be set host->warn is told. */
int vfa_vf_apply_new_vlans(struct vfa_host *host, const struct vfa_domain *domain,
                           struct vfa_error *err);

/* Makes a device what it was. 0 (also if it is gone) or VFA_VF_REFUSED. */
int vfa_vf_undo(const struct vfa_sysfs *sysfs, struct vfa_netlink *nl,
                const struct vfa_saved *saved, struct vfa_error *err);

#endif
