/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host that tests/soak makes, as one file that all of its programs map ($VFA_SOAK_MAP): what
 * the network cards have set, and which domains are active. soakmap.py has the same layout.
 *
 * A VF's entry is changed by whoever holds its device; `active` by the worker that owns the domain,
 * which holds the domain's byte of $VFA_SOAK_LOCKS meanwhile, as libvirt holds its lock.
 */
#ifndef VFA_SOAK_MADE_H
#define VFA_SOAK_MADE_H

#include <stdint.h>
#include <stdlib.h>

#define MADE_VFS     64
#define MADE_DOMAINS 256

/* In the order of the map's values. */
enum made_value { TRUST, SPOOFCHK, LINK_STATE, MIN_RATE, MAX_RATE, VLAN, QOS, PROTO, MADE_VALUES };

struct made_vf {
    char pf[16];     /* its PF's netdev; "": there is no such VF */
    char netdev[16]; /* its own */
    uint32_t number;
    uint32_t present; /* else the PF tells of none with this number */
    uint32_t values[MADE_VALUES];
    uint32_t up, mtu; /* of its netdev */
};

struct made_host {
    struct made_vf vfs[MADE_VFS];
    uint8_t active[MADE_DOMAINS]; /* by the number at the end of the UUID */
};

/* The map, or NULL where the program was not started by tests/soak. */
struct made_host *made_host(void);

/* tests/faults/inject.c */
int vfa_fault_netlink(void);

#endif
