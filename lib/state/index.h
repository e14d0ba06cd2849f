/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The index of the state file: which devices satisfy which alias, and which of them are free. The
 * index is derived from configuration and inventory (index-build.h). Triggers of schema.sql keep
 * its counts up to date. Results and errors: see state.h; an index with a value that no inventory
 * has is -EUCLEAN.
 */
#ifndef VFA_STATE_INDEX_H
#define VFA_STATE_INDEX_H

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device/device.h"
#include "device/inventory.h"
#include "config/config.h"
#include "state.h"

/* True in *ret if the index was made from this configuration. */
int vfa_state_index_fresh(struct vfa_state *state, const struct vfa_config *config, bool *ret,
                          struct vfa_error *err);

/* When the scan began from which the index was made, as `scanned` of struct vfa_inventory; 0: no
 * scan in this boot. */
int vfa_state_index_scanned(struct vfa_state *state, int64_t *ret, struct vfa_error *err);

/* Devices of an alias that are alike for the choice: same device_spec, NUMA node and PF. */
struct vfa_pool {
    int64_t id;
    int spec;      /* index of the device_spec that allows them, -1: none is configured */
    int numa_node; /* -1: unknown */
    unsigned free; /* devices that no claim excludes */
    unsigned used; /* the other devices */
    unsigned kept; /* free devices that are tentative for a domain */
    bool of_vfs;   /* they are VFs of the PF `parent` */
    struct vfa_pci_addr parent;
};
struct vfa_pools {
    struct vfa_pool *items;
    size_t n;
};
/* Frees the list; the list is empty then. */
void vfa_pools_clear(struct vfa_pools *pools);

/* Reads the pools of an alias that have free devices, sorted by their lowest identity. Clear *ret
 * with vfa_pools_clear(). */
int vfa_state_pools(struct vfa_state *state, const char *alias, struct vfa_pools *ret,
                    struct vfa_error *err);

/* Reads the next free device of a pool in the order of identities, after `after` ("": the first). kept:
 * true for devices that are tentative for a domain, false for the others. Failed devices (failed.h)
 * are left out. The cost does not depend on the number of devices and claims. *ret gets the fields
 * that the index has; clear it with vfa_device_clear(). Returns VFA_STATE_END after the last. */
int vfa_state_next_free(struct vfa_state *state, int64_t pool, bool kept, const char *after,
                        struct vfa_device *ret, struct vfa_error *err);

/* Like vfa_state_next_free(), for the failed devices, tentative or not. */
int vfa_state_next_failed(struct vfa_state *state, int64_t pool, const char *after,
                          struct vfa_device *ret, struct vfa_error *err);

/* A device in a pool of an alias. */
struct vfa_member {
    struct vfa_device device; /* the fields that the index has; clear with vfa_device_clear() */
    int64_t pool;
    int spec;  /* as in struct vfa_pool */
    bool busy; /* a claim excludes the device */
    bool kept; /* tentative; from vfa_state_last(): for another request */
    bool own;  /* from vfa_state_last(): tentative for the given request */
};

/* Reads the device that is tentative for a request, or else the device that the request had last,
 * if that device is free and in a pool of the alias. Returns VFA_STATE_ABSENT if there is none. */
int vfa_state_last(struct vfa_state *state, const char *alias, const char *uuid,
                   const char *request, struct vfa_member *ret, struct vfa_error *err);

/* Reads a device of an alias by its identity. Returns VFA_STATE_ABSENT if no pool of the alias has
 * it. */
int vfa_state_member(struct vfa_state *state, const char *alias, const char *device,
                     struct vfa_member *ret, struct vfa_error *err);

/* Counts the devices of an alias, and those of them that no claim excludes. */
int vfa_state_count(struct vfa_state *state, const char *alias, unsigned *ret_total,
                    unsigned *ret_free, struct vfa_error *err);

#endif
