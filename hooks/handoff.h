/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A hook is two programs: the first half is run for everything that libvirt does, links nothing but
 * the C library and ends at once for what cannot concern vfalias; the rest is handed to the second
 * half, which knows XML and the state. Here is how it is handed over.
 */
#ifndef VFA_HOOKS_HANDOFF_H
#define VFA_HOOKS_HANDOFF_H

#include "base/common.h"
#include "base/io.h"

/* True if one of `n` words is in the input. */
bool vfa_handoff_has_marker(const struct vfa_io_data *in, const char *const *words, size_t n);

/* Makes stdin what was read from it, once more. 0 or a negative errno: from here on, in both
 * halves, a write beyond the limit for files (setrlimit(2)) is one, and ends nobody. */
int vfa_handoff_rewind_stdin(const struct vfa_io_data *in);

/* Runs the second half in place of this process, so that its verdict is this hook's. Returns only
 * to say why not: a negative errno. */
int vfa_handoff_exec(const char *path, char **argv);

/* The same with what it prints kept back: *ret_fd, to be closed in any case, has it, so that half
 * an answer never gets to libvirt. */
int vfa_handoff_capture(const char *path, char **argv, int *ret_fd);

/* Prints what was kept back, once it has all of it in hand: only a reader that has gone away gets a
 * part. 0 or a negative errno. */
int vfa_handoff_reply(int fd);

/* Runs it beside this process, so that nothing it may come to (a crash, a library that is gone in
 * the middle of an upgrade) is this hook's verdict. Its exit status, or a negative errno: it could
 * not be run, or did not end by itself. */
int vfa_handoff_run(const char *path, char **argv);

#endif
