/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See vfa_device_status_describe(): one small function for each verdict prints its details. These
 * functions decide nothing. */

#include "base/bitset.h"
#include "base/tags.h"
#include "device/device.h"
#include "spec/match.h"
#include "spec/spec.h"
#include "config/config.h"
#include "state/claims.h"
#include "state/tentative.h"
#include "choose.h"
#include "device-status.h"
#include "verdict.h"

#include <string.h>

struct subject {
    const struct vfa_config *config;
    const struct vfa_device_status *device;
    const struct vfa_criteria *criteria;
};

/* The reason why other candidates are tried first, if there is one. */
static void say_candidate(FILE *f, const struct subject *s)
{
    const struct vfa_tentative *tentative = s->device->tentative;

    if (s->device->failure)
        fprintf(f, "could not be attached: %s", s->device->failure->reason);
    else if (s->device->pf.detail)
        fprintf(f, "its PF %s", s->device->pf.detail);
    else if (tentative)
        fprintf(f, "tentative for '%s', request '%s'", tentative->domain, tentative->request);
}

/* ---- configuration ---- */

static void say_not_allowed(FILE *f, const struct subject *s)
{
    if (s->device->dev->addr.domain > 0xffff)
        fputs("its PCI domain is above ffff", f);
    else
        fputs(s->config->device_spec_given ? "no device_spec matches"
                                           : "without a device_spec, SR-IOV VFs only",
              f);
}

static bool id_is(int want, uint16_t have)
{
    return want == VFA_ID_ANY || want == have;
}

/* The device_spec that gives the device its tags: its number as in `vfalias devices`, and its file
 * and line. */
static void say_spec(FILE *f, const struct subject *s)
{
    const struct vfa_spec *spec = s->device->spec;

    if (spec)
        fprintf(f, "device_spec %td (%s:%u): ", spec - s->config->specs, spec->where.file,
                spec->where.line);
}

/* The first of type, ids and class that no choice of the alias matches; else the tags do not match.
 */
static void say_alias(FILE *f, const struct subject *s)
{
    const struct vfa_alias *alias = s->criteria->alias;
    const struct vfa_device *dev = s->device->dev;
    bool ids = false, class = false;

    if (!(alias->types & 1u << dev->type)) {
        fprintf(f, "it is of %s", vfa_dev_type_name(dev->type));
        return;
    }
    for (size_t i = 0; i < alias->n_choices; i++) {
        const struct vfa_alias_choice *choice = &alias->choices[i];

        if (!id_is(choice->vendor, dev->vendor) || !id_is(choice->product, dev->product))
            continue;
        ids = true;
        if (choice->class < 0 || choice->class == (int64_t)(dev->class >> choice->class_shift))
            class = true;
    }
    if (!ids)
        fprintf(f, "its ids are %04x:%04x", dev->vendor, dev->product);
    else if (!class)
        fprintf(f, "its class is %06x", dev->class);
    else {
        say_spec(f, s);
        fputs("other tags", f);
    }
}

/* The first tag that differs from the request. */
static void say_tags(FILE *f, const struct subject *s)
{
    const struct vfa_tags *want = s->criteria->tags;

    for (size_t i = 0; want && i < want->n; i++) {
        const struct vfa_tag *tag = &want->items[i];
        const char *has = s->device->spec ? vfa_tags_get(&s->device->spec->tags, tag->key) : NULL;

        if (has && strcmp(has, tag->value) == 0)
            continue;
        say_spec(f, s);
        if (has)
            fprintf(f, "%s is '%s', not '%s'", tag->key, has, tag->value);
        else
            fprintf(f, "it has no %s", tag->key);
        return;
    }
}

static void say_permit(FILE *f, const struct subject *s)
{
    fprintf(f, "'%s' is not on the list of alias '%s'",
            s->criteria->domain ? s->criteria->domain : "", s->criteria->alias->name);
}

/* ---- claims ---- */

static void say_claimed(FILE *f, const struct subject *s)
{
    const struct vfa_claim *holder = s->device->holder;

    if (holder)
        fprintf(f, "by '%s' for request '%s'%s", holder->domain, holder->request,
                holder->state == VFA_CLAIM_INCOMING ? ", on its way here" : "");
}

/* The domain that had the device, why its claim ended, and the error that keeps the device from
 * being free. */
static void say_ending(FILE *f, const struct subject *s)
{
    const struct vfa_claim *holder = s->device->holder;

    if (!holder)
        return;
    fprintf(f, "'%s' had it for request '%s'", holder->domain, holder->request);
    if (holder->why)
        fprintf(f, "; %s", holder->why);
    if (holder->error)
        fprintf(f, "; attempt %u failed: %s", holder->attempts, holder->error);
}

static void say_given(FILE *f, const struct subject *s)
{
    if (s->device->holder)
        fprintf(f, "'%s' has it", s->device->holder->domain);
}

static void say_relative(FILE *f, const struct subject *s)
{
    if (s->device->holder)
        fprintf(f, "'%s' has %s", s->device->holder->domain, s->device->holder->device);
}

static void say_group_taken(FILE *f, const struct subject *s)
{
    fprintf(f, "group %d: ", s->device->dev->iommu_group);
    say_relative(f, s);
}

/* ---- health and place ---- */

static void say_quarantined(FILE *f, const struct subject *s)
{
    if (s->device->quarantined)
        fputs(s->device->quarantined->reason, f);
}

static void say_finding(FILE *f, const struct vfa_device_finding *finding)
{
    if (finding->detail)
        fputs(finding->detail, f);
}

/* A guest has what was made of the device, or its host uses it. */
static void say_children(FILE *f, const struct subject *s)
{
    if (s->device->use.detail)
        say_finding(f, &s->device->use);
    else
        say_relative(f, s);
}

static void say_use(FILE *f, const struct subject *s)
{
    say_finding(f, &s->device->use);
}

static void say_pf(FILE *f, const struct subject *s)
{
    say_finding(f, &s->device->pf);
}

static void say_group(FILE *f, const struct subject *s)
{
    say_finding(f, &s->device->group);
}

static void say_driver(FILE *f, const struct subject *s)
{
    const struct vfa_alias *alias = s->criteria->alias;
    const char *between = "the alias wants ";

    if (s->device->dev->driver)
        fprintf(f, "it is bound to %s, ", s->device->dev->driver);
    else
        fputs("it is bound to none, ", f);
    if (!alias || vfa_alias_matches_driver(alias, s->device->dev, s->device->spec)) {
        fputs("managed 'no' wants a VFIO driver", f);
        return;
    }
    for (size_t i = 0; i < alias->n_choices; i++) {
        if (!alias->choices[i].driver)
            continue;
        fprintf(f, "%s%s", between, alias->choices[i].driver);
        between = " or ";
    }
}

static void say_numa(FILE *f, const struct subject *s)
{
    char nodes[64];

    if (s->device->dev->numa_node < 0)
        fputs("its node is unknown", f);
    else
        fprintf(f, "it is on node %d", s->device->dev->numa_node);
    fprintf(f, ", the guest on %s; policy '%s'",
            vfa_bitset_format(&s->criteria->place.nodes, nodes, sizeof(nodes)),
            vfa_numa_policy_name(s->criteria->policy));
}

static void say_held(FILE *f, const struct subject *s)
{
    say_finding(f, &s->device->held);
}

static void (*const writers[VFA_VERDICT_N])(FILE *, const struct subject *) = {
    [VFA_VERDICT_CANDIDATE] = say_candidate,
    [VFA_VERDICT_NOT_ALLOWED] = say_not_allowed,
    [VFA_VERDICT_ALIAS] = say_alias,
    [VFA_VERDICT_TAGS] = say_tags,
    [VFA_VERDICT_PERMIT] = say_permit,
    [VFA_VERDICT_CLAIMED] = say_claimed,
    [VFA_VERDICT_RELEASING] = say_ending,
    [VFA_VERDICT_CLEANING] = say_ending,
    [VFA_VERDICT_STATIC] = say_given,
    [VFA_VERDICT_NETWORK] = say_given,
    [VFA_VERDICT_PF_VF_CLAIMED] = say_relative,
    [VFA_VERDICT_GROUP_TAKEN] = say_group_taken,
    [VFA_VERDICT_QUARANTINED] = say_quarantined,
    [VFA_VERDICT_DRIVER] = say_driver,
    [VFA_VERDICT_NETDEV] = say_use,
    [VFA_VERDICT_VF] = say_use,
    [VFA_VERDICT_HAS_CHILDREN] = say_children,
    [VFA_VERDICT_FULL] = say_use,
    [VFA_VERDICT_DISK] = say_use,
    [VFA_VERDICT_PF_DOWN] = say_pf,
    [VFA_VERDICT_GROUP] = say_group,
    [VFA_VERDICT_HELD] = say_held,
    [VFA_VERDICT_NUMA] = say_numa,
};

char *vfa_device_status_describe(const struct vfa_config *config,
                                 const struct vfa_device_status *device,
                                 const struct vfa_criteria *criteria, enum vfa_verdict verdict)
{
    const struct subject subject = {config, device, criteria};
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return NULL;
    if (writers[verdict])
        writers[verdict](f, &subject);
    if (fclose(f) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
