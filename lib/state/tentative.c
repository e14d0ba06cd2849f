/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See tentative.h. Tentative rows exclude no claim; the index only lists devices without such rows
 * separately (schema.sql), so that the allocation can choose them first. */

#include "tentative.h"

#include "base/array.h"
#include "base/common.h"
#include "base/error.h"
#include "private.h"
#include "state.h"

#include <string.h>

void vfa_tentatives_clear(struct vfa_tentatives *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->items[i].uuid);
        free(list->items[i].request);
        free(list->items[i].domain);
        free(list->items[i].device);
    }
    free(list->items);
    *list = (struct vfa_tentatives){NULL, 0};
}

const struct vfa_tentative *vfa_tentatives_find(const struct vfa_tentatives *list,
                                                const char *request)
{
    for (size_t i = 0; i < list->n; i++) {
        if (strcmp(list->items[i].request, request) == 0)
            return &list->items[i];
    }
    return NULL;
}

static int append_tentative(sqlite3_stmt *stmt, struct vfa_tentatives *list, struct vfa_error *err)
{
    struct vfa_tentative *row = vfa_array_grow(&list->items, list->n);
    int r = 0;

    if (!row)
        return vfa_fail_oom(err);
    list->n++; /* before the texts: on failure vfa_tentatives_clear() frees those already read */
    char **texts[] = {&row->uuid, &row->request, &row->domain, &row->device};
    for (size_t i = 0; i < ARRAY_SIZE(texts) && r == 0; i++)
        r = vfa_sql_text(stmt, (int)i, texts[i], err);
    return r;
}

#define COLUMNS "uuid, request, domain, device"

int vfa_state_tentative(struct vfa_state *state, const char *uuid, struct vfa_tentatives *ret,
                        struct vfa_error *err)
{
    VFA_AUTO(vfa_tentatives_clear) struct vfa_tentatives list = {NULL, 0};
    VFA_AUTO(vfa_sql_finalizep)
    sqlite3_stmt *stmt =
        uuid ? vfa_sql_prepare(state, err,
                               "SELECT " COLUMNS " FROM tentative WHERE uuid = ? ORDER BY request",
                               "s", uuid)
             : vfa_sql_prepare(state, err,
                               "SELECT " COLUMNS " FROM tentative ORDER BY device, domain", "");
    int r;

    if (!stmt)
        return vfa_sql_failed(err);
    while ((r = vfa_sql_step(state, stmt, err)) > 0) {
        r = append_tentative(stmt, &list, err);
        if (r < 0)
            return r;
    }
    if (r < 0)
        return r;
    *ret = list;
    list = (struct vfa_tentatives){NULL, 0};
    return 0;
}

int vfa_state_set_tentative(struct vfa_state *state, const struct vfa_tentative *row,
                            struct vfa_error *err)
{
    char keys[VFA_KEYS_JSON_SIZE];
    bool own;
    int r = vfa_state_join(state, &own, err);

    if (r < 0)
        return r;
    r = vfa_state_drop_tentative(state, row->uuid, row->request, err);
    if (r == 0)
        r = vfa_sql_finish(state,
                           vfa_sql_prepare(state, err,
                                           "INSERT INTO tentative (" COLUMNS
                                           ", keys) VALUES (?, ?, ?, ?, ?)",
                                           "sssss", row->uuid, row->request, row->domain,
                                           row->device, vfa_sql_keys(row->keys, keys)),
                           err);
    return vfa_state_finish(state, own, r, err);
}

int vfa_state_drop_tentative(struct vfa_state *state, const char *uuid, const char *request,
                             struct vfa_error *err)
{
    return vfa_sql_finish(state,
                          vfa_sql_prepare(state, err,
                                          "DELETE FROM tentative WHERE uuid = ?1"
                                          " AND (?2 IS NULL OR request = ?2)",
                                          "ss", uuid, request),
                          err);
}

/* ---- starts that were refused ---- */

int vfa_state_set_start_refused(struct vfa_state *state, const char *uuid, struct vfa_error *err)
{
    return vfa_sql_finish(
        state, vfa_sql_prepare(state, err, "INSERT OR REPLACE INTO unmet VALUES (?)", "s", uuid),
        err);
}

int vfa_state_end_start_refused(struct vfa_state *state, const char *uuid, bool *ret,
                                struct vfa_error *err)
{
    int r = vfa_sql_finish(
        state, vfa_sql_prepare(state, err, "DELETE FROM unmet WHERE uuid = ?", "s", uuid), err);

    if (r == 0)
        *ret = sqlite3_changes(state->db) > 0;
    return r;
}

/* ---- stale definitions ---- */

static int each_domain(struct vfa_state *state, const char *sql, vfa_state_visit_fn *visit,
                       void *data, struct vfa_error *err)
{
    return vfa_sql_each(state, vfa_sql_prepare(state, err, sql, ""), visit, data, err);
}

int vfa_state_each_stale_definition(struct vfa_state *state, vfa_state_visit_fn *visit, void *data,
                                    struct vfa_error *err)
{
    return each_domain(state,
                       "SELECT DISTINCT t.uuid FROM tentative t WHERE EXISTS"
                       " (SELECT 1 FROM conflict c WHERE c.owner = t.uuid || ' ' || t.request"
                       "  AND c.other_tentative = 0 AND c.other_uuid <> t.uuid)"
                       " OR EXISTS (SELECT 1 FROM quarantine q WHERE q.device = t.device)"
                       " UNION SELECT uuid FROM unmet",
                       visit, data, err);
}

int vfa_state_each_defined(struct vfa_state *state, vfa_state_visit_fn *visit, void *data,
                           struct vfa_error *err)
{
    return each_domain(state, "SELECT uuid FROM tentative UNION SELECT uuid FROM unmet", visit,
                       data, err);
}
