# SPDX-License-Identifier: LGPL-2.1-or-later
"""Aliases whose devices are prepared: attributes in sysfs that are set for a guest, and drivers that libvirt leaves alone.

The tree is a GPU with VFs, as NVIDIA's driver for kernel 6.8 makes them. tests/faults/attributes.c is the driver."""
import json
import re
import sqlite3
import time

import pytest

from daemonhost import Daemon
from hookhost import domain, fine, hostdev, refused, request
from sysfs_tree import Tree

VFS = ["0000:65:00.4", "0000:65:00.5"]
TYPE = "nvidia/current_vgpu_type"
EPERM, EBUSY, EINVAL = 1, 16, 22
FOREVER = 1e10
IDS = '"vendor_id": "10de", "product_id": "25b6", "device_type": "type-VF"'
CONFIG = """
[pci]
device_spec = {"vendor_id": "10de"}
alias = {"name": "vgpu", %s, "managed": "no", "sysfs": {"nvidia/current_vgpu_type": "742"}}
alias = {"name": "both", %s, "managed": "no", "sysfs": {"reset_method": "bus", "nvidia/current_vgpu_type": "742"}}
alias = {"name": "plain", %s}
[vfalias]
state = %%(state)s
sysfs_root = %%(sysfs)s
libvirt_run = %%(run)s
require_daemon = no
""" % (IDS, IDS, IDS)


def gpu(root):
    tree = Tree(root)
    pf = tree.pf("0000:65:00.0", "10de:25b6", vfs=2, vf_driver="nvidia", cls="030200", driver="nvidia", offset=4)
    for number, address in enumerate(pf.vfs):
        vf = tree.devices[str(address)]
        (vf.path / "nvidia").mkdir()
        tree.write(vf, TYPE, "0")
        tree.write(vf, "nvidia/creatable_vgpu_types", "ID    : vGPU Name\n742   : NVIDIA A16-2Q")
        tree.write(vf, "reset_method", "flr bus")
        (vf.path / "vfio-dev" / ("vfio%d" % number)).mkdir(parents=True)
    return tree


@pytest.fixture
def host(tmp_path, attributes_of):
    return attributes_of(tmp_path, CONFIG, gpu)


def value(host, vf=VFS[0], name=TYPE):
    return (host.tree.devices[vf].path / name).read_text().strip()


def start(host, number=1, vf=VFS[0], alias="vgpu"):
    """A domain whose XML has the device."""
    name = alias + "-0"
    return host.prepare(number, request(alias), devices=hostdev(vf, name))


def stop(host, number=1, vf=VFS[0], alias="vgpu"):
    return host.release(number, requests=request(alias), devices=hostdev(vf, alias + "-0"))


def saved(host):
    with sqlite3.connect(host.state) as db:
        return db.execute("SELECT device, attributes FROM saved").fetchall()


def quarantined(host):
    return {row["device"]: row["reason"] for row in json.loads(host.cli("quarantine", "list", "--json").stdout)}


# ---- a start, an end ----


def test_set_for_the_guest_and_back(host):
    fine(start(host, alias="both"))
    assert (value(host), value(host, name="reset_method")) == ("742", "bus")
    assert saved(host) == [(VFS[0], "reset_method flr bus\n%s 0\n" % TYPE)]
    assert value(host, VFS[1]) == "0"
    fine(start(host, alias="both"))  # as libvirt does not, but a program that was killed leaves it so
    fine(stop(host, alias="both"))
    assert (value(host), value(host, name="reset_method")) == ("0", "flr bus")
    assert saved(host) == [] and host.held() == {}


def test_the_element_leaves_the_driver_to_its_own(host):
    """At resolve, which writes the device into the XML; vfaliasd makes its elements by the same function."""
    sentinel = "<hostdev mode='subsystem' type='pci' managed='yes'><alias name='ua-vf-%s'/></hostdev>"
    for alias, managed in (("vgpu", "no"), ("plain", "yes")):
        xml = domain(1, request(alias), sentinel % (alias + "-0"))
        done = host.cli("resolve", "--dry-run", input=xml)
        assert done.returncode == 0, done.stderr
        assert 'managed="%s"' % managed in done.stdout and 'bus="0x65"' in done.stdout


@pytest.mark.parametrize("said, managed", [('"managed": "no"', "no"), ('"managed": "yes"', "yes"), ('"x": "y"', "yes")])
def test_managed_as_nova_has_it(host, said, managed):
    host.configure(CONFIG.replace('{"vendor_id": "10de"}', '{"vendor_id": "10de", %s}' % said))
    xml = domain(1, request("plain"), "<hostdev mode='subsystem' type='pci'><alias name='ua-vf-plain-0'/></hostdev>")
    done = host.cli("resolve", "--dry-run", input=xml)
    assert 'managed="%s"' % managed in done.stdout, done


def test_an_alias_without_it_gets_the_device_as_it_was(host):
    fine(start(host))
    fine(stop(host))
    fine(start(host, 2, alias="plain"))
    assert value(host) == "0" and saved(host) == []


def test_another_configuration_meanwhile(host):
    fine(start(host, alias="both"))
    host.configure(re.sub(r', "sysfs": \{[^}]*\}', "", CONFIG))
    fine(stop(host, alias="both"))
    assert (value(host), value(host, name="reset_method")) == ("0", "flr bus")


def test_unplugged_meanwhile(host):
    fine(start(host))
    host.tree.remove(host.tree.devices[VFS[0]])
    fine(stop(host))
    assert host.held() == {} and saved(host) == [] and quarantined(host) == {}


# ---- a driver that libvirt does not bind ----


def test_a_device_without_a_vfio_driver(host):
    """libvirt would refuse it: "Unmanaged PCI device must be manually detached from the host"."""
    for vf in VFS:
        (host.tree.devices[vf].path / "vfio-dev").rename(host.folder / vf)
    assert "alias 'vgpu' has 2 devices, 0 claimed, 2 other driver" in refused(host.prepare(1, request("vgpu")))
    rows = json.loads(host.cli("explain", "vgpu", "--json").stdout)
    assert {r["detail"] for r in rows if r["address"] in VFS} == {"it is bound to nvidia, managed 'no' wants a VFIO driver"}
    host.tree.bind(host.tree.devices[VFS[1]], None)
    assert "it is bound to none, managed 'no' wants a VFIO driver" in host.cli("explain", "vgpu").stdout
    host.tree.bind(host.tree.devices[VFS[1]], "vfio-pci")
    host.no_scan_is_young()
    fine(host.prepare(1, request("vgpu")))
    assert host.held() == {("d1", "vgpu-0"): VFS[1]}
    fine(host.prepare(2, request("plain")))
    assert host.held()["d2", "plain-0"] == VFS[0], "libvirt binds it"


# ---- a file that refuses the guest ----


@pytest.mark.parametrize("rule, reason", [
    ("%d %f" % (EINVAL, FOREVER), "Invalid argument"), ("%d %f" % (EBUSY, FOREVER), "Device or resource busy"),
    ("empty 0", "afterwards it is ''")])
def test_a_refusal_stops_the_start(host, rule, reason):
    host.rule(TYPE, rule)
    line = refused(start(host, alias="both"))
    assert line == ("vfalias: domain 'd1': request 'both-0': cannot set attribute '%s' of %s to '742': %s"
                    % (TYPE, VFS[0], reason)), line
    host.rule()
    fine(stop(host, alias="both"))  # libvirt's `release` follows
    assert (value(host), value(host, name="reset_method")) == ("0", "flr bus")
    assert host.held() == {} and saved(host) == [] and quarantined(host) == {}


def test_a_file_that_is_not_there(host):
    (host.tree.devices[VFS[0]].path / TYPE).unlink()
    assert refused(start(host)).endswith("cannot set attribute '%s' of %s: cannot read what it is now, so it could not be "
                                         "set back: No such file or directory" % (TYPE, VFS[0]))


def test_a_start_waits_for_a_file_that_refuses_for_now(host):
    host.rule(TYPE, "%d %f" % (EPERM, time.time() + 1))
    fine(start(host))
    assert value(host) == "742"


def test_a_link_is_not_followed(host):
    vf, pf = host.tree.devices[VFS[0]].path, host.tree.devices["0000:65:00.0"].path
    (vf / "nvidia").rename(pf / "nvidia")
    (vf / "nvidia").symlink_to(pf / "nvidia")
    assert refused(start(host)).endswith("'nvidia' is a symbolic link")
    assert (pf / TYPE).read_text() == "0\n"


# ---- a file that refuses to be set back ----


def timed(what):
    begin = time.monotonic()
    fine(what())
    return time.monotonic() - begin


def test_vfaliasd_sets_back_what_refuses_for_some_seconds(host):
    fine(start(host))
    until = time.time() + 3
    host.rule(TYPE, "%d %f" % (EPERM, until))
    assert timed(lambda: stop(host)) < 2.9, "a hook waits 2 seconds at most"
    (claim,) = host.claims()
    assert claim["state"] == "releasing"
    assert claim["error"] == "cannot set attribute '%s' of %s back to '0': Operation not permitted" % (TYPE, VFS[0])
    assert "1 for this domain's other requests, 1 being released" in refused(host.prepare(2, request("vgpu", count=2)))
    daemon = Daemon(host)
    daemon.wait_for(lambda: host.held() == {})
    daemon.stop()
    assert time.time() >= until and value(host) == "0" and saved(host) == [] and quarantined(host) == {}


def test_quarantine_after_10_seconds(host):
    fine(start(host))
    host.rule(TYPE, "%d %f" % (EBUSY, FOREVER))
    daemon = Daemon(host)
    ended = time.monotonic()
    fine(stop(host))
    daemon.wait_for(lambda: quarantined(host))
    assert 8 < time.monotonic() - ended < 15
    daemon.stop()
    reason = "cannot set attribute '%s' of %s back to '0': Device or resource busy" % (TYPE, VFS[0])
    assert quarantined(host) == {VFS[0]: "its settings are not what they were before a guest had it: " + reason}
    assert host.held() == {} and value(host) == "742"

    fine(host.prepare(2, request("vgpu")))
    assert host.held() == {("d2", "vgpu-0"): VFS[1]}, "nobody gets it"
    done = host.cli("quarantine", "remove", VFS[0])
    assert done.returncode == 1 and reason in done.stderr and value(host) == "742"
    host.rule()
    assert host.cli("quarantine", "remove", VFS[0]).returncode == 0
    assert value(host) == "0" and quarantined(host) == {} and saved(host) == []


def test_set_by_hand_meanwhile(host):
    """What is as it was is not written: NVIDIA's file refuses a 0 for a 0."""
    fine(start(host))
    host.tree.write(host.tree.devices[VFS[0]], TYPE, "0")
    host.rule(TYPE, "%d %f" % (EINVAL, FOREVER))
    fine(stop(host))
    assert host.held() == {} and quarantined(host) == {}


# ---- programs that are killed ----


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_between_saving_and_writing(host, when):
    host.rule(TYPE, "kill " + when)
    assert start(host).returncode == -9
    assert value(host) == ("0" if when == "before" else "742")
    assert saved(host) == [(VFS[0], TYPE + " 0\n")] and len(host.held()) == 1
    host.rule()
    if when == "before":
        fine(start(host))
        assert value(host) == "742" and saved(host) == [(VFS[0], TYPE + " 0\n")]
    fine(stop(host))
    assert value(host) == "0" and host.held() == {} and saved(host) == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_while_it_is_set_back(host, when):
    fine(start(host))
    host.rule(TYPE, "kill " + when)
    stop(host)  # the hook does not tell libvirt what became of its handler
    (claim,) = host.claims()
    assert claim["state"] == "releasing" and saved(host) == [(VFS[0], TYPE + " 0\n")]
    host.rule()
    daemon = Daemon(host)
    daemon.wait_for(lambda: host.held() == {})
    daemon.stop()
    assert value(host) == "0" and saved(host) == []


# ---- the state file ----


def test_the_state_is_lost_while_a_guest_has_it(host):
    """Nobody knows what the value was: the guest keeps the device, and no other gets it."""
    fine(start(host))
    host.libvirt_run.mkdir()
    (host.libvirt_run / "d1.xml").write_text("<domstatus/>")
    host.state.unlink()
    fine(host.hook("reconnect", domain_with(VFS[0])))
    assert host.held() == {("d1", "vgpu-0"): VFS[0]} and saved(host) == []
    assert "is not known: the state file was lost" in quarantined(host)[VFS[0]]


def domain_with(vf):
    return domain(1, request("vgpu"), hostdev(vf, "vgpu-0"))


def test_the_host_was_rebooted(host):
    """The state file was not in /run: what it says is of another boot, and the hardware is as new."""
    fine(start(host))
    host.tree.write(host.tree.devices[VFS[0]], TYPE, "0")
    with sqlite3.connect(host.state) as db:
        db.execute("UPDATE meta SET value = 'another' WHERE key = 'boot_id'")
    fine(start(host, 2))
    assert host.held() == {("d2", "vgpu-0"): VFS[0]} and saved(host) == [(VFS[0], TYPE + " 0\n")]
    fine(stop(host, 2))
    assert value(host) == "0"
