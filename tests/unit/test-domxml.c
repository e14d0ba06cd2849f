/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests, devices and ports read from domain XML; elements and ports written into it. */

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "base/tags.h"
#include "device/vf-settings.h"
#include "spec/spec.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "check.h"
#include "domxml-case.h"

#include <errno.h>
#include <limits.h>

/* ---- requests ---- */

static const struct {
    const char *label;
    const char *inner;
    const char *names; /* "name=alias?" per request; NULL: error */
    const char *error;
} requests[] = {
    {"one", "<vfalias:request alias='qat'/>", "qat-0=qat ", NULL},
    {"count", "<vfalias:request alias='qat' count='2'/>", "qat-0=qat qat-1=qat ", NULL},
    {"two of an alias", "<vfalias:request alias='q'/><vfalias:request alias='q'/>", "q-0=q q-1=q ",
     NULL},
    {"name", "<vfalias:request alias='net' name='dp0'/>", "dp0=net ", NULL},
    {"name and count", "<vfalias:request alias='net' name='dp' count='2'/>", "dp-0=net dp-1=net ",
     NULL},
    {"named first", "<vfalias:request alias='q'/><vfalias:request alias='q' name='q-0'/>",
     "q-1=q q-0=q ", NULL},
    {"optional", "<vfalias:request alias='q' optional='yes'/>", "q-0=q? ", NULL},
    {"not optional", "<vfalias:request alias='q' optional='no'/>", "q-0=q ", NULL},
    {"none", "", "", NULL},
    {"comment", "<!-- x --><vfalias:request alias='q'/>", "q-0=q ", NULL},
    {"any name with a name", "<vfalias:request alias='a b' name='x'/>", "x=a b ", NULL},
    {"twice", "<vfalias:request alias='q' name='x'/><vfalias:request alias='q' name='x'/>", NULL,
     "request 'x' is there twice"},
    {"no alias", "<vfalias:request name='x'/>", NULL, "without an alias"},
    {"empty alias", "<vfalias:request alias=''/>", NULL, "without an alias"},
    {"count 0", "<vfalias:request alias='q' count='0'/>", NULL,
     "count '0' is not in 1 to 256 (alias 'q')"},
    {"count 10000", "<vfalias:request alias='q' count='10000'/>", NULL, "count '10000'"},
    {"count -1", "<vfalias:request alias='q' count='-1'/>", NULL, "count '-1'"},
    {"count x", "<vfalias:request alias='q' count='2x'/>", NULL, "count '2x'"},
    {"late and not optional", "<vfalias:request alias='q' late='yes'/>", NULL,
     "late is for optional"},
    {"hold maybe", "<vfalias:request alias='q' hold='maybe'/>", NULL,
     "hold 'maybe' is neither yes nor no (alias 'q')"},
    {"numa", "<vfalias:request alias='q' numa='near'/>", NULL, "numa 'near' is none of required"},
    {"unknown element", "<vfalias:wish alias='q'/>", NULL, "unknown element 'wish'"},
    {"optional maybe", "<vfalias:request alias='q' optional='maybe'/>", NULL, "neither yes nor no"},
    {"bad name", "<vfalias:request alias='q' name='a.b'/>", NULL,
     "name 'a.b' has other characters"},
    {"alias that is no name", "<vfalias:request alias='a b'/>", NULL,
     "alias 'a b' has other characters than A-Za-z0-9_-: give the request a name, or ask by the xml_name"},
    {"template of another kind", "<vfalias:request alias='q'><vfalias:tpm/></vfalias:request>",
     NULL, "<tpm> inside"},
    {"two templates",
     "<vfalias:request alias='q'><vfalias:hostdev/><vfalias:hostdev/></vfalias:request>", NULL,
     "two elements"},
    {"settings",
     "<vfalias:request alias='q'><vfalias:settings trust='yes' vlan='7'/></vfalias:request>",
     "q-0=q trust=yes vlan=7 ", NULL},
    {"settings and template",
     "<vfalias:request alias='q' count='2'><vfalias:hostdev/><vfalias:settings mtu='9000'/>"
     "</vfalias:request>",
     "q-0=q mtu=9000 q-1=q mtu=9000 ", NULL},
    {"settings that the alias may complete",
     "<vfalias:request alias='q'><vfalias:settings vlan_qos='3'/></vfalias:request>",
     "q-0=q vlan_qos=3 ", NULL},
    {"a setting that is none",
     "<vfalias:request alias='q'><vfalias:settings mac='x'/></vfalias:request>", NULL,
     "cannot read requests: settings: there is no setting 'mac' (alias 'q')"},
    {"a bad value", "<vfalias:request alias='q'><vfalias:settings trust='on'/></vfalias:request>",
     NULL, "cannot read requests: settings: trust 'on': it is none of no, yes (alias 'q')"},
    {"no setting", "<vfalias:request alias='q'><vfalias:settings/></vfalias:request>", NULL,
     "settings: nothing is set (alias 'q')"},
    {"settings with something inside",
     "<vfalias:request alias='q'><vfalias:settings mtu='9000'><vfalias:vlan/></vfalias:settings>"
     "</vfalias:request>",
     NULL, "settings: it has elements inside (alias 'q')"},
    {"two settings",
     "<vfalias:request alias='q'><vfalias:settings mtu='9000'/><vfalias:settings mtu='9000'/>"
     "</vfalias:request>",
     NULL, "two <settings> inside a request of alias 'q'"},
};

static void render(const struct vfa_domain *domain, char *buf, size_t size)
{
    size_t used = 0;

    buf[0] = '\0';
    for (size_t i = 0; i < domain->n_requests && used < size; i++) {
        const struct vfa_request *request = &domain->requests[i];
        char settings[VFA_VF_SETTINGS_SIZE];

        vfa_vf_settings_format(&request->settings, settings);
        used +=
            (size_t)snprintf(buf + used, size - used, "%s=%s%s %s%s", request->name, request->alias,
                             request->optional ? "?" : "", settings, *settings ? " " : "");
    }
}

static void test_requests(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
        VFA_AUTO(vfa_freep) char *xml = NULL;
        char got[512] = "";
        int r;

        if (asprintf(&xml, "%s%s%s%s",
                     HEAD "<metadata><vfalias:requests xmlns:vfalias='" VFA_NS "'>",
                     requests[i].inner, "</vfalias:requests></metadata>", "</domain>") < 0)
            abort();
        r = vfa_domxml_parse(xml, strlen(xml), &domain, &err);
        if (domain)
            render(domain, got, sizeof(got));
        if (requests[i].error)
            CHECK(r == 0 && domain->bad_requests && domain->n_requests == 0 &&
                      strstr(domain->bad_requests, requests[i].error),
                  "%s: %d %s", requests[i].label, r, domain ? domain->bad_requests : "");
        else
            CHECK(r == 0 && strcmp(got, requests[i].names) == 0, "%s: %d '%s'", requests[i].label,
                  r, got);
    }
}

/* ---- documents that are refused ---- */

static const struct {
    const char *xml;
    const char *error;
} documents[] = {
    {"", "cannot read domain XML"},
    {"hello", "cannot read domain XML: line 1"},
    {"<domain>", "line 1"},
    {"<domain/>", "no <name>"},
    {"<domain><name/></domain>", "no <name>"},
    {"<network><name>n</name></network>", "'network', not 'domain'"},
    {"<domain><name>d</name><uuid>nope</uuid></domain>", "'nope' is no UUID"},
    {"<!DOCTYPE d [<!ENTITY a 'b'>]><domain><name>&a;</name></domain>", "document type"},
};

static void test_documents(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(documents); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
        int r = vfa_domxml_parse(documents[i].xml, strlen(documents[i].xml), &domain, &err);

        CHECK(r == -EINVAL && !domain && check_has(&err, documents[i].error), "%zu: %d %s", i, r,
              vfa_error_text(&err));
    }
}

static void test_size_limit(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    VFA_AUTO(vfa_freep) char *xml = malloc(VFA_DOMXML_MAX + 1);

    if (!xml)
        abort();
    memset(xml, ' ', VFA_DOMXML_MAX + 1);
    CHECK(vfa_domxml_parse(xml, VFA_DOMXML_MAX + 1, &domain, &err) == -EINVAL, "%s", "size");
    CHECK(check_has(&err, "larger than"), "%s", vfa_error_text(&err));
}

/* ---- devices ---- */

static void test_devices(void)
{
    static const char xml[] = DOM(
        "",
        "<hostdev mode='subsystem' type='pci'><source><address domain='0x0000' bus='0x01' slot='0x10' "
        "function='0x2'/></source><alias name='ua-vf-net-0'/></hostdev>"
        "<hostdev mode='subsystem' type='pci'><source><address bus='3' slot='0' function='1'/></source>"
        "</hostdev>"
        "<hostdev mode='subsystem' type='usb'><source/></hostdev>"
        "<interface type='hostdev'><source><address type='pci' domain='0xffff' bus='0xff' slot='0x1f' "
        "function='7'/></source><alias name='ua-vf-dp'/></interface>"
        "<interface type='network'><source network='x'/></interface>");
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    const struct vfa_domdev *dev;

    CHECK(vfa_domxml_parse(xml, strlen(xml), &domain, NULL) == 0, "parse");
    CHECK(domain->n_devices == 3, "%zu", domain->n_devices);
    CHECK(strcmp(domain->uuid, UUID) == 0, "%s", domain->uuid);
    dev = vfa_domain_device(domain, "net-0");
    CHECK(dev && dev->source && dev->kind == VFA_ATTACH_HOSTDEV, "net-0");
    CHECK(dev && strcmp(dev->source, "0000:01:10.2") == 0, "%s", dev ? dev->source : "none");
    CHECK(!domain->devices[1].request && domain->devices[1].source, "static");
    CHECK(strcmp(domain->devices[1].source, "0000:03:00.1") == 0, "%s", domain->devices[1].source);
    dev = vfa_domain_device(domain, "dp");
    CHECK(dev && !dev->source && dev->kind == VFA_ATTACH_INTERFACE, "placeholder");
}

/* ---- ports ---- */

static const struct {
    const char *label;
    const char *xml;
    unsigned missing;
    int port; /* index of the port for request q-0; -1: any */
} ports[] = {
    {"no request", DOM("", ROOT), 0, -1},
    {"none free", DOM(META("<vfalias:request alias='q'/>"), ROOT), 1, -1},
    {"one free", DOM(META("<vfalias:request alias='q'/>"), ROOT PORT(1)), 0, -1},
    {"used", DOM(META("<vfalias:request alias='q'/>"), ROOT PORT(1) ON("0x01")), 1, -1},
    {"two wanted", DOM(META("<vfalias:request alias='q' count='3'/>"), ROOT PORT(1)), 2, -1},
    {"label", DOM(META("<vfalias:request alias='q'/>"), ROOT PORT(1) SLOT(2, "q-0")), 0, 2},
    {"label used", DOM(META("<vfalias:request alias='q'/>"), ROOT SLOT(2, "q-0") ON("2")), 1, -1},
    {"spares a label", DOM(META("<vfalias:request alias='q'/>"), ROOT SLOT(1, "x-0") PORT(2)), 0,
     2},
    {"label alone asks", DOM("", ROOT SLOT(2, "q-0")), 0, 2},
    {"hotplug off",
     DOM(META("<vfalias:request alias='q'/>"),
         ROOT "<controller type='pci' index='1' model='pcie-root-port'><target hotplug='off'/>"
              "</controller>"),
     1, -1},
    {"i440fx",
     DOM(META("<vfalias:request alias='q'/>"),
         "<controller type='pci' index='0' model='pci-root'/>"),
     0, -1},
    {"no topology", DOM(META("<vfalias:request alias='q' count='9'/>"), ""), 0, -1},
    {"device there",
     DOM(META("<vfalias:request alias='q'/>"),
         ROOT "<hostdev mode='subsystem' type='pci'><source><address bus='1' slot='0' "
              "function='0'/></source><alias name='ua-vf-q-0'/></hostdev>"),
     0, -1},
};

static void test_ports(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
        const struct vfa_port *port;

        if (vfa_domxml_parse(ports[i].xml, strlen(ports[i].xml), &domain, &err) < 0) {
            CHECK(false, "%s: %s", ports[i].label, vfa_error_text(&err));
            continue;
        }
        CHECK(vfa_domain_missing_ports(domain) == ports[i].missing, "%s: %u", ports[i].label,
              vfa_domain_missing_ports(domain));
        port = vfa_domain_port(domain, "q-0");
        CHECK((port ? (int)port->index : -1) == ports[i].port, "%s: %d", ports[i].label,
              port ? (int)port->index : -1);
    }
}

static void test_labelled_request(void)
{
    static const char xml[] = DOM("", ROOT SLOT(1, "gpu") SLOT(2, "a-b-12") SLOT(3, "bad.name"));
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    char got[128];

    CHECK(vfa_domxml_parse(xml, strlen(xml), &domain, NULL) == 0, "parse");
    render(domain, got, sizeof(got));
    CHECK(strcmp(got, "gpu=gpu a-b-12=a-b ") == 0, "%s", got);
    CHECK(domain->requests[0].from_port, "from_port");
}

static void test_slots(void)
{
    static const char empty[] = DOM("", "<controller type='pci' index='0' model='pci-root'/>");
    static const char bridge[] = DOM(
        "",
        "<controller type='pci' index='0' model='pci-root'/>"
        "<controller type='pci' index='1' model='pci-bridge'><address type='pci' bus='0' slot='4'/>"
        "</controller><video><address type='pci' bus='0' slot='2'/></video>");
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *a = NULL;
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *b = NULL;

    CHECK(vfa_domxml_parse(empty, strlen(empty), &a, NULL) == 0, "parse");
    CHECK(vfa_domxml_parse(bridge, strlen(bridge), &b, NULL) == 0, "parse");
    CHECK(a->free_slots == 30, "%u", a->free_slots);
    CHECK(b->free_slots == 28 + 31, "%u", b->free_slots);
}

static void test_add_ports(void)
{
    static const char xml[] = DOM(META("<vfalias:request alias='q' count='2'/>"),
                                  ROOT PORT(3) ON("3") "<x:odd xmlns:x='urn:x' a='&lt;'>t</x:odd>");
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    VFA_AUTO(vfa_freep) char *more = NULL;
    VFA_AUTO(vfa_freep) char *labelled = NULL;
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    static const char pc[] = DOM("", "<controller type='pci' index='0' model='pci-root'/>");

    CHECK(vfa_domxml_add_ports(xml, strlen(xml), 2, &more, NULL) == 0, "add");
    CHECK(strstr(more, "<x:odd xmlns:x=\"urn:x\" a=\"&lt;\">t</x:odd>"), "%s", more);
    CHECK(vfa_domxml_parse(more, strlen(more), &domain, NULL) == 0, "parse");
    CHECK(vfa_domain_missing_ports(domain) == 0, "%u", vfa_domain_missing_ports(domain));
    CHECK(domain->max_controller == 5, "%u", domain->max_controller);
    CHECK(vfa_domxml_add_labelled_port(xml, strlen(xml), "q-1", &labelled, NULL) == 0, "label");
    CHECK(strstr(labelled, "<alias name=\"ua-slot-q-1\"/>"), "%s", labelled);
    CHECK(vfa_domxml_add_ports(pc, strlen(pc), 1, &labelled, &err) == -ENOTSUP, "pc");
}

static void test_remove_label(void)
{
    static const char xml[] = DOM("", ROOT SLOT(1, "q-1") SLOT(2, "q-11"));
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    VFA_AUTO(vfa_freep) char *less = NULL;
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;

    CHECK(vfa_domxml_remove_label(xml, strlen(xml), "q-1", &less, NULL) == 0, "remove");
    CHECK(vfa_domxml_parse(less, strlen(less), &domain, NULL) == 0, "parse");
    CHECK(domain->n_ports == 2 && !domain->ports[0].label, "the port stays");
    CHECK(domain->n_requests == 1 && strcmp(domain->requests[0].name, "q-11") == 0, "%s", less);
    CHECK(vfa_domxml_remove_label(xml, strlen(xml), "q", &less, &err) == -ENOENT, "none");
}

/* ---- device elements ---- */

static void test_template(void)
{
    static const char xml[] =
        DOM(META("<vfalias:request alias='net'><vfalias:interface type='hostdev'><vfalias:mac "
                 "address='52:54:00:01:02:03'/><vfalias:vlan><vfalias:tag id='42'/></vfalias:vlan>"
                 "</vfalias:interface></vfalias:request>"),
            "");
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;

    CHECK(vfa_domxml_parse(xml, strlen(xml), &domain, NULL) == 0, "parse");
    CHECK(strcmp(domain->requests[0].template_xml,
                 "<interface type=\"hostdev\"><mac address=\"52:54:00:01:02:03\"/><vlan><tag "
                 "id=\"42\"/></vlan></interface>") == 0,
          "%s", domain->requests[0].template_xml);
}

/* The namespace of vfalias, declared at the top or inside: no use of the namespace is left, and no
 * declaration is freed too early (AddressSanitizer finds that). */
static void test_template_declarations(void)
{
    static const char xml[] = DOM(META("<vfalias:request alias='a'><vfalias:hostdev><vfalias:rom "
                                       "xmlns:vfalias='urn:vfalias:1' bar='off'/><x:a "
                                       "xmlns:x='u'/></vfalias:hostdev></vfalias:request>"),
                                  "");
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;

    CHECK(vfa_domxml_parse(xml, strlen(xml), &domain, NULL) == 0, "parse");
    CHECK(strcmp(domain->requests[0].template_xml,
                 "<hostdev><rom bar=\"off\"/><x:a xmlns:x=\"u\"/></hostdev>") == 0,
          "%s", domain->requests[0].template_xml);
}

/* ---- editing ---- */

static const struct {
    const char *label;
    const char *before; /* NULL: no element */
    const char *what;
    const char *after; /* NULL: no request is left; "!": error */
} removals[] = {
    {"the only one", "<requests><request alias='q'/></requests>", "q-0", NULL},
    {"by alias", "<requests><request alias='q' count='2'/><request alias='r'/></requests>", "q",
     "<requests><request alias=\"r\"/></requests>"},
    {"one of a count", "<requests><request alias='q' count='3'/></requests>", "q-1",
     "<requests><request alias=\"q\" name=\"q-0\"/><request alias=\"q\" name=\"q-2\"/></requests>"},
    {"the first keeps the second's name",
     "<requests><request alias='q'/><request alias='q'/></requests>", "q-0",
     "<requests><request alias=\"q\" name=\"q-1\"/></requests>"},
    {"not there", "<requests><request alias='q'/></requests>", "x", "!"},
    {"nothing there", NULL, "q", "!"},
    {"not requests", "<other/>", "q", "!"},
};

static void test_remove(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(removals); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        VFA_AUTO(vfa_freep) char *after = NULL;
        const char *want = removals[i].after;
        int r = vfa_domxml_requests_remove(removals[i].before, removals[i].what, &after, &err);

        if (want && strcmp(want, "!") == 0)
            CHECK(r < 0, "%s: %d", removals[i].label, r);
        else
            CHECK(r == 0 && !after == !want && (!want || strcmp(after, want) == 0), "%s: %d %s",
                  removals[i].label, r, after);
    }
}

static void test_add(void)
{
    static const struct vfa_request_options one = {.count = 1};
    static const struct vfa_request_options named = {.name = "x", .count = 2, .optional = true};
    static const struct vfa_request_options derived = {.name = "q-0", .count = 1};
    static const struct vfa_request_options none = {.count = 0};
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_freep) char *a = NULL;
    VFA_AUTO(vfa_freep) char *b = NULL;
    VFA_AUTO(vfa_freep) char *c = NULL;

    CHECK(vfa_domxml_requests_add(NULL, "q", &one, &a, NULL) == 0, "first");
    CHECK(strcmp(a, "<requests><request alias=\"q\"/></requests>") == 0, "%s", a);
    CHECK(vfa_domxml_requests_add(a, "r", &named, &b, NULL) == 0, "second");
    CHECK(strcmp(b, "<requests><request alias=\"q\"/><request alias=\"r\" name=\"x\" count=\"2\" "
                    "optional=\"yes\"/></requests>") == 0,
          "%s", b);
    CHECK(vfa_domxml_requests_add(b, "r", &derived, &c, &err) < 0 &&
              check_has(&err, "cannot add request 'q-0': the domain has a request of that name"),
          "%s", vfa_error_text(&err));
    vfa_error_clear(&err);
    CHECK(vfa_domxml_requests_add(b, "r", &named, &c, &err) < 0 &&
              check_has(&err, "has a request of that name"),
          "%s", vfa_error_text(&err));
    vfa_error_clear(&err);
    CHECK(vfa_domxml_requests_add(b, "r", &none, &c, &err) < 0 && check_has(&err, "count '0'"),
          "%s", vfa_error_text(&err));
}

static const struct {
    const char *key, *value;
    const char *want; /* the attributes; "!": refused */
} tag_cases[] = {
    {"physical_network", "physnet1", " physical_network=\"physnet1\""},
    {"rack", "a \"b\" <&>", " rack=\"a &quot;b&quot; &lt;&amp;&gt;\""},
    {"rack", "", " rack=\"\""},
    {"\xc3\xa9t\xc3\xa9", "1", " \xc3\xa9t\xc3\xa9=\"1\""},
    {"name", "x", "!"},
    {"count", "2", "!"},
    {"late", "yes", "!"},
    {"numa", "legacy", "!"},
    {"xmlns", "urn:x", "!"},
    {"a:b", "x", "!"},
    {"a b", "x", "!"},
    {"1a", "x", "!"},
    {"", "x", "!"},
    {"a=\"1\" b", "x", "!"},
};

static void test_add_tags(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(tag_cases); i++) {
        VFA_AUTO(vfa_tags_clear) struct vfa_tags tags = {NULL, 0};
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        VFA_AUTO(vfa_freep) char *got = NULL, *want = NULL;
        const struct vfa_request_options options = {.count = 1, .tags = &tags};
        int r = vfa_tags_set(&tags, tag_cases[i].key, tag_cases[i].value, NULL);

        if (r < 0 ||
            asprintf(&want, "<requests><request alias=\"q\"%s/></requests>", tag_cases[i].want) < 0)
            exit(1);
        r = vfa_domxml_requests_add(NULL, "q", &options, &got, &err);
        if (*tag_cases[i].want == '!')
            CHECK(r == -EINVAL && check_has(&err, "no attribute for a tag can be called"),
                  "%zu: %d", i, r);
        else
            CHECK(r == 0 && strcmp(got, want) == 0, "%zu: %s", i, got ? got : "error");
    }
}

static void test_add_options(void)
{
    static const struct vfa_request_options late = {
        .count = 1, .optional = true, .late = true, .numa_given = true, .numa = VFA_NUMA_SOCKET};
    static const struct vfa_request_options only_late = {.count = 1, .late = true};
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_freep) char *got = NULL, *none = NULL;

    CHECK(vfa_domxml_requests_add(NULL, "q", &late, &got, NULL) == 0, "");
    CHECK(got && strcmp(got, "<requests><request alias=\"q\" optional=\"yes\" late=\"yes\" "
                             "numa=\"socket\"/></requests>") == 0,
          "%s", got);
    CHECK(vfa_domxml_requests_add(NULL, "q", &only_late, &none, &err) == -EINVAL &&
              check_has(&err, "late is for optional requests only"),
          "%s", none ? none : vfa_error_text(&err));
}

int main(void)
{
    test_requests();
    test_documents();
    test_size_limit();
    test_devices();
    test_ports();
    test_labelled_request();
    test_slots();
    test_add_ports();
    test_remove_label();
    test_template();
    test_template_declarations();
    test_remove();
    test_add();
    test_add_tags();
    test_add_options();
    return check_result();
}
