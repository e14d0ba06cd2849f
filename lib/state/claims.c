/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See claims.h. The rules of claims are in schema.sql. */

#include "claims.h"

#include "base/array.h"
#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "device/keys.h"
#include "private.h"
#include "state.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static const char *const state_names[] = {
    [VFA_CLAIM_INCOMING] = "incoming", [VFA_CLAIM_CLAIMED] = "claimed",
    [VFA_CLAIM_ACTIVE] = "active",     [VFA_CLAIM_RELEASING] = "releasing",
    [VFA_CLAIM_CLEANING] = "cleaning",
};

const char *vfa_claim_state_name(enum vfa_claim_state state)
{
    return state_names[state];
}

bool vfa_claim_is_held(enum vfa_claim_state state)
{
    return state < VFA_CLAIM_RELEASING;
}

bool vfa_claim_is_static(const char *request)
{
    return strncmp(request, VFA_STATIC_PREFIX, strlen(VFA_STATIC_PREFIX)) == 0 ||
           strncmp(request, VFA_PORT_PREFIX, strlen(VFA_PORT_PREFIX)) == 0;
}

void vfa_claim_clear(struct vfa_claim *claim)
{
    free(claim->device);
    free(claim->kind);
    free(claim->maker);
    free(claim->uuid);
    free(claim->domain);
    free(claim->request);
    free(claim->alias);
    free(claim->why);
    free(claim->cleaner);
    free(claim->error);
    free(claim->key);
    memset(claim, 0, sizeof(*claim));
}

void vfa_claims_clear(struct vfa_claims *claims)
{
    for (size_t i = 0; i < claims->n; i++)
        vfa_claim_clear(&claims->items[i]);
    free(claims->items);
    claims->items = NULL;
    claims->n = 0;
}

const struct vfa_claim *vfa_claims_find(const struct vfa_claims *claims, const char *request)
{
    for (size_t i = 0; i < claims->n; i++) {
        if (strcmp(claims->items[i].request, request) == 0)
            return &claims->items[i];
    }
    return NULL;
}

static enum vfa_claim_state parse_state(const unsigned char *text)
{
    for (size_t i = 0; i < ARRAY_SIZE(state_names); i++) {
        if (text && strcmp((const char *)text, state_names[i]) == 0)
            return (enum vfa_claim_state)i;
    }
    return VFA_CLAIM_CLAIMED; /* cannot happen: CHECK of claim.state in schema.sql */
}

int vfa_sql_claim(sqlite3_stmt *stmt, struct vfa_claim *claim, struct vfa_error *err)
{
    char **texts[] = {&claim->device,  &claim->kind,    &claim->maker, &claim->uuid,
                      &claim->domain,  &claim->request, &claim->alias, &claim->why,
                      &claim->cleaner, &claim->error};
    int next = (int)ARRAY_SIZE(texts), r = 0;

    memset(claim, 0, sizeof(*claim));
    for (int i = 0; i < next && r == 0; i++)
        r = vfa_sql_text(stmt, i, texts[i], err);
    claim->state = parse_state(sqlite3_column_text(stmt, next));
    claim->since = sqlite3_column_int64(stmt, next + 1);
    claim->state_since = sqlite3_column_int64(stmt, next + 2);
    claim->attempts = (unsigned)sqlite3_column_int(stmt, next + 3);
    claim->placeholder = sqlite3_column_int(stmt, next + 4);
    if (r < 0)
        vfa_claim_clear(claim);
    return r;
}

/* The keys of the claim, as in the column `keys`. Returns buf. */
static const char *keys_of_claim(const struct vfa_claim *claim, char *buf)
{
    const struct vfa_device dev = vfa_device_unknown(claim->device);
    struct vfa_keys keys;

    if (claim->keys)
        return vfa_sql_keys(claim->keys, buf);
    vfa_keys_of_device(&dev, &keys);
    return vfa_sql_keys(&keys, buf);
}

int vfa_state_claim(struct vfa_state *state, const struct vfa_claim *claim, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    char keys[VFA_KEYS_JSON_SIZE];
    int64_t since = claim->since ? claim->since : (int64_t)time(NULL);
    int r = vfa_sql_finish(
        state,
        vfa_sql_prepare(
            state, &why,
            "INSERT INTO claim (device, keys, kind, uuid, domain, request, alias, state, since,"
            " state_since, placeholder, cleaner, why, maker)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10, ?11, ?12, ?13)",
            "ssssssssiisss", claim->device, keys_of_claim(claim, keys), claim->kind, claim->uuid,
            claim->domain, claim->request, claim->alias, vfa_claim_state_name(claim->state), since,
            (int64_t)claim->placeholder, claim->cleaner, claim->why, claim->maker),
        &why);

    if (r == -EEXIST && vfa_sql_is_taken(state))
        return VFA_STATE_TAKEN;
    return r < 0 ? vfa_error_move(err, &why) : 0;
}

int vfa_state_is_claimed(struct vfa_state *state, const char *device, bool *ret,
                         struct vfa_error *err)
{
    return vfa_sql_exists(
        state, vfa_sql_prepare(state, err, "SELECT 1 FROM claim WHERE device = ?", "s", device),
        ret, err);
}

int vfa_state_claim_of(struct vfa_state *state, const char *device, struct vfa_claim *ret,
                       struct vfa_error *err)
{
    VFA_AUTO(vfa_sql_finalizep)
    sqlite3_stmt *stmt = vfa_sql_prepare(
        state, err, "SELECT " VFA_CLAIM_COLUMNS " FROM claim WHERE device = ?", "s", device);
    int r = stmt ? vfa_sql_step(state, stmt, err) : vfa_sql_failed(err);

    if (r <= 0)
        return r < 0 ? r : VFA_STATE_ABSENT;
    return vfa_sql_claim(stmt, ret, err);
}

int vfa_sql_claims(struct vfa_state *state, sqlite3_stmt *query, struct vfa_claims *ret,
                   struct vfa_error *err)
{
    VFA_AUTO(vfa_sql_finalizep) sqlite3_stmt *stmt = query;
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    int r;

    if (!stmt)
        return vfa_sql_failed(err);
    while ((r = vfa_sql_step(state, stmt, err)) > 0) {
        struct vfa_claim *claim = vfa_array_grow(&claims.items, claims.n);

        if (!claim)
            return vfa_fail_oom(err);
        r = vfa_sql_claim(stmt, claim, err);
        if (r < 0)
            return r;
        claims.n++;
    }
    if (r < 0)
        return r;
    *ret = claims;
    claims.items = NULL;
    claims.n = 0;
    return 0;
}

#define OF_DOMAIN(condition)                                                                       \
    "SELECT " VFA_CLAIM_COLUMNS " FROM claim INDEXED BY claim_owner WHERE uuid = ?" condition      \
    " ORDER BY request, device"
#define OF_ALL(condition)                                                                          \
    "SELECT " VFA_CLAIM_COLUMNS " FROM claim" condition " ORDER BY domain, request, device"

int vfa_state_claims(struct vfa_state *state, const char *uuid, struct vfa_claims *ret,
                     struct vfa_error *err)
{
    return vfa_sql_claims(
        state,
        uuid ? vfa_sql_prepare(state, err, OF_DOMAIN(" AND " VFA_CLAIM_HELD), "s", uuid)
             : vfa_sql_prepare(state, err, OF_ALL(" WHERE " VFA_CLAIM_HELD), ""),
        ret, err);
}

int vfa_state_all_claims(struct vfa_state *state, const char *uuid, struct vfa_claims *ret,
                         struct vfa_error *err)
{
    return vfa_sql_claims(state,
                          uuid ? vfa_sql_prepare(state, err, OF_DOMAIN(""), "s", uuid)
                               : vfa_sql_prepare(state, err, OF_ALL(""), ""),
                          ret, err);
}

int vfa_state_set_claim_state(struct vfa_state *state, const char *uuid, const char *request,
                              enum vfa_claim_state claim_state, struct vfa_error *err)
{
    return vfa_sql_finish(
        state,
        vfa_sql_prepare(state, err,
                        "UPDATE claim SET state = ?3, attempts = 0, error = NULL,"
                        " state_since = iif(state = ?3, state_since, ?4)"
                        " WHERE uuid = ?1 AND request = ?2 AND (state <> ?3 OR attempts > 0)"
                        " AND " VFA_CLAIM_HELD,
                        "sssi", uuid, request, vfa_claim_state_name(claim_state),
                        (int64_t)time(NULL)),
        err);
}

int vfa_state_set_claim_error(struct vfa_state *state, const char *uuid, const char *request,
                              const char *text, struct vfa_error *err)
{
    return vfa_sql_finish(state,
                          vfa_sql_prepare(state, err,
                                          "UPDATE claim SET error = ?3,"
                                          " attempts = iif(?3 IS NULL, 0, attempts + 1)"
                                          " WHERE uuid = ?1 AND request = ?2 AND " VFA_CLAIM_HELD,
                                          "sss", uuid, request, text),
                          err);
}

#define AHEAD_SECONDS 60 /* a time that lies this far ahead is from a clock that was set back */

bool vfa_claim_is_recent(int64_t since, int64_t now, unsigned seconds)
{
    return now - since <= (int64_t)seconds && since - now < AHEAD_SECONDS;
}

bool vfa_claim_unchanged(const struct vfa_claim *a, const struct vfa_claim *b)
{
    return a->state == b->state && a->since == b->since && strcmp(a->device, b->device) == 0;
}

bool vfa_claim_is_awaited(const struct vfa_claim *claim, int64_t now, unsigned timeout)
{
    return claim->state == VFA_CLAIM_INCOMING && vfa_claim_is_recent(claim->since, now, timeout);
}
