/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading a domain XML. Requests are read by domxml-requests.c, ports by domxml-ports.c; what goes
 * back to libvirt is made in domxml-device.c and domxml-ports.c.
 *
 * Invariant of what is returned: request names are unique and fit into a user alias.
 */
#include "domxml-private.h"

#include <errno.h>
#include <libxml/parser.h>
#include <libxml/xmlerror.h>
#include <libxml/xmlmemory.h>
#include <pthread.h>
#include <string.h>

/* The source of a placeholder: an address that no host has (libvirt accepts it in definitions). */
#define SENTINEL_DOMAIN 0xffff
#define SENTINEL_BUS    0xff

static void parser_free(xmlParserCtxtPtr *ctxt)
{
    xmlFreeParserCtxt(*ctxt);
}

/* libxml2 prints by itself when it has no memory. */
static VFA_PRINTF(2, 3) void say_nothing(void *unused, const char *fmt, ...)
{
}

/* Where libxml2 has no memory it may also just leave something out: an attribute, a namespace. A
 * request must not get lost that way, so the allocations are watched. */
static _Thread_local bool no_memory;

static void *watched_malloc(size_t size)
{
    void *p = malloc(size);

    no_memory = no_memory || !p;
    return p;
}

static void *watched_realloc(void *old, size_t size)
{
    void *p = realloc(old, size);

    no_memory = no_memory || (!p && size);
    return p;
}

static char *watched_strdup(const char *text)
{
    char *copy = strdup(text);

    no_memory = no_memory || !copy;
    return copy;
}

static void init_libxml(void)
{
    xmlMemSetup(free, watched_malloc, watched_realloc, watched_strdup);
    xmlInitParser();
}

int vfa_xml_parse(const char *xml, size_t len, const char *what, xmlDocPtr *ret,
                  struct vfa_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    VFA_AUTO(parser_free) xmlParserCtxtPtr ctxt = NULL;
    VFA_AUTO(vfa_xml_doc_freep) xmlDocPtr doc = NULL;

    if (len > VFA_DOMXML_MAX)
        return vfa_fail(err, EINVAL, "cannot read %s: larger than %u bytes", what, VFA_DOMXML_MAX);
    no_memory = false;
    xmlSetGenericErrorFunc(NULL, say_nothing); /* of this thread */
    pthread_once(&once, init_libxml);
    ctxt = xmlNewParserCtxt();
    if (!ctxt)
        return vfa_fail_oom(err);
    doc = xmlCtxtReadMemory(ctxt, xml, (int)len, NULL, NULL,
                            XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (!doc) {
        const xmlError *why = xmlCtxtGetLastError(ctxt);
        int length = why && why->message ? (int)strcspn(why->message, "\n") : 0;

        if (why && why->code == XML_ERR_NO_MEMORY)
            return vfa_fail_oom(err);
        return vfa_fail(err, EINVAL, "cannot read %s: line %d: %.*s", what, why ? why->line : 0,
                        length ? length : 10, length ? why->message : "not XML at all");
    }
    if (doc->intSubset)
        return vfa_fail(err, EINVAL, "cannot read %s: it has a document type declaration", what);
    if (!xmlDocGetRootElement(doc))
        return vfa_fail(err, EINVAL, "cannot read %s: it is empty", what);
    *ret = vfa_steal(&doc);
    return 0;
}

bool vfa_xml_is_plain(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && !node->ns &&
           strcmp((const char *)node->name, name) == 0;
}

bool vfa_xml_is_ours(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && node->ns && node->ns->href &&
           strcmp((const char *)node->ns->href, VFA_NS) == 0 &&
           strcmp((const char *)node->name, name) == 0;
}

xmlNodePtr vfa_xml_child(xmlNodePtr node, const char *name)
{
    for (xmlNodePtr child = node ? node->children : NULL; child; child = child->next) {
        if (vfa_xml_is_plain(child, name))
            return child;
    }
    return NULL;
}

xmlChar *vfa_xml_attr(const xmlNode *node, const char *name)
{
    return node ? xmlGetNoNsProp((xmlNodePtr)node, BAD_CAST name) : NULL;
}

bool vfa_xml_attr_u32(const xmlNode *node, const char *name, uint32_t max, uint32_t *ret)
{
    VFA_AUTO(vfa_xml_freep) xmlChar *text = vfa_xml_attr(node, name);
    const char *s = (const char *)text;

    if (!s)
        return false;
    return (strncmp(s, "0x", 2) == 0 ? vfa_parse_hex(s, max, ret) : vfa_parse_u32(s, max, ret)) ==
           0;
}

bool vfa_xml_attr_is(const xmlNode *node, const char *name, const char *value)
{
    VFA_AUTO(vfa_xml_freep) xmlChar *text = vfa_xml_attr(node, name);

    return text && strcmp((const char *)text, value) == 0;
}

bool vfa_xml_pci_address(const xmlNode *node, struct vfa_pci_addr *ret)
{
    uint32_t bus, slot, function;

    ret->domain = 0; /* libvirt's default when it is left out */
    vfa_xml_attr_u32(node, "domain", UINT32_MAX, &ret->domain);
    if (!vfa_xml_attr_u32(node, "bus", 0xff, &bus) ||
        !vfa_xml_attr_u32(node, "slot", 0x1f, &slot) ||
        !vfa_xml_attr_u32(node, "function", 7, &function))
        return false;
    ret->bus = (uint8_t)bus;
    ret->slot = (uint8_t)slot;
    ret->function = (uint8_t)function;
    return true;
}

/* The node after `node` in document order, below `top`; NULL: there is none. */
static xmlNodePtr next_node(xmlNodePtr node, const xmlNode *top)
{
    if (node->type == XML_ELEMENT_NODE && node->children)
        return node->children;
    while (node != top && !node->next)
        node = node->parent;
    return node == top ? NULL : node->next;
}

/* libxml2 writes the names of namespaces as they are, without escapes (xmlNsDumpOutput(), seen with
 * 2.9.14): what comes out is no XML then. */
static int check_namespaces(xmlNodePtr top, struct vfa_error *err)
{
    for (xmlNodePtr node = top; node; node = next_node(node, top)) {
        for (xmlNsPtr ns = node->type == XML_ELEMENT_NODE ? node->nsDef : NULL; ns; ns = ns->next) {
            if (ns->href && strpbrk((const char *)ns->href, "<&"))
                return vfa_fail(err, EINVAL, "cannot write XML with the namespace '%s'",
                                (const char *)ns->href);
        }
    }
    return 0;
}

int vfa_xml_dump(xmlDocPtr doc, xmlNodePtr node, char **ret, struct vfa_error *err)
{
    xmlNodePtr top = node ? node : xmlDocGetRootElement(doc);
    xmlBufferPtr buffer;
    int r = check_namespaces(top, err);

    if (r < 0)
        return r;
    buffer = xmlBufferCreate();
    r = buffer ? xmlNodeDump(buffer, doc, top, 0, 0) : -1;
    if (r >= 0)
        *ret = strdup((const char *)xmlBufferContent(buffer));
    xmlBufferFree(buffer);
    return r < 0 || !*ret ? vfa_fail_oom(err) : 0;
}

static int read_text(xmlNodePtr root, const char *name, xmlChar **ret)
{
    xmlNodePtr node = vfa_xml_child(root, name);

    *ret = node ? xmlNodeGetContent(node) : NULL;
    return *ret ? 0 : -ENOENT;
}

static int read_identity(xmlNodePtr root, struct vfa_domain *domain, struct vfa_error *err)
{
    VFA_AUTO(vfa_xml_freep) xmlChar *name = NULL;
    VFA_AUTO(vfa_xml_freep) xmlChar *uuid = NULL;

    if (read_text(root, "name", &name) < 0 || !*name)
        return vfa_fail(err, EINVAL, "cannot read domain XML: no <name>");
    domain->name = strdup((const char *)name);
    if (!domain->name)
        return vfa_fail_oom(err);
    if (read_text(root, "uuid", &uuid) == 0 && !vfa_uuid_parse((const char *)uuid, domain->uuid))
        return vfa_fail(err, EINVAL, "cannot read domain XML: '%s' is no UUID", (const char *)uuid);
    return 0;
}

bool vfa_xml_device_kind(const xmlNode *node, enum vfa_attach_kind *ret)
{
    if (vfa_xml_is_plain(node, "hostdev") && vfa_xml_attr_is(node, "type", "pci"))
        *ret = VFA_ATTACH_HOSTDEV;
    else if (vfa_xml_is_plain(node, "interface") && vfa_xml_attr_is(node, "type", "hostdev"))
        *ret = VFA_ATTACH_INTERFACE;
    else if (vfa_xml_is_plain(node, "interface") && vfa_xml_attr_is(node, "type", "direct"))
        *ret = VFA_ATTACH_MACVTAP;
    else
        return false;
    return true;
}

const char *vfa_xml_request_of(xmlNodePtr device, xmlChar **hold)
{
    const char *text;

    *hold = vfa_xml_attr(vfa_xml_child(device, "alias"), "name");
    text = (const char *)*hold;
    if (!text || strncmp(text, VFA_DEVICE_PREFIX, strlen(VFA_DEVICE_PREFIX)) != 0)
        return NULL;
    return text + strlen(VFA_DEVICE_PREFIX);
}

static int read_source(xmlNodePtr node, struct vfa_domdev *dev, struct vfa_error *err)
{
    xmlNodePtr source = vfa_xml_child(node, "source");
    VFA_AUTO(vfa_xml_freep) xmlChar *netdev = NULL;

    if (dev->kind != VFA_ATTACH_MACVTAP) {
        dev->has_source =
            vfa_xml_pci_address(vfa_xml_child(source, "address"), &dev->source) &&
            (dev->source.domain != SENTINEL_DOMAIN || dev->source.bus != SENTINEL_BUS);
        return 0;
    }
    netdev = vfa_xml_attr(source, "dev");
    dev->has_source = netdev && *netdev;
    if (dev->has_source)
        dev->netdev = strdup((const char *)netdev);
    return dev->has_source && !dev->netdev ? vfa_fail_oom(err) : 0;
}

static int read_mac(xmlNodePtr node, struct vfa_domdev *dev, struct vfa_error *err)
{
    VFA_AUTO(vfa_xml_freep) xmlChar *mac = vfa_xml_attr(vfa_xml_child(node, "mac"), "address");

    dev->mac = mac && dev->kind != VFA_ATTACH_HOSTDEV ? strdup((const char *)mac) : NULL;
    return mac && dev->kind != VFA_ATTACH_HOSTDEV && !dev->mac ? vfa_fail_oom(err) : 0;
}

static void clear_device(struct vfa_domdev *dev)
{
    free(dev->request);
    free(dev->netdev);
    free(dev->mac);
}

static int add_device(struct vfa_domain *domain, const struct vfa_domdev *dev,
                      struct vfa_error *err)
{
    struct vfa_domdev *more = realloc(domain->devices, (domain->n_devices + 1) * sizeof(*more));

    if (!more)
        return vfa_fail_oom(err);
    domain->devices = more;
    domain->devices[domain->n_devices++] = *dev;
    return 0;
}

/* A macvtap that is not ours says nothing about which device is behind it that would have to be
 * known: the host's netdev has it as an upper device, which health.c sees. */
static int read_device(xmlNodePtr node, struct vfa_domain *domain, struct vfa_error *err)
{
    VFA_AUTO(vfa_xml_freep) xmlChar *hold = NULL;
    VFA_AUTO(clear_device) struct vfa_domdev dev = {.has_source = false};
    const char *request;
    int r;

    if (!vfa_xml_device_kind(node, &dev.kind))
        return 0;
    request = vfa_xml_request_of(node, &hold);
    if (!request && dev.kind == VFA_ATTACH_MACVTAP)
        return 0;
    if (request && !(dev.request = strdup(request)))
        return vfa_fail_oom(err);
    dev.transient = vfa_xml_attr_is(vfa_xml_child(node, "teaming"), "type", "transient");
    r = read_source(node, &dev, err);
    if (r == 0)
        r = read_mac(node, &dev, err);
    if (r == 0)
        r = add_device(domain, &dev, err);
    if (r == 0)
        dev = (struct vfa_domdev){.has_source = false}; /* the domain's now */
    return r;
}

static bool has_source(const struct vfa_domain *domain, const struct vfa_pci_addr *source)
{
    for (size_t i = 0; i < domain->n_devices; i++) {
        if (domain->devices[i].has_source &&
            vfa_pci_addr_compare(&domain->devices[i].source, source) == 0)
            return true;
    }
    return false;
}

/* An NVMe drive of the host is taken from it like a <hostdev>, wherever in a disk's chain it is
 * (<backingStore>, <mirror>). Its namespaces may be disks of their own: still it is one device. */
static int read_disk(xmlNodePtr disk, struct vfa_domain *domain, struct vfa_error *err)
{
    int r = 0;

    for (xmlNodePtr node = disk; node && r == 0; node = next_node(node, disk)) {
        struct vfa_domdev drive = {.kind = VFA_ATTACH_HOSTDEV, .has_source = true};

        if (vfa_xml_is_plain(node, "source") && vfa_xml_attr_is(node, "type", "pci") &&
            vfa_xml_pci_address(vfa_xml_child(node, "address"), &drive.source) &&
            !has_source(domain, &drive.source))
            r = add_device(domain, &drive, err);
    }
    return r;
}

static int read_requests(xmlNodePtr root, struct vfa_domain *domain, struct vfa_error *err)
{
    xmlNodePtr metadata = vfa_xml_child(root, "metadata");

    for (xmlNodePtr node = metadata ? metadata->children : NULL; node; node = node->next) {
        if (node->type == XML_ELEMENT_NODE && node->ns && node->ns->href &&
            strcmp((const char *)node->ns->href, VFA_NS) == 0) {
            if (!vfa_xml_is_ours(node, "requests"))
                return vfa_fail(err, EINVAL, "cannot read metadata: unknown element '%s' in %s",
                                (const char *)node->name, VFA_NS);
            return vfa_xml_read_requests(node, domain, err);
        }
    }
    return 0;
}

static void forget_requests(struct vfa_domain *domain)
{
    for (size_t i = 0; i < domain->n_requests; i++)
        vfa_request_clear(&domain->requests[i]);
    domain->n_requests = 0;
}

static int read_metadata(xmlNodePtr root, struct vfa_domain *domain, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int r = read_requests(root, domain, &why);

    if (r != -EINVAL)
        return r < 0 ? vfa_fail(err, -r, "%s", vfa_error_text(&why)) : 0;
    forget_requests(domain);
    domain->bad_requests = strdup(vfa_error_text(&why));
    return domain->bad_requests ? 0 : vfa_fail_oom(err);
}

static int read_domain(xmlNodePtr root, struct vfa_domain *domain, struct vfa_error *err)
{
    xmlNodePtr devices = vfa_xml_child(root, "devices");
    int r;

    if (!vfa_xml_is_plain(root, "domain"))
        return vfa_fail(err, EINVAL, "cannot read domain XML: its element is '%s', not 'domain'",
                        (const char *)root->name);
    r = read_identity(root, domain, err);
    if (r == 0)
        r = read_metadata(root, domain, err);
    for (xmlNodePtr node = devices ? devices->children : NULL; node && r == 0; node = node->next)
        r = vfa_xml_is_plain(node, "disk") ? read_disk(node, domain, err)
                                           : read_device(node, domain, err);
    if (r == 0)
        r = vfa_xml_read_ports(devices, domain, err);
    if (r == 0)
        r = vfa_xml_read_place(root, domain, err);
    return r;
}

/* libvirt's status files, for one, have the domain inside another element. */
static xmlNodePtr domain_element(xmlDocPtr doc)
{
    xmlNodePtr root = xmlDocGetRootElement(doc);
    xmlNodePtr inner = vfa_xml_is_plain(root, "domstatus") ? vfa_xml_child(root, "domain") : NULL;

    return inner ? inner : root;
}

int vfa_domxml_parse(const char *xml, size_t len, struct vfa_domain **ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_xml_doc_freep) xmlDocPtr doc = NULL;
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    int r = vfa_xml_parse(xml, len, "domain XML", &doc, err);

    if (r < 0)
        return r;
    domain = calloc(1, sizeof(*domain));
    if (!domain)
        return vfa_fail_oom(err);
    r = read_domain(domain_element(doc), domain, err);
    if (r == 0 && no_memory)
        r = vfa_fail_oom(err);
    if (r == 0)
        *ret = vfa_steal(&domain);
    return r;
}

struct vfa_domain *vfa_domain_free(struct vfa_domain *domain)
{
    if (!domain)
        return NULL;
    for (size_t i = 0; i < domain->n_requests; i++)
        vfa_request_clear(&domain->requests[i]);
    for (size_t i = 0; i < domain->n_devices; i++)
        clear_device(&domain->devices[i]);
    for (size_t i = 0; i < domain->n_ports; i++)
        free(domain->ports[i].label);
    free(domain->requests);
    free(domain->bad_requests);
    free(domain->devices);
    free(domain->ports);
    free(domain->name);
    free(domain);
    return NULL;
}

const struct vfa_request *vfa_domain_request(const struct vfa_domain *domain, const char *name)
{
    for (size_t i = 0; i < domain->n_requests; i++) {
        if (strcmp(domain->requests[i].name, name) == 0)
            return &domain->requests[i];
    }
    return NULL;
}

const struct vfa_domdev *vfa_domain_device(const struct vfa_domain *domain, const char *request)
{
    for (size_t i = 0; i < domain->n_devices; i++) {
        if (domain->devices[i].request && strcmp(domain->devices[i].request, request) == 0)
            return &domain->devices[i];
    }
    return NULL;
}
