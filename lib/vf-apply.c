/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See vf-apply.h. A driver is asked to change only what is not as it is wanted, and each group of
 * settings by itself, so that it is known which one it refused.
 */
#include "vf-apply.h"

#include "netlink.h"
#include "vf.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

struct work {
    struct vfa_host *host;
    const struct vfa_claim *claim;
    const struct vfa_vf_order *order;
    struct vfa_netlink *nl;
    struct vfa_vf vf;
    struct vfa_vf_settings now; /* mtu: of its own netdev, for a macvtap */
    bool up;                    /* that netdev */
    unsigned change;            /* settings that are not as they are wanted */
    bool raise;                 /* the netdev is to be set up */
};

static void work_clear(struct work *w)
{
    w->nl = vfa_netlink_close(w->nl);
}

void vfa_vf_order_make(const struct vfa_alias *alias, const struct vfa_request *request,
                       enum vfa_attach_kind kind, struct vfa_vf_order *ret)
{
    *ret = (struct vfa_vf_order){.kind = kind};
    vfa_request_settings(request, alias, &ret->settings);
    if (alias)
        ret->policy = alias->settings_policy;
}

/* ---- refusals ---- */

static void warn(const struct vfa_host *host, const struct vfa_claim *claim,
                 const struct vfa_error *why)
{
    VFA_AUTO(vfa_freep) char *text = NULL;

    if (!host->warn)
        return;
    if (asprintf(&text, "domain '%s': request '%s': %s", claim->domain, claim->request,
                 vfa_error_text(why)) < 0)
        text = NULL;
    else
        host->warn(text);
}

/* What a driver refuses ends it, or is a warning. *err is used up. */
static int settle(const struct work *w, struct vfa_error *err)
{
    if (w->order->policy == VFA_SETTINGS_REQUIRED)
        return VFA_VF_REFUSED;
    warn(w->host, w->claim, err);
    vfa_error_clear(err);
    return 0;
}

static int VFA_PRINTF(3, 4)
    refuse(const struct work *w, struct vfa_error *err, const char *fmt, ...)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    VFA_AUTO(vfa_freep) char *text = NULL;
    va_list args;
    int r;

    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0)
        text = NULL;
    va_end(args);
    vfa_fail(&why, ENOTSUP, "%s", text ? text : fmt);
    r = settle(w, &why);
    if (r)
        vfa_fail(err, why.code, "%s", vfa_error_text(&why));
    return r;
}

/* Whatever the policy: there is nothing to go on with. */
static int refuse_gone(const struct work *w, struct vfa_error *err)
{
    vfa_fail(err, ENODEV, "%s is gone", w->claim->device);
    return VFA_VF_REFUSED;
}

/* ---- what it is, and what is wanted ---- */

static unsigned own_settings(enum vfa_attach_kind kind)
{
    return kind == VFA_ATTACH_MACVTAP ? VFA_VF_OF_NETDEV : 0;
}

/* What the guest's driver makes the MTU is its own business; that it can is the PF's. */
static int check_mtu(struct work *w, struct vfa_error *err)
{
    uint32_t want = w->order->settings.values[VFA_VF_MTU];
    struct vfa_link pf;
    int r = vfa_netlink_read_link(w->nl, w->vf.pf, &pf, err);

    if (r == VFA_NETLINK_GONE)
        return refuse_gone(w, err);
    if (r == 0 && pf.mtu < want)
        return refuse(w, err, "cannot have mtu %u on VF %u of %s: that has %u itself",
                      (unsigned)want, w->vf.number, w->vf.pf, (unsigned)pf.mtu);
    return r;
}

static int compare(struct work *w, enum vfa_vf_setting setting, struct vfa_error *err)
{
    const struct vfa_vf_settings *want = &w->order->settings;

    if (setting == VFA_VF_MTU && w->order->kind != VFA_ATTACH_MACVTAP)
        return check_mtu(w, err);
    if (!vfa_vf_has(&w->now, setting))
        return refuse(
            w, err,
            "cannot set %s of VF %u of %s: its driver does not tell what it is now, so it "
            "could not be set back",
            vfa_vf_setting_name(setting), w->vf.number, w->vf.pf);
    if (w->now.values[setting] != want->values[setting])
        w->change |= 1u << setting;
    return 0;
}

static int check_netdev(struct work *w, struct vfa_error *err)
{
    if (w->order->kind != VFA_ATTACH_MACVTAP)
        return 0;
    if (!w->vf.netdev[0]) {
        vfa_fail(err, ENODEV, "%s has no netdev on this host to make a macvtap of",
                 w->claim->device);
        return VFA_VF_REFUSED;
    }
    w->raise = !w->up;
    return 0;
}

/* A macvtap may be made of any netdev; settings are of VFs. */
static int locate(struct work *w, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    struct vfa_pci_addr addr;
    int r = vfa_parse_pci_addr(w->claim->device, &addr);

    if (r < 0)
        vfa_fail(&why, EINVAL, "'%s' is not a PCI device", w->claim->device);
    else
        r = vfa_vf_locate(&w->host->sysfs, &addr, &w->vf, &why);
    if (r == VFA_SYSFS_GONE)
        return refuse_gone(w, err);
    if (r == VFA_VF_NONE && !(w->order->settings.given & ~own_settings(w->order->kind)))
        return 0;
    if (r == VFA_VF_NONE)
        return refuse(w, err, "%s", vfa_error_text(&why));
    return r < 0 ? vfa_fail(err, why.code, "%s", vfa_error_text(&why)) : 0;
}

static int look(struct work *w, struct vfa_error *err)
{
    int r = locate(w, err);

    if (r == 0 && !w->nl)
        r = vfa_netlink_open(&w->nl, err);
    if (r != 0)
        return r;
    r = vfa_vf_read(w->nl, &w->vf, w->order->kind == VFA_ATTACH_MACVTAP, &w->now, &w->up, err);
    return r == VFA_NETLINK_GONE ? refuse_gone(w, err) : r;
}

static int plan(struct work *w, struct vfa_error *err)
{
    unsigned can = w->vf.pf[0] ? ~0u : own_settings(w->order->kind);
    int r = check_netdev(w, err);

    for (unsigned i = 0; r == 0 && i < VFA_VF_SETTINGS; i++) {
        if (w->order->settings.given & can & 1u << i)
            r = compare(w, (enum vfa_vf_setting)i, err);
    }
    return r;
}

/* ---- saving ---- */

/* libvirt changes the VLAN of an interface, too, and does not know of all of it. */
static unsigned to_save(const struct work *w)
{
    bool libvirts =
        w->order->kind != VFA_ATTACH_HOSTDEV && vfa_vf_has(&w->order->settings, VFA_VF_VLAN);
    unsigned save = libvirts ? vfa_vf_setting_group(VFA_VF_VLAN) : 0;

    for (unsigned i = 0; i < VFA_VF_SETTINGS; i++) {
        if (w->change & 1u << i)
            save |= vfa_vf_setting_group((enum vfa_vf_setting)i);
    }
    return save & w->now.given;
}

static int save(struct work *w, struct vfa_error *err)
{
    struct vfa_saved saved = {.up = w->raise ? VFA_SAVED_NO : VFA_SAVED_NONE};
    unsigned which = to_save(w);

    if (!which && !w->raise)
        return 0;
    snprintf(saved.device, sizeof(saved.device), "%s", w->claim->device);
    for (unsigned i = 0; i < VFA_VF_SETTINGS; i++) {
        if (which & 1u << i)
            vfa_vf_settings_put(&saved.settings, (enum vfa_vf_setting)i, w->now.values[i]);
    }
    return vfa_state_save(w->host->state, &saved, err);
}

/* ---- setting ---- */

static int set_group(struct work *w, enum vfa_vf_setting setting,
                     const struct vfa_vf_settings *values, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int r = vfa_vf_set(w->nl, &w->vf, setting, values, &why);

    if (r == VFA_NETLINK_GONE)
        return refuse_gone(w, err);
    if (r < 0)
        r = settle(w, &why);
    return r ? (vfa_fail(err, why.code, "%s", vfa_error_text(&why)), r) : 0;
}

static int set_all(struct work *w, struct vfa_error *err)
{
    struct vfa_vf_settings values = w->now;
    unsigned left = w->change;
    int r = 0;

    vfa_vf_settings_merge(&values, &w->order->settings);
    for (unsigned i = 0; r == 0 && i < VFA_VF_SETTINGS; i++) {
        if (!(left & 1u << i))
            continue;
        left &= ~vfa_vf_setting_group((enum vfa_vf_setting)i);
        r = set_group(w, (enum vfa_vf_setting)i, &values, err);
    }
    if (r != 0 || !w->raise)
        return r;
    r = vfa_netlink_set_up(w->nl, w->vf.netdev, true, err); /* without it there is no macvtap */
    if (r == VFA_NETLINK_GONE)
        return refuse_gone(w, err);
    return r < 0 ? VFA_VF_REFUSED : 0;
}

/* ---- both, each in its transaction ---- */

/* 0 with the transaction open, or VFA_VF_STALE or an error without. */
static int begin(struct work *w, struct vfa_error *err)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    struct vfa_state *state = w->host->state;
    const struct vfa_claim *found;
    int r = vfa_state_begin(state, err);

    if (r == 0)
        r = vfa_state_claims(state, w->claim->uuid, &claims, err);
    found = r == 0 ? vfa_claims_find(&claims, w->claim->request) : NULL;
    if (r == 0 &&
        (!found || found->since != w->claim->since || strcmp(found->device, w->claim->device) != 0))
        r = VFA_VF_STALE;
    if (r != 0)
        vfa_state_rollback(state);
    return r;
}

/* What was set before the one that was refused. */
static int take_back(struct work *w, struct vfa_error *err)
{
    const struct vfa_saved_of of = {.uuid = w->claim->uuid, .request = w->claim->request};
    VFA_AUTO(vfa_saved_list_clear) struct vfa_saved_list list = {NULL, 0};
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int r = vfa_state_saved(w->host->state, &of, &list, err);

    for (size_t i = 0; r == 0 && i < list.n; i++) {
        if (vfa_vf_undo(&w->host->sysfs, w->nl, &list.items[i], &why) == 0)
            r = vfa_state_forget_saved(w->host->state, list.items[i].device, err);
    }
    return r;
}

static int save_committed(struct work *w, struct vfa_error *err)
{
    int r = begin(w, err);

    if (r != 0)
        return r;
    r = look(w, err);
    if (r == 0)
        r = plan(w, err);
    if (r == 0)
        r = save(w, err);
    return vfa_state_leave(w->host->state, true, r, err);
}

static int set_committed(struct work *w, int (*set)(struct work *w, struct vfa_error *err),
                         struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int r = begin(w, err), undone;

    if (r != 0)
        return r;
    r = set(w, &why);
    if (r == 0)
        return vfa_state_leave(w->host->state, true, 0, err);
    undone = vfa_state_leave(w->host->state, true, take_back(w, err), err);
    return undone < 0 ? undone : (vfa_fail(err, why.code, "%s", vfa_error_text(&why)), r);
}

static bool wants_nothing(const struct vfa_host *host, const struct vfa_vf_order *order)
{
    return (!order->settings.given && order->kind != VFA_ATTACH_MACVTAP) ||
           !vfa_sysfs_is_host(&host->sysfs);
}

int vfa_vf_apply(struct vfa_host *host, const struct vfa_claim *claim,
                 const struct vfa_vf_order *order, struct vfa_error *err)
{
    VFA_AUTO(work_clear) struct work w = {.host = host, .claim = claim, .order = order};
    int r;

    if (wants_nothing(host, order))
        return 0;
    r = save_committed(&w, err);
    if (r != 0 || (!w.change && !w.raise))
        return r;
    return set_committed(&w, set_all, err);
}

/* ---- after libvirt ---- */

static int set_vlan(struct work *w, struct vfa_error *err)
{
    struct vfa_vf_settings values;
    int r = look(w, err);

    if (r != 0 || !vfa_vf_has(&w->now, VFA_VF_VLAN))
        return r;
    values = w->order->settings;
    if (w->now.values[VFA_VF_VLAN])
        values.values[VFA_VF_VLAN] = w->now.values[VFA_VF_VLAN];
    for (unsigned i = VFA_VF_VLAN; i <= VFA_VF_VLAN_PROTO; i++) {
        if (vfa_vf_has(&values, (enum vfa_vf_setting)i) && values.values[i] != w->now.values[i])
            return set_group(w, VFA_VF_VLAN, &values, err);
    }
    return 0;
}

int vfa_vf_apply_vlan(struct vfa_host *host, const struct vfa_claim *claim,
                      const struct vfa_vf_order *order, struct vfa_error *err)
{
    VFA_AUTO(work_clear) struct work w = {.host = host, .claim = claim, .order = order};
    int r;

    if (order->kind == VFA_ATTACH_HOSTDEV || !vfa_vf_has(&order->settings, VFA_VF_VLAN) ||
        wants_nothing(host, order))
        return 0;
    r = begin(&w, err);
    return r ? r : vfa_state_leave(host->state, true, set_vlan(&w, err), err);
}

/* ---- devices that are in the XML ---- */

static void make_order(const struct vfa_host *host, const struct vfa_domain *domain,
                       const struct vfa_claim *claim, const struct vfa_domdev *dev,
                       struct vfa_vf_order *ret)
{
    vfa_vf_order_make(claim->alias ? vfa_config_alias(host->config, claim->alias) : NULL,
                      vfa_domain_request(domain, claim->request), dev->kind, ret);
}

/* Calls one() for each device that has a claim. */
static int each_present(struct vfa_host *host, const struct vfa_domain *domain,
                        int (*one)(struct vfa_host *, const struct vfa_claim *,
                                   const struct vfa_vf_order *, struct vfa_error *),
                        struct vfa_error *err)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    int r = vfa_state_claims(host->state, domain->uuid, &claims, err);

    for (size_t i = 0; r == 0 && i < domain->n_devices; i++) {
        const struct vfa_domdev *dev = &domain->devices[i];
        const struct vfa_claim *claim =
            dev->request ? vfa_claims_find(&claims, dev->request) : NULL;
        struct vfa_vf_order order;

        if (!claim)
            continue;
        make_order(host, domain, claim, dev, &order);
        r = one(host, claim, &order, err);
    }
    return r;
}

static int apply_named(struct vfa_host *host, const struct vfa_claim *claim,
                       const struct vfa_vf_order *order, struct vfa_error *err)
{
    int r = vfa_vf_apply(host, claim, order, err);

    if (r == VFA_VF_STALE) {
        vfa_fail(err, ECANCELED, "its claim of %s was dropped meanwhile", claim->device);
        r = VFA_VF_REFUSED;
    }
    if (r)
        vfa_wrap(err, "domain '%s': request '%s'", claim->domain, claim->request);
    return r;
}

int vfa_vf_apply_present(struct vfa_host *host, const struct vfa_domain *domain,
                         struct vfa_error *err)
{
    return each_present(host, domain, apply_named, err);
}

static int apply_new_vlan(struct vfa_host *host, const struct vfa_claim *claim,
                          const struct vfa_vf_order *order, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int r = claim->state == VFA_CLAIM_ACTIVE ? 0 : vfa_vf_apply_vlan(host, claim, order, &why);

    if (r == 0 || r == VFA_VF_STALE)
        return 0;
    if (r < 0)
        return vfa_fail(err, why.code, "%s", vfa_error_text(&why));
    warn(host, claim, &why);
    return 0;
}

int vfa_vf_apply_new_vlans(struct vfa_host *host, const struct vfa_domain *domain,
                           struct vfa_error *err)
{
    return each_present(host, domain, apply_new_vlan, err);
}
