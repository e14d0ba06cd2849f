/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vfalias request: the table of its sub-verbs, and the sub-verb `ports`. For requests see
 * vfalias-requests(7). */

#include "base/common.h"
#include "base/error.h"
#include "helpers/shared/virt-error.h"
#include "cmd.h"
#include "connect.h"
#include "request-verbs.h"
#include "request.h"
#include "verbs.h"

#include <string.h>

/* ---- ports ---- */

int vfa_request_ports(struct vfa_cmd_context *ctx, int argc, char **argv)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_connection_unref) virConnectPtr conn = NULL;
    VFA_AUTO(vfa_virt_domain_unref) virDomainPtr domain = NULL;
    const struct vfa_cmd_syntax syntax = {"request ports", NULL, 0, {"DOMAIN", NULL}};
    const char *name;
    int status;

    if (!vfa_cmd_begin(ctx, &syntax, argc, argv, &name, &status))
        return status;
    if (vfa_connect_both(ctx, name, &conn, &domain, &err) < 0)
        return vfa_cmd_fail_error(&err);
    if (virDomainIsPersistent(domain) != 1)
        return vfa_cmd_fail("domain '%s' has no definition: it is transient", name);
    if (vfa_request_add_ports(domain, &err) < 0)
        return vfa_cmd_fail_error(&err);
    return VFA_CMD_FINE;
}

/* ---- the table ---- */

static const struct {
    const char *name;
    int (*run)(struct vfa_cmd_context *ctx, int argc, char **argv);
} verbs[] = {
    {"add", vfa_request_add},
    {"list", vfa_request_list},
    {"ports", vfa_request_ports},
    {"remove", vfa_request_remove},
};

int vfa_cmd_request(struct vfa_cmd_context *ctx, int argc, char **argv)
{
    if (argc < 2)
        return vfa_cmd_fail_usage("request: add, remove, list or ports is missing");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        vfa_cmd_print_help("request");
        return VFA_CMD_FINE;
    }
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        if (strcmp(argv[1], verbs[i].name) == 0)
            return verbs[i].run(ctx, argc - 1, argv + 1);
    }
    return vfa_cmd_fail_usage("request: '%s' is none of add, remove, list, ports", argv[1]);
}
