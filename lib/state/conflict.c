/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See conflict.h. The rule itself is the view `conflict` of schema.sql; it is repeated here for
 * keys that are no rows: those of a device that a domain asks for.
 */

#include "conflict.h"

#include "base/array.h"
#include "base/common.h"
#include "base/error.h"
#include "device/keys.h"
#include "claims.h"
#include "private.h"
#include "state.h"

#include <string.h>

/* Modes of other claims that exclude a key: from this letter on. */
static char first_excluding(char mode)
{
    return mode == VFA_KEY_SHARED ? VFA_KEY_EXCLUSIVE : VFA_KEY_GUEST;
}

/* ---- one device, asked of the file ---- */

int vfa_state_holder(struct vfa_state *state, const struct vfa_keys *keys, const char *uuid,
                     struct vfa_claim *ret, struct vfa_error *err)
{
    char text[VFA_KEYS_JSON_SIZE];
    VFA_AUTO(vfa_sql_finalizep)
    sqlite3_stmt *stmt = vfa_sql_prepare(
        state, err,
        "SELECT " VFA_CLAIM_COLUMNS ", mine.key FROM json_each(?1) mine"
        " CROSS JOIN conflict_key other ON other.key = mine.key AND other.tentative = 0"
        " AND other.mode >= iif(mine.value = 'S', 'X', 'G')"
        " CROSS JOIN claim ON claim.device = other.owner"
        " WHERE mine.value <> 'G' OR other.uuid <> ?2 OR other.ended = 1"
        " ORDER BY claim.device = ?3 DESC, " VFA_CLAIM_HELD " DESC, claim.uuid = ?2,"
        " claim.device LIMIT 1",
        "sss", vfa_sql_keys(keys, text), uuid, keys->n ? keys->items[0].text : "");
    int r;

    if (!stmt)
        return vfa_sql_failed(err);
    r = vfa_sql_step(state, stmt, err);
    if (r == 0)
        return VFA_STATE_ABSENT;
    if (r > 0)
        r = vfa_sql_claim(stmt, ret, err);
    if (r == 0)
        r = vfa_sql_text(stmt, sqlite3_column_count(stmt) - 1, &ret->key, err);
    if (r < 0)
        vfa_claim_clear(ret);
    return r;
}

/* ---- all devices, from a list ---- */

void vfa_held_keys_clear(struct vfa_held_keys *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->items[i].text);
    free(list->items);
    *list = (struct vfa_held_keys){NULL, 0};
}

static int compare_claims(const void *a, const void *b)
{
    return strcmp((*(const struct vfa_claim *const *)a)->device,
                  (*(const struct vfa_claim *const *)b)->device);
}

static int compare_device(const void *device, const void *claim)
{
    return strcmp(device, (*(const struct vfa_claim *const *)claim)->device);
}

static const struct vfa_claim **sort_claims(const struct vfa_claims *claims)
{
    const struct vfa_claim **sorted = calloc(claims->n + 1, sizeof(*sorted));

    if (!sorted)
        return NULL;
    for (size_t i = 0; i < claims->n; i++)
        sorted[i] = &claims->items[i];
    if (claims->n)
        qsort(sorted, claims->n, sizeof(*sorted), compare_claims);
    return sorted;
}

static int append_key(sqlite3_stmt *stmt, const struct vfa_claim *const *sorted, size_t n,
                      struct vfa_held_keys *list, struct vfa_error *err)
{
    const char *owner = (const char *)sqlite3_column_text(stmt, 2);
    const char *mode = (const char *)sqlite3_column_text(stmt, 1);
    const struct vfa_claim *const *claim =
        owner && n ? bsearch(owner, sorted, n, sizeof(*sorted), compare_device) : NULL;
    struct vfa_held_key *item;
    int r;

    if (!claim || !mode)
        return 0;
    item = vfa_array_grow(&list->items, list->n);
    if (!item)
        return vfa_fail_oom(err);
    *item = (struct vfa_held_key){.mode = *mode, .claim = *claim};
    r = vfa_sql_text(stmt, 0, &item->text, err);
    list->n += r == 0;
    return r;
}

int vfa_state_held_keys(struct vfa_state *state, const struct vfa_claims *claims,
                        struct vfa_held_keys *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_held_keys_clear) struct vfa_held_keys list = {NULL, 0};
    VFA_AUTO(vfa_freep) const struct vfa_claim **sorted = sort_claims(claims);
    VFA_AUTO(vfa_sql_finalizep)
    sqlite3_stmt *stmt = vfa_sql_prepare(state, err,
                                         "SELECT key, mode, owner FROM conflict_key"
                                         " WHERE tentative = 0 ORDER BY key, mode, owner",
                                         "");
    int r;

    if (!stmt)
        return vfa_sql_failed(err);
    if (!sorted)
        return vfa_fail_oom(err);
    while ((r = vfa_sql_step(state, stmt, err)) > 0) {
        r = append_key(stmt, sorted, claims->n, &list, err);
        if (r < 0)
            return r;
    }
    if (r < 0)
        return r;
    *ret = list;
    list = (struct vfa_held_keys){NULL, 0};
    return 0;
}

static bool is_before(const struct vfa_held_key *item, const char *text, char mode)
{
    int order = strcmp(item->text, text);

    return order < 0 || (order == 0 && item->mode < mode);
}

/* The index of the first entry with that text and mode, or behind. */
static size_t find_lower_bound(const struct vfa_held_keys *list, const char *text, char mode)
{
    size_t low = 0, high = list->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (is_before(&list->items[middle], text, mode))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool excludes(const struct vfa_held_key *held, const struct vfa_key *key, const char *uuid)
{
    return key->mode != VFA_KEY_GUEST || strcmp(held->claim->uuid, uuid) != 0 ||
           !vfa_claim_is_held(held->claim->state);
}

/* True if `a` tells more than `b` (NULL: nothing) why a domain cannot have the device: see
 * vfa_state_holder(). */
static bool comes_before(const struct vfa_held_key *a, const struct vfa_held_key *b,
                         const char *device, const char *uuid)
{
    bool a_own, b_own, a_held, b_held;

    if (!b)
        return true;
    a_own = strcmp(a->claim->device, device) == 0;
    b_own = strcmp(b->claim->device, device) == 0;
    if (a_own != b_own)
        return a_own;
    a_held = vfa_claim_is_held(a->claim->state);
    b_held = vfa_claim_is_held(b->claim->state);
    if (a_held != b_held)
        return a_held;
    return strcmp(a->claim->uuid, uuid) != 0 && strcmp(b->claim->uuid, uuid) == 0;
}

const struct vfa_held_key *vfa_held_keys_holder(const struct vfa_held_keys *list,
                                                const struct vfa_keys *keys, const char *uuid)
{
    const struct vfa_held_key *found = NULL;

    for (size_t k = 0; k < keys->n; k++) {
        const struct vfa_key *key = &keys->items[k];

        for (size_t i = find_lower_bound(list, key->text, first_excluding(key->mode));
             i < list->n && strcmp(list->items[i].text, key->text) == 0; i++) {
            const struct vfa_held_key *held = &list->items[i];

            if (excludes(held, key, uuid) && comes_before(held, found, keys->items[0].text, uuid))
                found = held;
        }
    }
    return found;
}

size_t vfa_held_keys_count(const struct vfa_held_keys *list, const char *text)
{
    size_t first = find_lower_bound(list, text, '\0'), n = 0;

    while (first + n < list->n && strcmp(list->items[first + n].text, text) == 0)
        n++;
    return n;
}
