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
