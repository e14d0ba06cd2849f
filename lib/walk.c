/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See walk.h. A pool that was walked through is done with: what it has was refused. */
#include "walk.h"

struct steps {
    const struct vfa_walk *walk;
    struct vfa_pools pools; /* in the order of the alias */
    bool *done;             /* of each pool */
    bool had_last;
    struct vfa_pci_addr last; /* visited already, as the first or the device of last time */
};

static void steps_clear(struct steps *s)
{
    vfa_pools_clear(&s->pools);
    free(s->done);
}

static const struct vfa_spec *spec_of(const struct vfa_walk *walk, int spec)
{
    return spec >= 0 && (size_t)spec < walk->config->n_specs ? &walk->config->specs[spec] : NULL;
}

static int visit(const struct vfa_walk *walk, const struct vfa_device *dev, int spec,
                 struct vfa_error *err)
{
    return walk->visit(walk->data, dev, spec_of(walk, spec), err);
}

/* ---- one pool ---- */

static int walk_pool(struct steps *s, const struct vfa_pool *pool, struct vfa_error *err)
{
    struct vfa_pci_addr after;
    bool first = true;

    for (;;) {
        VFA_AUTO(vfa_device_clear) struct vfa_device dev = {0};
        int r = vfa_state_next_free(s->walk->state, pool->id, first ? NULL : &after, &dev, err);

        if (r)
            return r; /* an error, or VFA_STATE_END */
        after = dev.addr;
        first = false;
        if (s->had_last && vfa_pci_addr_compare(&dev.addr, &s->last) == 0)
            continue;
        r = visit(s->walk, &dev, pool->spec, err);
        if (r != VFA_STATE_TAKEN)
            return r;
    }
}

/* ---- the pools, in order ---- */

static int by_use(const void *a, const void *b)
{
    const struct vfa_pool *x = a, *y = b;

    if (x->used != y->used)
        return x->used < y->used ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id; /* ids grow with addresses */
}

static int by_use_most(const void *a, const void *b)
{
    const struct vfa_pool *x = a, *y = b;

    if (x->used != y->used)
        return x->used > y->used ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static void sort_pools(struct steps *s)
{
    enum vfa_order order = s->walk->wish->alias->order;

    if (order == VFA_ORDER_ADDRESS || s->pools.n < 2)
        return; /* the state gives them by address */
    qsort(s->pools.items, s->pools.n, sizeof(*s->pools.items),
          order == VFA_ORDER_SPREAD ? by_use : by_use_most);
}

static bool usable(const struct steps *s, size_t i, enum vfa_numa_pass pass)
{
    const struct vfa_wish *wish = s->walk->wish;
    const struct vfa_pool *pool = &s->pools.items[i];

    return !s->done[i] && vfa_choose_tags(wish, spec_of(s->walk, pool->spec)) &&
           vfa_numa_allows(wish->policy, &wish->place, pool->numa_node, pass);
}

/* The first usable pool of this pass, or NULL. */
static const struct vfa_pool *best_pool(const struct steps *s, enum vfa_numa_pass pass)
{
    for (size_t i = 0; i < s->pools.n; i++) {
        if (usable(s, i, pass))
            return &s->pools.items[i];
    }
    return NULL;
}

/* The device of last time, if its pool ranks with the best one. VFA_STATE_TAKEN: no such luck. */
static int try_last(struct steps *s, enum vfa_numa_pass pass, struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device dev = {0};
    const struct vfa_walk *walk = s->walk;
    const struct vfa_pool *best = best_pool(s, pass);
    int64_t id;
    int r;

    if (!best || s->had_last)
        return VFA_STATE_TAKEN;
    r = vfa_state_last(walk->state, walk->wish->alias->name, walk->uuid, walk->request, &id, &dev,
                       err);
    for (size_t i = 0; r == 0 && i < s->pools.n; i++) {
        const struct vfa_pool *pool = &s->pools.items[i];

        if (pool->id != id || !usable(s, i, pass) ||
            (walk->wish->alias->order != VFA_ORDER_ADDRESS && pool->used != best->used))
            continue;
        s->had_last = true;
        s->last = dev.addr;
        return visit(walk, &dev, pool->spec, err);
    }
    return r < 0 ? r : VFA_STATE_TAKEN;
}

/* The device that the caller would like best: it need not be near. VFA_STATE_TAKEN: no such luck.
 */
static int try_first(struct steps *s, struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device dev = {0};
    const struct vfa_walk *walk = s->walk;
    int64_t id;
    int r = walk->first ? vfa_state_free_member(walk->state, walk->wish->alias->name, walk->first,
                                                &id, &dev, err)
                        : VFA_STATE_ABSENT;

    for (size_t i = 0; r == 0 && i < s->pools.n; i++) {
        const struct vfa_pool *pool = &s->pools.items[i];

        if (pool->id != id || !vfa_choose_tags(walk->wish, spec_of(walk, pool->spec)))
            continue;
        s->had_last = true;
        s->last = dev.addr;
        return visit(walk, &dev, pool->spec, err);
    }
    return r < 0 ? r : VFA_STATE_TAKEN;
}

static int walk_pass(struct steps *s, enum vfa_numa_pass pass, struct vfa_error *err)
{
    int r = try_last(s, pass, err);

    if (r != VFA_STATE_TAKEN)
        return r;
    for (size_t i = 0; i < s->pools.n; i++) {
        if (!usable(s, i, pass))
            continue;
        s->done[i] = true;
        r = walk_pool(s, &s->pools.items[i], err);
        if (r != VFA_STATE_END)
            return r;
    }
    return VFA_STATE_END;
}

int vfa_walk(const struct vfa_walk *walk, struct vfa_error *err)
{
    VFA_AUTO(steps_clear) struct steps s = {.walk = walk};
    int r = vfa_state_pools(walk->state, walk->wish->alias->name, &s.pools, err);

    if (r < 0)
        return r;
    s.done = calloc(s.pools.n + 1, sizeof(*s.done));
    if (!s.done)
        return vfa_fail_oom(err);
    sort_pools(&s);
    r = try_first(&s, err);
    if (r != VFA_STATE_TAKEN)
        return r;
    r = VFA_STATE_END;
    for (int pass = VFA_NUMA_STRICT; pass < VFA_NUMA_PASSES && r == VFA_STATE_END; pass++)
        r = walk_pass(&s, (enum vfa_numa_pass)pass, err);
    return r;
}

int vfa_walk_count_others(const struct vfa_walk *walk, unsigned dropped[VFA_DROP_N],
                          struct vfa_error *err)
{
    VFA_AUTO(vfa_pools_clear) struct vfa_pools pools = {NULL, 0};
    int r = vfa_state_pools(walk->state, walk->wish->alias->name, &pools, err);

    for (size_t i = 0; r == 0 && i < pools.n; i++) {
        const struct vfa_pool *pool = &pools.items[i];

        if (!vfa_choose_tags(walk->wish, spec_of(walk, pool->spec)))
            dropped[VFA_DROP_TAGS] += pool->free;
        else if (!vfa_choose_near(walk->wish, pool->numa_node))
            dropped[VFA_DROP_NUMA] += pool->free;
    }
    return r;
}
