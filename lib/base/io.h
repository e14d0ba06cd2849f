/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading all of a descriptor, and writing all to one: files, and the pipes between libvirt and its
 * hooks. A signal that is caught interrupts neither. The descriptor stays the caller's; it must
 * block. Needs nothing but the C library: the first halves of the hooks compile it for themselves.
 */
#ifndef VFA_BASE_IO_H
#define VFA_BASE_IO_H

#include "common.h"

#define VFA_IO_XML_MAX (64u << 20) /* bytes on stdin; a domain XML has some thousands */

struct vfa_io_data {
    char *data; /* not terminated */
    size_t len;
};

/* Appends to *data what there is up to the end, as libvirt waits until it has written everything.
 * 0 or a negative errno, -EFBIG: it has `max` bytes or more. In either case *data has what was read
 * until then, and vfa_io_data_clear() frees it. */
int vfa_io_read_all(int fd, size_t max, struct vfa_io_data *data);
void vfa_io_data_clear(struct vfa_io_data *data);

/* Writes all of it. 0, or a negative errno after a part of it at most. -EPIPE: nobody reads it any
 * more; the caller ignores SIGPIPE if it wants to be told. */
int vfa_io_write_all(int fd, const char *data, size_t len);

#endif
