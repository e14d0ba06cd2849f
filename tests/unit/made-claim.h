/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A host with the made kernel (tests/kernel), management devices, parents of mediated devices, and
 * one claim of a device that is made. The program is linked with --wrap for vfa_child_run(), which
 * gets a shorter time limit if limit_ms is set.
 */
#ifndef VFA_MADE_CLAIM_H
#define VFA_MADE_CLAIM_H

#include "base/common.h"
#include "base/error.h"
#include "device/child.h"
#include "device/made-name.h"
#include "device/maker.h"
#include "device/mdev.h"
#include "device/vdpa-node.h"
#include "device/vdpa.h"
#include "spec/spec.h"
#include "config/config.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/saved.h"
#include "state/state.h"
#include "host/host.h"
#include "provision/provisioner.h"
#include "claim/release.h"
#include "check.h"
#include "made-kernel.h"

#include <errno.h>
#include <string.h>

#define UUID    "aaaaaaaa-0000-4000-8000-000000000000"
#define REQUEST "net-0"
#define SIM     "mgmtdev:vdpasim_net"      /* does not take max_vqp */
#define CARD    "mgmtdev:pci/0000:3b:00.2" /* takes all, makes 2 */
#define BARE    "mgmtdev:pci/0000:3b:00.3" /* takes nothing */
#define MTTY    "mdev-type:mtty/mtty-2"    /* makes 2 */
#define OTHERS  "mdev:7a3f0e52-d19b-4c77-8e24-51c0a73df816"
#define MAC     "52:54:00:01:02:03"

static char run[64], state_path[96], sysfs_root[96], link_path[192], vdpa[32], mdev[48];
static struct vfa_config config = {.sysfs_root = sysfs_root, .state_path = state_path};
static unsigned limit_ms, warnings;
static char warned[512];

int __real_vfa_child_run(const struct vfa_child *child, struct vfa_io_data *ret,
                         struct vfa_error *err);
int __wrap_vfa_child_run(const struct vfa_child *child, struct vfa_io_data *ret,
                         struct vfa_error *err);

int __wrap_vfa_child_run(const struct vfa_child *child, struct vfa_io_data *ret,
                         struct vfa_error *err)
{
    struct vfa_child shorter = *child;

    if (limit_ms)
        shorter.limit_ms = limit_ms;
    return __real_vfa_child_run(&shorter, ret, err);
}

/* ---- a host, and a claim ---- */

static inline void warn(const char *text)
{
    warnings++;
    snprintf(warned, sizeof(warned), "%s", text);
}

static inline struct vfa_host open_host(void)
{
    struct vfa_host host = {.config = &config, .sysfs = sysfs, .warn = warn};

    if (vfa_state_open(state_path, run, VFA_STATE_WRITE, &host.state, NULL) != 0)
        made_give_up(state_path);
    return host;
}

static inline void close_host(struct vfa_host *host)
{
    host->state = vfa_state_close(host->state);
}

static inline struct vfa_claim the_claim(const char *device, const char *maker)
{
    return (struct vfa_claim){.device = (char *)device,
                              .kind = (char *)(*device == 'v' ? "vdpa" : "mdev"),
                              .maker = (char *)maker,
                              .uuid = (char *)UUID,
                              .domain = (char *)"d",
                              .request = (char *)REQUEST,
                              .alias = (char *)"net",
                              .state = VFA_CLAIM_CLAIMED,
                              .since = 1000};
}

/* A new claim of a device. */
static inline struct vfa_host begin(const char *device, const char *maker)
{
    struct vfa_host host = open_host();
    const struct vfa_claim claim = the_claim(device, maker);

    warnings = 0;
    limit_ms = 0;
    CHECK(vfa_state_claim(host.state, &claim, NULL) == 0, "%s", device);
    return host;
}

static inline int apply_desired(struct vfa_host *host, const char *device, const char *maker,
                                const struct vfa_desired *desired, struct vfa_error *err)
{
    const struct vfa_claim claim = the_claim(device, maker);

    return vfa_provisioner_apply(host, &claim, desired, err);
}

static inline int apply(struct vfa_host *host, const char *device, const char *maker,
                        struct vfa_error *err)
{
    const struct vfa_desired desired = {.kind = VFA_ATTACH_VDPA, .mac = MAC};

    return apply_desired(host, device, maker, &desired, err);
}

static inline unsigned count_records(struct vfa_host *host)
{
    VFA_AUTO(vfa_saved_list_clear) struct vfa_saved_list list = {NULL, 0};

    CHECK(vfa_state_saved(host->state, NULL, &list, NULL) == 0, "records");
    return (unsigned)list.n;
}

static inline unsigned count_claims(struct vfa_host *host)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};

    CHECK(vfa_state_all_claims(host->state, NULL, &claims, NULL) == 0, "claims");
    return (unsigned)claims.n;
}

static inline bool exists(const char *device)
{
    char path[160];

    snprintf(path, sizeof(path), "%s/sys/bus/%.4s/devices/%s", made_root, device, device + 5);
    return access(path, F_OK) == 0;
}

static inline bool has_record_line(const char *device, const char *line)
{
    char path[160], text[256];
    bool found = false;
    FILE *file;

    snprintf(path, sizeof(path), "%s/kernel/vdpa/%s", made_root, device + 5);
    file = fopen(path, "r");
    while (file && !found && fgets(text, sizeof(text), file)) {
        text[strcspn(text, "\n")] = '\0';
        found = strcmp(text, line) == 0;
    }
    if (file)
        fclose(file);
    return found;
}

/* The link leads to a node. */
static inline bool is_linked(void)
{
    struct stat st;

    return lstat(link_path, &st) == 0 && S_ISLNK(st.st_mode) && access(link_path, F_OK) == 0;
}

static inline bool has_link(void)
{
    struct stat st;

    return lstat(link_path, &st) == 0;
}

/* Ends the claim in both steps; returns how many are left. */
static inline size_t release(struct vfa_host *host)
{
    struct vfa_release_left left = {0};

    CHECK(vfa_release(host, UUID, NULL, VFA_WHY_STOPPED, NULL, NULL) == 0, "release");
    CHECK(vfa_release_finish(host, VFA_RELEASE_ONCE, &left, NULL) == 0, "finish");
    return left.n;
}

static inline size_t finish(struct vfa_host *host)
{
    struct vfa_release_left left = {0};

    CHECK(vfa_release_finish(host, VFA_RELEASE_WAIT, &left, NULL) == 0, "finish");
    return left.n;
}

static inline void check_clean(struct vfa_host *host, const char *device, const char *when)
{
    CHECK(!exists(device) && !has_link() && count_records(host) == 0 && count_claims(host) == 0,
          "%s: %d %d %u %u", when, exists(device), has_link(), count_records(host),
          count_claims(host));
    close_host(host);
}

static inline void check_refusal(int r, int want, const struct vfa_error *err, const char *text)
{
    CHECK(r == want && check_has(err, text), "%d: %s", r, vfa_error_text(err));
}

static inline void make_host(void)
{
    char name[VFA_MADE_VDPA_SIZE], uuid[VFA_UUID_SIZE];

    made_kernel_begin();
    made_vdpa_host();
    made_mdev_host();
    made_folder("sys/devices/bare");
    made_mgmtdev("pci!0000:3b:00.3", "devices/bare", 0, "0");
    made_folder("run");
    snprintf(run, sizeof(run), "%s/run", made_root);
    snprintf(state_path, sizeof(state_path), "%s/state", run);
    snprintf(sysfs_root, sizeof(sysfs_root), "%s/sys", made_root);
    snprintf(link_path, sizeof(link_path), "%s/vdpa/%s/%s", run, UUID, REQUEST);
    snprintf(vdpa, sizeof(vdpa), "vdpa:%s", vfa_made_vdpa_name(UUID, REQUEST, name));
    snprintf(mdev, sizeof(mdev), "mdev:%s", vfa_made_uuid(UUID, REQUEST, uuid));
}

#endif
