/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Domains that have ended, but whose claims could not be dropped then: the state file was locked
 * for too long, or full. The hook leaves a note beside the state file (STATE.unreleased.UUID), and
 * whoever opens the state for writing next drops the claims; vfaliasd is told by inotify.
 *
 * A note tells when the domain ended, and only what it had at that time is dropped: a hook whose
 * libvirtd was killed may leave one when the domain runs again. Whoever claims for a domain takes
 * its note away first, inside the transaction; whoever follows a note looks for it once more,
 * inside its own.
 */
#ifndef VFA_CLAIM_UNRELEASED_H
#define VFA_CLAIM_UNRELEASED_H

#include "base/common.h"
#include "base/error.h"
#include "config/config.h"
#include "host/host.h"

/* The domain ended at that time (seconds since the epoch), and has its claims still. */
int vfa_unreleased_note(const char *state_path, const char *uuid, int64_t at,
                        struct vfa_error *err);

/* Inside a transaction that claims for the domain. On error nothing may be claimed: the note would
 * be followed later, and the domain lose what it has. */
int vfa_unreleased_void(const char *state_path, const char *uuid, struct vfa_error *err);

/* Follows all notes. What fails is told (host->warn), and its note stays. -EBUSY: the state is
 * locked, and was waited for; whoever goes on would wait as long once more. */
int vfa_unreleased_settle(struct vfa_host *host, struct vfa_error *err);

/* vfa_host_open(), and follows all notes: so opens who gives devices or takes them back. *ret is
 * written only on success; clear it with vfa_host_clear(). */
int vfa_unreleased_open_host(const struct vfa_config *config, struct vfa_host *ret,
                             struct vfa_error *err);

#endif
