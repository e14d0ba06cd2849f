/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See allocate.h. One transaction around everything that is decided; the index proposes, sysfs
 * disposes.
 */
#include "allocate-private.h"
#include "choose.h"
#include "presence.h"
#include "release.h"

#include <errno.h>
#include <string.h>

/* ---- what a request means ---- */

const struct vfa_alias *vfa_allocate_alias(const struct vfa_config *config,
                                           const struct vfa_request *request)
{
    const struct vfa_alias *alias = vfa_config_alias(config, request->alias);

    /* A port labelled "a-1" asks for alias "a", unless it is "a-1" that is an alias. */
    if (!alias && request->from_port)
        alias = vfa_config_alias(config, request->name);
    return alias;
}

int vfa_allocate_alias_of(const struct vfa_config *config, const struct vfa_domain *domain,
                          const struct vfa_domdev *dev, const struct vfa_alias **ret,
                          struct vfa_error *err)
{
    const struct vfa_request *asked = vfa_domain_request(domain, dev->request);
    struct vfa_request named = {.name = dev->request, .from_port = true};
    VFA_AUTO(vfa_freep) char *alias = asked ? NULL : vfa_domxml_alias_of_name(dev->request);

    if (!asked && !alias)
        return vfa_fail_oom(err);
    named.alias = alias;
    *ret = vfa_allocate_alias(config, asked ? asked : &named);
    return 0;
}

static int refuse_unknown(const struct vfa_config *config, const struct vfa_request *request,
                          struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *known = strdup("");

    for (size_t i = 0; known && i < config->n_aliases; i++) {
        char *more = NULL;

        if (asprintf(&more, "%s%s'%s'", known, i ? ", " : "", config->aliases[i].name) < 0)
            return vfa_fail_oom(err);
        free(known);
        known = more;
    }
    return vfa_refuse(err, ENOENT,
                      "request '%s': no alias '%s' is configured on this host (there %s %s)",
                      request->name, request->alias, config->n_aliases ? "are" : "is",
                      config->n_aliases ? known : "none");
}

static int refuse_tag(const struct vfa_request *request, const char *tag, struct vfa_error *err)
{
    return vfa_refuse(err, EINVAL,
                      "request '%s': unknown attribute '%s': no device_spec sets such a tag",
                      request->name, tag);
}

static bool some_spec_sets(const struct vfa_config *config, const char *tag)
{
    for (size_t i = 0; i < config->n_specs; i++) {
        if (vfa_tags_get(&config->specs[i].tags, tag))
            return true;
    }
    return false;
}

/* Those in the metadata, and devices of the XML that ask by their names. */
static int count_requests(const struct vfa_config *config, const struct vfa_domain *domain,
                          const struct vfa_alias *alias, unsigned *ret, struct vfa_error *err)
{
    unsigned n = 0;

    for (size_t i = 0; i < domain->n_requests; i++)
        n += vfa_allocate_alias(config, &domain->requests[i]) == alias;
    for (size_t i = 0; i < domain->n_devices; i++) {
        const struct vfa_domdev *dev = &domain->devices[i];
        const struct vfa_alias *its;
        int r;

        if (!dev->request || vfa_domain_request(domain, dev->request))
            continue;
        r = vfa_allocate_alias_of(config, domain, dev, &its, err);
        if (r < 0)
            return r;
        n += its == alias;
    }
    *ret = n;
    return 0;
}

static int check_entitlement(const struct vfa_config *config, const struct vfa_domain *domain,
                             const struct vfa_request *request, const struct vfa_alias *alias,
                             struct vfa_error *err)
{
    static const struct vfa_numa_place nowhere;
    struct vfa_wish wish;
    unsigned n;
    int r = count_requests(config, domain, alias, &n, err);

    if (r < 0)
        return r;
    vfa_wish_make(alias, request, domain, &nowhere, &wish);
    if (!vfa_choose_permits(&wish)) {
        return vfa_refuse(err, EPERM,
                          "request '%s': this domain is not permitted to ask for alias '%s'",
                          request->name, alias->name);
    }
    if (alias->max_per_domain && n > alias->max_per_domain) {
        return vfa_refuse(err, EPERM,
                          "request '%s': %u devices of alias '%s' are asked for, %u are allowed",
                          request->name, n, alias->name, alias->max_per_domain);
    }
    return 0;
}

static int check_settings(const struct vfa_request *request, const struct vfa_alias *alias,
                          struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    struct vfa_vf_settings settings;

    if (!request->settings.given)
        return 0;
    vfa_request_settings(request, alias, &settings);
    if (vfa_vf_settings_check(&settings, &why) == 0)
        return 0;
    return vfa_refuse(err, EINVAL, "request '%s': settings: %s", request->name,
                      vfa_error_text(&why));
}

int vfa_attempt_check_request(const struct vfa_config *config, const struct vfa_domain *domain,
                              const struct vfa_request *request, struct vfa_error *err)
{
    const struct vfa_alias *alias = vfa_allocate_alias(config, request);
    int r;

    if (!alias)
        return refuse_unknown(config, request, err);
    for (size_t i = 0; i < request->tags.n; i++) {
        if (!some_spec_sets(config, request->tags.items[i].key))
            return refuse_tag(request, request->tags.items[i].key, err);
    }
    r = check_settings(request, alias, err);
    return r ? r : check_entitlement(config, domain, request, alias, err);
}

static int refuse_ports(const struct vfa_domain *domain, unsigned missing, struct vfa_error *err)
{
    if (domain->pcie)
        return vfa_refuse(
            err, ENOSPC,
            "%u more empty PCIe root port%s needed to hot-plug what it asks for: run 'vfalias "
            "request ports %s', or add <controller type='pci' model='pcie-root-port'/>",
            missing, missing == 1 ? "" : "s", domain->name);
    return vfa_refuse(err, ENOSPC, "%u more free PCI slot%s needed to hot-plug what it asks for",
                      missing, missing == 1 ? "" : "s");
}

static int check(const struct vfa_config *config, const struct vfa_domain *domain,
                 struct vfa_error *err)
{
    unsigned missing = vfa_domain_missing_ports(domain);

    if (domain->bad_requests) {
        return vfa_refuse(err, EINVAL, "%s", domain->bad_requests);
    }
    for (size_t i = 0; i < domain->n_requests; i++) {
        int r = vfa_attempt_check_request(config, domain, &domain->requests[i], err);

        if (r)
            return r;
    }
    return missing ? refuse_ports(domain, missing, err) : 0;
}

int vfa_allocate_check(const struct vfa_config *config, const struct vfa_domain *domain,
                       struct vfa_error *err)
{
    int r = check(config, domain, err);

    if (r)
        vfa_wrap(err, "domain '%s'", domain->name);
    return r;
}

/* True if a device is to be attached once the domain runs. */
static bool needs_daemon(const struct vfa_domain *domain)
{
    for (size_t i = 0; i < domain->n_requests; i++) {
        if (!vfa_domain_device(domain, domain->requests[i].name))
            return true;
    }
    return false;
}

int vfa_allocate_check_daemon(const struct vfa_config *config, const struct vfa_domain *domain,
                              struct vfa_error *err)
{
    bool present;
    int r;

    if (!config->require_daemon || !needs_daemon(domain))
        return 0;
    r = vfa_presence_ask(config->state_path, &present, err);
    if (r < 0 || present)
        return r;
    return vfa_fail(err, ESRCH,
                    "domain '%s': vfaliasd is not running, and it attaches what is asked for: run "
                    "'systemctl start vfaliasd' (or set require_daemon = no)",
                    domain->name);
}

/* ---- one attempt ---- */

void vfa_attempt_clear(struct vfa_attempt *a)
{
    vfa_checkup_clear(&a->checkup);
}

/* ---- a whole domain ---- */

/* What the domain still had from before. An incoming claim is for this start, unless the arrival
 * was another one that did not come about. */
static int forget_leftovers(struct vfa_attempt *a, struct vfa_error *err)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    int r = vfa_state_forget_all_withdrawals(a->host->state, a->domain->uuid, err);

    if (r == 0)
        r = vfa_state_claims(a->host->state, a->domain->uuid, &claims, err);
    for (size_t i = 0; i < claims.n && r == 0; i++) {
        if (claims.items[i].state == VFA_CLAIM_INCOMING &&
            vfa_attempt_asks_for(a->domain, &claims.items[i]))
            r = vfa_state_set_claim_state(a->host->state, a->domain->uuid, claims.items[i].request,
                                          VFA_CLAIM_CLAIMED, err);
        else
            r = vfa_release(a->host, a->domain->uuid, claims.items[i].request, VFA_WHY_LEFT, NULL,
                            err);
    }
    return r;
}

/* A late one is looked at again while the domain runs. */
static int do_without(struct vfa_attempt *a, const struct vfa_request *request,
                      struct vfa_error *err)
{
    return request->late ? 0
                         : vfa_state_withdraw(a->host->state, a->domain->uuid, request->name, err);
}

static int serve_all(struct vfa_attempt *a, struct vfa_error *err)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    int r = vfa_state_claims(a->host->state, a->domain->uuid, &claims, err);

    for (size_t i = 0; i < a->domain->n_requests && r == 0; i++) {
        const struct vfa_request *request = &a->domain->requests[i];
        VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;

        if (vfa_claims_find(&claims, request->name))
            continue;
        r = vfa_attempt_serve(a, request, NULL, &why);
        if (r == VFA_ALLOCATE_NONE && request->optional)
            r = do_without(a, request, err);
        else if (r && r != VFA_ALLOCATE_RESCAN)
            vfa_error_move(err, &why);
    }
    return r;
}

bool vfa_attempt_asks(const struct vfa_attempt *a)
{
    for (size_t i = 0; i < a->domain->n_devices; i++) {
        if (a->domain->devices[i].request)
            return true;
    }
    return a->domain->n_requests > 0;
}

static int refuse_lost(struct vfa_attempt *a, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *awaited = NULL;
    int r = vfa_state_awaited(a->host->state, &awaited, err);

    if (r < 0)
        return r;
    if (awaited)
        return vfa_refuse(
            err, EAGAIN,
            "the state file was lost, and vfaliasd cannot read which devices the running domain '%s' has: see 'journalctl -u vfaliasd'",
            awaited);
    return vfa_refuse(err, EAGAIN,
                      "the state file was lost and vfaliasd has not rebuilt it from the running "
                      "domains yet: try again once it has connected to libvirt");
}

int vfa_attempt_check_synced(struct vfa_attempt *a, struct vfa_error *err)
{
    bool synced;
    int r = vfa_state_synced(a->host->state, &synced, err);

    return r < 0 || synced || !vfa_attempt_asks(a) ? r : refuse_lost(a, err);
}

int vfa_attempt_begin(struct vfa_attempt *a, struct vfa_error *err)
{
    int r = vfa_attempt_check_synced(a, err);

    if (r == 0)
        r = vfa_numa_locate(&a->host->sysfs, a->domain, &a->place, err);
    if (r == 0)
        r = forget_leftovers(a, err);
    if (r == 0 && vfa_attempt_asks(a))
        r = vfa_attempt_make_fresh(a, err);
    if (r == 0)
        r = vfa_attempt_claim_present(a, err);
    return r;
}

static int allocate_domain(struct vfa_attempt *a, struct vfa_error *err)
{
    int r = vfa_attempt_begin(a, err);

    if (r == 0)
        r = serve_all(a, err);
    return r ? r : vfa_attempt_settle_hold(a, err);
}

struct job {
    const struct vfa_domain *domain;
    int (*what)(struct vfa_attempt *a, struct vfa_error *err);
    const int64_t *ended; /* as in struct vfa_attempt */
    bool unmet;           /* likewise, of the last attempt */
    int64_t freed;        /* VFA_COUNTER_FREED when that began */
};

static int do_job(struct vfa_host *host, void *data, struct vfa_error *err)
{
    struct job *job = data;
    VFA_AUTO(vfa_attempt_clear)
    struct vfa_attempt a = {
        .host = host, .domain = job->domain, .ended = job->ended, .rescanned = host->scanned};
    int r = vfa_state_counter(host->state, VFA_COUNTER_FREED, &job->freed, err);

    if (r == 0)
        r = job->what(&a, err);
    job->unmet = a.unmet;
    return r;
}

/* In one transaction; names the domain if it is refused. */
static int transact(struct vfa_host *host, struct job *job, struct vfa_error *err)
{
    int r = vfa_allocate_transact(host, true, do_job, job, err);

    if (r && r != VFA_ALLOCATE_AGAIN)
        vfa_wrap(err, "domain '%s'", job->domain->name);
    return r;
}

int vfa_allocate_domain(struct vfa_host *host, const struct vfa_domain *domain,
                        struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    struct job job = {.domain = domain, .what = allocate_domain};
    int r = vfa_release_leftovers(host, domain->uuid, err);

    if (r < 0)
        return vfa_wrap(err, "domain '%s'", domain->name);
    r = transact(host, &job, &why);
    if (r == VFA_ALLOCATE_NONE && vfa_release_await_any(host, domain->uuid, job.freed)) {
        vfa_error_clear(&why);
        r = transact(host, &job, &why);
    }
    if (r)
        vfa_error_move(err, &why);
    if (r == VFA_ALLOCATE_NONE && job.unmet)
        vfa_state_set_unmet(host->state, domain->uuid, NULL);
    return r;
}

/* ---- a domain that runs ---- */

int vfa_allocate_reassert(struct vfa_host *host, const struct vfa_domain *domain,
                          struct vfa_error *err)
{
    struct job job = {.domain = domain, .what = vfa_attempt_reassert_present};

    return transact(host, &job, err);
}

int vfa_allocate_reassert_read(struct vfa_host *host, const struct vfa_domain *domain,
                               int64_t ended, struct vfa_error *err)
{
    struct job job = {.domain = domain, .what = vfa_attempt_reassert_present, .ended = &ended};

    return transact(host, &job, err);
}
