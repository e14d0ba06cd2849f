/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Judges whether a request can get a device. Pure: facts in, a verdict out. Hooks judge the few
 * devices that the index offers, `vfalias explain` judges all devices; both use these functions.
 */
#ifndef VFA_CHOOSE_CHOOSE_H
#define VFA_CHOOSE_CHOOSE_H

#include "base/common.h"
#include "base/tags.h"
#include "device/device.h"
#include "device/topology.h"
#include "spec/spec.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "verdict.h"

/* What a request wants, according to the configuration. All zero: no restriction. */
struct vfa_criteria {
    const struct vfa_alias *alias; /* NULL: any */
    const struct vfa_tags *tags;   /* of the request */
    const char *domain;            /* name; NULL: any */
    const char *uuid;              /* "": unknown */
    enum vfa_attach_kind kind;     /* how the guest gets the device */
    enum vfa_numa_policy policy;
    struct vfa_numa_place place;
};

/* request may be NULL: the alias alone counts. domain may be NULL. All pointers are borrowed. */
void vfa_criteria_make(const struct vfa_alias *alias, const struct vfa_request *request,
                       const struct vfa_domain *domain, const struct vfa_numa_place *place,
                       struct vfa_criteria *ret);

/* True if the domain may use the alias: the alias has no permit list, or the list contains the
 * domain's name or UUID. */
bool vfa_choose_permits(const struct vfa_criteria *criteria);

/* True if a device_spec (NULL: no tags) has all tags that the request wants. */
bool vfa_choose_tags(const struct vfa_criteria *criteria, const struct vfa_spec *spec);

/* The verdict on a device for a claim that conflicts with it, and for the key in conflict
 * (state/conflict.h). */
enum vfa_verdict vfa_choose_holder(const struct vfa_claim *holder, const char *key,
                                   const struct vfa_device *dev);

struct vfa_facts {
    const struct vfa_device *dev;
    const struct vfa_spec *spec; /* the device_spec that allows the device, or NULL */
    bool claimable;
    const struct vfa_claim *holder; /* the claim that conflicts, or NULL */
    const char *key;                /* the key in conflict, or NULL */
    bool quarantined;
    enum vfa_verdict use; /* VFA_VERDICT_MISSING, or from vfa_health_check(), as are pf and group */
    enum vfa_verdict pf;
    enum vfa_verdict group;
    enum vfa_verdict held; /* from vfa_health_held() */
    bool vfio;             /* it is bound to a VFIO driver: from vfa_health_check() */
};

/* The results of the health checks of a device during a scan. */
struct vfa_checked {
    bool known; /* false: the device was claimed and not checked */
    enum vfa_verdict use, pf, group, held;
    bool vfio;
};

/* True if libvirt expects a device of this spec (or NULL) to be bound to a VFIO driver: the
 * guest gets the device itself, and vfa_alias_managed() is false. */
bool vfa_choose_needs_vfio(const struct vfa_criteria *criteria, const struct vfa_spec *spec);

/* The first verdict on the current state of the device itself. Uses only dev, spec, use, pf, group,
 * held and vfio. Not for a device that a guest has: that device has another driver and no netdev. */
enum vfa_verdict vfa_choose_health(const struct vfa_criteria *criteria,
                                   const struct vfa_facts *facts);

/* The first verdict in the order of verdict.h. For NUMA the loosest pass of the policy counts. */
enum vfa_verdict vfa_choose_judge(const struct vfa_criteria *criteria,
                                  const struct vfa_facts *facts);

/* True if the policy allows the node in any pass. */
bool vfa_choose_near(const struct vfa_criteria *criteria, int node);

#endif
