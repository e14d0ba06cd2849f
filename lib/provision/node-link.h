/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The link to the node of a made device: the stable path that a domain's XML names.
 *
 *   /run/vfalias/vdpa/DOMAIN-UUID/REQUEST -> /dev/vhost-vdpa-3
 *
 * libvirt opens the path as root. So whoever can change the link, or a folder on the way to it,
 * chooses what a guest gets. Therefore:
 * - All links are below one folder (vfa_made_folder() in host/host.h). This folder and the folders
 *   below it belong to the user of this process (root), who alone can write to them, mode 0711.
 *   Other folders are not used, and not repaired.
 * - No symbolic link on the way is followed, below the folder that has this one.
 * - A link is replaced at once (rename). A file that is no link is never replaced or removed. The
 *   caller checks that the link is not in use by another domain.
 */
#ifndef VFA_PROVISION_NODE_LINK_H
#define VFA_PROVISION_NODE_LINK_H

#include "base/common.h"
#include "base/error.h"

/* True if `path` is below `folder`: absolute, without empty parts, "." and "..". Pure. */
bool vfa_node_link_is_below(const char *folder, const char *path);

/* Makes the link `path`, which leads to `target`, and the folders that are missing. -EINVAL: the
 * path is not below `folder`; -EEXIST: a file that is no link has this name; -EPERM, -ELOOP,
 * -ENOTDIR: others can write to a folder on the way, or it is none; or another negative errno. */
int vfa_node_link_make(const char *folder, const char *path, const char *target,
                       struct vfa_error *err);

/* True if the link is there, as vfa_node_link_make() makes it. */
bool vfa_node_link_leads_to(const char *folder, const char *path, const char *target);

/* Removes the link if it leads to `target` (NULL: not known) or to nothing, and then the folders
 * that are empty, but not `folder`. All else is left alone. 0 as well if there is no such link. */
int vfa_node_link_remove(const char *folder, const char *path, const char *target,
                         struct vfa_error *err);

#endif
