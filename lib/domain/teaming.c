/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Teaming pairs of interfaces: a virtio interface that always stays, and a VF that is unplugged for
 * a migration. Both have the same MAC address, and the VF names the virtio interface by its user
 * alias. libvirt checks neither for a VF that is plugged later, so this file does.
 *
 * Source: https://libvirt.org/formatdomain.html#teaming-a-virtio-hostdev-nic-pair
 */

#include "base/common.h"
#include "base/error.h"
#include "base/mac.h"
#include "domxml.h"
#include "xml.h"

#include <errno.h>
#include <string.h>

#define USER_ALIAS_PREFIX "ua-" /* libvirt makes all other aliases, and new ones at each start */

static xmlNodePtr find_interface(xmlNodePtr devices, const char *alias)
{
    for (xmlNodePtr node = devices ? devices->children : NULL; node; node = node->next) {
        if (vfa_xml_is_plain(node, "interface") &&
            vfa_xml_attr_is(vfa_xml_child(node, "alias"), "name", alias))
            return node;
    }
    return NULL;
}

static int check_interface(xmlNodePtr node, const char *alias, struct vfa_error *err)
{
    if (!node)
        return vfa_fail(err, EINVAL, "it has no interface '%s' to team up with", alias);
    if (!vfa_xml_attr_is(vfa_xml_child(node, "teaming"), "type", "persistent"))
        return vfa_fail(err, EINVAL, "its interface '%s' has no <teaming type='persistent'/>",
                        alias);
    if (!vfa_xml_attr_is(vfa_xml_child(node, "model"), "type", "virtio"))
        return vfa_fail(err, EINVAL,
                        "its interface '%s' is not of model virtio, which teaming needs", alias);
    return 0;
}

int vfa_domxml_persistent_mac(const char *xml, size_t len, const char *alias,
                              char ret[VFA_MAC_SIZE], struct vfa_error *err)
{
    VFA_AUTO(vfa_xml_doc_freep) xmlDocPtr doc = NULL;
    VFA_AUTO(vfa_xml_freep) xmlChar *mac = NULL;
    xmlNodePtr node;
    int r;

    if (strncmp(alias, USER_ALIAS_PREFIX, strlen(USER_ALIAS_PREFIX)) != 0)
        return vfa_fail(
            err, EINVAL,
            "'%s' is not a user alias: give the persistent interface an alias that begins with ua-",
            alias);
    r = vfa_xml_parse(xml, len, "domain XML", &doc, err);
    if (r < 0)
        return r;
    node = find_interface(vfa_xml_child(xmlDocGetRootElement(doc), "devices"), alias);
    r = check_interface(node, alias, err);
    if (r < 0)
        return r;
    mac = vfa_xml_attr(vfa_xml_child(node, "mac"), "address");
    return vfa_mac_parse(mac ? (const char *)mac : "", ret, err);
}
