/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Parses INI text into entries, like oslo.config. Does not know the meaning of sections and keys.
 */
#ifndef VFA_CONFIG_INI_H
#define VFA_CONFIG_INI_H

#include "base/common.h"
#include "base/error.h"

struct vfa_ini_entry {
    char *section; /* in lower case, except DEFAULT */
    char *key;
    char *value; /* continuation lines are joined by newlines */
    unsigned line;
};

struct vfa_ini {
    struct vfa_ini_entry *entries;
    size_t n;
};

/* Parses text[0..len). `file` is for messages. Free *ret with vfa_ini_clear(), also on error: then
 * it has the entries before the mistake. */
int vfa_ini_parse(const char *file, const char *text, size_t len, struct vfa_ini *ret,
                  struct vfa_error *err);
void vfa_ini_clear(struct vfa_ini *ini);

/* Parses the file at `path`. -ENOENT etc.: it cannot be read; *ret is not written then. */
int vfa_config_read_ini(const char *path, const char *file, struct vfa_ini *ret,
                        struct vfa_error *err);

#endif
