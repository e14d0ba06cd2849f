# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that are present at power-on: guests that are held until they have them, and `vfalias start`."""
import re

from asking import ACCEL_ID, NET_ID, metadata, pool
from guestxml import guest_xml

__all__ = ["pool"]  # a fixture

FOUND = f"{NET_ID}|{ACCEL_ID}"
SCANNED = "PCI: Using ACPI for IRQ routing"  # the kernel's first scan of the bus is over
THREE = ("accel-0", "accel-1", "net-0")
PORT = "<controller type='pci' index='%d' model='pcie-root-port'><alias name='ua-slot-%s'/></controller>"


def first_scan(lab, domain):
    """The number of claimed devices that a guest's kernel found at its first scan of the bus, and the number found
    later."""
    lab.wait_console(domain, "^GUEST ready")
    told = lab.guest(domain, f"dmesg | grep -E '\\[({FOUND})\\]|{SCANNED}' | sed 's/^/> /'")
    before, _, after = told.partition(SCANNED)
    return [len(re.findall(FOUND, text)) for text in (before, after)]


def asks(name, *wanted, **more):
    return guest_xml(name, metadata=metadata(*(wanted or ("net", "accel", "accel"))), **more)


def test_held_guest_finds_its_devices_at_the_first_scan(lab, pool, record_property):
    """Three devices are attached one after the other. Without hold, the kernel has finished its scan long before the
    last."""
    lab.define(asks("held"))
    seen = pool.watch("held", "--start", "--running", *THREE)
    events = dict(seen["events"])
    assert [name for name, _ in seen["events"]] == ["started", "suspended", "resumed"]
    record_property("from the start, with three devices",
                    f"suspended after {events['suspended']:.2f} s, resumed after {events['resumed']:.2f} s")
    assert first_scan(lab, "held") == [3, 0]
    lab.virsh("destroy", "held")

    lab.define(asks("free", '<request alias="net" hold="no"/>'))
    pool.freeze_daemon()  # so that the device is late for certain
    lab.virsh("start", "free")
    lab.wait_console("free", "^GUEST ready")
    pool.kill_daemon("CONT")
    pool.watch("free", "net-0")
    lab.wait_console("free", f"^GUEST pci .* {NET_ID} igbvf")  # the guest's last line about the device
    assert first_scan(lab, "free") == [0, 1]


def test_daemon_killed_while_it_holds_a_guest(lab, pool):
    lab.define(asks("held", kernel=False))
    seen = pool.watch("held", "--start", "--running", "--on-suspended", "systemctl kill --kill-whom=main -s KILL vfaliasd",
                      *THREE)
    assert [name for name, _ in seen["events"]] == ["started", "suspended", "resumed"]
    pool.wait_active("held", *THREE)
    assert pool.held() == {("held", name): device.source for name, device in pool.devices("held").items()}


def test_held_guest_that_its_user_resumes(lab, pool):
    since = lab.cursor()
    lab.define(asks("held", kernel=False))
    seen = pool.watch("held", "--start", "--running", "--on-suspended", "virsh -q resume held", *THREE)
    assert [name for name, _ in seen["events"]] == ["started", "suspended", "resumed"]
    pool.wait_active("held", *THREE)
    lab.wait_for("journalctl -q -u vfaliasd | grep \"domain 'held': not held any longer\"")
    assert "domain 'held': resumed" not in lab.journal(since, "vfaliasd")


def test_started_paused(lab, pool):
    lab.define(asks("paused"))
    seen = pool.watch("paused", "--started-by", "virsh -q start --paused", *THREE)
    assert "resumed" not in dict(seen["events"])
    pool.wait_active("paused", *THREE)
    assert lab.state("paused") == "paused"
    lab.virsh("resume", "paused")
    assert first_scan(lab, "paused") == [3, 0]


# ---- vfalias start ----

def test_vfalias_start(lab, pool):
    """As if the definition had the devices, which it does not have."""
    lab.define(asks("cold", '<request alias="net" name="dp0"/>', "nic", "accel", devices=PORT % (9, "dp0"), ports=1))
    lab.virsh("autostart", "cold")
    since, before = lab.cursor(), pool.inactive("cold")
    told = lab.run("vfalias start cold").stdout.splitlines()
    devices = pool.devices("cold")
    assert set(devices) == {"dp0", "nic-0", "accel-0"}
    assert sorted(told) == sorted([f"{d.source} for request '{name}'" for name, d in devices.items()] +
                                  ["domain 'cold' started"])
    assert devices["dp0"].guest == "0000:09:00.0"
    assert first_scan(lab, "cold") == [3, 0]
    lab.wait_console("cold", f"^GUEST net .* {devices['nic-0'].mac}")
    pool.wait_active("cold", *devices)
    assert pool.held() == {("cold", name): device.source for name, device in devices.items()}
    assert pool.inactive("cold") == before
    assert re.findall(r"(?:Persistent|Autostart): *(\w+)", lab.virsh("dominfo", "cold")) == ["yes", "enable"]
    assert "vfalias: domain 'cold' runs already" in lab.run("vfalias start cold", check=False).stderr
    journal = lab.journal(since, "vfaliasd")
    assert "suspended" not in journal and ": attached " not in journal

    lab.virsh("destroy", "cold")
    pool.check_all_free()
    assert pool.inactive("cold") == before
    pool.start("cold", "dp0", "nic-0", "accel-0")
    assert pool.devices("cold")["nic-0"].mac == devices["nic-0"].mac


def test_vfalias_start_without_a_daemon_or_devices(lab, pool):
    pool.daemon("stop")
    lab.define(asks("has", '<request alias="accel" count="4"/>', kernel=False, ports=0))
    lab.define(asks("cold", "accel", kernel=False))
    lab.run("vfalias start has --paused")
    assert lab.state("has") == "paused"
    assert sorted(pool.held().values()) == lab.vfs("0000:03:00.0")
    refused = lab.run("vfalias start cold", check=False)
    assert (refused.returncode, refused.stderr) == (
        1, "vfalias: domain 'cold': no free device for request 'accel-0': alias 'accel' has 4 devices, 4 claimed\n")
    pool.daemon("start")
