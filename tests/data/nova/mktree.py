#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Make a fake sysfs tree out of its description in trees.json.

usage: mktree.py NAME DIR        (NAME: a key of trees.json; DIR must not exist or be empty)
       mktree.py --list

A tree is {"layout", "columns", "devices", "virtual_netdevs", "files"}.
layout "flat": bus/pci/devices/<address> is the device's directory.
layout "real": it is a symlink into devices/pciDDDD:BB/, as on a real host.
A row's null: no such file (numa), no such link (physfn, iommu_group), no netdev,
no sriov_* files (totalvfs).  The VFs of a PF, in the order of their rows, are its
virtfn0, virtfn1, ...
"""
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def put(path, text):
    with open(path, "w") as f:
        f.write(text)


def link(target, path):
    """A relative symlink at path to target."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.symlink(os.path.relpath(target, os.path.dirname(path)), path)


def materialise(tree, root):
    bus = os.path.join(root, "bus/pci/devices")
    netclass = os.path.join(root, "class/net")
    os.makedirs(bus, exist_ok=True)
    os.makedirs(netclass, exist_ok=True)
    rows = [dict(zip(tree["columns"], r)) for r in tree["devices"]]
    where = {}
    for r in rows:
        a = r["address"]
        if tree["layout"] == "flat":
            where[a] = os.path.join(bus, a)
        else:
            where[a] = os.path.join(root, "devices/pci%s" % a.rsplit(":", 1)[0], a)
    for r in rows:                        # a VF lies beside its PF, also on another bus
        if r["physfn"] and tree["layout"] != "flat":
            where[r["address"]] = os.path.join(os.path.dirname(where[r["physfn"]]),
                                               r["address"])
    nvf = {}
    for r in rows:
        a, d = r["address"], where[r["address"]]
        os.makedirs(d)
        if tree["layout"] != "flat":
            link(d, os.path.join(bus, a))
        put(d + "/vendor", "0x%s\n" % r["vendor"])
        put(d + "/device", "0x%s\n" % r["device"])
        put(d + "/class", "0x%s\n" % r["class"])
        if r["numa"] is not None:
            put(d + "/numa_node", "%d\n" % r["numa"])
        if r["totalvfs"] is not None:
            put(d + "/sriov_totalvfs", "%d\n" % r["totalvfs"])
            n = sum(1 for x in rows if x["physfn"] == a)
            put(d + "/sriov_numvfs", "%d\n" % n)
        if r["iommu_group"] is not None:
            g = os.path.join(root, "kernel/iommu_groups/%d" % r["iommu_group"])
            os.makedirs(g + "/devices", exist_ok=True)
            link(g, d + "/iommu_group")
            link(d, g + "/devices/" + a)
        if r["netdev"]:
            n = os.path.join(d, "net", r["netdev"])
            os.makedirs(n)
            os.symlink("../../../" + a, n + "/device")     # as the kernel writes it
            link(n, os.path.join(netclass, r["netdev"]))
    for r in rows:
        pf = r["physfn"]
        if pf:
            os.symlink("../" + pf, where[r["address"]] + "/physfn")
            k = nvf.get(pf, 0)
            nvf[pf] = k + 1
            os.symlink("../" + r["address"], where[pf] + "/virtfn%d" % k)
    for n in tree.get("virtual_netdevs", []):      # lo, bridges: no device link
        d = os.path.join(root, "devices/virtual/net", n)
        os.makedirs(d)
        link(d, os.path.join(netclass, n))
    for path, text in tree.get("files", {}).items():
        os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
        put(os.path.join(root, path), text)


def main():
    with open(os.path.join(HERE, "trees.json")) as f:
        trees = json.load(f)
    if sys.argv[1:] == ["--list"]:
        for name, t in trees.items():
            print("%-8s %3d devices  %s" % (name, len(t["devices"]), t["about"]))
        return 0
    if len(sys.argv) != 3 or sys.argv[1] not in trees:
        sys.stderr.write(__doc__)
        return 1
    materialise(trees[sys.argv[1]], sys.argv[2])
    return 0


if __name__ == "__main__":
    sys.exit(main())
