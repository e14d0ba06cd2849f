/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Chooses one device of one alias for one request. The index proposes devices (choose/candidates.h). The state
 * (quarantine) and sysfs (present, healthy) decide.
 *
 * Deterministic: the same state and hardware give the same choice. Refused devices are counted by
 * verdict, for the message that a user gets if no device is left.
 */

#include "base/bitset.h"
#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device/device.h"
#include "device/health.h"
#include "device/inventory.h"
#include "device/keys.h"
#include "device/kind.h"
#include "device/sysfs.h"
#include "spec/match.h"
#include "spec/spec.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/conflict.h"
#include "state/index.h"
#include "state/quarantine.h"
#include "state/release.h"
#include "state/state.h"
#include "host/host.h"
#include "choose/candidates.h"
#include "choose/choose.h"
#include "choose/verdict-health.h"
#include "choose/verdict.h"
#include "private.h"

#include <errno.h>
#include <string.h>

struct pick {
    struct vfa_alloc *a;
    const struct vfa_request *request;
    struct vfa_criteria criteria;
    unsigned dropped[VFA_VERDICT_N];
    struct vfa_device *taken; /* gets the chosen device; may be NULL */
    bool found;
};

static bool goes_on(const struct pick *p)
{
    return p->a->observer && p->a->observer->go_on;
}

/* ---- one device ---- */

static int is_quarantined(struct vfa_state *state, const struct vfa_device *dev, bool *ret,
                          struct vfa_error *err)
{
    VFA_AUTO(vfa_quarantine_clear) struct vfa_quarantine list = {NULL, 0};
    int r = vfa_state_quarantined(state, dev->id, &list, err);

    *ret = r == 0 && list.n > 0;
    return r;
}

static bool is_the_same(const struct vfa_device *now, const struct vfa_device *indexed)
{
    char now_pf[VFA_DEVICE_ID_SIZE] = "", indexed_pf[VFA_DEVICE_ID_SIZE] = "";

    (void)vfa_device_pf(now, now_pf);
    (void)vfa_device_pf(indexed, indexed_pf);
    return now->vendor == indexed->vendor && now->product == indexed->product &&
           strcmp(now_pf, indexed_pf) == 0;
}

/* If a domain has a device of the IOMMU group, that domain has the group open. Otherwise an open
 * group means that another program uses the device. */
static int look_for_holder(struct vfa_alloc *a, const struct vfa_device *now, enum vfa_verdict *ret,
                           struct vfa_error *err)
{
    VFA_AUTO(vfa_claim_clear) struct vfa_claim claim = {0};
    struct vfa_finding held = {.fault = VFA_HEALTH_NONE};
    struct vfa_keys keys;
    int r;

    vfa_keys_of_device(now, &keys);
    r = vfa_state_holder(a->host->state, &keys, "", &claim, err);
    if (r == VFA_STATE_ABSENT)
        r = vfa_health_held(&a->health_context, now, &held, err);
    *ret = vfa_verdict_of_health(held.fault);
    return r;
}

int vfa_alloc_probe(struct vfa_alloc *a, const struct vfa_criteria *criteria,
                    const struct vfa_device *indexed, const struct vfa_spec *spec,
                    struct vfa_device *now, enum vfa_verdict *ret, struct vfa_error *err)
{
    struct vfa_host *host = a->host;
    struct vfa_health health;
    bool quarantined;
    int r = is_quarantined(host->state, indexed, &quarantined, err);

    *ret = VFA_VERDICT_QUARANTINED;
    if (r < 0 || quarantined)
        return r;
    r = vfa_kind_read_again(&host->sysfs, indexed, now, err);
    if (r < 0)
        return r;
    *ret = VFA_VERDICT_MISSING;
    if (r == VFA_SYSFS_GONE || !is_the_same(now, indexed))
        return 0;
    if (now->type == VFA_TYPE_PCI)
        now->type = indexed->type; /* only a whole scan tells PFs from other devices */
    *ret = VFA_VERDICT_DRIVER;
    if (!vfa_alias_matches_driver(criteria->alias, now, spec))
        return 0;
    a->health_context.sysfs = &host->sysfs;
    r = vfa_kind_check(&a->health_context, now, &health, err);
    if (r < 0)
        return r;
    *ret = vfa_choose_health(criteria,
                             &(struct vfa_facts){.dev = now,
                                                 .spec = spec,
                                                 .use = vfa_verdict_of_health(health.use.fault),
                                                 .pf = vfa_verdict_of_health(health.pf.fault),
                                                 .group = vfa_verdict_of_health(health.group.fault),
                                                 .vfio = health.vfio});
    if (*ret == VFA_VERDICT_CANDIDATE && health.vfio)
        r = look_for_holder(a, now, ret, err);
    vfa_alloc_leave_group(now, criteria->kind);
    return r;
}

/* A guest configures a VF of a PF that is down itself, and the PF may come up later: such VFs come
 * last. For a kind that needs the PF up, a PF that is down is a verdict. */
static bool is_of_down_pf(void *data, const struct vfa_pci_addr *pf)
{
    const struct pick *p = data;

    return !vfa_attach_facts(p->criteria.kind)->needs_pf_up &&
           vfa_health_pf_is_down(&p->a->host->sysfs, pf);
}

/* A maker becomes the device that it is to make. */
static int replace_maker(struct pick *p, struct vfa_device *now, struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device made = {0};
    int r = now->makes ? vfa_alloc_derive(p->a, now, p->request->name, &made, err) : 0;

    if (r < 0 || !now->makes)
        return r;
    vfa_device_clear(now);
    *now = made;
    made = (struct vfa_device){0};
    return 0;
}

static int claim_candidate(struct pick *p, const struct vfa_device *now, struct vfa_error *err)
{
    return vfa_alloc_claim(p->a, p->request->name, p->criteria.alias->name, now,
                           p->a->arriving ? VFA_CLAIM_INCOMING : VFA_CLAIM_CLAIMED, err);
}

/* Makes the claim and undoes it. */
static int try_claim(struct pick *p, const struct vfa_device *now, struct vfa_error *err)
{
    struct vfa_state *state = p->a->host->state;
    const size_t n = p->a->claims.n;
    int undone, r = vfa_state_savepoint(state, err);

    if (r < 0)
        return r;
    r = claim_candidate(p, now, err);
    if (r < 0)
        return r;
    undone = vfa_state_rollback_to_savepoint(state, err);
    vfa_alloc_forget_claims(p->a, n);
    return undone < 0 ? undone : r;
}

/* *ret: VFA_VERDICT_CANDIDATE if the device was claimed (or could be: go_on). */
static int try_device(struct pick *p, const struct vfa_device *indexed, const struct vfa_spec *spec,
                      enum vfa_verdict *ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_device_clear) struct vfa_device now = {0};
    int r = vfa_alloc_probe(p->a, &p->criteria, indexed, spec, &now, ret, err);

    if (r < 0 || *ret != VFA_VERDICT_CANDIDATE)
        return r;
    r = replace_maker(p, &now, err);
    if (r == 0)
        r = goes_on(p) ? try_claim(p, &now, err) : claim_candidate(p, &now, err);
    if (r > 0) /* rules that the index does not know */
        *ret = now.maker ? VFA_VERDICT_RELEASING : VFA_VERDICT_GROUP_TAKEN;
    if (r != 0)
        return r < 0 ? r : 0;
    p->found = true;
    if (p->taken) {
        *p->taken = now;
        now = (struct vfa_device){0};
    }
    return 0;
}

/* 0: claimed; VFA_STATE_TAKEN: go on. */
static int visit_candidate(void *data, const struct vfa_device *indexed,
                           const struct vfa_spec *spec, struct vfa_error *err)
{
    struct pick *p = data;
    const struct vfa_alloc_observer *observer = p->a->observer;
    enum vfa_verdict verdict = VFA_VERDICT_CANDIDATE;
    bool tries = !p->found && !(observer && observer->show_only);
    int r = tries ? try_device(p, indexed, spec, &verdict, err) : 0;

    if (r == 0 && observer)
        r = observer->visited(observer->data, indexed, verdict, err);
    if (r < 0)
        return r;
    p->dropped[verdict]++;
    return p->found && !goes_on(p) ? 0 : VFA_STATE_TAKEN;
}

/* ---- nothing found ---- */

/* ", 3 dropped by NUMA policy 'required' (nodes 0), 1 netdev in use" into a new text. */
static char *describe_dropped(const struct pick *p)
{
    char nodes[64], *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return NULL;
    for (int i = VFA_VERDICT_CANDIDATE + 1; i < VFA_VERDICT_N; i++) {
        if (p->dropped[i] && i == VFA_VERDICT_NUMA)
            fprintf(f, ", %u dropped by NUMA policy '%s' (nodes %s)", p->dropped[i],
                    vfa_numa_policy_name(p->criteria.policy),
                    vfa_bitset_format(&p->criteria.place.nodes, nodes, sizeof(nodes)));
        else if (p->dropped[i])
            fprintf(f, ", %u %s", p->dropped[i], vfa_verdict_name((enum vfa_verdict)i));
    }
    if (fclose(f) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* Counts what this domain holds of the alias, for other requests. */
static int count_own(struct pick *p, unsigned *ret, struct vfa_error *err)
{
    const struct vfa_claims *claims = &p->a->claims;
    int r = vfa_alloc_load_claims(p->a, err);

    *ret = 0;
    for (size_t i = 0; r == 0 && i < claims->n; i++)
        *ret +=
            claims->items[i].alias && strcmp(claims->items[i].alias, p->criteria.alias->name) == 0;
    return r;
}

/* Counts the devices that no domain holds and that are not free yet: the message does not count
 * them as claimed. */
static int count_ending(struct pick *p, unsigned *ret, struct vfa_error *err)
{
    struct vfa_state *state = p->a->host->state;
    const char *alias = p->criteria.alias->name;
    int r = vfa_state_count_ending(state, alias, VFA_CLAIM_RELEASING,
                                   &p->dropped[VFA_VERDICT_RELEASING], err);

    if (r == 0)
        r = vfa_state_count_ending(state, alias, VFA_CLAIM_CLEANING,
                                   &p->dropped[VFA_VERDICT_CLEANING], err);
    *ret = p->dropped[VFA_VERDICT_RELEASING] + p->dropped[VFA_VERDICT_CLEANING];
    return r;
}

static int refuse_none_free(struct pick *p, const struct vfa_candidates *candidates,
                            struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *dropped = NULL;
    const char *lacks = vfa_alloc_makes(p->criteria.alias) ? p->a->host->lacks : NULL;
    unsigned total, available, own = 0, ending = 0, others;
    char for_own[64] = "";
    int r = vfa_state_count(p->a->host->state, p->criteria.alias->name, &total, &available, err);

    if (r == 0)
        r = count_own(p, &own, err);
    if (r == 0)
        r = vfa_candidates_count_others(candidates, p->dropped, err);
    if (r == 0)
        r = count_ending(p, &ending, err);
    if (r < 0)
        return r;
    dropped = describe_dropped(p);
    if (!dropped)
        return vfa_fail_oom(err);
    others = total - available;
    others -= others > own + ending ? own + ending : others;
    if (own)
        snprintf(for_own, sizeof(for_own), ", %u for this domain's other requests", own);
    return vfa_refuse(
        err, EBUSY,
        "no free device for request '%s': alias '%s' has %u device%s, %u claimed%s%s%s%s",
        p->request->name, p->criteria.alias->name, total, total == 1 ? "" : "s", others, for_own,
        dropped, lacks ? "; " : "", lacks ? lacks : "");
}

/* The names of made devices are the same at each start: one that could not be destroyed is in the
 * way of the next. */
static int check_made_name(struct vfa_alloc *a, const struct vfa_alias *alias,
                           const struct vfa_request *request, struct vfa_error *err)
{
    VFA_AUTO(vfa_quarantine_clear) struct vfa_quarantine list = {NULL, 0};
    char id[VFA_DEVICE_ID_SIZE];
    int r;

    if (!vfa_alloc_makes(alias))
        return 0;
    vfa_alloc_made_id(a, alias, request->name, id);
    r = vfa_state_quarantined(a->host->state, id, &list, err);
    if (r < 0 || list.n == 0)
        return r;
    return vfa_refuse(err, EBUSY, "request '%s': its device %s is in quarantine: %s", request->name,
                      id, list.items[0].reason);
}

int vfa_alloc_pick_one(struct vfa_alloc *a, const struct vfa_alias *alias,
                       const struct vfa_request *request, bool last_chance, struct vfa_device *ret,
                       struct vfa_error *err)
{
    struct pick p = {.a = a, .request = request, .taken = ret};
    const struct vfa_candidates candidates = {.state = a->host->state,
                                              .config = a->host->config,
                                              .criteria = &p.criteria,
                                              .uuid = a->domain->uuid,
                                              .request = request->name,
                                              .visit = visit_candidate,
                                              .is_last_resort = is_of_down_pf,
                                              .data = &p};
    int r = check_made_name(a, alias, request, err);

    if (r != 0)
        return r;
    vfa_criteria_make(alias, request, a->domain, &a->place, &p.criteria);
    if (a->observer)
        a->observer->begin(a->observer->data);
    r = vfa_candidates(&candidates, err);
    if (r == VFA_STATE_END && p.found)
        return 0;
    return r == VFA_STATE_END && last_chance ? refuse_none_free(&p, &candidates, err) : r;
}
