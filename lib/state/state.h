/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state file: claims, and the index of devices by alias, in SQLite (schema.sql).
 *
 * Invariants, kept by the schema: a device has at most one claim; no claim on a PF while one of its
 * VFs has one, nor the reverse; a request of a domain holds at most one claim; a claim ends through
 * releasing if its device was changed; claims of another boot are gone at the first open. Every
 * public function that writes is one transaction, or joins the one that vfa_state_begin() opened. A
 * process that is killed leaves the file as it was before its transaction.
 *
 * The file is an index of the truth, which is libvirt's live XML and sysfs: damaged, it is set
 * aside and made anew (vfa_state_synced() then says no until the daemon has rebuilt the claims).
 */
#ifndef VFA_STATE_STATE_H
#define VFA_STATE_STATE_H

#include "base/common.h"
#include "base/error.h"

struct vfa_state;

/* Results that are no errors. */
enum {
    VFA_STATE_TAKEN = 1,  /* an invariant forbids the claim */
    VFA_STATE_ABSENT = 2, /* no such file, claim or device */
    VFA_STATE_END = 3,    /* no more rows */
};

enum vfa_state_mode {
    VFA_STATE_READ,  /* never creates or changes, but that what a writer who was killed left half
                        done is taken back; VFA_STATE_ABSENT when there is no file */
    VFA_STATE_WRITE, /* creates folder and file (0640) when needed */
};

/* `libvirt_run`: see vfa_config; a new file counts as synced if it lists no running domain. */
int vfa_state_open(const char *path, const char *libvirt_run, enum vfa_state_mode mode,
                   struct vfa_state **ret, struct vfa_error *err);

/* For how long this thread waits for a file that others have locked, 10 s if not said; for what it
 * opens from now on. -EBUSY: it is locked still. */
void vfa_state_set_patience(unsigned ms);

/* For a program whose user has typed the name of the file: from now on one that is damaged is an
 * error and stays where it is, as it may be another one than was meant. To be called before any is
 * opened. */
void vfa_state_leave_damaged(void);

/* A copy in memory, to try things on: what the file says of this boot, as a writer would find it;
 * empty where there is no file (or path is NULL). */
int vfa_state_open_copy(const char *path, const char *libvirt_run, struct vfa_state **ret,
                        struct vfa_error *err);

/* For a process that opens the state often; call it before the first thread starts. From now on
 * vfa_state_close() keeps up to n files open, and vfa_state_open() uses them again unless the state
 * file was replaced. 0: closes them. */
void vfa_state_keep(size_t n);

struct vfa_state *vfa_state_close(struct vfa_state *state);
VFA_DEFINE_AUTO(struct vfa_state, vfa_state_close);

/* A write transaction around several calls. An open one is rolled back by vfa_state_close(). Begin
 * and commit are -ESTALE if the file is the state no more: it was set aside or removed. */
int vfa_state_begin(struct vfa_state *state, struct vfa_error *err);
int vfa_state_commit(struct vfa_state *state, struct vfa_error *err);
void vfa_state_rollback(struct vfa_state *state);

bool vfa_state_is_open(const struct vfa_state *state); /* a transaction is */
bool vfa_state_is_copy(const struct vfa_state *state); /* see vfa_state_open_copy() */

/* The same for functions that may be called inside a transaction or outside: an open one is left to
 * whoever opened it (*ret_own false). leave commits its own if result is 0, else rolls it back;
 * returns result. */
int vfa_state_join(struct vfa_state *state, bool *ret_own, struct vfa_error *err);
int vfa_state_finish(struct vfa_state *state, bool own, int result, struct vfa_error *err);

/* Inside a transaction: what follows is tried, until undo takes it back. */
int vfa_state_savepoint(struct vfa_state *state, struct vfa_error *err);
int vfa_state_rollback_to_savepoint(struct vfa_state *state, struct vfa_error *err);

/* For the functions that tell of domains, one by one. uuid is borrowed. */
typedef void vfa_state_visit_fn(void *data, const char *uuid);

#endif
