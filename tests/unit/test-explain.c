/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vfa_explain() predicts what a start does: the same devices for the same requests, or the same
 * refusal. */

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "config/config.h"
#include "state/claims.h"
#include "state/state.h"
#include "host/host.h"
#include "host/rescan.h"
#include "claim/check.h"
#include "claim/claim.h"
#include "claim/explain.h"
#include "claim/hotplug.h"
#include "claim/prepare.h"
#include "made-host.h"
#include "made-keys.h"

#include <string.h>

static void make_config(void)
{
    FILE *f = fopen(config_path, "a");

#define ALIAS(name, type, more)                                                                    \
    "alias = {\"name\": \"" name "\", \"vendor_id\": \"8086\", \"product_id\": \"10ca\","          \
    " \"device_type\": \"type-" type "\"" more "}\n"
    if (!f ||
        fputs("[pci]\n" ALIAS("few", "VF", ", \"max_per_domain\": 1")
                  ALIAS("closed", "VF", ", \"permit\": [\"nobody\"]") ALIAS("card", "PF", ""),
              f) < 0 ||
        fclose(f) != 0)
        made_give_up(config_path);
    vfa_config_free(config);
    config = NULL;
    if (vfa_config_load(config_path, &config, NULL) < 0)
        made_give_up("configuration");
}

/* A copy of the state, as the command line opens it. */
static struct vfa_host open_copy(void)
{
    struct vfa_host host = {.sysfs = {-1}};

    if (vfa_host_open(config, &host, NULL) != 0)
        made_give_up("host");
    host.state = vfa_state_close(host.state);
    if (vfa_state_open_copy(state_path, made_root, &host.state, NULL) < 0)
        made_give_up("copy");
    return host;
}

/* ---- a start ---- */

#define R(alias, more) "<vfalias:request alias='" alias "' " more "/>"
#define ONE            R("net", "name='a'")
#define TWO            ONE R("net", "name='b'")
#define OPT            R("net", "name='o' optional='yes'")
#define NUMA           R("net", "name='n' numa='required'")
#define CARD           R("card", "name='c'")

static const struct {
    const char *label, *alias, *xml;
    int n_taken; /* VFs that another domain has */
    int group;   /* IOMMU group of another device of that domain; 0: none */
} cases[] = {
    {"a request", "net", DOM(META(ONE), ""), 0, 0},
    {"a request, the first are taken", "net", DOM(META(ONE), ""), 2, 0},
    {"a request, nothing free", "net", DOM(META(ONE), ""), 4, 0},
    {"two requests", "net", DOM(META(TWO), ""), 0, 0},
    {"two requests, one device", "net", DOM(META(TWO), ""), 3, 0},
    {"an optional request", "net", DOM(META(OPT), ""), 3, 0},
    {"an optional request, nothing free", "net", DOM(META(OPT), ""), 4, 0},
    {"one device, and an optional request", "net", DOM(META(ONE OPT), ""), 3, 0},
    {"the group is taken", "net", DOM(META(ONE), ""), 0, 10},
    {"the last group is taken", "net", DOM(META(ONE), ""), 3, 13},
    {"the second group is taken", "net", DOM(META(TWO), ""), 0, 11},
    {"strict NUMA", "net", DOM(META(NUMA), ""), 0, 0},
    {"too many", "few", DOM(META(R("few", "name='a'") R("few", "name='b'")), ""), 0, 0},
    {"as many", "few", DOM(META(R("few", "")), ""), 0, 0},
    {"not permitted", "closed", DOM(META(R("closed", "")), ""), 0, 0},
    {"not permitted and optional", "closed", DOM(META(R("closed", "optional='yes'")), ""), 0, 0},
    {"no such tag", "net", DOM(META(R("net", "color='red'")), ""), 0, 0},
    {"another alias first", "net", DOM(META(R("few", "name='f'") ONE), ""), 0, 0},
    {"another alias last", "net", DOM(META(ONE R("few", "name='f'")), ""), 0, 0},
    {"another alias takes the last", "net", DOM(META(R("few", "name='f'") ONE), ""), 3, 0},
    {"another alias gets none", "net", DOM(META(ONE R("few", "name='f'")), ""), 3, 0},
    {"the PF, of which a VF is asked for", "card", DOM(META(ONE CARD), ""), 0, 0},
    {"a VF of the PF that is asked for", "net", DOM(META(CARD ONE), ""), 0, 0},
    {"a VF, then its PF", "net", DOM(META(ONE CARD), ""), 0, 0},
    {"a device of its own", "net", DOM(META(ONE), STATIC), 0, 0},
    {"a device in the XML", "net", DOM(META(TWO), HOSTDEV("a", "0x10", "4")), 0, 0},
    {"a placeholder", "net", DOM(META(ONE), SENTINEL("a")), 0, 0},
    {"a placeholder, nothing free", "net", DOM(META(ONE), SENTINEL("a")), 4, 0},
};

static void take_group(struct vfa_host *host, int group)
{
    const struct vfa_claim claim = {.device = (char *)"0000:09:00.0",
                                    .keys = made_keys("0000:09:00.0", NULL, group),
                                    .kind = (char *)"pci",
                                    .uuid = (char *)OTHER,
                                    .domain = (char *)"other",
                                    .request = (char *)"group",
                                    .state = VFA_CLAIM_ACTIVE};

    CHECK(vfa_state_claim(host->state, &claim, NULL) == 0, "%d", group);
}

static const struct vfa_explained *find_chosen(const struct vfa_explanation *e, const char *request)
{
    for (size_t i = 0; i < e->n; i++) {
        if (e->rows[i].chosen && e->rows[i].request && strcmp(e->rows[i].request, request) == 0)
            return &e->rows[i];
    }
    return NULL;
}

/* Each claim for a request of the alias has a row that is chosen, and each such row has a claim. A
 * device of the XML is claimed before any device is chosen. */
static void compare_claims(const char *label, const struct vfa_explanation *e,
                           const struct vfa_domain *domain, const struct vfa_claims *claims,
                           const char *alias)
{
    size_t n = 0, n_chosen = 0;

    for (size_t i = 0; i < claims->n; i++) {
        const struct vfa_claim *claim = &claims->items[i];
        const struct vfa_explained *row = find_chosen(e, claim->request);
        char address[VFA_PCI_ADDR_SIZE];

        if (!claim->alias || strcmp(claim->alias, alias) != 0 ||
            vfa_domain_device(domain, claim->request))
            continue;
        n++;
        CHECK(row &&
                  strcmp(vfa_pci_addr_format(&row->device->dev->addr, address), claim->device) == 0,
              "%s: %s got %s", label, claim->request, claim->device);
    }
    for (size_t i = 0; i < e->n; i++)
        n_chosen += e->rows[i].chosen;
    CHECK(n == n_chosen, "%s: %zu claimed, %zu chosen", label, n, n_chosen);
}

static void test_start(size_t i)
{
    const char *label = cases[i].label;
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_explanation_clear) struct vfa_explanation e = {0};
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    const struct vfa_domain *domain = parse(cases[i].xml);
    struct vfa_host copy, host = open_host(true);
    int r = vfa_host_rescan_unless_young(&host, &err);

    for (int k = 0; k < cases[i].n_taken; k++)
        claim_for_other(&host, vf(k));
    if (cases[i].group)
        take_group(&host, cases[i].group);
    copy = open_copy();
    CHECK(r == 0 && vfa_explain(&copy, vfa_config_alias(config, cases[i].alias), domain, false, &e,
                                &err) == 0,
          "%s: %s", label, vfa_error_text(&err));
    r = vfa_check_requests(config, domain, &err);
    if (r == 0)
        r = vfa_prepare_domain(&host, domain, &err);
    CHECK(r == 0 || r == VFA_CLAIM_REFUSED, "%s: %d", label, r);
    CHECK((r != 0) == (e.refusal != NULL), "%s: '%s', it is said: '%s'", label,
          vfa_error_text(&err), e.refusal ? e.refusal : "");
    CHECK(r == 0 || !e.refusal || strcmp(vfa_error_text(&err), e.refusal) == 0,
          "%s: '%s', it is said: '%s'", label, vfa_error_text(&err), e.refusal);
    CHECK(vfa_state_claims(host.state, domain->uuid, &claims, NULL) == 0, "%s", label);
    if (r == 0)
        compare_claims(label, &e, domain, &claims, cases[i].alias);
    vfa_host_clear(&copy);
    vfa_host_clear(&host);
}

/* ---- a running domain ---- */

/* Both requests ask for the alias. The domain has the device of one request. */
static void test_running(size_t served)
{
    const struct vfa_domain *domain = parse(DOM(META(TWO), ""));
    const char *other = domain->requests[1 - served].name;
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_explanation_clear) struct vfa_explanation e = {0};
    VFA_AUTO(vfa_claim_clear) struct vfa_claim claim = {0};
    struct vfa_host copy, host = open_host(true);
    const struct vfa_explained *row;
    char address[VFA_PCI_ADDR_SIZE];

    CHECK(vfa_hotplug_request(&host, domain, &domain->requests[served], NULL, &err) == 0, "%s",
          vfa_error_text(&err));
    copy = open_copy();
    CHECK(vfa_explain(&copy, vfa_config_alias(config, "net"), domain, true, &e, &err) == 0, "%s",
          vfa_error_text(&err));
    CHECK(vfa_hotplug_request(&host, domain, &domain->requests[1 - served], &claim, &err) == 0,
          "%s", vfa_error_text(&err));
    row = find_chosen(&e, other);
    CHECK(row && strcmp(vfa_pci_addr_format(&row->device->dev->addr, address), claim.device) == 0,
          "%s got %s", other, claim.device);
    for (size_t i = 0; i < e.n; i++)
        CHECK(!strstr(e.rows[i].detail, "not in the index"), "%s: %s", other, e.rows[i].detail);
    vfa_host_clear(&copy);
    vfa_host_clear(&host);
}

int main(void)
{
    make_host();
    make_config();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        test_start(i);
    test_running(0);
    test_running(1);
    parse(NULL);
    vfa_config_free(config);
    made_end(&sysfs);
    return check_result();
}
