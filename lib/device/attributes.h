/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Attributes of a device: names and values of files below its folder in sysfs. Pure: which names
 * and values are allowed, when two values are equal, and the text form for the state file.
 * attribute-file.h reads and writes the files.
 *
 * A name is relative to the folder: "reset_method", "nvidia/current_vgpu_type". A value has no
 * newline at its end.
 */
#ifndef VFA_DEVICE_ATTRIBUTES_H
#define VFA_DEVICE_ATTRIBUTES_H

#include "base/common.h"
#include "base/error.h"

#define VFA_ATTRIBUTES_MAX      32   /* of an alias */
#define VFA_ATTRIBUTE_NAME_MAX  255  /* bytes */
#define VFA_ATTRIBUTE_VALUE_MAX 4095 /* sysfs takes a page, 4096 bytes, with the newline */

struct vfa_attribute {
    char *name;
    char *value;
};
struct vfa_attributes { /* no name twice; all zero: empty */
    struct vfa_attribute *items;
    size_t n;
};
/* Frees the list with its texts; the list is empty then. */
void vfa_attributes_clear(struct vfa_attributes *attributes);

/* Frees `n` attributes and their array. */
void vfa_attributes_free(struct vfa_attribute *items, size_t n);

/* Returns why an attribute of this name is never written for a guest (static text, for the end of a
 * message: "it acts on the device instead of keeping a value"), or NULL: it is allowed. A name is
 * printable ASCII without blanks, has no "." or ".." between slashes and no slash at an end, and is
 * none of the files in the table of this module. */
const char *vfa_attribute_refusal(const char *name);

/* Returns why a configuration cannot have this value (static text), or NULL: it can. */
const char *vfa_attribute_value_refusal(const char *value);

/* Whether two values say the same. Blanks and newlines at the ends do not count, and several in a
 * row count as one blank. Of a list with one word in brackets, the word counts, which is the one
 * that is selected ("none [mq-deadline]": Documentation/block/switching-sched.rst of the kernel).
 * Whole numbers are compared as numbers, decimal or with 0x. All else is compared as text. */
bool vfa_attribute_same(const char *a, const char *b);

/* Writes what has to be written to a file so that it shows this value again: the selected word of a
 * list, else the value without blanks at its ends. `ret` has strlen(value) + 1 bytes. */
void vfa_attribute_to_write(const char *value, char *ret);

/* The attribute of that name, or NULL. Borrowed. */
const struct vfa_attribute *vfa_attributes_find(const struct vfa_attributes *attributes,
                                                const char *name);

/* Sets an attribute; a new name goes to the end. Does not check it. -ENOMEM. */
int vfa_attributes_set(struct vfa_attributes *attributes, const char *name, const char *value,
                       struct vfa_error *err);

/* Each attribute in `over` replaces the one in `attributes`, or is added. -ENOMEM. */
int vfa_attributes_merge(struct vfa_attributes *attributes, const struct vfa_attributes *over,
                         struct vfa_error *err);

/* Whether both have the same names and texts, in the same order. */
bool vfa_attributes_same(const struct vfa_attribute *a, size_t n_a, const struct vfa_attribute *b,
                         size_t n_b);

/* The text form: a line "NAME VALUE" for each attribute, printable ASCII only; other bytes and the
 * backslash are \xHH. format sets *ret to NULL if there are none, else free() it. read takes NULL
 * for none; it checks no names, and returns -EINVAL if the text has another form. Clear *ret with
 * vfa_attributes_clear(). */
int vfa_attributes_format(const struct vfa_attributes *attributes, char **ret,
                          struct vfa_error *err);
int vfa_attributes_read(const char *text, struct vfa_attributes *ret, struct vfa_error *err);

#endif
