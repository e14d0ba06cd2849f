/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See attach.h. A new kind is a new row here; each value of enum vfa_attach_kind has its row. */

#include "attach.h"

static const struct vfa_attach_facts facts[VFA_ATTACH_KINDS] = {
    [VFA_ATTACH_HOSTDEV] =
        {
            .name = "hostdev",
            .source = VFA_ATTACH_SOURCE_DEVICE,
            .takes_group = true,
            .can_team = true,
        },
    [VFA_ATTACH_INTERFACE] =
        {
            .name = "interface",
            .source = VFA_ATTACH_SOURCE_DEVICE,
            .nic = true,
            .takes_group = true,
            .needs_pf_up = true,
            .libvirt_sets_vlan = true,
            .can_team = true,
        },
    [VFA_ATTACH_MACVTAP] =
        {
            .name = "macvtap",
            .source = VFA_ATTACH_SOURCE_NETDEV,
            .nic = true,
            .needs_netdev = true,
            .needs_pf_up = true,
            .keeps_netdev = true,
            .libvirt_sets_vlan = true,
            .migrates = true,
        },
};

const struct vfa_attach_facts *vfa_attach_facts(enum vfa_attach_kind kind)
{
    return &facts[kind];
}
