/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libvirt writes to a hook's stdin, and what goes back to it. */
#ifndef VFA_INPUT_H
#define VFA_INPUT_H

#include "common.h"

#define VFA_INPUT_MAX (64u << 20) /* bytes; a domain XML has some thousands */

struct vfa_input {
    char *data; /* not terminated */
    size_t len;
};

/* Reads to the end, as libvirt waits until it has written everything. 0 or a negative errno; in
 * either case what was read is freed by vfa_input_clear(). */
int vfa_input_read(int fd, struct vfa_input *in);
void vfa_input_clear(struct vfa_input *in);

/* Writes all of it. 0, or a negative errno after a part of it at most. */
int vfa_output_write(int fd, const char *data, size_t len);

#endif
