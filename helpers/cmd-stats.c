/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfalias stats: how many devices each alias has and how many are free (for a guest that is nowhere
 * in particular: what `explain ALIAS` counts as candidates), and the pools: devices that look alike
 * to a user. Pools are Nova's (nova/pci/stats.py): same vendor, product, NUMA node, type and tags,
 * where the tags resource_class and traits do not count; "count" is the number of free ones.
 *
 * The numbers are those of the index, so of the last scan, with the claims and the quarantine of
 * now: quick on any host. Where the index does not have them, the hardware is scanned.
 */
#include "json-out.h"
#include "state-stats.h"
#include "table.h"
#include "view.h"

#include <string.h>

struct pool {
    struct vfa_stock keys; /* of the first devices in it */
    struct vfa_tags tags;  /* without those that do not count; items are borrowed */
    unsigned count;
};

struct numbers {
    struct vfa_alias_stats *aliases; /* as the configuration has them */
    struct pool *pools;
    size_t n_pools;
};

static void numbers_clear(struct numbers *numbers)
{
    for (size_t i = 0; i < numbers->n_pools; i++)
        free(numbers->pools[i].tags.items);
    free(numbers->pools);
    free(numbers->aliases);
}

/* ---- pools ---- */

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

static bool is_pool(const struct pool *pool, const struct vfa_stock *keys,
                    const struct vfa_tags *tags)
{
    return pool->keys.vendor == keys->vendor && pool->keys.product == keys->product &&
           pool->keys.numa_node == keys->numa_node && pool->keys.type == keys->type &&
           pool->tags.n == tags->n && vfa_tags_contain(&pool->tags, tags);
}

static int add_to_pool(struct numbers *numbers, const struct vfa_stock *stock,
                       const struct vfa_spec *spec, struct vfa_error *err)
{
    struct pool *more = realloc(numbers->pools, (numbers->n_pools + 1) * sizeof(*more));
    struct vfa_tags tags;
    size_t i = 0;
    int r;

    if (!more)
        return vfa_fail_oom(err);
    numbers->pools = more;
    r = pool_tags(spec, &tags, err);
    if (r < 0)
        return r;
    while (i < numbers->n_pools && !is_pool(&more[i], stock, &tags))
        i++;
    if (i == numbers->n_pools)
        more[numbers->n_pools++] = (struct pool){*stock, tags, 0};
    else
        free(tags.items);
    more[i].count += stock->free;
    return 0;
}

/* ---- by a scan ---- */

static int scan_pools(const struct vfa_survey *view, struct numbers *numbers, struct vfa_error *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < view->n; i++) {
        const struct vfa_surveyed *device = &view->devices[i];
        const struct vfa_stock one = {.vendor = device->dev->vendor,
                                      .product = device->dev->product,
                                      .numa_node = device->dev->numa_node,
                                      .type = device->dev->type,
                                      .free = vfa_view_judge(device) == VFA_DROP_NONE};

        if (device->claimable)
            r = add_to_pool(numbers, &one, device->spec, err);
    }
    return r;
}

static void scan_alias(const struct vfa_alias *alias, const struct vfa_survey *view,
                       struct vfa_alias_stats *ret)
{
    static const struct vfa_numa_place nowhere;
    struct vfa_wish wish;

    vfa_wish_make(alias, NULL, NULL, &nowhere, &wish);
    for (size_t i = 0; i < view->n; i++) {
        const struct vfa_surveyed *device = &view->devices[i];

        if (!device->claimable || !vfa_alias_means(alias, device->dev, device->spec))
            continue;
        ret->total++;
        ret->free += vfa_survey_judge(device, &wish) == VFA_DROP_NONE;
    }
}

static int scan(const struct vfa_cmd_context *ctx, struct numbers *numbers, struct vfa_error *err)
{
    VFA_AUTO(vfa_survey_clear) struct vfa_survey view = {0};
    int r = vfa_view_load(ctx, &view, err);

    if (r < 0)
        return r;
    numbers->aliases = calloc(ctx->config->n_aliases + 1, sizeof(*numbers->aliases));
    if (!numbers->aliases)
        return vfa_fail_oom(err);
    for (size_t i = 0; i < ctx->config->n_aliases; i++)
        scan_alias(&ctx->config->aliases[i], &view, &numbers->aliases[i]);
    return scan_pools(&view, numbers, err);
}

/* ---- by the index ---- */

/* VFA_STATE_ABSENT: the index does not have them. */
static int look_up(const struct vfa_cmd_context *ctx, struct numbers *numbers,
                   struct vfa_error *err)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    VFA_AUTO(vfa_stats_clear) struct vfa_stats stats = {NULL, 0, NULL};
    int r = vfa_cmd_open_state(ctx, &state, err);

    if (r < 0 || !state)
        return r < 0 ? r : VFA_STATE_ABSENT;
    r = vfa_state_stats(state, ctx->config, &stats, err);
    for (size_t i = 0; r == 0 && i < stats.n; i++) {
        const struct vfa_stock *stock = &stats.stock[i];

        r = add_to_pool(numbers, stock, stock->spec < 0 ? NULL : &ctx->config->specs[stock->spec],
                        err);
    }
    if (r == 0)
        numbers->aliases = vfa_steal(&stats.aliases);
    return r;
}

static int count(const struct vfa_cmd_context *ctx, struct numbers *numbers, struct vfa_error *err)
{
    int r = look_up(ctx, numbers, err);

    return r == VFA_STATE_ABSENT ? scan(ctx, numbers, err) : r;
}

/* ---- JSON ---- */

static struct json_object *describe_aliases(bool *oom, const struct vfa_config *config,
                                            const struct vfa_alias_stats *aliases)
{
    struct json_object *array = vfa_json_make_array(oom);

    for (size_t i = 0; i < config->n_aliases; i++) {
        struct json_object *object = vfa_json_make_object(oom);

        vfa_json_set_text(oom, object, "name", config->aliases[i].name);
        vfa_json_set_number(oom, object, "total", aliases[i].total);
        vfa_json_set_number(oom, object, "free", aliases[i].free);
        vfa_json_push(oom, array, object);
    }
    return array;
}

static struct json_object *describe_pool(bool *oom, const struct pool *pool)
{
    struct json_object *object = vfa_json_make_object(oom);

    vfa_json_set_id(oom, object, "vendor_id", pool->keys.vendor);
    vfa_json_set_id(oom, object, "product_id", pool->keys.product);
    vfa_json_set_number(oom, object, "numa_node", pool->keys.numa_node);
    vfa_json_set_text(oom, object, "dev_type", vfa_dev_type_name(pool->keys.type));
    for (size_t i = 0; i < pool->tags.n; i++)
        vfa_json_set_text(oom, object, pool->tags.items[i].key, pool->tags.items[i].value);
    vfa_json_set_number(oom, object, "count", pool->count);
    return object;
}

static int print_json(const struct vfa_config *config, const struct numbers *numbers)
{
    bool oom = false;
    struct json_object *root = vfa_json_make_object(&oom);
    struct json_object *array = vfa_json_make_array(&oom);

    vfa_json_set(&oom, root, "aliases", describe_aliases(&oom, config, numbers->aliases));
    for (size_t i = 0; i < numbers->n_pools; i++)
        vfa_json_push(&oom, array, describe_pool(&oom, &numbers->pools[i]));
    vfa_json_set(&oom, root, "pools", array);
    return vfa_json_print(oom, root);
}

/* ---- for people ---- */

static int print_aliases(const struct vfa_config *config, const struct vfa_alias_stats *aliases)
{
    static const char *const headers[] = {"ALIAS", "TOTAL", "FREE"};
    VFA_AUTO(vfa_table_freep) struct vfa_table *table = vfa_table_new(headers, ARRAY_SIZE(headers));

    for (size_t i = 0; table && i < config->n_aliases; i++) {
        vfa_table_cell(table, VFA_TABLE_PLAIN, config->aliases[i].name);
        vfa_table_cellf(table, VFA_TABLE_PLAIN, "%u", aliases[i].total);
        vfa_table_cellf(table, aliases[i].free ? VFA_TABLE_GREEN : VFA_TABLE_RED, "%u",
                        aliases[i].free);
    }
    return vfa_table_print(table);
}

static int print_pools(const struct numbers *numbers)
{
    static const char *const headers[] = {"POOL", "TYPE", "NUMA", "FREE", "TAGS"};
    VFA_AUTO(vfa_table_freep) struct vfa_table *table = vfa_table_new(headers, ARRAY_SIZE(headers));

    for (size_t i = 0; table && i < numbers->n_pools; i++) {
        const struct pool *pool = &numbers->pools[i];

        vfa_table_cellf(table, VFA_TABLE_PLAIN, "%04x:%04x", pool->keys.vendor, pool->keys.product);
        vfa_table_cell(table, VFA_TABLE_PLAIN,
                       vfa_dev_type_name(pool->keys.type) + strlen("type-"));
        vfa_table_cell_number(table, pool->keys.numa_node);
        vfa_table_cellf(table, pool->count ? VFA_TABLE_GREEN : VFA_TABLE_RED, "%u", pool->count);
        vfa_view_cell_tags(table, &pool->tags);
    }
    return vfa_table_print(table);
}

static int print_tables(const struct vfa_config *config, const struct numbers *numbers)
{
    int status = print_aliases(config, numbers->aliases);

    putchar('\n');
    return status == VFA_CMD_FINE ? print_pools(numbers) : status;
}

int vfa_cmd_stats(struct vfa_cmd_context *ctx, int argc, char **argv)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(numbers_clear) struct numbers numbers = {0};
    bool json = false;
    const struct vfa_cmd_flag flags[] = {{"json", &json, NULL}};
    const struct vfa_cmd_syntax syntax = {"stats", flags, ARRAY_SIZE(flags), {NULL}};
    int status;

    if (!vfa_cmd_begin(ctx, &syntax, argc, argv, NULL, &status))
        return status;
    if (count(ctx, &numbers, &err) < 0)
        return vfa_cmd_fail_error(&err);
    return json ? print_json(ctx->config, &numbers) : print_tables(ctx->config, &numbers);
}
