/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads a domain XML: its identity and its devices. vfa_xml_read_requests(), vfa_xml_read_ports()
 * and vfa_xml_read_place() read the rest.
 *
 * Invariant: request names of a parsed domain are unique and fit into a user alias.
 */

#include "base/array.h"
#include "base/bitset.h"
#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "base/uuid.h"
#include "spec/spec.h"
#include "domain.h"
#include "domxml.h"
#include "element-kind.h"
#include "private.h"
#include "xml.h"

#include <errno.h>
#include <string.h>

static int read_child_text(xmlNodePtr root, const char *name, xmlChar **ret)
{
    xmlNodePtr node = vfa_xml_child(root, name);

    *ret = node ? xmlNodeGetContent(node) : NULL;
    return *ret ? 0 : -ENOENT;
}

static int read_identity(xmlNodePtr root, struct vfa_domain *domain, struct vfa_error *err)
{
    VFA_AUTO(vfa_xml_freep) xmlChar *name = NULL;
    VFA_AUTO(vfa_xml_freep) xmlChar *uuid = NULL;

    if (read_child_text(root, "name", &name) < 0 || !*name)
        return vfa_fail(err, EINVAL, "cannot read domain XML: no <name>");
    domain->name = strdup((const char *)name);
    if (!domain->name)
        return vfa_fail_oom(err);
    if (read_child_text(root, "uuid", &uuid) == 0 &&
        !vfa_uuid_parse((const char *)uuid, domain->uuid))
        return vfa_fail(err, EINVAL, "cannot read domain XML: '%s' is no UUID", (const char *)uuid);
    return 0;
}

static int read_nic_mac(xmlNodePtr node, struct vfa_domdev *dev, struct vfa_error *err)
{
    VFA_AUTO(vfa_xml_freep) xmlChar *mac = vfa_xml_attr(vfa_xml_child(node, "mac"), "address");

    dev->mac = mac ? strdup((const char *)mac) : NULL;
    return mac && !dev->mac ? vfa_fail_oom(err) : 0;
}

static int add_device(struct vfa_domain *domain, const struct vfa_domdev *dev,
                      struct vfa_error *err)
{
    struct vfa_domdev *slot = vfa_array_grow(&domain->devices, domain->n_devices);

    if (!slot)
        return vfa_fail_oom(err);
    *slot = *dev;
    domain->n_devices++;
    return 0;
}

static int read_device_element(xmlNodePtr node, struct vfa_domain *domain, struct vfa_error *err)
{
    const struct vfa_element_kind *kind = vfa_element_kind_of(node);
    VFA_AUTO(vfa_xml_freep) xmlChar *hold = NULL;
    VFA_AUTO(vfa_domdev_clear) struct vfa_domdev dev = {.source = NULL};
    const char *request = kind ? vfa_xml_request_of(node, &hold) : NULL;
    int r;

    if (!kind || (!request && kind->tagged_only))
        return 0;
    if (request && !(dev.request = strdup(request)))
        return vfa_fail_oom(err);
    dev.kind = kind->attach;
    dev.transient = vfa_xml_attr_is(vfa_xml_child(node, "teaming"), "type", "transient");
    r = kind->read_source(vfa_xml_child(node, "source"), &dev, err);
    if (r == 0 && vfa_attach_facts(kind->attach)->nic)
        r = read_nic_mac(node, &dev, err);
    if (r == 0)
        r = add_device(domain, &dev, err);
    if (r == 0)
        dev = (struct vfa_domdev){.source = NULL}; /* owned by the domain now */
    return r;
}

static bool domain_has_source(const struct vfa_domain *domain, const char *device)
{
    for (size_t i = 0; i < domain->n_devices; i++) {
        if (vfa_domdev_names(&domain->devices[i], device))
            return true;
    }
    return false;
}

static int add_drive(struct vfa_domain *domain, const char *device, struct vfa_error *err)
{
    VFA_AUTO(vfa_domdev_clear)
    struct vfa_domdev drive = {.kind = VFA_ATTACH_HOSTDEV, .source = strdup(device)};
    int r = drive.source ? add_device(domain, &drive, err) : vfa_fail_oom(err);

    if (r == 0)
        drive = (struct vfa_domdev){.source = NULL}; /* owned by the domain now */
    return r;
}

/* An NVMe drive as source of a disk, at any place of the disk's chain (<backingStore>, <mirror>),
 * is taken from the host like a <hostdev>. Several disks may be namespaces of the same drive: it is
 * listed once. */
static int read_drives(xmlNodePtr disk, struct vfa_domain *domain, struct vfa_error *err)
{
    int r = 0;

    for (xmlNodePtr node = disk; node && r == 0; node = vfa_xml_next(node, disk)) {
        char device[VFA_PCI_ADDR_SIZE];
        struct vfa_pci_addr addr;

        if (vfa_xml_is_plain(node, "source") && vfa_xml_attr_is(node, "type", "pci") &&
            vfa_xml_pci_address(vfa_xml_child(node, "address"), &addr) &&
            !domain_has_source(domain, vfa_pci_addr_format(&addr, device)))
            r = add_drive(domain, device, err);
    }
    return r;
}

static int read_disk(xmlNodePtr disk, struct vfa_domain *domain, struct vfa_error *err)
{
    int r = read_drives(disk, domain, err);

    vfa_bitset_add(&domain->disks, vfa_xml_disk_number(disk));
    return r < 0 ? r : read_device_element(disk, domain, err);
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
        return r < 0 ? vfa_error_move(err, &why) : 0;
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
                                           : read_device_element(node, domain, err);
    if (r == 0)
        r = vfa_xml_read_ports(devices, domain, err);
    domain->shared_memory = vfa_xml_has_shared_memory(root);
    if (r == 0)
        r = vfa_xml_read_place(root, domain, err);
    return r;
}

/* libvirt's status files have <domain> inside <domstatus>. */
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
    if (r == 0 && vfa_xml_out_of_memory())
        r = vfa_fail_oom(err);
    if (r == 0)
        *ret = vfa_steal(&domain);
    return r;
}
