/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The quarantine of the state file: devices that are not given out until somebody ends it. */
#include "state-private.h"

#include <errno.h>
#include <time.h>

void vfa_quarantine_clear(struct vfa_quarantine *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->items[i].device);
        free(list->items[i].reason);
    }
    free(list->items);
    list->items = NULL;
    list->n = 0;
}

int vfa_state_quarantine(struct vfa_state *state, const char *device, const char *reason,
                         struct vfa_error *err)
{
    return vfa_sql_finish(state,
                          vfa_sql(state, err, "INSERT OR REPLACE INTO quarantine VALUES (?, ?, ?)",
                                  "ssi", device, reason, (int64_t)time(NULL)),
                          err);
}

int vfa_state_end_quarantine(struct vfa_state *state, const char *device, struct vfa_error *err)
{
    int r = vfa_sql_finish(
        state, vfa_sql(state, err, "DELETE FROM quarantine WHERE device = ?", "s", device), err);

    if (r < 0)
        return r;
    return sqlite3_changes(state->db) ? 0 : VFA_STATE_ABSENT;
}

static int append(sqlite3_stmt *stmt, struct vfa_quarantine *list, struct vfa_error *err)
{
    struct vfa_quarantined *more = realloc(list->items, (list->n + 1) * sizeof(*more)), *item;
    int r;

    if (!more)
        return vfa_fail_oom(err);
    list->items = more;
    item = &more[list->n++];
    *item = (struct vfa_quarantined){.since = sqlite3_column_int64(stmt, 2)};
    r = vfa_sql_text(stmt, 0, &item->device, err);
    return r < 0 ? r : vfa_sql_text(stmt, 1, &item->reason, err);
}

int vfa_state_quarantined(struct vfa_state *state, const char *device, struct vfa_quarantine *ret,
                          struct vfa_error *err)
{
    VFA_AUTO(vfa_quarantine_clear) struct vfa_quarantine list = {NULL, 0};
    VFA_AUTO(vfa_sql_finalizep) sqlite3_stmt *stmt = NULL;
    int r;

    stmt = device ? vfa_sql(state, err, "SELECT * FROM quarantine WHERE device = ?", "s", device)
                  : vfa_sql(state, err, "SELECT * FROM quarantine ORDER BY device", "");
    if (!stmt)
        return vfa_sql_failed(err);
    while ((r = vfa_sql_step(state, stmt, err)) > 0) {
        r = append(stmt, &list, err);
        if (r < 0)
            return r;
    }
    if (r < 0)
        return r;
    *ret = list;
    list = (struct vfa_quarantine){NULL, 0};
    return 0;
}
