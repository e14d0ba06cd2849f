/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices of the XML that carry ua-vf-NAME, and what becomes of the host's devices that they name.
 *
 * One that is there and that nobody else has is taken as it is: its user, or vfaliasd, has chosen.
 * If it is one that the alias of the name means, the rules of the alias hold as for a request: who
 * may ask, how many, and the device must be well. If it is not, it is a host device of the
 * administrator's like one without a name. In place of all others (placeholders) there has to be
 * another one, which a start cannot put into its XML: it is refused, with a line that says who can.
 */
#include "allocate-private.h"
#include "presence.h"

#include <errno.h>
#include <string.h>

void vfa_named_clear(struct vfa_named *named)
{
    vfa_device_clear(&named->device);
    free(named->hold);
}

/* The request that a device belongs to: its name says the alias where the metadata does not. */
static int read_request(const struct vfa_domain *domain, const struct vfa_domdev *dev,
                        struct vfa_named *named, struct vfa_error *err)
{
    const struct vfa_request *asked = vfa_domain_request(domain, dev->request);
    struct vfa_request *request = &named->request;

    *request = asked ? *asked : (struct vfa_request){.name = dev->request, .from_port = true};
    if (!asked) {
        request->alias = named->hold = vfa_domxml_alias_of_name(dev->request);
        if (!named->hold)
            return vfa_fail_oom(err);
    }
    request->optional = false; /* it is in the XML: it has to be somewhere */
    request->attach_given = true;
    request->attach = dev->kind;
    return 0;
}

static int is_held(struct vfa_attempt *a, const struct vfa_device *now, bool *ret,
                   struct vfa_error *err)
{
    VFA_AUTO(vfa_claim_clear) struct vfa_claim holder = {0};
    int r = vfa_attempt_holder(a, now, &holder, err);

    *ret = r == 0 && strcmp(holder.uuid, a->domain->uuid) != 0;
    return r < 0 ? r : 0;
}

/* One that nobody else has: whether the alias means it, and what speaks against it then. */
static int judge_free(struct vfa_attempt *a, struct vfa_named *named, struct vfa_error *err)
{
    const struct vfa_config *config = a->host->config;
    const struct vfa_alias *alias = vfa_allocate_alias(config, &named->request);
    VFA_AUTO(vfa_device_clear) struct vfa_device now = {0};
    struct vfa_member member = {.pool = -1};
    const struct vfa_spec *spec;
    struct vfa_wish wish;
    int r = VFA_STATE_ABSENT;

    if (alias)
        r = vfa_state_member(a->host->state, alias->name, &named->source, &member, err);
    named->kind = VFA_NAMED_OWN;
    if (r != 0)
        return r < 0 ? r : 0;
    spec = member.spec >= 0 ? &config->specs[member.spec] : NULL;
    vfa_wish_make(alias, &named->request, a->domain, &a->place, &wish);
    r = vfa_attempt_look(a, &wish, &member.device, spec, &now, &named->drop, err);
    vfa_device_clear(&member.device);
    if (named->drop == VFA_DROP_NONE && !vfa_choose_tags(&wish, spec))
        named->drop = VFA_DROP_TAGS;
    named->kind = named->drop == VFA_DROP_NONE ? VFA_NAMED_FITS : VFA_NAMED_UNFIT;
    return r;
}

int vfa_attempt_named(struct vfa_attempt *a, const struct vfa_domdev *dev, struct vfa_named *ret,
                      struct vfa_error *err)
{
    VFA_AUTO(vfa_named_clear) struct vfa_named named = {.kind = VFA_NAMED_ABSENT};
    bool held = false;
    int r = read_request(a->domain, dev, &named, err);

    if (r == 0)
        r = vfa_attempt_source(a, dev, &named.source, err);
    if (r == 0)
        r = vfa_inventory_read(&a->host->sysfs, &named.source, &named.device, err);
    if (r == 0)
        r = is_held(a, &named.device, &held, err);
    if (r == 0 && held)
        named.kind = VFA_NAMED_HELD;
    else if (r == 0)
        r = judge_free(a, &named, err);
    if (r < 0)
        return r;
    *ret = named;
    named = (struct vfa_named){0};
    return 0;
}

int vfa_attempt_check_named(struct vfa_attempt *a, const struct vfa_named *named,
                            struct vfa_error *err)
{
    if (named->kind == VFA_NAMED_OWN)
        return 0;
    return vfa_attempt_check_request(a->host->config, a->domain, &named->request, err);
}

int vfa_attempt_claim_named(struct vfa_attempt *a, const struct vfa_named *named,
                            enum vfa_claim_state claim_state, struct vfa_error *err)
{
    const char *alias = NULL;

    if (named->kind == VFA_NAMED_FITS)
        alias = vfa_allocate_alias(a->host->config, &named->request)->name;
    return vfa_attempt_claim(a, named->request.name, alias, &named->device, claim_state, err);
}

/* ---- refusing those that have to be another device ---- */

/* What is wrong with the one that is named, in *ret. */
static int say_wrong(struct vfa_attempt *a, const struct vfa_named *named, char **ret,
                     struct vfa_error *err)
{
    VFA_AUTO(vfa_claim_clear) struct vfa_claim holder = {0};
    char device[VFA_PCI_ADDR_SIZE];
    int r = 0;

    vfa_pci_addr_format(&named->source, device);
    if (named->kind == VFA_NAMED_HELD)
        r = vfa_attempt_holder(a, &named->device, &holder, err);
    if (r < 0)
        return r;
    if (named->kind == VFA_NAMED_ABSENT)
        r = asprintf(ret, "device '%s%s' names no host device that is there", VFA_DEVICE_PREFIX,
                     named->request.name);
    else if (named->kind == VFA_NAMED_UNFIT)
        r = asprintf(ret, "device %s of '%s%s' is not to be had: %s", device, VFA_DEVICE_PREFIX,
                     named->request.name, vfa_drop_name(named->drop));
    else
        r = asprintf(ret, "device %s is not free: domain '%s' holds %s (request '%s')", device,
                     holder.domain, holder.device, holder.request);
    if (r < 0)
        *ret = NULL;
    return r < 0 ? vfa_fail_oom(err) : 0;
}

/* There would be another one. */
static int advise(struct vfa_attempt *a, const char *wrong, struct vfa_error *err)
{
    int r = vfa_presence_ask(a->host->config->state_path, &a->unmet, err);

    if (r < 0)
        return r;
    vfa_fail(err, EBUSY, "%s: %s", wrong,
             a->unmet ? "start it again, vfaliasd has chosen another one for its definition (if it "
                        "has none, run 'vfalias resolve')"
                      : "run 'vfalias resolve', or start vfaliasd, which chooses another one for "
                        "its definition");
    return VFA_ALLOCATE_NONE;
}

/* There is none: `why` says so. What is to be said of a device that is there comes first. */
static int despair(struct vfa_attempt *a, const struct vfa_named *named, const char *wrong,
                   const struct vfa_error *why, struct vfa_error *err)
{
    const char *text = vfa_error_text(why);

    if (named->kind == VFA_NAMED_ABSENT)
        vfa_fail(err, why->code, "%s", text);
    else if (vfa_allocate_alias(a->host->config, &named->request))
        vfa_fail(err, EBUSY, "%s; %s", wrong, text);
    else
        vfa_fail(err, EBUSY, "%s", wrong);
    return VFA_ALLOCATE_NONE;
}

/* *ret_wrong is what is wrong with the one that is named, before others are claimed. */
static int try_another(struct vfa_attempt *a, const struct vfa_domdev *dev, char **ret_wrong,
                       struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    VFA_AUTO(vfa_named_clear) struct vfa_named named = {0};
    int r = vfa_attempt_named(a, dev, &named, err);

    if (r == 0)
        r = say_wrong(a, &named, ret_wrong, err);
    if (r < 0)
        return r;
    r = vfa_attempt_serve(a, &named.request, NULL, &why);
    if (r == VFA_ALLOCATE_NONE)
        return despair(a, &named, *ret_wrong, &why, err);
    return r < 0 ? vfa_fail(err, -r, "%s", vfa_error_text(&why)) : 0;
}

int vfa_attempt_refuse_unmet(struct vfa_attempt *a, struct vfa_error *err)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    VFA_AUTO(vfa_freep) char *first = NULL;
    int r = vfa_state_claims(a->host->state, a->domain->uuid, &claims, err);

    for (size_t i = 0; i < a->domain->n_devices && r == 0; i++) {
        const struct vfa_domdev *dev = &a->domain->devices[i];
        VFA_AUTO(vfa_freep) char *wrong = NULL;

        if (!dev->request || vfa_claims_find(&claims, dev->request))
            continue;
        r = try_another(a, dev, &wrong, err);
        if (!first)
            first = vfa_steal(&wrong);
    }
    return r ? r : advise(a, first, err);
}
