/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sets of small numbers: CPUs, NUMA nodes. A set is a plain value; assignment copies it.
 */
#ifndef VFA_BASE_BITSET_H
#define VFA_BASE_BITSET_H

#include "common.h"

#define VFA_BITSET_BITS 8192 /* the largest CONFIG_NR_CPUS in kernels of distributions */

struct vfa_bitset {
    uint64_t words[VFA_BITSET_BITS / 64];
};

void vfa_bitset_add(struct vfa_bitset *set, unsigned bit); /* ignores bits beyond the end */
void vfa_bitset_remove(struct vfa_bitset *set, unsigned bit);
bool vfa_bitset_has(const struct vfa_bitset *set, unsigned bit);
bool vfa_bitset_empty(const struct vfa_bitset *set);
void vfa_bitset_unite(struct vfa_bitset *set, const struct vfa_bitset *more);

/* Returns the lowest member >= `from`, or -1. */
int vfa_bitset_next(const struct vfa_bitset *set, unsigned from);

/* Adds a list such as "0-3,8,^2" in the syntax of sysfs (cpulist) and libvirt (nodeset, cpuset).
 * ^N removes N. Blanks around commas are allowed, as in libvirt. Returns 0, or -EINVAL with *set
 * unchanged. */
int vfa_bitset_parse(const char *text, struct vfa_bitset *set) VFA_MUST_CHECK;

/* Writes "0-3,8" to buf, truncated to `size`. Returns buf. */
char *vfa_bitset_format(const struct vfa_bitset *set, char *buf, size_t size);

#endif
