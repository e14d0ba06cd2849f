/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See stats.h. The index has counts of the healthy devices, made at the scan. The queries read only
 * those single devices that claims and quarantine exclude now, so the cost does not depend on the
 * number of devices of the host.
 */

#include "stats.h"

#include "base/array.h"
#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "device/inventory.h"
#include "spec/spec.h"
#include "config/config.h"
#include "index.h"
#include "private.h"
#include "state.h"

#include <errno.h>
#include <string.h>

/* The devices that are not free now, and how many of their slots (schema.sql) are not: n. own = 1:
 * not free for any purpose. own = 0: only another device of the IOMMU group is claimed, which
 * excludes only kinds that take the group. */
#define WITH_LOST                                                                                  \
    "WITH excluded (device, n) AS (SELECT device, 1000000 FROM quarantine"                         \
    " UNION ALL SELECT d.device, sum(iif(k.mode = 'X', 1000000, 1))"                               \
    "  FROM conflict_key k CROSS JOIN device_key d ON d.key = k.key"                               \
    "  AND d.mode >= iif(k.mode = 'S', 'X', 'S') WHERE k.tentative = 0 AND k.mode <> 'G'"          \
    "  GROUP BY d.device),"                                                                        \
    " lost (device, own, n) AS (SELECT e.device, 1, min(sum(e.n), d.slots) FROM excluded e"        \
    "  CROSS JOIN device d ON d.id = e.device GROUP BY e.device"                                   \
    " UNION ALL SELECT DISTINCT d.device, 0, 1 FROM conflict_key k"                                \
    "  CROSS JOIN device_key d ON d.key = k.key WHERE k.tentative = 0 AND k.mode = 'G'"            \
    "  AND d.device NOT IN (SELECT device FROM excluded))"

void vfa_stats_clear(struct vfa_stats *stats)
{
    free(stats->stock);
    free(stats->aliases);
    *stats = (struct vfa_stats){NULL, 0, NULL};
}

/* ---- devices that are alike ---- */

static int append_stock(sqlite3_stmt *stmt, const struct vfa_config *config,
                        struct vfa_stats *stats, struct vfa_error *err)
{
    int type = sqlite3_column_int(stmt, 3), spec = sqlite3_column_int(stmt, 4);
    struct vfa_stock *stock;

    if (type < VFA_TYPE_PCI || type >= VFA_TYPES || spec < -1 || spec >= (int)config->n_specs)
        return vfa_fail(err, EUCLEAN, "cannot use the index: bad device type or device_spec");
    stock = vfa_array_grow(&stats->stock, stats->n);
    if (!stock)
        return vfa_fail_oom(err);
    *stock = (struct vfa_stock){.vendor = (uint16_t)sqlite3_column_int(stmt, 0),
                                .product = (uint16_t)sqlite3_column_int(stmt, 1),
                                .numa_node = sqlite3_column_int(stmt, 2),
                                .type = (enum vfa_dev_type)type,
                                .spec = spec,
                                .free = (unsigned)sqlite3_column_int(stmt, 5)};
    stats->n++;
    return 0;
}

/* VFA_STATE_ABSENT: a device that is free now was not checked. */
static int read_stock(struct vfa_state *state, const struct vfa_config *config,
                      struct vfa_stats *stats, struct vfa_error *err)
{
    VFA_AUTO(vfa_sql_finalizep)
    sqlite3_stmt *stmt = vfa_sql_prepare(
        state, err,
        WITH_LOST ", sum (vendor, product, numa_node, type, spec, healthy, unknown) AS"
                  " (SELECT d.vendor, d.product, d.numa_node, d.type, d.spec,"
                  "  total(d.healthy * l.n), total((d.healthy IS NULL AND l.own) * l.n)"
                  "  FROM lost l CROSS JOIN device d ON d.id = l.device"
                  "  GROUP BY 1, 2, 3, 4, 5)"
                  " SELECT vendor, product, numa_node, type, spec,"
                  " s.healthy - coalesce(sum.healthy, 0),"
                  " s.unknown - coalesce(sum.unknown, 0) FROM stock s"
                  " LEFT JOIN sum USING (vendor, product, numa_node, type, spec)"
                  " ORDER BY s.first",
        "");
    int r;

    if (!stmt)
        return vfa_sql_failed(err);
    while ((r = vfa_sql_step(state, stmt, err)) > 0) {
        if (sqlite3_column_int(stmt, 6) > 0)
            return VFA_STATE_ABSENT;
        r = append_stock(stmt, config, stats, err);
        if (r < 0)
            return r;
    }
    return r;
}

/* ---- the devices of each alias ---- */

static void note_alias(sqlite3_stmt *stmt, const struct vfa_config *config, struct vfa_stats *stats)
{
    const char *name = (const char *)sqlite3_column_text(stmt, 0);

    for (size_t i = 0; name && i < config->n_aliases; i++) {
        bool takes_group = vfa_attach_facts(config->aliases[i].attach)->takes_group;

        if (strcmp(config->aliases[i].name, name) == 0)
            stats->aliases[i] = (struct vfa_alias_stats){
                .total = (unsigned)sqlite3_column_int(stmt, 1),
                .free = (unsigned)sqlite3_column_int(stmt, takes_group ? 3 : 2)};
    }
}

static int read_aliases(struct vfa_state *state, const struct vfa_config *config,
                        struct vfa_stats *stats, struct vfa_error *err)
{
    VFA_AUTO(vfa_sql_finalizep)
    sqlite3_stmt *stmt = vfa_sql_prepare(
        state, err,
        WITH_LOST ", gone (pool, own, n) AS (SELECT m.pool, sum(l.own * l.n), sum(l.n)"
                  "  FROM lost l CROSS JOIN member m ON m.device = l.device"
                  "  WHERE m.healthy = 1 GROUP BY 1)"
                  " SELECT p.alias, sum(p.free + p.used), total(p.healthy) - total(gone.own),"
                  " total(p.healthy) - total(gone.n)"
                  " FROM pool p LEFT JOIN gone ON gone.pool = p.id GROUP BY 1",
        "");
    int r;

    stats->aliases = calloc(config->n_aliases + 1, sizeof(*stats->aliases));
    if (!stats->aliases)
        return vfa_fail_oom(err);
    if (!stmt)
        return vfa_sql_failed(err);
    while ((r = vfa_sql_step(state, stmt, err)) > 0)
        note_alias(stmt, config, stats);
    return r;
}

/* ---- all ---- */

/* An index that was made without checks has rows in device, and none in stock. */
static int check_index(struct vfa_state *state, const struct vfa_config *config,
                       struct vfa_error *err)
{
    int64_t scanned = 0;
    bool fresh, unchecked;
    int r = vfa_state_index_fresh(state, config, &fresh, err);

    if (r == 0)
        r = vfa_state_index_scanned(state, &scanned, err);
    if (r == 0)
        r = vfa_sql_exists(
            state,
            vfa_sql_prepare(state, err,
                            "SELECT 1 FROM device WHERE NOT EXISTS (SELECT 1 FROM stock)"
                            " LIMIT 1",
                            ""),
            &unchecked, err);
    if (r < 0)
        return r;
    return fresh && !unchecked && scanned > 0 && scanned <= vfa_inventory_clock()
               ? 0
               : VFA_STATE_ABSENT;
}

static int read_stats(struct vfa_state *state, const struct vfa_config *config,
                      struct vfa_stats *stats, struct vfa_error *err)
{
    int r = check_index(state, config, err);

    if (r == 0)
        r = read_stock(state, config, stats, err);
    return r == 0 ? read_aliases(state, config, stats, err) : r;
}

int vfa_state_stats(struct vfa_state *state, const struct vfa_config *config, struct vfa_stats *ret,
                    struct vfa_error *err)
{
    VFA_AUTO(vfa_stats_clear) struct vfa_stats stats = {NULL, 0, NULL};
    bool own = sqlite3_get_autocommit(state->db); /* all queries see the same moment */
    int r = own ? vfa_sql_exec(state, "BEGIN", err) : 0;

    if (r == 0)
        r = read_stats(state, config, &stats, err);
    if (own)
        vfa_state_rollback(state);
    if (r != 0)
        return r;
    *ret = stats;
    stats = (struct vfa_stats){NULL, 0, NULL};
    return 0;
}
