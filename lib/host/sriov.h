/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How many VFs a PF has: made to be what the configuration says (sriov_numvfs), and never by taking
 * one away that something uses. Needs the PF's driver; what becomes of the VFs is udev's business.
 *
 * The kernel changes the number of VFs to and from 0 only (Documentation/PCI/pci-iov-howto.rst,
 * Documentation/ABI/testing/sysfs-bus-pci), so more of them means that all go for a moment.
 */
#ifndef VFA_HOST_SRIOV_H
#define VFA_HOST_SRIOV_H

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device/sysfs.h"
#include "config/config.h"
#include "host.h"

/* For which reason nobody has a PF, for a person: as those of claim/release.h. */
#define VFA_WHY_VFS "its VFs are being removed"

enum vfa_sriov_outcome {
    VFA_SRIOV_FINE,   /* it has them */
    VFA_SRIOV_MADE,   /* it has got them */
    VFA_SRIOV_MORE,   /* it has more, and keeps them */
    VFA_SRIOV_IN_USE, /* it has fewer, and one of them is in use, or the PF given away: left alone
                       */
    VFA_SRIOV_CANNOT, /* there is no such PF, or it cannot have so many */
};

struct vfa_sriov_report {
    enum vfa_sriov_outcome outcome;
    struct vfa_pci_addr addr; /* the PF's; all zero if there is no such device */
    uint32_t had;
    char detail[256]; /* IN_USE, CANNOT: why */
};

/* True if the PF is there with its driver, and under the name by which it is asked for. */
bool vfa_sriov_ready(const struct vfa_sysfs *sysfs, const struct vfa_numvfs *want);

/* Looks, and unless `dry_run` does. Not inside a transaction. host->state may be NULL where no
 * claims are to be heeded. An error is one of the state or of memory; what is wrong with a card is
 * an outcome. Nobody can claim the PF or its VFs meanwhile. */
int vfa_sriov_apply(struct vfa_host *host, const struct vfa_numvfs *want, bool dry_run,
                    struct vfa_sriov_report *ret, struct vfa_error *err);

#endif
