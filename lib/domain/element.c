/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The devices of requests in a domain's XML: the element that is attached for one, and the host's
 * device put as source into elements that are there already.
 *
 * A request's own template, or a plain element, gets source, managed and user alias; an interface
 * also what the alias has as defaults and a MAC address, where the template says nothing. Whatever
 * else the template says stays.
 */

#include "base/common.h"
#include "base/error.h"
#include "base/mac.h"
#include "base/pci-address.h"
#include "device/inventory.h"
#include "device/vf-settings.h"
#include "spec/spec.h"
#include "domain.h"
#include "domxml.h"
#include "private.h"
#include "xml.h"

#include <errno.h>
#include <string.h>

static bool set(xmlNodePtr node, const char *name, const char *value)
{
    return node && xmlSetProp(node, BAD_CAST name, BAD_CAST value);
}

static bool set_hex(xmlNodePtr node, const char *name, int digits, unsigned value)
{
    char text[16];

    snprintf(text, sizeof(text), "0x%0*x", digits, value);
    return set(node, name, text);
}

static xmlNodePtr add(xmlNodePtr parent, const char *name)
{
    return parent ? xmlNewChild(parent, NULL, BAD_CAST name, NULL) : NULL;
}

/* All of that name: libvirt would read the first and not ours, which comes last. */
static void remove_children(xmlNodePtr node, const char *name)
{
    xmlNodePtr child;

    while ((child = vfa_xml_child(node, name))) {
        xmlUnlinkNode(child);
        xmlFreeNode(child);
    }
}

static bool set_address(xmlNodePtr address, const struct vfa_pci_addr *addr)
{
    return set_hex(address, "domain", 4, addr->domain) && set_hex(address, "bus", 2, addr->bus) &&
           set_hex(address, "slot", 2, addr->slot) &&
           set_hex(address, "function", 1, addr->function);
}

/* ---- the source ---- */

/* The first child of that name, and no other left. */
static xmlNodePtr only_child(xmlNodePtr element, const char *name)
{
    xmlNodePtr first = vfa_xml_child(element, name);

    if (first) {
        xmlUnlinkNode(first);
        remove_children(element, name);
        xmlAddChild(element, first);
    }
    return first;
}

static bool fill_source(xmlNodePtr source, enum vfa_attach_kind kind,
                        const struct vfa_device *device)
{
    xmlNodePtr address;

    if (kind == VFA_ATTACH_MACVTAP)
        return set(source, "dev", device->netdev) && set(source, "mode", "passthrough");
    address = add(source, "address");
    return (kind == VFA_ATTACH_HOSTDEV || set(address, "type", "pci")) &&
           set_address(address, &device->addr);
}

/* What the source says besides the address stays. Of several sources the first counts. */
static int set_source(xmlNodePtr element, enum vfa_attach_kind kind,
                      const struct vfa_device *device, struct vfa_error *err)
{
    xmlNodePtr source = only_child(element, "source");
    char address[VFA_PCI_ADDR_SIZE];

    if (kind == VFA_ATTACH_MACVTAP && !device->netdev)
        return vfa_fail(err, ENODEV, "device %s has no netdev for a macvtap",
                        vfa_pci_addr_format(&device->addr, address));
    if (!source)
        source = add(element, "source");
    if (source)
        remove_children(source, "address");
    if (!fill_source(source, kind, device))
        return vfa_fail_oom(err);
    return kind == VFA_ATTACH_MACVTAP || set(element, "managed", "yes") ? 0 : vfa_fail_oom(err);
}

/* ---- what belongs to the request ---- */

static bool set_alias(xmlNodePtr device, const char *request)
{
    char *name = NULL;
    bool ok;

    remove_children(device, "alias");
    ok = asprintf(&name, "%s%s", VFA_DEVICE_PREFIX, request) >= 0 &&
         set(add(device, "alias"), "name", name);
    free(name);
    return ok;
}

/* A port without a label is one that libvirt might have chosen as well: no reason to move a device
 * that has a guest address. */
static bool set_port(xmlNodePtr device, const struct vfa_port *port)
{
    const struct vfa_pci_addr guest = {.bus = (uint8_t)port->index};
    xmlNodePtr address = vfa_xml_child(device, "address");

    if (address && !port->label)
        return true;
    remove_children(device, "address");
    address = add(device, "address");
    return set(address, "type", "pci") && set_address(address, &guest);
}

static bool set_kind(xmlNodePtr device, enum vfa_attach_kind kind)
{
    switch (kind) {
    case VFA_ATTACH_HOSTDEV:
        return set(device, "mode", "subsystem") && set(device, "type", "pci");
    case VFA_ATTACH_INTERFACE:
        return set(device, "type", "hostdev");
    case VFA_ATTACH_MACVTAP:
        break;
    }
    return set(device, "type", "direct");
}

static bool set_mac(xmlNodePtr device, const struct vfa_domain *domain, const char *request)
{
    char mac[VFA_MAC_SIZE];

    return vfa_xml_child(device, "mac") ||
           set(add(device, "mac"), "address", vfa_mac_derive(domain->uuid, request, mac));
}

static bool set_vlan(xmlNodePtr device, const struct vfa_request *request,
                     const struct vfa_alias *alias)
{
    struct vfa_vf_settings settings;
    char id[16];

    vfa_request_settings(request, alias, &settings);
    if (settings.values[VFA_VF_VLAN] == 0 || vfa_xml_child(device, "vlan"))
        return true;
    snprintf(id, sizeof(id), "%u", (unsigned)settings.values[VFA_VF_VLAN]);
    return set(add(add(device, "vlan"), "tag"), "id", id);
}

static bool set_profile(xmlNodePtr device, const struct vfa_alias *alias)
{
    xmlNodePtr port;

    if (!alias->profileid || vfa_xml_child(device, "virtualport"))
        return true;
    port = add(device, "virtualport");
    return set(port, "type", "802.1Qbh") &&
           set(add(port, "parameters"), "profileid", alias->profileid);
}

/* libvirt's default is an rtl8139, which is nothing to have a VF behind. */
static bool set_model(xmlNodePtr device)
{
    return vfa_xml_child(device, "model") || set(add(device, "model"), "type", "virtio");
}

static bool set_interface(xmlNodePtr device, enum vfa_attach_kind kind,
                          const struct vfa_domain *domain, const struct vfa_request *request,
                          const struct vfa_alias *alias)
{
    if (kind == VFA_ATTACH_HOSTDEV)
        return true;
    return set_mac(device, domain, request->name) && set_vlan(device, request, alias) &&
           set_profile(device, alias) && (kind != VFA_ATTACH_MACVTAP || set_model(device));
}

/* What the request says, or the bare element. */
static int begin_element(const struct vfa_request *request, enum vfa_attach_kind kind,
                         xmlDocPtr *ret, struct vfa_error *err)
{
    const char *text = request->template_xml;

    if (!text)
        text = kind == VFA_ATTACH_HOSTDEV ? "<hostdev/>" : "<interface/>";
    return vfa_xml_parse(text, strlen(text), "the element of a request", ret, err);
}

int vfa_domxml_device(const struct vfa_domain *domain, const struct vfa_request *request,
                      const struct vfa_alias *alias, const struct vfa_device *device,
                      const struct vfa_port *port, char **ret, struct vfa_error *err)
{
    enum vfa_attach_kind kind = vfa_request_attach(request, alias);
    VFA_AUTO(vfa_xml_doc_freep) xmlDocPtr doc = NULL;
    xmlNodePtr element;
    int r = begin_element(request, kind, &doc, err);

    if (r < 0)
        return r;
    element = xmlDocGetRootElement(doc);
    r = set_source(element, kind, device, err);
    if (r < 0)
        return r;
    if (!set_kind(element, kind) || !set_interface(element, kind, domain, request, alias) ||
        !set_alias(element, request->name) || (port && !set_port(element, port)))
        return vfa_fail_oom(err);
    return vfa_xml_dump(doc, NULL, ret, err);
}

int vfa_domxml_summarize(const struct vfa_domain *domain, const struct vfa_request *request,
                         const struct vfa_alias *alias, struct vfa_element_summary *ret,
                         struct vfa_error *err)
{
    enum vfa_attach_kind kind = vfa_request_attach(request, alias);
    VFA_AUTO(vfa_xml_doc_freep) xmlDocPtr doc = NULL;
    VFA_AUTO(vfa_xml_freep) xmlChar *mac = NULL;
    xmlNodePtr element;
    uint32_t vlan = 0;
    int r = begin_element(request, kind, &doc, err);

    if (r < 0)
        return r;
    element = xmlDocGetRootElement(doc);
    if (!set_interface(element, kind, domain, request, alias))
        return vfa_fail_oom(err);
    mac = vfa_xml_attr(vfa_xml_child(element, "mac"), "address");
    vfa_xml_attr_u32(vfa_xml_child(vfa_xml_child(element, "vlan"), "tag"), "id", UINT16_MAX, &vlan);
    *ret = (struct vfa_element_summary){.interface = kind != VFA_ATTACH_HOSTDEV, .vlan = vlan};
    snprintf(ret->mac, sizeof(ret->mac), "%s", mac ? (const char *)mac : "");
    return 0;
}

/* ---- a whole domain ---- */

static const struct vfa_device *find_source(xmlNodePtr node,
                                            const struct vfa_domxml_source *sources, size_t n)
{
    VFA_AUTO(vfa_xml_freep) xmlChar *hold = NULL;
    const char *request = vfa_xml_request_of(node, &hold);

    for (size_t i = 0; request && i < n; i++) {
        if (strcmp(sources[i].request, request) == 0)
            return sources[i].device;
    }
    return NULL;
}

static int fill_all(xmlNodePtr devices, const struct vfa_domxml_source *sources, size_t n,
                    struct vfa_xml_edit *edits, size_t *ret_n, struct vfa_error *err)
{
    int r = 0;

    *ret_n = 0;
    for (xmlNodePtr node = devices ? devices->children : NULL; node && r == 0; node = node->next) {
        enum vfa_attach_kind kind;
        const struct vfa_device *device =
            vfa_xml_device_kind(node, &kind) ? find_source(node, sources, n) : NULL;

        if (!device)
            continue;
        r = set_source(node, kind, device, err);
        edits[(*ret_n)++] = (struct vfa_xml_edit){.node = node};
    }
    return r;
}

int vfa_domxml_fill(const char *xml, size_t len, const struct vfa_domxml_source *sources, size_t n,
                    char **ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_xml_doc_freep) xmlDocPtr doc = NULL;
    VFA_AUTO(vfa_freep) struct vfa_xml_edit *edits = NULL;
    xmlNodePtr devices;
    size_t n_edits;
    int r = vfa_xml_parse(xml, len, "domain XML", &doc, err);

    if (r < 0)
        return r;
    devices = vfa_xml_child(xmlDocGetRootElement(doc), "devices");
    edits = calloc(xmlChildElementCount(devices) + 1, sizeof(*edits));
    if (!edits)
        return vfa_fail_oom(err);
    r = fill_all(devices, sources, n, edits, &n_edits, err);
    return r < 0 ? r : vfa_xml_splice(xml, len, doc, edits, n_edits, ret, err);
}

/* What stands between an element and the one before it, if that is blank: its indent. */
static const char *indent_of(const xmlNode *node)
{
    const xmlNode *before = node->prev;

    return before && xmlIsBlankNode(before) ? (const char *)before->content : "";
}

int vfa_domxml_set_uuid(const char *xml, size_t len, const char *uuid, char **ret,
                        struct vfa_error *err)
{
    VFA_AUTO(vfa_xml_doc_freep) xmlDocPtr doc = NULL;
    VFA_AUTO(vfa_freep) char *text = NULL;
    struct vfa_xml_edit edit;
    xmlNodePtr name, node;
    int r = vfa_xml_parse(xml, len, "domain XML", &doc, err);

    if (r < 0)
        return r;
    name = vfa_xml_child(xmlDocGetRootElement(doc), "name");
    if (!name)
        return vfa_fail(err, EINVAL, "cannot read domain XML: no <name>");
    if (asprintf(&text, "%s<uuid>%s</uuid>", indent_of(name), uuid) < 0) {
        text = NULL;
        return vfa_fail_oom(err);
    }
    node = xmlNewDocRawNode(doc, NULL, BAD_CAST "uuid", BAD_CAST uuid);
    if (!node || !xmlAddNextSibling(name, node))
        return vfa_fail_oom(err);
    edit = (struct vfa_xml_edit){.node = name, .after = text};
    return vfa_xml_splice(xml, len, doc, &edit, 1, ret, err);
}

static int insert(xmlNodePtr devices, const char *text, struct vfa_error *err)
{
    VFA_AUTO(vfa_xml_doc_freep) xmlDocPtr doc = NULL;
    xmlNodePtr copy;
    int r = vfa_xml_parse(text, strlen(text), "a device", &doc, err);

    if (r < 0)
        return r;
    copy = xmlDocCopyNode(xmlDocGetRootElement(doc), devices->doc, 1);
    if (!copy || !xmlAddChild(devices, copy)) {
        xmlFreeNode(copy);
        return vfa_fail_oom(err);
    }
    return 0;
}

int vfa_domxml_insert(const char *xml, size_t len, char *const *devices, size_t n, char **ret,
                      struct vfa_error *err)
{
    VFA_AUTO(vfa_xml_doc_freep) xmlDocPtr doc = NULL;
    xmlNodePtr parent;
    int r = vfa_xml_parse(xml, len, "domain XML", &doc, err);

    if (r < 0)
        return r;
    parent = vfa_xml_child(xmlDocGetRootElement(doc), "devices");
    if (!parent)
        return vfa_fail(err, EINVAL, "cannot add a device to domain XML: it has no <devices>");
    for (size_t i = 0; i < n && r == 0; i++)
        r = insert(parent, devices[i], err);
    return r < 0 ? r : vfa_xml_dump(doc, NULL, ret, err);
}
