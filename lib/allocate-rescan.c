/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rebuilding the index from the hardware.
 *
 * A scan takes long on a big host, and a start must not wait for it: it is made outside the state's
 * transaction, and its result is used only if no other process has replaced the index since the
 * scan began. So an earlier scan never overwrites a later one. On a host where that happens all the
 * time (VFs being made by the hundred) the last try is made inside.
 */
#include "allocate-private.h"

#define TRIES_OUTSIDE 3

enum {
    OVERTAKEN = 1,
};

static int replace(struct vfa_host *host, const struct vfa_inventory *inv, struct vfa_error *err)
{
    return vfa_state_index_replace(host->state, host->config, inv, err);
}

static int scan_inside(struct vfa_host *host, size_t *ret_n, struct vfa_error *err)
{
    VFA_AUTO(vfa_inventory_freep) struct vfa_inventory *inv = NULL;
    int r = vfa_inventory_scan(&host->sysfs, &inv, err);

    if (r == 0)
        r = replace(host, inv, err);
    if (r == 0 && ret_n)
        *ret_n = inv->n;
    return r;
}

static int replace_unless_overtaken(struct vfa_host *host, const struct vfa_inventory *inv,
                                    int64_t before, struct vfa_error *err)
{
    int64_t now;
    int r = vfa_state_counter(host->state, VFA_COUNTER_SCANS, &now, err);

    if (r < 0 || now != before)
        return r < 0 ? r : OVERTAKEN;
    return replace(host, inv, err);
}

/* Commits if `r` is 0. What the index has now, somebody may have waited for. */
static int finish(struct vfa_state *state, int r, struct vfa_error *err)
{
    if (r == 0)
        r = vfa_state_count_up(state, VFA_COUNTER_FREED, err);
    return vfa_state_leave(state, true, r, err);
}

static int scan_outside(struct vfa_host *host, size_t *ret_n, struct vfa_error *err)
{
    VFA_AUTO(vfa_inventory_freep) struct vfa_inventory *inv = NULL;
    int64_t before;
    int r = vfa_state_counter(host->state, VFA_COUNTER_SCANS, &before, err);

    if (r == 0)
        r = vfa_inventory_scan(&host->sysfs, &inv, err);
    if (r == 0)
        r = vfa_state_begin(host->state, err);
    if (r < 0)
        return r;
    r = finish(host->state, replace_unless_overtaken(host, inv, before, err), err);
    if (r == 0 && ret_n)
        *ret_n = inv->n;
    return r;
}

int vfa_allocate_rescan(struct vfa_host *host, size_t *ret_n, struct vfa_error *err)
{
    int r = OVERTAKEN;

    for (int i = 0; i < TRIES_OUTSIDE && r == OVERTAKEN; i++)
        r = scan_outside(host, ret_n, err);
    if (r != OVERTAKEN)
        return r;
    r = vfa_state_begin(host->state, err);
    return r < 0 ? r : finish(host->state, scan_inside(host, ret_n, err), err);
}

int vfa_attempt_rescan(struct vfa_attempt *a, struct vfa_error *err)
{
    a->rescanned = true;
    return scan_inside(a->host, NULL, err);
}

int vfa_attempt_make_fresh(struct vfa_attempt *a, struct vfa_error *err)
{
    bool fresh;
    int r = vfa_state_index_fresh(a->host->state, a->host->config, &fresh, err);

    return r < 0 || fresh ? r : vfa_attempt_rescan(a, err);
}
