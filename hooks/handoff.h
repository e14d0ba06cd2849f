/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A hook is two programs. libvirt runs the prefilter for every operation; the prefilter links only
 * the C library and ends at once for calls that cannot concern vfalias. It hands all other calls to
 * the handler, which knows XML and the state, with the functions below.
 */
#ifndef VFA_HOOKS_HANDOFF_H
#define VFA_HOOKS_HANDOFF_H

#include "base/common.h"
#include "base/io.h"

/* True if the input contains one of `n` words. */
bool vfa_handoff_has_marker(const struct vfa_io_data *in, const char *const *words, size_t n);

/* Makes stdin readable again from the start of the input. Also ignores SIGXFSZ, in the handler too:
 * a write beyond the limit for files (setrlimit(2)) fails and kills no process. 0 or a negative
 * errno. */
int vfa_handoff_rewind_stdin(const struct vfa_io_data *in);

/* Runs the handler in place of this process: its exit status is that of the hook. Returns only on
 * failure: a negative errno. */
int vfa_handoff_exec(const char *path, char **argv);

/* Runs the handler as a child that writes its stdout to *ret_fd, so that libvirt never sees a
 * partial reply. The caller closes *ret_fd in any case. Returns as vfa_handoff_run(). */
int vfa_handoff_capture(const char *path, char **argv, int *ret_fd);

/* Writes the captured reply to stdout after reading all of it. 0 or a negative errno. */
int vfa_handoff_reply(int fd);

/* Runs the handler as a child, so that a crash of the handler, or a library that is missing during
 * an upgrade, is not the result of the hook. Returns the exit status of the handler, or a negative
 * errno: it could not be run, or a signal ended it. */
int vfa_handoff_run(const char *path, char **argv);

#endif
