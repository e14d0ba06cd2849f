# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that are made on demand, from the configuration to the kernel, by the real hook and the made kernel
(tests/kernel/kernel.h): a domain starts, its device is made; it stops, the device is destroyed."""
import errno
import json
import os
import time

import pytest

import madekernel
from hookhost import CONFIG, domain, fine, hostdev, refused, request, uuid

MADE = CONFIG + """
[pci]
device_spec = {"mgmtdev": "vdpasim_net", "max_devices": 3, "physical_network": "physnet1"}
device_spec = {"mgmtdev": "small", "physical_network": "physnet2"}
device_spec = {"mgmtdev": "other", "physical_network": "physnet2"}
device_spec = {"mdev_parent": "mtty", "mdev_types": "mtty-2"}
device_spec = {"address": "0000:75:00.0", "mdev_types": "nvidia-*"}
alias = {"name": "vnet", "device_type": "vdpa", "physical_network": "physnet1", "vdpa": {"mtu": 9000}}
alias = {"name": "vsmall", "device_type": "vdpa", "physical_network": "physnet2"}
alias = {"name": "tty", "device_type": "mdev", "mdev_type": "mtty-2"}
alias = {"name": "vgpu", "device_type": "mdev", "mdev_type": "nvidia-63"}
"""


class Made:
    def __init__(self, host, library):
        self.host = host
        self.kernel = madekernel.MadeKernel(host.tree, library)
        self.kernel.vdpa()
        self.kernel.mgmtdev("vdpasim_net")
        self.kernel.mgmtdev("small", max_devices=1)
        self.kernel.mgmtdev("other", max_devices=1)
        self.kernel.mdev_parent("mtty", {"mtty-1": 1, "mtty-2": 2}, units=4)
        self.kernel.mdev_parent(host.tree.device("0000:75:00.0", "10de:1bb3"), {"nvidia-63": 1}, units=2)
        host.configure(MADE)
        host.env.update(self.kernel.env)
        self.links = host.state.parent / "vdpa"

    def names(self, bus):
        return sorted(os.listdir(self.host.tree.root / "bus" / bus / "devices"))

    def link(self, number, name):
        return self.links / uuid(number) / name

    def claims(self):
        return {claim["device"]: claim for claim in self.host.claims()}

    def stats(self, alias):
        stats = json.loads(self.host.cli("stats", "--json").stdout)
        return [(a["total"], a["free"]) for a in stats["aliases"] if a["name"] == alias][0]

    def free_of(self, network):
        stats = json.loads(self.host.cli("stats", "--json").stdout)
        return sum(pool["count"] for pool in stats["pools"] if pool.get("physical_network") == network)

    def reasons(self, *args):
        """{maker: (reason, detail)} of those that make nothing more."""
        rows = json.loads(self.host.cli(*args, "--json").stdout)
        return {row["address"]: (row["reason"], row["detail"]) for row in rows
                if row["reason"] and row["address"].startswith("m")}

    def start(self, number, requests, devices=""):
        return self.host.hook("prepare", domain(number, requests, devices=devices))

    def stop(self, number, requests, devices=""):
        return fine(self.host.hook("release", domain(number, requests, devices=devices)))


@pytest.fixture
def made(host, library):
    return Made(host, library)


def vdpa(path, name):
    return "<interface type='vdpa'><source dev='%s'/><alias name='ua-vf-%s'/></interface>" % (path, name)


def mdev(number, name):
    return ("<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='%s'/></source>"
            "<alias name='ua-vf-%s'/></hostdev>" % (uuid(number), name))


def test_a_vdpa_device_for_a_request(made):
    """Made at the start, before vfaliasd attaches it; destroyed at the end, with its link."""
    fine(made.start(1, request("vnet", name="port")))
    name, = made.names("vdpa")
    assert name.startswith("vfa") and len(name) == 15
    claim = made.claims()["vdpa:" + name]
    assert (claim["request"], claim["alias"], claim["state"]) == ("port", "vnet", "claimed")
    assert os.readlink(made.link(1, "port")).endswith("/vhost-vdpa-0")
    made.stop(1, request("vnet", name="port"))
    assert made.names("vdpa") == [] and made.claims() == {}
    assert not made.links.exists() or list(made.links.iterdir()) == []
    fine(made.start(1, request("vnet", name="port")))
    assert made.names("vdpa") == [name]  # the same name at each start


def test_a_vdpa_device_in_the_definition(made):
    """The element names any path below the folder of the links: the hook puts the link there."""
    path = made.links / "by/hand"
    element = vdpa(path, "port")
    fine(made.start(1, request("vnet", name="port"), element))
    name, = made.names("vdpa")
    assert os.readlink(path).endswith("/vhost-vdpa-0") and list(made.claims()) == ["vdpa:" + name]
    made.stop(1, request("vnet", name="port"), element)
    assert made.names("vdpa") == [] and not path.is_symlink()
    why = refused(made.start(1, request("vnet", name="port"), vdpa("/run/elsewhere/port", "port")))
    assert "request 'port': its source '/run/elsewhere/port' is not below '%s/'" % made.links in why
    assert made.names("vdpa") == [] and made.claims() == {}


def test_a_path_of_another_domain(made):
    """A copy of a domain names the same path: it does not get the link, and the guest that has it keeps it."""
    path = made.link(1, "port")
    element = vdpa(path, "port")
    fine(made.start(1, request("vnet", name="port"), element))
    name, = made.names("vdpa")
    why = refused(made.start(2, request("vnet", name="port"), element))
    assert "request 'port': the link '%s' is that of vdpa:%s of domain 'd1'" % (path, name) in why
    assert os.readlink(path).endswith("/vhost-vdpa-0") and list(made.claims()) == ["vdpa:" + name]
    assert made.names("vdpa") == [name]
    made.stop(1, request("vnet", name="port"), element)
    fine(made.start(2, request("vnet", name="port"), element))
    made.stop(2, request("vnet", name="port"), element)
    two = request("vnet", name="port") + request("vnet", name="other")
    assert "is that of vdpa:" in refused(made.start(1, two, element + vdpa(path, "other")))
    assert made.names("vdpa") == [] and made.claims() == {} and not path.is_symlink()


def test_a_path_that_is_left(made):
    """A link to the node of a device that has another link, or none, is replaced."""
    path = made.link(2, "port")
    fine(made.start(1, request("vnet", name="port")))
    path.parent.mkdir()
    path.symlink_to(os.readlink(made.link(1, "port")))
    fine(made.start(2, request("vnet", name="port"), vdpa(path, "port")))
    assert os.readlink(path).endswith("/vhost-vdpa-1")


def test_a_link_to_the_node_of_another_guest(made):
    """An administrator has deleted the device, and the number of its node is in use again."""
    fine(made.start(1, request("vnet", name="port")))
    name, = made.names("vdpa")
    assert made.kernel.maker("delete", name) == ["done"]
    fine(made.start(2, request("vnet", name="port")))
    assert os.readlink(made.link(1, "port")) == os.readlink(made.link(2, "port"))
    made.stop(1, request("vnet", name="port"))
    assert not made.link(1, "port").is_symlink() and made.link(2, "port").is_symlink()
    assert made.claims().keys() == {"vdpa:" + device for device in made.names("vdpa")}


def test_a_mediated_device_in_the_definition(made):
    element = mdev(77, "console")
    fine(made.start(1, request("tty", name="console"), element))
    assert made.names("mdev") == [uuid(77)] and list(made.claims()) == ["mdev:" + uuid(77)]
    made.stop(1, request("tty", name="console"), element)
    assert made.names("mdev") == [] and made.claims() == {}


def test_slots(made):
    """max_devices of the device_spec, and available_instances, which another type of the parent takes from, too."""
    for number in (1, 2, 3):
        fine(made.start(number, request("vnet")))
    assert "alias 'vnet' has 3 devices, 3 claimed" in refused(made.start(4, request("vnet")))
    full = {"mgmtdev:vdpasim_net": ("can make no more", "3 claimed, the maximum")}
    assert made.reasons("explain", "vnet") == made.reasons("devices") == full
    made.stop(2, request("vnet"))
    fine(made.start(4, request("vnet")))
    fine(made.start(5, request("tty")))
    fine(made.start(6, request("tty")))
    assert "alias 'tty' has 2 devices" in refused(made.start(7, request("tty")))
    assert len(made.names("mdev")) == 2


@pytest.mark.parametrize("checked", [False, True])
def test_the_kernel_says_full(made, checked):
    """A management device on no PCI function counts as unlimited: the kernel's ENOSPC makes the hook take another one.
    checked: statistics are those of the index."""
    if checked:
        assert made.host.cli("rescan").returncode == 0
    for number in (1, 2):
        fine(made.start(number, request("vsmall")))
    assert len(made.names("vdpa")) == 2
    why = refused(made.start(3, request("vsmall")))
    assert "can make no more" in why or "no free device" in why, why
    assert len(made.names("vdpa")) == 2 and len(made.claims()) == 2
    assert made.stats("vsmall") == (2, 0) and made.free_of("physnet2") == 0
    full = ("can make no more", "1 claimed, and there is no room for more")
    assert made.reasons("devices") == {"mgmtdev:small": full, "mgmtdev:other": full}
    assert made.reasons("explain", "vsmall") == made.reasons("devices")
    made.stop(1, request("vsmall"))
    assert made.stats("vsmall") == (2, 1) and made.free_of("physnet2") == 1
    assert len(made.reasons("devices")) == len(made.reasons("explain", "vsmall")) == 1
    fine(made.start(3, request("vsmall")))


def test_full_makers_of_one_slot(made):
    """Two requests take both makers, although the first one counts as unlimited."""
    two = request("vsmall", name="a") + request("vsmall", name="b")
    fine(made.start(1, two))
    assert len(made.names("vdpa")) == 2
    made.stop(1, two)
    fine(made.start(2, two))


def test_a_full_maker_keeps_its_room(made):
    """What a refused start has made counts as room of the maker, what it could not make does not."""
    made.host.configure(MADE.replace('"mgmtdev": "small", ', '"mgmtdev": "small", "max_devices": 5, ')
                        .replace('device_spec = {"mgmtdev": "other", "physical_network": "physnet2"}\n', ""))
    made.kernel.mgmtdev("small", max_devices=2)
    one, two = request("vsmall", name="a"), request("vsmall", name="a") + request("vsmall", name="b")
    fine(made.start(1, one))
    refused(made.start(2, two))
    fine(made.start(3, one))
    assert len(made.names("vdpa")) == 2


def test_many_full_makers(made):
    """Others have made devices on all makers but the last one."""
    specs = "".join('device_spec = {"mgmtdev": "m%d", "physical_network": "physnet3"}\n' % n for n in range(10))
    made.host.configure(MADE + specs +
                        'alias = {"name": "vmany", "device_type": "vdpa", "physical_network": "physnet3"}\n')
    for number in range(10):
        made.kernel.mgmtdev("m%d" % number, max_devices=1)
    for number in range(9):
        made.kernel.maker("add", "adm%d" % number, "m%d" % number)
    fine(made.start(1, request("vmany")))


def test_an_open_device_stays(made):
    """vdpa dev del of an open device would hang all of vDPA: it is destroyed when it is closed."""
    fine(made.start(1, request("vnet")))
    with made.kernel.opened("vhost-vdpa-0"):
        made.stop(1, request("vnet"))
        assert len(made.names("vdpa")) == 1
        assert "1 being released" in refused(made.start(1, request("vnet")))
    fine(made.start(1, request("vnet")))
    assert len(made.names("vdpa")) == 1 and len(made.claims()) == 1


def test_a_passed_through_parent(made):
    """A GPU with mediated devices is given to nobody as a whole, and the reverse."""
    fine(made.start(1, request("vgpu")))
    whole = ("<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='0x75' slot='0' function='0'/></source>"
             "</hostdev>")
    why = refused(made.host.hook("prepare", domain(2, devices=whole)))
    assert "device 0000:75:00.0 is not free: domain 'd1' holds mdev:" in why
    made.stop(1, request("vgpu"))
    fine(made.host.hook("prepare", domain(2, devices=whole)))
    assert "no free device" in refused(made.start(1, request("vgpu")))


def test_listings(made):
    fine(made.start(1, request("vnet", name="port") + request("vgpu", name="gpu")))
    devices = {d["address"]: d for d in json.loads(made.host.cli("devices", "--json").stdout)}
    assert devices["mgmtdev:vdpasim_net"]["dev_type"] == "vdpa"
    assert devices["mdev-type:mtty/mtty-2"]["dev_type"] == "mdev"
    assert (made.stats("vnet"), made.stats("vgpu"), made.stats("tty")) == ((3, 2), (2, 1), (2, 2))


ONE = CONFIG + """
[pci]
device_spec = {"mgmtdev": "pci/0000:02:10.0"}
device_spec = {"mdev_parent": "mtty", "mdev_types": "mtty-2"}
alias = {"name": "vp", "device_type": "vdpa"}
alias = {"name": "tty", "device_type": "mdev", "mdev_type": "mtty-2"}
"""


@pytest.fixture
def one(made):
    """A management device for one device, whose driver does not check that: so does vp_vdpa."""
    made.kernel.mgmtdev("pci/0000:02:10.0", made.host.tree.devices["0000:02:10.0"])
    made.host.configure(ONE)
    return made


def test_a_device_of_somebody_else_takes_the_slot(one):
    one.kernel.maker("add", "foreign", "pci/0000:02:10.0")
    assert one.host.cli("rescan").returncode == 0
    assert one.stats("vp")[1] == 0
    assert "no free device" in refused(one.start(1, request("vp")))
    assert one.names("vdpa") == ["foreign"]
    one.kernel.maker("delete", "foreign")
    one.host.no_scan_is_young()
    fine(one.start(1, request("vp")))


def test_a_mediated_device_of_somebody_else_takes_a_slot(one):
    one.kernel.maker("create", "mtty", "mtty-2", uuid(5))
    assert one.host.cli("rescan").returncode == 0
    assert one.stats("tty")[1] == 1
    fine(one.start(1, request("tty")))
    assert one.stats("tty")[1] == 0
    assert "no free device" in refused(one.start(2, request("tty")))


def test_a_device_that_cannot_be_destroyed_keeps_its_slot(one):
    """It is in quarantine then; also after the next scan."""
    fine(one.start(1, request("vp")))
    with one.kernel.failing("del", errno.EINVAL):
        one.host.hook("release", domain(1, request("vp")))
    assert one.claims() == {} and len(one.names("vdpa")) == 1
    assert one.stats("vp")[1] == 0
    assert "no free device" in refused(one.start(2, request("vp")))
    assert one.host.cli("rescan").returncode == 0
    assert one.stats("vp")[1] == 0
    assert "no free device" in refused(one.start(2, request("vp")))


def test_a_kernel_that_hangs_stops_no_guest_with_a_vf(made):
    """The first start after boot scans, and one hung vDPA request makes all others wait."""
    with made.kernel.hanging("mgmtdev"), made.kernel.hanging("get"):
        fine(made.start(1, request("net")))
        why = refused(made.start(2, request("vnet")))
        assert "alias 'vnet' has 0 devices" in why and "did not answer within 2000 ms" in why
        for verb in ("devices", "stats", "rescan", "claims"):
            assert made.host.cli(verb).returncode == 0, verb
        explained = made.host.cli("explain", "net")
        assert explained.returncode == 0 and "chosen" in explained.stdout
    made.host.no_scan_is_young()
    fine(made.start(2, request("vnet")))


def test_starts_that_wait_for_the_kernel_hold_no_lock(made):
    fine(made.start(1, request("net")))
    with made.kernel.hanging("mgmtdev"), made.kernel.hanging("get"), made.kernel.hanging("new"):
        waiting = [made.host.start_hook("prepare", domain(n, request("vnet")), name="d%d" % n) for n in range(10, 18)]
        begin = time.monotonic()
        for number in (2, 3, 4):
            fine(made.start(number, request("net")))
        assert time.monotonic() - begin < 4 and None in [hook.poll() for hook in waiting]
    for hook in waiting:
        hook.communicate(timeout=60)


def test_a_hung_device_keeps_no_other_from_being_recorded(made):
    """The state file was lost, and the kernel does not answer for the vDPA device of a running guest."""
    vf = "0000:02:10.0"
    xml = domain(1, request("vnet", name="port") + request("net", name="vf"),
                 vdpa(made.link(1, "port"), "port") + hostdev(vf, "vf"))
    fine(made.host.hook("prepare", xml))
    made.host.state.unlink()
    with made.kernel.hanging("get"):
        fine(made.host.hook("reconnect", xml))
    assert made.claims()[vf]["state"] == "active"
    assert vf in refused(made.host.hook("prepare", domain(2, devices=hostdev(vf))))


def test_an_end_while_the_kernel_hangs(made):
    """libvirt waits for the hook, which asks for one of the devices only; the next start does the same, once."""
    requests = "".join(request("vnet", name="p%d" % number) for number in range(3))
    fine(made.start(1, requests))

    def deletions():
        return sum(call.startswith("del ") for call in made.kernel.calls())

    with made.kernel.hanging("del"):
        made.stop(1, requests)
        assert deletions() == 1 and len(made.names("vdpa")) == 3
        assert "being released" in refused(made.start(1, requests))
        assert deletions() == 2
    fine(made.start(1, requests))
    assert len(made.names("vdpa")) == 3


def test_claims_while_the_kernel_hangs(made):
    """claims --json reads sysfs only: it asks the kernel for no device."""
    fine(made.start(1, request("vnet", name="port")))
    calls = made.kernel.calls()
    with made.kernel.hanging("get"):
        claim, = made.claims().values()
    assert (claim["pci_slot"], claim["physical_network"], claim["vf_num"]) == (None, "physnet1", None)
    assert made.kernel.calls() == calls
