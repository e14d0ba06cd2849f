# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the examples of vfalias-requests(7) and vfalias(1) as the pages have them. tests/lab/test_page_examples.py runs
the examples that need real devices."""
import json
import re

import pytest
from lxml import etree

from guests import guest, ports
from pages import examples
from privatehost import VFALIAS_CONF

CONFIG = VFALIAS_CONF + """
alias = {"name": "net", "vendor_id": "8086", "product_id": "37c9", "device_type": "type-VF", "attach": "interface"}
device_spec = {"mgmtdev": "*"}
alias = {"name": "vnet", "device_type": "vdpa"}
alias = {"name": "vgpu", "device_type": "mdev", "mdev_type": "mtty-2"}
"""
OURS = "{urn:vfalias:1}"


COMMANDS = [*examples("man/vfalias.pod", "DESCRIPTION"), *examples("man/vfalias-requests.pod", "DESCRIPTION"),
            *examples("man/vfalias-requests.pod", "REQUESTS", "virsh metadata", "vfalias request add db1 net", "virt-"),
            *examples("man/vfalias-requests.pod", "PLACEHOLDERS", "vfalias request add")]
FRAGMENTS = [*examples("man/vfalias-requests.pod", "REQUESTS", "<"), *examples("man/vfalias-requests.pod", "PLACEHOLDERS", "<")]
(PROGRAM,) = examples("man/vfalias-requests.pod", "REQUESTS", "import")


def requests_of(host, domain):
    return {r["name"]: r for r in json.loads(host.vfalias("request", "list", domain, "--json").stdout)}


def run_lines(host, text):
    """Runs the commands of an example. Makes their domains first, unless the example makes them."""
    asked = re.findall(r"^virsh metadata (\w+)|^virt-xml (\w+)|^vfalias request add (\w+)", text, re.M)
    made = re.findall(r"--name (\w+) --memory", text)
    names = {name for groups in asked for name in groups if name}
    for name in sorted(names):
        host.define(guest(name, machine="q35", devices=ports(4)))
    for disk in re.findall(r"--disk (\S+)", text):
        host.path(disk).parent.mkdir(parents=True, exist_ok=True)
        host.path(disk).write_bytes(bytes(1 << 20))
    host.run("sh", "-e", "-c", text, seconds=120)
    return sorted(names), made


@pytest.fixture
def asked(host):
    host.configure(CONFIG)
    host.vfaliasd.signal("HUP")
    host.vfaliasd.lines.wait("was read again")
    return host


@pytest.mark.parametrize("text", COMMANDS, ids=lambda text: re.sub(r"[^\w ].*", "", text.splitlines()[0]))
def test_commands(asked, text):
    names, made = run_lines(asked, text)
    assert names or made
    for name in names:
        assert all(r["config"] for r in requests_of(asked, name).values()) and requests_of(asked, name)
    for name in made:
        held = {claim["request"] for claim in asked.claims(name)}
        assert held and held == set(requests_of(asked, name))


@pytest.mark.parametrize("text", FRAGMENTS, ids=lambda text: text.split()[0])
def test_fragments(asked, text):
    """A fragment in a definition without other requests."""
    devices = "" if text.startswith(("<metadata", "<memoryBacking")) else text
    xml = guest("db1", machine="q35", devices=ports(4) + devices)
    if text.startswith("<memoryBacking"):
        asked.define(xml.replace("<vcpu>", text + "<vcpu>"))
        assert "<access mode='shared'/>" in asked.xml("db1", "--inactive")
        return
    asked.define(xml if devices else xml.replace("<metadata></metadata>", text))
    if devices:
        names = re.findall(r"<alias name='(.*)'/>", text)
        assert names and all("<alias name='%s'/>" % name in asked.xml("db1", "--inactive") for name in names)
    if "ua-vf-" not in text:  # placeholders are no requests
        assert requests_of(asked, "db1")


def test_program(asked):
    asked.define(guest(re.search(r'lookupByName\("(\w+)"\)', PROGRAM)[1]))
    asked.run("/usr/bin/python3", "-c", PROGRAM)
    assert [claim["request"] for claim in asked.claims()] == ["qat-0"]


def test_the_command_that_makes_what_is_shown(asked):
    (command,) = (each for each in COMMANDS if each.startswith("vfalias request add db1 net --name dp0"))
    shown = next(each for each in FRAGMENTS if "dp0" in each and each.startswith("<metadata"))
    run_lines(asked, command)
    want = next(r for r in etree.fromstring(shown).iter(OURS + "request") if r.get("name") == "dp0")
    (got,) = etree.fromstring(asked.xml("db1", "--inactive")).iter(OURS + "request")

    def pieces(element):
        return [(each.tag, dict(each.attrib)) for each in element.iter()]
    assert pieces(got) == pieces(want)


def test_examples_of_the_command_line(asked):
    """Commands that show and commands that ask: for a definition, a running domain, several domains."""
    (text,) = examples("man/vfalias.pod", "EXAMPLES", "vfalias request add")
    look, why = examples("man/vfalias.pod", "EXAMPLES", "vfalias check\n", "vfalias explain")
    for name in sorted(set(re.findall(r"\bdb\d\b", text))):
        asked.define(guest(name))
    asked.run("sh", "-e", "-c", text)
    assert {"qat-0", "qat-1"} == set(requests_of(asked, "db1"))
    request, = requests_of(asked, "db3").values()
    assert (request["element"], request["mac"], request["vlan"]) == ("interface", "52:54:00:01:02:03", 42)
    asked.wait_claims(lambda claims: len(claims) == 2, "of both requests", "db1")
    said = asked.run("sh", "-e", "-c", look).stdout
    assert ": valid" in said and re.findall(r"^fade:3d:\S+ +pci +db1 +(\S+) ", said, re.M) == ["qat-0", "qat-1"], said
    asked.virsh("destroy", "db1")
    asked.wait_no_claims("db1")
    assert "chosen for qat-0" in asked.run("sh", "-e", "-c", why).stdout
