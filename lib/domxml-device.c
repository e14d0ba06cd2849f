/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The device element that is attached for a request: the request's own template or a plain one,
 * with source, managed and user alias filled in. Whatever else the template says stays.
 */
#include "domxml-private.h"

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

static bool set_source(xmlNodePtr device, const struct vfa_pci_addr *addr, bool interface)
{
    xmlNodePtr address;

    remove_children(device, "source");
    address = add(add(device, "source"), "address");
    return (!interface || set(address, "type", "pci")) && set_address(address, addr);
}

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

static bool set_port(xmlNodePtr device, const struct vfa_port *port)
{
    const struct vfa_pci_addr guest = {.bus = (uint8_t)port->index};
    xmlNodePtr address;

    remove_children(device, "address");
    address = add(device, "address");
    return set(address, "type", "pci") && set_address(address, &guest);
}

static bool set_kind(xmlNodePtr device, bool interface)
{
    if (interface)
        return set(device, "type", "hostdev") && set(device, "managed", "yes");
    return set(device, "mode", "subsystem") && set(device, "type", "pci") &&
           set(device, "managed", "yes");
}

static int start(const struct vfa_request *request, enum vfa_attach_kind kind, xmlDocPtr *ret,
                 struct vfa_error *err)
{
    const char *text = request->template_xml;

    if (!text)
        text = kind == VFA_ATTACH_INTERFACE ? "<interface/>" : "<hostdev/>";
    return vfa_xml_parse(text, strlen(text), "the element of a request", ret, err);
}

int vfa_domxml_device(const struct vfa_request *request, enum vfa_attach_kind kind,
                      const struct vfa_pci_addr *source, const struct vfa_port *port, char **ret,
                      struct vfa_error *err)
{
    VFA_AUTO(vfa_xml_doc_freep) xmlDocPtr doc = NULL;
    xmlNodePtr device;
    bool interface;
    int r = start(request, kind, &doc, err);

    if (r < 0)
        return r;
    device = xmlDocGetRootElement(doc);
    interface = vfa_xml_is_plain(device, "interface");
    if (!set_kind(device, interface) || !set_source(device, source, interface) ||
        !set_alias(device, request->name) || (port && !set_port(device, port)))
        return vfa_fail_oom(err);
    return vfa_xml_dump(doc, NULL, ret, err);
}
