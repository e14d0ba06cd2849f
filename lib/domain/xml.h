/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The functions of libxml2 that the readers and editors of domain XML need: safe parsing, reading
 * and setting parts of an element, and writing. No network, no entities, no document type,
 * VFA_DOMXML_MAX bytes. The caller owns documents and texts; nodes belong to their document.
 */
#ifndef VFA_DOMAIN_XML_H
#define VFA_DOMAIN_XML_H

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"

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

/* True if an allocation of libxml2 failed in this thread since the last vfa_xml_parse(). The
 * document may then lack an attribute or a namespace, without any error from libxml2. */
bool vfa_xml_out_of_memory(void);

/* True for an element of that name in our namespace, or (plain) without namespace. */
bool vfa_xml_is_ours(const xmlNode *node, const char *name);
bool vfa_xml_is_plain(const xmlNode *node, const char *name);

/* The first child element of that name without namespace, or NULL. */
xmlNodePtr vfa_xml_child(xmlNodePtr node, const char *name);

/* An attribute without namespace; NULL if absent. xmlFree() it. */
xmlChar *vfa_xml_attr(const xmlNode *node, const char *name);

/* True if the attribute exists and has that value. */
bool vfa_xml_attr_is(const xmlNode *node, const char *name, const char *value);

/* An attribute as unsigned number, decimal or 0x hexadecimal as libvirt writes them; false if it is
 * absent or no such number. */
bool vfa_xml_attr_u32(const xmlNode *node, const char *name, uint32_t max, uint32_t *ret);

/* The PCI address in the attributes of an <address>; false if it names none. NULL is fine. */
bool vfa_xml_pci_address(const xmlNode *node, struct vfa_pci_addr *ret);

/* Appends an empty element in the namespace of its parent. NULL: no memory, or parent is NULL. */
xmlNodePtr vfa_xml_add(xmlNodePtr parent, const char *name);

/* Set an attribute, or those of an <address> that are a PCI address. False: no memory, or node is
 * NULL, so that vfa_xml_add() may be given as node. */
bool vfa_xml_set(xmlNodePtr node, const char *name, const char *value);
bool vfa_xml_set_pci_address(xmlNodePtr node, const struct vfa_pci_addr *addr);

/* The same as vfa_xml_set(), unless the node has the attribute. */
bool vfa_xml_set_default(xmlNodePtr node, const char *name, const char *value);

/* The node after `node` in document order, below `top`; NULL: there is none. */
xmlNodePtr vfa_xml_next(xmlNodePtr node, const xmlNode *top);

/* Serialises a node, or (node NULL) the document without its XML declaration; free() *ret. -EINVAL:
 * libxml2 cannot write it. */
int vfa_xml_dump(xmlDocPtr doc, xmlNodePtr node, char **ret, struct vfa_error *err);

/* The NAME in a device's user alias ua-vf-NAME, or NULL. It points into *hold, which the caller
 * frees with xmlFree() in either case. */
const char *vfa_xml_request_of(xmlNodePtr device, xmlChar **hold);

#endif
