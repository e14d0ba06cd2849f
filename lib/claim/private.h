/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files share that claim: one attempt at serving a domain, inside one transaction. */
#ifndef VFA_CLAIM_PRIVATE_H
#define VFA_CLAIM_PRIVATE_H

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device/health.h"
#include "device/inventory.h"
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
    struct vfa_health_context
        health_context;       /* what the host uses, read when the first device is looked at */
    bool rescanned;           /* the hardware was scanned, or is not to be */
    bool arriving;            /* what is claimed for requests is incoming */
    bool knows_claims;        /* vfa_alloc_load_claims() has filled these two: */
    struct vfa_claims claims; /* the domain's, as the transaction has them */
    size_t n_earlier;         /* the first of them: those that were there when they were read */
    bool start_refused;       /* refused, and vfaliasd is to look at the definition */
    const struct vfa_alloc_observer *observer; /* may be NULL */
    const int64_t *ended; /* VFA_COUNTER_ENDED before the XML was read; NULL: it is as it is */
};

void vfa_alloc_clear(struct vfa_alloc *a);

/* What is done for a domain in one transaction. */
struct vfa_alloc_job {
    const struct vfa_domain *domain;
    int (*what)(struct vfa_alloc *a, struct vfa_error *err);
    const int64_t *ended; /* as in struct vfa_alloc */
    bool start_refused;   /* likewise, of the last attempt */
    int64_t freed;        /* VFA_COUNTER_FREED when that began */
};
/* Does it; names the domain if it is refused. */
int vfa_alloc_run(struct vfa_host *host, struct vfa_alloc_job *job, struct vfa_error *err);

/* VFA_CLAIM_RESCAN, which ends the transaction; a copy of the state is scanned for at once. The
 * same, or 0, if the index was made from another configuration. */
int vfa_alloc_rescan(struct vfa_alloc *a, struct vfa_error *err);
int vfa_alloc_make_fresh(struct vfa_alloc *a, struct vfa_error *err);

/* What a start does before its requests are served: where the guest is, no leftovers, an index to
 * choose from, the devices that its XML names. 0, VFA_CLAIM_REFUSED, VFA_CLAIM_RESCAN or an
 * error. */
int vfa_alloc_begin(struct vfa_alloc *a, struct vfa_error *err);

/* A macvtap is made of a device that stays with the host: its IOMMU group is nobody's by that. */
static inline void vfa_alloc_leave_group(struct vfa_device *dev, enum vfa_attach_kind kind)
{
    if (kind == VFA_ATTACH_MACVTAP)
        dev->iommu_group = -1;
}

/* Looks at the device that the index offers for a wish; *now (to be cleared) is as sysfs has it.
 * *ret is VFA_VERDICT_CANDIDATE or what speaks against it. */
int vfa_alloc_probe(struct vfa_alloc *a, const struct vfa_criteria *criteria,
                    const struct vfa_device *indexed, const struct vfa_spec *spec,
                    struct vfa_device *now, enum vfa_verdict *ret, struct vfa_error *err);

/* Claims a device for a request, which has passed vfa_check_request(). 0, VFA_CLAIM_REFUSED,
 * VFA_CLAIM_RESCAN or an error. *ret, if not NULL, gets the device as sysfs has it;
 * vfa_device_clear() it. */
int vfa_alloc_pick(struct vfa_alloc *a, const struct vfa_request *request, struct vfa_device *ret,
                   struct vfa_error *err);

/* Whether a domain asks for what a device was kept for. */
bool vfa_alloc_asks_for(const struct vfa_domain *domain, const struct vfa_claim *claim);

/* ---- the domain's claims ---- */

/* Reads them into a->claims, once. The functions below, and no others, change claims of the domain
 * in a transaction that reads a->claims: so the list says what the state says. */
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

/* Inserts a claim of the domain; VFA_STATE_TAKEN if a rule forbids it. `dev` is as sysfs has it
 * now. */
int vfa_alloc_claim(struct vfa_alloc *a, const char *request, const char *alias,
                    const struct vfa_device *dev, enum vfa_claim_state claim_state,
                    struct vfa_error *err);

/* True if the domain asks for devices: by requests, or by devices of the XML that carry a name. */
bool vfa_alloc_asks(const struct vfa_alloc *a);

/* VFA_CLAIM_REFUSED if the domain asks for something and which devices are taken is not known. */
int vfa_alloc_check_synced(struct vfa_alloc *a, struct vfa_error *err);

/* The name under which an element's device is claimed: its request, or else static:ADDRESS, which
 * is written to buf. */
#define VFA_ALLOC_NAME_SIZE (sizeof(VFA_STATIC_PREFIX) + VFA_PCI_ADDR_SIZE)
const char *vfa_alloc_claim_name(const struct vfa_domdev *dev, const struct vfa_pci_addr *source,
                                 char *buf);

/* The host's device that an element of the XML names. VFA_SYSFS_GONE: it names none, or one that
 * cannot be there. */
int vfa_alloc_source(struct vfa_alloc *a, const struct vfa_domdev *dev, struct vfa_pci_addr *ret,
                     struct vfa_error *err);

/* The device as sysfs has it; one that is not there is just an address. */
int vfa_alloc_read(struct vfa_alloc *a, const struct vfa_pci_addr *addr, struct vfa_device *ret,
                   struct vfa_error *err);

/* As vfa_state_holder(). */
int vfa_alloc_holder(struct vfa_alloc *a, const struct vfa_device *now, struct vfa_claim *ret,
                     struct vfa_error *err);

/* Claims the devices of the domain's own, that is those of no request. */
int vfa_alloc_claim_static(struct vfa_alloc *a, struct vfa_error *err);
/* One of them; VFA_STATE_TAKEN as for vfa_alloc_claim(). */
int vfa_alloc_try_static(struct vfa_alloc *a, const struct vfa_domdev *dev, struct vfa_error *err);

/* A device is taken, and there is no claim to drop: the state contradicts itself. */
int vfa_alloc_fail_stuck(const struct vfa_device *now, struct vfa_error *err);

/* ---- devices of the XML that carry ua-vf-NAME ---- */
enum vfa_tagged_kind {
    VFA_TAGGED_OK,        /* names one that the alias means, free and well */
    VFA_TAGGED_UNMANAGED, /* names a free one that the alias does not mean: its user's own choice */
    VFA_TAGGED_UNUSABLE, /* names a free one that the alias means, and something speaks against it */
    VFA_TAGGED_TAKEN,    /* another domain has the one it names, its family or its IOMMU group */
    VFA_TAGGED_MISSING,  /* names none that is there */
};
struct vfa_tagged {
    enum vfa_tagged_kind kind;
    enum vfa_verdict verdict;   /* of VFA_TAGGED_UNUSABLE */
    struct vfa_pci_addr source; /* not of VFA_TAGGED_MISSING */
    struct vfa_device device;   /* likewise, as sysfs has it */
    struct vfa_request request; /* that it belongs to; borrows from the domain and from hold */
    char *hold;
};
void vfa_tagged_clear(struct vfa_tagged *tagged);
int vfa_alloc_read_tagged(struct vfa_alloc *a, const struct vfa_domdev *dev, struct vfa_tagged *ret,
                          struct vfa_error *err);

/* Whether the domain may have one that fits; its user's own is no matter of ours. 0,
 * VFA_CLAIM_REFUSED or an error. */
int vfa_alloc_check_tagged(struct vfa_alloc *a, const struct vfa_tagged *tagged,
                           struct vfa_error *err);

/* Claims one that fits or is its user's own. 0, VFA_STATE_TAKEN (this domain has it for something
 * else, or another one for this) or an error. */
int vfa_alloc_claim_tagged(struct vfa_alloc *a, const struct vfa_tagged *tagged,
                           enum vfa_claim_state claim_state, struct vfa_error *err);

/* A start: some of the others are there. Says what to do about it; sets a->unmet if vfaliasd is to
 * do it. VFA_CLAIM_REFUSED or an error. Claims, in a transaction that is to be rolled back. */
int vfa_alloc_refuse_start(struct vfa_alloc *a, struct vfa_error *err);

/* Claims the devices that the XML names. */
int vfa_alloc_claim_present(struct vfa_alloc *a, struct vfa_error *err);

#endif
