/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Edits the <requests> element for `vfalias request`. Each result is checked by
 * vfa_xml_read_requests(), so that the rules are in one place.
 */

#include "base/common.h"
#include "base/error.h"
#include "base/tags.h"
#include "device/vf-settings.h"
#include "spec/spec.h"
#include "domain.h"
#include "domxml.h"
#include "element-kind.h"
#include "private.h"
#include "xml.h"

#include <errno.h>
#include <string.h>

static int parse_requests(const char *requests, xmlDocPtr *ret, struct vfa_error *err)
{
    const char *text = requests ? requests : "<requests/>";
    int r = vfa_xml_parse(text, strlen(text), "requests", ret, err);
    xmlNodePtr root;

    if (r < 0)
        return r;
    root = xmlDocGetRootElement(*ret);
    if (!vfa_xml_is_plain(root, "requests") && !vfa_xml_is_ours(root, "requests"))
        return vfa_fail(err, EINVAL, "cannot read requests: the element is '%s'",
                        (const char *)root->name);
    return 0;
}

/* Checks an edited element as a whole by reading it. */
static int check_edited(xmlDocPtr doc, struct vfa_error *err)
{
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = calloc(1, sizeof(*domain));

    if (!domain)
        return vfa_fail_oom(err);
    return vfa_xml_read_requests(xmlDocGetRootElement(doc), domain, err);
}

static int set_tag_attributes(xmlNodePtr node, const struct vfa_tags *tags, struct vfa_error *err)
{
    for (size_t i = 0; tags && i < tags->n; i++) {
        const char *key = tags->items[i].key;

        if (vfa_xml_is_request_attribute(key) || strcmp(key, "xmlns") == 0 ||
            xmlValidateNCName(BAD_CAST key, 0) != 0)
            return vfa_fail(err, EINVAL,
                            "cannot add request: no attribute for a tag can be called '%s'", key);
        if (!vfa_xml_set(node, key, tags->items[i].value))
            return vfa_fail_oom(err);
    }
    return 0;
}

static bool add_with(xmlNodePtr parent, const char *name, const char *attr, const char *value)
{
    return vfa_xml_set(vfa_xml_add(parent, name), attr, value);
}

static bool add_teaming(xmlNodePtr parent, const char *persistent)
{
    xmlNodePtr node = vfa_xml_add(parent, "teaming");

    return vfa_xml_set(node, "type", "transient") && vfa_xml_set(node, "persistent", persistent);
}

static bool add_profile(xmlNodePtr parent, const char *profileid)
{
    xmlNodePtr node = vfa_xml_add(parent, "virtualport");

    return vfa_xml_set(node, "type", "802.1Qbh") &&
           add_with(node, "parameters", "profileid", profileid);
}

/* Adds <interface> without source and user alias: vfa_domxml_device() adds these. */
static int add_interface(xmlNodePtr request, const struct vfa_request_interface *interface,
                         struct vfa_error *err)
{
    const struct vfa_element_kind *kind = vfa_element_kind(interface->kind);
    xmlNodePtr node = vfa_xml_add(request, "interface");
    bool ok = kind ? vfa_xml_set(node, "type", kind->type) : node != NULL;
    char vlan[16];

    snprintf(vlan, sizeof(vlan), "%u", interface->vlan);
    if (interface->mac)
        ok = ok && add_with(node, "mac", "address", interface->mac);
    if (interface->vlan)
        ok = ok && add_with(vfa_xml_add(node, "vlan"), "tag", "id", vlan);
    if (interface->profileid)
        ok = ok && add_profile(node, interface->profileid);
    if (interface->persistent)
        ok = ok && add_teaming(node, interface->persistent);
    return ok ? 0 : vfa_fail_oom(err);
}

static int add_settings_element(xmlNodePtr request, const struct vfa_vf_settings *settings,
                                struct vfa_error *err)
{
    xmlNodePtr node = vfa_xml_add(request, "settings");
    bool ok = node != NULL;

    for (unsigned i = 0; i < VFA_VF_SETTINGS && ok; i++) {
        enum vfa_vf_setting setting = (enum vfa_vf_setting)i;
        char text[VFA_VF_SETTING_SIZE];

        if (vfa_vf_has(settings, setting))
            ok = vfa_xml_set(node, vfa_vf_setting_name(setting),
                             vfa_vf_setting_format(setting, settings->values[i], text));
    }
    return ok ? 0 : vfa_fail_oom(err);
}

static int add_elements(xmlNodePtr request, const struct vfa_request_options *options,
                        struct vfa_error *err)
{
    int r = options->interface ? add_interface(request, options->interface, err) : 0;

    if (r == 0 && options->settings && options->settings->given)
        r = add_settings_element(request, options->settings, err);
    return r;
}

static int set_options(xmlNodePtr node, const struct vfa_request_options *options,
                       struct vfa_error *err)
{
    char count[16];
    bool ok = true;

    snprintf(count, sizeof(count), "%u", options->count);
    if (options->name)
        ok = vfa_xml_set(node, "name", options->name);
    if (options->count != 1)
        ok = ok && vfa_xml_set(node, "count", count);
    if (options->optional)
        ok = ok && vfa_xml_set(node, "optional", "yes");
    if (options->late)
        ok = ok && vfa_xml_set(node, "late", "yes");
    if (options->numa_given)
        ok = ok && vfa_xml_set(node, "numa", vfa_numa_policy_name(options->numa));
    return ok ? set_tag_attributes(node, options->tags, err) : vfa_fail_oom(err);
}

static bool has_request(const struct vfa_domain *domain, const char *name, uint32_t count,
                        uint32_t i)
{
    char numbered[VFA_REQUEST_MAX + 16];

    if (count < 2)
        return vfa_domain_request(domain, name);
    snprintf(numbered, sizeof(numbered), "%s-%u", name, i);
    return vfa_domain_request(domain, numbered);
}

/* A request without a name has one that is derived from its alias, and keeps it: a new request of
 * that name would get its device. */
static int check_new_name(xmlDocPtr doc, const char *name, uint32_t count, struct vfa_error *err)
{
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = calloc(1, sizeof(*domain));
    int r;

    if (!domain)
        return vfa_fail_oom(err);
    r = vfa_xml_read_requests(xmlDocGetRootElement(doc), domain, err);
    for (uint32_t i = 0; r == 0 && i < (count ? count : 1); i++) {
        if (has_request(domain, name, count, i))
            r = vfa_fail(err, EEXIST,
                         "cannot add request '%s': the domain has a request of that name", name);
    }
    return r;
}

int vfa_domxml_requests_add(const char *requests, const char *alias,
                            const struct vfa_request_options *options, char **ret,
                            struct vfa_error *err)
{
    VFA_AUTO(vfa_xml_doc_freep) xmlDocPtr doc = NULL;
    xmlNodePtr root, node;
    int r = parse_requests(requests, &doc, err);

    if (r < 0)
        return r;
    if (options->name)
        r = check_new_name(doc, options->name, options->count, err);
    if (r < 0)
        return r;
    root = xmlDocGetRootElement(doc);
    node = xmlNewChild(root, root->ns, BAD_CAST "request", NULL);
    if (!node || !vfa_xml_set(node, "alias", alias))
        return vfa_fail_oom(err);
    r = set_options(node, options, err);
    if (r == 0)
        r = add_elements(node, options, err);
    if (r == 0)
        r = check_edited(doc, err);
    return r < 0 ? r : vfa_xml_dump(doc, NULL, ret, err);
}

/* Replaces <request> number `element` by one named <request> for each of its devices. */
static int spell_out(xmlNodePtr node, const struct vfa_domain *domain, unsigned element,
                     struct vfa_error *err)
{
    for (size_t i = 0; i < domain->n_requests; i++) {
        xmlNodePtr copy;

        if (domain->requests[i].element != element)
            continue;
        copy = xmlCopyNode(node, 1);
        if (!copy)
            return vfa_fail_oom(err);
        xmlAddPrevSibling(node, copy);
        xmlUnsetProp(copy, BAD_CAST "count");
        if (!vfa_xml_set(copy, "name", domain->requests[i].name))
            return vfa_fail_oom(err);
    }
    xmlUnlinkNode(node);
    xmlFreeNode(node);
    return 0;
}

/* Writes the names of all requests of an alias into the XML, so that a removal renames no other
 * request. */
static int pin_names(xmlDocPtr doc, const char *alias, struct vfa_error *err)
{
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = calloc(1, sizeof(*domain));
    xmlNodePtr root = xmlDocGetRootElement(doc), next;
    unsigned element = 0;
    int r;

    if (!domain)
        return vfa_fail_oom(err);
    r = vfa_xml_read_requests(root, domain, err);
    for (xmlNodePtr node = root->children; node && r == 0; node = next) {
        next = node->next;
        if (node->type != XML_ELEMENT_NODE)
            continue;
        if (vfa_xml_attr_is(node, "alias", alias))
            r = spell_out(node, domain, element, err);
        element++;
    }
    return r;
}

/* Removes the elements whose attribute has that value; returns their number. */
static size_t remove_where(xmlNodePtr root, const char *attr, const char *value)
{
    xmlNodePtr next;
    size_t n = 0;

    for (xmlNodePtr node = root->children; node; node = next) {
        next = node->next;
        if (node->type != XML_ELEMENT_NODE || !vfa_xml_attr_is(node, attr, value))
            continue;
        xmlUnlinkNode(node);
        xmlFreeNode(node);
        n++;
    }
    return n;
}

/* Finds the alias of the request of that name; *ret is NULL if there is no such request. */
static int find_alias_of_request(xmlDocPtr doc, const char *name, char **ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = calloc(1, sizeof(*domain));
    const struct vfa_request *request;
    int r;

    if (!domain)
        return vfa_fail_oom(err);
    r = vfa_xml_read_requests(xmlDocGetRootElement(doc), domain, err);
    if (r < 0)
        return r;
    request = vfa_domain_request(domain, name);
    *ret = request ? strdup(request->alias) : NULL;
    return request && !*ret ? vfa_fail_oom(err) : 0;
}

int vfa_domxml_requests_remove(const char *requests, const char *what, char **ret,
                               struct vfa_error *err)
{
    VFA_AUTO(vfa_xml_doc_freep) xmlDocPtr doc = NULL;
    VFA_AUTO(vfa_freep) char *alias = NULL;
    xmlNodePtr root;
    size_t n;
    int r = parse_requests(requests, &doc, err);

    if (r == 0)
        r = find_alias_of_request(doc, what, &alias, err);
    if (r == 0 && alias)
        r = pin_names(doc, alias, err);
    if (r < 0)
        return r;
    root = xmlDocGetRootElement(doc);
    n = remove_where(root, alias ? "name" : "alias", what);
    if (n == 0)
        return vfa_fail(err, ENOENT, "cannot remove request '%s': no request or alias of that name",
                        what);
    *ret = NULL;
    return xmlFirstElementChild(root) ? vfa_xml_dump(doc, NULL, ret, err) : 0;
}

/* ---- in a whole domain ---- */

static void remove_requests(xmlNodePtr metadata)
{
    xmlNodePtr next;

    for (xmlNodePtr node = metadata->children; node; node = next) {
        next = node->next;
        if (!vfa_xml_is_ours(node, "requests"))
            continue;
        xmlUnlinkNode(node);
        xmlFreeNode(node);
    }
}

/* As virDomainSetMetadata() does it. */
static void put_into_namespace(xmlNodePtr top, xmlNsPtr ns)
{
    for (xmlNodePtr node = top; node; node = vfa_xml_next(node, top)) {
        if (node->type == XML_ELEMENT_NODE && !node->ns)
            xmlSetNs(node, ns);
    }
}

static bool add_requests(xmlNodePtr metadata, xmlNodePtr requests)
{
    xmlNodePtr copy = metadata ? xmlDocCopyNode(requests, metadata->doc, 1) : NULL;
    xmlNsPtr ns =
        copy && !copy->ns ? xmlNewNs(copy, BAD_CAST VFA_NS, BAD_CAST VFA_NS_PREFIX) : NULL;

    if (!copy || !xmlAddChild(metadata, copy)) {
        xmlFreeNode(copy);
        return false;
    }
    if (ns)
        put_into_namespace(copy, ns);
    return copy->ns;
}

int vfa_domxml_set_requests(const char *xml, size_t len, const char *requests, char **ret,
                            struct vfa_error *err)
{
    VFA_AUTO(vfa_xml_doc_freep) xmlDocPtr doc = NULL;
    VFA_AUTO(vfa_xml_doc_freep) xmlDocPtr from = NULL;
    xmlNodePtr root, metadata;
    int r = parse_requests(requests, &from, err);

    if (r == 0)
        r = vfa_xml_parse(xml, len, "domain XML", &doc, err);
    if (r < 0)
        return r;
    root = xmlDocGetRootElement(doc);
    metadata = vfa_xml_child(root, "metadata");
    if (!metadata)
        metadata = vfa_xml_add(root, "metadata");
    else
        remove_requests(metadata);
    if (!add_requests(metadata, xmlDocGetRootElement(from)) || vfa_xml_out_of_memory())
        return vfa_fail_oom(err);
    return vfa_xml_dump(doc, NULL, ret, err);
}
