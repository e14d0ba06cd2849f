/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Classes of PCI drivers, by name: drivers for guests, drivers for programs, stubs.
 *
 * The name identifies a VFIO driver, not the folder vfio-dev/ of its devices: kernels before 6.1
 * do not make that folder, and copied trees may lack it. Every known VFIO driver has "vfio" in its
 * name: vfio-pci, and the variants in drivers/vfio/pci of the kernel (mlx5_vfio_pci,
 * hisi_acc_vfio_pci, nvgrace_gpu_vfio_pci, virtio_vfio_pci, qat_vfio_pci, xe-vfio-pci).
 */
#ifndef VFA_DEVICE_DRIVER_H
#define VFA_DEVICE_DRIVER_H

#include "base/common.h"

#include <stdbool.h>

/* Whether it is a VFIO driver. In all three functions NULL means: no driver is bound. */
bool vfa_driver_is_vfio(const char *driver);

/* Whether the driver gives the device to a guest or to a program: VFIO, UIO, pci-stub. */
bool vfa_driver_gives_away(const char *driver);

/* Whether a device with this driver may be in the IOMMU group of a guest's device
 * (driver_managed_dma in the kernel). */
bool vfa_driver_shares_group(const char *driver);

#endif
