/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The place of a guest, on a fake host. */

#include "base/bitset.h"
#include "base/common.h"
#include "base/error.h"
#include "device/sysfs.h"
#include "device/topology.h"
#include "check.h"
#include "made-sysfs.h"

/* Nodes 0 and 1 on socket 0, node 2 on socket 1, node 3 without CPUs. */
static void make_host(void)
{
    made_file("devices/system/node/online", "0-3");
    made_file("devices/system/node/node0/cpulist", "0-3");
    made_file("devices/system/node/node1/cpulist", "4-7");
    made_file("devices/system/node/node2/cpulist", "8-11");
    made_file("devices/system/node/node3/cpulist", "");
    made_file("devices/system/cpu/cpu0/topology/physical_package_id", "0");
    made_file("devices/system/cpu/cpu4/topology/physical_package_id", "0");
    made_file("devices/system/cpu/cpu8/topology/physical_package_id", "1");
}

static const struct {
    const char *numatune, *pinned;
    const char *nodes, *nearby; /* NULL: refused */
} places[] = {
    {"", "", "", ""},          {"0", "", "0", "0-1"},
    {"1", "", "1", "0-1"},     {"2", "", "2", "2"},
    {"0,2", "", "0,2", "0-2"}, {"3", "", "3", "3"}, /* no CPU, no socket */
    {"2", "0-3", "2", "2"},                         /* numatune wins */
    {"", "0", "0", "0-1"},     {"", "3-4", "0-1", "0-1"},
    {"", "8-99", "2", "2"},    {"", "0-11", "0-2", "0-2"},
    {"", "99", NULL, NULL},    {"9", "", "9", "9"}, /* libvirt refuses to start it */
};

static void test_places(const struct vfa_sysfs *sysfs)
{
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        struct vfa_bitset nodes = {{0}}, cpus = {{0}};
        struct vfa_numa_place place;
        char is[64], near[64];
        int r;

        CHECK(vfa_bitset_parse(places[i].numatune, &nodes) == 0 &&
                  vfa_bitset_parse(places[i].pinned, &cpus) == 0,
              "%zu", i);
        r = vfa_topology_locate(sysfs, &nodes, &cpus, &place, &err);
        CHECK(r == (places[i].nodes ? 0 : -EINVAL), "%zu: %d", i, r);
        if (r < 0)
            CHECK(check_has(&err, "on no NUMA node of this host"), "%s", vfa_error_text(&err));
        if (r < 0 || !places[i].nodes)
            continue;
        vfa_bitset_format(&place.nodes, is, sizeof(is));
        vfa_bitset_format(&place.nearby, near, sizeof(near));
        CHECK(strcmp(is, places[i].nodes) == 0 && strcmp(near, places[i].nearby) == 0,
              "%zu: %s, nearby %s", i, is, near);
    }
}

/* A host without the files, or with invalid files. */
static void test_strange_hosts(const struct vfa_sysfs *sysfs)
{
    struct vfa_bitset nodes = {{0}}, pinned = {{0}};
    struct vfa_numa_place place;

    vfa_bitset_add(&pinned, 0);
    made_without("devices");
    CHECK(vfa_topology_locate(sysfs, &nodes, &pinned, &place, NULL) == 0 &&
              vfa_bitset_empty(&place.nodes),
          "one node: near to everything");
    made_file("devices/system/node/online", "zero");
    CHECK(vfa_topology_locate(sysfs, &nodes, &pinned, &place, NULL) == 0 &&
              vfa_bitset_empty(&place.nodes),
          "unreadable list");
    made_file("devices/system/node/online", "0");
    made_file("devices/system/node/node0/cpulist", "many");
    CHECK(vfa_topology_locate(sysfs, &nodes, &pinned, &place, NULL) == -EINVAL,
          "unreadable CPUs are none");
    made_file("devices/system/node/node0/cpulist", "0");
    made_file("devices/system/cpu/cpu0/topology/physical_package_id", "-1");
    CHECK(vfa_topology_locate(sysfs, &nodes, &pinned, &place, NULL) == 0 &&
              vfa_bitset_has(&place.nearby, 0) && !vfa_bitset_has(&place.nearby, 1),
          "no socket");
}

int main(void)
{
    struct vfa_sysfs sysfs = made_begin();

    make_host();
    test_places(&sysfs);
    test_strange_hosts(&sysfs);
    made_end(&sysfs);
    return check_result();
}
