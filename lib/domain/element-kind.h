/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kinds of device elements: how a device is written in domain XML. One row a kind; a kind
 * without a row is neither read nor written. The readers and editors of this room ask the row and
 * compare no kinds.
 *
 * This header knows libxml2: only lib/domain includes it.
 * Format: https://libvirt.org/formatdomain.html#host-device-assignment, #network-interfaces, and
 * #hard-drives-floppy-disks-cdroms (type vhostvdpa: libvirt 9.8).
 */
#ifndef VFA_DOMAIN_ELEMENT_KIND_H
#define VFA_DOMAIN_ELEMENT_KIND_H

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "spec/spec.h"
#include "domain.h"

#include <libxml/tree.h>

/* How the element of a request is read if it has no type. */
enum vfa_untyped {
    VFA_UNTYPED_NOT,     /* as another kind: this kind needs its type */
    VFA_UNTYPED_DEFAULT, /* as this kind */
    VFA_UNTYPED_ALIAS,   /* as this kind, unless the alias says another; an empty type likewise */
};

struct vfa_element_kind {
    enum vfa_attach_kind attach;
    const char *element; /* name of the element */
    const char *type;    /* its attribute type */
    const char *mode;    /* its attribute mode, which is written only; NULL: none */
    const char *model;   /* of the guest's NIC if the request says none; NULL: it needs none */
    enum vfa_untyped untyped;
    bool managed; /* it has the attribute managed: libvirt binds the device to vfio-pci and back */
    bool tagged_only; /* vfa_domxml_parse() ignores elements without user alias ua-vf-NAME */

    /* Adds what an element of a request needs and its template lacks, in addition to source, type
     * and user alias. NULL: nothing. False: no memory. */
    bool (*complete)(xmlNodePtr element, const struct vfa_domain *domain, const char *request);

    /* Reads <source> (NULL: absent) into dev->source, which is NULL before. 0 or -ENOMEM. */
    int (*read_source)(xmlNodePtr source, struct vfa_domdev *dev, struct vfa_error *err);

    /* Makes <source>, which has no <address>, name the device (NULL: no memory for the element).
     * `device` is NULL if the kind has none; `alias` may be NULL. -ENODEV: the device lacks what such
     * an element names. */
    int (*write_source)(xmlNodePtr source, const struct vfa_device *device,
                        const struct vfa_alias *alias, struct vfa_error *err);
};

/* The row of a kind. There is one for each value of enum vfa_attach_kind; NULL for any other. */
const struct vfa_element_kind *vfa_element_kind(enum vfa_attach_kind attach);

/* The row of an element of a domain, which has a type always; NULL: a device of no such kind. */
const struct vfa_element_kind *vfa_element_kind_of(const xmlNode *node);

/* The row of a request's element of that name and type (NULL: it has none); NULL: no such kind. */
const struct vfa_element_kind *vfa_element_kind_find(const char *element, const char *type);

/* True if an element of that name can be of some kind. */
bool vfa_element_kind_is_element(const char *name);

#endif
