# SPDX-License-Identifier: LGPL-2.1-or-later
"""vDPA and mediated devices, which are made before a guest gets them. The tests so far know nothing of the project: they show
that the host has all that is needed, and that virsh, vdpa and sysfs alone give a guest such devices."""
import json
import time

import pytest

from guestxml import guest_xml

UUID = "6a3f1c1e-0001-4000-8000-000000000001"
MAC = "52:54:00:0a:0d:01"
LINK = "/run/lab-vdpa"
OUTSIDE, INSIDE = "198.51.100.1", "198.51.100.2"
SERIAL_ID = "4348:3253"


def interface(path, mac=MAC):
    return f"<interface type='vdpa'><mac address='{mac}'/><source dev='{path}'/></interface>"


def mdev(uuid):
    return f"<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='{uuid}'/></source></hostdev>"


def disk(path):
    return ("<disk type='vhostvdpa' device='disk'><driver name='qemu' type='raw' cache='none' iothread='1'/>"
            f"<source dev='{path}'/><target dev='vda' bus='virtio'/></disk>")


@pytest.fixture
def link(lab):
    """Has a path of our choosing lead to a node."""
    yield lambda node: lab.run(["ln", "-sfn", node, LINK]) and LINK
    lab.run(["rm", "-f", LINK])


@pytest.fixture
def outside(lab):
    """An address on the PF that shares its network with 0000:04:00.0."""
    lab.run(f"ip addr add {OUTSIDE}/24 dev enp1s0")
    yield OUTSIDE
    lab.run(f"ip addr del {OUTSIDE}/24 dev enp1s0")


def is_free(lab, node):
    return lab.run(["bash", "-c", f": <>{node}"], check=False).returncode == 0


def test_management_devices(vdpa_sim, vp_vdpa):
    found = json.loads(vdpa_sim.run("vdpa -j mgmtdev show").stdout)["mgmtdev"]
    assert {name: row["supported_classes"] for name, row in found.items()} == {
        "vdpasim_net": ["net"], "vdpasim_blk": ["block"], **{f"pci/{function}": ["net"] for function in vp_vdpa}}


def test_vdpa_devices_are_added_and_deleted(vdpa_sim, record_property):
    names = [f"sim{n}" for n in range(10)]
    began = time.monotonic()
    vdpa_sim.run(f"for n in {' '.join(names)}; do vdpa dev add name $n mgmtdev vdpasim_net || exit; done")
    record_property("vdpa dev add, ms each", round((time.monotonic() - began) * 1000 / len(names)))
    node = vdpa_sim.vdpa_add("named", "vdpasim_net", "mac", MAC)
    assert is_free(vdpa_sim, node)
    assert {row["mgmtdev"] for row in vdpa_sim.vdpa_devices().values()} == {"vdpasim_net"}
    assert set(vdpa_sim.vdpa_devices()) == {"named", *names}
    assert f"mac {MAC} " in vdpa_sim.run("vdpa dev config show named").stdout
    vdpa_sim.vdpa_del("named", *names)
    assert vdpa_sim.vdpa_devices() == {}
    assert vdpa_sim.run(["test", "-e", node], check=False).returncode == 1


def test_guest_gets_an_interface_by_a_link_and_a_mediated_device(vdpa_sim, mtty, link):
    available = "cat /sys/class/mdev_bus/mtty/mdev_supported_types/mtty-1/available_instances"
    before = int(mtty.run(available).stdout)
    mtty.mdev_add("mtty", "mtty-1", UUID)
    assert int(mtty.run(available).stdout) == before - 1
    node = vdpa_sim.vdpa_add("sim", "vdpasim_net", "mac", MAC)
    vdpa_sim.start("made", guest_xml("made", interface(link(node)) + mdev(UUID)))
    vdpa_sim.wait_console("made", f"^GUEST net eth0 {MAC}", timeout=1)
    assert (SERIAL_ID, "serial") in vdpa_sim.guest_pci("made").values()
    assert not is_free(vdpa_sim, node)
    vdpa_sim.virsh("destroy", "made")
    vdpa_sim.vdpa_del("sim")
    mtty.mdev_remove(UUID)
    assert int(mtty.run(available).stdout) == before


def test_traffic_of_a_vp_vdpa_interface(lab, vp_vdpa, link, outside):
    node = lab.vdpa_add("hw", f"pci/{vp_vdpa[0]}")
    lab.start("traffic", guest_xml("traffic", interface(link(node), "52:54:00:04:00:00")))
    lab.guest("traffic", f"ip addr add {INSIDE}/24 dev eth0 && ping -c 1 -w 20 {outside}")
    lab.run(["ping", "-c", "1", "-w", "20", INSIDE])
    assert "52:54:00:04:00:00" in lab.run(f"ip neigh get {INSIDE} dev enp1s0").stdout


def test_function_goes_back_to_its_driver(lab, vp_vdpa):
    assert [lab.driver(function) for function in vp_vdpa] == ["vp-vdpa"] * 2
    for function in vp_vdpa:
        lab.bind(function)
    assert [lab.driver(function) for function in vp_vdpa] == ["virtio-pci"] * 2


def test_guest_reads_what_it_wrote_to_a_vdpa_disk(vdpa_sim, link):
    node = vdpa_sim.vdpa_add("blk", "vdpasim_blk")
    vdpa_sim.start("disk", guest_xml("disk", disk(link(node)), shared=True))
    vdpa_sim.guest("disk", "echo hello >/dev/vda && sync && echo 3 >/proc/sys/vm/drop_caches")
    assert vdpa_sim.guest("disk", "dd if=/dev/vda bs=512 count=1 2>/dev/null | head -n 1") == "hello"
