/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host that tests/soak makes, as one file that all of its programs map ($VFA_SOAK_MAP): the
 * settings of the network cards, and the active domains. soakmap.py has the same layout.
 *
 * The owner of a device changes the VF's entry. The worker that owns a domain changes `active`.
 * Meanwhile it holds the domain's byte of $VFA_SOAK_LOCKS, as libvirt holds the domain's lock.
 */
#ifndef VFA_SOAK_MADE_H
#define VFA_SOAK_MADE_H

#include <stdint.h>
#include <stdlib.h>

#define MADE_VFS     64
#define MADE_DOMAINS 256

/* In the order of made_vf.values. */
enum made_value { TRUST, SPOOFCHK, LINK_STATE, MIN_RATE, MAX_RATE, VLAN, QOS, PROTO, MADE_VALUES };

struct made_vf {
    char pf[16];     /* netdev of the PF; "": the VF does not exist */
    char netdev[16]; /* netdev of the VF */
    uint32_t number;
    uint32_t present; /* 0: the PF reports no VF with this number */
    uint32_t values[MADE_VALUES];
    uint32_t up, mtu; /* of its netdev */
};

struct made_host {
    struct made_vf vfs[MADE_VFS];
    uint8_t active[MADE_DOMAINS]; /* by the number at the end of the UUID */
};

/* The map, or NULL if tests/soak has not started this program. */
struct made_host *made_host(void);

/* tests/faults/inject.c */
int vfa_fault_netlink(void);

#endif
