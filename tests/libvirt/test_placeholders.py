# SPDX-License-Identifier: LGPL-2.1-or-later
"""Placeholders in definitions, which vfaliasd replaces by devices. No guest runs with a device here."""
import fcntl
import os
import statistics
import struct
import time

import libvirt
import pytest
from lxml import etree

from guests import guest, hostdev, ports, requests
from privatehost import GPU, QATS

F_OFD_SETLK = 37
NOWHERE = ["ffff:ff:1f.%d" % function for function in range(8)]


def interface(address, alias, more=""):
    domain, bus, rest = address.split(":")
    slot, function = rest.split(".")
    return ("<interface type='hostdev'><mac address='52:54:00:00:00:07'/>%s<source><address type='pci' domain='0x%s' "
            "bus='0x%s' slot='0x%s' function='0x%s'/></source><alias name='%s'/></interface>"
            % (more, domain, bus, slot, function, alias))


def placeholder(number, alias):
    return hostdev(NOWHERE[number], alias)


def definition(host, name):
    return host.domain(name).XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)


def sources(xml):
    """{USER ALIAS: host address}"""
    found = {}
    for each in etree.fromstring(xml).iterfind("devices/*/source/address/../.."):
        where = [int(each.find("source/address").get(key), 16) for key in ("domain", "bus", "slot", "function")]
        alias = each.find("alias")
        found[None if alias is None else alias.get("name")] = "%04x:%02x:%02x.%x" % tuple(where)
    return found


def wait_sources(host, name, look, what):
    """Waits until look(sources) of a definition is true; libvirt reports each define. Returns the sources."""
    def all_of_them():
        found = sources(definition(host, name))
        return (found,) if look(found) else None
    return host.news.until(all_of_them, "definition of %s: %s" % (name, what))[0]


def wait_filled(host, name):
    return wait_sources(host, name, lambda found: not set(found.values()) & set(NOWHERE), "filled")


def wait_looked_at(host, number=0):
    """vfaliasd handles events in order: waits until it has looked at all earlier definitions."""
    host.define(guest("last%d" % number, devices=placeholder(0, "ua-vf-gpu-0")))
    wait_filled(host, "last%d" % number)
    host.domain("last%d" % number).undefine()


def claim(host, device, name="other"):
    """As if a domain ran with the device: makes an incoming claim, which gc does not drop."""
    done = host.vfalias("resolve", stdin=guest(name, devices=hostdev(device, "ua-vf-qat-0")))
    return etree.fromstring(done.stdout).findtext("uuid")


def release(host, name="other"):
    host.vfalias("release", name, "--force")


def refusal(call):
    with pytest.raises(libvirt.libvirtError) as refused:
        call()
    return str(refused.value).partition("vfalias: ")[2].strip()


def test_filled_when_it_is_defined(host):
    """One define puts devices into a hostdev and an interface, and adds the ports that the requests lack. The rest of
    the definition does not change."""
    metadata = requests("qat")
    devices = ports(1) + placeholder(0, "ua-vf-qat-7") + interface(NOWHERE[1], "ua-vf-gpu",
                                                                   "<vlan><tag id='42'/></vlan>")
    since = len(host.events)
    host.define(guest("a", machine="q35", metadata=metadata, devices=devices))
    assert wait_filled(host, "a") == {"ua-vf-qat-7": QATS[0], "ua-vf-gpu": GPU}
    xml = etree.fromstring(definition(host, "a"))
    assert xml.find("devices/interface/vlan/tag").get("id") == "42"
    assert xml.find("devices/interface/mac").get("address") == "52:54:00:00:00:07"
    host.vfaliasd.lines.wait("domain 'a': added")
    host.vfaliasd.lines.wait("domain 'a': put " + GPU)
    wait_looked_at(host)
    host.wait_event("last0", libvirt.VIR_DOMAIN_EVENT_UNDEFINED)
    assert [event for event in host.events[since:] if event[0] == "a"] == [("a", 0, 0), ("a", 0, 1)]
    assert host.claims() == []


def test_definitions_do_not_collide_while_devices_are_left(host):
    """Four definitions, three devices. A domain that is defined again gets its earlier device."""
    names = ["a", "b", "c", "d"]
    for name in names:
        host.define(guest(name, devices=placeholder(0, "ua-vf-qat-0")))
    found = [wait_filled(host, name)["ua-vf-qat-0"] for name in names]
    assert set(found) == set(QATS)
    explained = host.vfalias("explain", "qat").stdout
    assert explained.count("candidate: tentative for '") == 2  # explain would choose the first of them all the same
    again = etree.fromstring(definition(host, "b"))
    wait_looked_at(host)
    host.define(guest("b", uuid=again.findtext("uuid"), devices=placeholder(3, "ua-vf-qat-0")))
    assert wait_filled(host, "b")["ua-vf-qat-0"] == found[1]


def test_no_device_twice_in_a_domain(host):
    host.define(guest("a", devices=placeholder(0, "ua-vf-qat-0") + hostdev(QATS[0]) + placeholder(1, "ua-vf-qat-1")
                      + placeholder(2, "ua-vf-qat-2")))
    found = wait_sources(host, "a", lambda found: sum(v in QATS for v in found.values()) == 3, "two of three filled")
    assert sorted(found[alias] for alias in ("ua-vf-qat-0", "ua-vf-qat-1", "ua-vf-qat-2")) == \
        sorted(QATS[1:] + [found["ua-vf-qat-2"]])
    assert found["ua-vf-qat-2"] in NOWHERE
    host.vfaliasd.lines.wait("no free device for request 'qat-2': alias 'qat' has 3 devices, 1 claimed, 2 for this")


def test_a_claim_overtakes(host):
    """The definition that loses its device gets another one. Without a free device it does not change until a device
    becomes free."""
    host.define(guest("a", devices=placeholder(0, "ua-vf-qat-0")))
    assert wait_filled(host, "a")["ua-vf-qat-0"] == QATS[0]
    claim(host, QATS[0], "one")
    wait_sources(host, "a", lambda found: found["ua-vf-qat-0"] == QATS[1], "the second")
    claim(host, QATS[2], "two")
    claim(host, QATS[1], "three")
    host.vfaliasd.lines.wait("domain 'a': not all placeholders of its definition can be filled: no free device for request 'qat-0': "
                             "alias 'qat' has 3 devices, 3 claimed")
    assert sources(definition(host, "a"))["ua-vf-qat-0"] == QATS[1]
    release(host, "two")
    wait_sources(host, "a", lambda found: found["ua-vf-qat-0"] == QATS[2], "the third")


def test_what_a_domain_has_is_put_into_quarantine(host):
    """While the domain has the device, its definition does not change. Then it gets another device."""
    host.define(guest("a", devices=placeholder(0, "ua-vf-qat-0")))
    assert wait_filled(host, "a")["ua-vf-qat-0"] == QATS[0]
    host.vfalias("resolve", stdin=definition(host, "a"))  # from here on the domain has the device
    host.vfalias("quarantine", "add", QATS[0], "it smells")
    wait_looked_at(host)
    wait_looked_at(host, 1)
    put = "domain 'a': put %s into its definition" % QATS[0]
    assert len([line for line in host.vfaliasd.lines.lines if put in line]) == 1
    release(host, "a")
    wait_sources(host, "a", lambda found: found["ua-vf-qat-0"] == QATS[1], "the second")


def test_what_was_said_of_a_definition_goes_with_it(host):
    """The next definition with this UUID is reported again."""
    line = "domain 'lacks': not all placeholders of its definition can be filled"
    xml = guest("lacks", uuid="44444444-0000-4000-8000-000000000000", devices="".join(
        placeholder(number, "ua-vf-" + name) for number, name in enumerate(["qat-0", "gpu-0", "gpu-1"])))
    host.define(xml)
    wait_sources(host, "lacks", lambda found: found["ua-vf-qat-0"] == QATS[0], "what there is")
    assert len(host.vfaliasd.lines.wait(line)) == 1
    host.domain("lacks").undefine()
    host.news.until(lambda: "tentative for 'lacks'" not in host.vfalias("devices").stdout, "nothing is kept for it")
    host.define(xml)
    host.news.until(lambda: len(host.vfaliasd.lines.find(line)) == 2, "said again")


def test_a_users_edit_wins(host):
    """An address that exists is the user's choice, until another domain claims the device."""
    host.define(guest("a", devices=placeholder(0, "ua-vf-qat-0")))
    wait_filled(host, "a")
    host.define(definition(host, "a").replace("bus='0x3d' slot='0x02' function='0x0'",
                                              "bus='0x3d' slot='0x02' function='0x2'"))
    wait_looked_at(host)
    assert sources(definition(host, "a"))["ua-vf-qat-0"] == QATS[2]
    host.define(guest("b", devices=hostdev(GPU, "ua-vf-qat-0") + hostdev(QATS[0], "ua-mine")))
    wait_looked_at(host, 1)
    assert sources(definition(host, "b")) == {"ua-vf-qat-0": GPU, "ua-mine": QATS[0]}
    claim(host, QATS[2])
    wait_sources(host, "a", lambda found: found["ua-vf-qat-0"] in QATS[:2], "another")


def test_what_vfaliasd_missed(host):
    """vfaliasd is killed. Meanwhile domains are defined, lose their devices and are undefined."""
    host.define(guest("overtaken", devices=placeholder(0, "ua-vf-qat-0")))
    host.define(guest("gone", devices=placeholder(0, "ua-vf-qat-0")))
    had, gone = (wait_filled(host, name)["ua-vf-qat-0"] for name in ("overtaken", "gone"))
    host.vfaliasd.kill()
    host.domain("gone").undefine()
    claim(host, had)
    host.define(guest("new", devices=placeholder(0, "ua-vf-qat-0")))
    host.vfaliasd.start()
    got = {wait_sources(host, name, lambda found: found["ua-vf-qat-0"] in set(QATS) - {had}, "another")["ua-vf-qat-0"]
           for name in ("overtaken", "new")}
    assert got == set(QATS) - {had}  # so the device of the undefined domain is not tentative any more
    host.domain("new").undefine()
    host.define(guest("newer", devices=placeholder(0, "ua-vf-qat-0")))
    assert wait_filled(host, "newer")["ua-vf-qat-0"] in got
    wait_looked_at(host)
    host.news.until(lambda: host.vfalias("devices").stdout.count("free, tentative for") == 2, "two tentative devices")


def test_define_and_start_at_once(quiet_host):
    """The hook cannot know more than that vfaliasd will look after the start. The line says what to do, which works."""
    host = quiet_host
    host.vfaliasd.start()  # this creates the lock file
    host.vfaliasd.stop()
    with open(host.path("/run/vfalias/state.lock"), "r+") as lock:
        fcntl.fcntl(lock, F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
        domain = host.define(guest("a", devices=placeholder(0, "ua-vf-qat-0")))
        assert refusal(domain.create) == (
            "domain 'a': device 'ua-vf-qat-0' names no device of this host: start it again, vfaliasd has chosen "
            "another one for its definition (if it has none, run 'vfalias resolve')")
    host.vfaliasd.start()
    wait_filled(host, "a")
    assert not refusal(domain.create)  # now only libvirt stops it: the devices are fake
    assert host.claims() == []


def test_a_start_that_was_refused_mends_the_definition(quiet_host):
    """vfaliasd could not know what the hook found. The next start uses another device."""
    host = quiet_host
    tree = host.make_devices()
    host.vfaliasd.start()
    host.vfaliasd.lines.wait("connected to")
    domain = host.define(guest("a", devices=placeholder(0, "ua-vf-qat-0")))
    assert wait_filled(host, "a")["ua-vf-qat-0"] == QATS[0]
    group = os.readlink(tree.devices[QATS[0]].path / "iommu_group").rpartition("/")[2]
    tree.device("fade:3d:1f.0", "8086:15bb", group=int(group), driver="e1000e")
    assert refusal(domain.create).startswith(
        "domain 'a': device %s of 'ua-vf-qat-0' cannot be used: IOMMU group not viable: start it again" % QATS[0])
    wait_sources(host, "a", lambda found: found["ua-vf-qat-0"] == QATS[1], "the second")
    assert not refusal(domain.create)
    tree.remove(tree.devices["fade:3d:1f.0"])


def test_quarantine_overtakes(host):
    host.define(guest("a", devices=placeholder(0, "ua-vf-qat-0")))
    wait_filled(host, "a")
    host.vfalias("quarantine", "add", QATS[0], "it hangs")
    wait_sources(host, "a", lambda found: found["ua-vf-qat-0"] == QATS[1], "the second")


def test_without_vfaliasd(quiet_host):
    """The line says what to do, and that works."""
    host = quiet_host
    domain = host.define(guest("a", devices=placeholder(0, "ua-vf-qat-0")))
    assert refusal(domain.create) == (
        "domain 'a': device 'ua-vf-qat-0' names no device of this host: run 'vfalias resolve', or start "
        "vfaliasd, which chooses another one for its definition")
    host.run("sh", "-c", "virsh -q dumpxml --inactive a | vfalias resolve | virsh -q define /proc/self/fd/0")
    assert sources(definition(host, "a"))["ua-vf-qat-0"] == QATS[0]
    (claimed,) = host.claims("a")
    assert (claimed["device"], claimed["state"]) == (QATS[0], "incoming")
    assert not refusal(domain.create)  # vfalias does not refuse it any more
    host.syslog.wait("domain 'a': claimed %s for request 'qat-0'" % QATS[0])


def test_of_a_running_domain_the_definition_only(host):
    host.define(guest("runs"))
    host.virsh("start", "runs")
    live = host.xml("runs")
    host.define(definition(host, "runs").replace("</devices>", placeholder(0, "ua-vf-qat-0") + "</devices>"))
    assert wait_filled(host, "runs")["ua-vf-qat-0"] == QATS[0]
    assert host.xml("runs") == live
    host.virsh("destroy", "runs")
    wait_looked_at(host)
    assert sources(definition(host, "runs"))["ua-vf-qat-0"] == QATS[0]


def test_time_from_define_to_filled(host, capsys):
    """The time from the call of define until libvirt reports the definition with the devices."""
    filled = {}

    def on_event(_connection, domain, event, detail, _opaque):
        if (event, detail) == (libvirt.VIR_DOMAIN_EVENT_DEFINED, libvirt.VIR_DOMAIN_EVENT_DEFINED_UPDATED):
            filled.setdefault(domain.name(), time.monotonic())
            host.news.tell()
    other = libvirt.open(host.connection.getURI())
    other.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, on_event, None)
    waits = []
    for number in range(15):
        name = "quick%d" % number
        began = time.monotonic()
        host.define(guest(name, devices=placeholder(0, "ua-vf-qat-0") + placeholder(1, "ua-vf-gpu-0")))
        host.news.until(lambda: name in filled, "no second define of " + name)
        waits.append((filled[name] - began) * 1000)
        assert not set(sources(definition(host, name)).values()) & set(NOWHERE)
    other.close()
    with capsys.disabled():
        print("\nfrom define to a filled definition: median %.1f ms (%.1f to %.1f, %d defines)"
              % (statistics.median(waits), min(waits), max(waits), len(waits)))
    assert statistics.median(waits) < 1000
