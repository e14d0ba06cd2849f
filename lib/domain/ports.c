/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads the places for hot-plug. On PCIe machines (q35, aarch64 virt) a device is hot-plugged into
 * an empty root port or switch downstream port; on i440fx into any free slot of pci-root or a
 * pci-bridge. Rules: https://libvirt.org/pci-hotplug.html.
 */

#include "base/array.h"
#include "base/common.h"
#include "base/error.h"
#include "spec/spec.h"
#include "domain.h"
#include "private.h"
#include "xml.h"

#include <limits.h>
#include <string.h>

#define SLOTS_PER_BUS 32

/* The slots of each bus that have a device: one bit a slot. */
struct usage {
    uint32_t slots[256];
};

static void mark_slot_used(xmlNodePtr device, struct usage *usage)
{
    xmlNodePtr address = vfa_xml_child(device, "address");
    uint32_t bus = 0, slot = 0;

    if (!address || !vfa_xml_attr_is(address, "type", "pci") ||
        !vfa_xml_attr_u32(address, "bus", 0xff, &bus))
        return;
    vfa_xml_attr_u32(address, "slot", 0x1f, &slot);
    usage->slots[bus] |= 1u << slot;
}

static int read_label(xmlNodePtr controller, char **ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_xml_freep)
    xmlChar *name = vfa_xml_attr(vfa_xml_child(controller, "alias"), "name");
    const char *text = (const char *)name;

    if (!text || strncmp(text, VFA_SLOT_PREFIX, strlen(VFA_SLOT_PREFIX)) != 0)
        return 0;
    *ret = strdup(text + strlen(VFA_SLOT_PREFIX));
    return *ret ? 0 : vfa_fail_oom(err);
}

static int add_port(xmlNodePtr controller, uint32_t index, const struct usage *usage,
                    struct vfa_domain *domain, struct vfa_error *err)
{
    struct vfa_port port = {.index = index, .used = usage->slots[index & 0xff] != 0};
    struct vfa_port *slot;
    int r;

    if (vfa_xml_attr_is(vfa_xml_child(controller, "target"), "hotplug", "off"))
        return 0;
    slot = vfa_array_grow(&domain->ports, domain->n_ports);
    if (!slot)
        return vfa_fail_oom(err);
    r = read_label(controller, &port.label, err);
    if (r < 0)
        return r;
    *slot = port;
    domain->n_ports++;
    return 0;
}

/* Slot 0 belongs to the host bridge or the bridge's hot-plug controller, slot 1 of bus 0 to the
 * PIIX. */
static unsigned count_slots(uint32_t index, const struct usage *usage)
{
    uint32_t used = usage->slots[index & 0xff] | 1u | (index == 0 ? 2u : 0);

    return (unsigned)__builtin_popcount(~used);
}

struct models {
    bool pcie;
    bool pci;
};

static int read_controller(xmlNodePtr node, const struct usage *usage, struct models *models,
                           struct vfa_domain *domain, struct vfa_error *err)
{
    VFA_AUTO(vfa_xml_freep) xmlChar *text = vfa_xml_attr(node, "model");
    const char *model = text ? (const char *)text : "";
    uint32_t index = 0;

    vfa_xml_attr_u32(node, "index", 0xff, &index);
    if (index > domain->max_controller)
        domain->max_controller = index;
    if (strcmp(model, "pcie-root") == 0)
        models->pcie = true;
    if (strcmp(model, "pci-root") == 0)
        models->pci = true;
    if (strcmp(model, "pci-root") == 0 || strcmp(model, "pci-bridge") == 0)
        domain->free_slots += count_slots(index, usage);
    if (strcmp(model, "pcie-root-port") == 0 || strcmp(model, "pcie-switch-downstream-port") == 0)
        return add_port(node, index, usage, domain, err);
    return 0;
}

/* A labelled port without a request in the metadata is a request itself. */
static int add_port_request(const struct vfa_port *port, struct vfa_domain *domain,
                            struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *alias = NULL;
    struct vfa_request request = {.from_port = true, .element = UINT_MAX};

    if (!port->label || !vfa_alias_name_ok(port->label) || vfa_domain_request(domain, port->label))
        return 0;
    alias = vfa_domxml_alias_of_name(port->label);
    if (!alias)
        return vfa_fail_oom(err);
    request.name = port->label;
    request.alias = alias;
    return vfa_xml_add_request(domain, &request, err);
}

int vfa_xml_read_ports(xmlNodePtr devices, struct vfa_domain *domain, struct vfa_error *err)
{
    struct usage usage = {{0}};
    struct models models = {false, false};
    int r = 0;

    for (xmlNodePtr node = devices ? devices->children : NULL; node; node = node->next)
        mark_slot_used(node, &usage);
    for (xmlNodePtr node = devices ? devices->children : NULL; node && r == 0; node = node->next) {
        if (vfa_xml_is_plain(node, "controller") && vfa_xml_attr_is(node, "type", "pci"))
            r = read_controller(node, &usage, &models, domain, err);
    }
    domain->pcie = models.pcie;
    if (!models.pci && !models.pcie)
        domain->free_slots = UINT_MAX; /* not known: libvirt adds the controllers later */
    for (size_t i = 0; i < domain->n_ports && r == 0 && !domain->bad_requests; i++)
        r = add_port_request(&domain->ports[i], domain, err);
    return r;
}
