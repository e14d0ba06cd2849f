/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See meta.h. The table meta has one text for each key. */

#include "meta.h"

#include "base/common.h"
#include "base/error.h"
#include "private.h"
#include "state.h"

#include <string.h>

int vfa_meta_get(struct vfa_state *state, const char *key, char **ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_sql_finalizep)
    sqlite3_stmt *stmt =
        vfa_sql_prepare(state, err, "SELECT value FROM meta WHERE key = ?", "s", key);
    int r;

    *ret = NULL;
    if (!stmt)
        return vfa_sql_failed(err);
    r = vfa_sql_step(state, stmt, err);
    return r > 0 ? vfa_sql_text(stmt, 0, ret, err) : r;
}

int vfa_meta_set(struct vfa_state *state, const char *key, const char *value, struct vfa_error *err)
{
    return vfa_sql_finish(
        state,
        vfa_sql_prepare(state, err, "INSERT OR REPLACE INTO meta VALUES (?, ?)", "ss", key, value),
        err);
}

int vfa_state_synced(struct vfa_state *state, bool *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *value = NULL;
    int r = vfa_meta_get(state, "synced", &value, err);

    if (r == 0)
        *ret = value && strcmp(value, "1") == 0;
    return r;
}

int vfa_state_set_synced(struct vfa_state *state, struct vfa_error *err)
{
    return vfa_meta_set(state, "synced", "1", err);
}

int vfa_state_awaited(struct vfa_state *state, char **ret, struct vfa_error *err)
{
    return vfa_meta_get(state, "awaited", ret, err);
}

int vfa_state_set_awaited(struct vfa_state *state, const char *domain, struct vfa_error *err)
{
    return vfa_meta_set(state, "awaited", domain, err);
}

static const char *const counter_keys[] = {
    [VFA_COUNTER_SCANS] = "scans",
    [VFA_COUNTER_FREED] = "freed",
    [VFA_COUNTER_ENDED] = "ended",
    [VFA_COUNTER_STALE_DEFINITIONS] = "unsettled",
};

int vfa_state_counter(struct vfa_state *state, enum vfa_counter which, int64_t *ret,
                      struct vfa_error *err)
{
    return vfa_sql_number(state,
                          vfa_sql_prepare(state, err, "SELECT value FROM meta WHERE key = ?", "s",
                                          counter_keys[which]),
                          ret, err);
}

int vfa_state_count_up(struct vfa_state *state, enum vfa_counter which, struct vfa_error *err)
{
    return vfa_sql_finish(state,
                          vfa_sql_prepare(state, err,
                                          "UPDATE meta SET value = value + 1 WHERE key = ?", "s",
                                          counter_keys[which]),
                          err);
}
