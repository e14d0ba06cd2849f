/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options of a nova.conf, for its judges. See nova-private.h. */

#include "base/common.h"
#include "base/error.h"
#include "ini.h"
#include "nova-private.h"
#include "nova-report.h"

#include <string.h>

int vfa_nova_note_option(struct vfa_nova *nova, const struct vfa_ini_entry *entry,
                         enum vfa_nova_verdict verdict, const char *reason, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *what = NULL;

    if (asprintf(&what, "[%s] %s", entry->section, entry->key) < 0) {
        what = NULL;
        return vfa_fail_oom(err);
    }
    return vfa_nova_note(&nova->report, entry->line, verdict, what, reason, err);
}

const struct vfa_ini_entry *vfa_nova_last_of(const struct vfa_ini *ini, const char *section,
                                             const char *key)
{
    for (size_t i = ini->n; i > 0; i--) {
        const struct vfa_ini_entry *entry = &ini->entries[i - 1];

        if (strcmp(entry->section, section) == 0 && strcmp(entry->key, key) == 0)
            return entry;
    }
    return NULL;
}
