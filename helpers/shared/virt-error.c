/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See virt-error.h. libvirt keeps its last error per thread, so this needs no lock. */

#include "virt-error.h"

#include "base/common.h"
#include "base/error.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <stdarg.h>

static void ignore_error(void *opaque, virErrorPtr error)
{
}

void vfa_virt_quiet(void)
{
    virSetErrorFunc(NULL, ignore_error);
}

/* libvirt reports a connection that closes during a call as an internal error of the RPC layer. */
static int errno_of_virt(const virError *error)
{
    if (!error)
        return EIO;
    switch (error->code) {
    case VIR_ERR_NO_DOMAIN:
    case VIR_ERR_NO_DOMAIN_METADATA:
    case VIR_ERR_DEVICE_MISSING:
        return ENOENT;
    case VIR_ERR_OPERATION_TIMEOUT:
        return ETIMEDOUT;
    case VIR_ERR_RPC:
    case VIR_ERR_NO_CONNECT:
    case VIR_ERR_INVALID_CONN:
        return ENOTCONN;
    case VIR_ERR_SYSTEM_ERROR:
    case VIR_ERR_INTERNAL_ERROR:
        return error->domain == VIR_FROM_RPC ? ENOTCONN : EIO;
    default:
        return EIO;
    }
}

static __thread virErrorPtr kept; /* from vfa_virt_keep_error() to vfa_virt_fail_kept() */

void vfa_virt_keep_error(void)
{
    virFreeError(kept);
    kept = virSaveLastError();
}

int vfa_virt_fail_kept(struct vfa_error *err, const char *fmt, ...)
{
    VFA_AUTO(vfa_freep) char *text = NULL;
    const char *reason = kept && kept->message ? kept->message : "libvirt gives no reason";
    va_list args;
    int n, r;

    va_start(args, fmt);
    n = vasprintf(&text, fmt, args);
    va_end(args);
    if (n < 0)
        text = NULL;
    r = text ? vfa_fail(err, errno_of_virt(kept), "%s: %s", text, reason) : vfa_fail_oom(err);
    virFreeError(kept);
    kept = NULL;
    return r;
}

void vfa_connection_unref(virConnectPtr *conn)
{
    if (*conn)
        virConnectClose(*conn);
}

void vfa_virt_domain_unref(virDomainPtr *domain)
{
    if (*domain)
        virDomainFree(*domain);
}
