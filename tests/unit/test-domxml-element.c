/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The element inside a request: how it is attached, for each content; and the element that `vfalias
 * request add` writes. */

#include "base/common.h"
#include "base/error.h"
#include "base/mac.h"
#include "device/device.h"
#include "device/vf-settings.h"
#include "spec/spec.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "check.h"
#include "domxml-case.h"

#include <errno.h>

#define SOURCE                                                                                     \
    "<source><address domain=\"0x0000\" bus=\"0x01\" slot=\"0x10\" function=\"0x2\"/></source>"
#define OUR_ALIAS  "<alias name=\"ua-vf-net-0\"/>"
#define ATTRIBUTES " mode=\"subsystem\" type=\"pci\""
#define MANAGED    " managed=\"yes\"" ATTRIBUTES

/* ---- from the domain's XML to the element that is attached ---- */

/* The element for the domain's first request; NULL, and *err, on an error. */
static char *made(const char *inner, enum vfa_attach_kind attach, const struct vfa_port *port,
                  struct vfa_error *err)
{
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    VFA_AUTO(vfa_freep) char *xml = NULL;
    char netdev[] = "enp1s0v1";
    const struct vfa_alias alias = {.attach = attach};
    const struct vfa_device device = {
        .id = "0000:01:10.2", .addr = {0, 1, 0x10, 2}, .netdev = netdev};
    char *made = NULL;

    if (asprintf(&xml, DOM("%s", ""), inner) < 0)
        abort();
    if (vfa_domxml_parse(xml, strlen(xml), &domain, err) < 0)
        return NULL;
    if (domain->bad_requests) {
        vfa_fail(err, EINVAL, "%s", domain->bad_requests);
        return NULL;
    }
    vfa_domxml_device(domain, &domain->requests[0], &alias, &device, true, port, &made, err);
    return made;
}

static const struct {
    const char *label;
    const char *inner; /* of <metadata> */
    const char *made;
} elements[] = {
    {"all that a hostdev can have",
     META("<vfalias:request alias='net'><vfalias:hostdev mode='subsystem' type='pci' managed='no'>"
          "<vfalias:driver name='vfio'/><vfalias:rom bar='off' file='/r.rom'/>"
          "<vfalias:boot order='1'/><vfalias:acpi index='7'/></vfalias:hostdev></vfalias:request>"),
     "<hostdev" ATTRIBUTES " managed=\"yes\"><driver name=\"vfio\"/><rom bar=\"off\" "
     "file=\"/r.rom\"/><boot order=\"1\"/><acpi index=\"7\"/>" SOURCE OUR_ALIAS "</hostdev>"},
    {"text and comments",
     META(
         "<vfalias:request alias='net'> here: <!-- > --><vfalias:hostdev> a&amp;b <!-- c --><?p q?>"
         "<![CDATA[<&]]></vfalias:hostdev></vfalias:request>"),
     "<hostdev" MANAGED "> a&amp;b <!-- c --><?p q?><![CDATA[<&]]>" SOURCE OUR_ALIAS "</hostdev>"},
    {"a source that says more than a device",
     META("<vfalias:request alias='net'><vfalias:hostdev><vfalias:source writeFiltering='no'>text"
          "<vfalias:address domain='0' bus='9' slot='0' function='0'/><vfalias:more/>"
          "</vfalias:source></vfalias:hostdev></vfalias:request>"),
     "<hostdev" MANAGED "><source writeFiltering=\"no\">text<more/><address domain=\"0x0000\" "
     "bus=\"0x01\" slot=\"0x10\" function=\"0x2\"/></source>" OUR_ALIAS "</hostdev>"},
    {"an alias of its own",
     META("<vfalias:request alias='net'><vfalias:hostdev><vfalias:alias name='ua-mine'/>"
          "</vfalias:hostdev></vfalias:request>"),
     "<hostdev" MANAGED ">" SOURCE OUR_ALIAS "</hostdev>"},
    {"a guest address",
     META("<vfalias:request alias='net'><vfalias:hostdev><vfalias:address type='pci' bus='5' "
          "slot='0' multifunction='on'/></vfalias:hostdev></vfalias:request>"),
     "<hostdev" MANAGED
     "><address type=\"pci\" bus=\"5\" slot=\"0\" multifunction=\"on\"/>" SOURCE OUR_ALIAS
     "</hostdev>"},
    {"our namespace as the default one",
     "<metadata><requests xmlns='urn:vfalias:1'><request alias='net'><hostdev><rom bar='on'/>"
     "</hostdev></request></requests></metadata>",
     "<hostdev" MANAGED "><rom bar=\"on\"/>" SOURCE OUR_ALIAS "</hostdev>"},
    {"two prefixes for our namespace",
     META("<v:request xmlns:v='urn:vfalias:1' alias='net'><v:hostdev><vfalias:rom bar='on'/>"
          "</v:hostdev></v:request>"),
     "<hostdev" MANAGED "><rom bar=\"on\"/>" SOURCE OUR_ALIAS "</hostdev>"},
    {"another namespace, and our prefix inside it",
     META("<vfalias:request alias='net'><vfalias:hostdev xmlns:x='urn:x' x:a='1'><x:rom bar='on'>"
          "<vfalias:b/></x:rom><vfalias:rom bar='off'/></vfalias:hostdev></vfalias:request>"),
     "<hostdev xmlns:x=\"urn:x\" x:a=\"1\"" MANAGED "><x:rom bar=\"on\"><b/></x:rom><rom "
     "bar=\"off\"/>" SOURCE OUR_ALIAS "</hostdev>"},
    {"attributes with our prefix",
     META("<vfalias:request alias='net'><vfalias:hostdev><vfalias:rom vfalias:bar='off' "
          "vfalias:file='/x' file='/y'/></vfalias:hostdev></vfalias:request>"),
     "<hostdev" MANAGED "><rom bar=\"off\" file=\"/y\"/>" SOURCE OUR_ALIAS "</hostdev>"},
};

static void test_elements(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(elements); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        VFA_AUTO(vfa_freep)
        char *xml = made(elements[i].inner, VFA_ATTACH_HOSTDEV, NULL, &err);

        CHECK(xml && strcmp(xml, elements[i].made) == 0, "%s: %s", elements[i].label,
              xml ? xml : vfa_error_text(&err));
    }
}

/* A port with the label of this request replaces the guest address. Another free port does not. */
static void test_guest_address(void)
{
    static const char inner[] =
        META("<vfalias:request alias='net'><vfalias:hostdev><vfalias:address type='pci' bus='5' "
             "slot='0'/></vfalias:hostdev></vfalias:request>");
    char label[] = "net-0";
    const struct vfa_port labelled = {.index = 11, .label = label}, free_one = {.index = 11};
    VFA_AUTO(vfa_freep) char *moved = made(inner, VFA_ATTACH_HOSTDEV, &labelled, NULL);
    VFA_AUTO(vfa_freep) char *kept = made(inner, VFA_ATTACH_HOSTDEV, &free_one, NULL);

    CHECK(moved && strstr(moved, "bus=\"0x0b\"") && !strstr(moved, "bus=\"5\""), "%s", moved);
    CHECK(kept && strstr(kept, "<address type=\"pci\" bus=\"5\" slot=\"0\"/>") &&
              !strstr(kept, "0x0b"),
          "%s", kept);
}

/* ---- the summary ---- */

static void test_summarize(void)
{
    static const struct {
        const char *inner;
        enum vfa_attach_kind attach;
        const char *element, *mac;
        unsigned vlan;
    } cases[] = {
        {"", VFA_ATTACH_HOSTDEV, "hostdev", "", 0},
        {"<vfalias:hostdev/>", VFA_ATTACH_MACVTAP, "hostdev", "", 0},
        {"", VFA_ATTACH_INTERFACE, "interface", "56:28:97:62:63:48", 7},
        {"", VFA_ATTACH_MACVTAP, "interface", "56:28:97:62:63:48", 7},
        {"", VFA_ATTACH_VDPA_DISK, "disk", "", 0},
        {"", VFA_ATTACH_MDEV, "hostdev", "", 0},
        {"<vfalias:disk/>", VFA_ATTACH_VDPA_DISK, "disk", "", 0},
        {"<vfalias:interface><vfalias:mac address='52:54:00:01:02:03'/><vfalias:vlan><vfalias:tag "
         "id='0x2a'/><vfalias:tag id='43'/></vfalias:vlan></vfalias:interface>",
         VFA_ATTACH_HOSTDEV, "interface", "52:54:00:01:02:03", 42},
        {"<vfalias:interface><vfalias:mac address='a very long address indeed'/><vfalias:vlan/>"
         "</vfalias:interface>",
         VFA_ATTACH_HOSTDEV, "interface", "a very long addre", 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct vfa_alias alias = {
            .attach = cases[i].attach,
            .settings = {.given = 1u << VFA_VF_VLAN, .values = {[VFA_VF_VLAN] = 7}}};
        VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
        VFA_AUTO(vfa_freep) char *xml = NULL;
        struct vfa_element_summary summary = {0};

        if (asprintf(&xml, DOM(META("<vfalias:request alias='net'>%s</vfalias:request>"), ""),
                     cases[i].inner) < 0 ||
            vfa_domxml_parse(xml, strlen(xml), &domain, NULL) < 0 || domain->n_requests != 1)
            abort();
        CHECK(vfa_domxml_summarize(domain, &domain->requests[0], &alias, &summary, NULL) == 0,
              "%zu", i);
        CHECK(strcmp(summary.element, cases[i].element) == 0 && summary.vlan == cases[i].vlan &&
                  strcmp(summary.mac, cases[i].mac) == 0,
              "%zu: %s %u %s", i, summary.element, summary.vlan, summary.mac);
    }
}

/* ---- written by `vfalias request add`, and read again ---- */

static void test_written(void)
{
    static const struct {
        struct vfa_request_interface interface;
        const char *want; /* inside the request */
    } cases[] = {
        {{.kind = VFA_ATTACH_INTERFACE}, "<interface type=\"hostdev\"/>"},
        {{.kind = VFA_ATTACH_INTERFACE, .mac = "52:54:00:01:02:03", .vlan = 42},
         "<interface type=\"hostdev\"><mac address=\"52:54:00:01:02:03\"/><vlan><tag id=\"42\"/>"
         "</vlan></interface>"},
        {{.kind = VFA_ATTACH_MACVTAP, .profileid = "a<b>&\"c\""},
         "<interface type=\"direct\"><virtualport type=\"802.1Qbh\"><parameters "
         "profileid=\"a&lt;b&gt;&amp;&quot;c&quot;\"/></virtualport></interface>"},
        {{.kind = VFA_ATTACH_VDPA}, "<interface type=\"vdpa\"/>"},
        {{.kind = VFA_ATTACH_BRIDGE, .vlan = 42},
         "<interface type=\"bridge\"><vlan><tag id=\"42\"/></vlan></interface>"},
        {{.kind = VFA_ATTACH_KINDS}, "<interface/>"},
        {{.kind = VFA_ATTACH_INTERFACE, .persistent = "ua-b"},
         "<interface type=\"hostdev\"><teaming type=\"transient\" persistent=\"ua-b\"/>"
         "</interface>"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct vfa_request_options options = {.count = 1, .interface = &cases[i].interface};
        VFA_AUTO(vfa_freep) char *got = NULL;
        VFA_AUTO(vfa_freep) char *want = NULL;

        if (asprintf(&want, "<requests><request alias=\"net\">%s</request></requests>",
                     cases[i].want) < 0)
            abort();
        CHECK(vfa_domxml_requests_add(NULL, "net", &options, &got, NULL) == 0 &&
                  strcmp(got, want) == 0,
              "%zu: %s", i, got);
    }
}

static void test_written_settings(void)
{
    static const struct vfa_request_interface interface = {.kind = VFA_ATTACH_INTERFACE};
    struct vfa_vf_settings settings = {0};
    const struct vfa_request_options options = {
        .count = 1, .interface = &interface, .settings = &settings};
    VFA_AUTO(vfa_freep) char *none = NULL;
    VFA_AUTO(vfa_freep) char *some = NULL;

    CHECK(vfa_domxml_requests_add(NULL, "net", &options, &none, NULL) == 0 &&
              !strstr(none, "settings"),
          "%s", none);
    vfa_vf_settings_put(&settings, VFA_VF_TRUST, 1);
    vfa_vf_settings_put(&settings, VFA_VF_LINK_STATE, 2);
    vfa_vf_settings_put(&settings, VFA_VF_MAX_TX_RATE, 1000);
    CHECK(vfa_domxml_requests_add(NULL, "net", &options, &some, NULL) == 0 &&
              strcmp(some,
                     "<requests><request alias=\"net\"><interface type=\"hostdev\"/><settings "
                     "trust=\"yes\" link_state=\"disable\" max_tx_rate=\"1000\"/></request>"
                     "</requests>") == 0,
          "%s", some);
}

/* All elements are in the namespace of <requests>. */
static void test_written_in_a_namespace(void)
{
    static const char before[] = "<v:requests xmlns:v='urn:vfalias:1'/>";
    const struct vfa_request_interface interface = {.kind = VFA_ATTACH_INTERFACE, .vlan = 42};
    const struct vfa_request_options options = {.count = 1, .interface = &interface};
    VFA_AUTO(vfa_freep) char *got = NULL;

    CHECK(vfa_domxml_requests_add(before, "net", &options, &got, NULL) == 0, "add");
    CHECK(got && strcmp(got, "<v:requests xmlns:v=\"urn:vfalias:1\"><v:request alias=\"net\">"
                             "<v:interface type=\"hostdev\"><v:vlan><v:tag id=\"42\"/></v:vlan>"
                             "</v:interface></v:request></v:requests>") == 0,
          "%s", got);
}

/* ---- the persistent interface of a teaming pair ---- */

#define NET(alias, inner)                                                                          \
    "<interface type='network'><mac address='52:54:00:0A:02:03'/><alias name='" alias "'/>" inner  \
    "</interface>"
#define VIRTIO "<model type='virtio'/>"
#define PAIRS  "<teaming type='persistent'/>"

static void test_persistent(void)
{
    static const struct {
        const char *alias, *devices;
        const char *error; /* NULL: no error */
    } cases[] = {
        {"ua-b", NET("ua-a", VIRTIO) NET("ua-b", VIRTIO PAIRS), NULL},
        {"net0", NET("net0", VIRTIO PAIRS), "'net0' is not a user alias"},
        {"ua-b", NET("ua-a", VIRTIO PAIRS), "no interface 'ua-b' to team up with"},
        {"ua-b", "<disk><alias name='ua-b'/></disk>", "no interface 'ua-b' to team up with"},
        {"ua-b", NET("ua-b", VIRTIO), "'ua-b' has no <teaming type='persistent'/>"},
        {"ua-b", NET("ua-b", VIRTIO "<teaming type='transient' persistent='ua-c'/>"),
         "'ua-b' has no <teaming type='persistent'/>"},
        {"ua-b", NET("ua-b", "<model type='e1000e'/>" PAIRS), "'ua-b' is not of model virtio"},
        {"ua-b", "<interface><alias name='ua-b'/>" VIRTIO PAIRS "</interface>",
         "'' is not a MAC address"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        VFA_AUTO(vfa_freep) char *xml = NULL;
        char mac[VFA_MAC_SIZE] = "";
        int r;

        if (asprintf(&xml, DOM("", "%s"), cases[i].devices) < 0)
            abort();
        r = vfa_domxml_persistent_mac(xml, strlen(xml), cases[i].alias, mac, &err);
        if (cases[i].error)
            CHECK(r == -EINVAL && check_has(&err, cases[i].error), "%zu: %d %s", i, r,
                  vfa_error_text(&err));
        else
            CHECK(r == 0 && strcmp(mac, "52:54:00:0a:02:03") == 0, "%zu: %s", i, mac);
    }
}

int main(void)
{
    test_elements();
    test_guest_address();
    test_summarize();
    test_written();
    test_written_settings();
    test_written_in_a_namespace();
    test_persistent();
    return check_result();
}
