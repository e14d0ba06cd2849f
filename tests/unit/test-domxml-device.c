/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The devices of requests: elements to attach, and sources set in a whole domain. Also NVMe drives,
 * which are sources of disks and have no element of their own. */

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device/device.h"
#include "device/vf-settings.h"
#include "spec/spec.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "check.h"
#include "domxml-case.h"

#include <errno.h>

/* The element that is attached for a request: device 0000:01:10.2, netdev enp1s0v1. */
static char *made_device(const char *template_xml, bool given, enum vfa_attach_kind kind,
                         const struct vfa_alias *alias, const struct vfa_port *port)
{
    char name[] = "net-0", netdev[] = "enp1s0v1";
    const struct vfa_request request = {.name = name,
                                        .alias = name,
                                        .template_xml = (char *)template_xml,
                                        .attach_given = given,
                                        .attach = kind};
    const struct vfa_device device = {
        .id = "0000:01:10.2", .addr = {0, 1, 0x10, 2}, .netdev = netdev};
    const struct vfa_domain domain = {.uuid = UUID};
    char *xml = NULL;

    CHECK(vfa_domxml_device(&domain, &request, alias, &device, true, port, &xml, NULL) == 0,
          "made");
    return xml;
}

#define SOURCE_ADDRESS "domain=\"0x0000\" bus=\"0x01\" slot=\"0x10\" function=\"0x2\"/></source>"
#define PCI_SOURCE     "<source><address type=\"pci\" " SOURCE_ADDRESS
#define DERIVED_MAC    "<mac address=\"56:28:97:62:63:48\"/>"
#define OUR_ALIAS      "<alias name=\"ua-vf-net-0\"/>"

static void test_device(void)
{
    static const struct vfa_port port = {.index = 11};
    static char profile[] = "web";
    const struct vfa_alias plain = {.attach = VFA_ATTACH_HOSTDEV};
    const struct vfa_alias vlan = {
        .attach = VFA_ATTACH_INTERFACE,
        .profileid = profile,
        .settings = {.given = 1u << VFA_VF_VLAN, .values = {[VFA_VF_VLAN] = 42}}};
    const struct vfa_alias macvtap = {.attach = VFA_ATTACH_MACVTAP};
    const struct {
        const char *template_xml; /* NULL: none */
        bool given;
        enum vfa_attach_kind kind;
        const struct vfa_alias *alias;
        const struct vfa_port *port;
        const char *xml;
    } cases[] = {
        {NULL, false, VFA_ATTACH_HOSTDEV, &plain, NULL,
         "<hostdev managed=\"yes\" mode=\"subsystem\" type=\"pci\"><source><address " SOURCE_ADDRESS
             OUR_ALIAS "</hostdev>"},
        {NULL, false, VFA_ATTACH_HOSTDEV, &plain, &port,
         "<hostdev managed=\"yes\" mode=\"subsystem\" type=\"pci\"><source><address " SOURCE_ADDRESS
             OUR_ALIAS "<address type=\"pci\" domain=\"0x0000\" bus=\"0x0b\" slot=\"0x00\" "
         "function=\"0x0\"/></hostdev>"},
        {"<interface><mac address='52:54:00:01:02:03'/><source/><source><address bus='9'/></source>"
         "<alias name='ua-x'/><alias/></interface>",
         false, VFA_ATTACH_INTERFACE, &plain, NULL,
         "<interface managed=\"yes\" type=\"hostdev\"><mac address=\"52:54:00:01:02:03\"/>" PCI_SOURCE
             OUR_ALIAS "</interface>"},
        {NULL, false, VFA_ATTACH_INTERFACE, &vlan, NULL,
         "<interface managed=\"yes\" type=\"hostdev\">" PCI_SOURCE DERIVED_MAC
         "<vlan><tag id=\"42\"/></vlan><virtualport type=\"802.1Qbh\"><parameters profileid=\"web\"/>"
         "</virtualport>" OUR_ALIAS "</interface>"},
        {"<interface type='hostdev'><vlan><tag id='7'/></vlan><virtualport type='802.1Qbh'/>"
         "<teaming type='transient' persistent='ua-x'/></interface>",
         true, VFA_ATTACH_INTERFACE, &vlan, NULL,
         "<interface type=\"hostdev\" managed=\"yes\"><vlan><tag id=\"7\"/></vlan><virtualport "
         "type=\"802.1Qbh\"/><teaming type=\"transient\" persistent=\"ua-x\"/>" PCI_SOURCE
             DERIVED_MAC OUR_ALIAS "</interface>"},
        {NULL, false, VFA_ATTACH_HOSTDEV, &macvtap, NULL,
         "<interface type=\"direct\"><source dev=\"enp1s0v1\" mode=\"passthrough\"/>" DERIVED_MAC
         "<model type=\"virtio\"/>" OUR_ALIAS "</interface>"},
        {"<interface type='direct'><source dev='x' mode='bridge'/><model type='e1000e'/></interface>",
         true, VFA_ATTACH_MACVTAP, &plain, NULL,
         "<interface type=\"direct\"><model type=\"e1000e\"/><source dev=\"enp1s0v1\" "
         "mode=\"passthrough\"/>" DERIVED_MAC OUR_ALIAS "</interface>"},
        {"<interface/>", false, VFA_ATTACH_INTERFACE, &macvtap, NULL,
         "<interface type=\"direct\"><source dev=\"enp1s0v1\" mode=\"passthrough\"/>" DERIVED_MAC
         "<model type=\"virtio\"/>" OUR_ALIAS "</interface>"},
        {"<hostdev mode='subsystem' type='pci'><rom bar='off'/></hostdev>", true,
         VFA_ATTACH_HOSTDEV, &macvtap, NULL,
         "<hostdev mode=\"subsystem\" type=\"pci\" managed=\"yes\"><rom bar=\"off\"/><source>"
         "<address " SOURCE_ADDRESS OUR_ALIAS "</hostdev>"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        VFA_AUTO(vfa_freep)
        char *xml = made_device(cases[i].template_xml, cases[i].given, cases[i].kind,
                                cases[i].alias, cases[i].port);

        CHECK(xml && strcmp(xml, cases[i].xml) == 0, "%zu: %s", i, xml);
    }
}

/* The settings of a request override the settings of the alias. */
static void test_vlan_of_request(void)
{
    const struct vfa_alias alias = {
        .attach = VFA_ATTACH_INTERFACE,
        .settings = {.given = 1u << VFA_VF_VLAN, .values = {[VFA_VF_VLAN] = 42}}};
    static const struct {
        uint32_t vlan;
        const char *element; /* NULL: none */
    } cases[] = {{7, "<vlan><tag id=\"7\"/></vlan>"}, {0, NULL}};

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        static char name[] = "net-0";
        struct vfa_domain domain = {.uuid = UUID};
        const struct vfa_device device = {.id = "0000:01:10.2", .addr = {0, 1, 0x10, 2}};
        struct vfa_request request = {.name = name, .alias = name};
        VFA_AUTO(vfa_freep) char *xml = NULL;

        vfa_vf_settings_put(&request.settings, VFA_VF_VLAN, cases[i].vlan);
        CHECK(vfa_domxml_device(&domain, &request, &alias, &device, true, NULL, &xml, NULL) == 0,
              "made");
        CHECK(cases[i].element ? strstr(xml, cases[i].element) != NULL : !strstr(xml, "<vlan>"),
              "%s", xml);
    }
}

/* libvirt is told to leave the driver alone, whatever the template says; a macvtap has no such
 * attribute. */
static void test_unmanaged(void)
{
    static const struct {
        const char *template_xml;
        enum vfa_attach_kind attach;
        bool managed;
        const char *part, *without;
    } cases[] = {
        {NULL, VFA_ATTACH_HOSTDEV, false, "managed=\"no\"", "yes"},
        {"<hostdev mode='subsystem' type='pci' managed='yes'/>", VFA_ATTACH_HOSTDEV, false,
         "managed=\"no\"", "yes"},
        {"<hostdev mode='subsystem' type='pci' managed='no'/>", VFA_ATTACH_HOSTDEV, true,
         "managed=\"yes\"", "managed=\"no\""},
        {NULL, VFA_ATTACH_INTERFACE, false, "managed=\"no\"", "yes"},
        {NULL, VFA_ATTACH_MACVTAP, false, "type=\"direct\"", "managed"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char name[] = "net-0", netdev[] = "enp1s0v1";
        const struct vfa_request request = {.name = name,
                                            .alias = name,
                                            .template_xml = (char *)cases[i].template_xml,
                                            .attach_given = true,
                                            .attach = cases[i].attach};
        const struct vfa_alias alias = {.attach = cases[i].attach};
        const struct vfa_device device = {.addr = {0, 1, 0x10, 2}, .netdev = netdev};
        const struct vfa_domain domain = {.uuid = UUID};
        VFA_AUTO(vfa_freep) char *xml = NULL;

        CHECK(vfa_domxml_device(&domain, &request, &alias, &device, cases[i].managed, NULL, &xml,
                                NULL) == 0 &&
                  strstr(xml, cases[i].part) && !strstr(xml, cases[i].without),
              "%zu: %s", i, xml);
    }
}

static void test_no_netdev(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    char name[] = "net-0", *xml = NULL;
    const struct vfa_request request = {.name = name, .alias = name};
    const struct vfa_alias alias = {.attach = VFA_ATTACH_MACVTAP};
    const struct vfa_device device = {.id = "0000:01:10.2", .addr = {0, 1, 0x10, 2}};
    const struct vfa_domain domain = {.uuid = UUID};

    CHECK(vfa_domxml_device(&domain, &request, &alias, &device, true, NULL, &xml, &err) == -ENODEV,
          "%s", xml);
    CHECK(check_has(&err, "0000:01:10.2 has no netdev"), "%s", vfa_error_text(&err));
}

static void test_fill(void)
{
    static const char xml[] = DOM(
        "",
        "<hostdev mode='subsystem' type='pci' managed='no'><source writeFiltering='no'><address "
        "domain='0xffff' bus='0xff' slot='0x1f' function='1'/></source><alias "
        "name='ua-vf-acc-0'/></hostdev>"
        "<interface type='direct'><source dev='gone' mode='passthrough'/><alias "
        "name='ua-vf-net-0'/></interface>"
        "<hostdev mode='subsystem' type='pci'><source><address bus='3' slot='0' "
        "function='1'/></source></hostdev><disk device='disk'/>");
    char netdev[] = "enp1s0v1";
    const struct vfa_device device = {
        .id = "0000:01:10.2", .addr = {0, 1, 0x10, 2}, .netdev = netdev};
    const struct vfa_domxml_source sources[] = {
        {"net-0", &device, true}, {"acc-0", &device, true}, {"other", &device, true}};
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    VFA_AUTO(vfa_freep) char *filled = NULL;
    VFA_AUTO(vfa_freep) char *same = NULL;
    const struct vfa_domdev *dev;

    CHECK(vfa_domxml_fill(xml, strlen(xml), sources, 3, &filled, NULL) == 0, "fill");
    CHECK(vfa_domxml_parse(filled, strlen(filled), &domain, NULL) == 0, "parse");
    CHECK(domain->n_devices == 3, "%zu", domain->n_devices);
    dev = vfa_domain_device(domain, "acc-0");
    CHECK(dev && dev->source && strcmp(dev->source, device.id) == 0, "%s", filled);
    dev = vfa_domain_device(domain, "net-0");
    CHECK(dev && strcmp(dev->source, netdev) == 0, "%s", filled);
    CHECK(strstr(filled, "writeFiltering=\"no\"") && strstr(filled, "managed=\"yes\""), "%s",
          filled);
    CHECK(strstr(filled, "<address bus='3' slot='0' function='1'/>"), "%s", filled);
    CHECK(vfa_domxml_fill(filled, strlen(filled), sources, 3, &same, NULL) == 0, "once more");
    CHECK(strcmp(filled, same) == 0, "%s", same);
}

static void test_fill_unmanaged(void)
{
    static const char xml[] = DOM("", "<hostdev mode='subsystem' type='pci' managed='yes'><alias "
                                      "name='ua-vf-acc-0'/></hostdev>");
    const struct vfa_device device = {.addr = {0, 1, 0x10, 2}};
    const struct vfa_domxml_source source = {"acc-0", &device, false};
    VFA_AUTO(vfa_freep) char *filled = NULL;

    CHECK(vfa_domxml_fill(xml, strlen(xml), &source, 1, &filled, NULL) == 0 &&
              strstr(filled, "managed=\"no\"") && !strstr(filled, "yes"),
          "%s", filled);
}

/* ---- every other byte stays ---- */

#define FILLED                                                                                     \
    "<hostdev mode=\"subsystem\" type=\"pci\" managed=\"yes\"><alias name=\"ua-vf-a\"/><source>"   \
    "<address domain=\"0x0000\" bus=\"0x01\" slot=\"0x10\" function=\"0x2\"/></source></hostdev>"
#define EMPTY "<hostdev mode='subsystem' type='pci'><alias name='ua-vf-a'/></hostdev>"

static const struct {
    const char *label;
    const char *before, *after; /* the device */
} surroundings[] = {
    {"plain", "<domain><name>d</name><devices>", "</devices></domain>"},
    {"declaration, blanks, comments",
     "<?xml version='1.0' encoding='UTF-8'?>\n<!-- <domain> -->\n<domain  type = 'kvm' >\n"
     "  <name>d</name>\n  <devices >\n    ",
     "\n  </devices>\n</domain >\n<!-- after > -->\n\n"},
    {"what looks like a tag in attributes",
     "<domain><?pi <devices> ?><name>d&amp;&#x41;<![CDATA[</domain><devices>]]></name><a b='>' c=\"/>'\"></a><!-- <a> --><devices><e><e/></e><e/>",
     "<e f='/'></e><![CDATA[<]]></devices><devices/></domain>"},
    {"other words than ASCII", "<domain><name>\xc3\xbc</name><devices>",
     "<e f='\xc3\xbc'/></devices></domain>"},
};

static void test_to_the_byte(void)
{
    const struct vfa_device device = {.id = "0000:01:10.2", .addr = {0, 1, 0x10, 2}};
    const struct vfa_domxml_source source = {"a", &device, true};

    for (size_t i = 0; i < ARRAY_SIZE(surroundings); i++) {
        VFA_AUTO(vfa_freep) char *xml = NULL;
        VFA_AUTO(vfa_freep) char *want = NULL;
        VFA_AUTO(vfa_freep) char *got = NULL;

        if (asprintf(&xml, "%s" EMPTY "%s", surroundings[i].before, surroundings[i].after) < 0 ||
            asprintf(&want, "%s" FILLED "%s", surroundings[i].before, surroundings[i].after) < 0)
            exit(1);
        CHECK(vfa_domxml_fill(xml, strlen(xml), &source, 1, &got, NULL) == 0 &&
                  strcmp(got, want) == 0,
              "%s: %s", surroundings[i].label, got);
    }
}

/* Texts that cannot be spliced are written as a whole. */
static void test_other_encoding(void)
{
    static const char xml[] = "<?xml version='1.0' encoding='ISO-8859-1'?><domain><name>\xfc</name>"
                              "<devices>" EMPTY "</devices></domain>";
    static const char want[] =
        "<domain><name>\xc3\xbc</name><devices>" FILLED "</devices></domain>";
    const struct vfa_device device = {.id = "0000:01:10.2", .addr = {0, 1, 0x10, 2}};
    const struct vfa_domxml_source source = {"a", &device, true};
    VFA_AUTO(vfa_freep) char *got = NULL;

    CHECK(vfa_domxml_fill(xml, strlen(xml), &source, 1, &got, NULL) == 0 && strcmp(got, want) == 0,
          "%s", got);
}

static const struct {
    const char *xml, *want;
} uuids[] = {
    {"<domain><name>d</name><x y='1'/></domain>",
     "<domain><name>d</name><uuid>" UUID "</uuid><x y='1'/></domain>"},
    {"<domain>\n  <!-- a -->\n  <name>d</name>\n  <x/>\n</domain>\n",
     "<domain>\n  <!-- a -->\n  <name>d</name>\n  <uuid>" UUID "</uuid>\n  <x/>\n</domain>\n"},
    {"<domain>text<name>d</name></domain>",
     "<domain>text<name>d</name><uuid>" UUID "</uuid></domain>"},
};

static void test_uuid(void)
{
    VFA_AUTO(vfa_freep) char *none = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(uuids); i++) {
        VFA_AUTO(vfa_freep) char *got = NULL;

        CHECK(vfa_domxml_set_uuid(uuids[i].xml, strlen(uuids[i].xml), UUID, &got, NULL) == 0 &&
                  strcmp(got, uuids[i].want) == 0,
              "%s", got);
    }
    CHECK(vfa_domxml_set_uuid("<domain/>", 9, UUID, &none, NULL) == -EINVAL, "no name");
}

static void test_insert(void)
{
    static const char xml[] = DOM("", "<disk device='disk'/>");
    static const char empty[] = "<domain><name>d</name></domain>";
    char one[] = "<hostdev mode='subsystem' type='pci'><source><address bus='1' slot='2' "
                 "function='3'/></source><alias name='ua-vf-a'/></hostdev>";
    char *const devices[] = {one};
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_freep) char *more = NULL;

    CHECK(vfa_domxml_insert(xml, strlen(xml), devices, 1, &more, NULL) == 0, "insert");
    CHECK(vfa_domxml_parse(more, strlen(more), &domain, NULL) == 0, "parse");
    CHECK(vfa_domain_device(domain, "a") && strstr(more, "<disk device=\"disk\"/>"), "%s", more);
    CHECK(vfa_domxml_insert(empty, strlen(empty), devices, 1, &more, &err) == -EINVAL, "empty");
}

/* An NVMe drive as source of a disk, at any place of its chain. Namespaces of one drive are one
 * device. */
static void test_nvme(void)
{
#define NVME(bus, namespace)                                                                       \
    "<source type='pci' managed='yes' namespace='" namespace "'><address domain='0x0000' "         \
                                                             "bus='" bus                           \
                                                             "' slot='0x00' function='0x0'/></source>"
    static const char xml[] = DOM(
        "",
        "<disk type='nvme' device='disk'><driver name='qemu' type='raw'/>" NVME(
            "0x41",
            "1") "<target dev='vda' bus='virtio'/><alias name='ua-vf-net-0'/></disk>"
                 "<disk type='nvme'>" NVME(
                     "0x41",
                     "2") "</disk>"
                          "<disk type='file'><source file='/x'/><backingStore type='file'><source file='/y'/>"
                          "<backingStore type='nvme'>" NVME(
                              "0x42",
                              "1") "<backingStore/></backingStore>"
                                   "</backingStore><address type='pci' domain='0' bus='7' slot='0' function='0'/></disk>"
                                   "<disk type='block'><source dev='/dev/nvme0n1'/></disk>"
                                   "<disk type='nvme'><source type='pci'/></disk>");
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    static const char *const sources[] = {"0000:41:00.0", "0000:42:00.0"};

    CHECK(vfa_domxml_parse(xml, strlen(xml), &domain, NULL) == 0, "parse");
    CHECK(domain->n_devices == 2, "%zu", domain->n_devices);
    for (size_t i = 0; i < domain->n_devices && i < ARRAY_SIZE(sources); i++) {
        const struct vfa_domdev *dev = &domain->devices[i];

        CHECK(dev->source && strcmp(dev->source, sources[i]) == 0, "%s", dev->source);
        CHECK(!dev->request && dev->kind == VFA_ATTACH_HOSTDEV, "%s", sources[i]);
    }
}

int main(void)
{
    test_device();
    test_vlan_of_request();
    test_unmanaged();
    test_no_netdev();
    test_fill();
    test_fill_unmanaged();
    test_to_the_byte();
    test_other_encoding();
    test_uuid();
    test_insert();
    test_nvme();
    return check_result();
}
