/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the name of a PCI driver says about who uses the device.
 *
 * A VFIO driver is told by its name, not by the vfio-dev/ folder that the kernel makes below its
 * devices: kernels before 6.1 have no such folder, nor have all copied trees, and every VFIO driver
 * so far has "vfio" in its name: vfio-pci, and the variants of drivers/vfio/pci of the kernel
 * (mlx5_vfio_pci, hisi_acc_vfio_pci, nvgrace_gpu_vfio_pci, virtio_vfio_pci, qat_vfio_pci,
 * xe-vfio-pci).
 */
#ifndef VFA_DEVICE_DRIVER_H
#define VFA_DEVICE_DRIVER_H

#include "base/common.h"

#include <stdbool.h>

/* driver NULL: none is bound. */
bool vfa_driver_is_vfio(const char *driver);

/* True of drivers that are there to give the device to a guest or to a program. */
bool vfa_driver_gives_away(const char *driver);

/* True if a device bound to it may be in an IOMMU group that a guest has (driver_managed_dma in the
 * kernel). */
bool vfa_driver_shares_group(const char *driver);

#endif
