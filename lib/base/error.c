/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See error.h. Invariant: a filled error has a code; it has no msg if memory was short. */

#include "error.h"

#include "common.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static void set_error(struct vfa_error *err, int code, char *msg)
{
    if (!err) {
        free(msg);
        return;
    }
    free(err->msg);
    err->code = code;
    err->msg = msg;
}

static VFA_PRINTF(1, 0) char *format_line(const char *fmt, va_list args)
{
    char *text;

    if (vasprintf(&text, fmt, args) < 0)
        return NULL;
    for (char *p = text; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?'; /* a message is one line */
    }
    return text;
}

int vfa_fail(struct vfa_error *err, int code, const char *fmt, ...)
{
    va_list args;
    char *msg;

    va_start(args, fmt);
    msg = format_line(fmt, args);
    va_end(args);
    set_error(err, code, msg);
    return -code;
}

int vfa_refuse(struct vfa_error *err, int code, const char *fmt, ...)
{
    va_list args;
    char *msg;

    va_start(args, fmt);
    msg = format_line(fmt, args);
    va_end(args);
    set_error(err, code, msg);
    return VFA_REFUSED;
}

int vfa_error_move(struct vfa_error *err, struct vfa_error *why)
{
    int code = why->code;

    set_error(err, code, vfa_steal(&why->msg));
    why->code = 0;
    return -code;
}

int vfa_wrap(struct vfa_error *err, const char *fmt, ...)
{
    VFA_AUTO(vfa_freep) char *prefix = NULL;
    char *msg = NULL;
    va_list args;

    if (!err)
        return -EINVAL;
    va_start(args, fmt);
    prefix = format_line(fmt, args);
    va_end(args);
    if (prefix && asprintf(&msg, "%s: %s", prefix, vfa_error_text(err)) >= 0)
        set_error(err, err->code, msg);
    return -err->code;
}

int vfa_fail_oom(struct vfa_error *err)
{
    set_error(err, ENOMEM, NULL);
    return -ENOMEM;
}

const char *vfa_error_text(const struct vfa_error *err)
{
    if (err->msg)
        return err->msg;
    return err->code == ENOMEM ? "out of memory" : strerror(err->code);
}

void vfa_error_clear(struct vfa_error *err)
{
    free(err->msg);
    err->code = 0;
    err->msg = NULL;
}
