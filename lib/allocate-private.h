/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the allocate*.c files share: one attempt at serving a domain, inside one transaction. */
#ifndef VFA_ALLOCATE_PRIVATE_H
#define VFA_ALLOCATE_PRIVATE_H

#include "allocate.h"
#include "choose.h"

struct vfa_attempt {
    struct vfa_host *host;
    const struct vfa_domain *domain;
    struct vfa_numa_place place;
    bool rescanned; /* the hardware is scanned once at most */
};

/* Scans and replaces the index; likewise if it was made from another configuration
 * (allocate-rescan.c). */
int vfa_attempt_rescan(struct vfa_attempt *a, struct vfa_error *err);
int vfa_attempt_make_fresh(struct vfa_attempt *a, struct vfa_error *err);

/* What a start does before its requests are served: where the guest is, no leftovers, an index to
 * choose from, the devices that its XML names. 0, VFA_ALLOCATE_NONE or an error. */
int vfa_attempt_begin(struct vfa_attempt *a, struct vfa_error *err);

/* Looks at the device that the index offers for an alias; *now (to be cleared) is as sysfs has it.
 * *ret is VFA_DROP_NONE or what speaks against it. */
int vfa_attempt_look(struct vfa_attempt *a, const struct vfa_alias *alias,
                     const struct vfa_device *indexed, const struct vfa_spec *spec,
                     struct vfa_device *now, enum vfa_drop *ret, struct vfa_error *err);

/* Claims a device for a request (allocate-pick.c). 0, VFA_ALLOCATE_NONE or an error. */
int vfa_attempt_serve(struct vfa_attempt *a, const struct vfa_request *request,
                      struct vfa_error *err);

/* Whether this domain may ask for that at all. */
int vfa_attempt_check_request(const struct vfa_config *config, const struct vfa_domain *domain,
                              const struct vfa_request *request, struct vfa_error *err);

/* Inserts a claim of the domain; VFA_STATE_TAKEN if a rule forbids it. `dev` is as sysfs has it
 * now. */
int vfa_attempt_claim(struct vfa_attempt *a, const char *request, const char *alias,
                      const struct vfa_device *dev, enum vfa_claim_state claim_state,
                      struct vfa_error *err);

/* The device as sysfs has it; one that is not there is just an address (allocate-present.c). */
int vfa_attempt_read(struct vfa_attempt *a, const struct vfa_pci_addr *addr, struct vfa_device *ret,
                     struct vfa_error *err);

/* As vfa_state_holder(). */
int vfa_attempt_holder(struct vfa_attempt *a, const struct vfa_device *now, struct vfa_claim *ret,
                       struct vfa_error *err);

/* Claims the devices that the XML names (allocate-present.c); and the same for a domain that has
 * them. */
int vfa_attempt_claim_present(struct vfa_attempt *a, struct vfa_error *err);
int vfa_attempt_reassert_present(struct vfa_attempt *a, struct vfa_error *err);

#endif
