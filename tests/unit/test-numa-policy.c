/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* NUMA policies, by the rules of nova/pci/stats.py. */

#include "base/bitset.h"
#include "base/common.h"
#include "device/topology.h"
#include "spec/spec.h"
#include "choose/numa-policy.h"
#include "check.h"

/* The guest is on node 0. Node 1 is on the same socket, node 2 is on another socket, -1 is unknown.
 * For each node one letter: the first pass that allows the node (s strict, n nearby, a any), or '-'
 * if no pass does. */
static const struct {
    enum vfa_numa_policy policy;
    char passes[5]; /* for the nodes 0, 1, 2, -1 */
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

int main(void)
{
    test_policies();
    test_no_place();
    test_several_nodes();
    return check_result();
}
