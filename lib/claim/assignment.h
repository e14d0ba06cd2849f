/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which device was chosen for which request of a domain: a list, and the domain's XML with these
 * devices in it. Decides nothing.
 */
#ifndef VFA_CLAIM_ASSIGNMENT_H
#define VFA_CLAIM_ASSIGNMENT_H

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"

/* A device that was chosen for a request. */
struct vfa_assignment {
    char *request;            /* its name */
    const char *alias;        /* the alias that it was chosen for (of a chain, the rung), or NULL;
                                 borrowed from the configuration */
    struct vfa_device device; /* as sysfs has it */
    bool moved;               /* the XML names another device */
    bool managed;             /* libvirt binds the device: vfa_binding_managed() */
};
struct vfa_assignments {
    struct vfa_assignment *items;
    size_t n;
};
void vfa_assignments_clear(struct vfa_assignments *assignments);
/* The assignment of a request, or NULL. Borrowed. */
const struct vfa_assignment *vfa_assignments_find(const struct vfa_assignments *assignments,
                                                  const char *request);

/* Appends a copy of an assignment, which borrows its request; takes its device over on success. */
int vfa_assignments_add(struct vfa_assignments *assignments, struct vfa_assignment *assignment,
                        struct vfa_error *err);

/* The domain's XML with the moved devices as sources of its elements: see vfa_domxml_fill(). */
int vfa_assignments_fill(const struct vfa_assignments *assignments, const char *xml, size_t len,
                         char **ret, struct vfa_error *err);

#endif
