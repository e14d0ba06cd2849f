# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples of asking in vfalias-hooks(7) and vfalias(1), run as they stand there."""
import json
import re
import textwrap
from pathlib import Path

import pytest
from lxml import etree

from guests import guest, ports
from privatehost import VFALIAS_CONF

MAN = Path(__file__).resolve().parents[2] / "man"
CONFIG = VFALIAS_CONF + """
alias = {"name": "net", "vendor_id": "8086", "product_id": "37c9", "device_type": "type-VF", "attach": "interface"}
"""
OURS = "{urn:vfalias:1}"


def paragraphs(page, section):
    """The indented paragraphs of a section, blank lines inside kept."""
    text = (MAN / page).read_text(encoding="utf-8").partition("\n=head1 %s\n" % section)[2].partition("\n=head1 ")[0]
    found = re.findall(r"(?:(?<=\n\n)(?: {4}.*\n)+\n?)+", text + "\n")
    assert found
    return [textwrap.dedent(each).strip() + "\n" for each in found]


ASKING = paragraphs("vfalias-hooks.pod", "ASKING FOR A DEVICE")
# These need devices that are ones: tests/lab/test_power_on.py and test_placeholders.py have them.
STARTS = "vfalias start"
PLACEHOLDERS = [each for each in ASKING if "db1.xml" in each]
COMMANDS = [each for each in ASKING if each.startswith(("virsh", "vfalias", "virt-")) and each not in PLACEHOLDERS]
FRAGMENTS = [each for each in ASKING if each.startswith("<")]
PROGRAMS = [each for each in ASKING if each.startswith("import")]


def requests_of(host, domain):
    return {r["name"]: r for r in json.loads(host.vfalias("request", "list", domain, "--json").stdout)}


def commands_of(text):
    """Without what they print."""
    lines = re.findall(r"^(?:virsh|vfalias|virt-\w+) (?:.*\\\n)*.*\n", text, re.M)
    return "".join(line for line in lines if not line.startswith(STARTS))


def run_lines(host, text):
    """Commands of an example, for domains that are made first unless it makes them itself."""
    text = commands_of(text)
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
    host.vfaliasd.lines.wait("read anew")
    return host


def test_every_example_is_run():
    assert len(COMMANDS) >= 7 and len(PROGRAMS) == 1 and len(FRAGMENTS) >= 3
    assert set(ASKING) == {*COMMANDS, *FRAGMENTS, *PROGRAMS, *PLACEHOLDERS}


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
    """In a definition that has nothing else of the kind."""
    devices = "" if text.startswith("<metadata") else text
    xml = guest("db1", machine="q35", devices=ports(4) + devices)
    asked.define(xml if devices else xml.replace("<metadata></metadata>", text))
    if devices:
        names = re.findall(r"<alias name='(.*)'/>", text)
        assert names and all("<alias name='%s'/>" % name in asked.xml("db1", "--inactive") for name in names)
    if "ua-vf-" not in text:  # placeholders are no requests
        assert requests_of(asked, "db1")


def test_program(asked):
    (text,) = PROGRAMS
    asked.define(guest(re.search(r'lookupByName\("(\w+)"\)', text)[1]))
    asked.run("/usr/bin/python3", "-c", text)
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
    """Those that ask: of a definition, of a running domain, of several."""
    (text,) = (each for each in paragraphs("vfalias.pod", "EXAMPLES") if "request add" in each)
    for name in sorted(set(re.findall(r"\bdb\d\b", text))):
        asked.define(guest(name))
    asked.run("sh", "-e", "-c", text)
    assert {"qat-0", "qat-1"} == set(requests_of(asked, "db1"))
    request, = requests_of(asked, "db3").values()
    assert (request["element"], request["mac"], request["vlan"]) == ("interface", "52:54:00:01:02:03", 42)
