/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text: case, blanks, the length of a UTF-8 character. Case is that of ASCII, whatever the locale
 * of the program; blanks are those of Python, since nova.conf is read by Python. Nothing here
 * allocates, and nothing fails.
 */
#ifndef VFA_BASE_TEXT_H
#define VFA_BASE_TEXT_H

#include "common.h"

/* Case as ASCII has it, whatever the locale of the program: in a Turkish one tolower('I') is no
 * 'i', and hooks, daemon and command line must read a file alike. */
char vfa_text_lower(char c);

/* True if they are the same but for case. */
bool vfa_text_same(const char *a, const char *b);

/* True if text[0..len) is that word, in any case. */
bool vfa_text_is(const char *text, size_t len, const char *word);

/* The part of text[0..len) that Python's str.strip() leaves (blanks of Unicode included; UTF-8):
 * moves *text forward and returns the new length. */
size_t vfa_text_strip(const char **text, size_t len);

/* The bytes of the UTF-8 character at the start of the text, 0 if it is none; 1 at its end. */
size_t vfa_utf8_len(const char *text);

#endif
