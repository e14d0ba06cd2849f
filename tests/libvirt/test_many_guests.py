# SPDX-License-Identifier: LGPL-2.1-or-later
"""200 guests, started paused by 8 clients at a time, each with two requests. The devices are macvtaps on interfaces of
the private host: both ends of veth pairs. In the fake /sys each interface belongs to a VF."""
import json
import os
import re
import shutil
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import libvirt
import pytest
from lxml import etree

from conftest import lacking
from guests import guest
from sysfs_tree import Tree

GUESTS, CLIENTS, CARDS = 200, 8, 4
INTERFACES = ["t%d" % i for i in range(2 * GUESTS)]
MEMORY = 8 << 20  # KiB: a QEMU needs 30 MiB
RESIDENT = 20 << 10  # KiB, of vfaliasd: its own memory and its share of mapped libraries

CONFIG = """
[vfalias]
sysfs_root = /run/sys
[pci]
device_spec = {"vendor_id": "8086", "product_id": "10ca"}
alias = {"name": "net", "vendor_id": "8086", "product_id": "10ca", "device_type": "type-VF", "attach": "macvtap"}
"""


def memory_available():
    return int(re.search(r"^MemAvailable: *(\d+)", Path("/proc/meminfo").read_text(), re.M).group(1))


def make_devices(host):
    """Cards with VFs in the fake /sys, whose interfaces are real."""
    shutil.rmtree(host.path("/run/sys"))
    tree = Tree(host.path("/run/sys"))
    names = iter(INTERFACES)
    for card in range(CARDS):
        pf = tree.pf("fade:%02x:00.0" % (2 * card), "8086:10c9", vfs=len(INTERFACES) // CARDS, vf_id="8086:10ca",
                     cls="020000", driver="igb", vf_driver="igbvf")
        for vf in pf.vfs:
            tree.netdev(vf, next(names))
    pairs = ["link add name %s type veth peer name %s\n" % pair for pair in zip(INTERFACES[::2], INTERFACES[1::2])]
    host.run("ip", "-batch", "-", stdin="".join(pairs))


@pytest.fixture
def host():
    if lacking():
        pytest.skip(lacking())
    if memory_available() < MEMORY:
        pytest.skip("needs %d MiB of memory" % (MEMORY >> 10))
    from namespace import Service
    from privatehost import RECORDERS, PrivateHost
    made = PrivateHost(Path(os.environ["VFALIAS_INST"]).resolve())
    taps = None
    try:
        if made.run("ip", "-batch", "-", check=False, stdin="link add name t0 type veth peer name t1\n"
                    "link add link t0 name m0 type macvtap mode passthru\nlink del t0\n").returncode != 0:
            pytest.skip("needs veth and macvtap in the kernel")
        for name in RECORDERS:
            made.path("/etc/libvirt/hooks/qemu.d/" + name).unlink()
        taps = subprocess.Popen(made.command([Path(__file__).parent / "make-taps"]), stdout=subprocess.PIPE, text=True)
        assert taps.stdout.readline() == "ready\n"
        make_devices(made)
        made.configure(CONFIG)
        made.libvirtd.stop()
        made.libvirtd = Service(made, "libvirtd", ["nice", "libvirtd"])  # other tests have priority
        made.libvirtd.start()
        made.vfaliasd.start()
        made.vfaliasd.lines.wait("connected to")
        yield made
    finally:
        made.close()
        if taps:
            taps.communicate()


def start_all(host):
    """Each client has its own connection, and takes the next guest that no client has started."""
    mine = threading.local()

    def connect():
        mine.connection = libvirt.open("qemu:///system?socket=%s" % host.path("/run/libvirt/libvirt-sock"))

    def start(number):
        domain = mine.connection.defineXML(guest("g%d" % number, "net", "net"))
        domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)

    with ThreadPoolExecutor(CLIENTS, initializer=connect) as clients:
        list(clients.map(start, range(GUESTS)))


def sources(domain):
    """The interfaces of a guest."""
    return [source.get("dev") for source in etree.fromstring(domain.XMLDesc()).findall(".//interface[@type='direct']/source")]


def test_200_guests_get_two_devices_each_and_none_twice(host):
    start_all(host)
    lines = host.vfaliasd.lines
    host.news.until(lambda: len(lines.find(": attached ")) >= len(INTERFACES),
                    "%d devices are attached" % len(INTERFACES))
    claims = host.claims()
    assert sorted(claim["domain"] for claim in claims) == sorted(2 * ["g%d" % i for i in range(GUESTS)])
    assert {claim["state"] for claim in claims} == {"active"}
    assert len({claim["device"] for claim in claims}) == len(INTERFACES)

    had = [sources(domain) for domain in host.connection.listAllDomains()]
    assert [len(names) for names in had] == [2] * GUESTS
    assert sorted(sum(had, [])) == sorted(INTERFACES)
    links = json.loads(host.run("ip", "-json", "-details", "link", "show", "type", "macvtap").stdout)
    assert sorted(link["link"] for link in links) == sorted(INTERFACES)

    resident = host.path("/proc/%d/smaps_rollup" % host.vfaliasd.pid()).read_text()
    assert int(re.search(r"^Pss: *(\d+)", resident, re.M).group(1)) <= RESIDENT
