/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See topology.h. Sources: Documentation/ABI/stable/sysfs-devices-node and sysfs-devices-system-cpu
 * of the kernel. A host without these files has one node; every device is near.
 */

#include "topology.h"

#include "base/bitset.h"
#include "base/common.h"
#include "base/error.h"
#include "sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#define NODES_DIR "devices/system/node"
#define LIST_SIZE 4096

/* Reads the CPUs of a node. An unknown node has none. */
static void node_cpus(const struct vfa_sysfs *sysfs, unsigned node, struct vfa_bitset *ret)
{
    char path[64], list[LIST_SIZE];

    memset(ret, 0, sizeof(*ret));
    snprintf(path, sizeof(path), NODES_DIR "/node%u/cpulist", node);
    if (vfa_sysfs_read(sysfs->rootfd, path, list, sizeof(list)) == 0 &&
        vfa_bitset_parse(list, ret) < 0)
        memset(ret, 0, sizeof(*ret));
}

static void online_nodes(const struct vfa_sysfs *sysfs, struct vfa_bitset *ret)
{
    char list[LIST_SIZE];

    memset(ret, 0, sizeof(*ret));
    if (vfa_sysfs_read(sysfs->rootfd, NODES_DIR "/online", list, sizeof(list)) == 0 &&
        vfa_bitset_parse(list, ret) < 0)
        memset(ret, 0, sizeof(*ret));
}

static bool meet(const struct vfa_bitset *a, const struct vfa_bitset *b)
{
    for (size_t i = 0; i < ARRAY_SIZE(a->words); i++) {
        if (a->words[i] & b->words[i])
            return true;
    }
    return false;
}

static void nodes_of_cpus(const struct vfa_sysfs *sysfs, const struct vfa_bitset *online,
                          const struct vfa_bitset *cpus, struct vfa_bitset *ret)
{
    for (int node = vfa_bitset_next(online, 0); node >= 0;
         node = vfa_bitset_next(online, (unsigned)node + 1)) {
        struct vfa_bitset here;

        node_cpus(sysfs, (unsigned)node, &here);
        if (meet(&here, cpus))
            vfa_bitset_add(ret, (unsigned)node);
    }
}

/* Returns the socket of the node's first CPU, or -1. */
static int socket_of(const struct vfa_sysfs *sysfs, unsigned node)
{
    struct vfa_bitset cpus;
    char path[80];
    int cpu, id;

    node_cpus(sysfs, node, &cpus);
    cpu = vfa_bitset_next(&cpus, 0);
    if (cpu < 0)
        return -1;
    snprintf(path, sizeof(path), "devices/system/cpu/cpu%d/topology/physical_package_id", cpu);
    return vfa_sysfs_read_int(sysfs->rootfd, path, &id) == 0 ? id : -1;
}

static void find_nearby(const struct vfa_sysfs *sysfs, const struct vfa_bitset *online,
                        struct vfa_numa_place *place)
{
    struct vfa_bitset sockets = {{0}};

    place->nearby = place->nodes;
    for (int node = vfa_bitset_next(&place->nodes, 0); node >= 0;
         node = vfa_bitset_next(&place->nodes, (unsigned)node + 1)) {
        int id = socket_of(sysfs, (unsigned)node);

        if (id >= 0)
            vfa_bitset_add(&sockets, (unsigned)id);
    }
    for (int node = vfa_bitset_next(online, 0); node >= 0;
         node = vfa_bitset_next(online, (unsigned)node + 1)) {
        int id = socket_of(sysfs, (unsigned)node);

        if (id >= 0 && vfa_bitset_has(&sockets, (unsigned)id))
            vfa_bitset_add(&place->nearby, (unsigned)node);
    }
}

int vfa_topology_locate(const struct vfa_sysfs *sysfs, const struct vfa_bitset *nodes,
                        const struct vfa_bitset *cpus, struct vfa_numa_place *ret,
                        struct vfa_error *err)
{
    struct vfa_numa_place place = {.nodes = *nodes};
    struct vfa_bitset online;

    if (vfa_bitset_empty(nodes) && vfa_bitset_empty(cpus)) {
        *ret = place;
        return 0;
    }
    online_nodes(sysfs, &online);
    if (vfa_bitset_empty(&place.nodes))
        nodes_of_cpus(sysfs, &online, cpus, &place.nodes);
    if (vfa_bitset_empty(&place.nodes) && !vfa_bitset_empty(&online))
        return vfa_fail(err, EINVAL, "it is pinned to CPUs that are on no NUMA node of this host");
    find_nearby(sysfs, &online, &place);
    *ret = place;
    return 0;
}
