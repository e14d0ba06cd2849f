/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes and destroys one device, as its recipe says: the calls into the kernel, and the link. Knows
 * no claim, no record and no domain: made.h does.
 *
 * To make a vDPA device: add, bind to vhost_vdpa, make the link. To destroy it: remove the link,
 * delete. The link goes first, since the kernel gives the number of a node away as soon as the
 * device is deleted: a link that is left would lead to the device of another guest. Programs that
 * have the node open keep it without the link. If others have deleted the device, the number may be
 * in use again: the recipe knows to which node the link led.
 *
 * Each call into the kernel is made in a child and has a time limit (device/child.h).
 */
#ifndef VFA_PROVISION_MAKE_H
#define VFA_PROVISION_MAKE_H

#include "base/common.h"
#include "base/error.h"
#include "device/sysfs.h"
#include "device/vdpa-node.h"
#include "recipe.h"

struct vfa_make {
    const struct vfa_sysfs *sysfs;
    const char *nodes;  /* the folder of device nodes: "/dev" */
    const char *folder; /* of the links: vfa_made_folder() in host/host.h */
    const char *device; /* its identity */
    const struct vfa_recipe *recipe;
    void (*warn)(void *data, const struct vfa_error *why); /* what the driver does not support */
    int (*check_link)(void *data, struct vfa_error *err);  /* before a link is made; 0: it may be */
    void *data;
    char *ret_node; /* VFA_VDPA_NODE_SIZE bytes: the node that the new link leads to; or NULL */
};

/* Makes the device. A device of this name that nobody has open is destroyed first, as its settings
 * may differ: the caller knows that it is vfalias' own. Settings that the driver does not support are
 * left out, if they may be: the MAC address, and with the policy best_effort the others.
 * 0, VFA_VF_REFUSED, VFA_VF_FULL, VFA_VF_NOT_NOW (the device exists and is open) or an error, which
 * is temporary: -ETIMEDOUT (the kernel may make the device later), -ENOMEM. */
int vfa_make_device(const struct vfa_make *make, struct vfa_error *err);

/* Removes the link and destroys the device. 0 (also if the device is gone), VFA_VF_NOT_NOW (it is
 * open, or the kernel does not answer) or VFA_VF_REFUSED. */
int vfa_destroy_device(const struct vfa_make *make, struct vfa_error *err);

/* Asks the kernel for the identity of the maker of a device. VFA_SYSFS_GONE: no such device. */
int vfa_make_find_maker(const struct vfa_sysfs *sysfs, const char *device,
                        char ret[VFA_DEVICE_ID_SIZE], struct vfa_error *err);

/* True if the device exists, can be opened, and the link of the recipe leads to it. */
bool vfa_made_is_complete(const struct vfa_make *make);

#endif
