/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How many threads are at work at a time. A call to libvirt about a guest that hangs may take
 * minutes: the worker that is to make one goes away first, and another one takes its place.
 */
#ifndef VFA_VFALIASD_CREW_H
#define VFA_VFALIASD_CREW_H

#include <stddef.h>

struct vfa_crew;

/* n: threads that are at work. NULL: no memory. */
struct vfa_crew *vfa_crew_new(unsigned n);
struct vfa_crew *vfa_crew_free(struct vfa_crew *crew);

/* Waits until there is a place for this thread, unless it has one. */
void vfa_crew_enter(struct vfa_crew *crew);

/* Gives the place away, if this thread has one. */
void vfa_crew_leave(struct vfa_crew *crew);

#endif
