/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads all data from a descriptor, and writes all data to one: files, and the pipes between
 * libvirt and its hooks. A caught signal interrupts neither function. The caller keeps the
 * descriptor, which must be blocking. Needs only the C library: the hook prefilters compile this
 * file themselves.
 */
#ifndef VFA_BASE_IO_H
#define VFA_BASE_IO_H

#include "common.h"

#define VFA_IO_XML_MAX (64u << 20) /* bytes on stdin; a domain XML has a few thousand */

struct vfa_io_data {
    char *data; /* not terminated */
    size_t len;
};

/* Appends all bytes up to end of file to *data. A hook reads all of stdin, because libvirt blocks
 * until it has written everything. Returns 0 or a negative errno; -EFBIG: `max` bytes or more. In
 * all cases *data has the bytes read so far; vfa_io_data_clear() frees them. */
int vfa_io_read_all(int fd, size_t max, struct vfa_io_data *data);
void vfa_io_data_clear(struct vfa_io_data *data);

/* Writes all bytes. Returns 0, or a negative errno if it wrote only a part. -EPIPE: the reader has
 * closed the pipe; the caller must ignore SIGPIPE to get this code. */
int vfa_io_write_all(int fd, const char *data, size_t len);

#endif
