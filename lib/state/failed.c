/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See failed.h. Triggers of schema.sql delete the row of a device that a guest has got;
 * vfa_state_index_install() deletes the rows of devices that the new index does not have. */

#include "failed.h"

#include "base/error.h"
#include "private.h"
#include "quarantine.h"
#include "state.h"

#include <time.h>

int vfa_state_set_failed(struct vfa_state *state, const char *device, const char *reason,
                         struct vfa_error *err)
{
    return vfa_sql_finish(state,
                          vfa_sql_prepare(state, err,
                                          "INSERT OR REPLACE INTO failed (device, reason, since)"
                                          " VALUES (?, ?, ?)",
                                          "ssi", device, reason, (int64_t)time(NULL)),
                          err);
}

int vfa_state_forget_failed(struct vfa_state *state, struct vfa_error *err)
{
    return vfa_sql_finish(state, vfa_sql_prepare(state, err, "DELETE FROM failed", ""), err);
}

int vfa_state_has_failed(struct vfa_state *state, const char *device, bool *ret,
                         struct vfa_error *err)
{
    return vfa_sql_exists(
        state,
        device ? vfa_sql_prepare(state, err, "SELECT 1 FROM failed WHERE device = ?", "s", device)
               : vfa_sql_prepare(state, err, "SELECT 1 FROM failed LIMIT 1", ""),
        ret, err);
}

int vfa_state_failures(struct vfa_state *state, struct vfa_quarantine *ret, struct vfa_error *err)
{
    return vfa_sql_quarantined(state,
                               vfa_sql_prepare(state, err,
                                               "SELECT device, reason, since, NULL FROM failed"
                                               " ORDER BY device",
                                               ""),
                               ret, err);
}
