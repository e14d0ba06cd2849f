/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The conflict keys of a device: what a claim of the device holds, so that no claim contradicts
 * another one. A key is a text and a mode. Two claims conflict if they hold the same text, unless
 * both modes are S, or both modes are G and one domain holds both. The schema of the state file has
 * this rule (state/schema.sql); the rooms above know no other.
 *
 *   device                     keys
 *   a VF                       X its identity, S "family PF", G "iommu GROUP"
 *   a PF, any other function   X its identity, X "family ADDRESS", G "iommu GROUP"
 *   a vDPA, mediated device    X its identity, S its maker, S its function, S the function's family
 *   a maker                    the same without S its maker
 *   a bridge                   X its identity
 *
 * So a PF and its VFs exclude each other, and the VFs do not exclude one another. Several devices
 * share the function that they stand on, and keep it from being given away itself. A device without
 * IOMMU group, or one that stays with the host (a macvtap), has no key "iommu". Pure.
 *
 * Source of the rule on IOMMU groups: Documentation/driver-api/vfio.rst of the kernel.
 */
#ifndef VFA_DEVICE_KEYS_H
#define VFA_DEVICE_KEYS_H

#include "base/common.h"
#include "device.h"

/* The letters are in this order: the schema compares them. */
#define VFA_KEY_GUEST     'G' /* any number of claims, all of one domain */
#define VFA_KEY_SHARED    'S' /* any number of claims that share it */
#define VFA_KEY_EXCLUSIVE 'X' /* one claim */

#define VFA_KEYS_MAX 4

struct vfa_key {
    char mode;
    char text[VFA_DEVICE_ID_SIZE + sizeof("family ")];
};

struct vfa_keys {
    struct vfa_key items[VFA_KEYS_MAX];
    size_t n;
};

/* The keys of a device as sysfs shows it; of vfa_device_unknown(), those that its identity tells. */
void vfa_keys_of_device(const struct vfa_device *dev, struct vfa_keys *ret);

/* What a conflict on a key of that text means for a device with the identity `id`. */
enum vfa_key_relation {
    VFA_KEY_SELF,   /* the device itself, or what was made of it */
    VFA_KEY_FAMILY, /* its PF, or its VFs */
    VFA_KEY_GROUP,  /* another device of its IOMMU group */
};
enum vfa_key_relation vfa_key_relation(const char *text, const char *id);

#endif
