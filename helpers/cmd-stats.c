/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfalias stats: how many devices each alias has and how many are free (for a guest that is nowhere
 * in particular: what `explain ALIAS` counts as candidates), and the pools: devices that look alike
 * to a user. Pools are Nova's (nova/pci/stats.py): same vendor, product, NUMA node, type and tags,
 * where the tags resource_class and traits do not count; "count" is the number of free ones.
 */
#include "json-out.h"
#include "table.h"
#include "view.h"

#include <string.h>

struct pool {
    const struct vfa_device *dev; /* one of them, for the keys */
    struct vfa_tags tags;         /* without those that do not count; items are borrowed */
    unsigned count;
};

struct pools {
    struct pool *items;
    size_t n;
};

static void pools_clear(struct pools *pools)
{
    for (size_t i = 0; i < pools->n; i++)
        free(pools->items[i].tags.items);
    free(pools->items);
}

static bool tag_counts(const char *key)
{
    return strcmp(key, "resource_class") != 0 && strcmp(key, "traits") != 0;
}

/* The tags that count, borrowed; the caller frees ret->items. */
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

static bool is_pool(const struct pool *pool, const struct vfa_device *dev,
                    const struct vfa_tags *tags)
{
    return pool->dev->vendor == dev->vendor && pool->dev->product == dev->product &&
           pool->dev->numa_node == dev->numa_node && pool->dev->type == dev->type &&
           pool->tags.n == tags->n && vfa_tags_contain(&pool->tags, tags);
}

static int count_device(struct pools *pools, const struct vfa_surveyed *device,
                        struct vfa_error *err)
{
    struct vfa_tags tags;
    size_t i = 0;
    int r = pool_tags(device->spec, &tags, err);

    if (r < 0)
        return r;
    while (i < pools->n && !is_pool(&pools->items[i], device->dev, &tags))
        i++;
    if (i == pools->n)
        pools->items[pools->n++] = (struct pool){device->dev, tags, 0};
    else
        free(tags.items);
    pools->items[i].count += vfa_view_judge(device) == VFA_DROP_NONE;
    return 0;
}

static int count_pools(const struct vfa_survey *view, struct pools *ret, struct vfa_error *err)
{
    int r = 0;

    ret->items = calloc(view->n + 1, sizeof(*ret->items));
    if (!ret->items)
        return vfa_fail_oom(err);
    for (size_t i = 0; r == 0 && i < view->n; i++) {
        if (view->devices[i].claimable)
            r = count_device(ret, &view->devices[i], err);
    }
    return r;
}

static void count_alias(const struct vfa_alias *alias, const struct vfa_survey *view,
                        unsigned *ret_total, unsigned *ret_free)
{
    static const struct vfa_numa_place nowhere;
    struct vfa_wish wish;

    *ret_total = *ret_free = 0;
    vfa_wish_make(alias, NULL, NULL, &nowhere, &wish);
    for (size_t i = 0; i < view->n; i++) {
        const struct vfa_surveyed *device = &view->devices[i];

        if (!device->claimable || !vfa_alias_means(alias, device->dev, device->spec))
            continue;
        (*ret_total)++;
        *ret_free += vfa_survey_judge(device, &wish) == VFA_DROP_NONE;
    }
}

/* ---- JSON ---- */

static struct json_object *describe_aliases(bool *oom, const struct vfa_config *config,
                                            const struct vfa_survey *view)
{
    struct json_object *array = vfa_json_make_array(oom);

    for (size_t i = 0; i < config->n_aliases; i++) {
        struct json_object *object = vfa_json_make_object(oom);
        unsigned total, free_ones;

        count_alias(&config->aliases[i], view, &total, &free_ones);
        vfa_json_set_text(oom, object, "name", config->aliases[i].name);
        vfa_json_set_number(oom, object, "total", total);
        vfa_json_set_number(oom, object, "free", free_ones);
        vfa_json_push(oom, array, object);
    }
    return array;
}

static struct json_object *describe_pool(bool *oom, const struct pool *pool)
{
    struct json_object *object = vfa_json_make_object(oom);

    vfa_json_set_id(oom, object, "vendor_id", pool->dev->vendor);
    vfa_json_set_id(oom, object, "product_id", pool->dev->product);
    vfa_json_set_number(oom, object, "numa_node", pool->dev->numa_node);
    vfa_json_set_text(oom, object, "dev_type", vfa_dev_type_name(pool->dev->type));
    for (size_t i = 0; i < pool->tags.n; i++)
        vfa_json_set_text(oom, object, pool->tags.items[i].key, pool->tags.items[i].value);
    vfa_json_set_number(oom, object, "count", pool->count);
    return object;
}

static int print_json(const struct vfa_config *config, const struct vfa_survey *view,
                      const struct pools *pools)
{
    bool oom = false;
    struct json_object *root = vfa_json_make_object(&oom);
    struct json_object *array = vfa_json_make_array(&oom);

    vfa_json_set(&oom, root, "aliases", describe_aliases(&oom, config, view));
    for (size_t i = 0; i < pools->n; i++)
        vfa_json_push(&oom, array, describe_pool(&oom, &pools->items[i]));
    vfa_json_set(&oom, root, "pools", array);
    return vfa_json_print(oom, root);
}

/* ---- for people ---- */

static int print_aliases(const struct vfa_config *config, const struct vfa_survey *view)
{
    static const char *const headers[] = {"ALIAS", "TOTAL", "FREE"};
    VFA_AUTO(vfa_table_freep) struct vfa_table *table = vfa_table_new(headers, ARRAY_SIZE(headers));

    for (size_t i = 0; table && i < config->n_aliases; i++) {
        unsigned total, free_ones;

        count_alias(&config->aliases[i], view, &total, &free_ones);
        vfa_table_cell(table, VFA_TABLE_PLAIN, config->aliases[i].name);
        vfa_table_cellf(table, VFA_TABLE_PLAIN, "%u", total);
        vfa_table_cellf(table, free_ones ? VFA_TABLE_GREEN : VFA_TABLE_RED, "%u", free_ones);
    }
    return vfa_table_print(table);
}

static int print_pools(const struct pools *pools)
{
    static const char *const headers[] = {"POOL", "TYPE", "NUMA", "FREE", "TAGS"};
    VFA_AUTO(vfa_table_freep) struct vfa_table *table = vfa_table_new(headers, ARRAY_SIZE(headers));

    for (size_t i = 0; table && i < pools->n; i++) {
        const struct pool *pool = &pools->items[i];

        vfa_table_cellf(table, VFA_TABLE_PLAIN, "%04x:%04x", pool->dev->vendor, pool->dev->product);
        vfa_table_cell(table, VFA_TABLE_PLAIN,
                       vfa_dev_type_name(pool->dev->type) + strlen("type-"));
        vfa_table_cell_number(table, pool->dev->numa_node);
        vfa_table_cellf(table, pool->count ? VFA_TABLE_GREEN : VFA_TABLE_RED, "%u", pool->count);
        vfa_view_cell_tags(table, &pool->tags);
    }
    return vfa_table_print(table);
}

static int print_tables(const struct vfa_config *config, const struct vfa_survey *view,
                        const struct pools *pools)
{
    int status = print_aliases(config, view);

    putchar('\n');
    return status == VFA_CMD_FINE ? print_pools(pools) : status;
}

int vfa_cmd_stats(struct vfa_cmd_context *ctx, int argc, char **argv)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_survey_clear) struct vfa_survey view = {0};
    VFA_AUTO(pools_clear) struct pools pools = {0};
    bool json = false;
    const struct vfa_cmd_flag flags[] = {{"json", &json, NULL}};
    const struct vfa_cmd_syntax syntax = {"stats", flags, ARRAY_SIZE(flags), {NULL}};
    int status;

    if (!vfa_cmd_begin(ctx, &syntax, argc, argv, NULL, &status))
        return status;
    if (vfa_view_load(ctx, &view, &err) < 0 || count_pools(&view, &pools, &err) < 0)
        return vfa_cmd_fail_error(&err);
    return json ? print_json(ctx->config, &view, &pools) : print_tables(ctx->config, &view, &pools);
}
