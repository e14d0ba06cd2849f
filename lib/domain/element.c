/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Device elements of requests: makes the element that is attached for a request, and sets the
 * sources of elements in a domain's XML.
 *
 * A request's template, or a bare element, gets source, managed and user alias. It also gets what
 * its kind needs, an interface also a MAC address and the defaults of the alias, where the template
 * has none. Everything else in the template stays.
 */

#include "base/common.h"
#include "base/error.h"
#include "base/mac.h"
#include "base/pci-address.h"
#include "device/device.h"
#include "device/vf-settings.h"
#include "spec/spec.h"
#include "domain.h"
#include "domxml.h"
#include "element-kind.h"
#include "private.h"
#include "xml.h"

#include <errno.h>
#include <string.h>

/* Removes all children of that name: libvirt reads the first, and ours is appended. */
static void remove_children(xmlNodePtr node, const char *name)
{
    xmlNodePtr child;

    while ((child = vfa_xml_child(node, name))) {
        xmlUnlinkNode(child);
        xmlFreeNode(child);
    }
}

/* ---- the source ---- */

/* Moves the first child of that name to the end and removes the others. */
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

/* Of several sources the first counts. It keeps everything but its address. */
static int set_source(xmlNodePtr element, const struct vfa_element_kind *kind,
                      const struct vfa_device *device, const struct vfa_alias *alias, bool managed,
                      struct vfa_error *err)
{
    xmlNodePtr source = only_child(element, "source");
    int r;

    if (!source)
        source = vfa_xml_add(element, "source");
    if (source)
        remove_children(source, "address");
    r = kind->write_source(source, device, alias, err);
    if (r < 0)
        return r;
    if (kind->managed && !vfa_xml_set(element, "managed", managed ? "yes" : "no"))
        return vfa_fail_oom(err);
    return 0;
}

/* ---- what depends on the request ---- */

static bool set_alias(xmlNodePtr device, const char *request)
{
    char *name = NULL;
    bool ok;

    remove_children(device, "alias");
    ok = asprintf(&name, "%s%s", VFA_DEVICE_PREFIX, request) >= 0 &&
         vfa_xml_set(vfa_xml_add(device, "alias"), "name", name);
    free(name);
    return ok;
}

/* A disk can be on a bus of its own. */
static bool is_on_pci(xmlNodePtr device)
{
    VFA_AUTO(vfa_xml_freep) xmlChar *bus = vfa_xml_attr(vfa_xml_child(device, "target"), "bus");

    return !bus || strcmp((const char *)bus, "virtio") == 0;
}

/* A guest address in the template is replaced only by that of a labelled port: every port without a
 * label is as good as the port that the template names. */
static bool set_port(xmlNodePtr device, const struct vfa_port *port)
{
    const struct vfa_pci_addr guest = {.bus = (uint8_t)port->index};
    xmlNodePtr address = vfa_xml_child(device, "address");

    if (!is_on_pci(device) || (address && !port->label))
        return true;
    remove_children(device, "address");
    address = vfa_xml_add(device, "address");
    return vfa_xml_set(address, "type", "pci") && vfa_xml_set_pci_address(address, &guest);
}

static bool set_type(xmlNodePtr device, const struct vfa_element_kind *kind)
{
    return (!kind->mode || vfa_xml_set(device, "mode", kind->mode)) &&
           vfa_xml_set(device, "type", kind->type);
}

static bool set_mac(xmlNodePtr device, const struct vfa_domain *domain, const char *request)
{
    char mac[VFA_MAC_SIZE];

    return vfa_xml_child(device, "mac") || vfa_xml_set(vfa_xml_add(device, "mac"), "address",
                                                       vfa_mac_derive(domain->uuid, request, mac));
}

static bool set_vlan_element(xmlNodePtr device, const struct vfa_request *request,
                             const struct vfa_alias *alias)
{
    struct vfa_vf_settings settings;
    char id[16];

    vfa_request_settings(request, alias, &settings);
    if (settings.values[VFA_VF_VLAN] == 0 || vfa_xml_child(device, "vlan"))
        return true;
    snprintf(id, sizeof(id), "%u", (unsigned)settings.values[VFA_VF_VLAN]);
    return vfa_xml_set(vfa_xml_add(vfa_xml_add(device, "vlan"), "tag"), "id", id);
}

static bool set_profile(xmlNodePtr device, const struct vfa_alias *alias)
{
    xmlNodePtr port;

    if (!alias->profileid || vfa_xml_child(device, "virtualport"))
        return true;
    port = vfa_xml_add(device, "virtualport");
    return vfa_xml_set(port, "type", "802.1Qbh") &&
           vfa_xml_set(vfa_xml_add(port, "parameters"), "profileid", alias->profileid);
}

static bool set_model(xmlNodePtr device, const char *model)
{
    return !model || vfa_xml_child(device, "model") ||
           vfa_xml_set(vfa_xml_add(device, "model"), "type", model);
}

static bool set_nic(xmlNodePtr device, const struct vfa_element_kind *kind,
                    const struct vfa_domain *domain, const struct vfa_request *request,
                    const struct vfa_alias *alias)
{
    if (!vfa_attach_facts(kind->attach)->nic)
        return true;
    return set_mac(device, domain, request->name) && set_vlan_element(device, request, alias) &&
           set_profile(device, alias) && set_model(device, kind->model);
}

/* The template of the request, or the bare element. */
static int begin_element(const struct vfa_request *request, const struct vfa_element_kind *kind,
                         xmlDocPtr *ret, struct vfa_error *err)
{
    const char *text = request->template_xml;
    char bare[32];

    snprintf(bare, sizeof(bare), "<%s/>", kind->element);
    if (!text)
        text = bare;
    return vfa_xml_parse(text, strlen(text), "the element of a request", ret, err);
}

int vfa_domxml_device(const struct vfa_domain *domain, const struct vfa_request *request,
                      const struct vfa_alias *alias, const struct vfa_device *device, bool managed,
                      const struct vfa_port *port, char **ret, struct vfa_error *err)
{
    const struct vfa_element_kind *kind = vfa_element_kind(vfa_request_attach(request, alias));
    VFA_AUTO(vfa_xml_doc_freep) xmlDocPtr doc = NULL;
    xmlNodePtr element;
    int r = begin_element(request, kind, &doc, err);

    if (r < 0)
        return r;
    element = xmlDocGetRootElement(doc);
    r = set_source(element, kind, device, alias, managed, err);
    if (r < 0)
        return r;
    if (!set_type(element, kind) ||
        (kind->complete && !kind->complete(element, domain, request->name)) ||
        !set_nic(element, kind, domain, request, alias) || !set_alias(element, request->name) ||
        (port && !set_port(element, port)))
        return vfa_fail_oom(err);
    return vfa_xml_dump(doc, NULL, ret, err);
}

int vfa_domxml_summarize(const struct vfa_domain *domain, const struct vfa_request *request,
                         const struct vfa_alias *alias, struct vfa_element_summary *ret,
                         struct vfa_error *err)
{
    const struct vfa_element_kind *kind = vfa_element_kind(vfa_request_attach(request, alias));
    VFA_AUTO(vfa_xml_doc_freep) xmlDocPtr doc = NULL;
    VFA_AUTO(vfa_xml_freep) xmlChar *mac = NULL;
    xmlNodePtr element;
    uint32_t vlan = 0;
    int r = begin_element(request, kind, &doc, err);

    if (r < 0)
        return r;
    element = xmlDocGetRootElement(doc);
    if (!set_nic(element, kind, domain, request, alias))
        return vfa_fail_oom(err);
    mac = vfa_xml_attr(vfa_xml_child(element, "mac"), "address");
    vfa_xml_attr_u32(vfa_xml_child(vfa_xml_child(element, "vlan"), "tag"), "id", UINT16_MAX, &vlan);
    *ret = (struct vfa_element_summary){.element = kind->element, .vlan = vlan};
    snprintf(ret->mac, sizeof(ret->mac), "%s", mac ? (const char *)mac : "");
    return 0;
}

/* ---- a whole domain ---- */

static const struct vfa_domxml_source *
find_source(xmlNodePtr node, const struct vfa_domxml_source *sources, size_t n)
{
    VFA_AUTO(vfa_xml_freep) xmlChar *hold = NULL;
    const char *request = vfa_xml_request_of(node, &hold);

    for (size_t i = 0; request && i < n; i++) {
        if (strcmp(sources[i].request, request) == 0)
            return &sources[i];
    }
    return NULL;
}

static int fill_all(xmlNodePtr devices, const struct vfa_domxml_source *sources, size_t n,
                    struct vfa_xml_edit *edits, size_t *ret_n, struct vfa_error *err)
{
    int r = 0;

    *ret_n = 0;
    for (xmlNodePtr node = devices ? devices->children : NULL; node && r == 0; node = node->next) {
        const struct vfa_element_kind *kind = vfa_element_kind_of(node);
        const struct vfa_domxml_source *source = kind ? find_source(node, sources, n) : NULL;

        if (!source || !source->device)
            continue;
        r = set_source(node, kind, source->device, NULL, source->managed, err);
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

/* The indent of an element: the blank text in front of it. */
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

static int insert_element(xmlNodePtr devices, const char *text, struct vfa_error *err)
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
        r = insert_element(parent, devices[i], err);
    return r < 0 ? r : vfa_xml_dump(doc, NULL, ret, err);
}

static xmlNodePtr find_device_of(xmlNodePtr devices, const char *request)
{
    for (xmlNodePtr node = devices ? devices->children : NULL; node; node = node->next) {
        VFA_AUTO(vfa_xml_freep) xmlChar *hold = NULL;
        const char *name = vfa_xml_request_of(node, &hold);

        if (name && strcmp(name, request) == 0)
            return node;
    }
    return NULL;
}

int vfa_domxml_remove_device(const char *xml, size_t len, const char *request, char **ret,
                             struct vfa_error *err)
{
    VFA_AUTO(vfa_xml_doc_freep) xmlDocPtr doc = NULL;
    xmlNodePtr node;
    int r = vfa_xml_parse(xml, len, "domain XML", &doc, err);

    if (r < 0)
        return r;
    node = find_device_of(vfa_xml_child(xmlDocGetRootElement(doc), "devices"), request);
    if (!node)
        return vfa_fail(err, ENOENT, "cannot remove device '%s%s': the domain does not have it",
                        VFA_DEVICE_PREFIX, request);
    xmlUnlinkNode(node);
    xmlFreeNode(node);
    return vfa_xml_dump(doc, NULL, ret, err);
}
