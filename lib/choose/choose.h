/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What speaks against giving a device to a request. Pure: facts in, a verdict out. The hook asks
 * about the few devices that the index offers; `vfalias explain` asks about all, with the same
 * words.
 */
#ifndef VFA_CHOOSE_CHOOSE_H
#define VFA_CHOOSE_CHOOSE_H

#include "base/common.h"
#include "base/tags.h"
#include "device/inventory.h"
#include "device/topology.h"
#include "spec/spec.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "verdict.h"

/* What a domain wants: its request in the light of the configuration. All zero: whatever somebody
 * could want. */
struct vfa_criteria {
    const struct vfa_alias *alias; /* NULL: any */
    const struct vfa_tags *tags;   /* of the request */
    const char *domain;            /* name; NULL: any */
    const char *uuid;              /* "": not known */
    enum vfa_attach_kind kind;     /* what the guest is to get */
    enum vfa_numa_policy policy;
    struct vfa_numa_place place;
};

/* request may be NULL: just the alias. domain may be NULL. Everything is borrowed. */
void vfa_criteria_make(const struct vfa_alias *alias, const struct vfa_request *request,
                       const struct vfa_domain *domain, const struct vfa_numa_place *place,
                       struct vfa_criteria *ret);

/* True if the domain may ask for the alias: no permit list, or its name or UUID is on it. */
bool vfa_choose_permits(const struct vfa_criteria *criteria);

/* True if the tags of a device_spec (NULL: none) are what the request wants. */
bool vfa_choose_tags(const struct vfa_criteria *criteria, const struct vfa_spec *spec);

/* What the claim that is in the way (vfa_state_holder()) means for the device. */
enum vfa_verdict vfa_choose_holder(const struct vfa_claim *holder, const struct vfa_device *dev);

struct vfa_facts {
    const struct vfa_device *dev;
    const struct vfa_spec *spec; /* that allows it, or NULL */
    bool claimable;
    const struct vfa_claim *holder; /* the claim in its way, or NULL */
    bool quarantined;
    enum vfa_verdict use; /* VFA_VERDICT_MISSING, or as vfa_health_check() says */
    enum vfa_verdict pf;
    enum vfa_verdict group;
    enum vfa_verdict held; /* vfa_health_held() */
};

/* What the checks of a device said at a scan. */
struct vfa_checked {
    bool known; /* else somebody had the device */
    enum vfa_verdict use, pf, group, held;
};

/* The first thing about the device itself, as it is now, that speaks against it. Heeds only dev,
 * spec, use, pf, group and held. */
enum vfa_verdict vfa_choose_health(const struct vfa_criteria *criteria,
                                   const struct vfa_facts *facts);

/* The first thing that speaks against it; NUMA counts in the loosest pass that the policy has. */
enum vfa_verdict vfa_choose_judge(const struct vfa_criteria *criteria,
                                  const struct vfa_facts *facts);

/* True if NUMA node and policy agree in some pass. */
bool vfa_choose_near(const struct vfa_criteria *criteria, int node);

#endif
