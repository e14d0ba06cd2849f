/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the files of this room: one allocation for a domain, inside one transaction. */
#ifndef VFA_CLAIM_PRIVATE_H
#define VFA_CLAIM_PRIVATE_H

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "device/health.h"
#include "device/topology.h"
#include "spec/spec.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "host/host.h"
#include "choose/choose.h"
#include "choose/verdict.h"

/* Sees each device that vfa_alloc_pick() visits, in their order. */
struct vfa_alloc_observer {
    /* The first device follows. Called a second time if nothing was found before a scan. */
    void (*begin)(void *data);
    /* 0, or an error, which ends the choice. */
    int (*visited)(void *data, const struct vfa_device *indexed, enum vfa_verdict verdict,
                   struct vfa_error *err);
    void *data;
    /* vfa_alloc_pick() visits all candidates and claims none: it makes the claim of the chosen
     * device and undoes it. It does not try the devices behind that: VFA_VERDICT_CANDIDATE. */
    bool go_on;
    /* It tries no device: all are VFA_VERDICT_CANDIDATE. */
    bool show_only;
};

struct vfa_alloc {
    struct vfa_host *host;
    const struct vfa_domain *domain;
    struct vfa_numa_place place;
    struct vfa_health_context health_context;  /* what the host uses; read with the first device */
    bool rescanned;                            /* the hardware was scanned, or must not be */
    bool arriving;                             /* claims for requests are incoming */
    bool knows_claims;                         /* vfa_alloc_load_claims() has filled these two: */
    struct vfa_claims claims;                  /* claims of the domain, equal to the state */
    size_t n_earlier;                          /* how many of them are older than this allocation */
    bool start_refused;                        /* refused; vfaliasd repairs the definition */
    const struct vfa_alloc_observer *observer; /* may be NULL */
    const int64_t *ended; /* VFA_COUNTER_ENDED before the XML was read; NULL: the XML is current */
    const struct vfa_unrecorded *unrecorded; /* as in struct vfa_alloc_job */
};

void vfa_alloc_clear(struct vfa_alloc *a);

/* A job for a domain, in one transaction. */
struct vfa_alloc_job {
    const struct vfa_domain *domain;
    int (*what)(struct vfa_alloc *a, struct vfa_error *err);
    const int64_t *ended;                    /* as in struct vfa_alloc */
    const struct vfa_unrecorded *unrecorded; /* NULL: not asked for */
    bool start_refused;                      /* the same, of the last transaction */
    int64_t freed;                           /* VFA_COUNTER_FREED at its begin */
};
/* Runs the job; a refusal names the domain. */
int vfa_alloc_run(struct vfa_host *host, struct vfa_alloc_job *job, struct vfa_error *err);

/* vfa_alloc_rescan() returns VFA_CLAIM_RESCAN, which ends the transaction; for a copy of the state
 * it scans at once. vfa_alloc_make_fresh() does the same if the index is of another configuration,
 * else returns 0. */
int vfa_alloc_rescan(struct vfa_alloc *a, struct vfa_error *err);
int vfa_alloc_make_fresh(struct vfa_alloc *a, struct vfa_error *err);

/* Begins a start: finds the NUMA node, releases leftovers, makes the index fresh, claims the
 * devices of the XML. 0, VFA_CLAIM_REFUSED, VFA_CLAIM_RESCAN or an error. */
int vfa_alloc_begin(struct vfa_alloc *a, struct vfa_error *err);

/* Clears the IOMMU group of a device that stays with the host: the guest does not get it. */
static inline void vfa_alloc_leave_group(struct vfa_device *dev, enum vfa_attach_kind kind)
{
    if (!vfa_attach_facts(kind)->takes_group)
        dev->iommu_group = -1;
}

/* Checks a device that the index offers. *now (clear it) is the device as sysfs has it. *ret is
 * VFA_VERDICT_CANDIDATE or the reason against it. */
int vfa_alloc_probe(struct vfa_alloc *a, const struct vfa_criteria *criteria,
                    const struct vfa_device *indexed, const struct vfa_spec *spec,
                    struct vfa_device *now, enum vfa_verdict *ret, struct vfa_error *err);

/* ---- devices that are made for a request ---- */

/* True if the device of a request of this alias is made. */
static inline bool vfa_alloc_makes(const struct vfa_alias *alias)
{
    return alias &&
           (alias->types & 1u << VFA_TYPE_VDPA || alias->types & 1u << VFA_TYPE_VDPA_BLOCK ||
            alias->types & 1u << VFA_TYPE_MDEV);
}

/* Writes the identity of the device that is made for a request to ret, which has
 * VFA_DEVICE_ID_SIZE bytes: the one that an element of the XML names, or its own. */
void vfa_alloc_made_id(const struct vfa_alloc *a, const struct vfa_alias *alias,
                       const char *request, char *ret);

/* The identity of the vDPA device whose node, or link to it, an element names: see
 * vfa_alloc_source(). */
int vfa_alloc_node(struct vfa_alloc *a, const struct vfa_domdev *dev, char *ret,
                   struct vfa_error *err);

/* True in *ret if the device of that identity is made for this request of the domain: its name
 * follows from both, or it is on record to be destroyed. */
int vfa_alloc_is_made(struct vfa_alloc *a, const char *request, const char *device, bool *ret,
                      struct vfa_error *err);

/* The device that the maker is to make for a request: under the name that an element of the XML has
 * for it, else under its own. *ret: vfa_device_clear() it. */
int vfa_alloc_derive(struct vfa_alloc *a, const struct vfa_device *maker, const char *request,
                     struct vfa_device *ret, struct vfa_error *err);

/* Devices of the XML of a running domain that have the names of its requests, and that are not on
 * record: the state file was lost. */
struct vfa_unrecorded {
    struct vfa_unrecorded_device {
        char device[VFA_DEVICE_ID_SIZE];
        char maker[VFA_DEVICE_ID_SIZE]; /* as the kernel says */
    } * items;
    size_t n;
    bool silent; /* the kernel did not answer: it is not asked again */
};
void vfa_unrecorded_clear(struct vfa_unrecorded *list);

/* Finds them. Asks the kernel, so not inside a transaction. Clear *ret with
 * vfa_unrecorded_clear(). */
int vfa_unrecorded_find(struct vfa_host *host, const struct vfa_domain *domain,
                        struct vfa_unrecorded *ret, struct vfa_error *err);

/* The maker of a device in the list (may be NULL); NULL: it is not in it. Borrowed. */
const char *vfa_unrecorded_maker(const struct vfa_unrecorded *list, const char *device);

/* Claims a device for a request, which has passed vfa_check_request(): of the alias of the request,
 * or, if that is a chain, of the first of its aliases that has one. 0, VFA_CLAIM_REFUSED,
 * VFA_CLAIM_RESCAN or an error. *ret, if not NULL, gets the device as sysfs has it;
 * vfa_device_clear() it. */
int vfa_alloc_pick(struct vfa_alloc *a, const struct vfa_request *request, struct vfa_device *ret,
                   struct vfa_error *err);

/* Claims a device of an alias that selects devices, for a request. As above; or VFA_STATE_END: none
 * is free, and it is not the last chance: a scan may find another one. */
int vfa_alloc_pick_one(struct vfa_alloc *a, const struct vfa_alias *alias,
                       const struct vfa_request *request, bool last_chance, struct vfa_device *ret,
                       struct vfa_error *err);

/* Claims the connection to the bridge of an alias with attach bridge. As vfa_alloc_pick(), without
 * VFA_CLAIM_RESCAN. */
int vfa_alloc_pick_bridge(struct vfa_alloc *a, const struct vfa_alias *alias,
                          const struct vfa_request *request, struct vfa_device *ret,
                          struct vfa_error *err);

/* Checks whether an alias of the request's chain may serve it. 0, VFA_CLAIM_REFUSED or an error. */
int vfa_alloc_check_rung(struct vfa_alloc *a, const struct vfa_alias *rung,
                         const struct vfa_request *request, struct vfa_error *err);

/* The alias of the chain that selects a device of the domain: one that attaches it as that kind
 * rather than another one. The chain itself, if the index knows none. */
int vfa_alloc_find_rung(struct vfa_alloc *a, const struct vfa_alias *chain,
                        const struct vfa_device *now, enum vfa_attach_kind kind,
                        const struct vfa_alias **ret, struct vfa_error *err);

/* Adds the device that was chosen for a request to the assignments, and takes it over on success.
 * moved: the XML names another device. */
struct vfa_assignments;
int vfa_alloc_assign(struct vfa_alloc *a, const struct vfa_request *request,
                     struct vfa_device *device, bool moved, struct vfa_assignments *assignments,
                     struct vfa_error *err);

/* Whether a domain asks for the device of an incoming claim. */
bool vfa_alloc_asks_for(const struct vfa_domain *domain, const struct vfa_claim *claim);

/* ---- the domain's claims ---- */

/* Reads the claims of the domain into a->claims, once. Only the functions below change claims of
 * the domain in a transaction that has read a->claims: so the list equals the state. */
int vfa_alloc_load_claims(struct vfa_alloc *a, struct vfa_error *err);

/* The claim that a request had before this allocation made any, or NULL. Borrowed. */
const struct vfa_claim *vfa_alloc_earlier(const struct vfa_alloc *a, const char *request);

/* Releases the claim of a request, if it has any (release.h). */
int vfa_alloc_release(struct vfa_alloc *a, const char *request, const char *why,
                      struct vfa_error *err);

/* Makes an incoming claim of a->claims the start's own. */
int vfa_alloc_accept(struct vfa_alloc *a, struct vfa_claim *claim, struct vfa_error *err);

/* Claims beyond the first n of a->claims were rolled back: removes them from the list. */
void vfa_alloc_forget_claims(struct vfa_alloc *a, size_t n);

/* Inserts a claim of the domain. `dev` is the device as sysfs shows it now. Returns 0,
 * VFA_STATE_TAKEN (a rule of the schema forbids the claim) or an error. */
int vfa_alloc_claim(struct vfa_alloc *a, const char *request, const char *alias,
                    const struct vfa_device *dev, enum vfa_claim_state claim_state,
                    struct vfa_error *err);

/* VFA_CLAIM_REFUSED if the domain asks for devices and the claims were lost with the state. */
int vfa_alloc_check_synced(struct vfa_alloc *a, struct vfa_error *err);

/* The name of the claim of an element's device: its request, or static:DEVICE, which is written to
 * buf. */
#define VFA_ALLOC_NAME_SIZE (sizeof(VFA_STATIC_PREFIX) + VFA_DEVICE_ID_SIZE)
const char *vfa_alloc_claim_name(const struct vfa_domdev *dev, const char *device, char *buf);

/* Writes the identity of the host device of an element of the XML to ret, which has
 * VFA_DEVICE_ID_SIZE bytes. VFA_SYSFS_GONE: the element names no device, or an impossible one, or one of
 * a kind that is not known (device/kind.h). */
int vfa_alloc_source(struct vfa_alloc *a, const struct vfa_domdev *dev, char *ret,
                     struct vfa_error *err);

/* The device as sysfs has it; of a missing device only its identity. The same if the kernel does not
 * answer: the other devices of the domain must go on record nevertheless. */
int vfa_alloc_read(struct vfa_alloc *a, const char *device, struct vfa_device *ret,
                   struct vfa_error *err);

/* As vfa_state_holder(). */
int vfa_alloc_holder(struct vfa_alloc *a, const struct vfa_device *now, struct vfa_claim *ret,
                     struct vfa_error *err);

/* Claims the host devices that belong to no request. */
int vfa_alloc_claim_static(struct vfa_alloc *a, struct vfa_error *err);
/* Claims one of them, unless its source names none; VFA_STATE_TAKEN as for vfa_alloc_claim(). */
int vfa_alloc_try_static(struct vfa_alloc *a, const struct vfa_domdev *dev, struct vfa_error *err);

/* The state contradicts itself: a device is taken, but no claim is in the way. */
int vfa_alloc_fail_stuck(const struct vfa_device *now, struct vfa_error *err);

/* ---- devices of the XML that carry ua-vf-NAME ---- */
enum vfa_tagged_kind {
    VFA_TAGGED_OK,        /* free and healthy, and the alias selects it */
    VFA_TAGGED_UNMANAGED, /* free, but the alias does not select it: a choice of the user */
    VFA_TAGGED_UNUSABLE,  /* free, the alias selects it, and a verdict is against it */
    VFA_TAGGED_TAKEN,     /* another domain has the device, its family or its IOMMU group */
    VFA_TAGGED_MISSING,   /* the element names no present device */
    VFA_TAGGED_MADE,      /* the device is made for the request, under the name of the element */
};
struct vfa_tagged {
    enum vfa_tagged_kind kind;
    enum vfa_verdict verdict;        /* of VFA_TAGGED_UNUSABLE */
    char source[VFA_DEVICE_ID_SIZE]; /* not of VFA_TAGGED_MISSING */
    struct vfa_device device;        /* the same, as sysfs has it */
    struct vfa_request request;      /* its request; borrows from the domain and from hold */
    const struct vfa_alias *alias;   /* that selects the device, of a chain the rung; or NULL */
    char *hold;
};
void vfa_tagged_clear(struct vfa_tagged *tagged);
int vfa_alloc_read_tagged(struct vfa_alloc *a, const struct vfa_domdev *dev, struct vfa_tagged *ret,
                          struct vfa_error *err);

/* Checks entitlement for a device that the alias selects. Devices that the alias does not select
 * are not checked. 0, VFA_CLAIM_REFUSED or an error. */
int vfa_alloc_check_tagged(struct vfa_alloc *a, const struct vfa_tagged *tagged,
                           struct vfa_error *err);

/* Claims a device that is VFA_TAGGED_OK or VFA_TAGGED_UNMANAGED. 0, VFA_STATE_TAKEN (this domain
 * has the device for another request, or another device for this one) or an error. */
int vfa_alloc_claim_tagged(struct vfa_alloc *a, const struct vfa_tagged *tagged,
                           enum vfa_claim_state claim_state, struct vfa_error *err);

/* Refuses a start that has unusable tagged devices, with the next step for the user; sets
 * a->start_refused if vfaliasd will do it. VFA_CLAIM_REFUSED or an error. Claims: the caller rolls
 * back. */
int vfa_alloc_refuse_start(struct vfa_alloc *a, struct vfa_error *err);

/* Claims the devices that the XML names. */
int vfa_alloc_claim_present(struct vfa_alloc *a, struct vfa_error *err);

#endif
