/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state file: claims, and the index of devices by alias, in SQLite (schema.sql).
 *
 * Invariants, which schema.sql enforces:
 * - A device has one claim or none.
 * - A PF and its VFs exclude each other.
 * - A request of a domain holds one claim or none.
 * - The claim of a device with saved settings ends through releasing.
 * The first open for writing after a reboot deletes all claims: no domain runs then.
 *
 * Each public function that writes is one transaction, or joins the transaction that
 * vfa_state_begin() opened. A process that is killed leaves the file as it was before its
 * transaction (https://sqlite.org/atomiccommit.html).
 *
 * The truth is libvirt's live XML and sysfs; the state file is an index of it. A damaged file is
 * therefore set aside and a new one is made; vfa_state_synced() is false until vfaliasd has rebuilt
 * the claims.
 *
 * Results of all functions of this room that return int, unless their comment says otherwise: 0; or
 * a value of the first enum below, if their comment names it; or a negative errno with *err filled:
 *   -EBUSY    another program has the file locked, longer than vfa_state_set_patience() says
 *   -EACCES   the file may not be read, or not be written
 *   -EUCLEAN  the file is damaged
 *   -ESTALE   the file was replaced or removed; open the state again
 *   -EEXIST   a rule of schema.sql forbids the change
 *   -EINVAL   a value that schema.sql does not allow
 *   -ENOSPC, -ENOMEM, -EIO, and from opening -EPROTO (made by a newer version, or no state file)
 *   and -ELOOP (a symbolic link)
 * Texts and lists in *ret belong to the caller; after an error *ret has no valid value and nothing
 * to free. Parameters are borrowed for the call. One thread uses a handle at a time.
 */
#ifndef VFA_STATE_STATE_H
#define VFA_STATE_STATE_H

#include "base/common.h"
#include "base/error.h"

struct vfa_state;

/* Results that are not errors. */
enum {
    VFA_STATE_TAKEN = 1,  /* another claim excludes this one */
    VFA_STATE_ABSENT = 2, /* no such file, claim or device */
    VFA_STATE_END = 3,    /* no more rows */
};

enum vfa_state_mode {
    VFA_STATE_READ,  /* creates and changes nothing, but lets SQLite roll back the transaction of a
                        killed writer; VFA_STATE_ABSENT if there is no file of this boot */
    VFA_STATE_WRITE, /* creates folder and file (mode 0640) if needed */
};

/* Opens the state file. libvirt_run: as in struct vfa_config; a new file counts as synced if no
 * domain runs according to that folder. With VFA_STATE_WRITE, a file of an older version is
 * upgraded and a damaged file is replaced by a new one. With VFA_STATE_READ, a file of an older
 * version is opened as a copy (vfa_state_open_copy()). Close *ret with vfa_state_close(). */
int vfa_state_open(const char *path, const char *libvirt_run, enum vfa_state_mode mode,
                   struct vfa_state **ret, struct vfa_error *err);

/* Sets how long this thread waits for a locked file, in milliseconds, before it fails with -EBUSY.
 * Default: 10000. Applies to handles that this thread opens from now on. */
void vfa_state_set_patience(unsigned ms);

/* From now on, opening a damaged file is an error and the file stays in place. For a program whose
 * user typed the path: it may be the wrong file. Call it before the first open. */
void vfa_state_leave_damaged(void);

/* Opens a copy of the file in memory, to try changes on it. The copy is upgraded and made current
 * for this boot as by a writer, without saved settings; it is empty if path is NULL or there is no
 * file. Close *ret with vfa_state_close(). */
int vfa_state_open_copy(const char *path, const char *libvirt_run, struct vfa_state **ret,
                        struct vfa_error *err);

/* For a process that opens the state often; call it before the first thread starts. From now on
 * vfa_state_close() keeps up to n handles open, and vfa_state_open() uses them again unless the
 * state file was replaced. 0 closes the kept handles. */
void vfa_state_keep(size_t n);

/* Closes the handle; an open transaction is rolled back. Takes NULL, returns NULL. */
struct vfa_state *vfa_state_close(struct vfa_state *state);
VFA_DEFINE_AUTO(struct vfa_state, vfa_state_close);

/* Begins a write transaction for several calls. No transaction may be open. */
int vfa_state_begin(struct vfa_state *state, struct vfa_error *err);
/* Commits the transaction. On error, call vfa_state_rollback(). */
int vfa_state_commit(struct vfa_state *state, struct vfa_error *err);
/* Rolls the transaction back. Does nothing if none is open. */
void vfa_state_rollback(struct vfa_state *state);

/* True if a transaction is open. */
bool vfa_state_is_open(const struct vfa_state *state);
/* True if the handle comes from vfa_state_open_copy(). */
bool vfa_state_is_copy(const struct vfa_state *state);

/* For functions that are called inside or outside a transaction: begins a transaction if none is
 * open. True in *ret_own if it did. */
int vfa_state_join(struct vfa_state *state, bool *ret_own, struct vfa_error *err);
/* If `own`: commits the transaction if result is 0, else rolls it back. Returns `result`, or the
 * error of the commit. A transaction of a caller stays open. */
int vfa_state_finish(struct vfa_state *state, bool own, int result, struct vfa_error *err);

/* Inside a transaction: sets a savepoint (https://sqlite.org/lang_savepoint.html). */
int vfa_state_savepoint(struct vfa_state *state, struct vfa_error *err);
/* Undoes all changes since the savepoint, and removes it. */
int vfa_state_rollback_to_savepoint(struct vfa_state *state, struct vfa_error *err);

/* Receives domains one by one. uuid is borrowed. */
typedef void vfa_state_visit_fn(void *data, const char *uuid);

#endif
