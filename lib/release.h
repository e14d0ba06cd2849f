/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Dropping claims: the only way there is. Devices that vfalias changed are made what they were
 * first, then what was saved of them goes, then the claim, all in one transaction (the caller's, if
 * one is open). One that cannot be made what it was goes into quarantine with the reason, so that
 * the next domain does not get it; host->warn is told.
 */
#ifndef VFA_RELEASE_H
#define VFA_RELEASE_H

#include "allocate.h"

/* The claims of a domain: one request, or (request NULL) all and its withdrawals. *ret_n, if not
 * NULL, gets their number. None there is fine. */
int vfa_release(struct vfa_host *host, const char *uuid, const char *request, size_t *ret_n,
                struct vfa_error *err);

/* The same by the domain's name, for when its UUID is not known. */
int vfa_release_name(struct vfa_host *host, const char *domain, size_t *ret_n,
                     struct vfa_error *err);

/* The claim of a request that is to be left alone from now on: see vfa_state_withdraw(). */
int vfa_release_withdraw(struct vfa_host *host, const char *uuid, const char *request,
                         struct vfa_error *err);

/* Keeps a device from the next domain; host->warn is told. */
int vfa_release_quarantine(struct vfa_host *host, const char *device, const char *reason,
                           struct vfa_error *err);

#endif
