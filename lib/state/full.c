/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See full.h. The trigger member_changed of schema.sql keeps the counts of the pools. */

#include "full.h"

#include "base/common.h"
#include "base/error.h"
#include "private.h"
#include "state.h"

static int take_slots(struct vfa_state *state, const char *maker, struct vfa_error *err)
{
    int r = vfa_sql_finish(
        state,
        vfa_sql_prepare(state, err, "UPDATE member SET slots = min(slots, busy) WHERE device = ?",
                        "s", maker),
        err);

    if (r < 0)
        return r;
    return vfa_sql_finish(
        state,
        vfa_sql_prepare(state, err,
                        "UPDATE device SET slots = min(slots,"
                        " coalesce((SELECT min(m.slots) FROM member m WHERE m.device = id), slots))"
                        " WHERE id = ?",
                        "s", maker),
        err);
}

int vfa_state_set_full(struct vfa_state *state, const char *maker, struct vfa_error *err)
{
    bool own = false;
    int r = vfa_state_join(state, &own, err);

    return r < 0 ? r : vfa_state_finish(state, own, take_slots(state, maker, err), err);
}

/* The counts that no trigger keeps. Seldom, so they are counted anew. */
static int recount(struct vfa_state *state, const char *maker, struct vfa_error *err)
{
    int r = vfa_sql_finish(
        state,
        vfa_sql_prepare(state, err,
                        "UPDATE pool SET healthy ="
                        " (SELECT total(healthy * slots) FROM member WHERE pool = id)"
                        " WHERE id IN (SELECT pool FROM member WHERE device = ?)",
                        "s", maker),
        err);

    if (r < 0)
        return r;
    return vfa_sql_finish(
        state,
        vfa_sql_prepare(state, err,
                        "UPDATE stock SET (healthy, unknown) ="
                        " (SELECT total(d.healthy * d.slots), total((d.healthy IS NULL) * d.slots)"
                        "  FROM device d WHERE (d.vendor, d.product, d.numa_node, d.type, d.spec) ="
                        "  (stock.vendor, stock.product, stock.numa_node, stock.type, stock.spec))"
                        " WHERE (vendor, product, numa_node, type, spec) ="
                        " (SELECT vendor, product, numa_node, type, spec FROM device WHERE id = ?)",
                        "s", maker),
        err);
}

static int take_one(struct vfa_state *state, const char *maker, struct vfa_error *err)
{
    static const char *const take[] = {
        "UPDATE member SET slots = max(slots - 1, 0) WHERE device = ? AND slots < 1000000",
        "UPDATE device SET slots = max(slots - 1, 0) WHERE id = ? AND slots < 1000000",
    };
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(take); i++)
        r = vfa_sql_finish(state, vfa_sql_prepare(state, err, take[i], "s", maker), err);
    return r < 0 ? r : recount(state, maker, err);
}

int vfa_state_lose_slot(struct vfa_state *state, const char *maker, struct vfa_error *err)
{
    bool own = false;
    int r = vfa_state_join(state, &own, err);

    return r < 0 ? r : vfa_state_finish(state, own, take_one(state, maker, err), err);
}
