/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Log lines of vfaliasd and clean-device on stderr: with the prefix "<N>" of sd-daemon(3) if stderr
 * is the journal, else with the program's name. A line is one write(), so lines of several threads
 * do not mix. Any thread may call these functions after vfa_log_init().
 */
#ifndef VFA_SHARED_LOG_H
#define VFA_SHARED_LOG_H

#include "base/common.h"

#include <syslog.h>

/* Call once, before threads are started. `program` is borrowed. level: the most verbose level that
 * is written, LOG_ERR to LOG_DEBUG. */
void vfa_log_init(const char *program, int level);
void vfa_log_set_level(int level);

void vfa_log(int level, const char *fmt, ...) VFA_PRINTF(2, 3);
void vfa_log_warning(const char *text); /* fits vfa_host.warn */

/* For conditions that last: writes a line only if it differs from the last line for `key`. */
void vfa_log_change(const char *key, int level, const char *fmt, ...) VFA_PRINTF(3, 4);

/* Forgets the last lines of all keys that start with `prefix`. */
void vfa_log_forget(const char *prefix);

#endif
