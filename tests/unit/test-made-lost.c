/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Made devices after the state file was lost, with the made kernel (tests/kernel): those of running
 * domains are on record again, those that nobody owns are destroyed, and those of others stay.
 */

#include "base/common.h"
#include "base/error.h"
#include "device/made-name.h"
#include "device/mdev.h"
#include "device/vdpa-node.h"
#include "device/vdpa.h"
#include "config/config.h"
#include "domain/domain.h"
#include "state/claims.h"
#include "state/saved.h"
#include "state/state.h"
#include "host/host.h"
#include "provision/node-link.h"
#include "claim/reassert.h"
#include "claim/release.h"
#include "claim/unowned.h"
#include "check.h"
#include "made-kernel.h"

#include <string.h>

#define UUID    "aaaaaaaa-0000-4000-8000-000000000000"
#define REQUEST "net-0"

static char run[64], state_path[96], sysfs_root[96], folder[96], link_path[192];
static char vdpa[VFA_MADE_VDPA_SIZE], mdev[VFA_UUID_SIZE], vdpa_id[48], mdev_id[48];
static struct vfa_config config = {.sysfs_root = sysfs_root, .state_path = state_path};
static unsigned warnings;
static char warned[512];

/* A domain that names both devices. */
static struct vfa_domdev elements[] = {
    {.kind = VFA_ATTACH_VDPA, .source = link_path, .request = (char *)REQUEST},
    {.kind = VFA_ATTACH_MDEV, .source = mdev_id, .request = (char *)REQUEST "-b"}};
static struct vfa_request request = {.name = (char *)REQUEST, .alias = (char *)"net"};
static struct vfa_domain domain = {
    .name = (char *)"d", .uuid = UUID, .devices = elements, .n_devices = ARRAY_SIZE(elements)};

static void warn(const char *text)
{
    warnings++;
    snprintf(warned, sizeof(warned), "%s", text);
}

/* The state file is new. */
static struct vfa_host open_host(void)
{
    struct vfa_host host = {.config = &config, .sysfs = sysfs, .warn = warn};

    unlink(state_path);
    warnings = 0;
    if (vfa_state_open(state_path, run, VFA_STATE_WRITE, &host.state, NULL) != 0)
        made_give_up(state_path);
    return host;
}

static bool has_vdpa(const char *name)
{
    struct vfa_vdpa_node node;

    return vfa_vdpa_node(&sysfs, name, &node, NULL) == 0;
}

static bool has_mdev(const char *uuid)
{
    struct vfa_mdev found;

    return vfa_mdev_read(&sysfs, uuid, &found, NULL) == 0;
}

static bool has_link(void)
{
    return access(link_path, F_OK) == 0;
}

static void make_devices(void)
{
    const struct vfa_vdpa_wanted wanted = {.name = vdpa, .mgmtdev = "pci/0000:3b:00.2"};
    struct vfa_vdpa_node node;
    char target[128];

    CHECK(vfa_vdpa_add(&sysfs, &wanted, LIMIT, NULL) == 0 &&
              vfa_vdpa_bind(&sysfs, vdpa, LIMIT, &node, NULL) == 0,
          "vdpa");
    snprintf(target, sizeof(target), "%s/dev/%s", made_root, node.node);
    CHECK(vfa_node_link_make(folder, link_path, target, NULL) == 0 && has_link(), "link");
    CHECK(vfa_mdev_create(&sysfs, "mtty", "mtty-1", mdev, LIMIT, NULL) == 0, "mdev");
}

static unsigned count_records(struct vfa_host *host)
{
    VFA_AUTO(vfa_saved_list_clear) struct vfa_saved_list list = {NULL, 0};

    CHECK(vfa_state_saved(host->state, NULL, &list, NULL) == 0, "records");
    return (unsigned)list.n;
}

static bool has_claim(struct vfa_host *host, const char *device, const char *maker)
{
    VFA_AUTO(vfa_claim_clear) struct vfa_claim claim = {0};

    return vfa_state_claim_of(host->state, device, &claim, NULL) == 0 &&
           claim.state == VFA_CLAIM_ACTIVE && claim.maker && strcmp(claim.maker, maker) == 0;
}

static void release(struct vfa_host *host)
{
    CHECK(vfa_release(host, UUID, NULL, VFA_WHY_STOPPED, NULL, NULL) == 0, "release");
    CHECK(vfa_release_finish(host, VFA_RELEASE_WAIT, NULL, NULL) == 0, "finish");
}

static void test_running(void)
{
    struct vfa_host host = open_host();

    make_devices();
    for (unsigned i = 0; i < 2; i++) {
        CHECK(vfa_reassert(&host, &domain, NULL) == 0 && count_records(&host) == 2, "%u", i);
        CHECK(has_claim(&host, vdpa_id, "mgmtdev:pci/0000:3b:00.2") &&
                  has_claim(&host, mdev_id, "mdev-type:mtty/mtty-1"),
              "%u", i);
    }
    release(&host);
    CHECK(!has_vdpa(vdpa) && !has_mdev(mdev) && !has_link() && count_records(&host) == 0,
          "destroyed when it stops");
    vfa_state_close(host.state);
}

/* Under a name that does not follow from the domain. */
static void test_others_running(void)
{
    static char path[] = "/dev/vhost-vdpa-0", id[] = "mdev:00000000-0000-4000-8000-000000000001";
    struct vfa_domdev others[] = {
        {.kind = VFA_ATTACH_MDEV, .source = id, .request = (char *)REQUEST},
        {.kind = VFA_ATTACH_MDEV, .source = mdev_id},
        {.kind = VFA_ATTACH_VDPA, .source = path, .request = (char *)REQUEST "-c"}};
    const struct vfa_vdpa_wanted wanted = {.name = "admins", .mgmtdev = "vdpasim_net"};
    struct vfa_domain other = domain;
    struct vfa_host host = open_host();

    other.devices = others;
    other.n_devices = ARRAY_SIZE(others);
    CHECK(vfa_mdev_create(&sysfs, "mtty", "mtty-1", id + 5, LIMIT, NULL) == 0, "mdev");
    CHECK(vfa_mdev_create(&sysfs, "mtty", "mtty-1", mdev, LIMIT, NULL) == 0, "mdev");
    CHECK(vfa_vdpa_add(&sysfs, &wanted, LIMIT, NULL) == 0, "vdpa");
    CHECK(vfa_reassert(&host, &other, NULL) == 0 && count_records(&host) == 0, "no record");
    release(&host);
    CHECK(has_mdev(id + 5) && has_mdev(mdev) && has_vdpa("admins"), "they stay");
    CHECK(vfa_mdev_remove(&sysfs, id + 5, LIMIT, NULL) == 0 &&
              vfa_mdev_remove(&sysfs, mdev, LIMIT, NULL) == 0 &&
              vfa_vdpa_delete(&sysfs, "admins", LIMIT, NULL) == 0,
          "others");
    vfa_state_close(host.state);
}

static size_t destroy_unowned(struct vfa_host *host, const struct vfa_domain *of,
                              unsigned *reported)
{
    VFA_AUTO(vfa_unowned_clear) struct vfa_unowned list = {NULL, 0};
    size_t n = 0;

    *reported = 0;
    CHECK(vfa_unowned_find(host, &list, NULL) == 0, "find");
    CHECK(vfa_unowned_destroy(host, &list, of, &n, NULL) == 0, "destroy");
    for (size_t i = 0; i < list.n; i++)
        *reported += vfa_unowned_is_reported(&list.items[i]);
    return n;
}

static void test_unowned(void)
{
    struct vfa_domain stopped = {
        .name = (char *)"d", .uuid = UUID, .requests = &request, .n_requests = 1};
    struct vfa_domain stranger = stopped;
    struct vfa_host host = open_host();
    unsigned reported;
    int node;

    strcpy(stranger.uuid, "bbbbbbbb-0000-4000-8000-000000000000");
    make_devices();
    CHECK(destroy_unowned(&host, &stranger, &reported) == 0 && reported == 1 && has_vdpa(vdpa) &&
              has_mdev(mdev),
          "of no known domain: %u", reported);
    node = made_hold("dev/vhost-vdpa-0");
    CHECK(destroy_unowned(&host, &stopped, &reported) == 0 && reported == 0 && has_vdpa(vdpa) &&
              warnings == 1 && strstr(warned, "a device that is left over stays: "),
          "open: %s", warned);
    close(node);
    CHECK(destroy_unowned(&host, &stopped, &reported) == 1 && !has_vdpa(vdpa) && has_mdev(mdev),
          "of a request");
    CHECK(destroy_unowned(&host, &domain, &reported) == 1 && !has_mdev(mdev), "of an element");
    CHECK(destroy_unowned(&host, &domain, &reported) == 0, "nothing is left");
    vfa_state_close(host.state);
}

static void test_owned(void)
{
    VFA_AUTO(vfa_unowned_clear) struct vfa_unowned list = {NULL, 0};
    const struct vfa_vdpa_wanted wanted = {.name = "vfa0123456789ag", .mgmtdev = "vdpasim_net"};
    struct vfa_host host = open_host();

    make_devices();
    CHECK(vfa_vdpa_add(&sysfs, &wanted, LIMIT, NULL) == 0, "another name");
    CHECK(vfa_reassert(&host, &domain, NULL) == 0, "claimed");
    CHECK(vfa_unowned_find(&host, &list, NULL) == 0 && list.n == 0, "%zu", list.n);
    release(&host);
    CHECK(has_vdpa("vfa0123456789ag") &&
              vfa_vdpa_delete(&sysfs, "vfa0123456789ag", LIMIT, NULL) == 0,
          "stays");
    vfa_state_close(host.state);
}

static void test_names(void)
{
    char id[64];

    snprintf(id, sizeof(id), "vdpa:%s", mdev);
    CHECK(vfa_made_is_name(UUID, REQUEST, vdpa_id) && !vfa_made_is_name(UUID, "net-1", vdpa_id) &&
              !vfa_made_is_name(UUID, REQUEST "-b", id) && !vfa_made_is_name(UUID, REQUEST, "x"),
          "names");
    CHECK(vfa_made_is_pattern(vdpa) && !vfa_made_is_pattern("vfa0123456789ag") &&
              !vfa_made_is_pattern("vfa0123456789abc") && !vfa_made_is_pattern("xfa0123456789ab"),
          "pattern");
}

int main(void)
{
    made_kernel_begin();
    made_vdpa_host();
    made_mdev_host();
    made_folder("run");
    snprintf(run, sizeof(run), "%s/run", made_root);
    snprintf(state_path, sizeof(state_path), "%s/state", run);
    snprintf(sysfs_root, sizeof(sysfs_root), "%s/sys", made_root);
    snprintf(folder, sizeof(folder), "%s/vdpa", run);
    snprintf(link_path, sizeof(link_path), "%s/%s/%s", folder, UUID, REQUEST);
    snprintf(vdpa_id, sizeof(vdpa_id), "vdpa:%s", vfa_made_vdpa_name(UUID, REQUEST, vdpa));
    snprintf(mdev_id, sizeof(mdev_id), "mdev:%s", vfa_made_uuid(UUID, REQUEST "-b", mdev));
    test_running();
    test_others_running();
    test_unowned();
    test_owned();
    test_names();
    made_end(&sysfs);
    return check_result();
}
