/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfalias claims: which domain holds which device, and which devices are still being released or
 * cleaned. The table shows the state only; without a state file there are no claims. The JSON is
 * also for programs that configure switches, so it adds the binding of each device: what sysfs and
 * configuration say now, and the MAC address from libvirt's status file of the running domain.
 * libvirt itself is not asked.
 */

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device/kind.h"
#include "device/sysfs.h"
#include "config/config.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/lock.h"
#include "host/binding.h"
#include "cmd.h"
#include "domain-file.h"
#include "json-out.h"
#include "table.h"
#include "verbs.h"

#include <string.h>
#include <uuid.h>

/* ---- bindings ---- */

struct bindings {
    const struct vfa_config *config;
    struct vfa_sysfs sysfs;
    bool foreign;
    const char *uuid;          /* of the domain that was read last; borrowed from a claim */
    struct vfa_domain *domain; /* from its status file; NULL: the file cannot be read */
};

static void bindings_clear(struct bindings *b)
{
    vfa_sysfs_close(&b->sysfs);
    vfa_domain_free(b->domain);
}

static int bindings_open(const struct vfa_cmd_context *ctx, struct bindings *ret,
                         struct vfa_error *err)
{
    ret->config = ctx->config;
    ret->foreign = ctx->foreign;
    return vfa_sysfs_open(ctx->config->sysfs_root, &ret->sysfs, err);
}

/* Claims are sorted by domain, so one domain is cached. */
static const struct vfa_domain *find_running_domain(struct bindings *b,
                                                    const struct vfa_claim *claim)
{
    VFA_AUTO(vfa_freep) char *path = NULL;

    if (b->uuid && strcmp(b->uuid, claim->uuid) == 0)
        return b->domain;
    b->uuid = claim->uuid;
    b->domain = vfa_domain_free(b->domain);
    if (b->foreign || strchr(claim->domain, '/')) /* libvirt allows no such name */
        return NULL;
    if (asprintf(&path, "%s/%s.xml", b->config->libvirt_run, claim->domain) < 0) {
        path = NULL;
        return NULL;
    }
    if (vfa_domain_file_read(path, &b->domain, NULL) == 0 &&
        strcmp(b->domain->uuid, claim->uuid) != 0)
        b->domain = vfa_domain_free(b->domain);
    return b->domain;
}

/* The MAC address of a claim's interface; NULL: the domain does not have it yet. Borrowed. */
static const char *find_mac(struct bindings *b, const struct vfa_claim *claim)
{
    const struct vfa_domain *domain = find_running_domain(b, claim);

    for (size_t i = 0; domain && i < domain->n_devices; i++) {
        const struct vfa_domdev *dev = &domain->devices[i];

        if (dev->request ? strcmp(dev->request, claim->request) == 0
                         : vfa_domdev_names(dev, claim->device))
            return dev->mac;
    }
    return NULL;
}

static void set_vf(bool *oom, struct json_object *object, const struct vfa_binding *binding)
{
    char pf[VFA_PCI_ADDR_SIZE];

    vfa_pci_addr_format(&binding->pf, pf);
    vfa_json_set_text(oom, object, "pf_address", binding->is_vf ? pf : NULL);
    vfa_json_set_text(oom, object, "pf_mac_address", *binding->pf_mac ? binding->pf_mac : NULL);
    vfa_json_set_number(oom, object, "vf_num", binding->vf_num);
}

/* A name-based UUID (RFC 4122, version 5) in the namespace of the domain's UUID, so that other
 * programs can compute it. NULL: the claim's UUID is invalid. */
static const char *request_id(const struct vfa_claim *claim, char buf[UUID_STR_LEN])
{
    uuid_t namespace, id;

    if (uuid_parse(claim->uuid, namespace) < 0)
        return NULL;
    uuid_generate_sha1(id, namespace, claim->request, strlen(claim->request));
    uuid_unparse_lower(id, buf);
    return buf;
}

/* A device that cannot be read is unknown: the other claims are listed all the same. */
static void set_binding(bool *oom, struct json_object *object, struct bindings *b,
                        const struct vfa_claim *claim)
{
    struct vfa_binding binding = {.vf_num = -1};
    char ids[sizeof("ffff:ffff")], id[UUID_STR_LEN];
    bool pci = strcmp(claim->kind, VFA_KIND_PCI) == 0;

    (void)vfa_binding_read(b->config, &b->sysfs, claim->device, claim->maker, &binding, NULL);
    snprintf(ids, sizeof(ids), "%04x:%04x", binding.vendor, binding.product);
    vfa_json_set_text(oom, object, "request_id", request_id(claim, id));
    vfa_json_set_text(oom, object, "pci_slot", pci ? claim->device : NULL);
    vfa_json_set_text(oom, object, "pci_vendor_info", pci && binding.present ? ids : NULL);
    vfa_json_set_text(oom, object, "physical_network", binding.physical_network);
    set_vf(oom, object, &binding);
    vfa_json_set_text(oom, object, "mac_address", find_mac(b, claim));
}

/* ---- the listing ---- */

static int print_claims_json(const struct vfa_cmd_context *ctx, const struct vfa_claims *claims)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(bindings_clear) struct bindings bindings = {.sysfs = {.rootfd = -1}};
    bool oom = false;
    struct json_object *array = vfa_json_make_array(&oom);
    int r = bindings_open(ctx, &bindings, &err);

    for (size_t i = 0; r == 0 && i < claims->n; i++) {
        const struct vfa_claim *claim = &claims->items[i];
        struct json_object *object = vfa_json_make_object(&oom);

        vfa_json_set_text(&oom, object, "device", claim->device);
        vfa_json_set_text(&oom, object, "kind", claim->kind);
        vfa_json_set_text(&oom, object, "domain", claim->domain);
        vfa_json_set_text(&oom, object, "uuid", claim->uuid);
        vfa_json_set_text(&oom, object, "request", claim->request);
        vfa_json_set_text(&oom, object, "alias", claim->alias);
        vfa_json_set_text(&oom, object, "state", vfa_claim_state_name(claim->state));
        vfa_json_set_time(&oom, object, "since", claim->since);
        vfa_json_set_time(&oom, object, "state_since", claim->state_since);
        vfa_json_set_text(&oom, object, "why", claim->why);
        vfa_json_set_number(&oom, object, "attempts", claim->attempts);
        vfa_json_set_text(&oom, object, "error", claim->error);
        set_binding(&oom, object, &bindings, claim);
        vfa_json_push(&oom, array, object);
    }
    if (r == 0)
        return vfa_json_print(oom, array);
    json_object_put(array);
    return vfa_cmd_fail_error(&err);
}

static void add_claim_row(struct vfa_table *table, const struct vfa_claim *claim)
{
    bool fixed = vfa_claim_is_static(claim->request);
    bool port = strncmp(claim->request, VFA_PORT_PREFIX, strlen(VFA_PORT_PREFIX)) == 0;

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
    vfa_table_cell_time(table, vfa_claim_is_held(claim->state) ? claim->since : claim->state_since);
}

static bool may_daemon_run(const struct vfa_cmd_context *ctx)
{
    bool present;

    return vfa_lock_is_held(ctx->config->state_path, &present, NULL) < 0 || present;
}

static void print_ending(const struct vfa_claim *claim, bool daemon)
{
    printf("%s is %s: %s", claim->device,
           claim->state == VFA_CLAIM_CLEANING ? "being cleaned" : "being released",
           claim->why ? claim->why : "");
    if (claim->error)
        printf("; attempt %u failed: %s", claim->attempts, claim->error);
    else if (claim->state == VFA_CLAIM_CLEANING && !daemon)
        printf(
            "; vfaliasd is not running, and it runs the cleaner: run 'systemctl start vfaliasd'");
    putchar('\n');
}

/* Below the table: a long message of QEMU or a driver would make its column too wide. */
static void print_reasons(const struct vfa_cmd_context *ctx, const struct vfa_claims *claims)
{
    bool daemon = may_daemon_run(ctx);

    for (size_t i = 0; i < claims->n; i++) {
        const struct vfa_claim *claim = &claims->items[i];

        if (!vfa_claim_is_held(claim->state))
            print_ending(claim, daemon);
        else if (claim->error)
            printf("%s of %s: attaching failed (%u): %s\n", claim->request, claim->domain,
                   claim->attempts, claim->error);
    }
}

static int print_claims_table(const struct vfa_cmd_context *ctx, const struct vfa_claims *claims)
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
        add_claim_row(table, &claims->items[i]);
    status = vfa_table_print(table);
    print_reasons(ctx, claims);
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
    if (vfa_cmd_load_all_claims(ctx, &claims, &err) < 0)
        return vfa_cmd_fail_error(&err);
    return json ? print_claims_json(ctx, &claims) : print_claims_table(ctx, &claims);
}
