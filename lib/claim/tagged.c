/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices of the XML that carry ua-vf-NAME, and the host devices that they name.
 *
 * A named device that is present and that no other domain has is taken: its user, or vfaliasd, has
 * chosen it. If the alias of the name selects it, the rules of the alias hold as for a request:
 * permission, number, health. If not, it counts as a host device of the administrator. Every other
 * device (a placeholder) has to be replaced, which a start cannot do in its XML: the start is
 * refused, and the message says what to do.
 */

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "device/inventory.h"
#include "device/kind.h"
#include "device/pci.h"
#include "device/sysfs.h"
#include "spec/match.h"
#include "spec/spec.h"
#include "config/config.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/index.h"
#include "state/lock.h"
#include "state/state.h"
#include "choose/choose.h"
#include "choose/resolve.h"
#include "choose/verdict.h"
#include "check.h"
#include "claim.h"
#include "private.h"

#include <errno.h>
#include <string.h>

void vfa_tagged_clear(struct vfa_tagged *tagged)
{
    vfa_device_clear(&tagged->device);
    free(tagged->hold);
}

/* The request of a device. The name tells the alias if the metadata has no such request. */
static int read_request(const struct vfa_domain *domain, const struct vfa_domdev *dev,
                        struct vfa_tagged *tagged, struct vfa_error *err)
{
    const struct vfa_request *asked = vfa_domain_request(domain, dev->request);
    struct vfa_request *request = &tagged->request;

    *request = asked ? *asked : (struct vfa_request){.name = dev->request, .from_port = true};
    if (!asked) {
        request->alias = tagged->hold = vfa_domxml_alias_of_name(dev->request);
        if (!tagged->hold)
            return vfa_fail_oom(err);
    }
    request->optional = false; /* the device is in the XML, so the guest needs it */
    request->attach_given = true;
    request->attach = dev->kind;
    return 0;
}

static int is_held_by_other(struct vfa_alloc *a, const struct vfa_device *now, bool *ret,
                            struct vfa_error *err)
{
    VFA_AUTO(vfa_claim_clear) struct vfa_claim holder = {0};
    int r = vfa_alloc_holder(a, now, &holder, err);

    *ret =
        r == 0 && (strcmp(holder.uuid, a->domain->uuid) != 0 || !vfa_claim_is_held(holder.state));
    return r < 0 ? r : 0;
}

/* A free device as the alias sees it. */
struct selected {
    bool found;                      /* the alias selects it */
    struct vfa_member member;        /* as indexed; to be cleared */
    const struct vfa_device *device; /* as indexed, or as sysfs has it */
    const struct vfa_spec *spec;     /* the spec that allows the device, or NULL */
};

static void selected_clear(struct selected *selected)
{
    vfa_device_clear(&selected->member.device);
}

/* A device that is newer than the last scan is judged as the next scan would. */
static int select_new(struct vfa_alloc *a, const struct vfa_alias *alias,
                      const struct vfa_device *device, struct selected *ret, struct vfa_error *err)
{
    const struct vfa_config *config = a->host->config;
    VFA_AUTO(vfa_device_clear) struct vfa_device pf = {0};
    struct vfa_device devices[2] = {*device};
    struct vfa_inventory inv = {.devices = devices, .n = 1};
    int r = device->type == VFA_TYPE_VF ? vfa_pci_read(&a->host->sysfs, &device->parent, &pf, err)
                                        : VFA_SYSFS_GONE;

    if (r < 0)
        return r;
    if (r == 0) {
        bool first = strcmp(pf.id, device->id) < 0;

        devices[first ? 1 : 0] = *device;
        devices[first ? 0 : 1] = pf;
        inv.n = 2;
    }
    ret->device = device;
    ret->spec = vfa_config_spec_for(config, &inv, device);
    ret->found =
        vfa_config_claimable(config, &inv, device) && vfa_alias_selects(alias, device, ret->spec);
    return 0;
}

static int select_device(struct vfa_alloc *a, const struct vfa_alias *alias,
                         const struct vfa_tagged *tagged, struct selected *ret,
                         struct vfa_error *err)
{
    int r = vfa_state_member(a->host->state, alias->name, tagged->source, &ret->member, err);

    if (r == VFA_STATE_ABSENT)
        return select_new(a, alias, &tagged->device, ret, err);
    ret->found = r == 0;
    ret->device = &ret->member.device;
    ret->spec = vfa_config_spec(a->host->config, ret->member.spec);
    return r;
}

/* Judges a free device: whether the alias selects it, and the verdict. */
static int judge_of_alias(struct vfa_alloc *a, const struct vfa_alias *alias,
                          struct vfa_tagged *tagged, struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device now = {0};
    VFA_AUTO(selected_clear) struct selected selected = {.member = {.pool = -1}};
    struct vfa_criteria criteria;
    int r = select_device(a, alias, tagged, &selected, err);

    if (r != 0 || !selected.found)
        return r;
    tagged->alias = alias;
    vfa_criteria_make(alias, &tagged->request, a->domain, &a->place, &criteria);
    r = vfa_alloc_probe(a, &criteria, selected.device, selected.spec, &now, &tagged->verdict, err);
    if (tagged->verdict == VFA_VERDICT_CANDIDATE && !vfa_choose_tags(&criteria, selected.spec))
        tagged->verdict = VFA_VERDICT_TAGS;
    tagged->kind = tagged->verdict == VFA_VERDICT_CANDIDATE ? VFA_TAGGED_OK : VFA_TAGGED_UNUSABLE;
    return r;
}

/* The connection to a bridge is always free. */
static int judge_as(struct vfa_alloc *a, const struct vfa_alias *alias, struct vfa_tagged *tagged,
                    struct vfa_error *err)
{
    const char *bridge = alias->attach == VFA_ATTACH_BRIDGE ? alias->bridge : NULL;

    if (tagged->device.type != VFA_TYPE_BRIDGE)
        return bridge ? 0 : judge_of_alias(a, alias, tagged, err);
    if (bridge && strcmp(bridge, tagged->device.netdev) == 0) {
        tagged->kind = VFA_TAGGED_OK;
        tagged->alias = alias;
    }
    return 0;
}

/* Of a chain, the first alias that selects the device decides. */
static int judge_free(struct vfa_alloc *a, struct vfa_tagged *tagged, struct vfa_error *err)
{
    const struct vfa_alias *alias = vfa_resolve_alias(a->host->config, &tagged->request);
    int r = 0;

    tagged->kind = VFA_TAGGED_UNMANAGED;
    if (!alias || !alias->any_of)
        return alias ? judge_as(a, alias, tagged, err) : 0;
    for (size_t i = 0; i < alias->n_any_of && r == 0 && !tagged->alias; i++)
        r = judge_as(a, vfa_config_chained(a->host->config, alias, i), tagged, err);
    return r;
}

/* Whether a request of this alias may have its device made, for an element of that kind. */
static bool may_be_made(const struct vfa_config *config, const struct vfa_alias *alias,
                        enum vfa_attach_kind kind)
{
    bool made = vfa_alloc_makes(alias);

    for (size_t i = 0; alias && i < alias->n_any_of && !made; i++) {
        const struct vfa_alias *rung = vfa_config_chained(config, alias, i);

        made = rung->attach == kind && vfa_alloc_makes(rung);
    }
    return made;
}

/* *ret: the device is to be made, also if it is left over from an earlier start. A device that
 * exists and that vfalias did not make is its user's choice. r: of vfa_kind_read(). */
static int is_to_be_made(struct vfa_alloc *a, const struct vfa_tagged *tagged, int r, bool *ret,
                         struct vfa_error *err)
{
    const struct vfa_config *config = a->host->config;

    *ret = may_be_made(config, vfa_resolve_alias(config, &tagged->request), tagged->request.attach);
    if (!*ret || r != 0)
        return 0;
    return vfa_alloc_is_made(a, tagged->request.name, tagged->source, ret, err);
}

static int judge_present(struct vfa_alloc *a, struct vfa_tagged *tagged, struct vfa_error *err)
{
    bool held = false;
    int r = is_held_by_other(a, &tagged->device, &held, err);

    if (r == 0 && held)
        tagged->kind = VFA_TAGGED_TAKEN;
    else if (r == 0)
        r = judge_free(a, tagged, err);
    return r;
}

int vfa_alloc_read_tagged(struct vfa_alloc *a, const struct vfa_domdev *dev, struct vfa_tagged *ret,
                          struct vfa_error *err)
{
    VFA_AUTO(vfa_tagged_clear) struct vfa_tagged tagged = {.kind = VFA_TAGGED_MISSING};
    bool made = false;
    int r = read_request(a->domain, dev, &tagged, err);

    if (r == 0)
        r = vfa_alloc_source(a, dev, tagged.source, err);
    if (r == 0)
        r = vfa_kind_read(&a->host->sysfs, tagged.source, &tagged.device, err);
    vfa_alloc_leave_group(&tagged.device, dev->kind);
    if (r >= 0) {
        int made_r = is_to_be_made(a, &tagged, r, &made, err);

        r = made_r < 0 ? made_r : r;
    }
    if (r >= 0 && made)
        tagged.kind = VFA_TAGGED_MADE;
    else if (r == 0)
        r = judge_present(a, &tagged, err);
    if (r < 0)
        return r;
    *ret = tagged;
    tagged = (struct vfa_tagged){0};
    return 0;
}

int vfa_alloc_check_tagged(struct vfa_alloc *a, const struct vfa_tagged *tagged,
                           struct vfa_error *err)
{
    const struct vfa_request *request = &tagged->request;
    int r;

    if (tagged->kind == VFA_TAGGED_UNMANAGED)
        return 0;
    r = vfa_check_request(a->host->config, a->domain, request, err);
    if (r != 0 || !tagged->alias || tagged->alias == vfa_resolve_alias(a->host->config, request))
        return r;
    return vfa_alloc_check_rung(a, tagged->alias, request, err);
}

int vfa_alloc_claim_tagged(struct vfa_alloc *a, const struct vfa_tagged *tagged,
                           enum vfa_claim_state claim_state, struct vfa_error *err)
{
    const char *alias = tagged->kind == VFA_TAGGED_OK ? tagged->alias->name : NULL;

    return vfa_alloc_claim(a, tagged->request.name, alias, &tagged->device, claim_state, err);
}

/* ---- refusing those that have to be another device ---- */

/* *ret says what is wrong with the named device. */
static int say_wrong(struct vfa_alloc *a, const struct vfa_tagged *tagged, char **ret,
                     struct vfa_error *err)
{
    VFA_AUTO(vfa_claim_clear) struct vfa_claim holder = {0};
    const char *device = tagged->source;
    int r = 0;

    if (tagged->kind == VFA_TAGGED_TAKEN)
        r = vfa_alloc_holder(a, &tagged->device, &holder, err);
    if (r < 0)
        return r;
    if (tagged->kind == VFA_TAGGED_MISSING)
        r = asprintf(ret, "device '%s%s' names no device of this host", VFA_DEVICE_PREFIX,
                     tagged->request.name);
    else if (tagged->kind == VFA_TAGGED_UNUSABLE)
        r = asprintf(ret, "device %s of '%s%s' cannot be used: %s", device, VFA_DEVICE_PREFIX,
                     tagged->request.name, vfa_verdict_name(tagged->verdict));
    else if (!vfa_claim_is_held(holder.state))
        r = asprintf(ret, "device %s is not free: %s is being %s after domain '%s' had it", device,
                     holder.device, holder.state == VFA_CLAIM_CLEANING ? "cleaned" : "released",
                     holder.domain);
    else
        r = asprintf(ret, "device %s is not free: domain '%s' holds %s (request '%s')", device,
                     holder.domain, holder.device, holder.request);
    if (r < 0)
        *ret = NULL;
    return r < 0 ? vfa_fail_oom(err) : 0;
}

/* Refuses: another device is free, and vfaliasd or the user can choose it. */
static int refuse_with_hint(struct vfa_alloc *a, const char *wrong, struct vfa_error *err)
{
    int r = vfa_lock_is_held(a->host->config->state_path, &a->start_refused, err);

    if (r < 0)
        return r;
    return vfa_refuse(
        err, EBUSY, "%s: %s", wrong,
        a->start_refused
            ? "start it again, vfaliasd has chosen another one for its definition (if it "
              "has none, run 'vfalias resolve')"
            : "run 'vfalias resolve', or start vfaliasd, which chooses another one for "
              "its definition");
}

/* Refuses when no other device is free. The fault of the named device is reported first; `why` says
 * why none is free. */
static int refuse_no_alternative(struct vfa_alloc *a, const struct vfa_tagged *tagged,
                                 const char *wrong, const struct vfa_error *why,
                                 struct vfa_error *err)
{
    const char *text = vfa_error_text(why);

    if (tagged->kind == VFA_TAGGED_MISSING)
        return vfa_refuse(err, why->code, "%s", text);
    if (vfa_resolve_alias(a->host->config, &tagged->request))
        return vfa_refuse(err, EBUSY, "%s; %s", wrong, text);
    return vfa_refuse(err, EBUSY, "%s", wrong);
}

/* *ret_wrong is the fault of the named device, before others are claimed. */
static int try_another(struct vfa_alloc *a, const struct vfa_domdev *dev, char **ret_wrong,
                       struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    VFA_AUTO(vfa_tagged_clear) struct vfa_tagged tagged = {0};
    int r = vfa_alloc_read_tagged(a, dev, &tagged, err);

    if (r == 0)
        r = say_wrong(a, &tagged, ret_wrong, err);
    if (r < 0)
        return r;
    r = vfa_check_request(a->host->config, a->domain, &tagged.request, &why);
    if (r == 0)
        r = vfa_alloc_pick(a, &tagged.request, NULL, &why);
    if (r == VFA_CLAIM_REFUSED)
        return refuse_no_alternative(a, &tagged, *ret_wrong, &why, err);
    if (r == VFA_CLAIM_RESCAN)
        return r;
    return r < 0 ? vfa_error_move(err, &why) : 0;
}

int vfa_alloc_refuse_start(struct vfa_alloc *a, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *first = NULL;
    const size_t n = a->claims.n; /* claims beyond these are only tried */
    int r = 0;

    for (size_t i = 0; i < a->domain->n_devices && r == 0; i++) {
        const struct vfa_domdev *dev = &a->domain->devices[i];
        VFA_AUTO(vfa_freep) char *wrong = NULL;

        if (!dev->request ||
            vfa_claims_find(&(struct vfa_claims){a->claims.items, n}, dev->request))
            continue;
        r = try_another(a, dev, &wrong, err);
        if (!first)
            first = vfa_steal(&wrong);
    }
    return r ? r : refuse_with_hint(a, first, err);
}
