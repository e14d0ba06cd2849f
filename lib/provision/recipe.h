/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Recipes: how a device is made, as text on record (saved.recipe in the state file). A recipe is
 * written and committed before the device is made, so that every program can destroy the device.
 *
 *   maker=mgmtdev:pci/0000:3b:00.2 mac=56:01:02:03:04:05 max_vqp=4 mtu=9000 policy=best_effort
 *   link=/run/vfalias/vdpa/UUID/REQUEST node=vhost-vdpa-3 made=yes
 *
 * Words KEY=VALUE, separated by one blank each. In a value, a percent sign and each byte that is not
 * a printable ASCII character stand as %XX. Words with other keys come from a newer version, and are
 * ignored. Pure.
 */
#ifndef VFA_PROVISION_RECIPE_H
#define VFA_PROVISION_RECIPE_H

#include "base/common.h"
#include "base/error.h"
#include "base/mac.h"
#include "device/device.h"
#include "device/vdpa-node.h"
#include "spec/spec.h"

struct vfa_recipe {
    char maker[VFA_DEVICE_ID_SIZE];
    char mac[VFA_MAC_SIZE];          /* "": the driver's choice */
    struct vfa_vdpa_config vdpa;     /* 0: the driver's choice */
    enum vfa_settings_policy policy; /* for `vdpa`; a driver without `mac` is accepted always */
    char *link;                      /* absolute path of the link to its node; NULL: none */
    char node[VFA_VDPA_NODE_SIZE];   /* that the link led to when it was made; "": unknown */
    bool made;                       /* it was made with all of this */
};

/* Frees what it owns. */
void vfa_recipe_clear(struct vfa_recipe *recipe);

/* Writes the text. free() *ret. -ENOMEM. */
int vfa_recipe_format(const struct vfa_recipe *recipe, char **ret, struct vfa_error *err);

/* Reads a text. `device` is for messages. Free *ret with vfa_recipe_clear(). -EINVAL: the text is no
 * recipe. */
int vfa_recipe_parse(const char *text, const char *device, struct vfa_recipe *ret,
                     struct vfa_error *err);

/* True if both describe the same device; `node` and `made` are ignored. */
bool vfa_recipe_same(const struct vfa_recipe *a, const struct vfa_recipe *b);

#endif
