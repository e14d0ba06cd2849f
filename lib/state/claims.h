/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The claims of the state file: which domain has which device. When a claim ends, the domain loses
 * the device first; the device becomes free last (release.h).
 *
 * Results and errors: see state.h. The rules of claims are triggers and indexes of schema.sql.
 */
#ifndef VFA_STATE_CLAIMS_H
#define VFA_STATE_CLAIMS_H

#include "base/common.h"
#include "base/error.h"
#include "device/keys.h"
#include "state.h"

enum vfa_claim_state {
    VFA_CLAIM_INCOMING, /* made at migrate or restore; the domain does not run here yet */
    VFA_CLAIM_CLAIMED,  /* made at prepare */
    VFA_CLAIM_ACTIVE,   /* the domain has the device */
    /* The domain has lost the device, but the device is not free yet: */
    VFA_CLAIM_RELEASING, /* the saved settings of the device are being restored */
    VFA_CLAIM_CLEANING,  /* the cleaner of the device runs, or will run next */
};
/* The name of the state in the file and in JSON. Static storage. */
const char *vfa_claim_state_name(enum vfa_claim_state state);
/* True if a domain holds the claim: the state is incoming, claimed or active. */
bool vfa_claim_is_held(enum vfa_claim_state state);

/* The request of a claim is the name of a request, or "static:ADDRESS" for a host device that
 * vfalias did not choose, or "port:UUID" for a device that a libvirt network gave to a port. */
#define VFA_STATIC_PREFIX "static:"
#define VFA_PORT_PREFIX   "port:"
/* True if `request` begins with one of the two prefixes. */
bool vfa_claim_is_static(const char *request);

/* The UUID of a claim that belongs to no domain: the claim keeps its device from all domains. */
#define VFA_NO_UUID "00000000-0000-0000-0000-000000000000"

struct vfa_claim {
    char *device;  /* its identity (device/device.h) */
    char *kind;    /* name of its kind (device/kind.h) */
    char *maker;   /* of a made device: the identity of its maker; else NULL */
    char *uuid;    /* UUID of the domain */
    char *domain;  /* name of the domain */
    char *request; /* see VFA_STATIC_PREFIX */
    char *alias;   /* NULL for static claims */
    enum vfa_claim_state state;
    int64_t since;               /* when the claim was made, in seconds since the epoch */
    int64_t state_since;         /* when the claim entered its state, in seconds since the epoch */
    char *why;                   /* why the domain lost the device; NULL while the claim is held */
    char *cleaner;               /* program that must run before the device is free, or NULL */
    unsigned attempts;           /* failures of the present step: attach, restore or clean */
    char *error;                 /* text of the last failure, or NULL */
    bool placeholder;            /* no request: the device stands in the domain's XML */
    const struct vfa_keys *keys; /* for vfa_state_claim(), borrowed; NULL: those that the identity
                                    tells. Not read from the file */
    char *key;                   /* from vfa_state_holder(): the key in conflict; else NULL */
};
/* Frees the members and sets all to zero. */
void vfa_claim_clear(struct vfa_claim *claim);

struct vfa_claims {
    struct vfa_claim *items; /* sorted by domain name, then request */
    size_t n;
};
/* Frees the list with its claims; the list is empty then. */
void vfa_claims_clear(struct vfa_claims *claims);

/* Returns the claim of a request in a list of the claims of one domain, or NULL. Borrowed. */
const struct vfa_claim *vfa_claims_find(const struct vfa_claims *claims, const char *request);

/* Adds a claim. since 0 means now. `claim` stays with the caller. Returns VFA_STATE_TAKEN if
 * another claim conflicts with it (device/keys.h), or is of the same request. */
int vfa_state_claim(struct vfa_state *state, const struct vfa_claim *claim, struct vfa_error *err);

/* Reads the claims that one domain holds, or (uuid NULL) that all domains hold. Clear *ret with
 * vfa_claims_clear(). */
int vfa_state_claims(struct vfa_state *state, const char *uuid, struct vfa_claims *ret,
                     struct vfa_error *err);

/* Like vfa_state_claims(), with the claims that are releasing or cleaning: all claims that keep a
 * device from being free. */
int vfa_state_all_claims(struct vfa_state *state, const char *uuid, struct vfa_claims *ret,
                         struct vfa_error *err);

/* True in *ret if the device itself has a claim, in any state. */
int vfa_state_is_claimed(struct vfa_state *state, const char *device, bool *ret,
                         struct vfa_error *err);

/* Reads the claim of the device itself, in any state. VFA_STATE_ABSENT: there is none. Clear *ret
 * with vfa_claim_clear(). */
int vfa_state_claim_of(struct vfa_state *state, const char *device, struct vfa_claim *ret,
                       struct vfa_error *err);

/* Sets the state of a held claim and resets its failures. `state_since` becomes now if the state
 * changes. Returns 0 as well if the domain holds no claim of that request. */
int vfa_state_set_claim_state(struct vfa_state *state, const char *uuid, const char *request,
                              enum vfa_claim_state claim_state, struct vfa_error *err);

/* Records that attaching the device of a held claim failed: counts it, and keeps `text`. NULL
 * resets both. Returns 0 as well if the domain holds no claim of that request. */
int vfa_state_set_claim_error(struct vfa_state *state, const char *uuid, const char *request,
                              const char *text, struct vfa_error *err);

/* After this number of failures vfalias stops attaching the device, until its requests change. */
#define VFA_ATTACH_ATTEMPTS 5

/* True if `since` is not more than `seconds` before `now`. Clocks can be set back (a wrong RTC at
 * boot): a time that lies a minute or more after `now` is not recent. */
bool vfa_claim_is_recent(int64_t since, int64_t now, unsigned seconds);

/* True if both have the same device, the same state and the same `since`. */
bool vfa_claim_unchanged(const struct vfa_claim *a, const struct vfa_claim *b);

/* True if the claim is incoming and its domain may still arrive. `timeout`: incoming_timeout of the
 * configuration, in seconds. */
bool vfa_claim_is_awaited(const struct vfa_claim *claim, int64_t now, unsigned timeout);

#endif
