/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The index of the state file: which devices satisfy which alias. Derived from configuration and
 * inventory, replaced as a whole; "busy" in it is kept by the schema's triggers.
 */
#include "state-private.h"

#include <errno.h>
#include <string.h>

int vfa_state_index_fresh(struct vfa_state *state, const struct vfa_config *config, bool *ret,
                          struct vfa_error *err)
{
    return vfa_sql_exists(state,
                          vfa_sql(state, err,
                                  "SELECT 1 FROM meta WHERE key = 'index' AND value = ?", "s",
                                  config->digest),
                          ret, err);
}

/* Runs a prepared INSERT with the values bound to it and makes it ready for the next. */
static int insert(struct vfa_state *state, sqlite3_stmt *stmt, struct vfa_error *err)
{
    int r = vfa_sql_step(state, stmt, err);

    sqlite3_reset(stmt);
    return r;
}

static int insert_device(struct vfa_state *state, sqlite3_stmt *stmt, const struct vfa_device *dev,
                         const char *address, struct vfa_error *err)
{
    char parent[VFA_PCI_ADDR_SIZE];
    const int64_t numbers[] = {dev->type,  dev->vendor,    dev->product,
                               dev->class, dev->numa_node, dev->iommu_group};

    sqlite3_bind_text(stmt, 1, address, -1, SQLITE_TRANSIENT);
    if (dev->type == VFA_TYPE_VF)
        sqlite3_bind_text(stmt, 2, vfa_pci_addr_format(&dev->parent, parent), -1, SQLITE_TRANSIENT);
    else
        sqlite3_bind_null(stmt, 2);
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
        sqlite3_bind_int64(stmt, (int)i + 3, numbers[i]);
    return insert(state, stmt, err);
}

struct filler {
    struct vfa_state *state;
    const struct vfa_config *config;
    sqlite3_stmt *add_device;
    sqlite3_stmt *add_pool;
    sqlite3_stmt *add_member;
};

static void filler_clear(struct filler *f)
{
    sqlite3_finalize(f->add_device);
    sqlite3_finalize(f->add_pool);
    sqlite3_finalize(f->add_member);
}

/* Binds what tells a pool from others to the first four parameters. */
static void bind_pool(sqlite3_stmt *stmt, const struct vfa_alias *alias, int spec,
                      const struct vfa_device *dev)
{
    char parent[VFA_PCI_ADDR_SIZE] = "";

    if (dev->type == VFA_TYPE_VF)
        vfa_pci_addr_format(&dev->parent, parent);
    sqlite3_bind_text(stmt, 1, alias->name, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int(stmt, 2, spec);
    sqlite3_bind_int(stmt, 3, dev->numa_node);
    sqlite3_bind_text(stmt, 4, parent, -1, SQLITE_TRANSIENT);
}

static int insert_member(struct filler *f, const struct vfa_alias *alias, int spec,
                         const struct vfa_device *dev, const char *address, struct vfa_error *err)
{
    int r;

    bind_pool(f->add_pool, alias, spec, dev);
    sqlite3_bind_text(f->add_pool, 5, address, -1, SQLITE_TRANSIENT);
    r = insert(f->state, f->add_pool, err);
    if (r < 0)
        return r;
    bind_pool(f->add_member, alias, spec, dev);
    sqlite3_bind_text(f->add_member, 5, address, -1, SQLITE_TRANSIENT);
    return insert(f->state, f->add_member, err);
}

static int index_device(struct filler *f, const struct vfa_inventory *inv,
                        const struct vfa_device *dev, struct vfa_error *err)
{
    const struct vfa_spec *spec = vfa_config_spec_for(f->config, inv, dev);
    char address[VFA_PCI_ADDR_SIZE];
    int r;

    if (!vfa_config_claimable(f->config, inv, dev))
        return 0;
    vfa_pci_addr_format(&dev->addr, address);
    r = insert_device(f->state, f->add_device, dev, address, err);
    for (size_t i = 0; r == 0 && i < f->config->n_aliases; i++) {
        const struct vfa_alias *alias = &f->config->aliases[i];

        if (vfa_alias_means(alias, dev, spec))
            r = insert_member(f, alias, spec ? (int)(spec - f->config->specs) : -1, dev, address,
                              err);
    }
    return r;
}

/* The inventory is sorted, so a pool's first device is its lowest. */
static int fill(struct vfa_state *state, const struct vfa_config *config,
                const struct vfa_inventory *inv, struct vfa_error *err)
{
    VFA_AUTO(filler_clear) struct filler f = {.state = state, .config = config};
    int r = 0;

    f.add_device = vfa_sql(state, err, "INSERT INTO device VALUES (?, ?, ?, ?, ?, ?, ?, ?)", "");
    if (f.add_device)
        f.add_pool = vfa_sql(state, err,
                             "INSERT OR IGNORE INTO pool (alias, spec, numa_node, parent, first)"
                             " VALUES (?, ?, ?, ?, ?)",
                             "");
    if (f.add_pool)
        f.add_member = vfa_sql(state, err,
                               "INSERT INTO member (pool, device) SELECT id, ?5 FROM pool WHERE"
                               " alias = ?1 AND spec = ?2 AND numa_node = ?3 AND parent = ?4",
                               "");
    if (!f.add_member)
        return vfa_sql_failed(err);
    for (size_t i = 0; r == 0 && i < inv->n; i++)
        r = index_device(&f, inv, &inv->devices[i], err);
    return r;
}

static int delete_all(struct vfa_state *state, struct vfa_error *err)
{
    static const char *const statements[] = {"DELETE FROM member", "DELETE FROM pool",
                                             "DELETE FROM device"};
    int r = 0;

    for (size_t i = 0; i < ARRAY_SIZE(statements) && r == 0; i++)
        r = vfa_sql_finish(state, vfa_sql(state, err, statements[i], ""), err);
    return r;
}

int vfa_state_index_replace(struct vfa_state *state, const struct vfa_config *config,
                            const struct vfa_inventory *inv, struct vfa_error *err)
{
    bool own;
    int r = vfa_state_enter(state, &own, err);

    if (r < 0)
        return r;
    r = delete_all(state, err);
    if (r == 0)
        r = fill(state, config, inv, err);
    if (r == 0)
        r = vfa_sql_finish(state,
                           vfa_sql(state, err, "INSERT OR REPLACE INTO meta VALUES ('index', ?)",
                                   "s", config->digest),
                           err);
    if (r == 0)
        r = vfa_state_count_up(state, VFA_COUNTER_SCANS, err);
    return vfa_state_leave(state, own, r, err);
}

static int read_device(sqlite3_stmt *stmt, struct vfa_device *ret, struct vfa_error *err)
{
    const char *address = (const char *)sqlite3_column_text(stmt, 0);
    const char *parent = (const char *)sqlite3_column_text(stmt, 1);

    memset(ret, 0, sizeof(*ret));
    if (!address || vfa_parse_pci_addr(address, &ret->addr) < 0 ||
        (parent && vfa_parse_pci_addr(parent, &ret->parent) < 0))
        return vfa_fail(err, EUCLEAN, "cannot use the index: bad device address");
    ret->type = (enum vfa_dev_type)sqlite3_column_int(stmt, 2);
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
    sqlite3_stmt *stmt = vfa_sql(state, err,
                                 "SELECT id, spec, numa_node, free, used, kept FROM pool"
                                 " INDEXED BY pool_free WHERE alias = ? AND free > 0"
                                 " ORDER BY first",
                                 "s", alias);
    int r;

    if (!stmt)
        return vfa_sql_failed(err);
    while ((r = vfa_sql_step(state, stmt, err)) > 0) {
        struct vfa_pool *more = realloc(pools.items, (pools.n + 1) * sizeof(*more));

        if (!more)
            return vfa_fail_oom(err);
        pools.items = more;
        more[pools.n++] = (struct vfa_pool){.id = sqlite3_column_int64(stmt, 0),
                                            .spec = sqlite3_column_int(stmt, 1),
                                            .numa_node = sqlite3_column_int(stmt, 2),
                                            .free = (unsigned)sqlite3_column_int(stmt, 3),
                                            .used = (unsigned)sqlite3_column_int(stmt, 4),
                                            .kept = (unsigned)sqlite3_column_int(stmt, 5)};
    }
    if (r < 0)
        return r;
    *ret = pools;
    pools = (struct vfa_pools){NULL, 0};
    return 0;
}

#define DEVICE_COLUMNS                                                                             \
    "d.address, d.parent, d.type, d.vendor, d.product, d.class, d.numa_node, d.iommu_group"

/* By an index that has just these, so never past others. */
#define NEXT_FREE(index, kept)                                                                     \
    "SELECT " DEVICE_COLUMNS " FROM member m INDEXED BY " index                                    \
    " CROSS JOIN device d ON d.address = m.device"                                                 \
    " WHERE m.pool = ? AND m.busy = 0 AND m.kept " kept " AND m.device > ?"                        \
    " ORDER BY m.device LIMIT 1"

int vfa_state_next_free(struct vfa_state *state, int64_t pool, bool kept,
                        const struct vfa_pci_addr *after, struct vfa_device *ret,
                        struct vfa_error *err)
{
    char after_text[VFA_PCI_ADDR_SIZE] = "";
    VFA_AUTO(vfa_sql_finalizep) sqlite3_stmt *stmt = NULL;
    int r;

    if (after)
        vfa_pci_addr_format(after, after_text);
    stmt = vfa_sql(state, err,
                   kept ? NEXT_FREE("member_kept", "> 0") : NEXT_FREE("member_free", "= 0"), "is",
                   pool, after_text);
    if (!stmt)
        return vfa_sql_failed(err);
    r = vfa_sql_step(state, stmt, err);
    if (r == 0)
        return VFA_STATE_END;
    return r < 0 ? r : read_device(stmt, ret, err);
}

#define MEMBER_COLUMNS DEVICE_COLUMNS ", m.pool, p.spec, m.busy"

/* A row of MEMBER_COLUMNS, whether it is kept and whether that is its own doing, if there is one;
 * finalizes. NULL: see vfa_sql_failed(). */
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
    return r < 0 ? r : read_device(stmt, &ret->device, err);
}

int vfa_state_last(struct vfa_state *state, const char *alias, const char *uuid,
                   const char *request, struct vfa_member *ret, struct vfa_error *err)
{
    return read_member(state,
                       vfa_sql(state, err,
                               "SELECT " MEMBER_COLUMNS ", m.kept > l.own, l.own FROM"
                               " (SELECT device, 1 AS own FROM tentative"
                               "  WHERE uuid = ?1 AND request = ?2"
                               "  UNION ALL SELECT device, 0 FROM last"
                               "  WHERE uuid = ?1 AND request = ?2) l"
                               " CROSS JOIN member m ON m.device = l.device"
                               " CROSS JOIN pool p ON p.id = m.pool"
                               " CROSS JOIN device d ON d.address = l.device"
                               " WHERE m.busy = 0 AND p.alias = ?3 ORDER BY l.own DESC LIMIT 1",
                               "sss", uuid, request, alias),
                       ret, err);
}

int vfa_state_member(struct vfa_state *state, const char *alias, const struct vfa_pci_addr *addr,
                     struct vfa_member *ret, struct vfa_error *err)
{
    char address[VFA_PCI_ADDR_SIZE];

    return read_member(state,
                       vfa_sql(state, err,
                               "SELECT " MEMBER_COLUMNS ", m.kept, 0 FROM member m"
                               " CROSS JOIN pool p ON p.id = m.pool"
                               " CROSS JOIN device d ON d.address = m.device"
                               " WHERE m.device = ? AND p.alias = ? LIMIT 1",
                               "ss", vfa_pci_addr_format(addr, address), alias),
                       ret, err);
}

int vfa_state_count(struct vfa_state *state, const char *alias, unsigned *ret_total,
                    unsigned *ret_free, struct vfa_error *err)
{
    VFA_AUTO(vfa_sql_finalizep)
    sqlite3_stmt *stmt = vfa_sql(state, err,
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
