/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See attribute.h.
 *
 * Refused are names that can lead out of the device's folder, and attributes that make, remove or
 * move devices, or that reach the device past its driver. Source of the attributes:
 * Documentation/ABI/testing/sysfs-bus-pci, sysfs-bus-vfio-mdev and sysfs-uevent of the kernel.
 */

#include "attribute.h"

#include "base/common.h"

#include <fnmatch.h>
#include <string.h>

void vfa_attributes_free(struct vfa_attribute *attributes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(attributes[i].name);
        free(attributes[i].value);
    }
    free(attributes);
}

bool vfa_attributes_same(const struct vfa_attribute *a, size_t n_a, const struct vfa_attribute *b,
                         size_t n_b)
{
    bool same = n_a == n_b;

    for (size_t i = 0; same && i < n_a; i++)
        same = strcmp(a[i].name, b[i].name) == 0 && strcmp(a[i].value, b[i].value) == 0;
    return same;
}

/* Whether text[0..len) is a name that a file below the folder can have. */
static bool is_component(const char *text, size_t len)
{
    return len > 0 && strncmp(text, ".", len) != 0 && strncmp(text, "..", len) != 0;
}

static bool is_below_folder(const char *name)
{
    while (true) {
        size_t len = strcspn(name, "/");

        if (!is_component(name, len))
            return false;
        if (!name[len])
            return true;
        name += len + 1;
    }
}

static bool is_forbidden_attribute(const char *file)
{
    static const char *const patterns[] = {"remove", "rescan", "create",    "driver_override",
                                           "bind",   "unbind", "new_id",    "remove_id",
                                           "reset",  "enable", "resource*", "sriov_numvfs",
                                           "config", "rom",    "vpd",       "uevent"};

    for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
        if (fnmatch(patterns[i], file, 0) == 0)
            return true;
    }
    return false;
}

const char *vfa_attribute_refusal(const char *name)
{
    const char *slash = strrchr(name, '/');

    if (strlen(name) > VFA_ATTRIBUTE_NAME_MAX)
        return "the name is too long";
    for (const char *p = name; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return "there is a control character in the name";
    }
    if (!is_below_folder(name))
        return "the path of a file below the device's folder is wanted, without '.' and '..'";
    return is_forbidden_attribute(slash ? slash + 1 : name) ? "this attribute is never written"
                                                            : NULL;
}
