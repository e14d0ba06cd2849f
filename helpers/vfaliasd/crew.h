/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Limits how many threads work at a time. A call to libvirt about a guest that hangs may take
 * minutes: a worker gives its place to another worker before such a call.
 */
#ifndef VFA_VFALIASD_CREW_H
#define VFA_VFALIASD_CREW_H

#include <stddef.h>

struct vfa_crew;

/* n: threads that work at a time. NULL: no memory. */
struct vfa_crew *vfa_crew_new(unsigned n);
struct vfa_crew *vfa_crew_free(struct vfa_crew *crew);

/* Waits until a place is free, unless this thread has a place. */
void vfa_crew_enter(struct vfa_crew *crew);

/* Gives up this thread's place, if it has one. */
void vfa_crew_leave(struct vfa_crew *crew);

#endif
