/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Domains that have ended while their claims could not be released: the state file was locked for
 * too long, or full. The hook leaves a note next to the state file (STATE.unreleased.UUID). The
 * next program that opens the state for writing releases the claims; inotify tells vfaliasd.
 *
 * A note tells when the domain ended, and only claims from before that time are released: a hook
 * whose libvirtd was killed may leave a note when the domain runs again. A program that claims for
 * a domain removes its note first, inside the transaction. A program that handles a note checks
 * inside its transaction that the note still exists.
 */
#ifndef VFA_CLAIM_UNRELEASED_H
#define VFA_CLAIM_UNRELEASED_H

#include "base/common.h"
#include "base/error.h"
#include "config/config.h"
#include "host/host.h"

/* The domain ended at that time (seconds since the epoch) and still has its claims. */
int vfa_unreleased_note(const char *state_path, const char *uuid, int64_t at,
                        struct vfa_error *err);

/* Removes the note, inside a transaction that claims for the domain. On error the caller must not
 * claim: the note would be handled later, and the domain would lose its devices. */
int vfa_unreleased_void(const char *state_path, const char *uuid, struct vfa_error *err);

/* Handles all notes. An error goes to host->warn, and its note stays. -EBUSY: the state is still
 * locked after waiting; a caller that continues would wait as long again. */
int vfa_unreleased_settle(struct vfa_host *host, struct vfa_error *err);

/* Calls vfa_host_open() and handles all notes: for programs that claim or release. *ret is written
 * only on success; clear it with vfa_host_clear(). */
int vfa_unreleased_open_host(const struct vfa_config *config, struct vfa_host *ret,
                             struct vfa_error *err);

#endif
