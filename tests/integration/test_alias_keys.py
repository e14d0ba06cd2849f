# SPDX-License-Identifier: LGPL-2.1-or-later
"""The keys of an alias that are this program's own, from the configuration to what a starting domain gets."""
import re

import pytest

from hookhost import CONFIG, domain, fine, refused, request, uuid

FIRST_CARD = ["0000:02:10.%d" % n for n in (0, 2, 4)]
SECOND_CARD = ["0000:42:10.%d" % n for n in (0, 2, 4)]


def configure(host, keys, name="net"):
    """The host's configuration with additional keys in the alias of the network VFs."""
    host.configure(CONFIG.replace('{"name": "net",', '{"name": "%s", %s,' % (name, keys)))


# ---- attach ----

def test_macvtap_needs_a_netdev(host):
    """The VFs of alias accel have no netdev. A VF of alias net has no netdev after its driver was unbound."""
    configure(host, '"attach": "macvtap"')
    fine(host.prepare(1, request("net")))
    host.configure(CONFIG.replace('{"name": "accel",', '{"name": "accel", "attach": "macvtap",'))
    said = refused(host.prepare(2, request("accel")))
    assert "no free device for request 'accel-0'" in said and "no netdev for a macvtap" in said
    rows = host.cli("explain", "accel").stdout
    assert "no netdev for a macvtap" in rows


# ---- permit ----

@pytest.mark.parametrize("permit, number, may", [
    ('"d1"', 1, True),
    ('"d1"', 2, False),
    ('["d2", "d1"]', 1, True),
    ('["d2", "d3"]', 1, False),
    ('"d*"', 7, True),
    ('"d[1-3]"', 3, True),
    ('"d[1-3]"', 4, False),
    ('"d?"', 11, False),
    ('"D1"', 1, False),  # case matters
    ('"d"', 1, False),  # the pattern must match the whole name
    ('"%s"' % uuid(1), 1, True),
    ('"%s"' % uuid(1), 2, False),
    ('"00000000-0000-4000-8000-*"', 1, False),  # patterns match names only
    ('"*"', 1, True),
])
def test_permit(host, permit, number, may):
    configure(host, '"permit": %s' % permit)
    done = host.prepare(number, request("net"))
    if may:
        fine(done)
        assert list(host.held()) == [("d%d" % number, "net-0")]
        return
    assert refused(done) == ("vfalias: domain 'd%d': request 'net-0': this domain is not permitted to ask for alias "
                             "'net'" % number)
    assert host.claims() == []


def test_the_case_of_a_uuid_does_not_count(host):
    configure(host, '"permit": "ABCDEF00-0000-4000-8000-000000000001"')
    refused(host.prepare(1, request("net")))
    xml = domain(1, request("net")).replace(uuid(1), "abcdef00-0000-4000-8000-000000000001")
    fine(host.hook("prepare", xml))


def test_permit_is_for_its_alias_alone(host):
    configure(host, '"permit": "d1"')
    fine(host.prepare(2, request("accel")))


# ---- max_per_domain ----

@pytest.mark.parametrize("asked, n", [
    ([request("net", count=2)], None),
    ([request("net"), request("net")], None),
    ([request("net", count=2), request("accel", count=3)], None),
    ([request("net", count=3)], 3),
    ([request("net"), request("net", name="x", count=2)], 3),
])
def test_max_per_domain(host, asked, n):
    configure(host, '"max_per_domain": 2')
    done = host.prepare(1, *asked)
    if n is None:
        fine(done)
    else:
        assert "%d devices of alias 'net' are asked for, 2 are allowed" % n in refused(done)


def test_max_per_domain_is_for_one_domain(host):
    configure(host, '"max_per_domain": "2"')
    fine(host.prepare(1, request("net", count=2)))
    fine(host.prepare(2, request("net", count=2)))


# ---- order ----

@pytest.mark.parametrize("keys, devices", [
    ("", FIRST_CARD),
    ('"order": "pack"', FIRST_CARD),
    ('"order": "spread"', [FIRST_CARD[0], SECOND_CARD[0], FIRST_CARD[1]]),
])
def test_order_from_nothing(host, keys, devices):
    if keys:
        configure(host, keys)
    fine(host.prepare(1, request("net", count=3)))
    assert [host.held()["d1", "net-%d" % n] for n in range(3)] == devices


def test_pack_goes_where_most_are_used(host):
    configure(host, '"order": "spread"')
    fine(host.prepare(1, request("net")))
    fine(host.prepare(2, request("net")))
    fine(host.release(1, requests=request("net")))
    configure(host, '"order": "pack"')
    fine(host.prepare(3, request("net")))  # one VF of the second card is in use, none of the first card
    assert host.held() == {("d2", "net-0"): SECOND_CARD[0], ("d3", "net-0"): SECOND_CARD[1]}


# ---- xml_name ----

def test_xml_name_is_what_requests_may_say(host):
    configure(host, '"xml_name": "net1"', name="net: fast")
    fine(host.prepare(1, request("net1", count=2)))
    assert sorted(host.held()) == [("d1", "net1-0"), ("d1", "net1-1")]
    assert {c["alias"] for c in host.claims()} == {"net: fast"}


def test_a_strange_name_needs_a_name_or_an_xml_name(host):
    configure(host, '"xml_name": "net1"', name="net: fast")
    assert refused(host.prepare(1, request("net: fast"))) == (
        "vfalias: domain 'd1': cannot read requests: alias 'net: fast' has other characters than A-Za-z0-9_-: give the "
        "request a name, or ask by the xml_name of the alias")
    fine(host.prepare(1, request("net: fast", name="dp0")))
    assert list(host.held()) == [("d1", "dp0")]


def test_max_per_domain_counts_under_either_name(host):
    configure(host, '"xml_name": "net1", "max_per_domain": 1')
    assert "2 devices of alias 'net' are asked for, 1 are allowed" in refused(
        host.prepare(1, request("net"), request("net1")))


# ---- settings ----

@pytest.mark.parametrize("settings, line", [
    ('vlan_qos="3"', None),
    ('min_tx_rate="200"', "domain 'd1': request 'net-0': settings: min_tx_rate 200 is more than max_tx_rate 100"),
    ('min_tx_rate="200" max_tx_rate="0"', None),
    ('trust="on"', "domain 'd1': cannot read requests: settings: trust 'on': it is none of no, yes (alias 'net')"),
    ('mac="x"', "domain 'd1': cannot read requests: settings: there is no setting 'mac' (alias 'net')"),
    ("", "domain 'd1': cannot read requests: settings: nothing is set (alias 'net')"),
])
def test_settings_of_a_request_are_judged_with_those_of_the_alias(host, settings, line):
    """No setting is changed on a fake tree."""
    configure(host, '"settings": {"max_tx_rate": 100, "vlan": 42}')
    asked = "<vfalias:request alias='net'><vfalias:settings %s/></vfalias:request>" % settings
    done = host.prepare(1, asked)
    if line is None:
        fine(done)
    else:
        assert refused(done) == "vfalias: " + line


# ---- devices that are made, on a host where nothing makes them ----

MADE = CONFIG.replace("[vfalias]", """device_spec = {"mgmtdev": "*", "max_devices": 4}
device_spec = {"mdev_parent": "*"}
alias = {"name": "vnet", "device_type": "vdpa", "vdpa": {"mtu": 9000}}
alias = {"name": "vblk", "device_type": "vdpa-block", "existing": true}
alias = {"name": "vgpu", "device_type": "mdev", "mdev_type": "mtty-2", "sysfs": {"a": "1"}}
[vfalias]""")


@pytest.mark.parametrize("alias", ["vnet", "vblk", "vgpu"])
def test_an_alias_of_devices_that_nothing_makes_has_none(host, alias):
    shared = "<memoryBacking><access mode='shared'/></memoryBacking>"  # a vDPA disk needs it
    host.configure(MADE)
    why = refused(host.hook("prepare", domain(1, request(alias), place=shared)))
    assert "no free device for request '%s-0': alias '%s' has 0 devices" % (alias, alias) in why
    fine(host.hook("prepare", domain(1, request(alias, optional="yes") + request("net"), place=shared)))
    assert list(host.held()) == [("d1", "net-0")]
    assert re.search(r"^%s +0 +0$" % alias, host.cli("stats").stdout, re.M)
    explained = host.cli("explain", alias)
    assert (explained.returncode, explained.stderr) == (1, "vfalias: nothing is free for alias '%s'\n" % alias)
    fine(host.release(1, requests=request(alias, optional="yes") + request("net")))


def test_a_spec_for_makers_gives_out_no_pci_device(host):
    """Though it has no key for PCI devices, and an alias could select them."""
    host.configure(MADE.replace('device_spec = {"vendor_id": "8086"', 'device_spec = {"vendor_id": "8087"'))
    assert "alias 'net' has 0 devices" in refused(host.prepare(1, request("net")))


def test_bad_keys_stop_only_those_who_ask(host):
    configure(host, '"order": "random"')
    assert "vfalias.conf:5: cannot use order 'random': it is none of spread, pack" in \
        refused(host.prepare(1, request("accel")))
    fine(host.prepare(2))
