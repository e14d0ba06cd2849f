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

/* What each row reads and writes. */
static const struct {
    enum vfa_attach_kind attach;
    const char *written; /* the element for a request without a template */
    const char *foreign; /* an element without user alias ua-vf-NAME */
    const char *element; /* an element inside a request */
    const char *untyped; /* the same element without type; NULL: it is of another kind */
    bool given;          /* the element without type says its kind */
    bool nic, pci, foreign_read;
} rows[] = {
    {VFA_ATTACH_HOSTDEV,
     "<hostdev managed=\"yes\" mode=\"subsystem\" type=\"pci\"><source><address " ATTRIBUTES
     "/></source>" OURS "</hostdev>",
     "<hostdev type='pci'><source><address bus='1' slot='16' function='2'/></source></hostdev>",
     "<hostdev type='pci'/>", "<hostdev/>", true, false, true, true},
    {VFA_ATTACH_INTERFACE,
     "<interface managed=\"yes\" type=\"hostdev\"><source><address type=\"pci\" " ATTRIBUTES
     "/></source><mac address=\"56:28:97:62:63:48\"/>" OURS "</interface>",
     "<interface type='hostdev'><source><address bus='1' slot='16' function='2'/></source>"
     "</interface>",
     "<interface type='hostdev'/>", "<interface/>", false, true, true, true},
    {VFA_ATTACH_MACVTAP,
     "<interface type=\"direct\"><source dev=\"enp1s0v1\" mode=\"passthrough\"/>"
     "<mac address=\"56:28:97:62:63:48\"/><model type=\"virtio\"/>" OURS "</interface>",
     "<interface type='direct'><source dev='enp1s0v1'/></interface>", "<interface type='direct'/>",
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

static void check_device(const struct vfa_domain *domain, size_t row, bool ours)
{
    const struct vfa_domdev *dev = domain->devices;

    CHECK(domain->n_devices == 1, "%zu: %zu", row, domain->n_devices);
    if (domain->n_devices != 1)
        return;
    CHECK(dev->kind == rows[row].attach && dev->source, "%zu: %d", row, dev->kind);
    CHECK(!!dev->request == ours, "%zu", row);
    CHECK(dev->source && strcmp(dev->source, rows[row].pci ? "0000:01:10.2" : "enp1s0v1") == 0,
          "%zu: %s", row, dev->source);
    CHECK(vfa_domdev_names(dev, "0000:01:10.2") == rows[row].pci, "%zu", row);
    CHECK(!!dev->mac == (ours && rows[row].nic), "%zu: %s", row, dev->mac);
}

/* Written for a request, and read back from a domain. */
static void test_written(void)
{
    char netdev[] = "enp1s0v1";
    const struct vfa_device device = {
        .id = "0000:01:10.2", .addr = {0, 1, 0x10, 2}, .netdev = netdev};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct vfa_alias alias = {.attach = rows[i].attach};
        VFA_AUTO(vfa_domain_freep) struct vfa_domain *asking = parse("", "");
        VFA_AUTO(vfa_domain_freep) struct vfa_domain *having = NULL;
        VFA_AUTO(vfa_freep) char *xml = NULL;

        CHECK(vfa_domxml_device(asking, &asking->requests[0], &alias, &device, true, NULL, &xml,
                                NULL) == 0 &&
                  strcmp(xml, rows[i].written) == 0,
              "%zu: %s", i, xml);
        having = parse("", rows[i].written);
        check_device(having, i, true);
    }
}

/* A device without a request. */
static void test_foreign(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = parse("", rows[i].foreign);

        if (rows[i].foreign_read)
            check_device(domain, i, false);
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
        "<hostdev mode='subsystem' type='mdev'/>",
        "<hostdev/>",
        "<hostdev type=''/>",
        "<interface type='vdpa'><source dev='/dev/vhost-vdpa-0'/>" OURS "</interface>",
        "<interface type='network'/>",
        "<interface>" OURS "</interface>",
        "<interface type=''/>",
        "<disk type='pci'/>",
    };

    CHECK(!vfa_element_kind((enum vfa_attach_kind)ARRAY_SIZE(rows)), "a kind after the last");
    CHECK(!vfa_element_kind_find("disk", NULL) && !vfa_element_kind_find("disk", "pci"), "disk");
    CHECK(!vfa_element_kind_is_element("disk"), "disk");
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
        {"<hostdev type='mdev'/>", "<hostdev type='mdev'> inside a request of alias 'net'"},
        {"<hostdev type=''/>", "<hostdev type=''> inside a request of alias 'net'"},
        {"<hostdev type='direct'/>", "<hostdev type='direct'> inside a request of alias 'net'"},
        {"<interface type='vdpa'/>", "<interface type='vdpa'> inside a request of alias 'net'"},
        {"<interface type='pci'/>", "<interface type='pci'> inside a request of alias 'net'"},
        {"<disk/>", "<disk> inside a request of alias 'net'"},
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
    test_foreign();
    test_requests();
    test_no_row();
    test_no_row_of_a_request();
    return check_result();
}
