/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What `vfalias request add` puts inside a request: the <interface> that --mac, --vlan, --profileid
 * and --teaming stand for. What libvirt would refuse only when the device is attached, minutes or
 * months later, is refused here.
 */
#ifndef VFA_REQUEST_ELEMENT_H
#define VFA_REQUEST_ELEMENT_H

#include "connect.h"

struct vfa_request_element {
    /* as typed; NULL: not given */
    const char *mac_text, *vlan_text, *profileid, *persistent;
    /* as it was meant */
    struct vfa_request_interface interface;
    char mac[VFA_MAC_SIZE];
};

/* The first option that was given, without the dashes; NULL: none, and there is no element. */
const char *vfa_request_element_option(const struct vfa_request_element *element);

/* Reads what was typed, for one alias (NULL: not one of this host's) of which `count` devices are
 * asked for. An exit status; unless that is VFA_CMD_FINE, the message is out. */
int vfa_request_element_read(struct vfa_request_element *element, const struct vfa_alias *alias,
                             uint32_t count);

/* Looks for the other half of a teaming pair in one XML of the domain and takes its MAC address;
 * -EINVAL: it is none, or --mac is another one. Nothing to do without --teaming. */
int vfa_request_element_pair(struct vfa_request_element *element, virDomainPtr domain,
                             unsigned affect, struct vfa_error *err);

#endif
