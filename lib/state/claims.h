/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The claims of the state file: which domain has which device. The domain loses the device first
 * (release.h), the device becomes free last.
 */
#ifndef VFA_STATE_CLAIMS_H
#define VFA_STATE_CLAIMS_H

#include "base/common.h"
#include "base/error.h"
#include "state.h"

enum vfa_claim_state {
    VFA_CLAIM_INCOMING, /* made at migrate or restore, domain not there yet */
    VFA_CLAIM_CLAIMED,  /* made at prepare */
    VFA_CLAIM_ACTIVE,   /* the domain has the device */
    /* the domain has lost the device, which is not free yet: */
    VFA_CLAIM_RELEASING, /* what was changed of it is being put back */
    VFA_CLAIM_CLEANING,  /* its cleaner runs, or is about to */
};
const char *vfa_claim_state_name(enum vfa_claim_state state);
/* A domain holds the claim: it is in one of the first three states. */
bool vfa_claim_is_held(enum vfa_claim_state state);

/* request: a request's name, or "static:ADDRESS" for a host device that vfalias did not choose, or
 * "port:UUID" for one that a libvirt network gave to a port. */
#define VFA_STATIC_PREFIX "static:"
#define VFA_PORT_PREFIX   "port:"
bool vfa_claim_is_static(const char *request); /* one of these two */

/* Of a claim that no domain had: its device is kept from all. */
#define VFA_NO_UUID "00000000-0000-0000-0000-000000000000"

struct vfa_claim {
    char *device;    /* PCI address as text */
    char *parent;    /* the PF's, or NULL */
    int iommu_group; /* -1: none */
    char *kind;      /* "pci" */
    char *uuid;      /* the domain's */
    char *domain;    /* its name */
    char *request;   /* see above */
    char *alias;     /* NULL for static ones */
    enum vfa_claim_state state;
    int64_t since;       /* seconds since the epoch */
    int64_t state_since; /* the same, of its state */
    char *why;           /* for which reason its domain lost it; NULL while it is held */
    char *cleaner;       /* what has to run before the device is free, or NULL */
    unsigned attempts;   /* failures of attaching, of putting back or of cleaning, by state */
    char *error;         /* what the last one said, or NULL */
    bool placeholder;    /* no request asked for it: the device stands in the domain's XML */
};
void vfa_claim_clear(struct vfa_claim *claim);

struct vfa_claims {
    struct vfa_claim *items; /* by domain, request */
    size_t n;
};
void vfa_claims_clear(struct vfa_claims *claims);

/* The claim of a request among those of one domain, or NULL. Borrowed. */
const struct vfa_claim *vfa_claims_find(const struct vfa_claims *claims, const char *request);

/* 0, or VFA_STATE_TAKEN. since 0 means now. */
int vfa_state_claim(struct vfa_state *state, const struct vfa_claim *claim, struct vfa_error *err);

/* The claims that domains hold, or (uuid not NULL) one domain. Clear *ret with vfa_claims_clear().
 */
int vfa_state_claims(struct vfa_state *state, const char *uuid, struct vfa_claims *ret,
                     struct vfa_error *err);

/* The same, also those in the states releasing and cleaning: whatever keeps a device from being
 * free. */
int vfa_state_all_claims(struct vfa_state *state, const char *uuid, struct vfa_claims *ret,
                         struct vfa_error *err);

/* Whether there is a claim, in any state, on the very device. */
int vfa_state_is_claimed(struct vfa_state *state, const char *device, bool *ret,
                         struct vfa_error *err);

/* The claim that keeps a domain from claiming a device: the device's own, its PF's, one of its
 * VFs', or, on a device of its IOMMU group (-1: none), another domain's or one that nobody holds.
 * In this order: the device's own, one that is held before one that is not, another domain's. 0 or
 * VFA_STATE_ABSENT. */
int vfa_state_holder(struct vfa_state *state, const char *device, const char *parent,
                     int iommu_group, const char *uuid, struct vfa_claim *ret,
                     struct vfa_error *err);

int vfa_state_set_claim_state(struct vfa_state *state, const char *uuid, const char *request,
                              enum vfa_claim_state claim_state, struct vfa_error *err);

/* Notes that attaching failed once more, and why; NULL clears both. */
int vfa_state_set_claim_error(struct vfa_state *state, const char *uuid, const char *request,
                              const char *text, struct vfa_error *err);

#define VFA_ATTACH_ATTEMPTS 5 /* after as many failures nobody tries again until asked anew */

/* Whether it was at most so many seconds ago. Clocks are set back at times (a wrong RTC at boot):
 * what is from a minute ahead or more is not. */
bool vfa_claim_is_recent(int64_t since, int64_t now, unsigned seconds);

/* The same device, state and time. */
bool vfa_claim_unchanged(const struct vfa_claim *a, const struct vfa_claim *b);

/* Whether the domain of an incoming claim may still arrive; timeout: the configuration's
 * incoming_timeout. */
bool vfa_claim_is_awaited(const struct vfa_claim *claim, int64_t now, unsigned timeout);

#endif
