/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See choose.h. */

#include "choose.h"

#include "base/pci-address.h"
#include "base/tags.h"
#include "base/text.h"
#include "device/device.h"
#include "device/topology.h"
#include "spec/match.h"
#include "spec/spec.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "numa-policy.h"
#include "verdict.h"

#include <fnmatch.h>
#include <string.h>

static enum vfa_attach_kind criteria_kind(const struct vfa_request *request,
                                          const struct vfa_alias *alias)
{
    return request ? vfa_request_attach(request, alias) : alias->attach;
}

void vfa_criteria_make(const struct vfa_alias *alias, const struct vfa_request *request,
                       const struct vfa_domain *domain, const struct vfa_numa_place *place,
                       struct vfa_criteria *ret)
{
    *ret = (struct vfa_criteria){
        .alias = alias,
        .tags = request ? &request->tags : NULL,
        .domain = domain ? domain->name : NULL,
        .uuid = domain ? domain->uuid : "",
        .kind = alias ? criteria_kind(request, alias) : VFA_ATTACH_HOSTDEV,
        .policy = request && request->numa_given ? request->numa : alias->numa,
        .place = *place,
    };
}

bool vfa_choose_permits(const struct vfa_criteria *criteria)
{
    if (!criteria->alias || criteria->alias->n_permit == 0 || !criteria->domain)
        return true;
    for (size_t i = 0; i < criteria->alias->n_permit; i++) {
        const char *who = criteria->alias->permit[i];

        if (vfa_text_same(who, criteria->uuid) || fnmatch(who, criteria->domain, 0) == 0)
            return true;
    }
    return false;
}

bool vfa_choose_tags(const struct vfa_criteria *criteria, const struct vfa_spec *spec)
{
    static const struct vfa_tags none = {NULL, 0};

    return !criteria->tags || vfa_tags_contain(spec ? &spec->tags : &none, criteria->tags);
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* The device itself has a claim. */
static enum vfa_verdict judge_claim(const struct vfa_claim *claim)
{
    if (!vfa_claim_is_held(claim->state))
        return claim->state == VFA_CLAIM_CLEANING ? VFA_VERDICT_CLEANING : VFA_VERDICT_RELEASING;
    if (has_prefix(claim->request, VFA_STATIC_PREFIX))
        return VFA_VERDICT_STATIC;
    return has_prefix(claim->request, VFA_PORT_PREFIX) ? VFA_VERDICT_NETWORK : VFA_VERDICT_CLAIMED;
}

enum vfa_verdict vfa_choose_holder(const struct vfa_claim *holder, const char *key,
                                   const struct vfa_device *dev)
{
    if (strcmp(holder->device, dev->id) == 0)
        return judge_claim(holder);
    switch (vfa_key_relation(key, dev->id)) {
    case VFA_KEY_SELF:
        return VFA_VERDICT_HAS_CHILDREN;
    case VFA_KEY_GROUP:
        return VFA_VERDICT_GROUP_TAKEN;
    case VFA_KEY_FAMILY:
        break;
    }
    return VFA_VERDICT_PF_VF_CLAIMED;
}

bool vfa_choose_near(const struct vfa_criteria *criteria, int node)
{
    for (int pass = VFA_NUMA_STRICT; pass < VFA_NUMA_PASSES; pass++) {
        if (vfa_numa_allows(criteria->policy, &criteria->place, node, (enum vfa_numa_pass)pass))
            return true;
    }
    return false;
}

bool vfa_choose_needs_vfio(const struct vfa_criteria *criteria, const struct vfa_spec *spec)
{
    return criteria->kind != VFA_ATTACH_MACVTAP && !vfa_alias_managed(criteria->alias, spec);
}

enum vfa_verdict vfa_choose_health(const struct vfa_criteria *criteria,
                                   const struct vfa_facts *facts)
{
    const struct vfa_attach_facts *attach = vfa_attach_facts(criteria->kind);

    if (facts->use == VFA_VERDICT_MISSING)
        return VFA_VERDICT_MISSING;
    if (criteria->alias && !vfa_alias_matches_driver(criteria->alias, facts->dev, facts->spec))
        return VFA_VERDICT_DRIVER;
    if (vfa_choose_needs_vfio(criteria, facts->spec) && !facts->vfio)
        return VFA_VERDICT_DRIVER;
    if (facts->use != VFA_VERDICT_CANDIDATE)
        return facts->use;
    if (attach->needs_netdev && !facts->dev->netdev)
        return VFA_VERDICT_NO_NETDEV;
    if (attach->needs_pf_up && facts->pf != VFA_VERDICT_CANDIDATE)
        return facts->pf;
    if (attach->takes_group && facts->group != VFA_VERDICT_CANDIDATE)
        return facts->group;
    return facts->held;
}

/* A claim in the IOMMU group does not exclude a device whose group the guest does not get. */
static enum vfa_verdict judge_holder(const struct vfa_criteria *criteria,
                                     const struct vfa_facts *facts)
{
    enum vfa_verdict verdict = vfa_choose_holder(facts->holder, facts->key, facts->dev);

    return verdict == VFA_VERDICT_GROUP_TAKEN && !vfa_attach_facts(criteria->kind)->takes_group
               ? VFA_VERDICT_CANDIDATE
               : verdict;
}

enum vfa_verdict vfa_choose_judge(const struct vfa_criteria *criteria,
                                  const struct vfa_facts *facts)
{
    enum vfa_verdict verdict;

    if (!facts->claimable)
        return VFA_VERDICT_NOT_ALLOWED;
    if (criteria->alias && !vfa_alias_selects(criteria->alias, facts->dev, facts->spec))
        return VFA_VERDICT_ALIAS;
    if (!vfa_choose_tags(criteria, facts->spec))
        return VFA_VERDICT_TAGS;
    if (!vfa_choose_permits(criteria))
        return VFA_VERDICT_PERMIT;
    verdict = facts->holder ? judge_holder(criteria, facts) : VFA_VERDICT_CANDIDATE;
    if (verdict == VFA_VERDICT_CANDIDATE && facts->quarantined)
        verdict = VFA_VERDICT_QUARANTINED;
    if (verdict == VFA_VERDICT_CANDIDATE)
        verdict = vfa_choose_health(criteria, facts);
    if (verdict != VFA_VERDICT_CANDIDATE)
        return verdict;
    return vfa_choose_near(criteria, facts->dev->numa_node) ? VFA_VERDICT_CANDIDATE
                                                            : VFA_VERDICT_NUMA;
}
