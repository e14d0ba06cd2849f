/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A request for a chain of aliases: the guest has the same NIC on each rung, and a claim knows its
 * rung, also that of a running domain after the state was lost. */

#include "base/common.h"
#include "base/error.h"
#include "config/config.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "host/host.h"
#include "host/rescan.h"
#include "choose/resolve.h"
#include "claim/assignment-xml.h"
#include "claim/assignment.h"
#include "claim/claim.h"
#include "claim/incoming.h"
#include "claim/prepare.h"
#include "claim/reassert.h"
#include "made-host.h"

#include <string.h>

static const char aliases[] =
    "[pci]\n"
    "alias = {\"name\": \"nic\", \"vendor_id\": \"8086\", \"product_id\": \"10ca\","
    " \"device_type\": \"type-VF\", \"attach\": \"interface\"}\n"
    "alias = {\"name\": \"tap\", \"vendor_id\": \"8086\", \"product_id\": \"10ca\","
    " \"device_type\": \"type-VF\", \"attach\": \"macvtap\"}\n"
    "alias = {\"name\": \"mine\", \"vendor_id\": \"8086\", \"product_id\": \"10ca\","
    " \"device_type\": \"type-VF\", \"permit\": [\"somebody-else\"]}\n"
    "alias = {\"name\": \"br\", \"attach\": \"bridge\", \"bridge\": \"br0\"}\n"
    "alias = {\"name\": \"any\", \"any_of\": [\"mine\", \"nic\", \"br\"]}\n"
    "alias = {\"name\": \"soft\", \"any_of\": [\"tap\", \"br\"]}\n"
    "alias = {\"name\": \"hard\", \"any_of\": [\"mine\", \"nic\"]}\n"
    "alias = {\"name\": \"closed\", \"any_of\": [\"br\"], \"permit\": [\"somebody-else\"]}\n";

static void configure(void)
{
    FILE *f = fopen(config_path, "w");

    config = vfa_config_free(config);
    if (!f ||
        fprintf(f, "%s[vfalias]\nstate = %s\nsysfs_root = %s\nlibvirt_run = %s\n", aliases,
                state_path, made_root, made_root) < 0 ||
        fclose(f) != 0 || vfa_config_load(config_path, &config, NULL) < 0)
        made_give_up(config_path);
    made_folder("class/net/br0/bridge");
}

#define PORT_OF(alias)                                                                             \
    "<vfalias:request alias='" alias "' name='p'><vfalias:settings vlan='7'/></vfalias:request>"
#define WANTS(alias) DOM(META(PORT_OF(alias)), ROOT PORT(1) SLOT(2, "p"))

/* ---- the same NIC ---- */

static const struct {
    const char *xml;
    int n_taken; /* VFs that another domain has */
    const char *rung, *type;
} nics[] = {
    {WANTS("any"), 0, "nic", "type=\"hostdev\""}, {WANTS("any"), VFS, "br", "type=\"bridge\""},
    {WANTS("soft"), 0, "tap", "type=\"direct\""}, {WANTS("soft"), VFS, "br", "type=\"bridge\""},
    {WANTS("br"), 0, "br", "type=\"bridge\""},
};

static void copy_mac(const char *xml, char ret[32])
{
    const char *mac = strstr(xml, "<mac address=");

    snprintf(ret, 32, "%.32s", mac ? mac : "");
}

static void test_nic(size_t i, char mac[32])
{
    VFA_AUTO(vfa_assignments_clear) struct vfa_assignments assignments = {NULL, 0};
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_freep) char *xml = NULL;
    struct vfa_domain *domain = (struct vfa_domain *)parse(nics[i].xml);
    struct vfa_host host = open_host(true);
    int r = vfa_host_rescan_unless_young(&host, &err);

    for (int k = 0; k < nics[i].n_taken; k++)
        claim_for_other(&host, vf(k));
    if (r == 0)
        r = vfa_incoming_claim(&host, domain, VFA_INCOMING_HOTPLUG, &assignments, &err);
    CHECK(r == 0 && assignments.n == 1 && strcmp(assignments.items[0].alias, nics[i].rung) == 0,
          "%zu: %d %s", i, r, vfa_error_text(&err));
    if (r == 0)
        r = vfa_assignments_to_xml(config, nics[i].xml, strlen(nics[i].xml), domain, &assignments,
                                   &xml, &err);
    CHECK(r == 0 && xml, "%zu: %s", i, vfa_error_text(&err));
    if (xml) {
        CHECK(strstr(xml, nics[i].type) && strstr(xml, "<tag id=\"7\"/>") &&
                  strstr(xml, "bus=\"0x02\""),
              "%zu: %s", i, xml);
        copy_mac(xml, mac);
    }
    vfa_host_clear(&host);
}

static void test_nics(void)
{
    char first[32] = "", mac[32];

    for (size_t i = 0; i < ARRAY_SIZE(nics); i++) {
        mac[0] = '\0';
        test_nic(i, mac);
        if (i == 0)
            memcpy(first, mac, sizeof(first));
        CHECK(*first && strcmp(mac, first) == 0, "%zu: %s, not %s", i, mac, first);
    }
}

/* ---- refused ---- */

static const struct {
    const char *xml;
    int n_taken;
    const char *line;
} refusals[] = {
    {WANTS("hard"), VFS,
     "domain 'd': request 'p': no alias of 'hard' can serve it: mine: this domain is not permitted to ask for "
     "alias 'mine'; nic: alias 'nic' has 4 devices, 4 claimed"},
    {WANTS("closed"), 0,
     "domain 'd': request 'p': this domain is not permitted to ask for alias 'closed'"},
};

static void test_refusals(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
        VFA_AUTO(vfa_assignments_clear) struct vfa_assignments assignments = {NULL, 0};
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        struct vfa_host host = open_host(true);
        int r = vfa_host_rescan_unless_young(&host, &err);

        CHECK(r == 0, "%s", vfa_error_text(&err));
        for (int k = 0; k < refusals[i].n_taken; k++)
            claim_for_other(&host, vf(k));
        r = vfa_incoming_claim(&host, parse(refusals[i].xml), VFA_INCOMING_HOTPLUG, &assignments,
                               &err);
        CHECK(r == VFA_CLAIM_REFUSED && strcmp(vfa_error_text(&err), refusals[i].line) == 0,
              "%zu: %d %s", i, r, vfa_error_text(&err));
        vfa_host_clear(&host);
    }
}

/* ---- a running domain ---- */

#define RUNS(source)                                                                               \
    DOM(META(PORT_OF("any")),                                                                      \
        ROOT PORT(1) SLOT(2, "p") source "<alias name='ua-vf-p'/></interface>")

static const struct {
    const char *xml, *rung, *device;
} running[] = {
    {RUNS("<interface type='bridge'><source bridge='br0'/>"), "br", "bridge:br0/"},
    {RUNS("<interface type='bridge'><source bridge='other'/>"), "any", "bridge:other/"},
    {RUNS("<interface type='hostdev'><source><address type='pci' domain='0' bus='1' slot='0x10' "
          "function='2'/></source>"),
     "nic", "0000:01:10.2"},
};

static void test_running(void)
{
    made_folder("class/net/other/bridge");
    for (size_t i = 0; i < ARRAY_SIZE(running); i++) {
        VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        const struct vfa_domain *domain = parse(running[i].xml);
        struct vfa_host host = open_host(true);
        const struct vfa_claim *claim;
        int r = vfa_host_rescan_unless_young(&host, &err);

        if (r == 0)
            r = vfa_reassert(&host, domain, &err);
        if (r == 0)
            r = vfa_state_claims(host.state, domain->uuid, &claims, &err);
        CHECK(r == 0, "%zu: %s", i, vfa_error_text(&err));
        claim = vfa_claims_find(&claims, "p");
        CHECK(claim && claim->alias && strcmp(claim->alias, running[i].rung) == 0 &&
                  strncmp(claim->device, running[i].device, strlen(running[i].device)) == 0,
              "%zu: %s %s", i, claim ? claim->device : "-",
              claim && claim->alias ? claim->alias : "-");
        vfa_host_clear(&host);
    }
}

/* ---- the alias of a claim ---- */

static const struct {
    const char *xml;
    char claimed[8]; /* "": no alias */
    const char *want;
} resolved[] = {
    {WANTS("any"), "nic", "nic"}, {WANTS("any"), "", "any"},  {WANTS("any"), "gone", NULL},
    {WANTS("any"), "any", NULL},  {WANTS("br"), "nic", "br"},
};

static void test_resolved(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(resolved); i++) {
        const struct vfa_domain *domain = parse(resolved[i].xml);
        struct vfa_claim claim = {.alias =
                                      *resolved[i].claimed ? (char *)resolved[i].claimed : NULL};
        const struct vfa_alias *alias = vfa_resolve_claimed(config, &domain->requests[0], &claim);

        CHECK(alias ? resolved[i].want && strcmp(alias->name, resolved[i].want) == 0
                    : !resolved[i].want,
              "%zu: %s", i, alias ? alias->name : "none");
    }
    CHECK(vfa_resolve_claimed(config, &parse(WANTS("any"))->requests[0], NULL)->any_of, "no claim");
}

int main(void)
{
    make_host();
    configure();
    test_nics();
    test_refusals();
    test_running();
    test_resolved();
    parse(NULL);
    vfa_config_free(config);
    made_end(&sysfs);
    return check_result();
}
