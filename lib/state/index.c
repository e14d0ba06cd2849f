/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See index.h. The index is replaced as a whole (index-build.h); triggers of schema.sql keep `busy`
 * and `kept` up to date in between. */

#include "index.h"

#include "base/array.h"
#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device/device.h"
#include "device/kind.h"
#include "config/config.h"
#include "private.h"
#include "state.h"

#include <errno.h>
#include <string.h>

int vfa_state_index_fresh(struct vfa_state *state, const struct vfa_config *config, bool *ret,
                          struct vfa_error *err)
{
    return vfa_sql_exists(state,
                          vfa_sql_prepare(state, err,
                                          "SELECT 1 FROM meta WHERE key = 'index' AND value = ?",
                                          "s", config->digest),
                          ret, err);
}

int vfa_state_index_scanned(struct vfa_state *state, int64_t *ret, struct vfa_error *err)
{
    return vfa_sql_number(
        state, vfa_sql_prepare(state, err, "SELECT value FROM meta WHERE key = 'scanned'", ""), ret,
        err);
}

static int read_index_device(sqlite3_stmt *stmt, struct vfa_device *ret, struct vfa_error *err)
{
    const char *id = (const char *)sqlite3_column_text(stmt, 0);
    const char *parent = (const char *)sqlite3_column_text(stmt, 1);

    if (!id || !vfa_kind_of(id))
        return vfa_fail(err, EUCLEAN, "cannot use the index: bad device");
    *ret = vfa_device_unknown(id);
    if (parent && vfa_parse_pci_addr(parent, &ret->parent) < 0)
        return vfa_fail(err, EUCLEAN, "cannot use the index: bad device");
    ret->type = (enum vfa_dev_type)sqlite3_column_int(stmt, 2);
    ret->on_vf = parent && ret->type != VFA_TYPE_VF;
    ret->vendor = (uint16_t)sqlite3_column_int(stmt, 3);
    ret->product = (uint16_t)sqlite3_column_int(stmt, 4);
    ret->class = (uint32_t)sqlite3_column_int(stmt, 5);
    ret->numa_node = sqlite3_column_int(stmt, 6);
    ret->iommu_group = sqlite3_column_int(stmt, 7);
    return 0;
}

void vfa_pools_clear(struct vfa_pools *pools)
{
    free(pools->items);
    pools->items = NULL;
    pools->n = 0;
}

int vfa_state_pools(struct vfa_state *state, const char *alias, struct vfa_pools *ret,
                    struct vfa_error *err)
{
    VFA_AUTO(vfa_pools_clear) struct vfa_pools pools = {NULL, 0};
    VFA_AUTO(vfa_sql_finalizep)
    sqlite3_stmt *stmt =
        vfa_sql_prepare(state, err,
                        "SELECT id, spec, numa_node, free, used, kept, parent FROM pool"
                        " INDEXED BY pool_free WHERE alias = ? AND free > 0"
                        " ORDER BY first",
                        "s", alias);
    int r;

    if (!stmt)
        return vfa_sql_failed(err);
    while ((r = vfa_sql_step(state, stmt, err)) > 0) {
        const char *parent = (const char *)sqlite3_column_text(stmt, 6);
        struct vfa_pool *item = vfa_array_grow(&pools.items, pools.n);

        if (!item)
            return vfa_fail_oom(err);
        *item = (struct vfa_pool){.id = sqlite3_column_int64(stmt, 0),
                                  .spec = sqlite3_column_int(stmt, 1),
                                  .numa_node = sqlite3_column_int(stmt, 2),
                                  .free = (unsigned)sqlite3_column_int(stmt, 3),
                                  .used = (unsigned)sqlite3_column_int(stmt, 4),
                                  .kept = (unsigned)sqlite3_column_int(stmt, 5)};
        item->of_vfs = parent && *parent && vfa_parse_pci_addr(parent, &item->parent) == 0;
        pools.n++;
    }
    if (r < 0)
        return r;
    *ret = pools;
    pools = (struct vfa_pools){NULL, 0};
    return 0;
}

#define DEVICE_COLUMNS                                                                             \
    "d.id, d.parent, d.type, d.vendor, d.product, d.class, d.numa_node, d.iommu_group"

/* The partial index has only the wanted rows, so the query never steps over other rows. */
#define NEXT_FREE(index, kept)                                                                     \
    "SELECT " DEVICE_COLUMNS " FROM member m INDEXED BY " index                                    \
    " CROSS JOIN device d ON d.id = m.device"                                                      \
    " WHERE m.pool = ? AND m.busy < m.slots AND m.kept " kept " AND m.device > ?"                  \
    " AND m.device NOT IN (SELECT device FROM failed)"                                             \
    " ORDER BY m.device LIMIT 1"

int vfa_state_next_free(struct vfa_state *state, int64_t pool, bool kept, const char *after,
                        struct vfa_device *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_sql_finalizep)
    sqlite3_stmt *stmt = vfa_sql_prepare(
        state, err, kept ? NEXT_FREE("member_kept", "> 0") : NEXT_FREE("member_free", "= 0"), "is",
        pool, after);
    int r;

    if (!stmt)
        return vfa_sql_failed(err);
    r = vfa_sql_step(state, stmt, err);
    if (r == 0)
        return VFA_STATE_END;
    return r < 0 ? r : read_index_device(stmt, ret, err);
}

int vfa_state_next_failed(struct vfa_state *state, int64_t pool, const char *after,
                          struct vfa_device *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_sql_finalizep)
    sqlite3_stmt *stmt = vfa_sql_prepare(state, err,
                                         "SELECT " DEVICE_COLUMNS " FROM failed f"
                                         " CROSS JOIN member m ON m.device = f.device"
                                         " CROSS JOIN device d ON d.id = m.device"
                                         " WHERE m.pool = ? AND m.busy < m.slots AND f.device > ?"
                                         " ORDER BY f.device LIMIT 1",
                                         "is", pool, after);
    int r;

    if (!stmt)
        return vfa_sql_failed(err);
    r = vfa_sql_step(state, stmt, err);
    if (r == 0)
        return VFA_STATE_END;
    return r < 0 ? r : read_index_device(stmt, ret, err);
}

#define MEMBER_COLUMNS DEVICE_COLUMNS ", m.pool, p.spec, m.busy >= m.slots"

/* Reads a row of MEMBER_COLUMNS, kept, own. VFA_STATE_ABSENT if there is none. Finalizes the query;
 * NULL: see vfa_sql_failed(). */
static int read_member(struct vfa_state *state, sqlite3_stmt *query, struct vfa_member *ret,
                       struct vfa_error *err)
{
    VFA_AUTO(vfa_sql_finalizep) sqlite3_stmt *stmt = query;
    int r;

    if (!stmt)
        return vfa_sql_failed(err);
    r = vfa_sql_step(state, stmt, err);
    if (r == 0)
        return VFA_STATE_ABSENT;
    if (r > 0) {
        ret->pool = sqlite3_column_int64(stmt, 8);
        ret->spec = sqlite3_column_int(stmt, 9);
        ret->busy = sqlite3_column_int(stmt, 10) > 0;
        ret->kept = sqlite3_column_int(stmt, 11) > 0;
        ret->own = sqlite3_column_int(stmt, 12) > 0;
    }
    return r < 0 ? r : read_index_device(stmt, &ret->device, err);
}

int vfa_state_last(struct vfa_state *state, const char *alias, const char *uuid,
                   const char *request, struct vfa_member *ret, struct vfa_error *err)
{
    return read_member(
        state,
        vfa_sql_prepare(state, err,
                        "SELECT " MEMBER_COLUMNS ", m.kept > l.own, l.own FROM"
                        " (SELECT device, 1 AS own FROM tentative"
                        "  WHERE uuid = ?1 AND request = ?2"
                        "  UNION ALL SELECT device, 0 FROM last"
                        "  WHERE uuid = ?1 AND request = ?2) l"
                        " CROSS JOIN member m ON m.device = l.device"
                        " CROSS JOIN pool p ON p.id = m.pool"
                        " CROSS JOIN device d ON d.id = l.device"
                        " WHERE m.busy < m.slots AND p.alias = ?3 ORDER BY l.own DESC LIMIT 1",
                        "sss", uuid, request, alias),
        ret, err);
}

int vfa_state_member(struct vfa_state *state, const char *alias, const char *device,
                     struct vfa_member *ret, struct vfa_error *err)
{
    return read_member(state,
                       vfa_sql_prepare(state, err,
                                       "SELECT " MEMBER_COLUMNS ", m.kept, 0 FROM member m"
                                       " CROSS JOIN pool p ON p.id = m.pool"
                                       " CROSS JOIN device d ON d.id = m.device"
                                       " WHERE m.device = ? AND p.alias = ? LIMIT 1",
                                       "ss", device, alias),
                       ret, err);
}

int vfa_state_count(struct vfa_state *state, const char *alias, unsigned *ret_total,
                    unsigned *ret_free, struct vfa_error *err)
{
    VFA_AUTO(vfa_sql_finalizep)
    sqlite3_stmt *stmt = vfa_sql_prepare(state, err,
                                         "SELECT total(free) + total(used), total(free) FROM pool"
                                         " WHERE alias = ?",
                                         "s", alias);
    int r;

    if (!stmt)
        return vfa_sql_failed(err);
    r = vfa_sql_step(state, stmt, err);
    if (r < 0)
        return r;
    *ret_total = (unsigned)sqlite3_column_int(stmt, 0);
    *ret_free = (unsigned)sqlite3_column_int(stmt, 1);
    return 0;
}
