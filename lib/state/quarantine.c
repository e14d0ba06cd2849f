/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See quarantine.h. */

#include "quarantine.h"

#include "base/array.h"
#include "base/common.h"
#include "base/error.h"
#include "private.h"
#include "state.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define COLUMNS "device, reason, since, cause"

static const char *const causes[] = {
    [VFA_QUARANTINE_OTHER] = "other",
    [VFA_QUARANTINE_SETTINGS] = "settings",
    [VFA_QUARANTINE_CLEAN] = "clean",
    [VFA_QUARANTINE_ONCE] = "once",
};

static enum vfa_quarantine_cause parse_cause(const unsigned char *text)
{
    for (size_t i = 0; i < ARRAY_SIZE(causes); i++) {
        if (text && strcmp((const char *)text, causes[i]) == 0)
            return (enum vfa_quarantine_cause)i;
    }
    return VFA_QUARANTINE_OTHER;
}

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

#define PUT                                                                                        \
    "INSERT INTO quarantine (device, cause, reason, since) VALUES (?, ?, ?, ?)"                    \
    " ON CONFLICT (device) DO UPDATE SET cause = excluded.cause, reason = excluded.reason,"        \
    " since = excluded.since"

int vfa_state_quarantine(struct vfa_state *state, const char *device,
                         enum vfa_quarantine_cause cause, const char *reason, struct vfa_error *err)
{
    return vfa_sql_finish(state,
                          vfa_sql_prepare(state, err, PUT " WHERE cause <> 'other'", "sssi", device,
                                          causes[cause], reason, (int64_t)time(NULL)),
                          err);
}

int vfa_state_quarantine_by_hand(struct vfa_state *state, const char *device, const char *reason,
                                 struct vfa_error *err)
{
    return vfa_sql_finish(state,
                          vfa_sql_prepare(state, err, PUT, "sssi", device,
                                          causes[VFA_QUARANTINE_OTHER], reason,
                                          (int64_t)time(NULL)),
                          err);
}

int vfa_state_end_quarantine(struct vfa_state *state, const char *device, struct vfa_error *err)
{
    int r = vfa_sql_finish(
        state, vfa_sql_prepare(state, err, "DELETE FROM quarantine WHERE device = ?", "s", device),
        err);

    if (r < 0)
        return r;
    return sqlite3_changes(state->db) ? 0 : VFA_STATE_ABSENT;
}

static int append_quarantined(sqlite3_stmt *stmt, struct vfa_quarantine *list,
                              struct vfa_error *err)
{
    struct vfa_quarantined *item = vfa_array_grow(&list->items, list->n);
    int r;

    if (!item)
        return vfa_fail_oom(err);
    list->n++; /* before the texts: on failure vfa_quarantine_clear() frees those already read */
    item->since = sqlite3_column_int64(stmt, 2);
    item->cause = parse_cause(sqlite3_column_text(stmt, 3));
    r = vfa_sql_text(stmt, 0, &item->device, err);
    return r < 0 ? r : vfa_sql_text(stmt, 1, &item->reason, err);
}

int vfa_sql_quarantined(struct vfa_state *state, sqlite3_stmt *query, struct vfa_quarantine *ret,
                        struct vfa_error *err)
{
    VFA_AUTO(vfa_quarantine_clear) struct vfa_quarantine list = {NULL, 0};
    VFA_AUTO(vfa_sql_finalizep) sqlite3_stmt *stmt = query;
    int r;

    if (!stmt)
        return vfa_sql_failed(err);
    while ((r = vfa_sql_step(state, stmt, err)) > 0) {
        r = append_quarantined(stmt, &list, err);
        if (r < 0)
            return r;
    }
    if (r < 0)
        return r;
    *ret = list;
    list = (struct vfa_quarantine){NULL, 0};
    return 0;
}

int vfa_state_quarantined(struct vfa_state *state, const char *device, struct vfa_quarantine *ret,
                          struct vfa_error *err)
{
    return vfa_sql_quarantined(
        state,
        device
            ? vfa_sql_prepare(state, err, "SELECT " COLUMNS " FROM quarantine WHERE device = ?",
                              "s", device)
            : vfa_sql_prepare(state, err, "SELECT " COLUMNS " FROM quarantine ORDER BY device", ""),
        ret, err);
}
