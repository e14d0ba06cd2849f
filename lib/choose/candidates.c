/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See candidates.h. A pool whose devices were all visited is skipped in the looser NUMA passes of
 * the same turn: its devices were refused. */

#include "candidates.h"

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device/device.h"
#include "spec/spec.h"
#include "config/config.h"
#include "state/failed.h"
#include "state/index.h"
#include "state/state.h"
#include "choose.h"
#include "numa-policy.h"
#include "verdict.h"

#include <string.h>

/* The outermost order. */
enum turn {
    TURN_GOOD,
    TURN_LAST_RESORT, /* VFs of PFs for which is_last_resort() is true */
    TURN_FAILED,      /* devices whose last attach failed */
};

enum answer {
    ANSWER_UNKNOWN,
    ANSWER_NO,
    ANSWER_YES,
};

struct iteration {
    const struct vfa_candidates *candidates;
    struct vfa_pools pools;   /* in the order of the alias */
    bool *done;               /* by pool, in this turn */
    enum answer *last_resort; /* by pool; cached answers of is_last_resort() */
    enum turn turn;
    bool has_last, had_last; /* the request had a device before; that device was visited */
    bool last_failed;
    struct vfa_member last;
};

static void iteration_clear(struct iteration *it)
{
    vfa_pools_clear(&it->pools);
    vfa_device_clear(&it->last.device);
    free(it->done);
    free(it->last_resort);
}

static int visit_device(const struct vfa_candidates *candidates, const struct vfa_device *dev,
                        int spec, struct vfa_error *err)
{
    return candidates->visit(candidates->data, dev, vfa_config_spec(candidates->config, spec), err);
}

/* ---- one pool ---- */

static int next_device(const struct iteration *it, const struct vfa_pool *pool, bool reserved,
                       const char *after, struct vfa_device *ret, struct vfa_error *err)
{
    if (it->turn == TURN_FAILED)
        return vfa_state_next_failed(it->candidates->state, pool->id, after, ret, err);
    return vfa_state_next_free(it->candidates->state, pool->id, reserved, after, ret, err);
}

static int walk_pool(struct iteration *it, const struct vfa_pool *pool, bool reserved,
                     struct vfa_error *err)
{
    char after[VFA_DEVICE_ID_SIZE] = "";

    for (;;) {
        VFA_AUTO(vfa_device_clear) struct vfa_device dev = {0};
        int r = next_device(it, pool, reserved, after, &dev, err);

        if (r)
            return r; /* an error, or VFA_STATE_END */
        memcpy(after, dev.id, sizeof(after));
        if (it->had_last && strcmp(dev.id, it->last.device.id) == 0)
            continue;
        r = visit_device(it->candidates, &dev, pool->spec, err);
        if (r != VFA_STATE_TAKEN)
            return r;
    }
}

/* ---- the pools, in order ---- */

/* Tentative assignments count as in use, so the strategies spread and pack definitions as they do
 * domains. */
static unsigned in_use(const struct vfa_pool *pool)
{
    return pool->used + pool->kept;
}

static int by_use(const void *a, const void *b)
{
    const struct vfa_pool *x = a, *y = b;

    if (in_use(x) != in_use(y))
        return in_use(x) < in_use(y) ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id; /* ids grow with addresses */
}

static int by_use_most(const void *a, const void *b)
{
    const struct vfa_pool *x = a, *y = b;

    if (in_use(x) != in_use(y))
        return in_use(x) > in_use(y) ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static void sort_pools(struct iteration *it)
{
    enum vfa_strategy strategy = it->candidates->criteria->alias->order;

    if (strategy == VFA_STRATEGY_ADDRESS || it->pools.n < 2)
        return; /* vfa_state_pools() sorts by address */
    qsort(it->pools.items, it->pools.n, sizeof(*it->pools.items),
          strategy == VFA_STRATEGY_SPREAD ? by_use : by_use_most);
}

static bool pool_is_last_resort(struct iteration *it, size_t i)
{
    const struct vfa_candidates *candidates = it->candidates;
    const struct vfa_pool *pool = &it->pools.items[i];

    if (it->last_resort[i] == ANSWER_UNKNOWN)
        it->last_resort[i] = pool->of_vfs && candidates->is_last_resort &&
                                     candidates->is_last_resort(candidates->data, &pool->parent)
                                 ? ANSWER_YES
                                 : ANSWER_NO;
    return it->last_resort[i] == ANSWER_YES;
}

/* Failed devices are few: they are visited in one go, whether they are reserved or not. */
static bool has_some(const struct iteration *it, const struct vfa_pool *pool, bool reserved)
{
    if (it->turn == TURN_FAILED)
        return !reserved;
    return reserved ? pool->kept > 0 : pool->free > pool->kept;
}

static bool is_usable(struct iteration *it, size_t i, enum vfa_numa_pass pass, bool reserved)
{
    const struct vfa_criteria *criteria = it->candidates->criteria;
    const struct vfa_pool *pool = &it->pools.items[i];

    return !it->done[i] && has_some(it, pool, reserved) &&
           vfa_choose_tags(criteria, vfa_config_spec(it->candidates->config, pool->spec)) &&
           vfa_numa_allows(criteria->policy, &criteria->place, pool->numa_node, pass) &&
           (it->turn == TURN_FAILED ||
            pool_is_last_resort(it, i) == (it->turn == TURN_LAST_RESORT));
}

/* True if the previous device of the request is tentative for the request, or if its pool ranks
 * equal to the best pool: the first usable one. */
static bool last_is_good(struct iteration *it, enum vfa_numa_pass pass, bool reserved)
{
    const struct vfa_pool *best = NULL;

    for (size_t i = 0; i < it->pools.n; i++) {
        const struct vfa_pool *pool = &it->pools.items[i];
        bool of_last = pool->id == it->last.pool;

        if (!is_usable(it, i, pass, reserved) && !(of_last && is_usable(it, i, pass, !reserved)))
            continue;
        if (!best)
            best = pool;
        if (of_last)
            return it->last.own || it->candidates->criteria->alias->order == VFA_STRATEGY_ADDRESS ||
                   in_use(pool) == in_use(best);
    }
    return false;
}

/* VFA_STATE_TAKEN: the previous device comes later, or it was refused. */
static int try_last(struct iteration *it, enum vfa_numa_pass pass, bool reserved,
                    struct vfa_error *err)
{
    if (!it->has_last || it->had_last || it->last_failed != (it->turn == TURN_FAILED) ||
        (!it->last_failed && it->last.kept != reserved) || !last_is_good(it, pass, reserved))
        return VFA_STATE_TAKEN;
    it->had_last = true;
    return visit_device(it->candidates, &it->last.device, it->last.spec, err);
}

static int walk_reserved(struct iteration *it, enum vfa_numa_pass pass, bool reserved,
                         struct vfa_error *err)
{
    int r = try_last(it, pass, reserved, err);

    if (r != VFA_STATE_TAKEN)
        return r;
    r = VFA_STATE_END;
    for (size_t i = 0; i < it->pools.n && r == VFA_STATE_END; i++) {
        if (is_usable(it, i, pass, reserved))
            r = walk_pool(it, &it->pools.items[i], reserved, err);
    }
    return r;
}

static int walk_pass(struct iteration *it, enum vfa_numa_pass pass, struct vfa_error *err)
{
    int r = walk_reserved(it, pass, false, err);

    if (r == VFA_STATE_END)
        r = walk_reserved(it, pass, true, err);
    for (size_t i = 0; i < it->pools.n; i++)
        it->done[i] = it->done[i] || is_usable(it, i, pass, false) || is_usable(it, i, pass, true);
    return r;
}

static int walk_turn(struct iteration *it, enum turn turn, struct vfa_error *err)
{
    int r = VFA_STATE_END;

    it->turn = turn;
    memset(it->done, 0, it->pools.n * sizeof(*it->done));
    for (int pass = VFA_NUMA_STRICT; pass < VFA_NUMA_PASSES && r == VFA_STATE_END; pass++)
        r = walk_pass(it, (enum vfa_numa_pass)pass, err);
    return r;
}

static int find_last(struct iteration *it, struct vfa_error *err)
{
    const struct vfa_candidates *candidates = it->candidates;
    int r = vfa_state_last(candidates->state, candidates->criteria->alias->name, candidates->uuid,
                           candidates->request, &it->last, err);

    it->has_last = r == 0;
    if (r != 0)
        return r < 0 ? r : 0;
    return vfa_state_has_failed(candidates->state, it->last.device.id, &it->last_failed, err);
}

static int load_pools(struct iteration *it, struct vfa_error *err)
{
    int r = vfa_state_pools(it->candidates->state, it->candidates->criteria->alias->name,
                            &it->pools, err);

    if (r < 0)
        return r;
    it->done = calloc(it->pools.n + 1, sizeof(*it->done));
    it->last_resort = calloc(it->pools.n + 1, sizeof(*it->last_resort));
    if (!it->done || !it->last_resort)
        return vfa_fail_oom(err);
    sort_pools(it);
    return find_last(it, err);
}

int vfa_candidates(const struct vfa_candidates *candidates, struct vfa_error *err)
{
    VFA_AUTO(iteration_clear) struct iteration it = {.candidates = candidates};
    bool failed = false;
    int r = load_pools(&it, err);

    if (r == 0)
        r = walk_turn(&it, TURN_GOOD, err);
    if (r == VFA_STATE_END)
        r = walk_turn(&it, TURN_LAST_RESORT, err);
    if (r != VFA_STATE_END)
        return r;
    r = vfa_state_has_failed(candidates->state, NULL, &failed, err);
    if (r == 0)
        r = failed ? walk_turn(&it, TURN_FAILED, err) : VFA_STATE_END;
    return r;
}

int vfa_candidates_count_others(const struct vfa_candidates *candidates,
                                unsigned dropped[VFA_VERDICT_N], struct vfa_error *err)
{
    VFA_AUTO(vfa_pools_clear) struct vfa_pools pools = {NULL, 0};
    int r = vfa_state_pools(candidates->state, candidates->criteria->alias->name, &pools, err);

    for (size_t i = 0; r == 0 && i < pools.n; i++) {
        const struct vfa_pool *pool = &pools.items[i];

        if (!vfa_choose_tags(candidates->criteria, vfa_config_spec(candidates->config, pool->spec)))
            dropped[VFA_VERDICT_TAGS] += pool->free;
        else if (!vfa_choose_near(candidates->criteria, pool->numa_node))
            dropped[VFA_VERDICT_NUMA] += pool->free;
    }
    return r;
}
