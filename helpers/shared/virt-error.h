/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Turns libvirt's last error of this thread into a struct vfa_error: one line, and a code that
 * callers can test without libvirt's numbers. Also the functions that VFA_AUTO needs for libvirt's
 * objects. For helpers/ only: lib/ and hooks/ do not use libvirt's API.
 */
#ifndef VFA_SHARED_VIRT_ERROR_H
#define VFA_SHARED_VIRT_ERROR_H

#include "base/common.h"
#include "base/error.h"

#include <libvirt/libvirt.h>

/* Call once before any connection: libvirt then prints no errors to stderr. */
void vfa_virt_quiet(void);

/* Fills *err with "TEXT: libvirt's message" and returns the negative code:
 *   -ENOENT     no such domain, device or metadata (any more)
 *   -ETIMEDOUT  the domain is busy with another job, for example a migration: try again later
 *   -ENOTCONN   the connection is lost
 *   -EIO        anything else
 * This is a macro because an argument may be virDomainGetName(), which resets libvirt's last error:
 * the error must be saved before the arguments are evaluated. */
#define vfa_virt_fail(err, ...) (vfa_virt_keep_error(), vfa_virt_fail_kept((err), __VA_ARGS__))

/* For vfa_virt_fail() only. */
void vfa_virt_keep_error(void);
int vfa_virt_fail_kept(struct vfa_error *err, const char *fmt, ...) VFA_PRINTF(2, 3);

/* Close a connection and free a domain; fit VFA_AUTO and take NULL. */
void vfa_connection_unref(virConnectPtr *conn);
void vfa_virt_domain_unref(virDomainPtr *domain);

#endif
