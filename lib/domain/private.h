/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the readers and editors of domain XML have of each other, besides domxml.h. */
#ifndef VFA_DOMAIN_PRIVATE_H
#define VFA_DOMAIN_PRIVATE_H

#include "base/common.h"
#include "base/error.h"
#include "domain.h"

#include <libxml/tree.h>

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

/* The value of the attribute of <requests> that makes a domain a rehearsal, or NULL. */
#define VFA_XML_REHEARSAL "rehearsal"
const char *vfa_xml_rehearsal_name(enum vfa_rehearsal kind);

/* Appends the requests of a <requests> element. */
int vfa_xml_read_requests(xmlNodePtr node, struct vfa_domain *domain, struct vfa_error *err);

/* Appends one request; takes over nothing. */
int vfa_xml_add_request(struct vfa_domain *domain, const struct vfa_request *request,
                        struct vfa_error *err);

/* True if <request> has an attribute of that name, which therefore is no tag. */
bool vfa_xml_is_request_attribute(const char *name);

/* Where the guest is on the host. */
int vfa_xml_read_place(xmlNodePtr root, struct vfa_domain *domain, struct vfa_error *err);

/* Controllers, ports and which of them are used. */
int vfa_xml_read_ports(xmlNodePtr devices, struct vfa_domain *domain, struct vfa_error *err);

#endif
