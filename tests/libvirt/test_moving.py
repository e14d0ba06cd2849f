# SPDX-License-Identifier: LGPL-2.1-or-later
"""vfalias-moving(7): each way to vfalias and back, with the commands of the page in their order, on the host that the
page describes."""
import json
import re
import shutil
import uuid

import pytest
from lxml import etree

from guests import guest, hostdev, ports
from sysfs_tree import Tree
from pages import examples, shown
from test_page_examples import requests_of

COMMON = examples("man/vfalias-moving.pod", "WHAT HOLDS FOR ALL OF THEM")
NOVA = examples("man/vfalias-moving.pod", "FROM NOVA.CONF")
NETWORKS = examples("man/vfalias-moving.pod", "FROM LIBVIRT'S NETWORKS")
SCRIPTS = examples("man/vfalias-moving.pod", "FROM HOOK SCRIPTS")
HERE = "\n[vfalias]\nsysfs_root = /run/sys\nlog_level = debug\n"
MAC, PORT_MAC = "52:54:00:0a:0b:0c", "fa:16:3e:11:22:33"
FOLDER = "/var/tmp"  # the administrator's working folder


class Story:
    """The examples of a section, in their order. Each must be used once."""

    def __init__(self, host, texts):
        self.host = host
        self._left = list(texts)

    def next(self, start):
        text = self._left.pop(0)
        assert text.startswith(start), text
        return text

    def run(self, start):
        return self.host.run("sh", "-e", "-c", "cd %s\n%s" % (FOLDER, self.next(start)), seconds=120).stdout

    def configure(self, start="[pci]"):
        text = self.next(start)
        configure(self.host, text if text.startswith("[") else "[pci]\n" + text)

    def end(self):
        assert not self._left


def configure(host, text):
    host.configure(text + HERE)
    known = len(host.vfaliasd.lines.lines)
    host.vfaliasd.signal("HUP")
    host.vfaliasd.lines.wait("was read again", known)


@pytest.fixture
def moving(host):
    """The host of the page; afterwards the host of the other tests again."""
    root = host.path("/run/sys")
    shutil.rmtree(root)
    tree = Tree(root)
    tree.pf("0000:3b:00.0", "15b3:101d", vfs=14, vf_id="15b3:101e", offset=2, cls="020000", numa=0, netdev="ens1f0",
            vf_netdev="ens1f0v%d", driver="mlx5_core", vf_driver="mlx5_core")
    tree.pf("0000:3d:00.0", "8086:0435", vfs=4, vf_id="8086:0443", offset=8, cls="0b4000", numa=0)
    yield host
    host.remove_domains()
    host.virsh("net-destroy", "vfs", check=False)
    host.virsh("net-undefine", "vfs", check=False)
    for path in ("/etc/libvirt/hooks/qemu", "/etc/libvirt/hooks/qemu.d/zz-devices"):
        host.path(path).unlink(missing_ok=True)
    host.make_devices()


def interface(kind, mac, source):
    return "<interface type='%s'%s><mac address='%s'/>%s</interface>" % (
        kind, " managed='yes'" if kind == "hostdev" else "", mac, source)


def vf(address):
    return "<source>%s</source>" % etree.tostring(
        etree.fromstring(hostdev(address)).find("source/address")).decode().strip().replace("<address", "<address type='pci'")


def make_guest(host, name, devices=""):
    """A running guest as the page describes it. The devices are fake, so only the definition has them."""
    identity = str(uuid.uuid4())
    host.define(guest(name, machine="q35", devices=ports(6), uuid=identity))
    host.virsh("start", name)
    host.define(guest(name, machine="q35", devices=ports(6) + devices, uuid=identity))
    return host.xml(name, "--inactive")


def shut_down(host, name):
    """The guest has run all the time, and has no request before its next start."""
    asked = requests_of(host, name).values()
    assert asked and not any(request["live"] for request in asked) and host.claims(name) == []
    host.virsh("destroy", name)


def claimed(host, name):
    """Starts a domain; returns {request: device}."""
    host.virsh("start", name)
    held = {claim["request"]: claim["device"] for claim in host.claims(name)}
    host.virsh("destroy", name)
    host.wait_no_claims(name)
    return held


def is_given(device):
    return re.fullmatch(r"0000:3b:01\.[0-7]", device)


def without_ports(xml):
    """Without ports that vfaliasd may have added."""
    tree = etree.fromstring(xml)
    for controller in tree.findall("devices/controller"):
        controller.getparent().remove(controller)
    return etree.tostring(tree, encoding="unicode").splitlines()


def test_what_holds_for_all(moving):
    story = Story(moving, COMMON)
    before = make_guest(moving, "web1")
    assert "0000:3b:01.7" in story.run("vfalias claims")
    configure(moving, "[pci]\n" + story.next("device_spec") +
              'alias = {"name": "net1", "physical_network": "physnet1", "attach": "interface"}')
    assert moving.stats() == {"net1": 8}
    story.run("vfalias quarantine add")
    assert moving.stats() == {"net1": 8}
    story.run("virsh dumpxml")
    moving.vfalias("request", "add", "web1", "net1", "--mac", MAC, "--config")
    said = story.run("vfalias check")
    assert "1 device_spec, 1 alias" in said and MAC in said and "chosen for net1-0" in said
    shut_down(moving, "web1")
    assert is_given(claimed(moving, "web1")["net1-0"])
    story.run("virsh define")
    assert requests_of(moving, "web1") == {}
    assert without_ports(moving.xml("web1", "--inactive")) == without_ports(before)
    story.end()


def test_nova(moving):
    story = Story(moving, NOVA)
    for folder in ("/etc/nova", "/etc/nova/conf.d"):
        moving.path(folder).mkdir(exist_ok=True)
    moving.path("/etc/nova/nova.conf").write_text(story.next("[pci]"))
    moving.path("/etc/nova/conf.d/here.conf").write_text(HERE)  # the devices are fake
    ((command, output),) = shown(story.next("# vfalias check --nova"))
    done = moving.run("sh", "-c", command, check=False)
    assert (done.returncode, done.stdout) == (1, output)
    (command,) = examples("man/vfalias.pod", "EXAMPLES", "vfalias check --nova")
    assert moving.run("sh", "-c", command, check=False).stdout == output
    said = story.run("vfalias --config /etc/nova/nova.conf devices")
    assert "0000:3b:01.7" in said and "qat" in said
    story.configure()
    name = "instance-0000002a"
    before = make_guest(moving, name, hostdev("0000:3d:01.0") + hostdev("0000:3d:01.1") +
                        interface("hostdev", PORT_MAC, vf("0000:3b:00.2")))
    said = story.run("virsh dumpxml")
    assert PORT_MAC in said and "101" in said
    assert not re.search(r"<hostdev|<interface", moving.xml(name, "--inactive"))
    shut_down(moving, name)
    held = claimed(moving, name)
    assert sorted(held) == ["net1-0", "qat-0", "qat-1"] and held["net1-0"].startswith("0000:3b:0")
    moving.virsh("define", "%s/%s.before.xml" % (FOLDER, name))
    assert without_ports(moving.xml(name, "--inactive")) == without_ports(before)
    story.end()


def half_of(network, addresses):
    found = re.subn(r"<pf dev='ens1f0'/>", addresses, network)
    assert found[1] == 1
    return found[0]


def define_network(host, xml):
    host.path("/run/network.xml").write_text(xml)
    host.virsh("net-define", "/run/network.xml")


@pytest.fixture
def pool(moving):
    """The VFs of the network, which libvirt sees: a network takes VFs only. No test changes them."""
    folder = "/sys/bus/pci/devices"
    moving.run("mount", "-o", "remount,rw", folder)
    for function in range(2, 6):
        device = "0000:3b:00.%d" % function
        moving.path("%s/%s" % (folder, device)).symlink_to("/run/sys/devices/pci0000:3b/" + device)
    yield moving
    moving.run("sh", "-c", "rm %s/*" % folder)
    moving.run("mount", "-o", "remount,ro", folder)


def start_network(host, text, addresses):
    """As if the network ran with its PF: the PF is in the definition only, because a start would take a real PF."""
    define_network(host, text)
    whole = host.virsh("net-dumpxml", "--inactive", "vfs").stdout
    define_network(host, half_of(whole, addresses))
    host.virsh("net-start", "vfs")
    define_network(host, whole)
    return whole


def test_networks(pool):
    moving = pool
    story = Story(moving, NETWORKS)
    network, addresses = story.next("<network>"), story.next("<address")
    whole = start_network(moving, network, addresses)
    moving.path(FOLDER + "/vfs.half.xml").write_text(half_of(whole, addresses))
    story.run("virsh net-dumpxml")
    kept = etree.fromstring(moving.virsh("net-dumpxml", "vfs").stdout).findall("forward/address")
    assert [a.get("slot") for a in kept] == ["0x00"] * 4
    story.configure()
    assert moving.stats() == {"web": 8, "db": 8}

    old = interface("network", MAC, "<source network='vfs' portgroup='web'/>")
    before = make_guest(moving, "web1", old)
    story.run("virsh dumpxml")
    assert "<interface" not in moving.xml("web1", "--inactive")
    request = requests_of(moving, "web1")["web-0"]
    assert (request["mac"], request["vlan"]) == (MAC, 42)
    shut_down(moving, "web1")
    assert is_given(claimed(moving, "web1")["web-0"])
    story.run("virsh metadata")
    assert requests_of(moving, "web1")["web-0"]["mac"] == MAC
    assert is_given(claimed(moving, "web1")["web-0"])

    story.run("virsh net-destroy")
    assert moving.virsh("net-list", "--all", "--name").stdout.split() == []
    whole_card = story.next("device_spec")
    configure(moving, "[pci]\n" + whole_card + 'alias = {"name": "web", "physical_network": "vfs"}')
    assert moving.stats() == {"web": 14}
    story.run("virsh net-define")
    assert requests_of(moving, "web1") == {}
    assert without_ports(moving.xml("web1", "--inactive")) == without_ports(before)
    assert moving.virsh("net-dumpxml", "--inactive", "vfs").stdout == whole
    story.end()


def set_by(host, script, operation):
    """The settings that a script passes to `ip link set PF vf N`: {setting: value}."""
    stub = host.path("/run/stubs/ip")
    stub.parent.mkdir(exist_ok=True)
    stub.write_text('#!/bin/sh\necho "$@" >/run/stubs/said\n')
    stub.chmod(0o755)
    host.run("sh", script, "web1", operation, "begin", "-", check=False,
             environ={"PATH": "/run/stubs:/usr/sbin:/usr/bin:/sbin:/bin"})
    words = host.path("/run/stubs/said").read_text().split()
    assert words[:5] == ["link", "set", "ens1f0", "vf", "3"]
    return dict(zip(words[5::2], words[6::2]))


def asked_for(host, config):
    """The same settings, from the alias and the request."""
    (alias,) = re.findall(r"^alias = (\{.*?\}\})", config, re.M | re.S)
    settings = {key: str(value) for key, value in json.loads(alias)["settings"].items()}
    (request,) = etree.fromstring(host.xml("web1", "--inactive")).iter("{urn:vfalias:1}settings")
    settings.update(request.attrib)
    switches = {"yes": "on", "no": "off"}
    listed = requests_of(host, "web1")["net1-0"]
    return {"mac": listed["mac"], "vlan": str(listed["vlan"]),
            **{key: switches.get(value, value) for key, value in settings.items()}}


def test_hook_scripts(moving):
    story = Story(moving, SCRIPTS)
    before = make_guest(moving, "web1", interface("hostdev", MAC, vf("0000:3b:00.5")))  # the script finds no such VF
    script = moving.path("/etc/libvirt/hooks/qemu")
    script.write_text(story.next("#!/bin/sh"))
    script.chmod(0o755)
    was = set_by(moving, "/etc/libvirt/hooks/qemu", "prepare")
    assert set(set_by(moving, "/etc/libvirt/hooks/qemu", "release")) == set(was)
    config = story.next("[pci]")
    configure(moving, config)
    story.run("virsh dumpxml")
    assert asked_for(moving, config) == was
    assert "<interface" not in moving.xml("web1", "--inactive")
    saved = script.read_text()
    script.write_text(saved.replace("web1", "web2"))  # web1 has moved to vfalias, web2 has not
    shut_down(moving, "web1")
    assert is_given(claimed(moving, "web1")["net1-0"])

    back = story.next("virsh define")
    late = moving.path("/etc/libvirt/hooks/qemu.d/zz-devices")
    late.write_text(story.next("#!/bin/sh"))
    late.chmod(0o755)
    device = claimed(moving, "web1")["net1-0"]
    (line,) = moving.syslog.wait("devices: ")
    assert device in line and "net1-0" in line

    configure(moving, "[pci]\n" + story.next("device_spec"))
    assert moving.stats() == {"web1-vf": 1}
    moving.run("sh", "-e", "-c", "cd %s\n%s" % (FOLDER, back))
    assert script.read_text() == saved
    assert without_ports(moving.xml("web1", "--inactive")) == without_ports(before)
    story.end()


def test_the_first_hook_is_the_script(quiet_host):
    """The script runs before the hooks of qemu.d, with the same XML. If it refuses, the start fails, and the claims of
    vfalias end."""
    script = quiet_host.path("/etc/libvirt/hooks/qemu")
    read = quiet_host.path("/run/script-read")
    read.unlink(missing_ok=True)
    script.write_text('#!/bin/sh\n[ "$2" != prepare ] || { cat >/run/script-read; exit 3; }\n')
    script.chmod(0o755)
    try:
        quiet_host.restart_libvirtd()
        quiet_host.vfaliasd.start()
        quiet_host.vfaliasd.lines.wait("connected to")
        first = []
        quiet_host.recorder.react("prepare", lambda call: first.append(read.exists()) or {}, "00-before")
        quiet_host.define(guest("asks", "qat"))
        done = quiet_host.virsh("start", "asks", check=False)
        assert done.returncode == 1 and "Hook script execution failed" in done.stderr
        call = quiet_host.recorder.of("asks", "zz-after")[0]
        assert call.argv[1] == "prepare"  # the hooks of qemu.d run all the same
        assert first == [True] and read.read_text() == call.stdin
        quiet_host.wait_no_claims("asks")
    finally:
        script.unlink()
