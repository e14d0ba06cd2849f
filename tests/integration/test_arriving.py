# SPDX-License-Identifier: LGPL-2.1-or-later
"""Domains that come from another host or from a saved image: the XML with which the hook replaces their XML."""
import re
import resource
import signal
import subprocess
from xml.etree import ElementTree

import pytest

from hookhost import CONFIG, HOOK, domain, fine, hostdev, refused, request

ASKED = request("net", name="dp0")
VFS = ["0000:02:10.0", "0000:02:10.2"]
ELSEWHERE = "0000:7f:10.3"  # no device of this host
KEY = "device_spec = "


def interface(address, name="dp0", more=""):
    """A VF of a request as libvirt writes it, with parts that must not change."""
    dom, bus, rest = address.split(":")
    slot, function = rest.split(".")
    return ("<interface type='hostdev' managed='yes'><mac address='52:54:00:00:00:07'/><source>"
            "<address type='pci' domain='0x%s' bus='0x%s' slot='0x%s' function='0x%s'/></source>"
            "<teaming type='transient' persistent='ua-back'/><alias name='ua-vf-%s'/>%s<address type='pci' domain='0x0000' "
            "bus='0x03' slot='0x00' function='0x0'/></interface>" % (dom, bus, slot, function, name, more))


def macvtap(netdev, name="dp0"):
    return ("<interface type='direct'><mac address='52:54:00:00:00:07'/><source dev='%s' mode='passthrough'/>"
            "<model type='virtio'/><alias name='ua-vf-%s'/></interface>" % (netdev, name))


def arriving(devices="", asked=ASKED, **more):
    return domain(1, asked, devices, **more)


def tree(text):
    """XML without differences that libvirt ignores: blanks, and the order of a device's children."""
    def plain(element):
        return element.tag, sorted(element.attrib.items()), (element.text or "").strip(), sorted(map(plain, element))
    return plain(ElementTree.fromstring(text))


def changed(done, xml, was, now):
    """The reply is the XML with one change."""
    assert (done.returncode, done.stderr) == (0, ""), done
    assert was in xml and done.stdout
    assert tree(done.stdout) == tree(xml.replace(was, now))
    return done.stdout


def source(address):
    return re.search("<source>.*</source>", interface(address)).group()


def states(host):
    return {(c["domain"], c["request"]): (c["device"], c["state"]) for c in host.claims()}


# ---- migrate ----

def test_migrate_with_a_device_puts_one_of_this_host_into_the_xml(host):
    xml = arriving(interface(ELSEWHERE))
    answer = changed(host.hook("migrate", xml), xml, source(ELSEWHERE), source(VFS[0]))
    assert states(host) == {("d1", "dp0"): (VFS[0], "incoming")}
    fine(host.hook("prepare", answer))
    assert states(host) == {("d1", "dp0"): (VFS[0], "claimed")}
    fine(host.hook("release", answer, extra="failed"))
    assert states(host) == {}


def test_migrate_chooses_anew_whatever_the_xml_names(host):
    """An address is of the other host: on this host it may be any device, also a free one."""
    for address in (VFS[1], "0000:00:1f.6", "0000:65:00.1"):
        xml = arriving(interface(address))
        changed(host.hook("migrate", xml), xml, source(address), source(VFS[0]))
        assert states(host) == {("d1", "dp0"): (VFS[0], "incoming")}
    fine(host.hook("migrate", arriving(interface(VFS[0]))))  # no change, so no reply


def test_migrate_chooses_another_if_it_is_taken_or_not_allowed(host):
    fine(host.prepare(2, request("net")))
    xml = arriving(interface(VFS[0]))
    changed(host.hook("migrate", xml), xml, source(VFS[0]), source(VFS[1]))
    fine(host.release(1, requests=ASKED))
    host.configure(CONFIG.replace(KEY, 'device_spec = {"address": "0000:42:*.*", "physical_network": "physnet1"}\n#', 1))
    other = "0000:42:10.0"
    changed(host.hook("migrate", xml), xml, source(VFS[0]), source(other))


def test_migrate_of_a_macvtap(host):
    xml = arriving(macvtap("eth9"))
    changed(host.hook("migrate", xml), xml, "dev='eth9'", "dev='enp1s0v0'")
    assert states(host) == {("d1", "dp0"): (VFS[0], "incoming")}


def test_migrate_keeps_devices_for_requests_that_have_none_yet(host):
    asked = ASKED + request("accel") + request("accel", name="more", optional="yes")
    fine(host.prepare(2, request("accel", count=3)))
    fine(host.hook("migrate", arriving(asked=asked)))
    kept = states(host)
    assert kept.pop(("d1", "dp0")) == (VFS[0], "incoming")
    assert kept.pop(("d1", "accel-0"))[1] == "incoming"
    assert ("d1", "more") not in kept
    before = host.held()
    fine(host.hook("prepare", arriving(asked=asked)))
    assert host.held() == before
    assert {state for _, state in states(host).values()} == {"claimed"}


def test_a_start_keeps_nothing_of_an_arrival_that_asked_for_more(host):
    """The migration failed, and the domain starts from another definition before the claims of the arrival expire."""
    fine(host.hook("migrate", arriving(hostdev("0000:42:10.2"), ASKED + request("accel"))))
    assert len(host.held()) == 3
    fine(host.hook("prepare", arriving(asked=request("accel"))))
    assert set(host.held()) == {("d1", "accel-0")}


def test_migrate_a_second_time_is_as_the_first(host):
    xml = arriving(interface(ELSEWHERE), ASKED + request("accel"))
    first = host.hook("migrate", xml)
    kept = states(host)
    assert host.hook("migrate", xml).stdout == first.stdout != ""
    assert states(host) == kept


def test_migrate_with_nothing_free_is_refused(host):
    fine(host.prepare(2, request("net", count=14), ports=14))
    line = "vfalias: domain 'd1': no free device for request 'dp0': alias 'net' has 14 devices, 14 claimed"
    assert refused(host.hook("migrate", arriving(interface(ELSEWHERE)))) == line
    assert refused(host.hook("migrate", arriving())) == line
    assert refused(host.hook("migrate", arriving(interface(ELSEWHERE), request("accel") + ASKED))) == line
    assert {name for name, _ in states(host)} == {"d2"}


@pytest.mark.parametrize("spoil,words", [
    (lambda host: host.configure("[pci]\nalias = {broken\n"), "vfalias.conf:2: "),
    (lambda host: host.configure(CONFIG.replace('"name": "net"', '"name": "other"')), "no alias 'net' is configured"),
    (lambda host: host.daemon_is_gone(), "vfaliasd is not running"),
], ids=["configuration", "alias", "daemon"])
def test_migrate_is_refused_where_its_prepare_would_be(host, spoil, words):
    spoil(host)
    assert words in refused(host.hook("migrate", arriving()))
    fine(host.hook("migrate", arriving(hostdev(VFS[0]), asked="")))


def test_migrate_without_an_empty_port_is_refused(host):
    assert "1 more empty PCIe root port" in refused(host.hook("migrate", arriving(ports=0)))


# ---- restore ----

def test_restore_keeps_or_chooses_anew(host):
    xml = arriving(macvtap("enp1s0v0"))
    fine(host.hook("restore", xml))
    assert states(host) == {("d1", "dp0"): (VFS[0], "incoming")}
    fine(host.release(1, requests=ASKED))
    fine(host.prepare(2, request("net")))
    answer = changed(host.hook("restore", xml), xml, "dev='enp1s0v0'", "dev='enp1s0v1'")
    fine(host.hook("prepare", answer))
    assert states(host)["d1", "dp0"] == (VFS[1], "claimed")
    xml = arriving(interface(VFS[0]))
    fine(host.release(1, requests=ASKED))
    changed(host.hook("restore", xml), xml, source(VFS[0]), source(VFS[1]))


def test_restore_leaves_requests_to_prepare(host):
    fine(host.hook("restore", arriving()))
    assert states(host) == {}
    fine(host.hook("prepare", arriving()))
    assert states(host) == {("d1", "dp0"): (VFS[0], "claimed")}


def test_restore_with_nothing_free_changes_nothing_and_prepare_refuses(host):
    fine(host.prepare(2, request("net", count=14), ports=14))
    xml = arriving(macvtap("enp1s0v0"))
    fine(host.hook("restore", xml))
    assert refused(host.hook("prepare", xml)).startswith(
        "vfalias: domain 'd1': device 0000:02:10.0 is not free: domain 'd2' holds 0000:02:10.0 (request 'net-0')")


@pytest.mark.parametrize("spoil", [
    lambda host: host.configure("[pci]\nalias = {broken\n"),
    lambda host: host.configure(CONFIG.replace('"name": "net"', '"name": "other"')),
    lambda host: host.daemon_is_gone(),
    lambda host: host.state.mkdir(),
], ids=["configuration", "alias", "daemon", "state"])
def test_restore_never_fails(host, spoil):
    spoil(host)
    done = host.hook("restore", arriving(macvtap("enp1s0v0"), ASKED + request("nonsense", count="0")))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("signals", [signal.SIG_DFL, signal.SIG_IGN], ids=["killed", "told"])
def test_restore_answers_with_the_whole_xml_or_not_at_all(host, signals):
    """No file may be larger than `limit`: the hook cannot write its reply, at all or in the middle."""
    xml = arriving(macvtap("e") + "<!--%s-->" % ("x" * (1 << 20)))
    answer = host.hook("restore", xml).stdout
    assert len(answer) > len(xml)

    def limited(size):
        def prepare():
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            signal.signal(signal.SIGXFSZ, signals)
        done = subprocess.run([str(HOOK), "d1", "restore", "begin", "-"], input=xml, text=True, capture_output=True,
                              env=host.env, timeout=60, preexec_fn=prepare)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    for size in (0, 1 << 16, len(xml) - 1, len(xml), len(answer) - 1):
        fine(host.release(1, requests=ASKED))
        assert limited(size) == "", size
    assert states(host) == {("d1", "dp0"): (VFS[0], "incoming")}  # the hook failed only when it wrote the reply
    refused(host.hook("prepare", xml))
    assert limited(len(answer)) == answer


# ---- rehearsal ----

def rehearsal(kind, asked=ASKED, **more):
    return domain(1, asked, **more).replace("<vfalias:requests ", "<vfalias:requests rehearsal='%s' " % kind)


def test_rehearsal_never_starts_and_says_what_there_would_be(host):
    asked = ASKED + request("accel") + request("accel", name="more", optional="yes")
    fine(host.prepare(2, request("accel", count=3)))
    before = states(host)
    line = refused(host.hook("prepare", rehearsal("ask", asked)))
    accel = (set("0000:65:00.%d" % n for n in range(1, 5)) - set(host.held().values())).pop()
    assert line == "vfalias: domain 'd1': rehearsed: dp0 gets %s, accel-0 gets %s, more gets none" % (VFS[0], accel)
    assert states(host) == before


def test_rehearsal_that_reserves(host):
    refused(host.hook("prepare", rehearsal("reserve")))
    for operation in ("stopped", "release"):
        fine(host.hook(operation, rehearsal("reserve"), extra="failed"))
    assert states(host) == {("d1", "dp0"): (VFS[0], "incoming")}
    fine(host.prepare(2, request("net")))
    assert host.held()["d2", "net-0"] == VFS[1]
    xml = arriving(interface(ELSEWHERE))
    changed(host.hook("migrate", xml), xml, source(ELSEWHERE), source(VFS[0]))
    assert refused(host.hook("prepare", rehearsal("cancel"))) == "vfalias: domain 'd1': rehearsed: cancelled"
    assert set(host.held()) == {("d2", "net-0")}


def test_rehearsal_cancels_nothing_of_a_domain_that_is_here(host):
    fine(host.prepare(1, ASKED))
    refused(host.hook("prepare", rehearsal("cancel")))
    assert states(host) == {("d1", "dp0"): (VFS[0], "claimed")}


def test_rehearsal_is_refused_as_the_domain_would_be(host):
    fine(host.prepare(2, request("net", count=14), ports=14))
    for kind in ("ask", "reserve"):
        assert refused(host.hook("prepare", rehearsal(kind))) == (
            "vfalias: domain 'd1': no free device for request 'dp0': alias 'net' has 14 devices, 14 claimed")
    assert "rehearsal 'maybe' is none of ask, reserve, cancel" in refused(host.hook("prepare", rehearsal("maybe")))
    host.daemon_is_gone()
    assert "vfaliasd is not running" in refused(host.hook("prepare", rehearsal("ask")))
