/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Attributes of a device in sysfs that an alias has written for its guests: which names are
 * allowed. Pure. Whether a name leads out of the device's folder by a link, only the writer can see.
 */
#ifndef VFA_SPEC_ATTRIBUTE_H
#define VFA_SPEC_ATTRIBUTE_H

#include "base/common.h"

#define VFA_ATTRIBUTES_MAX      32   /* of an alias */
#define VFA_ATTRIBUTE_NAME_MAX  255  /* bytes */
#define VFA_ATTRIBUTE_VALUE_MAX 4095 /* bytes: the kernel takes one page, and ends it with a NUL */

struct vfa_attribute {
    char *name;  /* relative to the folder of the device: "nvidia/current_vgpu_type" */
    char *value; /* written as it is, in one write() */
};

/* Frees the array and what it owns. */
void vfa_attributes_free(struct vfa_attribute *attributes, size_t n);

bool vfa_attributes_same(const struct vfa_attribute *a, size_t n_a, const struct vfa_attribute *b,
                         size_t n_b);

/* Returns why an attribute of this name is never written for a guest (static text, for the end of a
 * message), or NULL: it is allowed. */
const char *vfa_attribute_refusal(const char *name);

#endif
