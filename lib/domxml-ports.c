/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Places for hot-plug. On PCIe machines (q35, aarch64 virt) a device is hot-plugged into an empty
 * root port or switch downstream port; on i440fx into any free slot of pci-root or a pci-bridge.
 * Rules: https://libvirt.org/pci-hotplug.html.
 */
#include "domxml-private.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define SLOTS_PER_BUS 32

/* Which slots of which bus have a device. */
struct usage {
    uint32_t slots[256];
};

static void note_address(xmlNodePtr device, struct usage *usage)
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
    struct vfa_port *more;
    int r;

    if (vfa_xml_attr_is(vfa_xml_child(controller, "target"), "hotplug", "off"))
        return 0;
    more = realloc(domain->ports, (domain->n_ports + 1) * sizeof(*more));
    if (!more)
        return vfa_fail_oom(err);
    domain->ports = more;
    r = read_label(controller, &port.label, err);
    if (r == 0)
        domain->ports[domain->n_ports++] = port;
    return r;
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

char *vfa_domxml_alias_of_name(const char *name)
{
    const char *dash = strrchr(name, '-');
    bool numbered =
        dash && dash != name && dash[1] && strspn(dash + 1, "0123456789") == strlen(dash + 1);

    return numbered ? strndup(name, (size_t)(dash - name)) : strdup(name);
}

/* A labelled port for which nobody asked in the metadata asks by itself. */
static int request_of_port(const struct vfa_port *port, struct vfa_domain *domain,
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
        note_address(node, &usage);
    for (xmlNodePtr node = devices ? devices->children : NULL; node && r == 0; node = node->next) {
        if (vfa_xml_is_plain(node, "controller") && vfa_xml_attr_is(node, "type", "pci"))
            r = read_controller(node, &usage, &models, domain, err);
    }
    domain->pcie = models.pcie;
    if (!models.pci && !models.pcie)
        domain->free_slots = UINT_MAX; /* no PCI topology told: libvirt knows, we do not */
    for (size_t i = 0; i < domain->n_ports && r == 0 && !domain->bad_requests; i++)
        r = request_of_port(&domain->ports[i], domain, err);
    return r;
}

static const struct vfa_port *empty_port(const struct vfa_domain *domain, const char *label)
{
    for (size_t i = 0; i < domain->n_ports; i++) {
        const struct vfa_port *port = &domain->ports[i];

        if (port->used || !port->label != !label)
            continue;
        if (!label || strcmp(port->label, label) == 0)
            return port;
    }
    return NULL;
}

static bool has_labels(const struct vfa_domain *domain)
{
    for (size_t i = 0; i < domain->n_ports; i++) {
        if (domain->ports[i].label && !domain->ports[i].used)
            return true;
    }
    return false;
}

const struct vfa_port *vfa_domain_port(const struct vfa_domain *domain, const char *request)
{
    const struct vfa_port *port = empty_port(domain, request);

    if (port || !has_labels(domain))
        return port;
    return empty_port(domain, NULL);
}

unsigned vfa_domain_missing_ports(const struct vfa_domain *domain)
{
    unsigned need = 0, have = domain->free_slots;

    for (size_t i = 0; i < domain->n_requests; i++) {
        const char *name = domain->requests[i].name;

        if (!vfa_domain_device(domain, name) && !empty_port(domain, name))
            need++;
    }
    if (domain->pcie) {
        have = 0;
        for (size_t i = 0; i < domain->n_ports; i++)
            have += !domain->ports[i].used && !domain->ports[i].label;
    }
    return need > have ? need - have : 0;
}

/* ---- adding ports ---- */

static xmlNodePtr new_port(xmlNodePtr devices, unsigned index)
{
    xmlNodePtr port = xmlNewChild(devices, NULL, BAD_CAST "controller", NULL);
    char text[16];

    snprintf(text, sizeof(text), "%u", index);
    if (!port || !xmlSetProp(port, BAD_CAST "type", BAD_CAST "pci") ||
        !xmlSetProp(port, BAD_CAST "index", BAD_CAST text) ||
        !xmlSetProp(port, BAD_CAST "model", BAD_CAST "pcie-root-port"))
        return NULL;
    return port;
}

static bool set_label(xmlNodePtr port, const char *request)
{
    xmlNodePtr alias = xmlNewChild(port, NULL, BAD_CAST "alias", NULL);
    char *label = NULL;
    bool ok = alias && asprintf(&label, "%s%s", VFA_SLOT_PREFIX, request) >= 0 &&
              xmlSetProp(alias, BAD_CAST "name", BAD_CAST label);

    free(label);
    return ok;
}

static int add_ports(const char *xml, size_t len, unsigned n, const char *label, char **ret,
                     struct vfa_error *err)
{
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    VFA_AUTO(vfa_xml_doc_freep) xmlDocPtr doc = NULL;
    xmlNodePtr devices;
    int r = vfa_domxml_parse(xml, len, &domain, err);

    if (r == 0)
        r = vfa_xml_parse(xml, len, "domain XML", &doc, err);
    if (r < 0)
        return r;
    devices = vfa_xml_child(xmlDocGetRootElement(doc), "devices");
    if (!devices || !domain->pcie)
        return vfa_fail(err, ENOTSUP,
                        "cannot add ports to domain '%s': its machine has no PCIe root",
                        domain->name);
    for (unsigned i = 1; i <= n; i++) {
        xmlNodePtr port = new_port(devices, domain->max_controller + i);

        if (!port || (label && !set_label(port, label)))
            return vfa_fail_oom(err);
    }
    return vfa_xml_dump(doc, NULL, ret, err);
}

int vfa_domxml_add_ports(const char *xml, size_t len, unsigned n, char **ret, struct vfa_error *err)
{
    return add_ports(xml, len, n, NULL, ret, err);
}

int vfa_domxml_add_labelled_port(const char *xml, size_t len, const char *request, char **ret,
                                 struct vfa_error *err)
{
    if (!vfa_alias_name_ok(request))
        return vfa_fail(err, EINVAL, "cannot label a port '%s': only A-Za-z0-9_- are allowed",
                        request);
    return add_ports(xml, len, 1, request, ret, err);
}

/* The <alias> by which a controller is labelled for the request, or NULL. */
static xmlNodePtr find_label(xmlNodePtr devices, const char *label)
{
    for (xmlNodePtr node = devices ? devices->children : NULL; node; node = node->next) {
        xmlNodePtr alias = vfa_xml_child(node, "alias");

        if (alias && vfa_xml_is_plain(node, "controller") && vfa_xml_attr_is(alias, "name", label))
            return alias;
    }
    return NULL;
}

int vfa_domxml_remove_label(const char *xml, size_t len, const char *request, char **ret,
                            struct vfa_error *err)
{
    VFA_AUTO(vfa_xml_doc_freep) xmlDocPtr doc = NULL;
    VFA_AUTO(vfa_freep) char *label = NULL;
    xmlNodePtr alias;
    int r = vfa_xml_parse(xml, len, "domain XML", &doc, err);

    if (r < 0)
        return r;
    if (asprintf(&label, "%s%s", VFA_SLOT_PREFIX, request) < 0) {
        label = NULL;
        return vfa_fail_oom(err);
    }
    alias = find_label(vfa_xml_child(xmlDocGetRootElement(doc), "devices"), label);
    if (!alias)
        return vfa_fail(err, ENOENT, "cannot remove the label '%s': no port has it", label);
    xmlUnlinkNode(alias);
    xmlFreeNode(alias);
    return vfa_xml_dump(doc, NULL, ret, err);
}
