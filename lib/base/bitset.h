/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Small sets of numbers: CPUs, NUMA nodes. A plain value, copied by assignment.
 */
#ifndef VFA_BASE_BITSET_H
#define VFA_BASE_BITSET_H

#include "common.h"

#define VFA_BITSET_BITS 8192 /* CPUs of the largest kernels that distributions build */

struct vfa_bitset {
    uint64_t words[VFA_BITSET_BITS / 64];
};

void vfa_bitset_add(struct vfa_bitset *set, unsigned bit); /* bits beyond the end are left out */
void vfa_bitset_remove(struct vfa_bitset *set, unsigned bit);
bool vfa_bitset_has(const struct vfa_bitset *set, unsigned bit);
bool vfa_bitset_empty(const struct vfa_bitset *set);
void vfa_bitset_unite(struct vfa_bitset *set, const struct vfa_bitset *more);

/* The lowest member that is not below `from`, or -1. */
int vfa_bitset_next(const struct vfa_bitset *set, unsigned from);

/* Adds a list "0-3,8,^2": of sysfs (cpulist) and of libvirt (nodeset, cpuset), where ^N takes out
 * again. Blanks around commas are allowed, as libvirt does. 0 or -EINVAL, then *set is as it was.
 */
int vfa_bitset_parse(const char *text, struct vfa_bitset *set) VFA_MUST_CHECK;

/* "0-3,8" into buf, cut off at its end. Returns buf. */
char *vfa_bitset_format(const struct vfa_bitset *set, char *buf, size_t size);

#endif
