# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that the host itself uses are never given to guests: cards as their drivers show them, one of each kind."""
import json
import sqlite3

import pytest

from hookhost import Host, fine, hostdev, refused, request
from sysfs_tree import Tree

CONFIG = """
[pci]
%s
[vfalias]
state = %%(state)s
sysfs_root = %%(sysfs)s
libvirt_run = %%(run)s
"""


def made(folder, tree_of, *lines):
    host = Host(folder, CONFIG % "\n".join(lines), tree_of)
    host.daemon_is_there()
    return host


def take(host, number, *requests):
    """Starts a domain; returns its devices."""
    fine(host.prepare(number, *requests))
    return [c["device"] for c in host.claims() if c["domain"] == "d%d" % number]


def veto(host, number, *requests):
    """The part of the veto's line about the devices."""
    return refused(host.prepare(number, *requests)).split("' has ")[1]


def explained(host, alias):
    """{address: (reason, detail)}"""
    return {d["address"]: (d["reason"], d["detail"]) for d in json.loads(host.cli("explain", alias, "--json").stdout)}


def listed(host):
    return {d["address"]: d for d in json.loads(host.cli("devices", "--all", "--json").stdout)}


# ---- switchdev: representors ----

def switchdev(root):
    tree = Tree(root)
    tree.switchdev("0000:03:00.0", numa=0)
    return tree


def test_a_representor_is_not_the_interface_of_its_card(tmp_path):
    host = made(tmp_path, switchdev, 'device_spec = {"devname": "p0", "physical_network": "physnet1"}',
                'alias = {"name": "net", "physical_network": "physnet1", "device_type": "type-VF"}')
    assert take(host, 1, request("net")) == ["0000:03:00.2"]
    assert listed(host)["0000:03:00.0"]["netdev"] == "p0"


# ---- drivers ----

def test_vfs_of_a_variant_of_the_vfio_driver_are_not_taken_away(tmp_path):
    def tree_of(root):
        tree = Tree(root)
        card = tree.igb("0000:01:00.0", "enp1s0", vfs=3, total=7, numa=0)
        tree.bind(card.vfs[1], "mlx5_vfio_pci")
        return tree
    host = made(tmp_path, tree_of, 'sriov_numvfs = {"address": "0000:01:00.0", "numvfs": 7}')
    done = host.cli("vfs")
    assert (done.returncode, done.stderr) == (
        1, "vfalias: 0000:01:00.0: keeps its 3 VFs, 7 are wanted: 0000:02:10.2 is bound to mlx5_vfio_pci\n")
    assert (host.tree.devices["0000:01:00.0"].path / "sriov_numvfs").read_text() == "3\n"


# ---- several interfaces ----

CARD = ('device_spec = {"vendor_id": "1425"}', 'alias = {"name": "card", "vendor_id": "1425", "product_id": "6401"}')


def test_any_interface_of_a_card_counts(tmp_path):
    def tree_of(root):
        tree = Tree(root)
        tree.enslave(tree.quad("0000:05:00.4"), "bond0", "eth2")
        tree.device("0000:06:00.4", "1425:6401", cls="020000", driver="cxgb4", netdev="eth4")
        return tree
    host = made(tmp_path, tree_of, *CARD)
    assert take(host, 1, request("card")) == ["0000:06:00.4"]
    assert veto(host, 2, request("card")) == "2 devices, 1 claimed, 1 netdev in use"
    assert explained(host, "card")["0000:05:00.4"] == ("netdev in use", "eth2 belongs to bond0")
    (host.tree.root / "class/net/eth2/master").unlink()
    assert take(host, 2, request("card")) == ["0000:05:00.4"]


def test_representors_in_a_switch_keep_their_card(tmp_path):
    host = made(tmp_path, switchdev, 'device_spec = {"vendor_id": "15b3"}',
                'alias = {"name": "card", "vendor_id": "15b3", "product_id": "101d", "device_type": "type-PF"}')
    host.tree.enslave(host.tree.devices["0000:03:00.0"], "ovs-system", "eth1")
    assert veto(host, 1, request("card")) == "1 device, 0 claimed, 1 netdev in use"


# ---- VFs of a card that a guest has as a whole ----

def two_cards(root):
    tree = Tree(root)
    tree.igb("0000:01:00.0", "enp1s0", vfs=2)
    tree.igb("0000:41:00.0", "enp65s0", vfs=2)
    return tree


PFS = ('device_spec = {"vendor_id": "8086"}',
       'alias = {"name": "card", "vendor_id": "8086", "product_id": "10c9", "device_type": "type-PF"}')


@pytest.mark.parametrize("use, detail", [
    (lambda tree, vf: tree.enslave(vf, "br0"), "0000:02:10.2: enp1s0v1 belongs to br0"),
    (lambda tree, vf: tree.bind(vf, "vfio-pci"), "0000:02:10.2 is bound to vfio-pci"),
    (lambda tree, vf: tree.bind(vf, "hisi_acc_vfio_pci"), "0000:02:10.2 is bound to hisi_acc_vfio_pci"),
    (lambda tree, vf: tree.move_netdev_away(vf), "0000:02:10.2: its netdev is in another network namespace"),
    (lambda tree, vf: tree.offspring(vf, "dp0", "vdpa"), "0000:02:10.2: vDPA device dp0 is made of it"),
])
def test_a_card_stays_while_the_host_uses_one_of_its_vfs(tmp_path, use, detail):
    host = made(tmp_path, two_cards, *PFS)
    use(host.tree, host.tree.devices["0000:01:00.0"].vfs[1])
    assert explained(host, "card")["0000:01:00.0"] == ("VF in use", detail)
    assert take(host, 1, request("card")) == ["0000:41:00.0"]
    assert veto(host, 2, request("card")) == "2 devices, 1 claimed, 1 VF in use"


# ---- macvtaps ----

def vfs(attach):
    return ('device_spec = {"vendor_id": "8086"}', 'alias = {"name": "net", "vendor_id": "8086", "product_id": "10ca", '
            '"device_type": "type-VF", "attach": "%s"}' % attach)


def one_group(root, group=5):
    tree = Tree(root)
    pf = tree.pf("0000:01:00.0", "8086:10c9", cls="020000", driver="igb", netdev="enp1s0", group=group)
    for i in range(2):
        tree.vf(pf, "0000:02:10.%d" % i, "8086:10ca", i, cls="020000", driver="igbvf", netdev="enp1s0v%d" % i, group=group)
    return tree


@pytest.mark.parametrize("group", [None, 5])
def test_a_macvtap_needs_no_iommu_and_no_group_of_its_own(tmp_path, group):
    host = made(tmp_path, lambda root: one_group(root, group), *vfs("macvtap"))
    assert json.loads(host.cli("stats", "--json").stdout)["aliases"][0]["free"] == 2
    assert take(host, 1, request("net")) == ["0000:02:10.0"]
    assert {d: reason for d, (reason, _) in explained(host, "net").items()} == {
        "0000:02:10.0": "claimed", "0000:02:10.1": None}
    assert take(host, 2, request("net")) == ["0000:02:10.1"]
    assert veto(host, 3, request("net")) == "2 devices, 2 claimed"


@pytest.mark.parametrize("group", [None, 5])
def test_what_is_assigned_needs_both(tmp_path, group):
    host = made(tmp_path, lambda root: one_group(root, group), *vfs("hostdev"))
    assert veto(host, 1, request("net")) == "2 devices, 0 claimed, 2 IOMMU group not viable"


# ---- a PF that is down ----

@pytest.mark.parametrize("attach", ["interface", "macvtap"])
def test_an_interface_needs_a_pf_that_is_up(tmp_path, attach):
    host = made(tmp_path, two_cards, *vfs(attach))
    host.tree.set_flags("enp1s0", 0x1002)
    host.tree.set_flags("enp65s0", 0x1003)
    assert explained(host, "net")["0000:02:10.0"] == ("PF down", "enp1s0 is down")
    assert take(host, 1, request("net", count=2)) == ["0000:42:10.0", "0000:42:10.2"]
    assert veto(host, 2, request("net")) == "4 devices, 2 claimed, 2 PF down"
    host.tree.set_flags("enp1s0", 0x1003)
    assert take(host, 2, request("net")) == ["0000:02:10.0"]


def test_a_hostdev_of_a_pf_that_is_down_comes_last(tmp_path):
    host = made(tmp_path, two_cards, *vfs("hostdev"))
    host.tree.set_flags("enp1s0", 0x1002)
    host.tree.set_flags("enp65s0", 0x1003)
    rows = json.loads(host.cli("explain", "net", "--json").stdout)
    assert [(d["address"], d["detail"]) for d in rows if d["order"]] == [
        ("0000:42:10.0", None), ("0000:42:10.2", None),
        ("0000:02:10.0", "its PF enp1s0 is down"), ("0000:02:10.2", "its PF enp1s0 is down")]
    assert take(host, 1, request("net", count=3)) == ["0000:42:10.0", "0000:42:10.2", "0000:02:10.0"]


# ---- devices that a program uses by VFIO ----

def bound_to_vfio(root, groups=(5, 6)):
    tree = Tree(root)
    pf = tree.pf("0000:01:00.0", "8086:10c9", cls="020000", driver="igb", netdev="enp1s0", group=1)
    for i, group in enumerate(groups):
        tree.vf(pf, "0000:02:10.%d" % i, "8086:10ca", i, cls="020000", driver="vfio-pci", group=group)
    return tree


def test_a_device_that_a_program_has(tmp_path):
    host = made(tmp_path, bound_to_vfio, *vfs("hostdev"))
    host.tree.opened("/dev/vfio/5")
    assert explained(host, "net")["0000:02:10.0"] == (
        "held by a program", "process 77 (dpdk-testpmd) has /dev/vfio/5 open")
    assert take(host, 1, request("net")) == ["0000:02:10.1"]
    assert veto(host, 2, request("net")) == "2 devices, 1 claimed, 1 held by a program"
    (tmp_path / "proc/77/fd/0").unlink()
    assert take(host, 2, request("net")) == ["0000:02:10.0"]


def test_a_group_that_the_domain_has_itself(tmp_path):
    """The domain's QEMU has the group open."""
    host = made(tmp_path, lambda root: bound_to_vfio(root, (5, 5)), *vfs("hostdev"))
    host.tree.opened("/dev/vfio/5", program="qemu-system-x86")
    fine(host.prepare(1, request("net"), devices=hostdev("0000:02:10.0")))
    assert host.held()["d1", "net-0"] == "0000:02:10.1"


# ---- devices that could not be attached ----

def test_a_device_that_could_not_be_attached_comes_last(tmp_path):
    host = made(tmp_path, two_cards, *vfs("hostdev"))
    assert take(host, 1, request("net")) == ["0000:02:10.0"]
    with sqlite3.connect(host.state) as db:
        db.execute("INSERT INTO failed VALUES ('0000:02:10.0', 'group is busy', 1)")
    fine(host.release(1, requests=request("net")))
    assert take(host, 1, request("net")) == ["0000:02:10.2"]
    assert explained(host, "net")["0000:02:10.0"] == (None, "could not be attached: group is busy")
    assert take(host, 2, request("net", count=3)) == ["0000:42:10.0", "0000:42:10.2", "0000:02:10.0"]
    fine(host.release(1, requests=request("net")))
    fine(host.release(2, requests=request("net")))
    host.cli("rescan")
    assert take(host, 3, request("net")) == ["0000:02:10.0"]
