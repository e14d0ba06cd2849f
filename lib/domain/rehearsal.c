/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes the XML of a rehearsal: a domain with the requests of another domain. `vfalias migrate`
 * creates it on the destination host, where the hook says whether the other domain would be served.
 * It never runs.
 *
 * The XML contains what the choice of devices depends on (identity, requests, labelled ports, place
 * on the host), and the machine and the emulator, without which libvirt fails before it runs the
 * hook. It contains no disk, interface or firmware: the destination could lack them.
 */

#include "base/bitset.h"
#include "base/common.h"
#include "base/error.h"
#include "domain.h"
#include "domxml.h"
#include "private.h"
#include "xml.h"

#define LIST_SIZE 1024

static xmlNodePtr add_text_element(xmlNodePtr parent, const char *name, const char *text)
{
    return parent ? xmlNewTextChild(parent, NULL, BAD_CAST name, BAD_CAST text) : NULL;
}

/* Appends a copy of `from`, which may be NULL, to `to`. */
static bool copy_child(xmlNodePtr from, xmlNodePtr to)
{
    xmlNodePtr node = from && to ? xmlDocCopyNode(from, to->doc, 1) : NULL;

    if (!node && from)
        return false;
    if (node && !xmlAddChild(to, node)) {
        xmlFreeNode(node);
        return false;
    }
    return true;
}

static bool add_identity(xmlNodePtr root, xmlNodePtr from, const struct vfa_domain *domain)
{
    VFA_AUTO(vfa_xml_freep) xmlChar *type = vfa_xml_attr(from, "type");

    return (!type || vfa_xml_set(root, "type", (const char *)type)) &&
           add_text_element(root, "name", domain->name) &&
           (!*domain->uuid || add_text_element(root, "uuid", domain->uuid));
}

/* Copies <requests> and adds the attribute that makes the domain a rehearsal. */
static bool copy_requests(xmlNodePtr root, xmlNodePtr from, enum vfa_rehearsal kind)
{
    xmlNodePtr metadata = vfa_xml_add(root, "metadata"), old = vfa_xml_child(from, "metadata");
    xmlNodePtr requests = NULL;

    for (xmlNodePtr node = old ? old->children : NULL; node; node = node->next) {
        if (vfa_xml_is_ours(node, "requests"))
            requests = node;
    }
    if (requests)
        return copy_child(requests, metadata) &&
               vfa_xml_set(metadata->children, VFA_XML_REHEARSAL, vfa_xml_rehearsal_name(kind));
    requests = vfa_xml_add(metadata, "requests");
    if (!requests)
        return false;
    xmlSetNs(requests, xmlNewNs(requests, BAD_CAST VFA_NS, BAD_CAST VFA_NS_PREFIX));
    return vfa_xml_set(requests, VFA_XML_REHEARSAL, vfa_xml_rehearsal_name(kind));
}

static bool add_place(xmlNodePtr root, const struct vfa_domain *domain)
{
    xmlNodePtr vcpu, memory;
    char list[LIST_SIZE];

    memory = add_text_element(root, "memory", "16384");
    vcpu = add_text_element(root, "vcpu", "1");
    if (!vfa_xml_set(memory, "unit", "KiB") || !vcpu)
        return false;
    if (!vfa_bitset_empty(&domain->pinned_cpus) &&
        !vfa_xml_set(vcpu, "cpuset", vfa_bitset_format(&domain->pinned_cpus, list, sizeof(list))))
        return false;
    if (vfa_bitset_empty(&domain->numa_nodes))
        return true;
    memory = vfa_xml_add(vfa_xml_add(root, "numatune"), "memory");
    return vfa_xml_set(memory, "mode", "strict") &&
           vfa_xml_set(memory, "nodeset",
                       vfa_bitset_format(&domain->numa_nodes, list, sizeof(list)));
}

/* Without these elements libvirt adds a USB controller and a memory balloon. */
static bool add_absent(xmlNodePtr devices)
{
    xmlNodePtr usb = vfa_xml_add(devices, "controller");

    return vfa_xml_set(usb, "type", "usb") && vfa_xml_set(usb, "model", "none") &&
           vfa_xml_set(vfa_xml_add(devices, "memballoon"), "model", "none");
}

static bool add_devices(xmlNodePtr root, xmlNodePtr from)
{
    xmlNodePtr devices = vfa_xml_add(root, "devices"), old = vfa_xml_child(from, "devices");
    bool ok = copy_child(vfa_xml_child(old, "emulator"), devices) && add_absent(devices);

    for (xmlNodePtr node = old ? old->children : NULL; node && ok; node = node->next) {
        if (vfa_xml_is_plain(node, "controller") && vfa_xml_attr_is(node, "type", "pci"))
            ok = copy_child(node, devices);
    }
    return ok;
}

static bool build_rehearsal(xmlNodePtr root, xmlNodePtr from, const struct vfa_domain *domain,
                            enum vfa_rehearsal kind)
{
    return add_identity(root, from, domain) && copy_requests(root, from, kind) &&
           add_place(root, domain) &&
           copy_child(vfa_xml_child(vfa_xml_child(from, "os"), "type"), vfa_xml_add(root, "os")) &&
           add_devices(root, from);
}

int vfa_domxml_rehearsal(const char *xml, size_t len, enum vfa_rehearsal kind, char **ret,
                         struct vfa_error *err)
{
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    VFA_AUTO(vfa_xml_doc_freep) xmlDocPtr from = NULL;
    VFA_AUTO(vfa_xml_doc_freep) xmlDocPtr doc = NULL;
    xmlNodePtr root;
    int r = vfa_domxml_parse(xml, len, &domain, err);

    if (r == 0)
        r = vfa_xml_parse(xml, len, "domain XML", &from, err);
    if (r < 0)
        return r;
    doc = xmlNewDoc(BAD_CAST "1.0");
    root = doc ? xmlNewDocNode(doc, NULL, BAD_CAST "domain", NULL) : NULL;
    if (!root)
        return vfa_fail_oom(err);
    xmlDocSetRootElement(doc, root);
    if (!build_rehearsal(root, xmlDocGetRootElement(from), domain, kind))
        return vfa_fail_oom(err);
    return vfa_xml_dump(doc, NULL, ret, err);
}
