/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The queries of domain/domain.h, on domains that are not read from XML. */

#include "base/common.h"
#include "base/error.h"
#include "device/vf-settings.h"
#include "spec/spec.h"
#include "domain/domain.h"
#include "check.h"

#include <errno.h>

static char net_0[] = "net-0", net_1[] = "net-1", gpu[] = "gpu";

static struct vfa_request requests[] = {{.name = net_0}, {.name = net_1}, {.name = gpu}};
static struct vfa_domdev devices[] = {{.request = NULL}, {.request = net_1}};

static void test_lookup(void)
{
    const struct vfa_domain domain = {
        .requests = requests, .n_requests = 3, .devices = devices, .n_devices = 2};
    const struct vfa_domain empty = {.name = NULL};

    CHECK(vfa_domain_request(&domain, "net-1") == &requests[1], "net-1");
    CHECK(!vfa_domain_request(&domain, "net"), "a part of a name");
    CHECK(!vfa_domain_request(&empty, "net-1"), "no requests");
    CHECK(vfa_domain_device(&domain, "net-1") == &devices[1], "net-1");
    CHECK(!vfa_domain_device(&domain, "net-0"), "a request without a device");
    CHECK(!vfa_domain_device(&empty, "net-0"), "no devices");
}

/* Ports by number. F: free, U: used. Lower case: f free, u used, with a label for net-0; g free,
 * with a label for another request. */
static const struct {
    const char *ports;
    int port;         /* index of the port for net-0; -1: any */
    unsigned missing; /* ports that net-0 and gpu lack; net-1 has a device */
} places[] = {
    {"", -1, 2},  {"F", -1, 1},  {"FF", -1, 0}, {"UF", -1, 1}, {"UU", -1, 2},
    {"f", 0, 1},  {"u", -1, 2},  {"Ff", 1, 0},  {"gF", 1, 1},  {"g", -1, 2},
    {"gf", 1, 1}, {"uF", -1, 1}, {"gUF", 2, 1}, {"gFF", 1, 0},
};

static size_t set_ports(const char *text, struct vfa_port *ports)
{
    static char other[] = "other";
    size_t n = strlen(text);

    for (size_t i = 0; i < n; i++)
        ports[i] = (struct vfa_port){.index = (unsigned)i,
                                     .used = text[i] == 'U' || text[i] == 'u',
                                     .label = strchr("fu", text[i]) ? net_0
                                              : text[i] == 'g'      ? other
                                                                    : NULL};
    return n;
}

static void test_ports(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        struct vfa_port ports[4];
        const struct vfa_domain domain = {.pcie = true,
                                          .free_slots = 99, /* counts on i440fx only */
                                          .requests = requests,
                                          .n_requests = 3,
                                          .devices = devices,
                                          .n_devices = 2,
                                          .ports = ports,
                                          .n_ports = set_ports(places[i].ports, ports)};
        const struct vfa_port *port = vfa_domain_port(&domain, "net-0");

        CHECK((port ? (int)port->index : -1) == places[i].port, "'%s': %d", places[i].ports,
              port ? (int)port->index : -1);
        CHECK(vfa_domain_missing_ports(&domain) == places[i].missing, "'%s': %u", places[i].ports,
              vfa_domain_missing_ports(&domain));
    }
}

static void test_slots(void)
{
    for (unsigned slots = 0; slots < 4; slots++) {
        const struct vfa_domain domain = {.free_slots = slots,
                                          .requests = requests,
                                          .n_requests = 3,
                                          .devices = devices,
                                          .n_devices = 2};
        unsigned missing = vfa_domain_missing_ports(&domain);

        CHECK(missing == (slots < 2 ? 2 - slots : 0), "%u slots: %u", slots, missing);
    }
}

static void test_names(void)
{
    static const char *const names[][2] = {
        {"net-0", "net"},   {"net-12", "net"},  {"net", "net"},       {"a-b-3", "a-b"},
        {"a-b", "a-b"},     {"net-", "net-"},   {"-1", "-1"},         {"net-1a", "net-1a"},
        {"net--1", "net-"}, {"net_1", "net_1"}, {"net-0-0", "net-0"}, {"0", "0"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        VFA_AUTO(vfa_freep) char *alias = vfa_domxml_alias_of_name(names[i][0]);

        CHECK(alias && strcmp(alias, names[i][1]) == 0, "%s: %s", names[i][0], alias);
    }
}

/* The kind of the element counts. An interface without type is a macvtap if the alias has this
 * kind. */
static void test_attach(void)
{
    static char text[] = "<interface/>";
    static const struct {
        struct vfa_request request;
        enum vfa_attach_kind alias, kind;
    } cases[] = {
        {{.name = NULL}, VFA_ATTACH_HOSTDEV, VFA_ATTACH_HOSTDEV},
        {{.name = NULL}, VFA_ATTACH_INTERFACE, VFA_ATTACH_INTERFACE},
        {{.name = NULL}, VFA_ATTACH_MACVTAP, VFA_ATTACH_MACVTAP},
        {{.template_xml = text}, VFA_ATTACH_HOSTDEV, VFA_ATTACH_INTERFACE},
        {{.template_xml = text}, VFA_ATTACH_MACVTAP, VFA_ATTACH_MACVTAP},
        {{.template_xml = text}, VFA_ATTACH_VDPA, VFA_ATTACH_VDPA},
        {{.template_xml = text}, VFA_ATTACH_MDEV, VFA_ATTACH_INTERFACE},
        {{.template_xml = text}, VFA_ATTACH_BRIDGE, VFA_ATTACH_BRIDGE},
        {{.template_xml = text, .attach_given = true, .attach = VFA_ATTACH_HOSTDEV},
         VFA_ATTACH_MACVTAP,
         VFA_ATTACH_HOSTDEV},
        {{.template_xml = text, .attach_given = true, .attach = VFA_ATTACH_MACVTAP},
         VFA_ATTACH_HOSTDEV,
         VFA_ATTACH_MACVTAP},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct vfa_alias alias = {.attach = cases[i].alias};
        enum vfa_attach_kind kind = vfa_request_attach(&cases[i].request, &alias);

        CHECK(kind == cases[i].kind, "%zu: %d", i, (int)kind);
    }
}

/* ---- what an alias allows ---- */

enum { PCI = 1u << VFA_TYPE_PCI | 1u << VFA_TYPE_VF };

static char alias_name[] = "a", text[] = "<interface/>", bridge[] = "br0";
#define ELEMENT(kind)      .template_xml = text, .attach_given = true, .attach = VFA_ATTACH_##kind
#define UNTYPED            .template_xml = text
#define SETTING(key, what) .settings = {.given = 1u << (key), .values = {[key] = (what)}}

static const struct vfa_alias of_vf = {.types = PCI, .attach = VFA_ATTACH_HOSTDEV},
                              of_vdpa = {.types = 1u << VFA_TYPE_VDPA, .attach = VFA_ATTACH_VDPA},
                              of_disk = {.types = 1u << VFA_TYPE_VDPA_BLOCK,
                                         .attach = VFA_ATTACH_VDPA_DISK},
                              of_mdev = {.types = 1u << VFA_TYPE_MDEV, .attach = VFA_ATTACH_MDEV},
                              of_bridge = {.attach = VFA_ATTACH_BRIDGE, .bridge = bridge},
                              of_others = {.attach = VFA_ATTACH_HOSTDEV};

static const struct {
    const char *label;
    struct vfa_request request;
    const struct vfa_alias *alias;
    const char *why; /* NULL: allowed */
    bool private;    /* the memory of the domain */
} checks[] = {
    {"none", {.name = NULL}, &of_vf, NULL, false},
    {"a VF as macvtap", {ELEMENT(MACVTAP)}, &of_vf, NULL, false},
    {"a VF as NIC", {UNTYPED, .vlan = true, .port_profile = true}, &of_vf, NULL, false},
    {"a VF as vDPA",
     {ELEMENT(VDPA)},
     &of_vf,
     "attached as vdpa, but alias 'a' attaches hostdev",
     false},
    {"a VF as bridge",
     {ELEMENT(BRIDGE)},
     &of_vf,
     "attached as bridge, but alias 'a' attaches hostdev",
     false},
    {"vDPA", {.name = NULL}, &of_vdpa, NULL, false},
    {"vDPA as NIC", {UNTYPED}, &of_vdpa, NULL, false},
    {"vDPA, typed", {ELEMENT(VDPA)}, &of_vdpa, NULL, false},
    {"vDPA as disk",
     {ELEMENT(VDPA_DISK)},
     &of_vdpa,
     "attached as vdpa-disk, but alias 'a' attaches vdpa",
     false},
    {"vDPA as VF",
     {ELEMENT(INTERFACE)},
     &of_vdpa,
     "attached as interface, but alias 'a' attaches vdpa",
     false},
    {"vDPA, VLAN",
     {UNTYPED, .vlan = true},
     &of_vdpa,
     "alias 'a' attaches vdpa, which cannot have a VLAN",
     false},
    {"vDPA, VLAN of settings",
     {SETTING(VFA_VF_VLAN, 42)},
     &of_vdpa,
     "which cannot have a VLAN",
     false},
    {"vDPA, no VLAN", {SETTING(VFA_VF_VLAN, 0)}, &of_vdpa, NULL, false},
    {"vDPA, port profile",
     {UNTYPED, .port_profile = true},
     &of_vdpa,
     "which cannot have a <virtualport>",
     false},
    {"disk", {.name = NULL}, &of_disk, NULL, false},
    {"disk, typed", {ELEMENT(VDPA_DISK)}, &of_disk, NULL, false},
    {"disk as NIC",
     {UNTYPED},
     &of_disk,
     "attached as interface, but alias 'a' attaches vdpa-disk",
     false},
    {"mdev", {.name = NULL}, &of_mdev, NULL, false},
    {"mdev as NIC",
     {UNTYPED},
     &of_mdev,
     "attached as interface, but alias 'a' attaches mdev",
     false},
    {"mdev as PCI device",
     {ELEMENT(HOSTDEV)},
     &of_mdev,
     "attached as hostdev, but alias 'a' attaches mdev",
     false},
    {"bridge", {UNTYPED, .vlan = true, .port_profile = true}, &of_bridge, NULL, false},
    {"bridge as vDPA",
     {ELEMENT(VDPA)},
     &of_bridge,
     "attached as vdpa, but alias 'a' attaches bridge",
     false},
    {"disk, private memory",
     {.name = NULL},
     &of_disk,
     "alias 'a' attaches vdpa-disk, which needs shared memory",
     true},
    {"vDPA, private memory", {.name = NULL}, &of_vdpa, NULL, true},
    {"judged later", {ELEMENT(VDPA)}, &of_others, NULL, false},
};

static void test_check(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        const struct vfa_domain domain = {.shared_memory = !checks[i].private};
        struct vfa_alias alias = *checks[i].alias;
        int r;

        alias.name = alias_name;
        r = vfa_request_check(&domain, &checks[i].request, &alias, &err);
        CHECK(checks[i].why ? r == -EINVAL && check_has(&err, checks[i].why) : r == 0, "%s: %d %s",
              checks[i].label, r, vfa_error_text(&err));
    }
}

static void test_free(void)
{
    struct vfa_domain *domain = calloc(1, sizeof(*domain));
    struct vfa_request request = {.name = strdup("net-0"), .optional = true};
    struct vfa_domdev dev = {.request = strdup("net-0")};

    CHECK(!vfa_domain_free(domain) && !vfa_domain_free(NULL), "an empty one, and none");
    vfa_request_clear(&request);
    CHECK(!request.name && !request.optional, "all of it");
    vfa_domdev_clear(&dev);
}

int main(void)
{
    test_lookup();
    test_ports();
    test_slots();
    test_names();
    test_attach();
    test_check();
    test_free();
    return check_result();
}
