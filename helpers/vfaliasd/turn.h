/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who is at work on a domain whose guest is to wait for its devices: a worker that attaches them
 * (reconcile.h), or a holder that suspends and resumes the guest (hold.h). libvirt
 * takes one job of a domain at a time. Without turns a holder would wait in libvirt for an attach
 * of this daemon, and keep other guests waiting; and a worker could attach before the guest is
 * suspended.
 *
 * Nobody waits for a turn: who does not get it goes away, and the other one is told so when it is
 * done.
 *
 * For the guests of which an event has come, it is kept since when they run; and of those that this
 * daemon has suspended, that it did: the state file, which says so too, may be lost meanwhile.
 */
#ifndef VFA_VFALIASD_TURN_H
#define VFA_VFALIASD_TURN_H

#include "base/common.h"
#include "base/uuid.h"

struct vfa_turns;

/* NULL: no memory. */
struct vfa_turns *vfa_turns_new(void);
struct vfa_turns *vfa_turns_free(struct vfa_turns *turns);

/* False: the other one has it (or there is no memory), and vfa_turn_end() returns true to it. */
bool vfa_turn_take(struct vfa_turns *turns, const char *uuid);

/* True if the other one wanted it meanwhile. */
bool vfa_turn_end(struct vfa_turns *turns, const char *uuid);

/* The guest runs as of now, unless it is known to have run before. */
void vfa_turn_started(struct vfa_turns *turns, const char *uuid);

/* For how many milliseconds it has run; negative: not known. */
int64_t vfa_turn_age(struct vfa_turns *turns, const char *uuid);

/* This daemon has suspended, or is about to suspend, the guest with that id of libvirt's, as of
 * age_ms ago; 0: it waits no longer. */
void vfa_turn_hold(struct vfa_turns *turns, const char *uuid, unsigned id, int64_t age_ms);

/* That id, or 0. */
unsigned vfa_turn_held(struct vfa_turns *turns, const char *uuid);

/* For how many milliseconds it has been held; negative: it is not. */
int64_t vfa_turn_held_for(struct vfa_turns *turns, const char *uuid);

/* A worker whose turn it is begins to wait for libvirt, which takes no other job of the guest; and
 * it is done: true if somebody has asked by vfa_turn_attaches() meanwhile. */
void vfa_turn_attach(struct vfa_turns *turns, const char *uuid);
bool vfa_turn_attached(struct vfa_turns *turns, const char *uuid);
bool vfa_turn_attaches(struct vfa_turns *turns, const char *uuid);

struct vfa_held_guest {
    char uuid[VFA_UUID_SIZE];
    unsigned id;
};

/* All guests with such an id. *ret is freed by the caller; returns their number, or SIZE_MAX: no
 * memory. */
size_t vfa_turn_all_held(struct vfa_turns *turns, struct vfa_held_guest **ret);

/* It is not of interest any longer since when it runs, nor that it was suspended. */
void vfa_turn_forget(struct vfa_turns *turns, const char *uuid);

#endif
