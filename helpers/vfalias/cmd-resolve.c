/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfalias resolve: reads a domain XML and writes it with the host's devices instead of its
 * placeholders. For pipes: `vfalias resolve <d.xml | virsh create /dev/stdin`. Does not use
 * libvirt.
 *
 * The devices are claimed as for an incoming domain (claim/incoming.h): the start that follows
 * finds the claims by the domain's UUID, or they expire. A domain without a UUID gets a UUID.
 * stdout stays empty on any error.
 */

#include "base/common.h"
#include "base/error.h"
#include "base/io.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "host/host.h"
#include "claim/assignment.h"
#include "claim/incoming.h"
#include "claim/transaction.h"
#include "cmd-host.h"
#include "cmd.h"
#include "verbs.h"

#include <errno.h>
#include <string.h>
#include <uuid.h>

static int read_stdin(struct vfa_io_data *xml, struct vfa_domain **ret, struct vfa_error *err)
{
    int r = vfa_io_read_all(STDIN_FILENO, VFA_IO_XML_MAX, xml);

    if (r < 0)
        return vfa_fail(err, -r, "cannot read standard input: %s", strerror(-r));
    return vfa_domxml_parse(xml->data, xml->len, ret, err);
}

/* ---- the text ---- */

/* uuid: written into the XML; NULL: the XML has a UUID. */
static int make_text(const struct vfa_io_data *xml, const struct vfa_assignments *devices,
                     const char *uuid, char **ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *filled = NULL;
    int r = vfa_assignments_fill(devices, xml->data, xml->len, &filled, err);

    if (r == 0 && uuid)
        return vfa_domxml_set_uuid(filled, strlen(filled), uuid, ret, err);
    if (r == 0)
        *ret = vfa_steal(&filled);
    return r;
}

/* ---- the devices ---- */

struct job {
    const struct vfa_io_data *xml;
    const struct vfa_domain *domain;
    const char *uuid; /* written into the XML, or NULL */
    char **ret;
};

/* Runs in one transaction: if the text cannot be made, the claims are rolled back. */
static int claim_and_tell(struct vfa_host *host, void *data, struct vfa_error *err)
{
    VFA_AUTO(vfa_assignments_clear) struct vfa_assignments devices = {NULL, 0};
    const struct job *job = data;
    int r = vfa_incoming_claim(host, job->domain, VFA_INCOMING_KEEP_SOURCES, &devices, err);

    return r ? r : make_text(job->xml, &devices, job->uuid, job->ret, err);
}

static int resolve(const struct vfa_cmd_context *ctx, const struct vfa_io_data *xml,
                   struct vfa_domain *domain, bool dry_run, char **ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    struct job job = {.xml = xml, .domain = domain, .ret = ret};
    uuid_t made;
    int r;

    if (!domain->uuid[0]) {
        job.uuid = dry_run ? NULL : domain->uuid;
        uuid_generate_random(made);
        uuid_unparse_lower(made, domain->uuid);
    }
    r = vfa_cmd_open_host(ctx, dry_run ? VFA_CMD_HOST_COPY : VFA_CMD_HOST_WRITE, &host, err);
    return r < 0 ? r : vfa_transaction_run(&host, true, claim_and_tell, &job, err);
}

int vfa_cmd_resolve(struct vfa_cmd_context *ctx, int argc, char **argv)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_io_data_clear) struct vfa_io_data xml = {NULL, 0};
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;
    VFA_AUTO(vfa_freep) char *text = NULL;
    bool dry_run = false;
    const struct vfa_cmd_flag flags[] = {{"dry-run", &dry_run, NULL}};
    const struct vfa_cmd_syntax syntax = {"resolve", flags, ARRAY_SIZE(flags), {NULL}};
    int status;

    if (!vfa_cmd_begin(ctx, &syntax, argc, argv, NULL, &status))
        return status;
    if (!dry_run && !vfa_cmd_may_write(ctx))
        return VFA_CMD_USAGE;
    if (read_stdin(&xml, &domain, &err) < 0)
        return vfa_cmd_fail_error(&err);
    if (!vfa_domain_has_tagged(domain))
        fwrite(xml.data, 1, xml.len, stdout);
    else if (resolve(ctx, &xml, domain, dry_run, &text, &err) == 0)
        fputs(text, stdout);
    else
        return vfa_cmd_fail_error(&err);
    return VFA_CMD_FINE;
}
