/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The index of the state file: which devices satisfy which alias, and which of them are free.
 * Derived from configuration and inventory (index-build.h).
 */
#ifndef VFA_STATE_INDEX_H
#define VFA_STATE_INDEX_H

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device/inventory.h"
#include "config/config.h"
#include "state.h"

/* True in *ret if the index was made from this configuration. */
int vfa_state_index_fresh(struct vfa_state *state, const struct vfa_config *config, bool *ret,
                          struct vfa_error *err);

/* When the scan began that the index is of (struct vfa_inventory); 0: there was none in this boot.
 */
int vfa_state_index_scanned(struct vfa_state *state, int64_t *ret, struct vfa_error *err);

/* Devices of an alias that look alike to who chooses. */
struct vfa_pool {
    int64_t id;
    int spec;      /* index of the device_spec that allows them, -1: none is configured */
    int numa_node; /* -1: unknown */
    unsigned free; /* devices that no claim excludes */
    unsigned used; /* the others */
    unsigned kept; /* of the free ones: tentative for some domain */
    bool of_vfs;   /* they are VFs of one PF: */
    struct vfa_pci_addr parent;
};
struct vfa_pools {
    struct vfa_pool *items;
    size_t n;
};
void vfa_pools_clear(struct vfa_pools *pools);

/* The pools of an alias that have free devices, by their lowest address. Clear with
 * vfa_pools_clear(). */
int vfa_state_pools(struct vfa_state *state, const char *alias, struct vfa_pools *ret,
                    struct vfa_error *err);

/* The next free device of a pool in address order, after `after` (NULL: the first), of those that
 * are tentative for somebody, or of those that are not; of neither those that have failed. Costs
 * the same whatever the number of devices and claims. The fields of *ret that the index knows are
 * filled; clear it with vfa_device_clear(). 0 or VFA_STATE_END. */
int vfa_state_next_free(struct vfa_state *state, int64_t pool, bool kept,
                        const struct vfa_pci_addr *after, struct vfa_device *ret,
                        struct vfa_error *err);

/* The same of those that have failed. */
int vfa_state_next_failed(struct vfa_state *state, int64_t pool, const struct vfa_pci_addr *after,
                          struct vfa_device *ret, struct vfa_error *err);

/* A device in an alias' pool. */
struct vfa_member {
    struct vfa_device device; /* as the index has it; vfa_device_clear() */
    int64_t pool;
    int spec;  /* as in struct vfa_pool */
    bool busy; /* some claim excludes it */
    bool kept; /* tentative; vfa_state_last(): for another request */
    bool own;  /* vfa_state_last(): tentative for this one */
};

/* The device that is tentative for a request, or else the one that it had last, if it is free and
 * in an alias' pool. 0 or VFA_STATE_ABSENT. */
int vfa_state_last(struct vfa_state *state, const char *alias, const char *uuid,
                   const char *request, struct vfa_member *ret, struct vfa_error *err);

/* A device, if it is in an alias' pool. 0 or VFA_STATE_ABSENT. */
int vfa_state_member(struct vfa_state *state, const char *alias, const struct vfa_pci_addr *addr,
                     struct vfa_member *ret, struct vfa_error *err);

/* Devices of an alias, and how many of them no claim excludes. */
int vfa_state_count(struct vfa_state *state, const char *alias, unsigned *ret_total,
                    unsigned *ret_free, struct vfa_error *err);

#endif
