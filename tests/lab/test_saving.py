# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests that are saved and restored: with a macvtap, whose device may be in use by then, and without host devices."""
import json
from xml.etree import ElementTree

from asking import CONFIGURATION, DETACHING, PF, metadata, pool
from guestxml import guest_xml
from pages import examples

__all__ = ["pool"]  # a fixture
FEW = """[pci]
device_spec = {"address": {"domain": "0000", "bus": "01", "slot": "10", "function": "[02]"}, "physical_network": "few"}
alias = {"name": "tap", "physical_network": "few", "attach": "macvtap"}
""" + CONFIGURATION.removeprefix("[pci]\n")
SAVE, RESTORE = examples("man/vfalias-hooks.pod", "SAVE AND RESTORE")[0].splitlines()
IMAGE = RESTORE.split()[-1]


def taps(name, count=1, kernel=False):
    return guest_xml(name, metadata=metadata(f'<request alias="tap" count="{count}"/>'), kernel=kernel)


def interface(lab, name):
    """The netdev below a domain's macvtap, and its MAC address."""
    element = ElementTree.fromstring(lab.virsh("dumpxml", name)).find("devices/interface[@type='direct']")
    return element.find("source").get("dev"), element.find("mac").get("address")


def save(lab, pool, how):
    lab.run("virsh managedsave db1" if how == "managed" else SAVE)
    assert pool.claims("db1") == {}


def restore(lab, how, check=True):
    return lab.run("virsh start db1" if how == "managed" else RESTORE, check=check)


def has_image(lab):
    return lab.run("virsh dominfo db1 | grep -q 'Managed save: *yes'", check=False).returncode == 0


def test_macvtap(lab, pool):
    """Restored on the earlier netdev; on another netdev if the earlier one is in use; refused if no netdev is free, and
    the image stays. With managed save and with a file."""
    pool.configure(FEW)
    mine, other = lab.vfs(PF)[:2]
    lab.define(taps("db1", kernel=True))
    for name, count in (("one", 1), ("both", 2)):
        lab.define(taps(name, count))
    pool.start("db1", "tap-0")
    lab.wait_console("db1", "^GUEST ready")  # emulated KVM cannot restore each state of firmware
    first, mac = interface(lab, "db1")
    save(lab, pool, "file")
    restore(lab, "file")
    pool.wait_active("db1", "tap-0")
    assert interface(lab, "db1") == (first, mac) and pool.held() == {("db1", "tap-0"): mine}

    save(lab, pool, "managed")
    pool.start("one", "tap-0")
    assert pool.held() == {("one", "tap-0"): mine}
    restore(lab, "managed")
    pool.wait_active("db1", "tap-0")
    second, now = interface(lab, "db1")
    assert second != first and now == mac
    assert pool.held("db1") == {("db1", "tap-0"): other}

    save(lab, pool, "managed")
    lab.virsh("destroy", "one")
    pool.start("both", "tap-0", "tap-1")
    refused = restore(lab, "managed", check=False)
    assert refused.returncode == 1 and f"vfalias: domain 'db1': device {other} is not free: domain 'both'" in refused.stderr
    assert has_image(lab) and lab.state("db1") == "shut off" and pool.claims("db1") == {}
    lab.virsh("destroy", "both")
    restore(lab, "managed")
    assert lab.state("db1") == "running" and not has_image(lab)
    lab.run(f"rm -f {IMAGE}")


def test_without_host_devices(lab, pool):
    """`detach --all` makes a guest that can be saved. After the restore, the guest has its devices again."""
    ports = "<controller type='pci' index='9' model='pcie-root-port'><alias name='ua-slot-accel-0'/></controller>"
    lab.start("db1", guest_xml("db1", ports, metadata("net")))
    pool.watch("db1", "accel-0", "net-0")
    pool.wait_active("db1", "accel-0", "net-0")
    assert lab.virsh("managedsave", "db1", check=False).returncode == 1
    out_and_in, = examples("man/vfalias.pod", "EXAMPLES", "vfalias detach")
    said = lab.run("set -e\n" + out_and_in, timeout=DETACHING).stdout
    assert (said.count(" is detached\n"), said.count(" is attached\n")) == (2, 2)
    lab.run("vfalias detach db1 --all", timeout=DETACHING)
    assert pool.devices("db1") == {} and pool.claims() == {}
    rows = json.loads(lab.run("vfalias request list db1 --json").stdout)
    assert {row["name"]: row["state"] for row in rows} == {"accel-0": "withdrawn", "net-0": "withdrawn"}
    lab.run("vfalias attach db1 accel-0")
    assert set(pool.devices("db1")) == {"accel-0"}
    saving, = examples("man/vfalias.pod", "VERBS", "vfalias detach")
    lab.run("set -e\n" + saving, timeout=DETACHING)
    pool.watch("db1", "accel-0", "net-0")
    pool.wait_active("db1", "accel-0", "net-0")

    greedy = guest_xml("greedy", metadata=metadata('<request alias="accel" count="4"/>'), kernel=False)
    lab.run("vfalias detach db1 accel-0", timeout=DETACHING)
    lab.define(greedy)
    pool.start("greedy", *(f"accel-{n}" for n in range(4)))
    refused = lab.run("vfalias attach db1", check=False)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == ("vfalias: domain 'db1': no free device for request 'accel-0': alias 'accel' has 4 devices, "
                              "4 claimed\n")
    assert set(pool.devices("db1")) == {"net-0"}
