/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfalias vfs: makes the VFs that sriov_numvfs asks for. vfalias-vfs.service runs it at boot,
 * before libvirt starts. vfa_sriov_apply() decides whether existing VFs may be removed.
 */

#include "base/common.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/pci-address.h"
#include "device/sysfs.h"
#include "config/config.h"
#include "state/index.h"
#include "host/host.h"
#include "host/sriov.h"
#include "claim/rescan.h"
#include "helpers/shared/uevents.h"
#include "cmd-host.h"
#include "cmd.h"
#include "verbs.h"

#define MAX_WAIT 3600 /* seconds */

/* Before udev has renamed the interface: its kernel name may be the final name of another card. */
static bool is_named(const struct vfa_host *host, const struct vfa_numvfs *want)
{
    return want->by_address || !vfa_sysfs_is_host(&host->sysfs) ||
           vfa_uevents_is_named(want->devname);
}

static bool is_ready(const struct vfa_host *host, const struct vfa_numvfs *want)
{
    return is_named(host, want) && vfa_sriov_ready(&host->sysfs, want);
}

/* For vfa_uevents_wait(): at boot, udev may not have loaded all drivers yet. */
static bool all_ready(void *opaque)
{
    const struct vfa_host *host = opaque;

    for (size_t i = 0; i < host->config->n_numvfs; i++) {
        if (!is_ready(host, &host->config->numvfs[i]))
            return false;
    }
    return true;
}

/* ---- output ---- */

static void card_name(const struct vfa_numvfs *want, const struct vfa_sriov_report *report,
                      char *buf, size_t size)
{
    static const struct vfa_pci_addr none; /* no device (0000:00:00.0 is the host bridge) */
    bool found = vfa_pci_addr_compare(&report->addr, &none) != 0;
    char address[VFA_PCI_ADDR_SIZE];

    vfa_pci_addr_format(want->by_address ? &want->addr : &report->addr, address);
    if (want->by_address)
        snprintf(buf, size, "%s", address);
    else if (found)
        snprintf(buf, size, "%s (%s)", want->devname, address);
    else
        snprintf(buf, size, "%s", want->devname);
}

static int print_outcome(bool dry_run, const struct vfa_numvfs *want,
                         const struct vfa_sriov_report *report)
{
    const unsigned n = want->numvfs, had = report->had;
    char card[64];

    card_name(want, report, card, sizeof(card));
    switch (report->outcome) {
    case VFA_SRIOV_FINE:
        printf("%s: has its %u VFs\n", card, n);
        return VFA_CMD_FINE;
    case VFA_SRIOV_MADE:
        printf("%s: %u VFs %s, it had %u\n", card, n, dry_run ? "would be made" : "were made", had);
        return VFA_CMD_FINE;
    case VFA_SRIOV_MORE:
        printf("%s: keeps its %u VFs, more than the %u that are wanted\n", card, had, n);
        return VFA_CMD_FINE;
    case VFA_SRIOV_IN_USE:
        return vfa_cmd_fail("%s: keeps its %u VFs, %u are wanted: %s", card, had, n,
                            report->detail);
    case VFA_SRIOV_CANNOT:
        break;
    }
    return vfa_cmd_fail("%s: cannot have %u VFs: %s", card, n, report->detail);
}

/* ---- the verb ---- */

struct progress {
    bool *done; /* for each sriov_numvfs of the configuration */
    bool dry_run;
    bool made; /* VFs of at least one card were made */
    int status;
};

/* Called twice: first for the cards that are ready, then for the rest. A card may have become ready
 * meanwhile; the rule in 90-vfalias.rules ignores it, because vfalias-vfs.service is activating. */
static int apply_all(struct vfa_host *host, struct progress *p, bool only_ready,
                     struct vfa_error *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < host->config->n_numvfs; i++) {
        const struct vfa_numvfs *want = &host->config->numvfs[i];
        struct vfa_sriov_report report;

        if (p->done[i] || (only_ready && !is_ready(host, want)))
            continue;
        p->done[i] = true;
        r = vfa_sriov_apply(host, want, p->dry_run, &report, err);
        p->made = p->made || (r == 0 && report.outcome == VFA_SRIOV_MADE);
        if (r == 0 && print_outcome(p->dry_run, want, &report) != VFA_CMD_FINE)
            p->status = VFA_CMD_NO; /* continue with the other cards */
    }
    return r;
}

/* The index must have the new VFs. At boot there is no index yet, and none is made. */
static int renew_index(struct vfa_host *host, struct vfa_error *err)
{
    int64_t scanned = 0;
    int r = vfa_state_index_scanned(host->state, &scanned, err);

    return r == 0 && scanned > 0 ? vfa_rescan(host, true, NULL, err) : r;
}

static int apply_numvfs(struct vfa_cmd_context *ctx, bool dry_run, uint32_t seconds)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_host_clear) struct vfa_host host = VFA_HOST_INIT;
    VFA_AUTO(vfa_freep) bool *done = calloc(ctx->config->n_numvfs, sizeof(*done));
    struct progress progress = {.done = done, .dry_run = dry_run, .status = VFA_CMD_FINE};
    const enum vfa_cmd_host mode = dry_run ? VFA_CMD_HOST_READ : VFA_CMD_HOST_WRITE;
    int r = done ? vfa_cmd_open_host(ctx, mode, &host, &err) : vfa_fail_oom(&err);

    if (r == 0) {
        vfa_uevents_wait(all_ready, &host, seconds);
        r = apply_all(&host, &progress, true, &err);
    }
    if (r == 0)
        r = apply_all(&host, &progress, false, &err);
    if (r == 0 && progress.made && !dry_run)
        r = renew_index(&host, &err);
    return r < 0 ? vfa_cmd_fail_error(&err) : progress.status;
}

int vfa_cmd_vfs(struct vfa_cmd_context *ctx, int argc, char **argv)
{
    const char *wait = NULL;
    uint32_t seconds = 0;
    bool dry_run = false;
    const struct vfa_cmd_flag flags[] = {
        {.name = "dry-run", .on = &dry_run},
        {.name = "wait", .value = &wait},
    };
    const struct vfa_cmd_syntax syntax = {"vfs", flags, ARRAY_SIZE(flags), {NULL}};
    int status;

    if (!vfa_cmd_begin(ctx, &syntax, argc, argv, NULL, &status))
        return status;
    if (wait && vfa_parse_u32(wait, MAX_WAIT, &seconds) < 0)
        return vfa_cmd_fail_usage("vfs: --wait '%.40s': a number of seconds, 0 to %d, is wanted",
                                  wait, MAX_WAIT);
    if (!dry_run && !vfa_cmd_may_write(ctx))
        return VFA_CMD_USAGE;
    if (ctx->config->n_numvfs == 0)
        printf("no sriov_numvfs is configured\n");
    return ctx->config->n_numvfs ? apply_numvfs(ctx, dry_run, seconds) : VFA_CMD_FINE;
}
