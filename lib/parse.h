/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The only text-to-number conversions of the tree. All of them take the whole string, digits first:
 * no sign, no blanks, no locale, no silent overflow. They return 0, or -EINVAL and leave *ret
 * alone; the caller words the message, since only it knows what the text was. The one exception
 * reads what Python's int(text, 16) reads, for values that nova.conf may hold.
 */
#ifndef VFA_PARSE_H
#define VFA_PARSE_H

#include "common.h"

/* Decimal, 0..max. */
int vfa_parse_u32(const char *text, uint32_t max, uint32_t *ret) VFA_MUST_CHECK;

/* Hexadecimal, with or without 0x, 0..max. */
int vfa_parse_hex(const char *text, uint32_t max, uint32_t *ret) VFA_MUST_CHECK;

/* As Python's int(text, 16): blanks around it, a sign, 0x, and single underscores between digits
 * are fine. Saturates at VFA_PYTHON_HEX_MAX, which is more than any limit, so that the caller can
 * say "too large". */
#define VFA_PYTHON_HEX_MAX INT32_MAX
int vfa_parse_python_hex(const char *text, int32_t *ret) VFA_MUST_CHECK;

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

/* As oslo.utils' bool_from_string(strict=True): 1 t true on y yes, 0 f false off n no, in any case,
 * blanks around them. */
int vfa_parse_oslo_bool(const char *text, bool *ret) VFA_MUST_CHECK;

/* "yes"/"no", the booleans of libvirt's XML and of [vfalias]. */
int vfa_parse_bool(const char *text, bool *ret) VFA_MUST_CHECK;

/* "error", "warning", "info", "debug" as syslog's LOG_*. */
int vfa_parse_log_level(const char *text, int *ret) VFA_MUST_CHECK;

/* A PCI address. The domain has up to 32 bits: VMD makes 0x10000 and above. */
struct vfa_pci_addr {
    uint32_t domain;
    uint8_t bus;
    uint8_t slot;     /* 0..0x1f */
    uint8_t function; /* 0..7 */
};

#define VFA_PCI_ADDR_SIZE sizeof("00000000:00:00.0")

/* "DDDD:BB:SS.F" exactly as sysfs names devices (lower case, zero padded; domain 4 to 8 digits). */
int vfa_parse_pci_addr(const char *text, struct vfa_pci_addr *ret) VFA_MUST_CHECK;

/* The inverse; buf has VFA_PCI_ADDR_SIZE bytes. Returns buf. */
char *vfa_pci_addr_format(const struct vfa_pci_addr *addr, char *buf);

/* <0, 0, >0: the order of the addresses. */
int vfa_pci_addr_compare(const struct vfa_pci_addr *a, const struct vfa_pci_addr *b);

#endif
