/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verdicts: each filter, and the order of the filters. */

#include "base/bitset.h"
#include "base/common.h"
#include "base/tags.h"
#include "device/device.h"
#include "device/topology.h"
#include "spec/spec.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "choose/choose.h"
#include "choose/verdict.h"
#include "check.h"

#define UUID "5a7c1d3e-0000-4000-8000-1234567890ab"

static char VF0[] = "0000:02:10.0", VF1[] = "0000:02:10.2", PF[] = "0000:01:00.0";

#define FAMILY "family 0000:01:00.0"
#define GROUP  "iommu 5"

static struct vfa_alias_choice choice = {.vendor = 0x8086, .product = 0x10ca, .class = -1};
static struct vfa_alias alias = {.types = 1u << VFA_TYPE_VF, .choices = &choice, .n_choices = 1};
static struct vfa_device dev = {.id = "0000:02:10.0",
                                .addr = {0, 2, 0x10, 0},
                                .parent = {0, 1, 0, 0},
                                .type = VFA_TYPE_VF,
                                .vendor = 0x8086,
                                .product = 0x10ca,
                                .numa_node = 0,
                                .iommu_group = 5};
static struct vfa_spec spec;

static void reset(void)
{
    static char name[] = "net", driver[] = "igbvf";

    alias.name = name;
    alias.permit = NULL;
    alias.n_permit = 0;
    alias.numa = VFA_NUMA_LEGACY;
    choice.driver = NULL;
    dev.driver = driver;
    dev.numa_node = 0;
    vfa_tags_clear(&spec.tags);
    vfa_tags_set(&spec.tags, "physical_network", "physnet1", NULL);
}

/* ---- names ---- */

static void test_names(void)
{
    for (int i = 0; i < VFA_VERDICT_N; i++) {
        CHECK(vfa_verdict_name((enum vfa_verdict)i), "%d has no name", i);
        for (int j = 0; j < i; j++)
            CHECK(strcmp(vfa_verdict_name((enum vfa_verdict)i),
                         vfa_verdict_name((enum vfa_verdict)j)) != 0,
                  "%d and %d", i, j);
    }
}

/* ---- permit ---- */

static const struct {
    const char *entry, *domain, *uuid;
    bool permitted;
} permits[] = {
    {"db1", "db1", UUID, true},         {"db1", "db10", UUID, false},
    {"db1", "DB1", UUID, false},        {"db*", "db10", UUID, true},
    {"db?", "db10", UUID, false},       {"db[0-4]", "db3", UUID, true},
    {"db[0-4]", "db7", UUID, false},    {"*", "", UUID, true},
    {"a/*", "a/b/c", UUID, true}, /* '*' matches a slash in a name */
    {UUID, "db1", UUID, true},          {"5A7C1D3E-0000-4000-8000-1234567890AB", "db1", UUID, true},
    {"5a7c1d3e-*", "db1", UUID, false},                          /* patterns match names only */
    {UUID, "db1", "", false},           {"db1", NULL, "", true}, /* no domain given */
};

static void test_permits(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(permits); i++) {
        char never[] = "never-*", *list[] = {never, (char *)permits[i].entry};
        struct vfa_criteria criteria = {.alias = &alias, .domain = permits[i].domain};

        reset();
        criteria.uuid = permits[i].uuid;
        CHECK(vfa_choose_permits(&criteria), "%zu: no list", i);
        alias.permit = list;
        alias.n_permit = ARRAY_SIZE(list);
        CHECK(vfa_choose_permits(&criteria) == permits[i].permitted, "%zu", i);
    }
    reset();
}

/* ---- tags ---- */

static void test_tags(void)
{
    VFA_AUTO(vfa_tags_clear) struct vfa_tags want = {NULL, 0};
    struct vfa_criteria criteria = {.alias = &alias, .uuid = ""};

    reset();
    CHECK(vfa_choose_tags(&criteria, &spec) && vfa_choose_tags(&criteria, NULL), "nothing wanted");
    criteria.tags = &want;
    CHECK(vfa_choose_tags(&criteria, &spec) && vfa_choose_tags(&criteria, NULL), "an empty list");
    vfa_tags_set(&want, "physical_network", "physnet1", NULL);
    CHECK(vfa_choose_tags(&criteria, &spec), "the one wanted");
    CHECK(!vfa_choose_tags(&criteria, NULL), "no device_spec, no tags");
    vfa_tags_set(&want, "rack", "7", NULL);
    CHECK(!vfa_choose_tags(&criteria, &spec), "one that it does not have");
    vfa_tags_set(&spec.tags, "rack", "7", NULL);
    CHECK(vfa_choose_tags(&criteria, &spec), "both");
    vfa_tags_set(&want, "physical_network", "PHYSNET1", NULL);
    CHECK(!vfa_choose_tags(&criteria, &spec), "case counts");
}

/* ---- holders ---- */

static const struct {
    const char *label, *device, *key, *request;
    enum vfa_dev_type type; /* type of the judged device: VF0 or the PF */
    enum vfa_verdict drop;
} holders[] = {
    {"a request", VF0, VF0, "net-0", VFA_TYPE_VF, VFA_VERDICT_CLAIMED},
    {"its own XML", VF0, VF0, "static:0000:02:10.0", VFA_TYPE_VF, VFA_VERDICT_STATIC},
    {"a network", VF0, VF0, "port:" UUID, VFA_TYPE_VF, VFA_VERDICT_NETWORK},
    {"a request called static", VF0, VF0, "static", VFA_TYPE_VF, VFA_VERDICT_CLAIMED},
    {"its PF", PF, FAMILY, "card-0", VFA_TYPE_VF, VFA_VERDICT_PF_VF_CLAIMED},
    {"its PF, static", PF, FAMILY, "static:0000:01:00.0", VFA_TYPE_VF, VFA_VERDICT_PF_VF_CLAIMED},
    {"one of its VFs", VF0, FAMILY, "net-0", VFA_TYPE_PF, VFA_VERDICT_PF_VF_CLAIMED},
    {"another VF: the group", VF1, GROUP, "net-0", VFA_TYPE_VF, VFA_VERDICT_GROUP_TAKEN},
    {"another card: the group", "0000:09:00.0", GROUP, "x", VFA_TYPE_VF, VFA_VERDICT_GROUP_TAKEN},
    {"another card, of a PF", "0000:09:00.0", GROUP, "x", VFA_TYPE_PF, VFA_VERDICT_GROUP_TAKEN},
};

static void test_holders(void)
{
    const struct vfa_device pf = {.id = "0000:01:00.0", .type = VFA_TYPE_PF};

    for (size_t i = 0; i < ARRAY_SIZE(holders); i++) {
        const struct vfa_claim claim = {.device = (char *)holders[i].device,
                                        .request = (char *)holders[i].request};
        enum vfa_verdict drop =
            vfa_choose_holder(&claim, holders[i].key, holders[i].type == VFA_TYPE_PF ? &pf : &dev);

        CHECK(drop == holders[i].drop, "%s: %s", holders[i].label, vfa_verdict_name(drop));
    }
}

/* ---- the verdict ---- */

static void test_criteria(void)
{
    struct vfa_request request = {.numa_given = false, .numa = VFA_NUMA_SOCKET};
    struct vfa_domain domain = {.name = (char *)"db1", .uuid = UUID};
    const struct vfa_numa_place place = {{{1}}, {{3}}};
    struct vfa_criteria criteria;

    reset();
    alias.numa = VFA_NUMA_REQUIRED;
    vfa_criteria_make(&alias, NULL, NULL, &place, &criteria);
    CHECK(criteria.policy == VFA_NUMA_REQUIRED && !criteria.domain && !criteria.tags &&
              criteria.uuid[0] == '\0',
          "the alias alone");
    vfa_criteria_make(&alias, &request, &domain, &place, &criteria);
    CHECK(criteria.policy == VFA_NUMA_REQUIRED && criteria.tags == &request.tags,
          "the alias' policy");
    CHECK(strcmp(criteria.domain, "db1") == 0 && strcmp(criteria.uuid, UUID) == 0, "domain");
    CHECK(criteria.place.nodes.words[0] == 1 && criteria.place.nearby.words[0] == 3, "place");
    request.numa_given = true;
    vfa_criteria_make(&alias, &request, &domain, &place, &criteria);
    CHECK(criteria.policy == VFA_NUMA_SOCKET, "the request's policy");
}

/* Every filter excludes the device. The test removes the reasons one by one, in the order of the
 * verdicts, and expects the next verdict each time. */
static void test_order_of_reasons(void)
{
    VFA_AUTO(vfa_tags_clear) struct vfa_tags want = {NULL, 0};
    char *only[] = {(char *)"other"};
    struct vfa_claim claim = {.device = VF0, .request = (char *)"net-0"};
    struct vfa_facts facts = {.dev = &dev,
                              .spec = &spec,
                              .holder = &claim,
                              .key = VF0,
                              .quarantined = true,
                              .use = VFA_VERDICT_MISSING};
    struct vfa_criteria criteria = {.alias = &alias,
                                    .tags = &want,
                                    .domain = "db1",
                                    .uuid = UUID,
                                    .policy = VFA_NUMA_REQUIRED,
                                    .place = {{{2}}, {{2}}}};

    reset();
    vfa_tags_set(&want, "rack", "7", NULL);
    alias.permit = only;
    alias.n_permit = 1;
    choice.driver = (char *)"vfio-pci";
    dev.product = 1;
    CHECK(vfa_choose_judge(&criteria, &facts) == VFA_VERDICT_NOT_ALLOWED, "1");
    facts.claimable = true;
    CHECK(vfa_choose_judge(&criteria, &facts) == VFA_VERDICT_ALIAS, "2");
    dev.product = 0x10ca;
    CHECK(vfa_choose_judge(&criteria, &facts) == VFA_VERDICT_TAGS, "3");
    vfa_tags_set(&spec.tags, "rack", "7", NULL);
    CHECK(vfa_choose_judge(&criteria, &facts) == VFA_VERDICT_PERMIT, "4");
    alias.n_permit = 0;
    CHECK(vfa_choose_judge(&criteria, &facts) == VFA_VERDICT_CLAIMED, "5");
    facts.holder = NULL;
    CHECK(vfa_choose_judge(&criteria, &facts) == VFA_VERDICT_QUARANTINED, "6");
    facts.quarantined = false;
    CHECK(vfa_choose_judge(&criteria, &facts) == VFA_VERDICT_MISSING, "7");
    facts.use = VFA_VERDICT_NETDEV;
    CHECK(vfa_choose_judge(&criteria, &facts) == VFA_VERDICT_DRIVER, "8");
    choice.driver = NULL;
    CHECK(vfa_choose_judge(&criteria, &facts) == VFA_VERDICT_NETDEV, "9");
    facts.use = VFA_VERDICT_CANDIDATE;
    facts.group = VFA_VERDICT_GROUP;
    CHECK(vfa_choose_judge(&criteria, &facts) == VFA_VERDICT_GROUP, "10");
    facts.held = VFA_VERDICT_HELD;
    CHECK(vfa_choose_judge(&criteria, &facts) == VFA_VERDICT_GROUP, "10, before what comes next");
    facts.group = VFA_VERDICT_CANDIDATE;
    CHECK(vfa_choose_judge(&criteria, &facts) == VFA_VERDICT_HELD, "10b");
    facts.held = VFA_VERDICT_CANDIDATE;
    CHECK(vfa_choose_judge(&criteria, &facts) == VFA_VERDICT_NUMA, "11");
    dev.numa_node = 1;
    CHECK(vfa_choose_judge(&criteria, &facts) == VFA_VERDICT_CANDIDATE, "12");
}

static void test_driver(void)
{
    const struct vfa_criteria criteria = {.alias = &alias, .uuid = ""};
    struct vfa_facts facts = {.dev = &dev, .spec = &spec, .claimable = true};

    reset();
    choice.driver = (char *)"igbvf";
    CHECK(vfa_choose_judge(&criteria, &facts) == VFA_VERDICT_CANDIDATE, "bound to it");
    dev.driver = NULL;
    CHECK(vfa_choose_judge(&criteria, &facts) == VFA_VERDICT_DRIVER, "bound to none");
}

/* The kind of attach decides which findings count. */
static const struct {
    const char *label;
    enum vfa_attach_kind kind;
    bool netdev, pf_down, no_group;
    enum vfa_verdict drop;
} kinds[] = {
    {"hostdev", VFA_ATTACH_HOSTDEV, false, true, false, VFA_VERDICT_CANDIDATE},
    {"hostdev without a group", VFA_ATTACH_HOSTDEV, true, true, true, VFA_VERDICT_GROUP},
    {"interface", VFA_ATTACH_INTERFACE, false, false, false, VFA_VERDICT_CANDIDATE},
    {"interface, PF down", VFA_ATTACH_INTERFACE, true, true, true, VFA_VERDICT_PF_DOWN},
    {"interface without a group", VFA_ATTACH_INTERFACE, true, false, true, VFA_VERDICT_GROUP},
    {"macvtap", VFA_ATTACH_MACVTAP, true, false, true, VFA_VERDICT_CANDIDATE},
    {"macvtap without a netdev", VFA_ATTACH_MACVTAP, false, true, true, VFA_VERDICT_NO_NETDEV},
    {"macvtap, PF down", VFA_ATTACH_MACVTAP, true, true, true, VFA_VERDICT_PF_DOWN},
};

static void test_kinds(void)
{
    static char netdev[] = "enp1s0v0";

    reset();
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        const struct vfa_criteria criteria = {.alias = &alias, .uuid = "", .kind = kinds[i].kind};
        const struct vfa_facts facts = {
            .dev = &dev,
            .spec = &spec,
            .claimable = true,
            .pf = kinds[i].pf_down ? VFA_VERDICT_PF_DOWN : VFA_VERDICT_CANDIDATE,
            .group = kinds[i].no_group ? VFA_VERDICT_GROUP : VFA_VERDICT_CANDIDATE};

        dev.netdev = kinds[i].netdev ? netdev : NULL;
        CHECK(vfa_choose_judge(&criteria, &facts) == kinds[i].drop, "%s: %s", kinds[i].label,
              vfa_verdict_name(vfa_choose_judge(&criteria, &facts)));
    }
    dev.netdev = NULL;
}

/* A device that libvirt does not bind: the alias decides, else Nova's key of the device_spec. */
static const struct {
    const char *label;
    enum vfa_attach_kind kind;
    const char *alias, *spec; /* managed; NULL: not said */
    bool vfio;
    enum vfa_verdict drop;
} manageds[] = {
    {"nobody says", VFA_ATTACH_HOSTDEV, NULL, NULL, false, VFA_VERDICT_CANDIDATE},
    {"managed", VFA_ATTACH_HOSTDEV, "yes", NULL, false, VFA_VERDICT_CANDIDATE},
    {"not managed", VFA_ATTACH_HOSTDEV, "no", NULL, false, VFA_VERDICT_DRIVER},
    {"not managed, VFIO", VFA_ATTACH_HOSTDEV, "no", NULL, true, VFA_VERDICT_CANDIDATE},
    {"an interface", VFA_ATTACH_INTERFACE, "no", NULL, false, VFA_VERDICT_DRIVER},
    {"a macvtap", VFA_ATTACH_MACVTAP, "no", NULL, false, VFA_VERDICT_CANDIDATE},
    {"the spec", VFA_ATTACH_HOSTDEV, NULL, "false", false, VFA_VERDICT_DRIVER},
    {"the spec, VFIO", VFA_ATTACH_HOSTDEV, NULL, "false", true, VFA_VERDICT_CANDIDATE},
    {"the spec, managed", VFA_ATTACH_HOSTDEV, NULL, "true", false, VFA_VERDICT_CANDIDATE},
    {"the alias counts", VFA_ATTACH_HOSTDEV, "yes", "false", false, VFA_VERDICT_CANDIDATE},
    {"the alias counts", VFA_ATTACH_HOSTDEV, "no", "true", false, VFA_VERDICT_DRIVER},
};

static void test_managed(void)
{
    static char netdev[] = "enp1s0v0";

    reset();
    dev.netdev = netdev;
    for (size_t i = 0; i < ARRAY_SIZE(manageds); i++) {
        struct vfa_alias as_said = alias;
        struct vfa_spec spec_said = {.vendor = VFA_ID_ANY, .product = VFA_ID_ANY};
        const struct vfa_criteria criteria = {
            .alias = &as_said, .uuid = "", .kind = manageds[i].kind};
        const struct vfa_facts facts = {
            .dev = &dev, .spec = &spec_said, .claimable = true, .vfio = manageds[i].vfio};

        if (manageds[i].alias) {
            as_said.said[VFA_ALIAS_MANAGED].file = "x";
            as_said.managed = strcmp(manageds[i].alias, "yes") == 0;
        }
        if (manageds[i].spec)
            vfa_tags_set(&spec_said.tags, "managed", manageds[i].spec, NULL);
        CHECK(vfa_choose_judge(&criteria, &facts) == manageds[i].drop, "%s: %s", manageds[i].label,
              vfa_verdict_name(vfa_choose_judge(&criteria, &facts)));
        vfa_tags_clear(&spec_said.tags);
    }
    dev.netdev = NULL;
}

/* A macvtap is refused for a claim on the device, not for a claim on its IOMMU group. */
static void test_group_of_a_macvtap(void)
{
    static char netdev[] = "enp1s0v0";
    struct vfa_claim claim = {.device = VF1, .request = (char *)"net-0"};
    struct vfa_criteria criteria = {.alias = &alias, .uuid = ""};
    const struct vfa_facts facts = {
        .dev = &dev, .spec = &spec, .claimable = true, .holder = &claim, .key = GROUP};

    reset();
    dev.netdev = netdev;
    CHECK(vfa_choose_judge(&criteria, &facts) == VFA_VERDICT_GROUP_TAKEN, "a hostdev");
    criteria.kind = VFA_ATTACH_MACVTAP;
    CHECK(vfa_choose_judge(&criteria, &facts) == VFA_VERDICT_CANDIDATE, "a macvtap");
    claim.device = VF0;
    CHECK(vfa_choose_judge(&criteria, &facts) == VFA_VERDICT_CLAIMED, "the device itself");
    dev.netdev = NULL;
}

/* Without alias and domain, only the state of the device itself counts. */
static void test_anybody(void)
{
    const struct vfa_criteria anybody = {.uuid = ""};
    struct vfa_claim claim = {.device = PF, .request = (char *)"card-0"};
    struct vfa_facts facts = {.dev = &dev};

    reset();
    CHECK(vfa_choose_judge(&anybody, &facts) == VFA_VERDICT_NOT_ALLOWED, "not allowed");
    facts.claimable = true;
    CHECK(vfa_choose_judge(&anybody, &facts) == VFA_VERDICT_CANDIDATE, "free");
    facts.use = VFA_VERDICT_NETDEV;
    CHECK(vfa_choose_judge(&anybody, &facts) == VFA_VERDICT_NETDEV, "health");
    facts.quarantined = true;
    CHECK(vfa_choose_judge(&anybody, &facts) == VFA_VERDICT_QUARANTINED, "quarantine");
    facts.holder = &claim;
    facts.key = FAMILY;
    CHECK(vfa_choose_judge(&anybody, &facts) == VFA_VERDICT_PF_VF_CLAIMED, "holder");
}

static void test_near(void)
{
    struct vfa_criteria criteria = {.alias = &alias, .uuid = "", .policy = VFA_NUMA_SOCKET};

    CHECK(vfa_choose_near(&criteria, 7) && vfa_choose_near(&criteria, -1), "no place");
    vfa_bitset_add(&criteria.place.nodes, 0);
    vfa_bitset_add(&criteria.place.nearby, 1);
    CHECK(vfa_choose_near(&criteria, 0) && vfa_choose_near(&criteria, 1), "in some pass");
    CHECK(!vfa_choose_near(&criteria, 2) && !vfa_choose_near(&criteria, -1), "in none");
}

int main(void)
{
    test_names();
    test_permits();
    test_tags();
    test_holders();
    test_criteria();
    test_order_of_reasons();
    test_driver();
    test_kinds();
    test_managed();
    test_group_of_a_macvtap();
    test_anybody();
    test_near();
    vfa_tags_clear(&spec.tags);
    return check_result();
}
