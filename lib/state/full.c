/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See full.h. The trigger member_changed of schema.sql keeps free and used of the pools. */

#include "full.h"

#include "base/common.h"
#include "base/error.h"
#include "private.h"
#include "state.h"

/* The devices that the maker has made, as their recipes say (provision/recipe.h). A claim whose device
 * is not made is busy, too, but the maker has no slot for it. */
#define MADE                                                                                       \
    "(SELECT count(*) FROM claim c CROSS JOIN saved s ON s.device = c.device"                      \
    " WHERE c.maker = ?1 AND s.recipe LIKE '% made=yes%')"

/* ?1: the maker. */
static const char *const set_full[] = {
    "UPDATE member SET slots = min(slots, " MADE ") WHERE device = ?1",
    "UPDATE device SET slots = min(slots,"
    " coalesce((SELECT min(m.slots) FROM member m WHERE m.device = id), slots)) WHERE id = ?1",
};
static const char *const lose_slot[] = {
    "UPDATE member SET slots = max(slots - 1, 0) WHERE device = ?1 AND slots < 1000000",
    "UPDATE device SET slots = max(slots - 1, 0) WHERE id = ?1 AND slots < 1000000",
};

/* The counts of healthy slots are made as those of the scan (index-build.h). They are counted again,
 * as other devices of the pool may be healthy, too. */
static const char *const recount[] = {
    "UPDATE pool SET healthy = (SELECT total(healthy * slots) FROM member WHERE pool = id)"
    " WHERE id IN (SELECT pool FROM member WHERE device = ?1)",
    "UPDATE stock AS s SET (healthy, unknown) ="
    " (SELECT total(healthy * slots), total((healthy IS NULL) * slots) FROM device d"
    "  WHERE (d.vendor, d.product, d.numa_node, d.type, d.spec) ="
    "  (s.vendor, s.product, s.numa_node, s.type, s.spec))"
    " WHERE (vendor, product, numa_node, type, spec) ="
    " (SELECT vendor, product, numa_node, type, spec FROM device WHERE id = ?1)",
};

static int run_for(struct vfa_state *state, const char *const *statements, size_t n,
                   const char *maker, struct vfa_error *err)
{
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++)
        r = vfa_sql_finish(state, vfa_sql_prepare(state, err, statements[i], "s", maker), err);
    return r;
}

static int take_slots(struct vfa_state *state, const char *const *statements, size_t n,
                      const char *maker, struct vfa_error *err)
{
    bool own = false;
    int r = vfa_state_join(state, &own, err);

    if (r < 0)
        return r;
    r = run_for(state, statements, n, maker, err);
    if (r == 0)
        r = run_for(state, recount, ARRAY_SIZE(recount), maker, err);
    return vfa_state_finish(state, own, r, err);
}

int vfa_state_set_full(struct vfa_state *state, const char *maker, struct vfa_error *err)
{
    return take_slots(state, set_full, ARRAY_SIZE(set_full), maker, err);
}

int vfa_state_lose_slot(struct vfa_state *state, const char *maker, struct vfa_error *err)
{
    return take_slots(state, lose_slot, ARRAY_SIZE(lose_slot), maker, err);
}

int vfa_state_slots(struct vfa_state *state, const char *maker, int64_t *ret, struct vfa_error *err)
{
    return vfa_sql_number(
        state,
        vfa_sql_prepare(state, err, "SELECT coalesce((SELECT slots FROM device WHERE id = ?), -1)",
                        "s", maker),
        ret, err);
}
