# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which device the hook gives to a request, and the numbers in the line of a veto. The host has three cards with two
VFs each: on node 0, on node 1 (on the same socket), and on an unknown node. Node 2 is on another socket."""
import json

import pytest

from hookhost import Host, domain, fine, hostdev, refused, request, uuid
from sysfs_tree import Tree

CONFIG = """
[pci]
device_spec = {"address": "0000:10:00.0", "physical_network": "physnet0"}
device_spec = {"vendor_id": "8086", "physical_network": "physnet1"}
%s
[vfalias]
state = %%(state)s
sysfs_root = %%(sysfs)s
libvirt_run = %%(run)s
"""
NODE0, NODE1, UNKNOWN = "0000:11:10.%d", "0000:31:10.%d", "0000:51:10.%d"
CARDS = {"0000:10:00.0": 0, "0000:30:00.0": 1, "0000:50:00.0": -1}


def three_cards(root):
    tree = Tree(root)
    tree.topology({0: ("0-3", 0), 1: ("4-7", 0), 2: ("8-11", 1)})
    for address, node in CARDS.items():
        card = tree.pf(address, "8086:10c9", cls="020000", numa=node, driver="igb", total=8)
        for i in range(2):
            vf = tree.vf(card, "0000:%x1:10.%d" % (int(address[5]), i), "8086:10ca", i, cls="020000", numa=node,
                         driver="igbvf")
            tree.netdev(vf, "e%sv%d" % (address[5], i))
    return tree


@pytest.fixture
def host(tmp_path):
    made = Host(tmp_path, tree_of=three_cards)
    made.daemon_is_there()
    aliases(made)
    return made


def aliases(host, **keys):
    """The alias 'net' of all tests, with additional keys."""
    alias = dict({"name": "net", "vendor_id": "8086", "product_id": "10ca", "device_type": "type-VF"}, **keys)
    host.configure(CONFIG % ("alias = " + json.dumps(alias)))


def given(host, number=1):
    return [c["device"] for c in host.claims() if c["domain"] == "d%d" % number]


def take(host, number, *requests, **more):
    """Starts a domain; returns its devices."""
    fine(host.prepare(number, *requests, **more))
    return given(host, number)


def stop(host, number):
    fine(host.release(number, requests=request("net")))
    assert given(host, number) == []


def veto(host, number, *requests, **more):
    """The part of the veto's line about the devices."""
    line = refused(host.prepare(number, *requests, **more))
    assert "no free device for request" in line
    return line.split("alias 'net' has ")[1]


def vf(host, pattern, i):
    return host.tree.devices[pattern % i]


MEMORY_0 = "<numatune><memory mode='strict' nodeset='0'/></numatune>"
MEMORY_1 = "<numatune><memory mode='strict' nodeset='1'/></numatune>"
MEMORY_2 = "<numatune><memory mode='strict' nodeset='2'/></numatune>"


# ---- NUMA ----

@pytest.mark.parametrize("place, first", [
    ("", NODE0),
    (MEMORY_0, NODE0),
    (MEMORY_1, NODE1),
    ("<numatune><memnode cellid='0' mode='strict' nodeset='1'/></numatune>", NODE1),
    ("<vcpu placement='static' cpuset='4-5'>2</vcpu>", NODE1),
    ("<vcpu>2</vcpu><cputune><vcpupin vcpu='0' cpuset='6'/><vcpupin vcpu='1' cpuset='7'/></cputune>", NODE1),
    ("<vcpu cpuset='0-3'>2</vcpu><cputune><vcpupin vcpu='0' cpuset='6'/></cputune>", NODE1),
    (MEMORY_1 + "<vcpu cpuset='0-3'>2</vcpu>", NODE1),
    ("<vcpu cpuset='3-7,^3'>2</vcpu>", NODE1),
])
def test_the_guests_nodes_come_first(host, place, first):
    assert take(host, 1, request("net"), place=place) == [first % 0]


@pytest.mark.parametrize("policy, order, dropped", [
    ("required", [NODE1], "4 dropped by NUMA policy 'required' (nodes 1)"),
    ("legacy", [NODE1, UNKNOWN], "2 dropped by NUMA policy 'legacy' (nodes 1)"),
    ("preferred", [NODE1, UNKNOWN, NODE0], None),
    ("socket", [NODE1, NODE0], "2 dropped by NUMA policy 'socket' (nodes 1)"),
])
@pytest.mark.parametrize("where", ["alias", "request"])
def test_numa_policy(host, policy, order, dropped, where):
    """The policy of the alias, or of the request, which overrides the alias."""
    asked = request("net", numa=policy) if where == "request" else request("net")
    aliases(host, numa_policy=policy if where == "alias" else "required" if policy != "required" else "preferred")
    expected = [p % i for p in order for i in range(2)]
    for number, device in enumerate(expected, 1):
        assert take(host, number, asked, place=MEMORY_1) == [device]
    if not dropped:
        assert veto(host, 9, asked, place=MEMORY_1) == "6 devices, 6 claimed"
    else:
        assert veto(host, 9, asked, place=MEMORY_1) == "6 devices, %d claimed, %s" % (len(expected), dropped)


def test_numa_of_a_far_socket(host):
    aliases(host, numa_policy="socket")
    assert veto(host, 1, request("net"), place=MEMORY_2) == \
        "6 devices, 0 claimed, 6 dropped by NUMA policy 'socket' (nodes 2)"
    aliases(host, numa_policy="preferred")
    assert take(host, 1, request("net"), place=MEMORY_2) == [UNKNOWN % 0]


def test_numa_of_several_nodes(host):
    both = "<numatune><memory nodeset='0-1'/></numatune>"
    aliases(host, numa_policy="required")
    assert take(host, 1, request("net", count=4), place=both) == [NODE0 % 0, NODE0 % 1, NODE1 % 0, NODE1 % 1]
    assert veto(host, 2, request("net"), place=both) == \
        "6 devices, 4 claimed, 2 dropped by NUMA policy 'required' (nodes 0-1)"


def test_pinned_to_cpus_that_are_not_there(host):
    line = refused(host.prepare(1, request("net"), place="<vcpu cpuset='100'>1</vcpu>"))
    assert line == "vfalias: domain 'd1': it is pinned to CPUs that are on no NUMA node of this host"


# ---- tags ----

def test_tags_narrow(host):
    asked = request("net", physical_network="physnet1")
    assert take(host, 1, asked) == [NODE1 % 0]
    assert take(host, 2, request("net", physical_network="physnet1", count=3)) == [NODE1 % 1, UNKNOWN % 0, UNKNOWN % 1]
    assert veto(host, 3, asked) == "6 devices, 4 claimed, 2 other tags than requested"
    assert veto(host, 3, request("net", physical_network="physnet7")) == \
        "6 devices, 4 claimed, 2 other tags than requested"
    assert take(host, 3, request("net")) == [NODE0 % 0]


def test_tags_and_numa_are_counted_apart(host):
    aliases(host, numa_policy="required")
    assert veto(host, 1, request("net", physical_network="physnet1"), place=MEMORY_0) == \
        "6 devices, 0 claimed, 2 other tags than requested, 4 dropped by NUMA policy 'required' (nodes 0)"


# ---- order ----

def test_order_of_addresses(host):
    assert take(host, 1, request("net", count=3)) == [NODE0 % 0, NODE0 % 1, NODE1 % 0]


def test_order_spread(host):
    aliases(host, order="spread")
    assert take(host, 1, request("net", count=3)) == [NODE0 % 0, NODE1 % 0, UNKNOWN % 0]
    stop(host, 1)
    assert take(host, 2, request("net"), devices=hostdev(NODE0 % 0)) == [NODE1 % 0, NODE0 % 0]
    assert take(host, 3, request("net")) == [UNKNOWN % 0]
    assert take(host, 4, request("net")) == [NODE0 % 1]


def test_order_pack(host):
    aliases(host, order="pack")
    assert take(host, 1, request("net"), devices=hostdev(NODE1 % 0)) == [NODE1 % 1, NODE1 % 0]
    assert take(host, 2, request("net", count=3)) == [NODE0 % 0, NODE0 % 1, UNKNOWN % 0]


def test_order_comes_after_numa(host):
    aliases(host, order="spread", numa_policy="preferred")
    assert take(host, 1, request("net", count=3), place=MEMORY_1) == [NODE1 % 0, NODE1 % 1, UNKNOWN % 0]


# ---- the device of last time ----

def start_and_stop(host, number, **more):
    devices = take(host, number, request("net"), **more)
    stop(host, number)
    return devices


def test_last_device_is_preferred(host):
    fine(host.prepare(1, request("net", count=2)))
    assert start_and_stop(host, 2) == [NODE1 % 0]
    stop(host, 1)
    assert start_and_stop(host, 3) == [NODE0 % 0]  # another domain: in the order of addresses
    assert start_and_stop(host, 2) == [NODE1 % 0]
    fine(host.prepare(4, devices=hostdev(NODE1 % 0)))  # the last device is in use: as if the domain had had none
    assert start_and_stop(host, 2) == [NODE0 % 0]


def test_last_device_is_of_no_use_on_the_wrong_node(host):
    assert start_and_stop(host, 1, place=MEMORY_1) == [NODE1 % 0]
    assert start_and_stop(host, 1, place=MEMORY_0) == [NODE0 % 0]


def test_last_device_does_not_break_the_spread(host):
    aliases(host, order="spread")
    assert start_and_stop(host, 1) == [NODE0 % 0]
    fine(host.prepare(2, devices=hostdev(NODE0 % 1)))
    assert start_and_stop(host, 1) == [NODE1 % 0]
    fine(host.prepare(3, devices=hostdev(NODE1 % 1) + hostdev(UNKNOWN % 1)))
    assert start_and_stop(host, 1) == [NODE1 % 0]  # of equal devices, the last device of the domain


def test_last_device_that_is_not_healthy(host):
    assert start_and_stop(host, 1) == [NODE0 % 0]
    host.tree.enslave(vf(host, NODE0, 0), "br0")
    assert start_and_stop(host, 1) == [NODE0 % 1]


# ---- health ----

def test_quarantine(host):
    for device in (NODE0 % 0, NODE0 % 1, NODE1 % 0):
        assert host.cli("quarantine", "add", device, "smells").returncode == 0
    assert take(host, 1, request("net", count=3)) == [NODE1 % 1, UNKNOWN % 0, UNKNOWN % 1]
    assert veto(host, 2, request("net")) == "6 devices, 3 claimed, 3 quarantined"
    assert host.cli("quarantine", "remove", NODE1 % 0).returncode == 0
    assert take(host, 2, request("net")) == [NODE1 % 0]


def test_a_refusal_counts_what_a_strict_pass_dropped(host):
    """With and without a NUMA place, whatever passes follow."""
    for device in host.tree.devices:
        host.cli("quarantine", "add", device, "smells")
    for policy, place, more in (("legacy", "", ""), ("preferred", MEMORY_1, ""),
                                ("required", MEMORY_1, ", 4 dropped by NUMA policy 'required' (nodes 1)")):
        aliases(host, numa_policy=policy)
        assert veto(host, 1, request("net"), place=place) == \
            "6 devices, 0 claimed, %d quarantined%s" % (2 if more else 6, more)


def test_netdev_in_use(host):
    host.tree.enslave(vf(host, NODE0, 0), "br0")
    host.tree.move_netdev_away(vf(host, NODE0, 1))
    assert take(host, 1, request("net", count=4)) == [NODE1 % 0, NODE1 % 1, UNKNOWN % 0, UNKNOWN % 1]
    assert veto(host, 2, request("net")) == "6 devices, 4 claimed, 2 netdev in use"


def test_a_vdpa_or_mediated_device_is_made_of_it(host):
    """A guest may use such a device without the VF in its XML. libvirt would unbind the driver below it."""
    host.tree.offspring(vf(host, NODE0, 0), "dp0", "vdpa")
    host.tree.offspring(vf(host, NODE0, 1), uuid(7), "mdev")
    assert take(host, 1, request("net", count=4)) == [NODE1 % 0, NODE1 % 1, UNKNOWN % 0, UNKNOWN % 1]
    assert veto(host, 2, request("net")) == "6 devices, 4 claimed, 2 in use for a vDPA or mediated device"
    rows = {row["address"]: row["detail"] for row in json.loads(host.cli("explain", "net", "--json").stdout)}
    assert rows[NODE0 % 0] == "vDPA device dp0 is made of it"


DRIVES = """
[pci]
device_spec = {"vendor_id": "144d"}
alias = {"name": "drive", "vendor_id": "144d", "product_id": "a808"}
[vfalias]
state = %(state)s
sysfs_root = %(sysfs)s
libvirt_run = %(run)s
"""


def drives(root):
    tree = Tree(root)
    for bus, name in ((1, "nvme0"), (2, "nvme1"), (3, "nvme2")):
        drive = tree.device("0000:%02x:00.0" % bus, "144d:a808", cls="010802", driver="nvme")
        tree.disk(drive, "nvme/%s/%sn1" % (name, name), "259:%d" % (10 * bus))
        tree.disk(drive, "nvme/%s/%sn1/%sn1p1" % (name, name, name), "259:%d" % (10 * bus + 1))
    return tree


def test_the_host_uses_a_disk(tmp_path):
    host = Host(tmp_path, DRIVES, drives)
    host.daemon_is_there()
    host.tree.mount("259:11", "/")
    holders = host.tree.root / "class/block/nvme1n1p1/holders"
    (holders / "dm-0").symlink_to("../../dm-0")
    assert take(host, 1, request("drive")) == ["0000:03:00.0"]
    assert refused(host.prepare(2, request("drive"))).endswith("has 3 devices, 1 claimed, 2 disk in use")
    rows = {row["address"]: (row["reason"], row["detail"])
            for row in json.loads(host.cli("explain", "drive", "--json").stdout)}
    assert rows["0000:01:00.0"] == ("disk in use", "nvme0n1p1 is mounted on /")
    assert rows["0000:02:00.0"] == ("disk in use", "nvme1n1p1 is part of dm-0")
    (holders / "dm-0").unlink()
    assert take(host, 2, request("drive")) == ["0000:02:00.0"]


def test_a_made_tree_has_none_of_the_mounts_of_this_host(tmp_path):
    """Device numbers of this host's disks, and no /proc next to the tree."""
    host = Host(tmp_path, DRIVES, drives)
    host.daemon_is_there()
    here = next(line.split()[2] for line in open("/proc/self/mountinfo", encoding="utf-8") if " - " in line)
    for block in (host.tree.root / "class/block").iterdir():
        (block / "dev").write_text(here + "\n")
    assert take(host, 1, request("drive", count=3)) == ["0000:0%d:00.0" % i for i in (1, 2, 3)]


def test_driver(host):
    host.tree.bind(vf(host, NODE1, 1), "vfio-pci")
    aliases(host, driver="vfio-pci")
    assert take(host, 1, request("net")) == [NODE1 % 1]
    assert veto(host, 2, request("net")) == "6 devices, 1 claimed, 5 other driver"


def regroup(host, group, *devices):
    """Puts devices into one IOMMU group; None: into no group."""
    for device in devices:
        for link in host.tree.root.glob("kernel/iommu_groups/*/devices/" + device.address):
            link.unlink()
        (device.path / "iommu_group").unlink()
        if group is not None:
            host.tree._join(device, group)


def test_group_with_a_host_device(host):
    nic = host.tree.device("0000:00:1f.6", "8086:15bb", cls="020000", group=70, driver="e1000e")
    regroup(host, 70, vf(host, NODE0, 0))
    assert take(host, 1, request("net")) == [NODE0 % 1]
    stop(host, 1)
    for driver in ("vfio-pci", "pci-stub", None):
        host.tree.bind(nic, driver)
        assert start_and_stop(host, 5) == [NODE0 % 0], driver


def test_group_with_a_bridge(host):
    host.tree.bridge("0000:00:1c.0", driver="pcieport", group=70)
    regroup(host, 70, vf(host, NODE0, 0))
    assert take(host, 1, request("net")) == [NODE0 % 0]


def test_no_group(host):
    regroup(host, None, *[d for d in host.tree.devices.values() if "10." in d.address])
    assert veto(host, 1, request("net")) == "6 devices, 0 claimed, 6 IOMMU group not viable"


def test_group_is_one_domains(host):
    """VFs of one group, all without a host driver: the second domain gets no VF of the group."""
    both = [vf(host, NODE0, 0), vf(host, NODE0, 1)]
    for device in both:
        host.tree.bind(device, "vfio-pci")
    regroup(host, 70, *both)
    assert take(host, 1, request("net")) == [NODE0 % 0]
    assert take(host, 2, request("net")) == [NODE1 % 0]
    stop(host, 2)
    assert take(host, 1, request("net", count=2)) == [NODE0 % 0, NODE0 % 1]  # the other VF of its group
    stop(host, 1)
    assert take(host, 3, request("net"), devices=hostdev(NODE0 % 1)) == [NODE0 % 0, NODE0 % 1]
    assert take(host, 4, request("net", count=4)) == [NODE1 % 0, NODE1 % 1, UNKNOWN % 0, UNKNOWN % 1]
    stop(host, 3)
    assert take(host, 5, request("net")) == [NODE0 % 0]
    assert veto(host, 6, request("net")) == "6 devices, 5 claimed, 1 IOMMU group taken by another domain"


# ---- who may ----

def test_permit_and_max_per_domain(host):
    aliases(host, permit=["d1", "web-*"], max_per_domain=2)
    assert len(take(host, 1, request("net", count=2))) == 2
    line = refused(host.prepare(2, request("net")))
    assert line == "vfalias: domain 'd2': request 'net-0': this domain is not permitted to ask for alias 'net'"
    line = refused(host.prepare(1, request("net", count=3)))
    assert line == "vfalias: domain 'd1': request 'net-0': 3 devices of alias 'net' are asked for, 2 are allowed"
    xml = domain(3, request("net"), name="web-7")
    fine(host.hook("prepare", xml, name="web-7"))


def test_many_reasons_in_one_line(host):
    aliases(host, numa_policy="required")
    fine(host.prepare(1, devices=hostdev(NODE1 % 0)))
    host.tree.enslave(vf(host, NODE1, 1), "br0")
    assert veto(host, 2, request("net"), place=MEMORY_1) == \
        "6 devices, 1 claimed, 1 netdev in use, 4 dropped by NUMA policy 'required' (nodes 1)"
