/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The release of a claim that was seen before: whoever decided it by what libvirt said does not
 * release a claim that was made since. */
#ifndef VFA_RELEASE_UNCHANGED_H
#define VFA_RELEASE_UNCHANGED_H

#include "release.h"

/* Ends a claim if it still is what `claim` says (device, state, since), as vfa_release() does.
 * *ret: whether it was. */
int vfa_release_unchanged(struct vfa_host *host, const struct vfa_claim *claim, const char *why,
                          bool *ret, struct vfa_error *err);

#endif
