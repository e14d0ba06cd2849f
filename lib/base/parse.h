/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The only text-to-number conversions of the tree. They convert the whole string: no sign, no
 * blanks, no locale, no silent overflow. They return 0, or -EINVAL with *ret untouched. The caller
 * words the message, because only the caller knows what the text is for. The one exception is
 * vfa_parse_python_hex(), for values that nova.conf may contain.
 */
#ifndef VFA_BASE_PARSE_H
#define VFA_BASE_PARSE_H

#include "common.h"

/* Returns the value of a digit in `base` (up to 16), or -1: not a digit. */
int vfa_parse_digit(char c, unsigned base);

/* Decimal, 0..max. */
int vfa_parse_u32(const char *text, uint32_t max, uint32_t *ret) VFA_MUST_CHECK;

/* Hexadecimal, with or without 0x, 0..max. */
int vfa_parse_hex(const char *text, uint32_t max, uint32_t *ret) VFA_MUST_CHECK;

/* Like Python's int(text, 16): allows blanks around the number, a sign, 0x, and single underscores
 * between digits. Saturates at VFA_PYTHON_HEX_MAX, which is above every limit, so that the caller
 * can report "too large". */
#define VFA_PYTHON_HEX_MAX INT32_MAX
int vfa_parse_python_hex(const char *text, int32_t *ret) VFA_MUST_CHECK;

/* Like oslo.utils' bool_from_string(strict=True): 1 t true on y yes, 0 f false off n no, in any
 * case, with blanks around them. */
int vfa_parse_oslo_bool(const char *text, bool *ret) VFA_MUST_CHECK;

/* "yes"/"no", the booleans of libvirt's XML and of [vfalias]. */
int vfa_parse_bool(const char *text, bool *ret) VFA_MUST_CHECK;

/* "error", "warning", "info" or "debug", as LOG_* of syslog. */
int vfa_parse_log_level(const char *text, int *ret) VFA_MUST_CHECK;

#endif
