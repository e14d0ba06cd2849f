/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makers that the kernel says are full, in the index; and the claim of a device by its identity. */

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "device/inventory.h"
#include "device/keys.h"
#include "config/config.h"
#include "state/claims.h"
#include "state/drop.h"
#include "state/full.h"
#include "state/index-build.h"
#include "state/index.h"
#include "state/saved.h"
#include "state/state.h"
#include "check.h"
#include "made-sysfs.h"

#include <string.h>

#define UUID   "aaaaaaaa-0000-0000-0000-000000000000"
#define MAKERS 2
#define SLOTS  4

static char path[96];
static struct vfa_device makers[MAKERS];
static struct vfa_inventory inv = {.devices = makers, .n = MAKERS};

static struct vfa_config *make_config(void)
{
    struct vfa_config *config = NULL;
    char file[96];

    made_file("conf",
              "[pci]\ndevice_spec = {\"vendor_id\": \"8086\"}\n"
              "alias = {\"name\": \"a\", \"vendor_id\": \"8086\", \"product_id\": \"0010\", "
              "\"device_type\": \"type-PCI\"}");
    snprintf(file, sizeof(file), "%s/conf", made_root);
    if (vfa_config_load(file, &config, NULL) < 0)
        made_give_up(file);
    return config;
}

static void scan(struct vfa_state *state, const struct vfa_config *config)
{
    for (unsigned i = 0; i < MAKERS; i++) {
        char id[16];

        snprintf(id, sizeof(id), "mgmtdev:%u", i);
        makers[i] = vfa_device_unknown(id);
        makers[i].vendor = 0x8086;
        makers[i].product = 0x10;
        makers[i].makes = SLOTS;
        makers[i].iommu_group = makers[i].numa_node = -1;
    }
    inv.scanned = vfa_inventory_clock();
    CHECK(vfa_state_index_prepare(state, config, &inv, NULL, NULL) == 0 &&
              vfa_state_index_install(state, config, inv.scanned, NULL) == 0,
          "scan");
}

/* A claim of a device that the first maker makes. */
static void claim(struct vfa_state *state, const char *device)
{
    struct vfa_keys keys = {.n = 2, .items = {{.mode = 'X'}, {.mode = 'S'}}};
    const struct vfa_claim made = {.device = (char *)device,
                                   .keys = &keys,
                                   .kind = (char *)"vdpa",
                                   .maker = makers[0].id,
                                   .uuid = (char *)UUID,
                                   .domain = (char *)"d",
                                   .request = (char *)device,
                                   .state = VFA_CLAIM_CLAIMED};

    strcpy(keys.items[0].text, device);
    strcpy(keys.items[1].text, makers[0].id);
    CHECK(vfa_state_claim(state, &made, NULL) == 0, "%s", device);
}

/* made: the first maker has made it. */
static void record(struct vfa_state *state, const char *device, bool made)
{
    VFA_AUTO(vfa_saved_clear) struct vfa_saved saved = {.up = VFA_SAVED_NONE};

    strcpy(saved.device, device);
    saved.recipe = strdup(made ? "maker=mgmtdev:0 made=yes" : "maker=mgmtdev:0");
    CHECK(vfa_state_save(state, &saved, NULL) == 0, "%s", device);
}

static void end(struct vfa_state *state, const char *device)
{
    CHECK(vfa_state_forget_saved(state, device, NULL) == 0 &&
              vfa_state_release(state, UUID, device, NULL, NULL) == 0,
          "%s", device);
}

static unsigned count_free(struct vfa_state *state)
{
    VFA_AUTO(vfa_pools_clear) struct vfa_pools pools = {NULL, 0};
    unsigned n = 0;

    CHECK(vfa_state_pools(state, "a", &pools, NULL) == 0, "pools");
    for (size_t i = 0; i < pools.n; i++)
        n += pools.items[i].free;
    return n;
}

static bool is_offered(struct vfa_state *state, const char *maker)
{
    VFA_AUTO(vfa_pools_clear) struct vfa_pools pools = {NULL, 0};
    bool found = false;

    CHECK(vfa_state_pools(state, "a", &pools, NULL) == 0, "pools");
    for (size_t i = 0; i < pools.n; i++) {
        char after[VFA_DEVICE_ID_SIZE] = "";
        struct vfa_device dev = {0};

        while (vfa_state_next_free(state, pools.items[i].id, false, after, &dev, NULL) == 0) {
            found = found || strcmp(dev.id, maker) == 0;
            strcpy(after, dev.id);
            vfa_device_clear(&dev);
        }
    }
    return found;
}

static void test_full(struct vfa_state *state, const struct vfa_config *config)
{
    scan(state, config);
    claim(state, "vdpa:a");
    claim(state, "vdpa:b");
    record(state, "vdpa:a", true);
    record(state, "vdpa:b", true);
    CHECK(count_free(state) == 2 * SLOTS - 2 && is_offered(state, "mgmtdev:0"), "%u",
          count_free(state));
    CHECK(vfa_state_set_full(state, "mgmtdev:0", NULL) == 0 && count_free(state) == SLOTS &&
              !is_offered(state, "mgmtdev:0") && is_offered(state, "mgmtdev:1"),
          "full: %u", count_free(state));
    CHECK(vfa_state_set_full(state, "mgmtdev:0", NULL) == 0 && count_free(state) == SLOTS, "again");
    end(state, "vdpa:b");
    CHECK(count_free(state) == SLOTS + 1 && is_offered(state, "mgmtdev:0"), "one ends: %u",
          count_free(state));
    CHECK(vfa_state_set_full(state, "mgmtdev:1", NULL) == 0 && count_free(state) == 1 &&
              !is_offered(state, "mgmtdev:1"),
          "without a claim: %u", count_free(state));
    CHECK(vfa_state_set_full(state, "mgmtdev:none", NULL) == 0 && count_free(state) == 1,
          "unknown");
    scan(state, config);
    CHECK(count_free(state) == 2 * SLOTS - 1, "a scan: %u", count_free(state));
}

/* Three claims of one start: one device was made, one cannot be made, one is not tried. */
static void test_not_made(struct vfa_state *state, const struct vfa_config *config)
{
    scan(state, config);
    claim(state, "vdpa:b");
    claim(state, "vdpa:c");
    record(state, "vdpa:b", false);
    CHECK(vfa_state_set_full(state, "mgmtdev:0", NULL) == 0, "full");
    end(state, "vdpa:b");
    end(state, "vdpa:c");
    CHECK(count_free(state) == SLOTS && !is_offered(state, "mgmtdev:0"), "not made: %u",
          count_free(state));
    scan(state, config);
}

/* It joins the transaction of its caller. */
static void test_transaction(struct vfa_state *state)
{
    unsigned before = count_free(state);

    CHECK(vfa_state_begin(state, NULL) == 0, "begin");
    CHECK(vfa_state_set_full(state, "mgmtdev:1", NULL) == 0 && count_free(state) < before, "full");
    vfa_state_rollback(state);
    CHECK(count_free(state) == before, "rolled back");
}

static void test_claim_of(struct vfa_state *state)
{
    struct vfa_claim found = {.device = NULL};

    CHECK(vfa_state_claim_of(state, "vdpa:none", &found, NULL) == VFA_STATE_ABSENT, "none");
    CHECK(vfa_state_claim_of(state, "vdpa:a", &found, NULL) == 0 &&
              strcmp(found.maker, "mgmtdev:0") == 0 && strcmp(found.uuid, UUID) == 0,
          "found");
    vfa_claim_clear(&found);
}

int main(void)
{
    struct vfa_sysfs sysfs = made_begin();
    VFA_AUTO(vfa_config_freep) struct vfa_config *config = make_config();
    struct vfa_state *state = NULL;

    snprintf(path, sizeof(path), "%s/state", made_root);
    if (vfa_state_open(path, made_root, VFA_STATE_WRITE, &state, NULL) != 0)
        made_give_up(path);
    test_full(state, config);
    test_not_made(state, config);
    test_transaction(state);
    test_claim_of(state);
    vfa_state_close(state);
    made_end(&sysfs);
    return check_result();
}
