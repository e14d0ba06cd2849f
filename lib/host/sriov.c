/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See sriov.h. A VF is in use if it is claimed, if it is bound to a driver for assignment (another
 * program may have given it to a guest), or if its netdev serves the host. While the state is not
 * synced (state/meta.h), all VFs count as in use.
 *
 * VFs are removed outside of transactions, under the lock of the PF (vfa_lock_device() in
 * state/lock.h). Meanwhile a mark excludes all other claims on the PF and its VFs. The mark is a
 * releasing claim of VFA_NO_UUID on the PF, added in the transaction that finds no other claim. If
 * this program is killed, the next program that finishes releasing claims (claim/release.h) deletes
 * the mark; that program needs the lock of the PF, so it cannot delete the mark earlier.
 */

#include "sriov.h"

#include "base/common.h"
#include "base/error.h"
#include "base/patience.h"
#include "base/pci-address.h"
#include "device/device.h"
#include "device/driver.h"
#include "device/health.h"
#include "device/inventory.h"
#include "device/keys.h"
#include "device/kind.h"
#include "device/pci.h"
#include "device/sysfs.h"
#include "config/config.h"
#include "state/claims.h"
#include "state/conflict.h"
#include "state/lock.h"
#include "state/meta.h"
#include "state/release.h"
#include "state/state.h"
#include "host.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#define TOTAL       "sriov_totalvfs"
#define NUMBER      "sriov_numvfs"
#define PATIENCE_MS 2000
#define NOBODY      "-"

/* A step returns 0 to continue, CONCLUDED when the report is complete, or an error. */
enum {
    CONCLUDED = 1,
};

struct card {
    struct vfa_host *host;
    const struct vfa_numvfs *want;
    struct vfa_sriov_report *report;
    struct vfa_device pf;
    int dirfd;
    int lock;    /* lock of the PF */
    bool marked; /* the PF has the mark */
};

static void card_clear(struct card *card)
{
    vfa_device_clear(&card->pf);
    vfa_closep(&card->dirfd);
    vfa_lock_endp(&card->lock);
}

static VFA_PRINTF(3, 4) int conclude(struct card *card, enum vfa_sriov_outcome outcome,
                                     const char *fmt, ...)
{
    va_list args;

    card->report->outcome = outcome;
    va_start(args, fmt);
    vsnprintf(card->report->detail, sizeof(card->report->detail), fmt, args);
    va_end(args);
    return CONCLUDED;
}

/* ---- which device, and how many VFs ---- */

static int find_address(const struct vfa_sysfs *sysfs, const struct vfa_numvfs *want,
                        struct vfa_pci_addr *ret, struct vfa_error *err)
{
    if (!want->by_address)
        return vfa_pci_of_netdev(sysfs, want->devname, ret, err);
    *ret = want->addr;
    return 0;
}

static int find_pf(struct card *card, struct vfa_error *err)
{
    const struct vfa_sysfs *sysfs = &card->host->sysfs;
    struct vfa_pci_addr addr;
    int r = find_address(sysfs, card->want, &addr, err);

    if (r == VFA_SYSFS_GONE)
        return conclude(card, VFA_SRIOV_CANNOT, "there is no such netdev of a PCI device");
    if (r == 0)
        r = vfa_pci_read(sysfs, &addr, &card->pf, err);
    if (r < 0)
        return r;
    card->dirfd = r == 0 ? vfa_pci_open(sysfs, &addr) : -1;
    if (card->dirfd < 0)
        return conclude(card, VFA_SRIOV_CANNOT, "there is no such device");
    card->report->addr = addr;
    if (card->pf.type == VFA_TYPE_VF)
        return conclude(card, VFA_SRIOV_CANNOT, "it is a virtual function itself");
    return 0;
}

static int count_vfs(struct card *card)
{
    const uint32_t want = card->want->numvfs;
    int total = 0, had = 0;

    if (vfa_sysfs_read_int(card->dirfd, TOTAL, &total) != 0 || total <= 0 ||
        vfa_sysfs_read_int(card->dirfd, NUMBER, &had) != 0 || had < 0)
        return conclude(card, VFA_SRIOV_CANNOT,
                        "it cannot have VFs: the device, or the host's firmware, has no SR-IOV");
    card->report->had = (uint32_t)had;
    if (card->report->had == want)
        return conclude(card, VFA_SRIOV_FINE, "%s", "");
    if (card->report->had > want)
        return conclude(card, VFA_SRIOV_MORE, "%s", "");
    if (want > (uint32_t)total)
        return conclude(card, VFA_SRIOV_CANNOT, "it can have %d VFs at most", total);
    return 0;
}

bool vfa_sriov_ready(const struct vfa_sysfs *sysfs, const struct vfa_numvfs *want)
{
    struct vfa_pci_addr addr;
    char driver[64];
    VFA_AUTO(vfa_closep) int fd = -1;

    if (find_address(sysfs, want, &addr, NULL) != 0)
        return false;
    fd = vfa_pci_open(sysfs, &addr);
    return fd >= 0 && vfa_sysfs_link(fd, "driver", driver, sizeof(driver)) == 0;
}

/* ---- what is in use ---- */

static bool is_pf_mark(const struct vfa_claim *claim)
{
    return claim->state == VFA_CLAIM_RELEASING && strcmp(claim->uuid, VFA_NO_UUID) == 0;
}

/* The keys of the PF without its IOMMU group: only the PF and its VFs matter. */
static void make_pf_keys(const struct card *card, struct vfa_keys *ret)
{
    struct vfa_device pf = card->pf; /* borrowed */

    pf.iommu_group = -1;
    vfa_keys_of_device(&pf, ret);
}

/* Finds a claim of the PF or of one of its VFs. */
static int find_pf_holder(const struct card *card, struct vfa_claim *ret, struct vfa_error *err)
{
    struct vfa_keys keys;

    make_pf_keys(card, &keys);
    return vfa_state_holder(card->host->state, &keys, "", ret, err);
}

/* Concludes if the PF or one of its VFs has a claim, or if the claims are not known. */
static int check_claims(struct card *card, struct vfa_error *err)
{
    VFA_AUTO(vfa_claim_clear) struct vfa_claim claim = {0};
    struct vfa_state *state = card->host->state;
    bool synced = true;
    int r;

    if (!state)
        return 0;
    r = vfa_state_synced(state, &synced, err);
    if (r < 0)
        return r;
    if (!synced)
        return conclude(card, VFA_SRIOV_IN_USE,
                        "the claims of running domains are not known yet: start vfaliasd");
    r = find_pf_holder(card, &claim, err);
    if (r < 0 || r == VFA_STATE_ABSENT)
        return r < 0 ? r : 0;
    if (is_pf_mark(&claim))
        return conclude(card, VFA_SRIOV_IN_USE, "another program removes them");
    return conclude(card, VFA_SRIOV_IN_USE, "domain '%.80s' holds %s", claim.domain, claim.device);
}

static int check_vfs_unused(struct card *card, struct vfa_error *err)
{
    VFA_AUTO(vfa_health_context_clear)
    struct vfa_health_context health_context = {.sysfs = &card->host->sysfs};
    char detail[sizeof(card->report->detail)];
    int r = vfa_health_vfs(&health_context, card->dirfd, detail, sizeof(detail), err);

    if (r < 0 || !*detail)
        return r;
    return conclude(card, VFA_SRIOV_IN_USE, "%s", detail);
}

static int check_driver(struct card *card)
{
    if (vfa_driver_gives_away(card->pf.driver))
        return conclude(card, VFA_SRIOV_IN_USE, "it is bound to %.40s itself", card->pf.driver);
    return 0;
}

/* If the PF has no VFs, no VF can be lost, so claims are not checked. A claim on the PF then
 * belongs to a guest that will get the PF (the new VFs vanish with it), or has just returned it to
 * its driver. */
static int check_card_unused(struct card *card, struct vfa_error *err)
{
    int r = check_driver(card);

    if (r != 0 || card->report->had == 0)
        return r;
    r = check_claims(card, err);
    return r == 0 ? check_vfs_unused(card, err) : r;
}

/* ---- the lock and the mark of the PF ---- */

static int lock_pf(struct card *card, struct vfa_error *err)
{
    struct vfa_patience patience = vfa_patience_begin(PATIENCE_MS);
    int r;

    do
        r = vfa_lock_device(card->host->config->state_path, card->pf.id, &card->lock, err);
    while (r == VFA_LOCK_TAKEN && vfa_patience_wait(&patience));
    if (r == VFA_LOCK_TAKEN)
        return conclude(card, VFA_SRIOV_IN_USE, "another program is at work on it");
    return r;
}

/* Deletes the mark of this program or of a killed program. Under the lock there is no other
 * mark. */
static int drop_pf_mark(struct card *card, struct vfa_error *err)
{
    VFA_AUTO(vfa_claim_clear) struct vfa_claim claim = {0};
    int r = find_pf_holder(card, &claim, err);

    if (r == 0 && is_pf_mark(&claim))
        r = vfa_state_end_release(card->host->state, &claim, err);
    return r < 0 ? r : 0;
}

static int put_pf_mark(struct card *card, struct vfa_error *err)
{
    char kind[] = VFA_KIND_PCI, uuid[] = VFA_NO_UUID, nobody[] = NOBODY, why[] = VFA_WHY_VFS;
    struct vfa_keys keys;
    const struct vfa_claim claim = {.device = card->pf.id,
                                    .keys = &keys,
                                    .kind = kind,
                                    .uuid = uuid,
                                    .domain = nobody,
                                    .request = nobody,
                                    .state = VFA_CLAIM_RELEASING,
                                    .why = why};
    int r;

    make_pf_keys(card, &keys);
    r = vfa_state_claim(card->host->state, &claim, err);
    return r == VFA_STATE_TAKEN ? conclude(card, VFA_SRIOV_IN_USE, "a domain holds one") : r;
}

static int mark_pf(struct card *card, struct vfa_error *err)
{
    struct vfa_state *state = card->host->state;
    int r = vfa_state_begin(state, err);

    if (r < 0)
        return r;
    r = drop_pf_mark(card, err);
    if (r == 0)
        r = check_claims(card, err);
    if (r == 0)
        r = put_pf_mark(card, err);
    r = vfa_state_finish(state, true, r, err);
    card->marked = r == 0;
    return r;
}

/* Deletes the mark. `r` is the result so far; an error in it takes precedence. */
static int unmark_pf(struct card *card, int r, struct vfa_error *err)
{
    int dropped = card->marked ? drop_pf_mark(card, r < 0 ? NULL : err) : 0;

    return r < 0 ? r : dropped < 0 ? dropped : r;
}

/* ---- the change ---- */

static int report_write_error(struct card *card, uint32_t number, int error)
{
    if (error == VFA_SYSFS_GONE && !card->pf.driver)
        return conclude(card, VFA_SRIOV_CANNOT, "no driver is bound to it");
    if (error == VFA_SYSFS_GONE)
        return conclude(card, VFA_SRIOV_CANNOT, "its driver %.40s makes no VFs", card->pf.driver);
    return conclude(card, VFA_SRIOV_CANNOT, "%s = %u: %s", NUMBER, (unsigned)number,
                    strerror(-error));
}

static int remove_vfs(struct card *card)
{
    int r = card->report->had ? vfa_sysfs_write_u32(card->dirfd, NUMBER, 0) : 0;

    return r ? report_write_error(card, 0, r) : 0;
}

/* If the kernel refuses the wanted number, restores the previous number of VFs. */
static int make_vfs(struct card *card)
{
    int r = vfa_sysfs_write_u32(card->dirfd, NUMBER, card->want->numvfs);
    int has = 0;

    if (r != 0) {
        report_write_error(card, card->want->numvfs, r);
        if (card->report->had)
            vfa_sysfs_write_u32(card->dirfd, NUMBER, card->report->had);
        return CONCLUDED;
    }
    if (vfa_sysfs_read_int(card->dirfd, NUMBER, &has) != 0 || (uint32_t)has != card->want->numvfs)
        return conclude(card, VFA_SRIOV_CANNOT, "it has made %d VFs", has);
    return conclude(card, VFA_SRIOV_MADE, "%s", "");
}

static int clear_way(struct card *card, bool dry_run, struct vfa_error *err)
{
    int r;

    if (dry_run || !card->host->state || card->report->had == 0)
        return check_card_unused(card, err);
    r = check_driver(card);
    if (r == 0)
        r = lock_pf(card, err);
    if (r == 0)
        r = mark_pf(card, err);
    if (r == 0)
        r = check_vfs_unused(card, err);
    return r == 0 ? remove_vfs(card) : r;
}

int vfa_sriov_apply(struct vfa_host *host, const struct vfa_numvfs *want, bool dry_run,
                    struct vfa_sriov_report *ret, struct vfa_error *err)
{
    struct vfa_sriov_report report = {.outcome = VFA_SRIOV_CANNOT};
    VFA_AUTO(card_clear)
    struct card card = {.host = host, .want = want, .report = &report, .dirfd = -1, .lock = -1};
    int r = find_pf(&card, err);

    if (r == 0)
        r = count_vfs(&card);
    if (r == 0)
        r = clear_way(&card, dry_run, err);
    if (r == 0 && dry_run)
        r = conclude(&card, VFA_SRIOV_MADE, "%s", "");
    if (r == 0)
        r = make_vfs(&card);
    r = unmark_pf(&card, r, err);
    if (r < 0)
        return r;
    *ret = report;
    return 0;
}
