/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Turns: whether a worker, which attaches devices (reconcile.h), or a holder, which suspends and
 * resumes the guest (hold.h), works on a domain with a hold. libvirt runs one job of a domain at a
 * time. Without turns a holder would wait in libvirt for an attach of this daemon, and delay other
 * guests; and a worker could attach before the guest is suspended.
 *
 * No thread waits for a turn. A thread that does not get the turn returns to its queue; the thread
 * that has the turn learns at its end that the other wanted it.
 *
 * The entries also remember since when a guest runs, from its event, and that this daemon has
 * suspended it: the state has the latter too, but the state file may be lost.
 */
#ifndef VFA_VFALIASD_TURN_H
#define VFA_VFALIASD_TURN_H

#include "base/common.h"
#include "base/uuid.h"

struct vfa_turns;

/* NULL: no memory. */
struct vfa_turns *vfa_turns_new(void);
struct vfa_turns *vfa_turns_free(struct vfa_turns *turns);

/* False: another thread has the turn (or no memory); vfa_turn_end() then returns true to it. */
bool vfa_turn_take(struct vfa_turns *turns, const char *uuid);

/* Ends the turn. True if another thread wanted it meanwhile. */
bool vfa_turn_end(struct vfa_turns *turns, const char *uuid);

/* The guest was started now. Keeps an earlier time, if there is one. */
void vfa_turn_started(struct vfa_turns *turns, const char *uuid);

/* Milliseconds since the guest was started; negative: unknown. */
int64_t vfa_turn_age(struct vfa_turns *turns, const char *uuid);

/* This daemon has suspended the guest age_ms ago, or is about to. id: libvirt's id of the guest; 0:
 * it is no longer suspended. */
void vfa_turn_hold(struct vfa_turns *turns, const char *uuid, unsigned id, int64_t age_ms);

/* libvirt's id of the guest that this daemon has suspended, or 0. */
unsigned vfa_turn_held(struct vfa_turns *turns, const char *uuid);

/* For how many milliseconds the guest has been suspended; negative: it is not. */
int64_t vfa_turn_held_for(struct vfa_turns *turns, const char *uuid);

/* The worker that has the turn begins to attach a device: libvirt runs no other job of the
 * guest. */
void vfa_turn_attach(struct vfa_turns *turns, const char *uuid);
/* The attach has ended. True if vfa_turn_attaches() was called meanwhile. */
bool vfa_turn_attached(struct vfa_turns *turns, const char *uuid);
/* Whether a worker attaches a device to the guest now. */
bool vfa_turn_attaches(struct vfa_turns *turns, const char *uuid);

struct vfa_held_guest {
    char uuid[VFA_UUID_SIZE];
    unsigned id;
};

/* All guests that this daemon has suspended. The caller frees *ret with free(). Returns their
 * number; SIZE_MAX: no memory. */
size_t vfa_turn_all_held(struct vfa_turns *turns, struct vfa_held_guest **ret);

/* Forgets since when the guest runs, and that it was suspended. */
void vfa_turn_forget(struct vfa_turns *turns, const char *uuid);

#endif
