# SPDX-License-Identifier: LGPL-2.1-or-later
"""A domain requests devices by name: from the request to the device in the guest, and back to the pool."""
import statistics

import pytest
from asking import ACCEL_ID, ACCELS, NET_ID, metadata, pool
from guestxml import guest_xml, hostdev

__all__ = ["pool"]  # a fixture


def firmware(name, *wanted, **more):
    """A guest without a kernel that requests devices: for tests that do not look into the guest."""
    return guest_xml(name, metadata=metadata(*wanted) if wanted else "", kernel=False, **more)


def test_life_of_a_request(lab, pool):
    """define, metadata, start, and the guest powers off by itself; all with plain libvirt."""
    lab.define(guest_xml("db1"))
    pool.ask("db1", "net", "accel")
    before = pool.inactive("db1")
    pool.start("db1", "net-0", "accel-0")
    pool.wait_active("db1", "net-0", "accel-0")
    devices = pool.devices("db1")
    assert {name: (d.kind, d.managed) for name, d in devices.items()} == {
        "net-0": ("hostdev", True), "accel-0": ("hostdev", True)}
    assert pool.held() == {("db1", name): d.source for name, d in devices.items()}
    assert all(lab.driver(d.source) == "vfio-pci" for d in devices.values())
    assert pool.inactive("db1") == before

    lab.wait_console("db1", f"^GUEST pci .* {NET_ID} igbvf")
    lab.wait_console("db1", f"^GUEST (add|pci) .* {ACCEL_ID}")
    assert pool.in_guest("db1", NET_ID) == {devices["net-0"].guest: "igbvf"}
    assert list(pool.in_guest("db1", ACCEL_ID)) == [devices["accel-0"].guest]

    lab.guest("db1", "(usleep 300000; poweroff -f) &")
    lab.wait_state("db1", "shut off")
    pool.check_all_free()
    assert pool.inactive("db1") == before


def test_endings(lab, pool):
    """However a domain ends, its devices are free again."""
    lab.define(firmware("asks", "net", "accel"))
    for ending in ("virsh -q destroy asks", "kill -KILL $(cat /run/libvirt/qemu/asks.pid)"):
        pool.start("asks", "net-0", "accel-0")
        lab.run(ending)
        lab.wait_state("asks", "shut off")
        pool.check_all_free()


PROGRAM = """
import libvirt, sys
domain = libvirt.open("qemu:///system").defineXML(sys.stdin.read())
domain.create()
"""


def test_define_and_start_at_once(lab, pool):
    lab.run(["python3", "-c", PROGRAM], input=firmware("once", "net", "accel"))
    pool.watch("once", "net-0", "accel-0")


def test_transient_domain(lab, pool):
    lab.run("virsh -q create /dev/stdin", input=firmware("fleeting", "net"))
    pool.watch("fleeting", "net-0")
    assert set(pool.held()) == {("fleeting", "net-0")}
    lab.virsh("destroy", "fleeting")
    pool.check_all_free()


@pytest.mark.parametrize("machine", ["q35", "pc"])
def test_running_guest(lab, pool, machine):
    """Hot-plug: one request more, one less, one device detached by hand. The guest's kernel cooperates."""
    lab.start("runs", guest_xml("runs", metadata=metadata("net"), machine=machine))
    pool.watch("runs", "net-0")
    pool.wait_active("runs", "net-0")
    net = pool.devices("runs")["net-0"]
    lab.wait_console("runs", f"^GUEST pci .* {NET_ID} igbvf")

    pool.ask("runs", "net", "accel", where="--live")
    pool.watch("runs", "accel-0", "net-0")
    accel = pool.devices("runs")["accel-0"]
    lab.wait_console("runs", f"^GUEST add {accel.guest} {ACCEL_ID}")
    assert pool.held() == {("runs", "net-0"): net.source, ("runs", "accel-0"): accel.source}

    pool.ask("runs", "net", where="--live")
    pool.watch("runs", "net-0")
    lab.wait_console("runs", f"^GUEST remove {accel.guest}")
    lab.wait_for("vfalias claims --json | jq -e 'length == 1'")
    assert lab.driver(accel.source) is None

    lab.virsh("detach-device-alias", "runs", "ua-vf-net-0", "--live")
    pool.watch("runs")
    pool.wait_released("runs")
    lab.wait_for(f"readlink /sys/bus/pci/devices/{net.source}/driver | grep igbvf")
    lab.virsh("suspend", "runs")  # its events make the daemon look again
    lab.virsh("resume", "runs")
    requests_now = lab.run("vfalias request list runs --json | jq -r '.[] | [.name, .state] | @csv'").stdout
    assert requests_now.strip() == '"net-0","withdrawn"'
    assert pool.devices("runs") == {}

    lab.run("vfalias request add runs accel --live")  # written again: the other request is tried again
    pool.watch("runs", "net-0", "accel-0")


def test_guest_reboots(lab, pool):
    """No hook is called: the devices stay, and are present at the guest's next power-on."""
    lab.start("again", guest_xml("again", metadata=metadata("net")))
    pool.watch("again", "net-0")
    pool.wait_active("again", "net-0")
    before = pool.held()
    lab.wait_console("again", f"^GUEST pci .* {NET_ID} igbvf")
    lab.guest("again", "(usleep 1000000; reboot -f) &")
    mark = lab.mark("again")  # later lines are of the new boot
    lab.wait_console("again", "^GUEST ready", since=mark)
    assert list(pool.in_guest("again", NET_ID).values()) == ["igbvf"]
    assert pool.held() == before


def test_started_in_parallel(lab, pool):
    """Each domain gets its own device. A domain that comes too late is refused with the reason."""
    names = [f"p{n}" for n in range(ACCELS + 1)]
    for name in names:
        lab.define(firmware(name, "accel"))
    out = lab.run(f"for d in {' '.join(names)}; do virsh -q start $d 2>$d.err & done; wait; cat p?.err", timeout=120).stdout
    running = lab.virsh("list", "--name").split()
    assert len(running) == ACCELS
    assert out.count("vfalias: ") == 1
    assert "no free device for request 'accel-0': alias 'accel' has 4 devices, 4 claimed" in out
    for name in running:
        pool.watch(name, "accel-0")
    devices = [pool.devices(name)["accel-0"].source for name in running]
    assert sorted(devices) == lab.vfs("0000:03:00.0")
    assert sorted(pool.held().values()) == sorted(devices)


def test_time_from_start_to_device(lab, pool, record_property):
    """How long a user waits after `virsh start` has returned."""
    lab.define(firmware("quick", "net"))
    rows = []
    for _ in range(3):
        rows.append(pool.start("quick", "net-0"))
        lab.virsh("destroy", "quick")
        pool.wait_released()
    starts = [row["start"] for row in rows]
    waits = [row["attached"]["net-0"] for row in rows]
    record_property("virsh start", f"{statistics.median(starts):.2f} s")
    record_property("from its return until the VF is in the live XML",
                    f"{statistics.median(waits):.2f} s ({min(waits):.2f} to {max(waits):.2f})")
    assert max(waits) < 30


# ---- refused ----

def test_nothing_free(lab, pool):
    lab.define(firmware("has", '<request alias="accel" count="4"/>'))
    lab.define(firmware("asks", "accel"))
    lab.define(firmware("content", '<request alias="accel" optional="yes"/>', "net"))
    pool.start("has", *(f"accel-{n}" for n in range(4)))
    assert pool.refused("start", "asks") == (
        "domain 'asks': no free device for request 'accel-0': alias 'accel' has 4 devices, 4 claimed")
    assert lab.state("asks") == "shut off"
    pool.start("content", "net-0")
    assert not pool.claims("asks")
    lab.virsh("destroy", "has")
    pool.start("asks", "accel-0")


def test_devices_that_a_domain_names_itself(lab, pool):
    """No other domain gets a VF that a domain's XML names. A start whose XML names a VF in use is refused."""
    mine, theirs = lab.vfs("0000:03:00.0")[:2]
    lab.define(firmware("plain", devices=hostdev(mine)))
    lab.virsh("start", "plain")
    assert pool.held() == {("plain", f"static:{mine}"): mine}
    lab.define(firmware("asks", "accel"))
    pool.start("asks", "accel-0")
    assert pool.devices("asks")["accel-0"].source == theirs
    lab.define(firmware("greedy", devices=hostdev(theirs)))
    assert pool.refused("start", "greedy") == (
        f"domain 'greedy': device {theirs} is not free: domain 'asks' holds {theirs} (request 'accel-0')")
    lab.virsh("destroy", "plain")
    assert set(pool.held()) == {("asks", "accel-0")}
