/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rows of domain/element-kind.h: which XML is read as which kind, and which XML is written for
 * a kind. A kind without a row is neither read nor written. */

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device/device.h"
#include "spec/spec.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "domain/element-kind.h"
#include "check.h"
#include "domxml-case.h"

#include <errno.h>

#define ATTRIBUTES "domain=\"0x0000\" bus=\"0x01\" slot=\"0x10\" function=\"0x2\""
#define OURS       "<alias name=\"ua-vf-net-0\"/>"
#define MAC        "<mac address=\"56:28:97:62:63:48\"/>"
#define LINK       "/run/vfalias/vdpa/" UUID "/net-0"
#define MDEV_UUID  "6a3f0e52-d19b-4c77-8e24-51c0a73df816"
#define MDEV       "mdev:" MDEV_UUID

static char netdev[] = "enp1s0v1", node[] = LINK, bridge[] = "br0";
static const struct vfa_device function = {
    .id = "0000:01:10.2", .addr = {0, 1, 0x10, 2}, .netdev = netdev};
static const struct vfa_device vdpa = {.id = "vdpa:vfa0123456789ab", .path = node};
static const struct vfa_device mdev = {.id = MDEV};

/* What each row reads and writes. */
static const struct {
    enum vfa_attach_kind attach;
    const struct vfa_device *device; /* NULL: it has none */
    const char *source;              /* as it is read */
    const char *written;             /* the element for a request without a template */
    const char *foreign;             /* an element without user alias ua-vf-NAME */
    const char *element;             /* an element inside a request */
    const char *untyped;             /* the same without type; NULL: another kind */
    bool given;                      /* the untyped element says its kind */
    bool nic, named, foreign_read;   /* named: the source is the identity */
} rows[] = {
    {VFA_ATTACH_HOSTDEV, &function, "0000:01:10.2",
     "<hostdev managed=\"yes\" mode=\"subsystem\" type=\"pci\"><source><address " ATTRIBUTES
     "/></source>" OURS "</hostdev>",
     "<hostdev type='pci'><source><address bus='1' slot='16' function='2'/></source></hostdev>",
     "<hostdev type='pci'/>", "<hostdev/>", true, false, true, true},
    {VFA_ATTACH_INTERFACE, &function, "0000:01:10.2",
     "<interface managed=\"yes\" type=\"hostdev\"><source><address type=\"pci\" " ATTRIBUTES
     "/></source>" MAC OURS "</interface>",
     "<interface type='hostdev'><source><address bus='1' slot='16' function='2'/></source>"
     "</interface>",
     "<interface type='hostdev'/>", "<interface/>", false, true, true, true},
    {VFA_ATTACH_MACVTAP, &function, "enp1s0v1",
     "<interface type=\"direct\"><source dev=\"enp1s0v1\" mode=\"passthrough\"/>" MAC
     "<model type=\"virtio\"/>" OURS "</interface>",
     "<interface type='direct'><source dev='enp1s0v1'/></interface>", "<interface type='direct'/>",
     NULL, false, true, false, false},
    {VFA_ATTACH_VDPA, &vdpa, LINK,
     "<interface type=\"vdpa\"><source dev=\"" LINK "\"/>" MAC "<model type=\"virtio\"/>" OURS
     "</interface>",
     "<interface type='vdpa'><source dev='" LINK "'/></interface>", "<interface type='vdpa'/>",
     NULL, false, true, false, true},
    {VFA_ATTACH_VDPA_DISK, &vdpa, LINK,
     "<disk type=\"vhostvdpa\" device=\"disk\"><source dev=\"" LINK "\"/>"
     "<driver name=\"qemu\" type=\"raw\" cache=\"none\"/><target dev=\"vda\" bus=\"virtio\"/>" OURS
     "</disk>",
     "<disk type='vhostvdpa'><source dev='" LINK "'/><target dev='vda'/></disk>",
     "<disk type='vhostvdpa'/>", "<disk/>", true, false, false, true},
    {VFA_ATTACH_MDEV, &mdev, MDEV,
     "<hostdev mode=\"subsystem\" type=\"mdev\" model=\"vfio-pci\"><source><address uuid=\"" MDEV_UUID
     "\"/></source>" OURS "</hostdev>",
     "<hostdev type='mdev'><source><address uuid='6A3F0E52-D19B-4C77-8E24-51C0A73DF816'/></source>"
     "</hostdev>",
     "<hostdev type='mdev'/>", NULL, false, false, true, true},
    {VFA_ATTACH_BRIDGE, NULL, "br0",
     "<interface type=\"bridge\"><source bridge=\"br0\"/>" MAC "<model type=\"virtio\"/>" OURS
     "</interface>",
     "<interface type='bridge'><source bridge='br0'/></interface>", "<interface type='bridge'/>",
     NULL, false, true, false, false},
};

/* A domain with one request, which has `element` inside, and with `devices`. */
static struct vfa_domain *parse(const char *inner, const char *devices)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_freep) char *xml = NULL;
    struct vfa_domain *domain = NULL;

    if (asprintf(&xml, DOM(META("<vfalias:request alias='net'>%s</vfalias:request>"), "%s"), inner,
                 devices) < 0)
        abort();
    CHECK(vfa_domxml_parse(xml, strlen(xml), &domain, &err) == 0, "%s", vfa_error_text(&err));
    if (!domain)
        abort();
    return domain;
}

static void check_device(const struct vfa_domain *domain, size_t row, bool ours, bool mac)
{
    const struct vfa_domdev *dev = domain->devices;

    CHECK(domain->n_devices == 1, "%zu: %zu", row, domain->n_devices);
    if (domain->n_devices != 1)
        return;
    CHECK(dev->kind == rows[row].attach && dev->source, "%zu: %d", row, dev->kind);
    CHECK(!!dev->request == ours, "%zu", row);
    CHECK(dev->source && strcmp(dev->source, rows[row].source) == 0, "%zu: %s", row, dev->source);
    CHECK(vfa_domdev_names(dev, rows[row].source) == rows[row].named, "%zu", row);
    CHECK(!!dev->mac == (mac && rows[row].nic), "%zu: %s", row, dev->mac);
}

/* Written for a request, and read back from a domain. */
static void test_written(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct vfa_alias alias = {.attach = rows[i].attach, .bridge = bridge};
        VFA_AUTO(vfa_domain_freep) struct vfa_domain *asking = parse("", "");
        VFA_AUTO(vfa_domain_freep) struct vfa_domain *having = NULL;
        VFA_AUTO(vfa_freep) char *xml = NULL;

        CHECK(vfa_domxml_device(asking, &asking->requests[0], &alias, rows[i].device, true, NULL,
                                &xml, NULL) == 0 &&
                  strcmp(xml, rows[i].written) == 0,
              "%zu: %s", i, xml);
        having = parse("", rows[i].written);
        check_device(having, i, true, true);
    }
}

/* A device that lacks what the element names. */
static void test_nothing_to_name(void)
{
    static const struct {
        enum vfa_attach_kind attach;
        const struct vfa_device *device;
        const char *why;
    } cases[] = {
        {VFA_ATTACH_MACVTAP, &mdev, "device " MDEV " has no netdev for a macvtap"},
        {VFA_ATTACH_VDPA, &mdev, "device " MDEV " has no node for a vDPA element"},
        {VFA_ATTACH_VDPA_DISK, &function, "device 0000:01:10.2 has no node for a vDPA element"},
        {VFA_ATTACH_MDEV, &vdpa, "device vdpa:vfa0123456789ab is no mediated device"},
        {VFA_ATTACH_BRIDGE, NULL, "no bridge is configured"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct vfa_alias alias = {.attach = cases[i].attach};
        VFA_AUTO(vfa_domain_freep) struct vfa_domain *asking = parse("", "");
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        VFA_AUTO(vfa_freep) char *xml = NULL;

        CHECK(vfa_domxml_device(asking, &asking->requests[0], &alias, cases[i].device, true, NULL,
                                &xml, &err) == -ENODEV &&
                  check_has(&err, cases[i].why),
              "%zu: %s", i, vfa_error_text(&err));
    }
}

/* An element of a request that names nothing: the request has no device yet. */
static void test_placeholders(void)
{
    static const char *const elements[] = {
        "<hostdev type='pci'>" OURS "</hostdev>",
        "<interface type='hostdev'><source/>" OURS "</interface>",
        "<interface type='direct'><source dev=''/>" OURS "</interface>",
        "<interface type='vdpa'>" OURS "</interface>",
        "<interface type='vdpa'><source dev=''/>" OURS "</interface>",
        "<disk type='vhostvdpa'><source/>" OURS "</disk>",
        "<hostdev type='mdev'><source/>" OURS "</hostdev>",
        "<hostdev type='mdev'><source><address/></source>" OURS "</hostdev>",
        "<hostdev type='mdev'><source><address uuid='mtty-1'/></source>" OURS "</hostdev>",
        "<interface type='bridge'><source bridge=''/>" OURS "</interface>",
    };

    for (size_t i = 0; i < ARRAY_SIZE(elements); i++) {
        VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = parse("", elements[i]);

        CHECK(vfa_domain_device(domain, "net-0") && !domain->devices[0].source, "%s", elements[i]);
    }
}

/* The elements of a definition get their sources: but for these, the text stays. */
static void test_filled(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct vfa_element_kind *kind = vfa_element_kind(rows[i].attach);
        const struct vfa_domxml_source source = {"net-0", rows[i].device, true};
        VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
        VFA_AUTO(vfa_freep) char *xml = NULL, *filled = NULL;

        if (asprintf(&xml, DOM("", "<%s type='%s'>" OURS "<rom bar='off'/></%s>"), kind->element,
                     kind->type, kind->element) < 0)
            abort();
        CHECK(vfa_domxml_fill(xml, strlen(xml), &source, 1, &filled, NULL) == 0, "%zu", i);
        CHECK(vfa_domxml_parse(filled, strlen(filled), &domain, NULL) == 0, "%zu", i);
        CHECK(!rows[i].device ? strcmp(filled, xml) == 0
                              : strstr(filled, "<rom bar=\"off\"/>") != 0,
              "%zu: %s", i, filled);
        if (rows[i].device)
            check_device(domain, i, true, false);
    }
}

/* A device without a request. */
static void test_foreign(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = parse("", rows[i].foreign);

        if (rows[i].foreign_read)
            check_device(domain, i, false, false);
        else
            CHECK(domain->n_devices == 0, "%zu", i);
    }
}

static void check_request(const char *element, size_t row, bool given)
{
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = parse(element, "");

    CHECK(!domain->bad_requests && domain->n_requests == 1, "%s: %s", element,
          domain->bad_requests);
    if (domain->n_requests != 1)
        return;
    CHECK(domain->requests[0].attach == rows[row].attach &&
              domain->requests[0].attach_given == given,
          "%s: %d %d", element, domain->requests[0].attach, domain->requests[0].attach_given);
}

static void test_requests(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        check_request(rows[i].element, i, true);
        if (rows[i].untyped)
            check_request(rows[i].untyped, i, rows[i].given);
    }
    check_request("<interface type=''/>", VFA_ATTACH_INTERFACE, false);
}

/* Each value of enum vfa_attach_kind has its row, which is found by each key. */
static void test_rows(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct vfa_element_kind *kind = vfa_element_kind(rows[i].attach);

        CHECK(rows[i].attach == i && kind && kind->attach == rows[i].attach, "%zu", i);
        CHECK(kind && vfa_element_kind_find(kind->element, kind->type) == kind, "%zu", i);
        CHECK(kind && vfa_element_kind_is_element(kind->element), "%zu", i);
    }
}

/* ---- what has no row ---- */

static void test_no_row(void)
{
    static const char *const devices[] = {
        "<hostdev mode='subsystem' type='usb'/>",
        "<hostdev/>",
        "<hostdev type=''/>",
        "<interface type='network'/>",
        "<interface type='bridge'/>",
        "<interface>" OURS "</interface>",
        "<interface type=''/>",
        "<disk type='pci'/>",
        "<disk type='file'><alias name='ua-vf-net-0'/></disk>",
    };

    CHECK(!vfa_element_kind((enum vfa_attach_kind)ARRAY_SIZE(rows)), "a kind after the last");
    CHECK(!vfa_element_kind_find("disk", "file") && !vfa_element_kind_find("disk", ""), "disk");
    CHECK(!vfa_element_kind_find("tpm", NULL) && !vfa_element_kind_is_element("tpm"), "tpm");
    for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
        VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = parse("", devices[i]);

        CHECK(domain->n_devices == 0, "%s", devices[i]);
    }
}

static void test_no_row_of_a_request(void)
{
    static const struct {
        const char *element, *error;
    } cases[] = {
        {"<hostdev type='usb'/>", "<hostdev type='usb'> inside a request of alias 'net'"},
        {"<hostdev type=''/>", "<hostdev type=''> inside a request of alias 'net'"},
        {"<hostdev type='direct'/>", "<hostdev type='direct'> inside a request of alias 'net'"},
        {"<interface type='pci'/>", "<interface type='pci'> inside a request of alias 'net'"},
        {"<disk type='file'/>", "<disk type='file'> inside a request of alias 'net'"},
        {"<disk type=''/>", "<disk type=''> inside a request of alias 'net'"},
        {"<tpm/>", "<tpm> inside a request of alias 'net'"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = parse(cases[i].element, "");

        CHECK(domain->bad_requests && strstr(domain->bad_requests, cases[i].error), "%s: %s",
              cases[i].element, domain->bad_requests);
    }
}

int main(void)
{
    test_rows();
    test_written();
    test_nothing_to_name();
    test_placeholders();
    test_filled();
    test_foreign();
    test_requests();
    test_no_row();
    test_no_row_of_a_request();
    return check_result();
}
