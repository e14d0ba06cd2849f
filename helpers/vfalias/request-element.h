/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The content of a request that `vfalias request add` writes: the <interface> of --mac, --vlan,
 * --profileid and --teaming, and the <settings> of the other options. What libvirt or the hook
 * would refuse at the start of the domain is refused here, at once.
 */
#ifndef VFA_VFALIAS_REQUEST_ELEMENT_H
#define VFA_VFALIAS_REQUEST_ELEMENT_H

#include "base/common.h"
#include "base/error.h"
#include "base/mac.h"
#include "device/vf-settings.h"
#include "spec/spec.h"
#include "domain/domxml.h"

#include <libvirt/libvirt.h>

struct vfa_request_element {
    /* the options' values; NULL: not given */
    const char *mac_text, *profileid, *persistent;
    const char *setting_texts[VFA_VF_SETTINGS];
    /* the parsed values */
    bool has_interface;
    struct vfa_request_interface interface;
    struct vfa_vf_settings settings;
    char mac[VFA_MAC_SIZE];
};

/* The options, as elements of an array of struct vfa_cmd_flag. */
#define VFA_REQUEST_ELEMENT_FLAGS(element)                                                         \
    {"mac", NULL, &(element)->mac_text}, {"profileid", NULL, &(element)->profileid},               \
        {"teaming", NULL, &(element)->persistent},                                                 \
        {"vlan", NULL, &(element)->setting_texts[VFA_VF_VLAN]},                                    \
        {"vlan-qos", NULL, &(element)->setting_texts[VFA_VF_VLAN_QOS]},                            \
        {"vlan-proto", NULL, &(element)->setting_texts[VFA_VF_VLAN_PROTO]},                        \
        {"trust", NULL, &(element)->setting_texts[VFA_VF_TRUST]},                                  \
        {"spoofchk", NULL, &(element)->setting_texts[VFA_VF_SPOOFCHK]},                            \
        {"link-state", NULL, &(element)->setting_texts[VFA_VF_LINK_STATE]},                        \
        {"min-tx-rate", NULL, &(element)->setting_texts[VFA_VF_MIN_TX_RATE]},                      \
        {"max-tx-rate", NULL, &(element)->setting_texts[VFA_VF_MAX_TX_RATE]},                      \
        {"query-rss", NULL, &(element)->setting_texts[VFA_VF_QUERY_RSS]},                          \
    {                                                                                              \
        "mtu", NULL, &(element)->setting_texts[VFA_VF_MTU]                                         \
    }

/* The name of the first option that was given, without the dashes; NULL: none was given. */
const char *vfa_request_element_option(const struct vfa_request_element *element);

/* Parses the options for `count` devices of an alias (NULL: this host does not have the alias).
 * Returns an exit status; if it is not VFA_CMD_FINE, the message was printed. */
int vfa_request_element_read(struct vfa_request_element *element, const struct vfa_alias *alias,
                             uint32_t count);

/* Finds the persistent interface of --teaming in one XML of the domain and takes its MAC address,
 * because both interfaces of a teaming pair have the same. -EINVAL: there is no such interface, or
 * --mac is another address. Does nothing without --teaming. */
int vfa_request_element_pair(struct vfa_request_element *element, virDomainPtr domain,
                             unsigned affect, struct vfa_error *err);

#endif
