/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfalias start: starts a domain with the devices of its requests, so that the guest has them when
 * it boots. The devices are claimed as incoming and written into a copy of the definition, from
 * which the domain is created: libvirt uses the copy for this start, and the definition is not
 * changed.
 *
 * The hook at `prepare` takes the claims over. If the create fails after that, the hook at
 * `release` releases them; if it fails before, this program releases them; if this program is
 * killed, they expire.
 */

#include "base/common.h"
#include "base/error.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "state/claims.h"
#include "host/host.h"
#include "claim/assignment-xml.h"
#include "claim/assignment.h"
#include "claim/incoming.h"
#include "claim/release.h"
#include "claim/transaction.h"
#include "claim/unreleased.h"
#include "helpers/shared/virt-error.h"
#include "cmd.h"
#include "connect.h"
#include "verbs.h"

#include <errno.h>
#include <string.h>

struct start {
    struct vfa_cmd_context *ctx;
    virConnectPtr conn;
    virDomainPtr handle;
    bool paused;
    bool rehearsal;
    char *xml;                 /* the definition, with passwords */
    struct vfa_domain *domain; /* the definition, parsed */
    struct vfa_host host;
    struct vfa_assignments assignments;
    struct vfa_claims claims; /* of this start, as claim_in_transaction() made them */
};

static void start_clear(struct start *start)
{
    vfa_claims_clear(&start->claims);
    vfa_assignments_clear(&start->assignments);
    vfa_host_clear(&start->host);
    vfa_domain_free(start->domain);
    free(start->xml);
    vfa_virt_domain_unref(&start->handle);
    vfa_connection_unref(&start->conn);
}

/* Refuses a domain with a managed save image: the image would become outdated. */
static int check_startable(struct start *start, struct vfa_error *err)
{
    const char *name = virDomainGetName(start->handle);
    int active = virDomainIsActive(start->handle);
    int saved = active < 0 ? -1 : virDomainHasManagedSaveImage(start->handle, 0);

    if (active < 0 || saved < 0)
        return vfa_virt_fail(err, "cannot ask for domain '%s'", name);
    if (active)
        return vfa_fail(err, EEXIST, "domain '%s' runs already", name);
    if (saved)
        return vfa_fail(err, EEXIST,
                        "domain '%s' has a saved image: restore it with 'virsh start %s', or drop "
                        "it with 'virsh managedsave-remove %s'",
                        name, name, name);
    return 0;
}

static int read_definition(struct start *start, struct vfa_error *err)
{
    const char *name = virDomainGetName(start->handle);

    start->xml =
        virDomainGetXMLDesc(start->handle, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
    if (!start->xml)
        return vfa_virt_fail(err, "cannot read the XML of domain '%s'", name);
    if (vfa_domxml_parse(start->xml, strlen(start->xml), &start->domain, err) < 0)
        return vfa_wrap(err, "domain '%s'", name);
    return 0;
}

static int claim_in_transaction(struct vfa_host *host, void *data, struct vfa_error *err)
{
    struct start *start = data;
    int r =
        vfa_incoming_claim(host, start->domain, VFA_INCOMING_KEEP_SOURCES | VFA_INCOMING_HOTPLUG,
                           &start->assignments, err);

    return r ? r : vfa_state_claims(host->state, start->domain->uuid, &start->claims, err);
}

/* One transaction for all claims; a rehearsal does not commit it. */
static int claim_devices(struct start *start, struct vfa_error *err)
{
    return vfa_transaction_run(&start->host, !start->rehearsal, claim_in_transaction, start, err);
}

/* Drops the claims that the hook has not taken over. Errors are ignored: the claims expire. */
static void drop_start_claims(struct start *start)
{
    bool dropped;

    for (size_t i = 0; i < start->claims.n; i++)
        vfa_release_unchanged(&start->host, &start->claims.items[i], VFA_WHY_FAILED, &dropped,
                              NULL);
}

static int create_domain(struct start *start, struct vfa_error *err)
{
    VFA_AUTO(vfa_virt_domain_unref) virDomainPtr created = NULL;
    VFA_AUTO(vfa_freep) char *xml = NULL;
    int r = vfa_assignments_to_xml(start->ctx->config, start->xml, strlen(start->xml),
                                   start->domain, &start->assignments, &xml, err);

    if (r < 0)
        return r;
    created = virDomainCreateXML(start->conn, xml, start->paused ? VIR_DOMAIN_START_PAUSED : 0);
    if (!created)
        return vfa_virt_fail(err, "cannot start domain '%s'", start->domain->name);
    return 0;
}

static void print_devices(const struct start *start)
{
    for (size_t i = 0; i < start->assignments.n; i++)
        printf("%s for request '%s'\n", start->assignments.items[i].device.id,
               start->assignments.items[i].request);
}

static int start_domain(struct start *start, const char *name, struct vfa_error *err)
{
    int r = vfa_connect_both(start->ctx, name, &start->conn, &start->handle, err);

    if (r == 0)
        r = vfa_connect_check_here(start->ctx, start->conn, err);
    if (r == 0)
        r = check_startable(start, err);
    if (r == 0)
        r = read_definition(start, err);
    if (r == 0)
        r = vfa_unreleased_open_host(start->ctx->config, &start->host, err);
    if (r == 0)
        r = claim_devices(start, err);
    if (r != 0 || start->rehearsal)
        return r;
    r = create_domain(start, err);
    if (r < 0)
        drop_start_claims(start);
    return r;
}

int vfa_cmd_start(struct vfa_cmd_context *ctx, int argc, char **argv)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(start_clear) struct start start = {.ctx = ctx, .host = VFA_HOST_INIT};
    const struct vfa_cmd_flag flags[] = {{"paused", &start.paused, NULL},
                                         {"dry-run", &start.rehearsal, NULL}};
    const struct vfa_cmd_syntax syntax = {"start", flags, ARRAY_SIZE(flags), {"DOMAIN", NULL}};
    const char *name;
    int status;

    if (!vfa_cmd_begin(ctx, &syntax, argc, argv, &name, &status))
        return status;
    if (!vfa_cmd_may_write(ctx))
        return VFA_CMD_USAGE;
    if (start_domain(&start, name, &err) != 0)
        return vfa_cmd_fail_error(&err);
    print_devices(&start);
    printf("domain '%s' %s\n", start.domain->name,
           start.rehearsal ? "would be started" : "started");
    return VFA_CMD_FINE;
}
