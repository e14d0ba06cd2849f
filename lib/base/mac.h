/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * MAC addresses: reading them, and making one for a request that gives none. That one is derived
 * from the domain's UUID and the request's name, so that a guest finds the same address after each
 * start and on each host, whichever VF it gets.
 *
 * They are locally administered unicast addresses (IEEE 802: second bit of the first byte set,
 * first bit clear) that begin with 56, so that none collides with those that libvirt makes
 * (52:54:00). The other 40 bits are a hash: with 10,000 of them on one network the odds that any
 * two agree are 1 to 20,000.
 */
#ifndef VFA_BASE_MAC_H
#define VFA_BASE_MAC_H

#include "error.h"

#define VFA_MAC_SIZE 18

/* "56:xx:xx:xx:xx:xx" into buf; returns buf. */
const char *vfa_mac_derive(const char *uuid, const char *request, char buf[VFA_MAC_SIZE]);

/* An address that one interface can have, six pairs of hexadecimal digits with colons between them,
 * into buf in lower case. -EINVAL: it is none, or a multicast address, or all zeros. */
int vfa_mac_parse(const char *text, char buf[VFA_MAC_SIZE], struct vfa_error *err);

#endif
