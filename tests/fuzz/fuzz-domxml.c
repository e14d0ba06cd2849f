/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A domain XML: the parsed domain fulfils its invariants, and XML that is made from it can be
 * parsed again. */

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "base/uuid.h"
#include "device/inventory.h"
#include "spec/spec.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "fuzz.h"

/* A device that has what each kind of element names. */
#define FUNCTION "10000:3b:1f.7"
#define MDEV     "mdev:6a3f0e52-d19b-4c77-8e24-51c0a73df816"
static char netdev[] = "fuzz0", node[] = "/dev/fuzz", bridge[] = "fuzzbr0";
static const struct vfa_device device = {
    .id = MDEV, .addr = {0x10000, 0x3b, 0x1f, 7}, .netdev = netdev, .path = node};
static const char *const sources[VFA_ATTACH_KINDS] = {
    [VFA_ATTACH_HOSTDEV] = FUNCTION, [VFA_ATTACH_INTERFACE] = FUNCTION,
    [VFA_ATTACH_MACVTAP] = netdev,   [VFA_ATTACH_VDPA] = node,
    [VFA_ATTACH_VDPA_DISK] = node,   [VFA_ATTACH_MDEV] = MDEV,
    [VFA_ATTACH_BRIDGE] = bridge,
};

static bool name_ok(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

    return *name && name[strspn(name, allowed)] == '\0';
}

static void check_requests(const struct vfa_domain *domain)
{
    FUZZ_REQUIRE(domain->n_requests <= VFA_REQUEST_MAX);
    for (size_t i = 0; i < domain->n_requests; i++) {
        const struct vfa_request *request = &domain->requests[i];

        FUZZ_REQUIRE(name_ok(request->name) && *request->alias);
        FUZZ_REQUIRE(vfa_domain_request(domain, request->name) == request); /* so it is unique */
        FUZZ_REQUIRE(request->optional || !request->late);
    }
}

static void check_domain(const struct vfa_domain *domain)
{
    size_t length = strlen(domain->uuid);

    FUZZ_REQUIRE(*domain->name && (length == 0 || length == VFA_UUID_SIZE - 1));
    FUZZ_REQUIRE(vfa_domain_missing_ports(domain) <= domain->n_requests);
    check_requests(domain);
}

/* Parses a text that must be valid. The caller frees the domain. */
static struct vfa_domain *parse_again(const char *xml)
{
    struct vfa_domain *domain = NULL;

    FUZZ_REQUIRE(vfa_domxml_parse(xml, strlen(xml), &domain, NULL) == 0);
    return domain;
}

/* In a domain, the element is the device of the request and of no other request. */
static void check_device(const char *element, const struct vfa_request *request)
{
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    VFA_AUTO(vfa_freep) char *xml = NULL;

    if (asprintf(&xml, "<domain><name>d</name><devices>%s</devices></domain>", element) < 0)
        abort();
    domain = parse_again(xml);
    FUZZ_REQUIRE(domain->n_devices == 1 && domain->devices[0].source);
    FUZZ_REQUIRE(vfa_domain_device(domain, request->name) == &domain->devices[0]);
    FUZZ_REQUIRE(strcmp(domain->devices[0].source, sources[domain->devices[0].kind]) == 0);
}

static void make_devices(const struct vfa_domain *domain)
{
    for (size_t i = 0; i < domain->n_requests; i++) {
        const struct vfa_request *request = &domain->requests[i];
        const struct vfa_alias alias = {.attach = (enum vfa_attach_kind)(i % VFA_ATTACH_KINDS),
                                        .bridge = bridge};
        VFA_AUTO(vfa_freep) char *element = NULL;

        if (vfa_domxml_device(domain, request, &alias, &device, i % 2 == 0,
                              vfa_domain_port(domain, request->name), &element, NULL) == 0)
            check_device(element, request);
    }
}

static void add_ports(const char *xml, size_t size, const struct vfa_domain *domain)
{
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *after = NULL;
    VFA_AUTO(vfa_freep) char *edited = NULL;

    if (vfa_domxml_add_ports(xml, size, 2, &edited, NULL) < 0)
        return;
    after = parse_again(edited);
    FUZZ_REQUIRE(after->n_ports == domain->n_ports + 2);
    FUZZ_REQUIRE(after->n_requests == domain->n_requests && after->n_devices == domain->n_devices);
    FUZZ_REQUIRE(strcmp(after->name, domain->name) == 0 && strcmp(after->uuid, domain->uuid) == 0);
}

static void label_port(const char *xml, size_t size)
{
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    VFA_AUTO(vfa_freep) char *labelled = NULL;
    VFA_AUTO(vfa_freep) char *plain = NULL;

    if (vfa_domxml_add_labelled_port(xml, size, "fuzz-0", &labelled, NULL) == 0)
        FUZZ_REQUIRE(vfa_domxml_remove_label(labelled, strlen(labelled), "fuzz-0", &plain, NULL) ==
                     0);
    if (plain)
        domain = parse_again(plain);
}

/* Each device of a request gets the source. No other device changes. */
static void fill(const char *xml, size_t size, const struct vfa_domain *domain)
{
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *after = NULL;
    VFA_AUTO(vfa_freep) char *filled = NULL;
    const char *request = domain->n_devices ? domain->devices[0].request : NULL;
    const struct vfa_domxml_source source = {request ? request : "none", &device, true};

    if (vfa_domxml_fill(xml, size, &source, 1, &filled, NULL) < 0)
        return;
    after = parse_again(filled);
    FUZZ_REQUIRE(after->n_requests == domain->n_requests && after->n_devices == domain->n_devices);
    FUZZ_REQUIRE(!request || after->devices[0].source);
}

static void name_by_uuid(const char *xml, size_t size, const struct vfa_domain *domain)
{
    static const char uuid[] = "00000000-0000-4000-8000-000000000001";
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *after = NULL;
    VFA_AUTO(vfa_freep) char *named = NULL;

    if (domain->uuid[0] || vfa_domxml_set_uuid(xml, size, uuid, &named, NULL) < 0)
        return;
    after = parse_again(named);
    FUZZ_REQUIRE(strcmp(after->uuid, uuid) == 0 && strcmp(after->name, domain->name) == 0);
    FUZZ_REQUIRE(after->n_requests == domain->n_requests && after->n_devices == domain->n_devices);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VFA_AUTO(vfa_freep) char *text = fuzz_text(data, size);
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    int r = vfa_domxml_parse(text, size, &domain, &err);

    FUZZ_REQUIRE((r == 0) == (domain != NULL) && (r < 0) == (err.code != 0));
    FUZZ_REQUIRE(r == 0 || !strchr(vfa_error_text(&err), '\n'));
    if (!domain)
        return 0;
    check_domain(domain);
    make_devices(domain);
    add_ports(text, size, domain);
    label_port(text, size);
    fill(text, size, domain);
    name_by_uuid(text, size, domain);
    return 0;
}
