/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See xml.h. Only this file configures libxml2 and has it parse and write. */

#include "xml.h"

#include "base/common.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/pci-address.h"
#include "domain.h"

#include <errno.h>
#include <libxml/parser.h>
#include <libxml/xmlerror.h>
#include <libxml/xmlmemory.h>
#include <pthread.h>
#include <string.h>

static void parser_free(xmlParserCtxtPtr *ctxt)
{
    xmlFreeParserCtxt(*ctxt);
}

/* Without this handler libxml2 prints a message when an allocation fails. */
static VFA_PRINTF(2, 3) void say_nothing(void *unused, const char *fmt, ...)
{
}

/* If an allocation fails, libxml2 may leave out an attribute or a namespace without any error.
 * Allocations are watched so that no request is lost that way. */
static _Thread_local bool no_memory;

static void *watched_malloc(size_t size)
{
    void *p = malloc(size);

    no_memory = no_memory || !p;
    return p;
}

static void *watched_realloc(void *old, size_t size)
{
    void *p = realloc(old, size);

    no_memory = no_memory || (!p && size);
    return p;
}

static char *watched_strdup(const char *text)
{
    char *copy = strdup(text);

    no_memory = no_memory || !copy;
    return copy;
}

bool vfa_xml_out_of_memory(void)
{
    return no_memory;
}

static void init_libxml(void)
{
    xmlMemSetup(free, watched_malloc, watched_realloc, watched_strdup);
    xmlInitParser();
}

int vfa_xml_parse(const char *xml, size_t len, const char *what, xmlDocPtr *ret,
                  struct vfa_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    VFA_AUTO(parser_free) xmlParserCtxtPtr ctxt = NULL;
    VFA_AUTO(vfa_xml_doc_freep) xmlDocPtr doc = NULL;

    if (len > VFA_DOMXML_MAX)
        return vfa_fail(err, EINVAL, "cannot read %s: larger than %u bytes", what, VFA_DOMXML_MAX);
    no_memory = false;
    xmlSetGenericErrorFunc(NULL, say_nothing); /* of this thread */
    pthread_once(&once, init_libxml);
    ctxt = xmlNewParserCtxt();
    if (!ctxt)
        return vfa_fail_oom(err);
    doc = xmlCtxtReadMemory(ctxt, xml, (int)len, NULL, NULL,
                            XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (!doc) {
        const xmlError *why = xmlCtxtGetLastError(ctxt);
        int length = why && why->message ? (int)strcspn(why->message, "\n") : 0;

        if (why && why->code == XML_ERR_NO_MEMORY)
            return vfa_fail_oom(err);
        return vfa_fail(err, EINVAL, "cannot read %s: line %d: %.*s", what, why ? why->line : 0,
                        length ? length : 10, length ? why->message : "not XML at all");
    }
    if (doc->intSubset)
        return vfa_fail(err, EINVAL, "cannot read %s: it has a document type declaration", what);
    if (!xmlDocGetRootElement(doc))
        return vfa_fail(err, EINVAL, "cannot read %s: it is empty", what);
    *ret = vfa_steal(&doc);
    return 0;
}

bool vfa_xml_is_plain(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && !node->ns &&
           strcmp((const char *)node->name, name) == 0;
}

bool vfa_xml_is_ours(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && node->ns && node->ns->href &&
           strcmp((const char *)node->ns->href, VFA_NS) == 0 &&
           strcmp((const char *)node->name, name) == 0;
}

xmlNodePtr vfa_xml_child(xmlNodePtr node, const char *name)
{
    for (xmlNodePtr child = node ? node->children : NULL; child; child = child->next) {
        if (vfa_xml_is_plain(child, name))
            return child;
    }
    return NULL;
}

xmlChar *vfa_xml_attr(const xmlNode *node, const char *name)
{
    return node ? xmlGetNoNsProp((xmlNodePtr)node, BAD_CAST name) : NULL;
}

bool vfa_xml_attr_u32(const xmlNode *node, const char *name, uint32_t max, uint32_t *ret)
{
    VFA_AUTO(vfa_xml_freep) xmlChar *text = vfa_xml_attr(node, name);
    const char *s = (const char *)text;

    if (!s)
        return false;
    return (strncmp(s, "0x", 2) == 0 ? vfa_parse_hex(s, max, ret) : vfa_parse_u32(s, max, ret)) ==
           0;
}

bool vfa_xml_attr_is(const xmlNode *node, const char *name, const char *value)
{
    VFA_AUTO(vfa_xml_freep) xmlChar *text = vfa_xml_attr(node, name);

    return text && strcmp((const char *)text, value) == 0;
}

bool vfa_xml_pci_address(const xmlNode *node, struct vfa_pci_addr *ret)
{
    uint32_t bus, slot, function;

    ret->domain = 0; /* libvirt's default */
    vfa_xml_attr_u32(node, "domain", UINT32_MAX, &ret->domain);
    if (!vfa_xml_attr_u32(node, "bus", 0xff, &bus) ||
        !vfa_xml_attr_u32(node, "slot", 0x1f, &slot) ||
        !vfa_xml_attr_u32(node, "function", 7, &function))
        return false;
    ret->bus = (uint8_t)bus;
    ret->slot = (uint8_t)slot;
    ret->function = (uint8_t)function;
    return true;
}

xmlNodePtr vfa_xml_add(xmlNodePtr parent, const char *name)
{
    return parent ? xmlNewChild(parent, NULL, BAD_CAST name, NULL) : NULL;
}

bool vfa_xml_set(xmlNodePtr node, const char *name, const char *value)
{
    return node && xmlSetProp(node, BAD_CAST name, BAD_CAST value);
}

bool vfa_xml_set_default(xmlNodePtr node, const char *name, const char *value)
{
    return node && (xmlHasNsProp(node, BAD_CAST name, NULL) || vfa_xml_set(node, name, value));
}

static bool set_hex(xmlNodePtr node, const char *name, int digits, unsigned value)
{
    char text[16];

    snprintf(text, sizeof(text), "0x%0*x", digits, value);
    return vfa_xml_set(node, name, text);
}

bool vfa_xml_set_pci_address(xmlNodePtr node, const struct vfa_pci_addr *addr)
{
    return set_hex(node, "domain", 4, addr->domain) && set_hex(node, "bus", 2, addr->bus) &&
           set_hex(node, "slot", 2, addr->slot) && set_hex(node, "function", 1, addr->function);
}

xmlNodePtr vfa_xml_next(xmlNodePtr node, const xmlNode *top)
{
    if (node->type == XML_ELEMENT_NODE && node->children)
        return node->children;
    while (node != top && !node->next)
        node = node->parent;
    return node == top ? NULL : node->next;
}

/* libxml2 writes names of namespaces without escapes (xmlNsDumpOutput(), seen with 2.9.14). The
 * result would not be well-formed. */
static int check_namespaces(xmlNodePtr top, struct vfa_error *err)
{
    for (xmlNodePtr node = top; node; node = vfa_xml_next(node, top)) {
        for (xmlNsPtr ns = node->type == XML_ELEMENT_NODE ? node->nsDef : NULL; ns; ns = ns->next) {
            if (ns->href && strpbrk((const char *)ns->href, "<&"))
                return vfa_fail(err, EINVAL, "cannot write XML with the namespace '%s'",
                                (const char *)ns->href);
        }
    }
    return 0;
}

int vfa_xml_dump(xmlDocPtr doc, xmlNodePtr node, char **ret, struct vfa_error *err)
{
    xmlNodePtr top = node ? node : xmlDocGetRootElement(doc);
    xmlBufferPtr buffer;
    int r = check_namespaces(top, err);

    if (r < 0)
        return r;
    buffer = xmlBufferCreate();
    r = buffer ? xmlNodeDump(buffer, doc, top, 0, 0) : -1;
    if (r >= 0)
        *ret = strdup((const char *)xmlBufferContent(buffer));
    xmlBufferFree(buffer);
    return r < 0 || !*ret ? vfa_fail_oom(err) : 0;
}

const char *vfa_xml_request_of(xmlNodePtr device, xmlChar **hold)
{
    const char *text;

    *hold = vfa_xml_attr(vfa_xml_child(device, "alias"), "name");
    text = (const char *)*hold;
    if (!text || strncmp(text, VFA_DEVICE_PREFIX, strlen(VFA_DEVICE_PREFIX)) != 0)
        return NULL;
    return text + strlen(VFA_DEVICE_PREFIX);
}
