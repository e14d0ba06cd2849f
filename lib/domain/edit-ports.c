/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Adds ports for hot-plug to a domain's XML, and adds and removes labels, which keep a port for a
 * request. Ports can be added only to machines with a PCIe root.
 */

#include "base/common.h"
#include "base/error.h"
#include "spec/spec.h"
#include "domain.h"
#include "domxml.h"
#include "xml.h"

#include <errno.h>

/* NULL: no memory. */
static xmlNodePtr new_port(xmlNodePtr devices, unsigned index)
{
    xmlNodePtr port = vfa_xml_add(devices, "controller");
    char text[16];

    snprintf(text, sizeof(text), "%u", index);
    return vfa_xml_set(port, "type", "pci") && vfa_xml_set(port, "index", text) &&
                   vfa_xml_set(port, "model", "pcie-root-port")
               ? port
               : NULL;
}

static bool set_label(xmlNodePtr port, const char *request)
{
    char *label = NULL;
    bool ok = asprintf(&label, "%s%s", VFA_SLOT_PREFIX, request) >= 0 &&
              vfa_xml_set(vfa_xml_add(port, "alias"), "name", label);

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

/* The <alias> of the controller with that label, or NULL. */
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
