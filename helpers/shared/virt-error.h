/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvirt's last error of this thread as a struct vfa_error: one line, and a code that callers
 * branch on without knowing libvirt's numbers; and what VFA_AUTO needs for libvirt's objects. For
 * helpers/ only: lib/ and hooks/ know no libvirt API.
 */
#ifndef VFA_SHARED_VIRT_ERROR_H
#define VFA_SHARED_VIRT_ERROR_H

#include "base/common.h"
#include "base/error.h"

#include <libvirt/libvirt.h>

/* Call once before any connection: keeps libvirt from printing errors to stderr by itself. */
void vfa_virt_quiet(void);

/* Fills *err with "TEXT: what libvirt said" and returns the negative code:
 *   -ENOENT     no such domain, device or metadata (any more)
 *   -ETIMEDOUT  the domain is busy with another job (a migration, say): later
 *   -ENOTCONN   the connection is gone
 *   -EIO        anything else
 * A macro, because messages name domains: virDomainGetName() among the arguments resets libvirt's
 * last error, so that is put away before they are evaluated. */
#define vfa_virt_fail(err, ...) (vfa_virt_keep_error(), vfa_virt_fail_kept((err), __VA_ARGS__))

/* For the macro alone. */
void vfa_virt_keep_error(void);
int vfa_virt_fail_kept(struct vfa_error *err, const char *fmt, ...) VFA_PRINTF(2, 3);

/* Close a connection and free a domain; fit VFA_AUTO and take NULL. */
void vfa_connection_unref(virConnectPtr *conn);
void vfa_virt_domain_unref(virDomainPtr *domain);

#endif
