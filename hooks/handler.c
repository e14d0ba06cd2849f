/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See handler.h. */

#include "handler.h"

#include "base/common.h"
#include "base/error.h"
#include "base/io.h"
#include "config/config.h"
#include "host/host.h"
#include "claim/unreleased.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

static const struct vfa_handler *find_handler(const struct vfa_handler *table, size_t n,
                                              char **argv)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(argv[2], table[i].op) == 0 && strcmp(argv[3], table[i].subop) == 0)
            return &table[i];
    }
    return NULL;
}

static int print_reply(const struct vfa_call *call, struct vfa_error *err)
{
    int r = vfa_io_write_all(STDOUT_FILENO, call->reply_xml, strlen(call->reply_xml));

    if (r == 0)
        return 0;
    return vfa_fail(err, -r, "domain '%s': cannot write its XML: %s", call->object, strerror(-r));
}

static void clear_call(struct vfa_call *call)
{
    vfa_io_data_clear(&call->xml);
    free(call->reply_xml);
}

static int run_handler(const struct vfa_handler *handler, const char *kind, struct vfa_call *call,
                       struct vfa_error *err)
{
    int r = vfa_io_read_all(STDIN_FILENO, VFA_IO_XML_MAX, &call->xml);

    if (r < 0)
        return vfa_fail(err, -r, "%s '%s': cannot read its XML: %s", kind, call->object,
                        strerror(-r));
    return handler->function(call, err);
}

static void print_failure(const struct vfa_error *err)
{
    fprintf(stderr, "vfalias: %s\n", vfa_error_text(err));
}

void vfa_handler_warn(const char *text)
{
    syslog(LOG_WARNING, "%s", text);
}

int vfa_handler_open_host(const struct vfa_config *config, struct vfa_host *ret,
                          struct vfa_error *err)
{
    int r = vfa_unreleased_open_host(config, ret, err);

    if (r == 0)
        ret->warn = vfa_handler_warn;
    return r;
}

int vfa_handler_main(int argc, char **argv, const char *kind, const struct vfa_handler *table,
                     size_t n)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(clear_call)
    struct vfa_call call = {.object = argc < 2 ? NULL : argv[1], .began = (int64_t)time(NULL)};
    const struct vfa_handler *handler;
    bool reply_lost = false;
    int r;

    if (argc < 4)
        return 2;
    handler = find_handler(table, n, argv);
    if (!handler)
        return 0;
    openlog("vfalias", LOG_PID, LOG_DAEMON);
    r = run_handler(handler, kind, &call, &err);
    if (r == 0 && call.reply_xml) {
        r = print_reply(&call, &err);
        reply_lost = r < 0;
    }
    if (r == 0)
        return 0;
    if (handler->failing != VFA_FAILS_NEVER && r > 0) {
        print_failure(&err);
        return VFA_HANDLER_REFUSED;
    }
    if (handler->failing == VFA_FAILS_ALWAYS)
        print_failure(&err);
    syslog(LOG_WARNING, "cannot %s %s '%s': %s", argv[2], kind, argv[1], vfa_error_text(&err));
    return handler->failing == VFA_FAILS_ALWAYS || reply_lost ? VFA_HANDLER_NO_VERDICT : 0;
}
