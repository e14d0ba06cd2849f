/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See report.h.
 *
 * Invariant: a warning is one line, even if it quotes text of several lines.
 */

#include "report.h"

#include "base/array.h"
#include "base/common.h"
#include "base/error.h"
#include "spec/spec.h"
#include "config.h"

#include <errno.h>
#include <stdarg.h>

int vfa_config_fail(const struct vfa_where *where, struct vfa_error *err, const char *fmt, ...)
{
    VFA_AUTO(vfa_freep) char *text = NULL;
    va_list args;
    int r;

    va_start(args, fmt);
    r = vasprintf(&text, fmt, args);
    va_end(args);
    if (r < 0) {
        text = NULL;
        return vfa_fail_oom(err);
    }
    return vfa_fail(err, EINVAL, "%s:%u: %s", where->file, where->line, text);
}

int vfa_config_wrap(const struct vfa_where *where, struct vfa_error *err)
{
    return vfa_wrap(err, "%s:%u", where->file, where->line);
}

int vfa_config_warn(struct vfa_config *config, const struct vfa_where *where, struct vfa_error *err,
                    const char *fmt, ...)
{
    VFA_AUTO(vfa_freep) char *text = NULL;
    char **slot;
    va_list args;
    int r;

    va_start(args, fmt);
    r = vasprintf(&text, fmt, args);
    va_end(args);
    if (r < 0) {
        text = NULL;
        return vfa_fail_oom(err);
    }
    slot = vfa_array_grow(&config->warnings, config->n_warnings);
    if (!slot || asprintf(slot, "%s:%u: %s", where->file, where->line, text) < 0)
        return vfa_fail_oom(err);
    for (char *p = *slot; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    }
    config->n_warnings++;
    return 0;
}
