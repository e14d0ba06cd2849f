/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfalias stats: for each alias, the number of devices and of free devices (the candidates of
 * `explain ALIAS`); for each pool, the number of free devices ("count"; choose/capacity.h).
 *
 * The hardware is scanned if the index does not have the numbers.
 */

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "config/config.h"
#include "state/state.h"
#include "state/stats.h"
#include "choose/capacity.h"
#include "choose/device-status.h"
#include "cmd.h"
#include "json-out.h"
#include "table.h"
#include "verbs.h"
#include "view.h"

/* ---- counting ---- */

static int scan_capacity(const struct vfa_cmd_context *ctx, struct vfa_capacity *ret,
                         struct vfa_error *err)
{
    VFA_AUTO(vfa_device_status_clear) struct vfa_device_status_list view = {0};
    int r = vfa_view_load(ctx, &view, err);

    return r < 0 ? r : vfa_capacity_scan(ctx->config, &view, ret, err);
}

static int look_up_capacity(const struct vfa_cmd_context *ctx, struct vfa_capacity *ret,
                            struct vfa_error *err)
{
    VFA_AUTO(vfa_state_closep) struct vfa_state *state = NULL;
    int r = vfa_cmd_open_state(ctx, &state, err);

    if (r < 0 || !state)
        return r < 0 ? r : VFA_STATE_ABSENT;
    return vfa_capacity_look_up(ctx->config, state, ret, err);
}

static int read_capacity(const struct vfa_cmd_context *ctx, struct vfa_capacity *ret,
                         struct vfa_error *err)
{
    int r = look_up_capacity(ctx, ret, err);

    return r == VFA_STATE_ABSENT ? scan_capacity(ctx, ret, err) : r;
}

/* ---- JSON ---- */

static struct json_object *describe_aliases(bool *oom, const struct vfa_config *config,
                                            const struct vfa_alias_stats *aliases)
{
    struct json_object *array = vfa_json_make_array(oom);

    for (size_t i = 0; i < config->n_aliases; i++) {
        struct json_object *object = vfa_json_make_object(oom);
        bool has_devices = config->aliases[i].types != 0; /* no bridge, no chain */

        vfa_json_set_text(oom, object, "name", config->aliases[i].name);
        vfa_json_set_number(oom, object, "total", has_devices ? (int64_t)aliases[i].total : -1);
        vfa_json_set_number(oom, object, "free", has_devices ? (int64_t)aliases[i].free : -1);
        vfa_json_push(oom, array, object);
    }
    return array;
}

static struct json_object *describe_pool(bool *oom, const struct vfa_capacity_pool *pool)
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

static int print_json(const struct vfa_config *config, const struct vfa_capacity *capacity)
{
    bool oom = false;
    struct json_object *root = vfa_json_make_object(&oom);
    struct json_object *array = vfa_json_make_array(&oom);

    vfa_json_set(&oom, root, "aliases", describe_aliases(&oom, config, capacity->aliases));
    for (size_t i = 0; i < capacity->n_pools; i++)
        vfa_json_push(&oom, array, describe_pool(&oom, &capacity->pools[i]));
    vfa_json_set(&oom, root, "pools", array);
    return vfa_json_print(oom, root);
}

/* ---- tables ---- */

static int print_aliases(const struct vfa_config *config, const struct vfa_alias_stats *aliases)
{
    static const char *const headers[] = {"ALIAS", "TOTAL", "FREE"};
    VFA_AUTO(vfa_table_freep) struct vfa_table *table = vfa_table_new(headers, ARRAY_SIZE(headers));

    for (size_t i = 0; table && i < config->n_aliases; i++) {
        vfa_table_cell(table, VFA_TABLE_PLAIN, config->aliases[i].name);
        if (!config->aliases[i].types) {
            vfa_table_cell_number(table, -1);
            vfa_table_cell_number(table, -1);
            continue;
        }
        vfa_table_cellf(table, VFA_TABLE_PLAIN, "%u", aliases[i].total);
        vfa_table_cellf(table, aliases[i].free ? VFA_TABLE_GREEN : VFA_TABLE_RED, "%u",
                        aliases[i].free);
    }
    return vfa_table_print(table);
}

static int print_pools(const struct vfa_capacity *capacity)
{
    static const char *const headers[] = {"POOL", "TYPE", "NUMA", "FREE", "TAGS"};
    VFA_AUTO(vfa_table_freep) struct vfa_table *table = vfa_table_new(headers, ARRAY_SIZE(headers));

    for (size_t i = 0; table && i < capacity->n_pools; i++) {
        const struct vfa_capacity_pool *pool = &capacity->pools[i];

        vfa_view_cell_ids(table, pool->keys.vendor, pool->keys.product);
        vfa_view_cell_type(table, pool->keys.type);
        vfa_table_cell_number(table, pool->keys.numa_node);
        vfa_table_cellf(table, pool->count ? VFA_TABLE_GREEN : VFA_TABLE_RED, "%u", pool->count);
        vfa_view_cell_tags(table, &pool->tags);
    }
    return vfa_table_print(table);
}

static int print_tables(const struct vfa_config *config, const struct vfa_capacity *capacity)
{
    int status = print_aliases(config, capacity->aliases);

    putchar('\n');
    return status == VFA_CMD_FINE ? print_pools(capacity) : status;
}

int vfa_cmd_stats(struct vfa_cmd_context *ctx, int argc, char **argv)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_capacity_clear) struct vfa_capacity capacity = {0};
    bool json = false;
    const struct vfa_cmd_flag flags[] = {{"json", &json, NULL}};
    const struct vfa_cmd_syntax syntax = {"stats", flags, ARRAY_SIZE(flags), {NULL}};
    int status;

    if (!vfa_cmd_begin(ctx, &syntax, argc, argv, NULL, &status))
        return status;
    if (read_capacity(ctx, &capacity, &err) < 0)
        return vfa_cmd_fail_error(&err);
    return json ? print_json(ctx->config, &capacity) : print_tables(ctx->config, &capacity);
}
