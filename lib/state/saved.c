/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See saved.h. A row that cannot be read (written by a newer version) is not an error of the state:
 * otherwise its claim could never end. The caller gets the row with the reason in `unreadable`.
 */

#include "saved.h"

#include "base/array.h"
#include "base/common.h"
#include "base/error.h"
#include "device/attributes.h"
#include "device/vf-settings.h"
#include "private.h"
#include "state.h"

#include <string.h>

#define COLUMNS "device, settings, up, attributes, recipe"

void vfa_saved_clear(struct vfa_saved *saved)
{
    vfa_attributes_clear(&saved->attributes);
    free(saved->unreadable);
    free(saved->recipe);
    saved->unreadable = saved->recipe = NULL;
}

/* `attributes` may be NULL. */
static int read_saved_texts(const char *settings, const char *attributes, struct vfa_saved *saved,
                            struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int r = vfa_vf_settings_read(settings, &saved->settings, &why);

    if (r == 0)
        r = vfa_attributes_read(attributes, &saved->attributes, &why);
    if (r == 0)
        return 0;
    if (r == -ENOMEM)
        return vfa_fail_oom(err);
    saved->settings = (struct vfa_vf_settings){0};
    saved->unreadable = strdup(vfa_error_text(&why));
    return saved->unreadable ? 0 : vfa_fail_oom(err);
}

static int read_saved(sqlite3_stmt *stmt, struct vfa_saved *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *device = NULL;
    VFA_AUTO(vfa_freep) char *settings = NULL;
    VFA_AUTO(vfa_freep) char *attributes = NULL;
    VFA_AUTO(vfa_saved_clear) struct vfa_saved saved = {.up = VFA_SAVED_NONE};
    int r = vfa_sql_text(stmt, 0, &device, err);

    if (r == 0)
        r = vfa_sql_text(stmt, 1, &settings, err);
    if (r == 0)
        r = vfa_sql_text(stmt, 3, &attributes, err);
    if (r == 0)
        r = vfa_sql_text(stmt, 4, &saved.recipe, err);
    if (r == 0)
        r = read_saved_texts(settings, attributes, &saved, err);
    if (r < 0)
        return r;
    snprintf(saved.device, sizeof(saved.device), "%s", device);
    if (sqlite3_column_type(stmt, 2) != SQLITE_NULL)
        saved.up = sqlite3_column_int(stmt, 2) ? VFA_SAVED_YES : VFA_SAVED_NO;
    *ret = saved;
    saved = (struct vfa_saved){.up = VFA_SAVED_NONE};
    return 0;
}

/* Merges the settings that are already saved. They are older, so they are the original ones. */
static int add_older(struct vfa_state *state, struct vfa_saved *saved, struct vfa_error *err)
{
    VFA_AUTO(vfa_sql_finalizep)
    sqlite3_stmt *stmt = vfa_sql_prepare(
        state, err, "SELECT " COLUMNS " FROM saved WHERE device = ?", "s", saved->device);
    VFA_AUTO(vfa_saved_clear) struct vfa_saved older = {.up = VFA_SAVED_NONE};
    int r = stmt ? vfa_sql_step(state, stmt, err) : vfa_sql_failed(err);

    if (r > 0)
        r = read_saved(stmt, &older, err) < 0 ? vfa_sql_failed(err) : 1;
    if (r <= 0)
        return r;
    if (older.unreadable)
        return vfa_fail(err, EINVAL,
                        "cannot save the settings of %s: what was saved before cannot be read: %s",
                        saved->device, older.unreadable);
    vfa_vf_settings_merge(&saved->settings, &older.settings);
    if (older.up != VFA_SAVED_NONE)
        saved->up = older.up;
    return vfa_attributes_merge(&saved->attributes, &older.attributes, err);
}

int vfa_state_save(struct vfa_state *state, const struct vfa_saved *saved, struct vfa_error *err)
{
    VFA_AUTO(vfa_saved_clear)
    struct vfa_saved all = {.settings = saved->settings, .up = saved->up};
    VFA_AUTO(vfa_freep) char *attributes = NULL;
    char text[VFA_VF_SETTINGS_SIZE];
    int r;

    memcpy(all.device, saved->device, sizeof(all.device));
    r = vfa_attributes_merge(&all.attributes, &saved->attributes, err);
    if (r == 0)
        r = add_older(state, &all, err);
    if (r == 0)
        r = vfa_attributes_format(&all.attributes, &attributes, err);
    if (r < 0)
        return r;
    vfa_vf_settings_format(&all.settings, text);
    return vfa_sql_finish(
        state,
        vfa_sql_prepare(state, err,
                        "INSERT OR REPLACE INTO saved (" COLUMNS
                        ") VALUES (?1, ?2, iif(?3 < 0, NULL, ?3), ?4,"
                        " coalesce(?5, (SELECT recipe FROM saved WHERE device = ?1)))",
                        "ssiss", all.device, text, (int64_t)all.up, attributes, saved->recipe),
        err);
}

int vfa_state_saved(struct vfa_state *state, const char *device, struct vfa_saved_list *ret,
                    struct vfa_error *err)
{
    VFA_AUTO(vfa_saved_list_clear) struct vfa_saved_list list = {NULL, 0};
    VFA_AUTO(vfa_sql_finalizep)
    sqlite3_stmt *stmt = vfa_sql_prepare(state, err,
                                         device ? "SELECT " COLUMNS " FROM saved WHERE device = ?"
                                                : "SELECT " COLUMNS " FROM saved ORDER BY device",
                                         device ? "s" : "", device);
    int r;

    if (!stmt)
        return vfa_sql_failed(err);
    while ((r = vfa_sql_step(state, stmt, err)) > 0) {
        struct vfa_saved *saved = vfa_array_grow(&list.items, list.n);

        if (!saved)
            return vfa_fail_oom(err);
        r = read_saved(stmt, saved, err);
        if (r < 0)
            return r;
        list.n++;
    }
    if (r < 0)
        return r;
    *ret = list;
    list = (struct vfa_saved_list){NULL, 0};
    return 0;
}

int vfa_state_forget_saved(struct vfa_state *state, const char *device, struct vfa_error *err)
{
    return vfa_sql_finish(
        state, vfa_sql_prepare(state, err, "DELETE FROM saved WHERE device = ?", "s", device), err);
}

#define ASIDE "'aside ' || " /* no identity has a space */

int vfa_state_unseat(struct vfa_state *state, const char *device, struct vfa_error *err)
{
    int r = vfa_sql_finish(
        state,
        vfa_sql_prepare(state, err, "UPDATE saved SET device = " ASIDE "device WHERE device = ?",
                        "s", device),
        err);

    if (r < 0)
        return r;
    return vfa_sql_finish(
        state, vfa_sql_prepare(state, err, "DELETE FROM claim WHERE device = ?", "s", device), err);
}

int vfa_state_hand_over(struct vfa_state *state, const char *device, struct vfa_error *err)
{
    return vfa_sql_finish(state,
                          vfa_sql_prepare(state, err,
                                          "UPDATE saved SET device = ?1 WHERE device = " ASIDE "?1",
                                          "s", device),
                          err);
}

void vfa_saved_list_clear(struct vfa_saved_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        vfa_saved_clear(&list->items[i]);
    free(list->items);
    list->items = NULL;
    list->n = 0;
}
