/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfalias detach and vfalias attach: detach the devices of a running domain's requests, and attach
 * devices again. A detached request counts as withdrawn by its user until `attach`, until the
 * request is added again, or until the domain starts again.
 */

#include "base/common.h"
#include "base/error.h"
#include "domain/domain.h"
#include "cmd.h"
#include "guest.h"
#include "verbs.h"

#include <errno.h>
#include <string.h>

struct what {
    const char *domain;
    const char *request; /* NULL: all requests */
    unsigned timeout;
};

/* Selects, of the requests in `what`, those that have a device (with) or have no device. -ENOENT:
 * the domain has no such request. */
static int select_guest_requests(const struct vfa_guest *guest, const struct what *what, bool with,
                                 struct vfa_request_names *ret, struct vfa_error *err)
{
    const struct vfa_domain *live = guest->live;

    ret->n = 0;
    if (what->request && !vfa_domain_request(live, what->request))
        return vfa_fail(err, ENOENT, "domain '%s' has no request '%s': see 'vfalias request list'",
                        live->name, what->request);
    for (size_t i = 0; i < live->n_requests; i++) {
        const char *name = live->requests[i].name;

        if (what->request && strcmp(name, what->request) != 0)
            continue;
        if (!vfa_domain_device(live, name) == !with)
            ret->items[ret->n++] = name;
    }
    return 0;
}

static void print_requests_done(const struct vfa_guest *guest,
                                const struct vfa_request_names *names, const char *done)
{
    for (size_t i = 0; i < names->n; i++)
        printf("domain '%s': the device of request '%s' is %s\n", guest->live->name,
               names->items[i], done);
    if (names->n == 0)
        printf("domain '%s': nothing to be %s\n", guest->live->name, done);
}

static int detach_requests(struct vfa_guest *guest, const struct what *what, struct vfa_error *err)
{
    struct vfa_request_names names;
    int r = select_guest_requests(guest, what, true, &names, err);

    if (r == 0 && names.n > 0)
        r = vfa_guest_take_out(guest, &names, err);
    if (r == 0 && names.n > 0)
        r = vfa_guest_withdraw(guest, &names, err);
    if (r == 0)
        print_requests_done(guest, &names, "detached");
    return r;
}

static int attach_requests(struct vfa_guest *guest, const struct what *what, struct vfa_error *err)
{
    struct vfa_request_names names;
    int r = select_guest_requests(guest, what, false, &names, err);

    if (r == 0 && names.n > 0)
        r = vfa_guest_claim(guest, &names, err);
    if (r == 0 && names.n > 0)
        r = vfa_guest_give_back(guest, &names, err);
    if (r == 0)
        print_requests_done(guest, &names, "attached");
    return r;
}

static int run_on_guest(struct vfa_cmd_context *ctx, const struct what *what,
                        int (*verb)(struct vfa_guest *guest, const struct what *what,
                                    struct vfa_error *err))
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_guest_clear) struct vfa_guest guest = VFA_GUEST_INIT;
    int r;

    if (!vfa_cmd_may_write(ctx))
        return VFA_CMD_USAGE;
    r = vfa_guest_open(ctx, what->domain, what->timeout, &guest, &err);
    if (r == 0)
        r = verb(&guest, what, &err);
    return r ? vfa_cmd_fail_error(&err) : VFA_CMD_FINE;
}

int vfa_cmd_detach(struct vfa_cmd_context *ctx, int argc, char **argv)
{
    bool all = false;
    const char *timeout = NULL, *operands[2];
    const struct vfa_cmd_flag flags[] = {{"all", &all, NULL}, {"timeout", NULL, &timeout}};
    const struct vfa_cmd_syntax syntax = {
        "detach", flags, ARRAY_SIZE(flags), {"DOMAIN", "[REQUEST]", NULL}};
    struct what what;
    int status;

    if (!vfa_cmd_begin(ctx, &syntax, argc, argv, operands, &status))
        return status;
    if (all == (operands[1] != NULL))
        return vfa_cmd_fail_usage("detach: give either a REQUEST or --all");
    what = (struct what){.domain = operands[0], .request = operands[1]};
    if (!vfa_guest_timeout(syntax.verb, timeout, &what.timeout))
        return VFA_CMD_USAGE;
    return run_on_guest(ctx, &what, detach_requests);
}

int vfa_cmd_attach(struct vfa_cmd_context *ctx, int argc, char **argv)
{
    const char *timeout = NULL, *operands[2];
    const struct vfa_cmd_flag flags[] = {{"timeout", NULL, &timeout}};
    const struct vfa_cmd_syntax syntax = {
        "attach", flags, ARRAY_SIZE(flags), {"DOMAIN", "[REQUEST]", NULL}};
    struct what what;
    int status;

    if (!vfa_cmd_begin(ctx, &syntax, argc, argv, operands, &status))
        return status;
    what = (struct what){.domain = operands[0], .request = operands[1]};
    if (!vfa_guest_timeout(syntax.verb, timeout, &what.timeout))
        return VFA_CMD_USAGE;
    return run_on_guest(ctx, &what, attach_requests);
}
