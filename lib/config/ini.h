/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * INI text to entries, as oslo.config reads it. What sections and keys mean is not known here.
 */
#ifndef VFA_CONFIG_INI_H
#define VFA_CONFIG_INI_H

#include "base/common.h"
#include "base/error.h"

struct vfa_ini_entry {
    char *section; /* as written, but lower case unless it is DEFAULT */
    char *key;
    char *value; /* continuation lines are joined by newlines */
    unsigned line;
};

struct vfa_ini {
    struct vfa_ini_entry *entries;
    size_t n;
};

/* Reads text[0..len) as oslo.config does. `file` is for messages. Clear *ret with vfa_ini_clear(),
 * also on error: then it has what is in front of the mistake. */
int vfa_ini_parse(const char *file, const char *text, size_t len, struct vfa_ini *ret,
                  struct vfa_error *err);
void vfa_ini_clear(struct vfa_ini *ini);

/* The same of the file at `path`. -ENOENT etc.: it cannot be read, and *ret is not written. */
int vfa_config_read_ini(const char *path, const char *file, struct vfa_ini *ret,
                        struct vfa_error *err);

#endif
