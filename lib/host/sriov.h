/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The number of VFs of a PF: set to what the configuration says (sriov_numvfs), never by removing a
 * VF that is in use. The PF needs its driver; udev handles the new VFs.
 *
 * The kernel changes the number of VFs only to and from 0 (Documentation/PCI/pci-iov-howto.rst,
 * Documentation/ABI/testing/sysfs-bus-pci). So all VFs vanish for a moment when their number grows.
 */
#ifndef VFA_HOST_SRIOV_H
#define VFA_HOST_SRIOV_H

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device/sysfs.h"
#include "config/config.h"
#include "host.h"

/* The reason (`why`) of the claim that keeps the PF from all domains meanwhile; text for a person,
 * like the reasons of claim/release.h. */
#define VFA_WHY_VFS "its VFs are being removed"

enum vfa_sriov_outcome {
    VFA_SRIOV_FINE,   /* the PF has the wanted number of VFs */
    VFA_SRIOV_MADE,   /* the VFs were made; dry run: they would be made */
    VFA_SRIOV_MORE,   /* the PF has more VFs, and keeps them */
    VFA_SRIOV_IN_USE, /* not changed: too few VFs, but a VF or the PF is in use */
    VFA_SRIOV_CANNOT, /* no such PF, or the PF cannot have the wanted number */
};

struct vfa_sriov_report {
    enum vfa_sriov_outcome outcome;
    struct vfa_pci_addr addr; /* of the PF; all zero if there is no such device */
    uint32_t had;             /* number of VFs before */
    char detail[256];         /* IN_USE, CANNOT: the reason, for a person */
};

/* True if the PF exists under the address or netdev name of the configuration and has a driver. */
bool vfa_sriov_ready(const struct vfa_sysfs *sysfs, const struct vfa_numvfs *want);

/* Checks the PF and, unless `dry_run`, sets its number of VFs. Meanwhile no other program can claim
 * the PF or its VFs. Do not call it inside a transaction. host->state may be NULL: then claims are
 * not checked. A fault of the card is an outcome in *ret. Returns 0, or a negative errno with *err
 * filled: an error of the state, of sysfs or of memory. */
int vfa_sriov_apply(struct vfa_host *host, const struct vfa_numvfs *want, bool dry_run,
                    struct vfa_sriov_report *ret, struct vfa_error *err);

#endif
