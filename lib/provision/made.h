/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kinds "vdpa" and "mdev" in the table of provisioner.h: devices that are made for a claim, and
 * destroyed before the claim ends. plan writes the recipe; apply makes; undo destroys.
 *
 * The steps, and what the next program does if this one is killed behind them:
 *
 *   claim committed             no device and no record: the claim ends, or the device is made
 *   record committed            the device is destroyed if it exists, and made; or the claim ends
 *                               through `releasing`, and destroying what does not exist succeeds
 *   device added, bound, linked the same: without "made=yes" nobody trusts its settings
 *   record says made=yes        the device is used as it is, if it still exists
 *   link removed                destroyed again: the record is there
 *   device deleted              the same
 *   record and claim deleted    nothing is left (one transaction, by claim/release.h)
 *   state file lost             reassertion writes the record of a running domain anew
 *                               (claim/reassert.h); `vfalias gc` destroys the devices of the others
 *
 * A device that exists already is destroyed only if it is vfalias' own: it is on record, or its name
 * is derived from this domain and request (device/made-name.h). Another one is left alone: the guest
 * gets it as it is if the claim is of that device, else the request is refused.
 *
 * Lock order: the device's lock, the lock for making (state/lock.h), the state's transaction. The
 * second one is held while the kernel is called, and is needed as well: vfaliasd has the first one
 * while a program of its own (make-device) calls the kernel, and may be killed meanwhile.
 */
#ifndef VFA_PROVISION_MADE_H
#define VFA_PROVISION_MADE_H

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "state/saved.h"
#include "host/host.h"

/* What make-device does: makes or destroys (VFA_MADE_MAKE, VFA_MADE_DESTROY) a device as the record
 * says, and nothing else. The caller, or the program that has started it, has the device's lock. The
 * record stays. 0, VFA_VF_STALE (make: no domain holds a claim of the device), VFA_VF_REFUSED,
 * VFA_VF_FULL, VFA_VF_NOT_NOW or an error. */
#define VFA_MADE_MAKE    "make"
#define VFA_MADE_DESTROY "destroy"
int vfa_made_errand(struct vfa_host *host, const char *verb, const char *device,
                    struct vfa_error *err);

/* Writes the record of a device that a running domain has, and that is not on record: what is known
 * of it. `link`: the path that its element names; a path that cannot be a link of vfalias is left
 * out. Inside a transaction, in which its claim exists. */
int vfa_made_record(struct vfa_host *host, const char *device, const char *maker, const char *link,
                    struct vfa_error *err);

/* Destroys a device that has the name of a request, and that is on no record. The caller has the
 * device's lock, and has seen that nobody claims the device. 0, VFA_VF_NOT_NOW, VFA_VF_REFUSED or an
 * error. */
int vfa_made_destroy(struct vfa_host *host, const char *device, const char *uuid,
                     const char *request, struct vfa_error *err);

/* Asks the kernel which maker has made a device. VFA_SYSFS_GONE: there is no such device. Not inside
 * a transaction: the kernel may not answer. */
int vfa_made_find_maker(struct vfa_host *host, const char *device, char ret[VFA_DEVICE_ID_SIZE],
                        struct vfa_error *err);

/* The path by which an element of the XML names a device on record, which is the path of its link.
 * *ret is NULL if the device has no link. free() it. */
int vfa_made_path(struct vfa_host *host, const char *device, char **ret, struct vfa_error *err);

#endif
