/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See vf-apply.h. Settings that already are as wanted are not written. Each group of settings is
 * written by a request of its own, so the error names the group that the driver refused.
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
#include "state/saved.h"
#include "host/host.h"
#include "private.h"
#include "provisioner.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

/* ---- refusals ---- */

/* With the policy best_effort, a refusal becomes a warning. Consumes *err in that case. */
static int downgrade_to_warning(const struct vfa_job *job, struct vfa_error *err)
{
    if (job->desired->policy == VFA_SETTINGS_REQUIRED)
        return VFA_VF_REFUSED;
    vfa_provisioner_warn(job->host, job->claim, err);
    vfa_error_clear(err);
    return 0;
}

static int VFA_PRINTF(3, 4)
    refuse_setting(const struct vfa_job *job, struct vfa_error *err, const char *fmt, ...)
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
    r = downgrade_to_warning(job, &why);
    if (r)
        vfa_error_move(err, &why);
    return r;
}

/* Refused with every policy: the device does not exist. */
static int refuse_gone(const struct vfa_job *job, struct vfa_error *err)
{
    return vfa_refuse(err, ENODEV, "%s is gone", job->claim->device);
}

/* ---- VFs and netdevs that the kernel does not find ---- */

/* False if sysfs does not have the device any more; sysfs alone decides this (see vf-undo.h). Else
 * locates its netdevs again, which may have been renamed. */
static bool is_in_sysfs(struct vfa_job *job)
{
    struct vfa_pci_addr addr;
    struct vfa_vf now;
    int r = vfa_parse_pci_addr(job->claim->device, &addr);

    if (r == 0)
        r = vfa_vf_locate(&job->host->sysfs, &addr, &now, NULL);
    if (r == 0)
        job->work.vf = now;
    return r != VFA_SYSFS_GONE;
}

/* True if the caller should ask the kernel again. */
static bool wait_for_answer(struct vfa_job *job)
{
    return is_in_sysfs(job) && vfa_patience_wait(&job->patience);
}

static int refuse_unreported(struct vfa_job *job, struct vfa_error *err)
{
    if (!is_in_sysfs(job))
        return refuse_gone(job, err);
    return refuse_setting(job, err, "the driver does not tell the settings of VF %u of %s",
                          job->work.vf.number, job->work.vf.pf);
}

/* Refused with every policy: a macvtap needs the netdev. */
static int refuse_netdev(struct vfa_job *job, struct vfa_error *err)
{
    if (!is_in_sysfs(job))
        return refuse_gone(job, err);
    return vfa_refuse(err, ENODEV, "the netdev '%s' of %s is gone", job->work.vf.netdev,
                      job->claim->device);
}

/* ---- current and wanted settings ---- */

static const struct vfa_attach_facts *attach_facts(const struct vfa_job *job)
{
    return vfa_attach_facts(job->desired->kind);
}

static unsigned own_settings(enum vfa_attach_kind kind)
{
    return vfa_attach_facts(kind)->keeps_netdev ? VFA_VF_OF_NETDEV : 0;
}

/* The driver in the guest sets the MTU of the VF. The MTU of the PF is the upper limit. */
static int check_mtu(struct vfa_job *job, struct vfa_error *err)
{
    uint32_t want = job->desired->settings.values[VFA_VF_MTU];
    struct vfa_link pf;
    int r;

    do
        r = vfa_netlink_read_link(job->nl, job->work.vf.pf, &pf, err);
    while (r == VFA_NETLINK_GONE && wait_for_answer(job));
    if (r == VFA_NETLINK_GONE)
        return refuse_unreported(job, err);
    if (r == 0 && pf.mtu < want)
        return refuse_setting(job, err, "cannot have mtu %u on VF %u of %s: the PF has mtu %u",
                              (unsigned)want, job->work.vf.number, job->work.vf.pf,
                              (unsigned)pf.mtu);
    return r;
}

static int compare_setting(struct vfa_job *job, enum vfa_vf_setting setting, struct vfa_error *err)
{
    const struct vfa_vf_settings *want = &job->desired->settings;

    if (setting == VFA_VF_MTU && !attach_facts(job)->keeps_netdev)
        return check_mtu(job, err);
    if (!vfa_vf_has(&job->work.now, setting))
        return refuse_setting(
            job, err,
            "cannot set %s of VF %u of %s: its driver does not tell what it is now, so it "
            "could not be set back",
            vfa_vf_setting_name(setting), job->work.vf.number, job->work.vf.pf);
    if (job->work.now.values[setting] != want->values[setting])
        job->work.change |= 1u << setting;
    return 0;
}

static int check_own_netdev(struct vfa_job *job, struct vfa_error *err)
{
    if (!attach_facts(job)->keeps_netdev)
        return 0;
    if (!job->work.vf.netdev[0]) {
        return vfa_refuse(err, ENODEV, "%s has no netdev on this host to make a macvtap of",
                          job->claim->device);
    }
    job->work.raise = !job->work.up;
    return 0;
}

/* A macvtap needs a netdev of any device; settings need a VF. */
static int locate_vf(struct vfa_job *job, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    struct vfa_pci_addr addr;
    int r = vfa_parse_pci_addr(job->claim->device, &addr);

    if (r < 0)
        vfa_fail(&why, EINVAL, "'%s' is not a PCI device", job->claim->device);
    else
        r = vfa_vf_locate(&job->host->sysfs, &addr, &job->work.vf, &why);
    if (r == VFA_SYSFS_GONE)
        return refuse_gone(job, err);
    if (r == VFA_VF_NONE && !(job->desired->settings.given & ~own_settings(job->desired->kind)))
        return 0;
    if (r == VFA_VF_NONE)
        return refuse_setting(job, err, "%s", vfa_error_text(&why));
    return r < 0 ? vfa_error_move(err, &why) : 0;
}

static int read_patiently(struct vfa_job *job, struct vfa_error *err)
{
    bool own_netdev = attach_facts(job)->keeps_netdev;
    int r;

    do
        r = vfa_vf_read(job->nl, &job->work.vf, own_netdev, &job->work.now, &job->work.up, err);
    while (r == VFA_NETLINK_GONE && wait_for_answer(job));
    return r;
}

/* The kernel reports no settings of the VF. With the policy best_effort, only the settings of the
 * VF's own netdev are applied. */
static int read_netdev_only(struct vfa_job *job, struct vfa_error *err)
{
    int r = 0;

    if (job->work.vf.pf[0] &&
        vfa_vf_read(job->nl, &job->work.vf, false, &job->work.now, &job->work.up, NULL) == 0)
        return refuse_netdev(job, err);
    if (job->work.vf.pf[0])
        r = refuse_unreported(job, err);
    if (r != 0)
        return r;
    job->work.vf.pf[0] = '\0';
    r = read_patiently(job, err);
    return r == VFA_NETLINK_GONE ? refuse_netdev(job, err) : r;
}

static int read_vf(struct vfa_job *job, struct vfa_error *err)
{
    int r = locate_vf(job, err);

    if (r == 0 && !job->nl)
        r = vfa_netlink_open(&job->nl, err);
    if (r != 0)
        return r;
    r = read_patiently(job, err);
    return r == VFA_NETLINK_GONE ? read_netdev_only(job, err) : r;
}

static int compare_all(struct vfa_job *job, struct vfa_error *err)
{
    unsigned can = job->work.vf.pf[0] ? ~0u : own_settings(job->desired->kind);
    int r = check_own_netdev(job, err);

    for (unsigned i = 0; r == 0 && i < VFA_VF_SETTINGS; i++) {
        if (job->desired->settings.given & can & 1u << i)
            r = compare_setting(job, (enum vfa_vf_setting)i, err);
    }
    return r;
}

/* ---- saving ---- */

/* libvirt changes the VLAN of an interface, too, but handles only some of its attributes. */
static unsigned settings_to_save(const struct vfa_job *job)
{
    bool libvirt_sets_vlan =
        attach_facts(job)->libvirt_sets_vlan && vfa_vf_has(&job->desired->settings, VFA_VF_VLAN);
    unsigned save = libvirt_sets_vlan ? vfa_vf_setting_group(VFA_VF_VLAN) : 0;

    for (unsigned i = 0; i < VFA_VF_SETTINGS; i++) {
        if (job->work.change & 1u << i)
            save |= vfa_vf_setting_group((enum vfa_vf_setting)i);
    }
    return save & job->work.now.given;
}

static void fill_saved(struct vfa_job *job)
{
    unsigned which = settings_to_save(job);

    if (job->work.raise)
        job->saved.up = VFA_SAVED_NO;
    for (unsigned i = 0; i < VFA_VF_SETTINGS; i++) {
        if (which & 1u << i)
            vfa_vf_settings_put(&job->saved.settings, (enum vfa_vf_setting)i,
                                job->work.now.values[i]);
    }
}

/* ---- setting ---- */

/* Repeats the request while the driver's answer is temporary; the result is the last answer. */
static int set_patiently(struct vfa_job *job, enum vfa_vf_setting setting,
                         const struct vfa_vf_settings *values, struct vfa_error *err)
{
    for (;;) {
        int r = vfa_vf_set(job->nl, &job->work.vf, setting, values, err);

        if ((r != -EAGAIN && r != -EBUSY && r != VFA_NETLINK_GONE) || !wait_for_answer(job))
            return r;
        vfa_error_clear(err);
    }
}

static int set_group(struct vfa_job *job, enum vfa_vf_setting setting,
                     const struct vfa_vf_settings *values, struct vfa_error *err)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int r = set_patiently(job, setting, values, &why);

    if (r == VFA_NETLINK_GONE)
        return refuse_unreported(job, err);
    if (r < 0)
        r = downgrade_to_warning(job, &why);
    if (r)
        vfa_error_move(err, &why);
    return r;
}

/* ---- the steps ---- */

bool vfa_vf_is_wanted(const struct vfa_job *job)
{
    return (job->desired->settings.given || attach_facts(job)->keeps_netdev) &&
           vfa_sysfs_is_host(&job->host->sysfs);
}

int vfa_vf_plan(struct vfa_job *job, struct vfa_error *err)
{
    int r = read_vf(job, err);

    if (r == 0)
        r = compare_all(job, err);
    if (r == 0)
        fill_saved(job);
    return r;
}

int vfa_vf_apply(struct vfa_job *job, struct vfa_error *err)
{
    struct vfa_vf_settings values = job->work.now;
    unsigned left = job->work.change;
    int r = 0;

    vfa_vf_settings_merge(&values, &job->desired->settings);
    for (unsigned i = 0; r == 0 && i < VFA_VF_SETTINGS; i++) {
        if (!(left & 1u << i))
            continue;
        left &= ~vfa_vf_setting_group((enum vfa_vf_setting)i);
        r = set_group(job, (enum vfa_vf_setting)i, &values, err);
    }
    if (r != 0 || !job->work.raise)
        return r;
    r = vfa_netlink_set_up(job->nl, job->work.vf.netdev, true, err); /* a macvtap needs it up */
    if (r == VFA_NETLINK_GONE)
        return refuse_netdev(job, err);
    return r < 0 ? VFA_VF_REFUSED : 0;
}

bool vfa_vf_is_vlan_wanted(const struct vfa_job *job)
{
    return attach_facts(job)->libvirt_sets_vlan &&
           vfa_vf_has(&job->desired->settings, VFA_VF_VLAN) && vfa_vf_is_wanted(job);
}

int vfa_vf_plan_vlan(struct vfa_job *job, struct vfa_error *err)
{
    int r = read_vf(job, err);

    if (r == 0)
        fill_saved(job);
    return r;
}

int vfa_vf_apply_vlan(struct vfa_job *job, struct vfa_error *err)
{
    const struct vfa_vf_settings *now = &job->work.now;
    struct vfa_vf_settings values = job->desired->settings;

    if (!vfa_vf_has(now, VFA_VF_VLAN))
        return 0;
    if (now->values[VFA_VF_VLAN])
        values.values[VFA_VF_VLAN] = now->values[VFA_VF_VLAN];
    for (unsigned i = VFA_VF_VLAN; i <= VFA_VF_VLAN_PROTO; i++) {
        if (vfa_vf_has(&values, (enum vfa_vf_setting)i) && values.values[i] != now->values[i])
            return set_group(job, VFA_VF_VLAN, &values, err);
    }
    return 0;
}
