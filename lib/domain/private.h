/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Functions that the readers and editors of domain XML share, in addition to domxml.h. */
#ifndef VFA_DOMAIN_PRIVATE_H
#define VFA_DOMAIN_PRIVATE_H

#include "base/common.h"
#include "base/error.h"
#include "domain.h"

#include <libxml/tree.h>

/* One edit of a document's text. after NULL: the element is replaced by its present state. Else the
 * text of the element stays, and `after` is written behind it. The element must have the same
 * position among its siblings as in the text. */
struct vfa_xml_edit {
    xmlNodePtr node;
    const char *after;
};

/* Applies edits, sorted in document order, to the text that `doc` was parsed from. If that is not
 * possible (encodings other than UTF-8), writes all of `doc` in its present state. free() *ret. */
int vfa_xml_splice(const char *text, size_t len, xmlDocPtr doc, const struct vfa_xml_edit *edits,
                   size_t n, char **ret, struct vfa_error *err);

/* The attribute of <requests> that makes a domain a rehearsal, and its value for a kind of
 * rehearsal; NULL for VFA_REHEARSAL_NONE. */
#define VFA_XML_REHEARSAL "rehearsal"
const char *vfa_xml_rehearsal_name(enum vfa_rehearsal kind);

/* Appends the requests of a <requests> element. */
int vfa_xml_read_requests(xmlNodePtr node, struct vfa_domain *domain, struct vfa_error *err);

/* Appends a copy of a request. -EINVAL: its name exists already, or VFA_REQUEST_MAX is reached. */
int vfa_xml_add_request(struct vfa_domain *domain, const struct vfa_request *request,
                        struct vfa_error *err);

/* True if <request> has an attribute of that name. Every other attribute is a tag. */
bool vfa_xml_is_request_attribute(const char *name);

/* The number of the target of a <disk>, from 1: vda, vdb and so on; 0: another name, or none. */
unsigned vfa_xml_disk_number(xmlNodePtr disk);

/* Whether all memory of the domain is shared: libvirt wants that for the disk of a vDPA device. */
bool vfa_xml_has_shared_memory(xmlNodePtr root);

/* Adds what the <disk> of a vDPA block device needs and does not have: driver, and a target that is
 * free in the domain. False: no memory. */
bool vfa_xml_complete_disk(xmlNodePtr disk, const struct vfa_domain *domain, const char *request);

/* Reads the place of the guest on the host: NUMA nodes and CPUs. */
int vfa_xml_read_place(xmlNodePtr root, struct vfa_domain *domain, struct vfa_error *err);

/* Reads the PCI controllers and ports, and which ports are used. A labelled port without a request
 * becomes a request. */
int vfa_xml_read_ports(xmlNodePtr devices, struct vfa_domain *domain, struct vfa_error *err);

#endif
