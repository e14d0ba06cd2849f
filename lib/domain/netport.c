/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See netport.h. */

#include "netport.h"

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "base/uuid.h"
#include "xml.h"

#include <errno.h>
#include <string.h>

static int read_uuid(xmlNodePtr parent, char *uuid, struct vfa_error *err)
{
    xmlNodePtr node = vfa_xml_child(parent, "uuid");
    VFA_AUTO(vfa_xml_freep) xmlChar *text = node ? xmlNodeGetContent(node) : NULL;

    if (!text)
        return vfa_fail(err, EINVAL, "cannot read network port: a UUID is missing");
    if (!vfa_uuid_parse((const char *)text, uuid))
        return vfa_fail(err, EINVAL, "cannot read network port: '%s' is no UUID",
                        (const char *)text);
    return 0;
}

static int read_owner(xmlNodePtr node, struct vfa_netport *port, struct vfa_error *err)
{
    xmlNodePtr owner = vfa_xml_child(node, "owner");
    xmlNodePtr name = vfa_xml_child(owner, "name");
    VFA_AUTO(vfa_xml_freep) xmlChar *text = name ? xmlNodeGetContent(name) : NULL;
    int r = read_uuid(owner, port->owner_uuid, err);

    if (r < 0)
        return r;
    port->owner = strdup(text ? (const char *)text : port->owner_uuid);
    return port->owner ? 0 : vfa_fail_oom(err);
}

static void read_source(xmlNodePtr address, struct vfa_netport *port)
{
    struct vfa_pci_addr addr;

    if (vfa_xml_pci_address(address, &addr))
        vfa_pci_addr_format(&addr, port->source);
}

static int read_port(xmlNodePtr node, struct vfa_netport *port, struct vfa_error *err)
{
    xmlNodePtr plug = vfa_xml_child(node, "plug");
    int r;

    if (!node)
        return vfa_fail(err, EINVAL, "cannot read network port: no <networkport>");
    r = read_uuid(node, port->uuid, err);
    if (r == 0)
        r = read_owner(node, port, err);
    if (r == 0 && vfa_xml_attr_is(plug, "type", "hostdev-pci"))
        read_source(vfa_xml_child(plug, "address"), port);
    return r;
}

static xmlNodePtr port_element(xmlDocPtr doc)
{
    xmlNodePtr root = xmlDocGetRootElement(doc);

    return vfa_xml_is_plain(root, "networkport") ? root : vfa_xml_child(root, "networkport");
}

int vfa_netport_parse(const char *xml, size_t len, struct vfa_netport **ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_xml_doc_freep) xmlDocPtr doc = NULL;
    VFA_AUTO(vfa_netport_freep) struct vfa_netport *port = NULL;
    int r = vfa_xml_parse(xml, len, "network port", &doc, err);

    if (r < 0)
        return r;
    port = calloc(1, sizeof(*port));
    if (!port)
        return vfa_fail_oom(err);
    r = read_port(port_element(doc), port, err);
    if (r == 0)
        *ret = vfa_steal(&port);
    return r;
}

struct vfa_netport *vfa_netport_free(struct vfa_netport *port)
{
    if (!port)
        return NULL;
    free(port->owner);
    free(port);
    return NULL;
}
