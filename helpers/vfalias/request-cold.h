/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices in the definition of a domain, for `vfalias request add --cold`: the guest has them at
 * power-on. This is possible for devices that are made for their guest, because the sources of their
 * elements are derived from domain and request (device/made-name.h) and not chosen.
 */
#ifndef VFA_VFALIAS_REQUEST_COLD_H
#define VFA_VFALIAS_REQUEST_COLD_H

#include "base/common.h"
#include "base/error.h"
#include "spec/spec.h"
#include "config/config.h"

#include <libvirt/libvirt.h>

/* Checks that devices of the alias (NULL: this host does not have it) can be in a definition.
 * Returns an exit status; if it is not VFA_CMD_FINE, the message was printed. */
int vfa_request_cold_check(const struct vfa_alias *alias);

/* Replaces the requests of the definition and adds an element for each of `n` of them, by name, in
 * one step. Prints each element. -EBUSY: another program changed the definition meanwhile. */
int vfa_request_cold_add(const struct vfa_config *config, virDomainPtr domain, const char *requests,
                         char *const *names, size_t n, struct vfa_error *err);

#endif
