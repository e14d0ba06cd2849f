# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices in the XML that carry ua-vf-NAME: vfalias resolve, and the hook's messages about them."""
import re
import sqlite3
from xml.etree import ElementTree

import pytest

from hookhost import CONFIG, domain, fine, hostdev, refused, request, uuid

NOWHERE = "ffff:ff:1f.%d"
FIRST, SECOND, OTHER_PF = "0000:02:10.0", "0000:02:10.2", "0000:42:10.0"
AGAIN = "start it again, vfaliasd has chosen another one for its definition (if it has none, run 'vfalias resolve')"
PERMIT = CONFIG.replace('"device_type": "type-VF"}\nalias', '"device_type": "type-VF", "permit": ["d2"], '
                        '"max_per_domain": 2}\nalias', 1)


def interface(address, name):
    return re.sub(r"<hostdev[^>]*><source><address", "<interface type='hostdev'><source><address type='pci'",
                  hostdev(address, name)).replace("</hostdev>", "</interface>")


def macvtap(netdev, name):
    return ("<interface type='direct'><source dev='%s' mode='passthrough'/><alias name='ua-vf-%s'/></interface>"
            % (netdev, name))


def resolve(host, xml, *options):
    return host.cli("resolve", *options, input=xml)


def resolved(host, xml, *options):
    done = resolve(host, xml, *options)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def unresolved(host, xml, status=1):
    """The only line, without "vfalias: "."""
    done = resolve(host, xml)
    assert done.returncode == status and not done.stdout and len(done.stderr.splitlines()) == 1, done
    assert done.stderr.startswith("vfalias: ")
    return done.stderr.strip().removeprefix("vfalias: ")


def sources(xml):
    """The addresses of the host devices in the XML, in order."""
    found = ElementTree.fromstring(xml).iterfind("devices/*/source/address")
    return ["%04x:%02x:%02x.%x" % tuple(int(each.get(key), 16) for key in ("domain", "bus", "slot", "function"))
            for each in found]


# ---- resolve ----

def test_resolve_and_start(host):
    xml = domain(1, devices=hostdev(NOWHERE % 0, "net-0") + interface(NOWHERE % 1, "net-1") +
                 macvtap("nowhere", "net-2") + hostdev(NOWHERE % 2, "accel"))
    done = resolved(host, xml)
    assert sources(done) == [FIRST, SECOND, "0000:65:00.1"]
    assert '<source dev="enp1s0v2" mode="passthrough"/>' in done
    assert {c["state"] for c in host.claims()} == {"incoming"}
    assert host.held() == {("d1", "net-0"): FIRST, ("d1", "net-1"): SECOND, ("d1", "net-2"): "0000:02:10.4",
                           ("d1", "accel"): "0000:65:00.1"}
    fine(host.hook("prepare", done))
    assert {(c["state"], c["alias"]) for c in host.claims()} == {("claimed", "net"), ("claimed", "accel")}
    fine(host.hook("release", done))
    assert host.claims() == []


def test_resolve_changes_nothing_else(host):
    before = ("<?xml version='1.0'?>\n<!-- mine -->\n<domain type='kvm'>\n  <name>d1</name>\n  <uuid>%s</uuid>\n"
              "  <title>a &amp; b &#x41; \"quoted\"</title>\n  <devices>\n    <disk  type = 'file' />\n    " % uuid(1))
    after = "\n    <rng model='virtio'/><!-- <hostdev> -->\n  </devices>\n</domain>\n<!-- end -->\n"
    device = hostdev(NOWHERE % 0, "net-0")
    done = resolved(host, before + device + after)
    assert done.startswith(before) and done.endswith(after) and sources(done) == [FIRST]
    assert resolved(host, done) == done  # a second run changes nothing, and keeps the device
    plain = before + hostdev("0000:41:00.0") + after
    host.cli("release", "d1", "--force")
    assert resolved(host, plain) == plain
    assert host.claims() == []


def test_resolve_keeps_what_can_be_had(host):
    """A free device of the alias, and a device that the alias does not select, are kept. Devices that are in use are
    replaced."""
    fine(host.prepare(2, request("net")))
    done = resolved(host, domain(1, devices=hostdev(NOWHERE % 0, "net-3") + hostdev(FIRST, "net-0") +
                                 hostdev(SECOND, "net-1") + hostdev("0000:00:1f.6", "net-2") + hostdev("0000:65:00.1")))
    assert sources(done) == ["0000:02:10.4", "0000:02:10.6", SECOND, "0000:00:1f.6", "0000:65:00.1"]
    fine(host.hook("prepare", done))
    assert {c["request"]: c["alias"] for c in host.claims() if c["domain"] == "d1"} == {
        "net-0": "net", "net-1": "net", "net-2": None, "net-3": "net", "static:0000:65:00.1": None}


def test_resolve_gives_a_uuid(host):
    xml = domain(1, devices=hostdev(NOWHERE % 0, "net-0")).replace("<uuid>%s</uuid>" % uuid(1), "")
    first, second = resolved(host, xml), resolved(host, xml)
    found = [re.search("<name>d1</name><uuid>([-0-9a-f]{14}4[-0-9a-f]{4}[89ab][-0-9a-f]{16})</uuid>", text).group(1)
             for text in (first, second)]
    assert found[0] != found[1] and {c["uuid"] for c in host.claims()} == set(found)
    assert sources(first) == [FIRST] and sources(second) == [SECOND]


def test_dry_run(host):
    xml = domain(1, devices=hostdev(NOWHERE % 0, "net-0")).replace("<uuid>%s</uuid>" % uuid(1), "")
    done = resolved(host, xml, "--dry-run")
    assert sources(done) == [FIRST] and "<uuid>" not in done
    assert not host.state.exists()
    fine(host.prepare(2, request("net")))
    before = host.state.read_bytes()
    assert sources(resolved(host, xml, "--dry-run")) == [SECOND]
    assert host.state.read_bytes() == before


def test_foreign_tree(host, tmp_path):
    """vfalias resolve claims no devices of another host, unless the state of that host is given, too."""
    xml = domain(1, devices=hostdev(NOWHERE % 0, "net-0"))
    copy = str(host.tree.root) + "/."
    assert host.cli("--sysfs-root", copy, "resolve", input=xml).returncode == 2
    assert sources(host.cli("--sysfs-root", copy, "resolve", "--dry-run", input=xml).stdout) == [FIRST]
    state = tmp_path / "elsewhere"
    assert sources(host.cli("--sysfs-root", copy, "--state", str(state), "resolve", input=xml).stdout) == [FIRST]
    assert state.exists() and not host.state.exists()


def test_nothing_free(host):
    fine(host.prepare(2, request("accel", count=3)))
    xml = domain(1, devices=hostdev(NOWHERE % 0, "accel-0") + hostdev(NOWHERE % 1, "accel-1"))
    assert unresolved(host, xml) == ("domain 'd1': no free device for request 'accel-1': alias 'accel' has 4 devices, "
                                     "3 claimed, 1 for this domain's other requests")
    assert {c["domain"] for c in host.claims()} == {"d2"}


@pytest.mark.parametrize("xml, line", [
    ("", "cannot read domain XML: "),
    ("hello", "cannot read domain XML: line 1: "),
    ("<network><name>n</name></network>", "cannot read domain XML: its element is 'network', not 'domain'"),
    ("<domain/>", "cannot read domain XML: no <name>"),
    ("<!DOCTYPE domain [<!ENTITY e 'e'>]><domain><name>&e;</name></domain>", "cannot read domain XML: it has a document"),
    (domain(1, devices=hostdev(NOWHERE % 0, "gpu-0")),
     "domain 'd1': request 'gpu-0': no alias 'gpu' is configured on this host (there are 'net', 'accel')"),
    (domain(1, request("net", colour="red", name="x"), devices=hostdev(NOWHERE % 0, "x")),
     "domain 'd1': request 'x': unknown attribute 'colour'"),
    (domain(1, "<vfalias:wish/>", devices=hostdev(NOWHERE % 0, "net-0")), "domain 'd1': cannot read requests: "),
])
def test_what_cannot_be_resolved(host, xml, line):
    assert unresolved(host, xml).startswith(line)
    assert not host.state.exists() or host.claims() == []


def test_usage(host):
    assert host.cli("resolve", "file.xml", input="").returncode == 2
    assert "resolve [--dry-run]" in host.cli("resolve", "--help", input="").stdout


def test_of_a_domain_that_runs(host):
    fine(host.prepare(1, request("net")))
    assert "it has device %s already" % FIRST in unresolved(host, domain(1, devices=hostdev(NOWHERE % 0, "net-1")))


# ---- prepare ----

def placeholder(number=0, name="net-0"):
    return hostdev(NOWHERE % number, name)


def unmet(host):
    with sqlite3.connect(host.state) as db:
        return [row[0] for row in db.execute("SELECT uuid FROM unmet")]


@pytest.mark.parametrize("device, wrong", [
    (placeholder(), "device 'ua-vf-net-0' names no device of this host"),
    (interface(NOWHERE % 0, "net-0"), "device 'ua-vf-net-0' names no device of this host"),
    (macvtap("nowhere", "net-0"), "device 'ua-vf-net-0' names no device of this host"),
    (hostdev("0000:02:1f.7", "net-0"), "device 'ua-vf-net-0' names no device of this host"),
    (hostdev("0000:02:10.6", "net-0"), "device 0000:02:10.6 is not free: domain 'd2' holds 0000:02:10.6 (request 'x')"),
    (hostdev("0000:01:00.0", "net-0"), "device 0000:01:00.0 is not free: domain 'd2' holds 0000:02:10.6 (request 'x')"),
    (hostdev("0000:02:10.4", "net-0"), "device 0000:02:10.4 of 'ua-vf-net-0' cannot be used: quarantined"),
    (hostdev(SECOND, "net-0"), "device 0000:02:10.2 of 'ua-vf-net-0' cannot be used: netdev in use"),
], ids=["hostdev", "interface", "macvtap", "absent", "taken", "family", "quarantined", "in use"])
def test_placeholders_that_cannot_be_had(host, device, wrong):
    """One line: what is wrong, and the next command for the administrator."""
    host.tree.enslave(host.tree.devices[SECOND], "br0")
    fine(host.prepare(2, devices=hostdev("0000:02:10.6", "x")))
    host.cli("quarantine", "add", "0000:02:10.4", "it hangs")
    host.daemon_is_gone()
    assert refused(host.prepare(1, devices=device)) == (
        "vfalias: domain 'd1': %s: run 'vfalias resolve', or start vfaliasd, which chooses another one for its "
        "definition" % wrong)
    assert unmet(host) == []
    host.daemon_is_there()
    assert refused(host.prepare(1, devices=device)) == "vfalias: domain 'd1': %s: %s" % (wrong, AGAIN)
    assert unmet(host) == [uuid(1)]
    assert {c["domain"] for c in host.claims()} == {"d2"}


def test_nothing_would_be_free(host):
    """The message promises no device that cannot be had."""
    fine(host.prepare(2, request("accel", count=3)))
    free = "0000:65:00.4"
    assert refused(host.prepare(1, devices=placeholder(0, "accel-0") + placeholder(1, "accel-1"))) == (
        "vfalias: domain 'd1': no free device for request 'accel-1': alias 'accel' has 4 devices, 3 claimed, 1 for this "
        "domain's other requests")
    assert refused(host.prepare(1, devices=hostdev(free, "accel-0") + hostdev("0000:65:00.1", "accel-1"))) == (
        "vfalias: domain 'd1': device 0000:65:00.1 is not free: domain 'd2' holds 0000:65:00.1 (request 'accel-0'); no free "
        "device for request 'accel-1': alias 'accel' has 4 devices, 3 claimed, 1 for this domain's other requests")
    assert refused(host.prepare(1, devices=hostdev("0000:65:00.1", "gpu-1"))) == (
        "vfalias: domain 'd1': device 0000:65:00.1 is not free: domain 'd2' holds 0000:65:00.1 (request 'accel-0')")
    assert unmet(host) == []


def test_a_placeholder_needs_no_daemon(host):
    host.daemon_is_gone()
    fine(host.prepare(1, devices=hostdev(FIRST, "net-0")))
    (claim,) = host.claims()
    assert (claim["device"], claim["request"], claim["alias"], claim["state"]) == (FIRST, "net-0", "net", "claimed")


def test_permit_and_number_hold_for_placeholders(host):
    host.configure(PERMIT)
    line = "vfalias: domain 'd1': request 'net-0': this domain is not permitted to ask for alias 'net'"
    assert refused(host.prepare(1, devices=hostdev(FIRST, "net-0"))) == line
    assert refused(host.prepare(1, devices=placeholder())) == line
    fine(host.prepare(2, devices=hostdev(FIRST, "net-0") + hostdev(SECOND, "net-1")))
    fine(host.release(2, devices=hostdev(FIRST, "net-0")))
    line = "vfalias: domain 'd2': request 'more': 3 devices of alias 'net' are asked for, 2 are allowed"
    assert refused(host.prepare(2, request("net", name="more"), devices=hostdev(FIRST, "net-0") +
                                hostdev(SECOND, "net-1"))) == line
    # a device that the alias does not select is the administrator's choice, whatever its user alias is
    fine(host.prepare(1, devices=hostdev("0000:00:1f.6", "net-0")))
    assert [(c["device"], c["alias"]) for c in host.claims()] == [("0000:00:1f.6", None)]


@pytest.mark.parametrize("spec", ['{"devname": "enp1s0"}', '{"address": "0000:02:*.*"}'])
def test_device_that_came_after_the_last_scan(host, spec):
    """The alias selects the device: its settings, its rules and its quarantine count, although the index does not have
    the device."""
    first = next(line for line in CONFIG.splitlines() if line.startswith("device_spec"))
    host.configure(CONFIG.replace(first, "device_spec = " + spec))
    tree, pf = host.tree, host.tree.devices["0000:01:00.0"]
    vf = pf.vfs[0]
    assert vf.address == FIRST
    tree.remove(vf)
    assert host.cli("rescan").returncode == 0
    tree.vf(pf, FIRST, "8086:10ca", 0, cls="020000", numa=0, driver="igbvf", netdev="enp1s0v0")
    assert host.cli("quarantine", "add", FIRST, "why").returncode == 0
    assert "device 0000:02:10.0 of 'ua-vf-net-0' cannot be used: quarantined" in refused(
        host.prepare(1, devices=hostdev(FIRST, "net-0")))
    assert host.cli("quarantine", "remove", FIRST).returncode == 0
    fine(host.prepare(1, devices=hostdev(FIRST, "net-0")))
    assert [(c["device"], c["alias"]) for c in host.claims()] == [(FIRST, "net")]


def test_other_tags_than_the_request_wants(host):
    host.configure(CONFIG.replace('device_spec = ', 'device_spec = {"address": "*:42:*.*", '
                                  '"physical_network": "physnet2"}\ndevice_spec = ', 1))
    asked = request("net", name="dp", physical_network="physnet2")
    assert "device %s of 'ua-vf-dp' cannot be used: other tags than requested" % FIRST in \
        refused(host.prepare(1, asked, devices=hostdev(FIRST, "dp")))
    assert "device 'ua-vf-dp' names no device of this host" in refused(host.prepare(1, asked, devices=placeholder(0, "dp")))
    fine(host.prepare(1, asked, devices=hostdev(OTHER_PF, "dp")))


# ---- choosing ----

def tentative(host, number, name, address, parent):
    with sqlite3.connect(host.state) as db:
        db.execute("INSERT INTO tentative (uuid, request, domain, device, keys) VALUES (?, ?, ?, ?, json_object(?, 'X', ?, 'S'))",
                   (uuid(number), name, "d%d" % number, address, address, "family " + parent))


def test_requests_spare_what_is_tentative_for_others(host):
    fine(host.prepare(9, request("net")))
    fine(host.release(9, requests=request("net")))
    tentative(host, 1, "net-0", FIRST, "0000:01:00.0")
    fine(host.prepare(2, request("net")))
    assert host.held() == {("d2", "net-0"): SECOND}
    done = host.cli("explain", "net").stdout
    assert re.search(r"%s .* candidate: tentative for 'd1', request 'net-0'" % FIRST, done), done
    assert "free, tentative for 'd1', request 'net-0'" in host.cli("devices").stdout
    fine(host.prepare(3, request("net", count=13), ports=13))  # chosen after all others are in use
    assert ("d3", "net-12") in host.held() and host.held()[("d3", "net-12")] == FIRST
    with sqlite3.connect(host.state) as db:
        assert db.execute("SELECT value FROM meta WHERE key = 'unsettled'").fetchone() == ("1",)


def test_no_request_asked_for_a_placeholder(host):
    """Otherwise vfaliasd would detach the device, as the device of a removed request."""
    def marked():
        with sqlite3.connect(host.state) as db:
            return dict(db.execute("SELECT request, placeholder FROM claim"))

    xml = domain(1, request("net", name="dp0"), devices=hostdev(SECOND, "net-0"))
    fine(host.hook("prepare", xml))
    assert marked() == {"dp0": 0, "net-0": 1}
    host.state.unlink()
    fine(host.hook("reconnect", domain(1, request("net", name="dp0"), devices=hostdev(FIRST, "dp0") + hostdev(SECOND, "net-0"))))
    assert marked() == {"dp0": 0, "net-0": 1}
    fine(host.release(1))
    assert host.cli("resolve", input=domain(2, request("net", name="dp0"), devices=placeholder() + placeholder(1, "dp0"))).returncode == 0
    assert marked() == {"dp0": 0, "net-0": 1}
