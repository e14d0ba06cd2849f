/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text: case, blanks, the length of a UTF-8 character. Case is ASCII case in every locale. Blanks
 * are Python's, because Python reads nova.conf. No function allocates or fails.
 */
#ifndef VFA_BASE_TEXT_H
#define VFA_BASE_TEXT_H

#include "common.h"

/* Lower case in ASCII, in every locale: hooks, vfaliasd and the command line must read a file in
 * the same way, but in a Turkish locale tolower('I') is not 'i'. */
char vfa_text_lower(char c);

/* Whether both texts are equal, ignoring case. */
bool vfa_text_same(const char *a, const char *b);

/* Whether text[0..len) is `word`, ignoring case. */
bool vfa_text_is(const char *text, size_t len, const char *word);

/* Removes the blanks at both ends of text[0..len), as Python's str.strip() does for UTF-8 text,
 * Unicode blanks included. Moves *text forward and returns the new length. */
size_t vfa_text_strip(const char **text, size_t len);

/* Returns the length in bytes of the UTF-8 character at the start of the text; 1 at the NUL at the
 * end; 0: not UTF-8. */
size_t vfa_utf8_len(const char *text);

#endif
