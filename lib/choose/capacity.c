/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See capacity.h. Scan and index give the same pools in the same order: by the lowest address of
 * their devices. */

#include "capacity.h"

#include "base/common.h"
#include "base/error.h"
#include "base/tags.h"
#include "device/topology.h"
#include "spec/match.h"
#include "spec/spec.h"
#include "config/config.h"
#include "state/state.h"
#include "state/stats.h"
#include "choose.h"
#include "device-status.h"
#include "verdict.h"

#include <string.h>

void vfa_capacity_clear(struct vfa_capacity *capacity)
{
    for (size_t i = 0; i < capacity->n_pools; i++)
        free(capacity->pools[i].tags.items);
    free(capacity->pools);
    free(capacity->aliases);
}

/* ---- pools ---- */

static bool tag_counts(const char *key)
{
    return strcmp(key, "resource_class") != 0 && strcmp(key, "traits") != 0;
}

/* The tags that distinguish pools. The strings are borrowed; the caller frees ret->items. */
static int pool_tags(const struct vfa_spec *spec, struct vfa_tags *ret, struct vfa_error *err)
{
    *ret = (struct vfa_tags){0};
    if (!spec)
        return 0;
    ret->items = calloc(spec->tags.n + 1, sizeof(*ret->items));
    if (!ret->items)
        return vfa_fail_oom(err);
    for (size_t i = 0; i < spec->tags.n; i++) {
        if (tag_counts(spec->tags.items[i].key))
            ret->items[ret->n++] = spec->tags.items[i];
    }
    return 0;
}

static bool matches_pool(const struct vfa_capacity_pool *pool, const struct vfa_stock *keys,
                         const struct vfa_tags *tags)
{
    return pool->keys.vendor == keys->vendor && pool->keys.product == keys->product &&
           pool->keys.numa_node == keys->numa_node && pool->keys.type == keys->type &&
           pool->tags.n == tags->n && vfa_tags_contain(&pool->tags, tags);
}

/* The pool with these keys and tags, added if it is new. Takes over tags->items. NULL: out of
 * memory. */
static struct vfa_capacity_pool *
find_or_add_pool(struct vfa_capacity *capacity, const struct vfa_stock *keys, struct vfa_tags *tags)
{
    struct vfa_capacity_pool *pools;
    size_t i = 0;

    while (i < capacity->n_pools && !matches_pool(&capacity->pools[i], keys, tags))
        i++;
    if (i < capacity->n_pools) {
        free(tags->items);
        return &capacity->pools[i];
    }
    pools = realloc(capacity->pools, (i + 1) * sizeof(*pools));
    if (!pools) {
        free(tags->items);
        return NULL;
    }
    capacity->pools = pools;
    pools[capacity->n_pools++] = (struct vfa_capacity_pool){*keys, *tags, 0};
    return &pools[i];
}

static int add_to_pool(struct vfa_capacity *capacity, const struct vfa_stock *stock,
                       const struct vfa_spec *spec, struct vfa_error *err)
{
    struct vfa_capacity_pool *pool;
    struct vfa_tags tags;
    int r = pool_tags(spec, &tags, err);

    if (r < 0)
        return r;
    pool = find_or_add_pool(capacity, stock, &tags);
    if (!pool)
        return vfa_fail_oom(err);
    pool->count += stock->free;
    return 0;
}

/* ---- from a scan ---- */

/* The slots that some domain could get. */
static unsigned count_free(const struct vfa_device_status *device,
                           const struct vfa_criteria *criteria)
{
    if (vfa_device_status_judge(device, criteria) != VFA_VERDICT_CANDIDATE)
        return 0;
    return device->slots > device->used ? device->slots - device->used : 0;
}

static int scan_pools(const struct vfa_device_status_list *list, struct vfa_capacity *capacity,
                      struct vfa_error *err)
{
    static const struct vfa_criteria anybody = {.uuid = ""}; /* by any alias */
    int r = 0;

    for (size_t i = 0; r == 0 && i < list->n; i++) {
        const struct vfa_device_status *device = &list->devices[i];
        const struct vfa_stock one = {.vendor = device->dev->vendor,
                                      .product = device->dev->product,
                                      .numa_node = device->dev->numa_node,
                                      .type = device->dev->type,
                                      .free = count_free(device, &anybody)};

        if (device->claimable)
            r = add_to_pool(capacity, &one, device->spec, err);
    }
    return r;
}

static void scan_alias(const struct vfa_alias *alias, const struct vfa_device_status_list *list,
                       struct vfa_alias_stats *ret)
{
    static const struct vfa_numa_place nowhere;
    struct vfa_criteria criteria;

    vfa_criteria_make(alias, NULL, NULL, &nowhere, &criteria);
    for (size_t i = 0; i < list->n; i++) {
        const struct vfa_device_status *device = &list->devices[i];

        if (!device->claimable || !vfa_alias_selects(alias, device->dev, device->spec))
            continue;
        ret->total += device->slots;
        ret->free += count_free(device, &criteria);
    }
}

int vfa_capacity_scan(const struct vfa_config *config, const struct vfa_device_status_list *list,
                      struct vfa_capacity *ret, struct vfa_error *err)
{
    ret->aliases = calloc(config->n_aliases + 1, sizeof(*ret->aliases));
    if (!ret->aliases)
        return vfa_fail_oom(err);
    for (size_t i = 0; i < config->n_aliases; i++)
        scan_alias(&config->aliases[i], list, &ret->aliases[i]);
    return scan_pools(list, ret, err);
}

/* ---- from the index ---- */

int vfa_capacity_look_up(const struct vfa_config *config, struct vfa_state *state,
                         struct vfa_capacity *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_stats_clear) struct vfa_stats stats = {NULL, 0, NULL};
    int r = vfa_state_stats(state, config, &stats, err);

    for (size_t i = 0; r == 0 && i < stats.n; i++) {
        const struct vfa_stock *stock = &stats.stock[i];

        r = add_to_pool(ret, stock, stock->spec < 0 ? NULL : &config->specs[stock->spec], err);
    }
    if (r == 0)
        ret->aliases = vfa_steal(&stats.aliases);
    return r;
}
