/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See candidates.h. A pool that was walked through is done with: what it has was refused. */

#include "candidates.h"

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device/inventory.h"
#include "spec/spec.h"
#include "config/config.h"
#include "state/failed.h"
#include "state/index.h"
#include "state/state.h"
#include "choose.h"
#include "numa-policy.h"
#include "verdict.h"

#include <string.h>

/* What comes before everything else in the order. */
enum turn {
    TURN_GOOD,
    TURN_LAST_RESORT, /* of PFs of which whoever walks says so */
    TURN_FAILED,
};

enum answer {
    ANSWER_UNKNOWN,
    ANSWER_NO,
    ANSWER_YES,
};

struct steps {
    const struct vfa_candidates *candidates;
    struct vfa_pools pools;   /* in the order of the alias */
    bool *done;               /* of each pool, in this turn */
    enum answer *last_resort; /* of each pool, once it was asked */
    enum turn turn;
    bool has_last, had_last; /* there is a device of last time; it was visited */
    bool last_failed;
    struct vfa_member last;
};

static void steps_clear(struct steps *s)
{
    vfa_pools_clear(&s->pools);
    vfa_device_clear(&s->last.device);
    free(s->done);
    free(s->last_resort);
}

static int visit(const struct vfa_candidates *candidates, const struct vfa_device *dev, int spec,
                 struct vfa_error *err)
{
    return candidates->visit(candidates->data, dev, vfa_config_spec(candidates->config, spec), err);
}

/* ---- one pool ---- */

static int next_device(const struct steps *s, const struct vfa_pool *pool, bool kept,
                       const struct vfa_pci_addr *after, struct vfa_device *ret,
                       struct vfa_error *err)
{
    if (s->turn == TURN_FAILED)
        return vfa_state_next_failed(s->candidates->state, pool->id, after, ret, err);
    return vfa_state_next_free(s->candidates->state, pool->id, kept, after, ret, err);
}

static int walk_pool(struct steps *s, const struct vfa_pool *pool, bool kept, struct vfa_error *err)
{
    struct vfa_pci_addr after;
    bool first = true;

    for (;;) {
        VFA_AUTO(vfa_device_clear) struct vfa_device dev = {0};
        int r = next_device(s, pool, kept, first ? NULL : &after, &dev, err);

        if (r)
            return r; /* an error, or VFA_STATE_END */
        after = dev.addr;
        first = false;
        if (s->had_last && vfa_pci_addr_compare(&dev.addr, &s->last.device.addr) == 0)
            continue;
        r = visit(s->candidates, &dev, pool->spec, err);
        if (r != VFA_STATE_TAKEN)
            return r;
    }
}

/* ---- the pools, in order ---- */

/* What is tentative counts as in use: so definitions are spread, or packed, like domains. */
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

static void sort_pools(struct steps *s)
{
    enum vfa_strategy order = s->candidates->criteria->alias->order;

    if (order == VFA_STRATEGY_ADDRESS || s->pools.n < 2)
        return; /* the state gives them by address */
    qsort(s->pools.items, s->pools.n, sizeof(*s->pools.items),
          order == VFA_STRATEGY_SPREAD ? by_use : by_use_most);
}

static bool is_last_resort(struct steps *s, size_t i)
{
    const struct vfa_candidates *candidates = s->candidates;
    const struct vfa_pool *pool = &s->pools.items[i];

    if (s->last_resort[i] == ANSWER_UNKNOWN)
        s->last_resort[i] = pool->of_vfs && candidates->is_last_resort &&
                                    candidates->is_last_resort(candidates->data, &pool->parent)
                                ? ANSWER_YES
                                : ANSWER_NO;
    return s->last_resort[i] == ANSWER_YES;
}

/* Those that have failed are few, and whether one is tentative does not matter. */
static bool has_some(const struct steps *s, const struct vfa_pool *pool, bool kept)
{
    if (s->turn == TURN_FAILED)
        return !kept;
    return kept ? pool->kept > 0 : pool->free > pool->kept;
}

static bool usable(struct steps *s, size_t i, enum vfa_numa_pass pass, bool kept)
{
    const struct vfa_criteria *criteria = s->candidates->criteria;
    const struct vfa_pool *pool = &s->pools.items[i];

    return !s->done[i] && has_some(s, pool, kept) &&
           vfa_choose_tags(criteria, vfa_config_spec(s->candidates->config, pool->spec)) &&
           vfa_numa_allows(criteria->policy, &criteria->place, pool->numa_node, pass) &&
           (s->turn == TURN_FAILED || is_last_resort(s, i) == (s->turn == TURN_LAST_RESORT));
}

/* True if the device of last time is tentative for the request, or else if its pool ranks with the
 * best, which is the first that is usable. */
static bool last_is_good(struct steps *s, enum vfa_numa_pass pass, bool kept)
{
    const struct vfa_pool *best = NULL;

    for (size_t i = 0; i < s->pools.n; i++) {
        const struct vfa_pool *pool = &s->pools.items[i];
        bool its = pool->id == s->last.pool;

        if (!usable(s, i, pass, kept) && !(its && usable(s, i, pass, !kept)))
            continue;
        if (!best)
            best = pool;
        if (its)
            return s->last.own || s->candidates->criteria->alias->order == VFA_STRATEGY_ADDRESS ||
                   in_use(pool) == in_use(best);
    }
    return false;
}

/* VFA_STATE_TAKEN: it is not its turn, or it was refused. */
static int try_last(struct steps *s, enum vfa_numa_pass pass, bool kept, struct vfa_error *err)
{
    if (!s->has_last || s->had_last || s->last_failed != (s->turn == TURN_FAILED) ||
        (!s->last_failed && s->last.kept != kept) || !last_is_good(s, pass, kept))
        return VFA_STATE_TAKEN;
    s->had_last = true;
    return visit(s->candidates, &s->last.device, s->last.spec, err);
}

static int walk_half(struct steps *s, enum vfa_numa_pass pass, bool kept, struct vfa_error *err)
{
    int r = try_last(s, pass, kept, err);

    if (r != VFA_STATE_TAKEN)
        return r;
    r = VFA_STATE_END;
    for (size_t i = 0; i < s->pools.n && r == VFA_STATE_END; i++) {
        if (usable(s, i, pass, kept))
            r = walk_pool(s, &s->pools.items[i], kept, err);
    }
    return r;
}

static int walk_pass(struct steps *s, enum vfa_numa_pass pass, struct vfa_error *err)
{
    int r = walk_half(s, pass, false, err);

    if (r == VFA_STATE_END)
        r = walk_half(s, pass, true, err);
    for (size_t i = 0; i < s->pools.n; i++)
        s->done[i] = s->done[i] || usable(s, i, pass, false) || usable(s, i, pass, true);
    return r;
}

static int walk_turn(struct steps *s, enum turn turn, struct vfa_error *err)
{
    int r = VFA_STATE_END;

    s->turn = turn;
    memset(s->done, 0, s->pools.n * sizeof(*s->done));
    for (int pass = VFA_NUMA_STRICT; pass < VFA_NUMA_PASSES && r == VFA_STATE_END; pass++)
        r = walk_pass(s, (enum vfa_numa_pass)pass, err);
    return r;
}

static int find_last(struct steps *s, struct vfa_error *err)
{
    const struct vfa_candidates *candidates = s->candidates;
    char address[VFA_PCI_ADDR_SIZE];
    int r = vfa_state_last(candidates->state, candidates->criteria->alias->name, candidates->uuid,
                           candidates->request, &s->last, err);

    s->has_last = r == 0;
    if (r != 0)
        return r < 0 ? r : 0;
    return vfa_state_has_failed(candidates->state,
                                vfa_pci_addr_format(&s->last.device.addr, address), &s->last_failed,
                                err);
}

static int set_up(struct steps *s, struct vfa_error *err)
{
    int r =
        vfa_state_pools(s->candidates->state, s->candidates->criteria->alias->name, &s->pools, err);

    if (r < 0)
        return r;
    s->done = calloc(s->pools.n + 1, sizeof(*s->done));
    s->last_resort = calloc(s->pools.n + 1, sizeof(*s->last_resort));
    if (!s->done || !s->last_resort)
        return vfa_fail_oom(err);
    sort_pools(s);
    return find_last(s, err);
}

int vfa_candidates(const struct vfa_candidates *candidates, struct vfa_error *err)
{
    VFA_AUTO(steps_clear) struct steps s = {.candidates = candidates};
    bool failed = false;
    int r = set_up(&s, err);

    if (r == 0)
        r = walk_turn(&s, TURN_GOOD, err);
    if (r == VFA_STATE_END)
        r = walk_turn(&s, TURN_LAST_RESORT, err);
    if (r != VFA_STATE_END)
        return r;
    r = vfa_state_has_failed(candidates->state, NULL, &failed, err);
    if (r == 0)
        r = failed ? walk_turn(&s, TURN_FAILED, err) : VFA_STATE_END;
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
