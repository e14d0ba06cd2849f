/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the domxml-*.c files share: safe parsing, and the few tree operations they need. */
#ifndef VFA_DOMXML_PRIVATE_H
#define VFA_DOMXML_PRIVATE_H

#include "domxml.h"

#include <libxml/tree.h>

static inline void vfa_xml_doc_freep(xmlDocPtr *doc)
{
    xmlFreeDoc(*doc);
}

static inline void vfa_xml_freep(xmlChar **text)
{
    xmlFree(*text);
}

/* Parses without network, entities or DTD. `what` names the document in messages. */
int vfa_xml_parse(const char *xml, size_t len, const char *what, xmlDocPtr *ret,
                  struct vfa_error *err);

/* True for an element of that name in our namespace or (plain) in none. */
bool vfa_xml_is_ours(const xmlNode *node, const char *name);
bool vfa_xml_is_plain(const xmlNode *node, const char *name);

/* The first child element of that name without namespace, or NULL. */
xmlNodePtr vfa_xml_child(xmlNodePtr node, const char *name);

/* An attribute without namespace; NULL if absent. xmlFree() it. */
xmlChar *vfa_xml_attr(const xmlNode *node, const char *name);

/* True if the attribute is there and has that value. */
bool vfa_xml_attr_is(const xmlNode *node, const char *name, const char *value);

/* An attribute as unsigned number, decimal or 0x hexadecimal as libvirt writes them; false if it is
 * absent or no such number. */
bool vfa_xml_attr_u32(const xmlNode *node, const char *name, uint32_t max, uint32_t *ret);

/* The PCI address in the attributes of an <address>; false if it names none. NULL is fine. */
bool vfa_xml_pci_address(const xmlNode *node, struct vfa_pci_addr *ret);

/* Serialises a node, or (node NULL) the document without its XML declaration; free() *ret. -EINVAL:
 * libxml2 cannot write it. */
int vfa_xml_dump(xmlDocPtr doc, xmlNodePtr node, char **ret, struct vfa_error *err);

/* One edit of a document's text: the element as it is now, or (after not NULL) as it was in the
 * text and this behind it. Its number among its siblings must not have changed. */
struct vfa_xml_edit {
    xmlNodePtr node;
    const char *after;
};

/* The text that `doc` was made of, edited: the edits are in the order of their elements. The whole
 * of `doc` as it is now stands for it where that cannot be done (other encodings than UTF-8).
 * free() *ret. */
int vfa_xml_splice(const char *text, size_t len, xmlDocPtr doc, const struct vfa_xml_edit *edits,
                   size_t n, char **ret, struct vfa_error *err);

/* What a <hostdev> or <interface> of the field is: false if it is none that a PCI device of the
 * host is behind. */
bool vfa_xml_device_kind(const xmlNode *node, enum vfa_attach_kind *ret);

/* Where a device carries ua-vf-NAME: the NAME, borrowed from *hold (xmlFree() that), else NULL. */
const char *vfa_xml_request_of(xmlNodePtr device, xmlChar **hold);

/* The value of the attribute of <requests> that makes a domain a rehearsal, or NULL. */
#define VFA_XML_REHEARSAL "rehearsal"
const char *vfa_xml_rehearsal_name(enum vfa_rehearsal kind);

/* Appends the requests of a <requests> element (domxml-requests.c). */
int vfa_xml_read_requests(xmlNodePtr node, struct vfa_domain *domain, struct vfa_error *err);

/* Appends one request; takes over nothing. */
int vfa_xml_add_request(struct vfa_domain *domain, const struct vfa_request *request,
                        struct vfa_error *err);

/* True if <request> has an attribute of that name, which therefore is no tag. */
bool vfa_xml_is_request_attribute(const char *name);

/* Where the guest is on the host (domxml-numa.c). */
int vfa_xml_read_place(xmlNodePtr root, struct vfa_domain *domain, struct vfa_error *err);

/* Controllers, ports and which of them are used (domxml-ports.c). */
int vfa_xml_read_ports(xmlNodePtr devices, struct vfa_domain *domain, struct vfa_error *err);

#endif
