/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What vfalias does to the device of a claim before a guest uses it, and how that is undone: one
 * row of a table for each kind of device (claim.kind). An unknown kind is -ENOTSUP.
 *
 * Order, for every kind: what apply is about to change is written to the state, in a transaction
 * that has checked that the claim still exists, and committed. Only then the device is changed,
 * outside of transactions. All of it happens under the device's lock (state/lock.h). So a domain
 * that stops in between leaves a claim in `releasing`; the program that finishes the release waits
 * for the lock and undoes what was changed (claim/release.h). After a program was killed, the next
 * program finds what is saved and starts again: to apply twice is the same as to apply once.
 *
 * Nothing is changed for a sysfs root that is not this host's.
 */
#ifndef VFA_PROVISION_PROVISIONER_H
#define VFA_PROVISION_PROVISIONER_H

#include "base/error.h"
#include "base/mac.h"
#include "device/attributes.h"
#include "device/vf-settings.h"
#include "spec/spec.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/saved.h"
#include "host/host.h"

struct vfa_netlink;

enum {
    VFA_VF_REFUSED = VFA_REFUSED, /* err has the line for a person */
    VFA_VF_STALE = 2,             /* the claim does not exist any more: nothing was changed */
    VFA_VF_NOT_NOW = 3,           /* the driver refused for now; err has the line for a person */
    VFA_VF_NOT_YET = 4,           /* the same of an attribute, which gets less time: release.h */
    VFA_VF_FULL = 5,              /* the maker can make no more: err has the line for a person */
};

/* What is wanted of a device. */
struct vfa_desired {
    struct vfa_vf_settings settings;
    enum vfa_settings_policy policy;
    enum vfa_attach_kind kind; /* a macvtap needs its netdev up, and its MTU is the netdev's */
    struct vfa_attributes attributes; /* of the alias, borrowed */

    /* of a device that is made: */
    struct vfa_vdpa_config vdpa;
    char mac[VFA_MAC_SIZE]; /* of the guest's NIC; "": it is none */
    const char *path;       /* that the element names; NULL: there is no element, or it names none.
                               Borrowed from the domain */
};

/* What alias, request and element of a domain want of the device of the request `name`: the settings
 * of the alias, replaced key by key by those of the request; the MAC address of the element, or that
 * which an element would get (domain/domxml.h). `alias` may be NULL, and must outlive *ret. */
int vfa_desired_make(const struct vfa_domain *domain, const char *name,
                     const struct vfa_alias *alias, struct vfa_desired *ret, struct vfa_error *err);

/* Saves and changes the device, before the guest gets it; makes a device that is to be made. Call it
 * outside of a transaction. 0, VFA_VF_STALE, VFA_VF_REFUSED (the device is as it was), an error, or of
 * a device that is to be made, VFA_VF_FULL or VFA_VF_NOT_NOW. With the policy best_effort, host->warn
 * receives what the driver refused. */
int vfa_provisioner_apply(struct vfa_host *host, const struct vfa_claim *claim,
                          const struct vfa_desired *desired, struct vfa_error *err);

/* Corrects what libvirt changed while it attached the device. Call it outside of a transaction,
 * after the attach. Results as above; what was changed before a refusal stays changed. */
int vfa_provisioner_after_attach(struct vfa_host *host, const struct vfa_claim *claim,
                                 const struct vfa_desired *desired, struct vfa_error *err);

/* Restores what is saved of a device: all of it that can be restored. Destroys a device that was
 * made. The caller holds the device's lock. 0 (also if the device is gone), VFA_VF_NOT_NOW,
 * VFA_VF_NOT_YET, VFA_VF_REFUSED (err has the driver's errno) or -ENOTSUP. */
int vfa_provisioner_undo(struct vfa_host *host, struct vfa_netlink *nl,
                         const struct vfa_saved *saved, struct vfa_error *err);

/* At prepare: vfa_provisioner_apply() for each claim of the domain whose device is in the XML, or is
 * made: also those that vfaliasd will hot-plug. On a positive result or an error the caller releases
 * the claims. VFA_VF_FULL: ret_full, which has VFA_DEVICE_ID_SIZE bytes, names the maker that can
 * make no more (state/full.h). */
int vfa_provisioner_apply_present(struct vfa_host *host, const struct vfa_domain *domain,
                                  char *ret_full, struct vfa_error *err);

/* vfa_provisioner_after_attach() for each device that the domain has got since, that is, whose
 * claim is not active yet. host->warn receives refusals. */
int vfa_provisioner_after_attach_present(struct vfa_host *host, const struct vfa_domain *domain,
                                         struct vfa_error *err);

#endif
