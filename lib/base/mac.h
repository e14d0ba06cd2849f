/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * MAC addresses: parses them, and derives an address for a request that names none. The derived
 * address depends only on the domain's UUID and the request's name. So a guest has the same address
 * after each start and on each host, with any VF.
 *
 * Derived addresses are locally administered unicast addresses (IEEE 802: second bit of the first
 * byte set, first bit clear). They begin with 56, so none collides with an address that libvirt
 * generates (52:54:00). The other 40 bits are a hash: with 10,000 derived addresses in one network,
 * the probability that any two are equal is 1 in 20,000.
 */
#ifndef VFA_BASE_MAC_H
#define VFA_BASE_MAC_H

#include "error.h"

#define VFA_MAC_SIZE 18

/* Writes the derived address, "56:xx:xx:xx:xx:xx", to buf. Returns buf. */
const char *vfa_mac_derive(const char *uuid, const char *request, char buf[VFA_MAC_SIZE]);

/* Parses six pairs of hexadecimal digits, separated by colons, and writes them to buf in lower
 * case. -EINVAL: not such a text, or a multicast address, or all zeros. */
int vfa_mac_parse(const char *text, char buf[VFA_MAC_SIZE], struct vfa_error *err);

#endif
