/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The only text-to-number conversions of the tree. All of them take the whole string, digits first:
 * no sign, no blanks, no locale, no silent overflow. They return 0, or -EINVAL and leave *ret
 * alone; the caller words the message, since only it knows what the text was. The one exception
 * reads what Python's int(text, 16) reads, for values that nova.conf may hold.
 */
#ifndef VFA_BASE_PARSE_H
#define VFA_BASE_PARSE_H

#include "common.h"

/* The value of a digit in `base`, which is 16 at most, or -1: no such digit. */
int vfa_parse_digit(char c, unsigned base);

/* Decimal, 0..max. */
int vfa_parse_u32(const char *text, uint32_t max, uint32_t *ret) VFA_MUST_CHECK;

/* Hexadecimal, with or without 0x, 0..max. */
int vfa_parse_hex(const char *text, uint32_t max, uint32_t *ret) VFA_MUST_CHECK;

/* As Python's int(text, 16): blanks around it, a sign, 0x, and single underscores between digits
 * are fine. Saturates at VFA_PYTHON_HEX_MAX, which is more than any limit, so that the caller can
 * say "too large". */
#define VFA_PYTHON_HEX_MAX INT32_MAX
int vfa_parse_python_hex(const char *text, int32_t *ret) VFA_MUST_CHECK;

/* As oslo.utils' bool_from_string(strict=True): 1 t true on y yes, 0 f false off n no, in any case,
 * blanks around them. */
int vfa_parse_oslo_bool(const char *text, bool *ret) VFA_MUST_CHECK;

/* "yes"/"no", the booleans of libvirt's XML and of [vfalias]. */
int vfa_parse_bool(const char *text, bool *ret) VFA_MUST_CHECK;

/* "error", "warning", "info", "debug" as syslog's LOG_*. */
int vfa_parse_log_level(const char *text, int *ret) VFA_MUST_CHECK;

#endif
