/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* NUMA policies, by the rules of nova/pci/stats.py; and where a guest is, on a made host. */
#include "check.h"
#include "made-sysfs.h"
#include "numa.h"

/* ---- policies ---- */

/* The guest is on node 0; node 1 shares its socket, node 2 does not; -1 is unknown. One letter a
 * node: the pass in which it is taken first (s strict, n nearby, a any), or '-': never. */
static const struct {
    enum vfa_numa_policy policy;
    char passes[5]; /* of nodes 0, 1, 2, -1 */
} policies[] = {
    {VFA_NUMA_REQUIRED, "s---"},
    {VFA_NUMA_LEGACY, "s--n"},
    {VFA_NUMA_PREFERRED, "saan"},
    {VFA_NUMA_SOCKET, "sn--"},
};
static const int nodes[] = {0, 1, 2, -1};

static char first_pass(enum vfa_numa_policy policy, const struct vfa_numa_place *place, int node)
{
    static const char letters[] = {'s', 'n', 'a'};

    for (int pass = VFA_NUMA_STRICT; pass < VFA_NUMA_PASSES; pass++) {
        if (vfa_numa_allows(policy, place, node, (enum vfa_numa_pass)pass))
            return letters[pass];
    }
    return '-';
}

static void test_policies(void)
{
    struct vfa_numa_place place = {{{0}}, {{0}}};

    vfa_bitset_add(&place.nodes, 0);
    vfa_bitset_add(&place.nearby, 0);
    vfa_bitset_add(&place.nearby, 1);
    for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(nodes); j++) {
            char pass = first_pass(policies[i].policy, &place, nodes[j]);

            CHECK(pass == policies[i].passes[j], "%s, node %d: %c",
                  vfa_numa_policy_name(policies[i].policy), nodes[j], pass);
        }
    }
}

/* Nova does not filter for a guest without NUMA cells. */
static void test_no_place(void)
{
    const struct vfa_numa_place nowhere = {{{0}}, {{0}}};

    for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(nodes); j++)
            CHECK(first_pass(policies[i].policy, &nowhere, nodes[j]) == 's', "%zu, node %d", i,
                  nodes[j]);
        CHECK(!vfa_numa_allows(policies[i].policy, &nowhere, 0, VFA_NUMA_ANY), "once is enough");
    }
}

static void test_several_nodes(void)
{
    struct vfa_numa_place place = {{{0}}, {{0}}};

    vfa_bitset_add(&place.nodes, 0);
    vfa_bitset_add(&place.nodes, 3);
    CHECK(first_pass(VFA_NUMA_REQUIRED, &place, 3) == 's', "any of the guest's nodes");
    CHECK(first_pass(VFA_NUMA_REQUIRED, &place, 1) == '-', "between them is not on them");
    CHECK(first_pass(VFA_NUMA_REQUIRED, &place, VFA_BITSET_BITS) == '-', "beyond all");
}

/* ---- places ---- */

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
    {"2", "0-3", "2", "2"},                         /* numatune says it */
    {"", "0", "0", "0-1"},     {"", "3-4", "0-1", "0-1"},
    {"", "8-99", "2", "2"},    {"", "0-11", "0-2", "0-2"},
    {"", "99", NULL, NULL},    {"9", "", "9", "9"}, /* libvirt refuses to start it */
};

static void test_places(const struct vfa_sysfs *sysfs)
{
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        struct vfa_domain domain = {0};
        struct vfa_numa_place place;
        char is[64], near[64];
        int r;

        CHECK(vfa_bitset_parse(places[i].numatune, &domain.numa_nodes) == 0 &&
                  vfa_bitset_parse(places[i].pinned, &domain.pinned_cpus) == 0,
              "%zu", i);
        r = vfa_numa_locate(sysfs, &domain, &place, &err);
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

/* What a host without the files, or with strange ones, makes of it. */
static void test_strange_hosts(const struct vfa_sysfs *sysfs)
{
    struct vfa_domain pinned = {0};
    struct vfa_numa_place place;

    vfa_bitset_add(&pinned.pinned_cpus, 0);
    made_without("devices");
    CHECK(vfa_numa_locate(sysfs, &pinned, &place, NULL) == 0 && vfa_bitset_empty(&place.nodes),
          "one node: near to everything");
    made_file("devices/system/node/online", "zero");
    CHECK(vfa_numa_locate(sysfs, &pinned, &place, NULL) == 0 && vfa_bitset_empty(&place.nodes),
          "unreadable list");
    made_file("devices/system/node/online", "0");
    made_file("devices/system/node/node0/cpulist", "many");
    CHECK(vfa_numa_locate(sysfs, &pinned, &place, NULL) == -EINVAL, "unreadable CPUs are none");
    made_file("devices/system/node/node0/cpulist", "0");
    made_file("devices/system/cpu/cpu0/topology/physical_package_id", "-1");
    CHECK(vfa_numa_locate(sysfs, &pinned, &place, NULL) == 0 && vfa_bitset_has(&place.nearby, 0) &&
              !vfa_bitset_has(&place.nearby, 1),
          "no socket");
}

int main(void)
{
    struct vfa_sysfs sysfs = made_begin();

    test_policies();
    test_no_place();
    test_several_nodes();
    make_host();
    test_places(&sysfs);
    test_strange_hosts(&sysfs);
    made_end(&sysfs);
    return check_result();
}
