/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices that are made for a claim and destroyed when it ends: what they get, and what is refused. */

#include "base/common.h"
#include "base/error.h"
#include "device/mdev.h"
#include "device/vdpa.h"
#include "spec/spec.h"
#include "host/host.h"
#include "provision/provisioner.h"
#include "check.h"
#include "made-claim.h"

#include <string.h>

/* ---- a usual life ---- */

static void test_vdpa(void)
{
    const struct vfa_desired desired = {
        .kind = VFA_ATTACH_VDPA, .mac = MAC, .vdpa = {.max_vqp = 1, .mtu = 9000}};
    struct vfa_host host = begin(vdpa, CARD);

    CHECK(apply_desired(&host, vdpa, CARD, &desired, NULL) == 0 && warnings == 0, "made");
    CHECK(exists(vdpa) && is_linked() && has_record_line(vdpa, "mac " MAC) &&
              has_record_line(vdpa, "max_vqp 1") && has_record_line(vdpa, "mtu 9000"),
          "as it is wanted");
    CHECK(count_records(&host) == 1, "on record");
    CHECK(release(&host) == 0, "released");
    check_clean(&host, vdpa, "vdpa");
}

static void test_mdev(void)
{
    struct vfa_host host = begin(mdev, MTTY);

    CHECK(apply(&host, mdev, MTTY, NULL) == 0 && exists(mdev) && !has_link(), "made");
    CHECK(release(&host) == 0, "released");
    check_clean(&host, mdev, "mdev");
}

static unsigned count_calls(const char *call)
{
    char path[160], line[256];
    unsigned n = 0;
    FILE *file;

    snprintf(path, sizeof(path), "%s/kernel/calls", made_root);
    file = fopen(path, "r");
    while (file && fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = '\0';
        n += strcmp(line, call) == 0;
    }
    if (file)
        fclose(file);
    return n;
}

/* What is complete is used; what was changed meanwhile, or is wanted otherwise, is made again. */
static void test_twice(void)
{
    const struct vfa_desired other = {.kind = VFA_ATTACH_VDPA, .mac = "52:54:00:00:00:09"};
    struct vfa_host host = begin(vdpa, CARD);
    char new_call[64];
    unsigned before;

    snprintf(new_call, sizeof(new_call), "new %s", vdpa + 5);
    CHECK(apply(&host, vdpa, CARD, NULL) == 0, "made");
    before = count_calls(new_call);
    CHECK(apply(&host, vdpa, CARD, NULL) == 0 && count_calls(new_call) == before, "complete");
    CHECK(unlink(link_path) == 0 && apply(&host, vdpa, CARD, NULL) == 0 && is_linked() &&
              count_calls(new_call) > before,
          "without its link");
    before = count_calls(new_call);
    CHECK(apply_desired(&host, vdpa, CARD, &other, NULL) == 0 &&
              has_record_line(vdpa, "mac 52:54:00:00:00:09"),
          "another address");
    CHECK(vfa_vdpa_delete(&sysfs, vdpa + 5, LIMIT, NULL) == 0 &&
              apply_desired(&host, vdpa, CARD, &other, NULL) == 0 && exists(vdpa) && is_linked(),
          "somebody has deleted it");
    CHECK(release(&host) == 0, "released");
    check_clean(&host, vdpa, "twice");
}

/* ---- what an element names ---- */

static void test_other_path(void)
{
    char path[160], folder[160];
    struct vfa_desired desired = {.kind = VFA_ATTACH_VDPA, .path = path};
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_host host = begin(vdpa, SIM);
    int r;

    snprintf(folder, sizeof(folder), "%s/vdpa/by hand", run);
    snprintf(path, sizeof(path), "%s/vdpa/by hand/a b", run);
    CHECK(apply_desired(&host, vdpa, SIM, &desired, NULL) == 0 && access(path, F_OK) == 0 &&
              !has_link(),
          "made there");
    CHECK(release(&host) == 0 && access(folder, F_OK) < 0, "released");
    check_clean(&host, vdpa, "other path");
    host = begin(vdpa, SIM);
    snprintf(path, sizeof(path), "%s/vdpa/../x", run);
    r = apply_desired(&host, vdpa, SIM, &desired, &err);
    check_refusal(r, VFA_VF_REFUSED, &err, "is made under a path below");
    CHECK(release(&host) == 0, "released");
    check_clean(&host, vdpa, "a path that is not below");
}

/* A symbolic link in the way. */
static void test_attack(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_host host = begin(vdpa, SIM);
    char folder[160];
    int r;

    snprintf(folder, sizeof(folder), "%s/vdpa/%s", run, UUID);
    made_folder("elsewhere");
    made_folder("run/vdpa");
    CHECK(symlink("../../elsewhere", folder) == 0, "%s", folder);
    r = apply(&host, vdpa, SIM, &err);
    check_refusal(r, VFA_VF_REFUSED, &err, "cannot use the link");
    CHECK(!exists(vdpa), "it is destroyed again");
    made_without("elsewhere");
    CHECK(unlink(folder) == 0 && release(&host) == 0, "released");
    check_clean(&host, vdpa, "attack");
}

/* ---- refusals ---- */

static void test_settings(void)
{
    struct vfa_desired desired = {
        .kind = VFA_ATTACH_VDPA, .mac = MAC, .vdpa = {.max_vqp = 2, .mtu = 1400}};
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_host host = begin(vdpa, SIM);
    int r = apply_desired(&host, vdpa, SIM, &desired, &err);

    check_refusal(r, VFA_VF_REFUSED, &err, "does not support the settings: max_vqp");
    CHECK(!exists(vdpa) && count_records(&host) == 0, "nothing is made");
    desired.policy = VFA_SETTINGS_BEST_EFFORT;
    CHECK(apply_desired(&host, vdpa, SIM, &desired, NULL) == 0 && warnings == 1, "%u", warnings);
    CHECK(strstr(warned, "domain 'd': request 'net-0': ") &&
              strstr(warned, "is made without max_vqp: "),
          "%s", warned);
    CHECK(has_record_line(vdpa, "mtu 1400") && has_record_line(vdpa, "mac " MAC), "all others");
    CHECK(release(&host) == 0, "released");
    check_clean(&host, vdpa, "settings");
    host = begin(vdpa, BARE);
    CHECK(apply_desired(&host, vdpa, BARE, &desired, NULL) == 0 && warnings == 1 &&
              strstr(warned, " without mac, mtu, max_vqp: "),
          "%s", warned);
    CHECK(release(&host) == 0, "released");
    check_clean(&host, vdpa, "bare");
    host = begin(vdpa, BARE);
    CHECK(apply(&host, vdpa, BARE, NULL) == 0 && warnings == 1 && strstr(warned, "without mac: "),
          "the policy does not matter for the address: %s", warned);
    CHECK(release(&host) == 0, "released");
    check_clean(&host, vdpa, "address");
}

static void test_full(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_error_clear) struct vfa_error err2 = VFA_ERROR_INIT;
    struct vfa_host host = begin(vdpa, CARD);
    struct vfa_vdpa_wanted others = {.name = "o1", .mgmtdev = "pci/0000:3b:00.2"};
    int r;

    CHECK(vfa_vdpa_add(&sysfs, &others, LIMIT, NULL) == 0, "another's");
    others.name = "o2";
    CHECK(vfa_vdpa_add(&sysfs, &others, LIMIT, NULL) == 0, "another's");
    r = apply(&host, vdpa, CARD, &err);
    check_refusal(r, VFA_VF_FULL, &err, "the management device can make no more");
    CHECK(count_records(&host) == 0, "so the claim can end at once");
    CHECK(release(&host) == 0, "released");
    check_clean(&host, vdpa, "full");
    CHECK(vfa_vdpa_delete(&sysfs, "o1", LIMIT, NULL) == 0 &&
              vfa_vdpa_delete(&sysfs, "o2", LIMIT, NULL) == 0,
          "others");
    host = begin(mdev, MTTY);
    for (unsigned i = 0; i < 2; i++) {
        char uuid[48];

        snprintf(uuid, sizeof(uuid), "00000000-0000-4000-8000-00000000000%u", i);
        CHECK(vfa_mdev_create(&sysfs, "mtty", "mtty-2", uuid, LIMIT, NULL) == 0, "another's");
    }
    r = apply(&host, mdev, MTTY, &err2);
    check_refusal(r, VFA_VF_FULL, &err2, "the parent can make no more");
    CHECK(release(&host) == 0, "released");
    check_clean(&host, mdev, "full parent");
    for (unsigned i = 0; i < 2; i++) {
        char uuid[48];

        snprintf(uuid, sizeof(uuid), "00000000-0000-4000-8000-00000000000%u", i);
        CHECK(vfa_mdev_remove(&sysfs, uuid, LIMIT, NULL) == 0, "others");
    }
}

static void test_makers(void)
{
    static const struct {
        const char *maker, *text;
    } cases[] = {{"mgmtdev:none", "its maker mgmtdev:none is gone"},
                 {MTTY, "makes no such devices"}};

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        struct vfa_host host = begin(vdpa, cases[i].maker);
        int r = apply(&host, vdpa, cases[i].maker, &err);

        check_refusal(r, VFA_VF_REFUSED, &err, cases[i].text);
        CHECK(release(&host) == 0, "released");
        check_clean(&host, vdpa, cases[i].maker);
    }
}

/* A device that another program has made under the UUID that an element names. */
static void test_others(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_host host = begin(OTHERS, MTTY);
    int r;

    CHECK(vfa_mdev_create(&sysfs, "mtty", "mtty-1", &OTHERS[5], LIMIT, NULL) == 0, "others");
    r = apply(&host, OTHERS, MTTY, &err);
    check_refusal(r, VFA_VF_REFUSED, &err, "exists already, and vfalias has not made it");
    CHECK(count_records(&host) == 0 && release(&host) == 0 && exists(OTHERS), "stays");
    CHECK(vfa_mdev_remove(&sysfs, &OTHERS[5], LIMIT, NULL) == 0, "others");
    close_host(&host);
    host = begin(OTHERS, MTTY);
    CHECK(apply(&host, OTHERS, MTTY, NULL) == 0 && exists(OTHERS), "vfalias' own");
    CHECK(release(&host) == 0, "released");
    check_clean(&host, OTHERS, "own");
}

/* A claim of a device that exists by itself. */
static void test_existing(void)
{
    const struct vfa_vdpa_wanted admins = {.name = "admins", .mgmtdev = "vdpasim_net"};
    const struct vfa_desired desired = {
        .kind = VFA_ATTACH_VDPA, .mac = MAC, .path = "/dev/vhost-vdpa-0"};
    struct vfa_host host = begin("vdpa:admins", SIM);

    CHECK(vfa_vdpa_add(&sysfs, &admins, LIMIT, NULL) == 0, "admins");
    CHECK(apply_desired(&host, "vdpa:admins", SIM, &desired, NULL) == 0 &&
              count_records(&host) == 0 && !has_record_line("vdpa:admins", "mac " MAC),
          "as it is");
    CHECK(release(&host) == 0 && exists("vdpa:admins"), "stays");
    CHECK(vfa_vdpa_delete(&sysfs, "admins", LIMIT, NULL) == 0, "admins");
    check_clean(&host, "vdpa:admins", "existing");
}

int main(void)
{
    make_host();
    test_vdpa();
    test_mdev();
    test_twice();
    test_other_path();
    test_attack();
    test_settings();
    test_full();
    test_makers();
    test_others();
    test_existing();
    made_end(&sysfs);
    return check_result();
}
