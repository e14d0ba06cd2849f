/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See attach.h. A new kind is a new row here; each value of enum vfa_attach_kind has its row. */

#include "attach.h"

#include "device/device.h"

#define PCI_TYPES (1u << VFA_TYPE_PCI | 1u << VFA_TYPE_PF | 1u << VFA_TYPE_VF)

static const struct vfa_attach_facts facts[VFA_ATTACH_KINDS] = {
    [VFA_ATTACH_HOSTDEV] =
        {
            .name = "hostdev",
            .source = VFA_ATTACH_SOURCE_DEVICE,
            .types = PCI_TYPES,
            .takes_group = true,
            .can_team = true,
        },
    [VFA_ATTACH_INTERFACE] =
        {
            .name = "interface",
            .source = VFA_ATTACH_SOURCE_DEVICE,
            .types = PCI_TYPES,
            .nic = true,
            .takes_vlan = true,
            .takes_group = true,
            .needs_pf_up = true,
            .libvirt_sets_vlan = true,
            .can_team = true,
        },
    [VFA_ATTACH_MACVTAP] =
        {
            .name = "macvtap",
            .source = VFA_ATTACH_SOURCE_NETDEV,
            .types = PCI_TYPES,
            .nic = true,
            .takes_vlan = true,
            .needs_netdev = true,
            .needs_pf_up = true,
            .keeps_netdev = true,
            .libvirt_sets_vlan = true,
            .migrates = true,
        },
    [VFA_ATTACH_VDPA] =
        {
            .name = "vdpa",
            .source = VFA_ATTACH_SOURCE_NODE,
            .types = 1u << VFA_TYPE_VDPA,
            .nic = true,
            .derived_source = true,
        },
    [VFA_ATTACH_VDPA_DISK] =
        {
            .name = "vdpa-disk",
            .source = VFA_ATTACH_SOURCE_NODE,
            .types = 1u << VFA_TYPE_VDPA_BLOCK,
            .needs_shared_memory = true,
            .derived_source = true,
        },
    [VFA_ATTACH_MDEV] =
        {
            .name = "mdev",
            .source = VFA_ATTACH_SOURCE_DEVICE,
            .types = 1u << VFA_TYPE_MDEV,
            .derived_source = true,
        },
    [VFA_ATTACH_BRIDGE] =
        {
            .name = "bridge",
            .source = VFA_ATTACH_SOURCE_BRIDGE,
            .nic = true,
            .takes_vlan = true,
            .migrates = true,
        },
};

const struct vfa_attach_facts *vfa_attach_facts(enum vfa_attach_kind kind)
{
    return &facts[kind];
}
