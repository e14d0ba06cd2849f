/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See vf-apply.h. A driver is asked to change only what is not as it is wanted, and each group of
 * settings by itself, so that it is known which one it refused.
 */

#include "vf-apply.h"

#include "base/common.h"
#include "base/error.h"
#include "base/patience.h"
#include "base/pci-address.h"
#include "device/netlink.h"
#include "device/sysfs.h"
#include "device/vf-settings.h"
#include "device/vf.h"
#include "spec/spec.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/lock.h"
#include "state/saved.h"
#include "state/state.h"
#include "host/host.h"
#include "vf-undo.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

struct work {
    struct vfa_host *host;
    const struct vfa_claim *claim;
    const struct vfa_vf_desired *desired;
    int lock; /* of the device */
    struct vfa_patience patience;
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
    vfa_lock_endp(&w->lock);
}

void vfa_vf_desired_make(const struct vfa_alias *alias, const struct vfa_request *request,
                         enum vfa_attach_kind kind, struct vfa_vf_desired *ret)
{
    *ret = (struct vfa_vf_desired){.kind = kind};
    vfa_request_settings(request, alias, &ret->settings);
    if (alias)
        ret->policy = alias->settings_policy;
}

/* ---- refusals ---- */

void vfa_vf_warn(const struct vfa_host *host, const struct vfa_claim *claim,
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
    if (w->desired->policy == VFA_SETTINGS_REQUIRED)
        return VFA_VF_REFUSED;
    vfa_vf_warn(w->host, w->claim, err);
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
        vfa_error_move(err, &why);
    return r;
}

/* Whatever the policy: there is nothing to go on with. */
static int refuse_gone(const struct work *w, struct vfa_error *err)
{
    return vfa_refuse(err, ENODEV, "%s is gone", w->claim->device);
}

/* ---- what the kernel does not find ---- */

/* False if the device is gone: sysfs alone says so (vfa_vf_undo() tells why). Else its netdevs are
 * located again, as they may have been renamed. */
static bool is_there(struct work *w)
{
    struct vfa_pci_addr addr;
    struct vfa_vf now;
    int r = vfa_parse_pci_addr(w->claim->device, &addr);

    if (r == 0)
        r = vfa_vf_locate(&w->host->sysfs, &addr, &now, NULL);
    if (r == 0)
        w->vf = now;
    return r != VFA_SYSFS_GONE;
}

/* True if it is worth asking the kernel again. */
static bool wait_for_answer(struct work *w)
{
    return is_there(w) && vfa_patience_wait(&w->patience);
}

static int refuse_untold(struct work *w, struct vfa_error *err)
{
    if (!is_there(w))
        return refuse_gone(w, err);
    return refuse(w, err, "the driver does not tell the settings of VF %u of %s", w->vf.number,
                  w->vf.pf);
}

/* Whatever the policy: no macvtap can be made. */
static int refuse_netdev(struct work *w, struct vfa_error *err)
{
    if (!is_there(w))
        return refuse_gone(w, err);
    return vfa_refuse(err, ENODEV, "the netdev '%s' of %s is gone", w->vf.netdev, w->claim->device);
}

/* ---- what it is, and what is wanted ---- */

static unsigned own_settings(enum vfa_attach_kind kind)
{
    return kind == VFA_ATTACH_MACVTAP ? VFA_VF_OF_NETDEV : 0;
}

/* What the guest's driver makes the MTU is its own business; that it can is the PF's. */
static int check_mtu(struct work *w, struct vfa_error *err)
{
    uint32_t want = w->desired->settings.values[VFA_VF_MTU];
    struct vfa_link pf;
    int r;

    do
        r = vfa_netlink_read_link(w->nl, w->vf.pf, &pf, err);
    while (r == VFA_NETLINK_GONE && wait_for_answer(w));
    if (r == VFA_NETLINK_GONE)
        return refuse_untold(w, err);
    if (r == 0 && pf.mtu < want)
        return refuse(w, err, "cannot have mtu %u on VF %u of %s: that has %u itself",
                      (unsigned)want, w->vf.number, w->vf.pf, (unsigned)pf.mtu);
    return r;
}

static int compare(struct work *w, enum vfa_vf_setting setting, struct vfa_error *err)
{
    const struct vfa_vf_settings *want = &w->desired->settings;

    if (setting == VFA_VF_MTU && w->desired->kind != VFA_ATTACH_MACVTAP)
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
    if (w->desired->kind != VFA_ATTACH_MACVTAP)
        return 0;
    if (!w->vf.netdev[0]) {
        return vfa_refuse(err, ENODEV, "%s has no netdev on this host to make a macvtap of",
                          w->claim->device);
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
    if (r == VFA_VF_NONE && !(w->desired->settings.given & ~own_settings(w->desired->kind)))
        return 0;
    if (r == VFA_VF_NONE)
        return refuse(w, err, "%s", vfa_error_text(&why));
    return r < 0 ? vfa_error_move(err, &why) : 0;
}

static int read_patiently(struct work *w, struct vfa_error *err)
{
    bool own_netdev = w->desired->kind == VFA_ATTACH_MACVTAP;
    int r;

    do
        r = vfa_vf_read(w->nl, &w->vf, own_netdev, &w->now, &w->up, err);
    while (r == VFA_NETLINK_GONE && wait_for_answer(w));
    return r;
}

/* With nothing told of it nothing is set on the VF; its own netdev may be there. */
static int go_on_untold(struct work *w, struct vfa_error *err)
{
    int r = 0;

    if (w->vf.pf[0] && vfa_vf_read(w->nl, &w->vf, false, &w->now, &w->up, NULL) == 0)
        return refuse_netdev(w, err);
    if (w->vf.pf[0])
        r = refuse_untold(w, err);
    if (r != 0)
        return r;
    w->vf.pf[0] = '\0';
    r = read_patiently(w, err);
    return r == VFA_NETLINK_GONE ? refuse_netdev(w, err) : r;
}

static int look(struct work *w, struct vfa_error *err)
{
    int r = locate(w, err);

    if (r == 0 && !w->nl)
        r = vfa_netlink_open(&w->nl, err);
    if (r != 0)
        return r;
    r = read_patiently(w, err);
    return r == VFA_NETLINK_GONE ? go_on_untold(w, err) : r;
}

static int plan(struct work *w, struct vfa_error *err)
{
    unsigned can = w->vf.pf[0] ? ~0u : own_settings(w->desired->kind);
    int r = check_netdev(w, err);

    for (unsigned i = 0; r == 0 && i < VFA_VF_SETTINGS; i++) {
        if (w->desired->settings.given & can & 1u << i)
            r = compare(w, (enum vfa_vf_setting)i, err);
    }
    return r;
}

/* ---- saving ---- */

/* libvirt changes the VLAN of an interface, too, and does not know of all of it. */
static unsigned to_save(const struct work *w)
{
    bool libvirts =
        w->desired->kind != VFA_ATTACH_HOSTDEV && vfa_vf_has(&w->desired->settings, VFA_VF_VLAN);
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

/* The driver's answer, once it is none that passes soon. */
static int set_patiently(struct work *w, enum vfa_vf_setting setting,
                         const struct vfa_vf_settings *values, struct vfa_error *err)
{
    for (;;) {
        int r = vfa_vf_set(w->nl, &w->vf, setting, values, err);

        if ((r != -EAGAIN && r != -EBUSY && r != VFA_NETLINK_GONE) || !wait_for_answer(w))
            return r;
        vfa_error_clear(err);
    }
}

static int set_group(struct work *w, enum vfa_vf_setting setting,
                     const struct vfa_vf_settings *values, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int r = set_patiently(w, setting, values, &why);

    if (r == VFA_NETLINK_GONE)
        return refuse_untold(w, err);
    if (r < 0)
        r = settle(w, &why);
    if (r)
        vfa_error_move(err, &why);
    return r;
}

static int set_all(struct work *w, struct vfa_error *err)
{
    struct vfa_vf_settings values = w->now;
    unsigned left = w->change;
    int r = 0;

    vfa_vf_settings_merge(&values, &w->desired->settings);
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
        return refuse_netdev(w, err);
    return r < 0 ? VFA_VF_REFUSED : 0;
}

/* ---- both ---- */

/* Whoever else tells the driver something of this device is done soon. */
static int lock(struct work *w, struct vfa_error *err)
{
    const char *state_path = w->host->config->state_path;
    struct vfa_pci_addr addr;
    int r;

    if (vfa_parse_pci_addr(w->claim->device, &addr) < 0)
        return vfa_fail(err, EINVAL, "'%s' is not a PCI device", w->claim->device);
    w->patience = vfa_patience_begin(VFA_VF_PATIENCE_MS);
    do
        r = vfa_lock_device(state_path, &addr, &w->lock, err);
    while (r == VFA_LOCK_TAKEN && vfa_patience_wait(&w->patience));
    if (r == VFA_LOCK_TAKEN)
        return vfa_fail(err, EBUSY, "cannot set %s up: another program is at work on it",
                        w->claim->device);
    return r;
}

/* 0, VFA_VF_STALE or an error. */
static int check_claim(struct work *w, struct vfa_error *err)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};
    const struct vfa_claim *found;
    int r = vfa_state_claims(w->host->state, w->claim->uuid, &claims, err);

    if (r < 0)
        return r;
    found = vfa_claims_find(&claims, w->claim->request);
    if (!found || found->since != w->claim->since || strcmp(found->device, w->claim->device) != 0)
        return VFA_VF_STALE;
    return 0;
}

static int save_committed(struct work *w, struct vfa_error *err)
{
    struct vfa_state *state = w->host->state;
    int r = vfa_state_begin(state, err);

    if (r < 0)
        return r;
    r = check_claim(w, err);
    if (r == 0)
        r = save(w, err);
    return vfa_state_finish(state, true, r, err);
}

/* What was set before the one that was refused. What cannot be put back stays saved: the release of
 * the claim tries again. */
static int take_back(struct work *w, struct vfa_error *err)
{
    VFA_AUTO(vfa_saved_list_clear) struct vfa_saved_list list = {NULL, 0};
    int r = vfa_state_saved(w->host->state, w->claim->device, &list, err);

    if (r == 0 && list.n > 0 && vfa_vf_undo(&w->host->sysfs, w->nl, &list.items[0], NULL) == 0)
        r = vfa_state_forget_saved(w->host->state, w->claim->device, err);
    return r;
}

static int apply(struct work *w, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int undone, r = check_claim(w, err);

    if (r == 0)
        r = look(w, err);
    if (r == 0)
        r = plan(w, err);
    if (r == 0)
        r = save_committed(w, err);
    if (r != 0 || (!w->change && !w->raise))
        return r;
    r = set_all(w, &why);
    if (r == 0)
        return 0;
    undone = take_back(w, err);
    if (undone < 0)
        return undone;
    vfa_error_move(err, &why);
    return r;
}

static bool wants_nothing(const struct vfa_host *host, const struct vfa_vf_desired *desired)
{
    return (!desired->settings.given && desired->kind != VFA_ATTACH_MACVTAP) ||
           !vfa_sysfs_is_host(&host->sysfs);
}

int vfa_vf_apply(struct vfa_host *host, const struct vfa_claim *claim,
                 const struct vfa_vf_desired *desired, struct vfa_error *err)
{
    VFA_AUTO(work_clear)
    struct work w = {.host = host, .claim = claim, .desired = desired, .lock = -1};
    int r;

    if (wants_nothing(host, desired))
        return 0;
    r = lock(&w, err);
    return r == 0 ? apply(&w, err) : r;
}

/* ---- after libvirt ---- */

static int set_vlan(struct work *w, struct vfa_error *err)
{
    struct vfa_vf_settings values;
    int r = check_claim(w, err);

    if (r == 0)
        r = look(w, err);
    if (r == 0)
        r = save_committed(w, err);
    if (r != 0 || !vfa_vf_has(&w->now, VFA_VF_VLAN))
        return r;
    values = w->desired->settings;
    if (w->now.values[VFA_VF_VLAN])
        values.values[VFA_VF_VLAN] = w->now.values[VFA_VF_VLAN];
    for (unsigned i = VFA_VF_VLAN; i <= VFA_VF_VLAN_PROTO; i++) {
        if (vfa_vf_has(&values, (enum vfa_vf_setting)i) && values.values[i] != w->now.values[i])
            return set_group(w, VFA_VF_VLAN, &values, err);
    }
    return 0;
}

int vfa_vf_apply_vlan(struct vfa_host *host, const struct vfa_claim *claim,
                      const struct vfa_vf_desired *desired, struct vfa_error *err)
{
    VFA_AUTO(work_clear)
    struct work w = {.host = host, .claim = claim, .desired = desired, .lock = -1};
    int r;

    if (desired->kind == VFA_ATTACH_HOSTDEV || !vfa_vf_has(&desired->settings, VFA_VF_VLAN) ||
        wants_nothing(host, desired))
        return 0;
    r = lock(&w, err);
    return r == 0 ? set_vlan(&w, err) : r;
}
