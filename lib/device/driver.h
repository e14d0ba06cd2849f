/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Classes of PCI drivers: drivers for guests, drivers for programs, stubs.
 *
 * The name identifies a VFIO driver: kernels before 6.1 do not make the folder vfio-dev of its
 * devices, and copied trees may lack it. Every VFIO driver of the kernel has "vfio" in its name:
 * vfio-pci, and the variants in drivers/vfio/pci (mlx5_vfio_pci, hisi_acc_vfio_pci,
 * nvgrace_gpu_vfio_pci, virtio_vfio_pci, qat_vfio_pci, xe-vfio-pci). A driver from elsewhere can be
 * one as well: that of NVIDIA for the VFs of vGPUs (vGPU 17, kernel 6.8) is called nvidia, as it is
 * for other functions. Such a driver is known by the folder, as libvirt knows it
 * (virPCIDeviceGetCurrentDriverNameAndType()).
 */
#ifndef VFA_DEVICE_DRIVER_H
#define VFA_DEVICE_DRIVER_H

#include "base/common.h"

#include <stdbool.h>

/* Whether it is a VFIO driver of the kernel. In all functions NULL means: no driver is bound. */
bool vfa_driver_is_vfio(const char *driver);

/* Whether the driver of the device with the sysfs folder device_fd is a VFIO driver of the kernel,
 * or another driver that has made a VFIO device of it. */
bool vfa_driver_has_vfio(int device_fd, const char *driver);

/* Whether the driver gives the device to a guest or to a program: VFIO, UIO, pci-stub. */
bool vfa_driver_gives_away(const char *driver);

/* Whether a device with this driver may be in the IOMMU group of a guest's device
 * (driver_managed_dma in the kernel). */
bool vfa_driver_shares_group(const char *driver);

#endif
