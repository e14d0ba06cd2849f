/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What `vfalias request add` puts inside a request: the <interface> that --mac, --vlan, --profileid
 * and --teaming stand for, and the <settings> of the other options. What libvirt or the hook would
 * refuse only when the domain is started, months later perhaps, is refused here.
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
    /* as typed; NULL: not given */
    const char *mac_text, *profileid, *persistent;
    const char *setting_texts[VFA_VF_SETTINGS];
    /* as it was meant */
    bool has_interface;
    struct vfa_request_interface interface;
    struct vfa_vf_settings settings;
    char mac[VFA_MAC_SIZE];
};

/* Its options, for the array of a verb's flags. */
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

/* The first option that was given, without the dashes; NULL: none. */
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
