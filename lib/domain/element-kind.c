/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See element-kind.h. A new kind is a new row here, with two functions for its source. */

#include "element-kind.h"

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "base/uuid.h"
#include "device/device.h"
#include "device/made-name.h"
#include "spec/spec.h"
#include "domain.h"
#include "private.h"
#include "xml.h"

#include <errno.h>
#include <string.h>

/* The source of a placeholder: an address that no host has (libvirt accepts it in definitions). */
#define SENTINEL_DOMAIN 0xffff
#define SENTINEL_BUS    0xff

/* ---- sources that name a PCI address ---- */

static int read_pci_source(xmlNodePtr source, struct vfa_domdev *dev, struct vfa_error *err)
{
    char id[VFA_PCI_ADDR_SIZE];
    struct vfa_pci_addr addr;

    if (!vfa_xml_pci_address(vfa_xml_child(source, "address"), &addr) ||
        (addr.domain == SENTINEL_DOMAIN && addr.bus == SENTINEL_BUS))
        return 0;
    dev->source = strdup(vfa_pci_addr_format(&addr, id));
    return dev->source ? 0 : vfa_fail_oom(err);
}

static int write_hostdev_source(xmlNodePtr source, const struct vfa_device *device,
                                const struct vfa_alias *alias, struct vfa_error *err)
{
    return vfa_xml_set_pci_address(vfa_xml_add(source, "address"), &device->addr)
               ? 0
               : vfa_fail_oom(err);
}

/* The source address of an interface needs a type; that of a hostdev has none. */
static int write_interface_source(xmlNodePtr source, const struct vfa_device *device,
                                  const struct vfa_alias *alias, struct vfa_error *err)
{
    xmlNodePtr address = vfa_xml_add(source, "address");

    return vfa_xml_set(address, "type", "pci") && vfa_xml_set_pci_address(address, &device->addr)
               ? 0
               : vfa_fail_oom(err);
}

/* ---- sources that are one attribute: a netdev, a path, a bridge ---- */

static int read_attribute_source(xmlNodePtr source, const char *name, struct vfa_domdev *dev,
                                 struct vfa_error *err)
{
    VFA_AUTO(vfa_xml_freep) xmlChar *value = vfa_xml_attr(source, name);

    if (!value || !*value)
        return 0;
    dev->source = strdup((const char *)value);
    return dev->source ? 0 : vfa_fail_oom(err);
}

static int read_dev_source(xmlNodePtr source, struct vfa_domdev *dev, struct vfa_error *err)
{
    return read_attribute_source(source, "dev", dev, err);
}

static int read_bridge_source(xmlNodePtr source, struct vfa_domdev *dev, struct vfa_error *err)
{
    return read_attribute_source(source, "bridge", dev, err);
}

static int write_netdev_source(xmlNodePtr source, const struct vfa_device *device,
                               const struct vfa_alias *alias, struct vfa_error *err)
{
    if (!device->netdev)
        return vfa_fail(err, ENODEV, "device %s has no netdev for a macvtap", device->id);
    return vfa_xml_set(source, "dev", device->netdev) && vfa_xml_set(source, "mode", "passthrough")
               ? 0
               : vfa_fail_oom(err);
}

static int write_node_source(xmlNodePtr source, const struct vfa_device *device,
                             const struct vfa_alias *alias, struct vfa_error *err)
{
    if (!device->path)
        return vfa_fail(err, ENODEV, "device %s has no node for a vDPA element", device->id);
    return vfa_xml_set(source, "dev", device->path) ? 0 : vfa_fail_oom(err);
}

static int write_bridge_source(xmlNodePtr source, const struct vfa_device *device,
                               const struct vfa_alias *alias, struct vfa_error *err)
{
    const char *bridge = device && device->type == VFA_TYPE_BRIDGE ? device->netdev : NULL;

    if (!bridge && alias)
        bridge = alias->bridge;
    if (!bridge)
        return vfa_fail(err, ENODEV, "no bridge is configured for an interface of type bridge");
    return vfa_xml_set(source, "bridge", bridge) ? 0 : vfa_fail_oom(err);
}

/* ---- mediated devices ---- */

static int read_mdev_source(xmlNodePtr source, struct vfa_domdev *dev, struct vfa_error *err)
{
    VFA_AUTO(vfa_xml_freep) xmlChar *text = vfa_xml_attr(vfa_xml_child(source, "address"), "uuid");
    char uuid[VFA_UUID_SIZE];

    if (!text || !vfa_uuid_parse((const char *)text, uuid))
        return 0;
    if (asprintf(&dev->source, VFA_MDEV_PREFIX "%s", uuid) >= 0)
        return 0;
    dev->source = NULL;
    return vfa_fail_oom(err);
}

static int write_mdev_source(xmlNodePtr source, const struct vfa_device *device,
                             const struct vfa_alias *alias, struct vfa_error *err)
{
    size_t skip = strlen(VFA_MDEV_PREFIX);

    if (strncmp(device->id, VFA_MDEV_PREFIX, skip) != 0)
        return vfa_fail(err, ENODEV, "device %s is no mediated device", device->id);
    return vfa_xml_set(vfa_xml_add(source, "address"), "uuid", device->id + skip)
               ? 0
               : vfa_fail_oom(err);
}

/* libvirt wants the model; the others, vfio-ccw and vfio-ap, are for machines without PCI. */
static bool complete_mdev(xmlNodePtr element, const struct vfa_domain *domain, const char *request)
{
    return vfa_xml_set_default(element, "model", "vfio-pci");
}

/* ---- the table ---- */

static const struct vfa_element_kind kinds[] = {
    {
        .attach = VFA_ATTACH_HOSTDEV,
        .element = "hostdev",
        .type = "pci",
        .mode = "subsystem",
        .untyped = VFA_UNTYPED_DEFAULT,
        .managed = true,
        .read_source = read_pci_source,
        .write_source = write_hostdev_source,
    },
    {
        .attach = VFA_ATTACH_INTERFACE,
        .element = "interface",
        .type = "hostdev",
        .untyped = VFA_UNTYPED_ALIAS,
        .managed = true,
        .read_source = read_pci_source,
        .write_source = write_interface_source,
    },
    {
        /* A macvtap without request needs no claim: it is an upper device of the netdev, which
         * vfa_health_check() finds. libvirt's default model, rtl8139, does not suit a VF. */
        .attach = VFA_ATTACH_MACVTAP,
        .element = "interface",
        .type = "direct",
        .model = "virtio",
        .tagged_only = true,
        .read_source = read_dev_source,
        .write_source = write_netdev_source,
    },
    {
        /* A device without a request is claimed, too: no second guest can have its node. */
        .attach = VFA_ATTACH_VDPA,
        .element = "interface",
        .type = "vdpa",
        .model = "virtio",
        .read_source = read_dev_source,
        .write_source = write_node_source,
    },
    {
        .attach = VFA_ATTACH_VDPA_DISK,
        .element = "disk",
        .type = "vhostvdpa",
        .untyped = VFA_UNTYPED_DEFAULT,
        .complete = vfa_xml_complete_disk,
        .read_source = read_dev_source,
        .write_source = write_node_source,
    },
    {
        /* managed is for PCI devices only. */
        .attach = VFA_ATTACH_MDEV,
        .element = "hostdev",
        .type = "mdev",
        .mode = "subsystem",
        .complete = complete_mdev,
        .read_source = read_mdev_source,
        .write_source = write_mdev_source,
    },
    {
        /* It takes nothing from the host: without request it is of no interest. */
        .attach = VFA_ATTACH_BRIDGE,
        .element = "interface",
        .type = "bridge",
        .model = "virtio",
        .tagged_only = true,
        .read_source = read_bridge_source,
        .write_source = write_bridge_source,
    },
};

const struct vfa_element_kind *vfa_element_kind(enum vfa_attach_kind attach)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (kinds[i].attach == attach)
            return &kinds[i];
    }
    return NULL;
}

const struct vfa_element_kind *vfa_element_kind_of(const xmlNode *node)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (vfa_xml_is_plain(node, kinds[i].element) &&
            vfa_xml_attr_is(node, "type", kinds[i].type))
            return &kinds[i];
    }
    return NULL;
}

static bool has_type(const struct vfa_element_kind *kind, const char *type)
{
    if (!type)
        return kind->untyped != VFA_UNTYPED_NOT;
    return strcmp(type, kind->type) == 0 || (!*type && kind->untyped == VFA_UNTYPED_ALIAS);
}

const struct vfa_element_kind *vfa_element_kind_find(const char *element, const char *type)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (strcmp(element, kinds[i].element) == 0 && has_type(&kinds[i], type))
            return &kinds[i];
    }
    return NULL;
}

bool vfa_element_kind_is_element(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (strcmp(name, kinds[i].element) == 0)
            return true;
    }
    return false;
}
