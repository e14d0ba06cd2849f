/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What vfaliasd has to say, line by line on stderr: with sd-daemon(3)'s "<N>" in front when stderr
 * is the journal, plain with the program's name otherwise. A line is one write(), so that threads
 * do not mix. May be called from any thread after vfa_log_init().
 */
#ifndef VFA_SHARED_LOG_H
#define VFA_SHARED_LOG_H

#include "base/common.h"

#include <syslog.h>

/* Once, before there are threads. level: the most verbose of LOG_ERR .. LOG_DEBUG that is written.
 */
void vfa_log_init(const char *program, int level);
void vfa_log_set_level(int level);

void vfa_log(int level, const char *fmt, ...) VFA_PRINTF(2, 3);
void vfa_log_warning(const char *text); /* fits vfa_host.warn */

/* For states that last: says a line about `key` only if it is not what was said about it last. */
void vfa_log_change(const char *key, int level, const char *fmt, ...) VFA_PRINTF(3, 4);

/* Forgets what was said about every key that starts with `prefix`. */
void vfa_log_forget(const char *prefix);

#endif
