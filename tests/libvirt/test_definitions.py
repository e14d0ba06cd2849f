# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ports for hot-plug: vfaliasd adds them to a definition that has too few."""
from lxml import etree

from guests import guest, ports, requests

USERS_OWN = """
<serial type='null'><alias name='ua-mine'/></serial>
<graphics type='vnc' port='-1' passwd='secret'/>
<controller type='usb' index='0' model='none'/>
"""
OTHER_METADATA = "<other:thing xmlns:other='urn:other' a='1'>text<other:more/></other:thing>"


def definition(host, name):
    return host.xml(name, "--inactive", "--security-info")


def empty_ports(xml):
    """The number of root ports with an empty bus."""
    tree = etree.fromstring(xml)
    buses = {int(address.get("bus"), 16) for address in tree.iterfind("devices/*/address[@bus]")
             if address.get("type") == "pci"}
    return sum(1 for each in tree.iterfind("devices/controller[@model='pcie-root-port']")
               if int(each.get("index")) not in buses)


def without_new_ports(xml, before):
    """The XML without the controllers that were added."""
    tree = etree.fromstring(xml)
    had = {each.get("index") for each in etree.fromstring(before).iterfind("devices/controller")
           if each.get("type") == "pci"}
    for each in tree.findall("devices/controller[@type='pci']"):
        if each.get("index") not in had:
            assert each.get("model") == "pcie-root-port"
            each.getparent().remove(each)
    return etree.tostring(tree, method="c14n").split()


def wait_ports(host, name, count):
    """Waits until vfaliasd has added so many ports."""
    host.vfaliasd.lines.wait("domain '%s': added %d ports" % (name, count))


def wait_looked_at(host):
    """vfaliasd handles events in order: when it has mended the definition of this domain, it has looked at all earlier
    definitions."""
    host.define(guest("last", "qat", machine="q35", devices=ports(1)))
    host.vfaliasd.lines.wait("domain 'last': added")


def test_ports_are_added_and_nothing_else_changes(quiet_host):
    host = quiet_host
    host.define(guest("asks", machine="q35", devices=USERS_OWN,
                      metadata=requests("qat", count="3") + OTHER_METADATA))
    before = definition(host, "asks")
    missing = 3 - empty_ports(before)
    assert missing > 0
    host.vfaliasd.start()  # it also looks at definitions that were written meanwhile
    wait_ports(host, "asks", missing)
    after = definition(host, "asks")
    assert empty_ports(after) == 3
    assert without_new_ports(after, before) == \
        etree.tostring(etree.fromstring(before), method="c14n").split()
    assert "passwd='secret'" in after and "ua-mine" in after
    host.virsh("start", "asks")
    assert len(host.claims("asks")) == 3


def test_idempotent(host):
    host.define(guest("asks", "qat", "qat", "gpu", machine="q35", devices=ports(1)))
    host.vfaliasd.lines.wait("domain 'asks': added")
    first = definition(host, "asks")
    wait_looked_at(host)
    host.define(first)  # as virsh edit does
    host.vfaliasd.stop()
    host.vfaliasd.start()
    host.vfaliasd.lines.wait("connected to")
    host.virsh("undefine", "last")
    wait_looked_at(host)
    assert definition(host, "asks") == first
    assert not host.vfaliasd.lines.find("domain 'asks': added")


def test_on_metadata_change(host):
    host.define(guest("asks", machine="q35", devices=ports(1)))
    before = definition(host, "asks")
    wait_looked_at(host)
    assert definition(host, "asks") == before
    host.virsh("metadata", "asks", "urn:vfalias:1", "--key", "vfalias", "--config", "--set",
               "<requests><request alias='qat' count='3'/></requests>")
    host.vfaliasd.lines.wait("domain 'asks': added")
    assert empty_ports(definition(host, "asks")) == 3
    host.virsh("start", "asks")


def test_of_a_running_domain_the_definition_only(host):
    host.define(guest("runs", machine="q35", devices=ports(1)))
    host.virsh("start", "runs")
    live = host.xml("runs")
    host.virsh("metadata", "runs", "urn:vfalias:1", "--key", "vfalias", "--config", "--set",
               "<requests><request alias='qat' count='3'/></requests>")
    host.vfaliasd.lines.wait("domain 'runs': added")
    assert empty_ports(definition(host, "runs")) == 3
    assert host.xml("runs") == live
    assert host.claims() == []


def test_what_has_enough_is_left_alone(host):
    host.define(guest("enough", "qat", machine="q35", devices=ports(8)))
    host.define(guest("slots", "qat", "gpu"))
    host.define(guest("plain", machine="q35"))
    before = [definition(host, name) for name in ("enough", "slots", "plain")]
    wait_looked_at(host)
    assert [definition(host, name) for name in ("enough", "slots", "plain")] == before


def test_transient_domain_stays_as_it_is(host):
    host.path("/run/transient.xml").write_text(
        guest("transient", machine="q35", devices=ports(1)))
    host.virsh("create", "/run/transient.xml")
    live = host.xml("transient")
    host.virsh("metadata", "transient", "urn:vfalias:1", "--key", "vfalias", "--live", "--set",
               "<requests><request alias='qat' count='3'/></requests>")
    host.wait_claims(lambda claims: len(claims) == 3, "three", "transient")
    wait_looked_at(host)
    assert empty_ports(host.xml("transient")) == empty_ports(live)
    assert "transient" not in host.virsh("list", "--persistent", "--all", "--name").stdout


def test_started_as_soon_as_the_ports_are_there(host):
    """A domain is defined with a bare q35, as virt-manager does, and started as soon as it has its ports."""
    host.define(guest("asks", "qat", "qat", "gpu", machine="q35"))
    host.vfaliasd.lines.wait("domain 'asks': added")
    host.virsh("start", "asks")
    assert len(host.claims("asks")) == 3
