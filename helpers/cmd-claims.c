/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vfalias claims: who holds what. Reads the state and nothing else; no state file is no claims. */
#include "cmd.h"
#include "json-out.h"
#include "table.h"

#include <string.h>

static int print_json(const struct vfa_claims *claims)
{
    bool oom = false;
    struct json_object *array = vfa_json_make_array(&oom);
    char since[40];

    for (size_t i = 0; i < claims->n; i++) {
        const struct vfa_claim *claim = &claims->items[i];
        struct json_object *object = vfa_json_make_object(&oom);

        vfa_json_set_text(&oom, object, "device", claim->device);
        vfa_json_set_text(&oom, object, "kind", claim->kind);
        vfa_json_set_text(&oom, object, "domain", claim->domain);
        vfa_json_set_text(&oom, object, "uuid", claim->uuid);
        vfa_json_set_text(&oom, object, "request", claim->request);
        vfa_json_set_text(&oom, object, "alias", claim->alias);
        vfa_json_set_text(&oom, object, "state", vfa_claim_state_name(claim->state));
        vfa_json_set_text(&oom, object, "since",
                          vfa_cmd_time(claim->since, true, since, sizeof(since)));
        vfa_json_set_number(&oom, object, "attempts", claim->attempts);
        vfa_json_set_text(&oom, object, "error", claim->error);
        vfa_json_push(&oom, array, object);
    }
    return vfa_json_print(oom, array);
}

static void add_row(struct vfa_table *table, const struct vfa_claim *claim)
{
    bool fixed = vfa_claim_is_static(claim->request);
    bool port = strncmp(claim->request, VFA_PORT_PREFIX, strlen(VFA_PORT_PREFIX)) == 0;
    char since[40];

    vfa_table_cell(table, VFA_TABLE_PLAIN, claim->device);
    vfa_table_cell(table, VFA_TABLE_PLAIN, claim->kind);
    vfa_table_cell(table, VFA_TABLE_PLAIN, claim->domain);
    vfa_table_cell(table, fixed ? VFA_TABLE_DIM : VFA_TABLE_PLAIN,
                   port    ? "(network)"
                   : fixed ? "(static)"
                           : claim->request);
    vfa_table_cell(table, VFA_TABLE_PLAIN, claim->alias);
    vfa_table_cell(table,
                   claim->error                       ? VFA_TABLE_RED
                   : claim->state == VFA_CLAIM_ACTIVE ? VFA_TABLE_GREEN
                                                      : VFA_TABLE_YELLOW,
                   vfa_claim_state_name(claim->state));
    vfa_table_cell(table, VFA_TABLE_PLAIN, vfa_cmd_time(claim->since, false, since, sizeof(since)));
}

/* Below the table, so that a long line of QEMU's does not tear it apart. */
static void print_errors(const struct vfa_claims *claims)
{
    for (size_t i = 0; i < claims->n; i++) {
        const struct vfa_claim *claim = &claims->items[i];

        if (claim->error)
            printf("%s of %s: attaching failed (%u): %s\n", claim->request, claim->domain,
                   claim->attempts, claim->error);
    }
}

static int print_table(const struct vfa_claims *claims)
{
    static const char *const headers[] = {"DEVICE", "KIND",  "DOMAIN", "REQUEST",
                                          "ALIAS",  "STATE", "SINCE"};
    VFA_AUTO(vfa_table_freep)
    struct vfa_table *table = vfa_table_new(headers, ARRAY_SIZE(headers));
    int status;

    if (claims->n == 0) {
        printf("no claims\n");
        return VFA_CMD_FINE;
    }
    for (size_t i = 0; table && i < claims->n; i++)
        add_row(table, &claims->items[i]);
    status = vfa_table_print(table);
    print_errors(claims);
    return status;
}

int vfa_cmd_claims(struct vfa_cmd_context *ctx, int argc, char **argv)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {0};
    bool json = false;
    const struct vfa_cmd_flag flags[] = {{"json", &json, NULL}};
    const struct vfa_cmd_syntax syntax = {"claims", flags, ARRAY_SIZE(flags), {NULL}};
    int status;

    if (!vfa_cmd_begin(ctx, &syntax, argc, argv, NULL, &status))
        return status;
    if (vfa_cmd_load_claims(ctx, NULL, &claims, &err) < 0)
        return vfa_cmd_fail_error(&err);
    return json ? print_json(&claims) : print_table(&claims);
}
