/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads the <requests> element of the metadata.
 *
 * Names: a request without a name is called ALIAS-N. N is the lowest number that no other request
 * of the domain has; requests with names are read first.
 */

#include "base/array.h"
#include "base/common.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/tags.h"
#include "device/vf-settings.h"
#include "spec/spec.h"
#include "domain.h"
#include "element-kind.h"
#include "private.h"
#include "xml.h"

#include <errno.h>
#include <string.h>

/* One <request>: what its devices have in common, and their number. */
struct element {
    struct vfa_request common; /* owns its texts; name is NULL if none is given */
    uint32_t count;
};

static void element_clear(struct element *e)
{
    vfa_request_clear(&e->common);
}

static int copy_request(const struct vfa_request *from, struct vfa_request *to,
                        struct vfa_error *err)
{
    int r = 0;

    *to = *from;
    to->name = strdup(from->name);
    to->alias = strdup(from->alias);
    to->template_xml = from->template_xml ? strdup(from->template_xml) : NULL;
    to->tags = (struct vfa_tags){NULL, 0};
    if (!to->name || !to->alias || (from->template_xml && !to->template_xml))
        r = vfa_fail_oom(err);
    for (size_t i = 0; i < from->tags.n && r == 0; i++)
        r = vfa_tags_set(&to->tags, from->tags.items[i].key, from->tags.items[i].value, err);
    return r;
}

int vfa_xml_add_request(struct vfa_domain *domain, const struct vfa_request *request,
                        struct vfa_error *err)
{
    struct vfa_request *slot;

    if (vfa_domain_request(domain, request->name))
        return vfa_fail(err, EINVAL, "cannot read requests: request '%s' is there twice",
                        request->name);
    if (domain->n_requests == VFA_REQUEST_MAX)
        return vfa_fail(err, EINVAL, "cannot read requests: more than %d devices asked for",
                        VFA_REQUEST_MAX);
    slot = vfa_array_grow(&domain->requests, domain->n_requests);
    if (!slot)
        return vfa_fail_oom(err);
    domain->n_requests++; /* vfa_domain_free() clears what a failing copy has copied */
    return copy_request(request, slot, err);
}

/* ---- attributes ---- */

static int read_alias_attr(struct element *e, const char *value, struct vfa_error *err)
{
    e->common.alias = strdup(value);
    return e->common.alias ? 0 : vfa_fail_oom(err);
}

static int read_name_attr(struct element *e, const char *value, struct vfa_error *err)
{
    e->common.name = strdup(value);
    return e->common.name ? 0 : vfa_fail_oom(err);
}

static int read_count_attr(struct element *e, const char *value, struct vfa_error *err)
{
    if (vfa_parse_u32(value, VFA_REQUEST_MAX, &e->count) < 0 || e->count == 0)
        return vfa_fail(err, EINVAL, "count '%s' is not in 1 to %d", value, VFA_REQUEST_MAX);
    return 0;
}

static int read_bool(const char *name, const char *value, bool *ret, struct vfa_error *err)
{
    return vfa_parse_bool(value, ret) == 0
               ? 0
               : vfa_fail(err, EINVAL, "%s '%s' is neither yes nor no", name, value);
}

static int read_optional_attr(struct element *e, const char *value, struct vfa_error *err)
{
    return read_bool("optional", value, &e->common.optional, err);
}

static int read_late_attr(struct element *e, const char *value, struct vfa_error *err)
{
    return read_bool("late", value, &e->common.late, err);
}

static int read_hold_attr(struct element *e, const char *value, struct vfa_error *err)
{
    e->common.hold_given = true;
    return read_bool("hold", value, &e->common.hold, err);
}

static int read_numa_attr(struct element *e, const char *value, struct vfa_error *err)
{
    e->common.numa_given = true;
    return vfa_numa_policy_parse(value, &e->common.numa) == 0
               ? 0
               : vfa_fail(err, EINVAL, "numa '%s' is none of required, preferred, legacy, socket",
                          value);
}

static const struct {
    const char *name;
    int (*read)(struct element *e, const char *value, struct vfa_error *err);
} attributes[] = {
    {"alias", read_alias_attr},       {"name", read_name_attr}, {"count", read_count_attr},
    {"optional", read_optional_attr}, {"late", read_late_attr}, {"hold", read_hold_attr},
    {"numa", read_numa_attr},
};

bool vfa_xml_is_request_attribute(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
        if (strcmp(name, attributes[i].name) == 0)
            return true;
    }
    return false;
}

/* Every other attribute is a tag that the device must have. vfa_check_requests() (claim/check.h)
 * checks that a device_spec sets such a tag. */
static int read_attribute(struct element *e, const char *name, const char *value,
                          struct vfa_error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
        if (strcmp(name, attributes[i].name) == 0)
            return attributes[i].read(e, value, err);
    }
    return vfa_tags_set(&e->common.tags, name, value, err);
}

static int read_attributes(const xmlNode *node, struct element *e, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int r = 0;

    for (const xmlAttr *attr = node->properties; attr && r == 0; attr = attr->next) {
        VFA_AUTO(vfa_xml_freep) xmlChar *value = vfa_xml_attr(node, (const char *)attr->name);

        if (value)
            r = read_attribute(e, (const char *)attr->name, (const char *)value, &why);
    }
    if (!e->common.alias || !*e->common.alias)
        return vfa_fail(err, EINVAL, "cannot read requests: a request without an alias");
    if (r < 0)
        return vfa_fail(err, -r, "cannot read requests: %s (alias '%s')", vfa_error_text(&why),
                        e->common.alias);
    if (e->common.late && !e->common.optional)
        return vfa_fail(err, EINVAL,
                        "cannot read requests: late is for optional requests only (alias '%s')",
                        e->common.alias);
    return 0;
}

/* ---- the element inside ---- */

static bool is_our_namespace(const xmlNs *ns)
{
    return ns && ns->href && strcmp((const char *)ns->href, VFA_NS) == 0;
}

/* If an attribute exists with and without our prefix, the value without prefix counts. */
static void strip_attributes(xmlNodePtr node)
{
    xmlAttrPtr next;

    for (xmlAttrPtr attr = node->properties; attr; attr = next) {
        next = attr->next;
        if (!is_our_namespace(attr->ns))
            continue;
        if (xmlHasNsProp(node, attr->name, NULL))
            xmlRemoveProp(attr);
        else
            attr->ns = NULL;
    }
}

/* Removes our namespace only: libvirt ignores elements of other namespaces, and must not see them
 * as its own. Moves the declarations to *declared, which the caller frees when no node refers to
 * them. */
static void strip_namespace(xmlNodePtr node, xmlNsPtr *declared)
{
    xmlNsPtr *place = &node->nsDef;

    if (is_our_namespace(node->ns))
        node->ns = NULL;
    strip_attributes(node);
    while (*place) {
        xmlNsPtr ns = *place;

        if (!is_our_namespace(ns)) {
            place = &ns->next;
            continue;
        }
        *place = ns->next;
        ns->next = *declared;
        *declared = ns;
    }
    for (xmlNodePtr child = node->children; child; child = child->next) {
        if (child->type == XML_ELEMENT_NODE)
            strip_namespace(child, declared);
    }
}

/* Reads the kind of the element. An interface without type leaves the kind to the alias. */
static int read_template_kind(xmlNodePtr node, struct element *e, struct vfa_error *err)
{
    VFA_AUTO(vfa_xml_freep) xmlChar *type = vfa_xml_attr(node, "type");
    const char *name = (const char *)node->name, *text = type ? (const char *)type : "";
    const struct vfa_element_kind *kind = vfa_element_kind_find(name, (const char *)type);

    if (!kind)
        return vfa_fail(
            err, EINVAL,
            "cannot read requests: <%s type='%s'> inside a request of alias '%s': vfalias has no devices of this type",
            name, text, e->common.alias);
    e->common.attach_given = *text || kind->untyped != VFA_UNTYPED_ALIAS;
    e->common.attach = kind->attach;
    return 0;
}

/* Reads <settings trust="yes" .../>. The values are checked later, together with those of the
 * alias. */
static int read_settings_element(xmlNodePtr node, struct element *e, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int r = 0;

    if (e->common.settings.given)
        return vfa_fail(err, EINVAL,
                        "cannot read requests: two <settings> inside a request of alias '%s'",
                        e->common.alias);
    for (const xmlAttr *attr = node->properties; attr && r == 0; attr = attr->next) {
        VFA_AUTO(vfa_xml_freep) xmlChar *value = vfa_xml_attr(node, (const char *)attr->name);

        if (value)
            r = vfa_vf_settings_parse(&e->common.settings, (const char *)attr->name,
                                      (const char *)value, &why);
    }
    if (r == 0 && xmlFirstElementChild(node))
        r = vfa_fail(&why, EINVAL, "it has elements inside");
    if (r == 0 && !e->common.settings.given)
        r = vfa_fail(&why, EINVAL, "nothing is set");
    return r < 0 ? vfa_fail(err, EINVAL, "cannot read requests: settings: %s (alias '%s')",
                            vfa_error_text(&why), e->common.alias)
                 : 0;
}

static void note_parts(xmlNodePtr element, struct vfa_request *request)
{
    request->vlan = vfa_xml_child(element, "vlan");
    request->port_profile = vfa_xml_child(element, "virtualport");
    request->disk = vfa_xml_disk_number(element);
}

/* Keeps the element inside a request as text, without our prefix. */
static int read_template(xmlNodePtr node, struct element *e, struct vfa_error *err)
{
    VFA_AUTO(vfa_xml_doc_freep) xmlDocPtr doc = NULL;
    xmlNodePtr copy;
    xmlNsPtr declared = NULL;
    int r;

    if (e->common.template_xml)
        return vfa_fail(err, EINVAL,
                        "cannot read requests: two elements inside a request of alias '%s'",
                        e->common.alias);
    if (!vfa_element_kind_is_element((const char *)node->name))
        return vfa_fail(
            err, EINVAL,
            "cannot read requests: <%s> inside a request of alias '%s', not <hostdev>, <interface>, <disk> or <settings>",
            (const char *)node->name, e->common.alias);
    r = read_template_kind(node, e, err);
    if (r < 0)
        return r;
    doc = xmlNewDoc(BAD_CAST "1.0");
    copy = doc ? xmlDocCopyNode(node, doc, 1) : NULL;
    if (!copy)
        return vfa_fail_oom(err);
    xmlDocSetRootElement(doc, copy);
    strip_namespace(copy, &declared);
    note_parts(copy, &e->common);
    r = vfa_xml_dump(doc, copy, &e->common.template_xml, err);
    xmlFreeNsList(declared);
    return r;
}

static int refuse_request_name(const struct element *e, struct vfa_error *err)
{
    if (e->common.name)
        return vfa_fail(err, EINVAL,
                        "cannot read requests: name '%s' has other characters than A-Za-z0-9_-",
                        e->common.name);
    return vfa_fail(
        err, EINVAL,
        "cannot read requests: alias '%s' has other characters than A-Za-z0-9_-: give the request a name, or ask by the xml_name of the alias",
        e->common.alias);
}

static int read_request_element(xmlNodePtr node, struct element *e, struct vfa_error *err)
{
    int r;

    e->count = 1;
    r = read_attributes(node, e, err);
    if (r < 0)
        return r;
    if (!vfa_alias_name_ok(e->common.name ? e->common.name : e->common.alias))
        return refuse_request_name(e, err);
    for (xmlNodePtr child = node->children; child && r == 0; child = child->next) {
        if (child->type != XML_ELEMENT_NODE)
            continue;
        r = strcmp((const char *)child->name, "settings") == 0
                ? read_settings_element(child, e, err)
                : read_template(child, e, err);
    }
    return r;
}

/* Adds the requests NAME, or NAME-0 .. NAME-(count-1). */
static int add_named(struct vfa_domain *domain, const struct element *e, struct vfa_error *err)
{
    struct vfa_request request = e->common; /* all but the name is borrowed */
    int r = 0;

    for (uint32_t i = 0; i < e->count && r == 0; i++) {
        VFA_AUTO(vfa_freep) char *name = NULL;

        if ((e->count == 1 ? asprintf(&name, "%s", e->common.name)
                           : asprintf(&name, "%s-%u", e->common.name, i)) < 0)
            return vfa_fail_oom(err);
        request.name = name;
        r = vfa_xml_add_request(domain, &request, err);
    }
    return r;
}

static int add_unnamed(struct vfa_domain *domain, const struct element *e, struct vfa_error *err)
{
    struct vfa_request request = e->common; /* all but the name is borrowed */
    unsigned number = 0;
    int r = 0;

    for (uint32_t i = 0; i < e->count && r == 0; i++) {
        VFA_AUTO(vfa_freep) char *name = NULL;

        do {
            free(name);
            if (asprintf(&name, "%s-%u", e->common.alias, number++) < 0) {
                name = NULL;
                return vfa_fail_oom(err);
            }
        } while (vfa_domain_request(domain, name));
        request.name = name;
        r = vfa_xml_add_request(domain, &request, err);
    }
    return r;
}

static bool is_request(const xmlNode *node)
{
    return vfa_xml_is_ours(node, "request") || vfa_xml_is_plain(node, "request");
}

static int read_pass(xmlNodePtr node, bool named, struct vfa_domain *domain, struct vfa_error *err)
{
    unsigned position = 0;
    int r = 0;

    for (xmlNodePtr child = node->children; child && r == 0; child = child->next) {
        VFA_AUTO(element_clear) struct element e = {0};

        if (child->type != XML_ELEMENT_NODE)
            continue;
        if (!is_request(child))
            return vfa_fail(err, EINVAL, "cannot read requests: unknown element '%s'",
                            (const char *)child->name);
        e.common.element = position++;
        r = read_request_element(child, &e, err);
        if (r == 0 && named == !!e.common.name)
            r = named ? add_named(domain, &e, err) : add_unnamed(domain, &e, err);
    }
    return r;
}

/* Sorts by position in the document: the guest gets its devices in that order. */
static void sort_requests(struct vfa_domain *domain)
{
    for (size_t i = 1; i < domain->n_requests; i++) {
        const struct vfa_request request = domain->requests[i];
        size_t to = i;

        while (to > 0 && domain->requests[to - 1].element > request.element)
            to--;
        memmove(&domain->requests[to + 1], &domain->requests[to], (i - to) * sizeof(request));
        domain->requests[to] = request;
    }
}

/* ---- all requests ---- */

static const char *const rehearsals[] = {
    [VFA_REHEARSAL_ASK] = "ask",
    [VFA_REHEARSAL_RESERVE] = "reserve",
    [VFA_REHEARSAL_CANCEL] = "cancel",
};

const char *vfa_xml_rehearsal_name(enum vfa_rehearsal kind)
{
    return rehearsals[kind];
}

static int read_rehearsal(xmlNodePtr node, enum vfa_rehearsal *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_xml_freep) xmlChar *value = vfa_xml_attr(node, VFA_XML_REHEARSAL);

    for (const xmlAttr *attr = node->properties; attr; attr = attr->next) {
        if (strcmp((const char *)attr->name, VFA_XML_REHEARSAL) != 0)
            return vfa_fail(err, EINVAL, "cannot read requests: unknown attribute '%s' of requests",
                            (const char *)attr->name);
    }
    if (!node->properties)
        return 0;
    for (size_t i = VFA_REHEARSAL_ASK; value && i < ARRAY_SIZE(rehearsals); i++) {
        if (strcmp((const char *)value, rehearsals[i]) == 0) {
            *ret = (enum vfa_rehearsal)i;
            return 0;
        }
    }
    return vfa_fail(err, EINVAL,
                    "cannot read requests: rehearsal '%s' is none of ask, reserve, cancel",
                    value ? (const char *)value : "");
}

int vfa_xml_read_requests(xmlNodePtr node, struct vfa_domain *domain, struct vfa_error *err)
{
    int r = read_rehearsal(node, &domain->rehearsal, err);

    if (r < 0)
        return r;
    r = read_pass(node, true, domain, err);
    if (r == 0)
        r = read_pass(node, false, domain, err);
    if (r == 0)
        sort_requests(domain);
    return r;
}
