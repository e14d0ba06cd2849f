# SPDX-License-Identifier: LGPL-2.1-or-later
"""A host for one test: a fake sysfs tree, a configuration, a state file, and the real hook program. The hook is called
as libvirt calls it: arguments, stdin and environment, nothing else."""
import fcntl
import json
import os
import sqlite3
import struct
import subprocess
from pathlib import Path

from sysfs_tree import typical

INST = Path(os.environ.get("VFALIAS_INST", "/nonexistent"))
HOOK = INST / "etc/libvirt/hooks/qemu.d/vfalias"
NETWORK_HOOK = INST / "etc/libvirt/hooks/network.d/vfalias"
CLI = INST / "bin/vfalias"

CONFIG = """
[pci]
device_spec = {"vendor_id": "8086", "product_id": "10ca", "physical_network": "physnet1"}
device_spec = {"vendor_id": "144d", "product_id": "a824"}
alias = {"name": "net", "vendor_id": "8086", "product_id": "10ca", "device_type": "type-VF"}
alias = {"name": "accel", "vendor_id": "144d", "product_id": "a824", "device_type": "type-VF"}
[vfalias]
state = %(state)s
sysfs_root = %(sysfs)s
libvirt_run = %(run)s
"""


def uuid(number):
    return "00000000-0000-4000-8000-%012d" % number


def domain(number=1, requests="", devices="", ports=8, machine="q35", name=None, place=""):
    """The XML that libvirt passes to hooks for domain `dNUMBER`, reduced to what the tests need. place: <numatune> and
    similar elements."""
    if requests:
        requests = ("<metadata><vfalias:requests xmlns:vfalias='urn:vfalias:1'>%s</vfalias:requests></metadata>"
                    % requests)
    if machine == "q35":
        controllers = "<controller type='pci' index='0' model='pcie-root'/>" + "".join(
            "<controller type='pci' index='%d' model='pcie-root-port'/>" % i for i in range(1, ports + 1))
    else:
        controllers = "<controller type='pci' index='0' model='pci-root'/>"
    return ("<domain type='kvm'><name>%s</name><uuid>%s</uuid>%s%s<os><type machine='pc-%s'>hvm</type></os><devices>%s%s"
            "</devices></domain>" % (name or "d%d" % number, uuid(number), requests, place, machine, controllers,
                          devices))


def request(alias, **attributes):
    more = "".join(" %s='%s'" % item for item in attributes.items())
    return "<vfalias:request alias='%s'%s/>" % (alias, more)


def hostdev(address, request_name=None):
    dom, bus, rest = address.split(":")
    slot, function = rest.split(".")
    alias = "<alias name='ua-vf-%s'/>" % request_name if request_name else ""
    return ("<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x%s' bus='0x%s' slot='0x%s' "
            "function='0x%s'/></source>%s</hostdev>" % (dom, bus, slot, function, alias))


def port(address, number=1, owner=1, kind="hostdev-pci"):
    """The XML that libvirt passes to the network hook for port `number` of a network with <forward mode='hostdev'>."""
    dom, bus, rest = address.split(":")
    slot, function = rest.split(".")
    return ("<hookData>\n  <network><name>pool</name><uuid>%s</uuid><forward mode='hostdev' managed='yes'>"
            "<pf dev='enp2s0'/></forward></network>\n"
            "<networkport>\n  <uuid>%s</uuid>\n  <owner>\n    <name>d%d</name>\n    <uuid>%s</uuid>\n  </owner>\n"
            "  <mac address='52:54:00:00:00:01'/>\n  <plug type='%s' managed='yes'>\n"
            "    <address domain='0x%s' bus='0x%s' slot='0x%s' function='0x%s'/>\n  </plug>\n</networkport>\n</hookData>\n"
            % (uuid(900), uuid(1000 + number), owner, uuid(owner), kind, dom, bus, slot, function))


class Host:
    def __init__(self, folder, config=CONFIG, tree_of=typical):
        self.folder = Path(folder)
        self.tree = tree_of(self.folder / "sys")
        self.state = self.folder / "run" / "state"
        self.config_file = self.folder / "vfalias.conf"
        self.libvirt_run = self.folder / "libvirt-run"
        self.configure(config)
        self.env = {"LC_ALL": "C", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                    "HOME": "/root", "USER": "root", "LOGNAME": "root", "VFALIAS_CONFIG": str(self.config_file)}
        self._presence = None

    def configure(self, text):
        self.config_file.write_text(text % {"state": self.state, "sysfs": self.tree.root, "run": self.libvirt_run})

    def daemon_is_there(self):
        """Holds the lock that vfaliasd holds while it runs."""
        self.state.parent.mkdir(exist_ok=True)
        self._presence = open(str(self.state) + ".lock", "w")
        ofd_setlk = 37
        fcntl.fcntl(self._presence, ofd_setlk, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))

    def daemon_is_gone(self):
        self._presence.close()

    def hook(self, operation, xml, name="d1", sub=None, extra="-", timeout=60, **env):
        sub = sub or {"release": "end", "stopped": "end"}.get(operation, "begin")
        return subprocess.run([str(HOOK), name, operation, sub, extra], input=xml, text=isinstance(xml, str),
                              capture_output=True, env={**self.env, **env}, timeout=timeout)

    def start_hook(self, operation, xml, name="d1", sub="begin"):
        process = subprocess.Popen([str(HOOK), name, operation, sub, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=self.env)
        process.stdin.write(xml)
        process.stdin.close()
        process.stdin = None
        return process

    def network_hook(self, operation, xml, name="pool", **env):
        return subprocess.run([str(NETWORK_HOOK), name, operation, "begin", "-"], input=xml,
                              text=isinstance(xml, str), capture_output=True, env={**self.env, **env}, timeout=60)

    def prepare(self, number=1, *requests, **more):
        return self.hook("prepare", domain(number, "".join(requests), **more), name="d%d" % number)

    def release(self, number=1, **more):
        return self.hook("release", domain(number, **more), name="d%d" % number)

    def cli(self, *args, **more):
        return subprocess.run([str(CLI), *args], capture_output=True, text=True, env=self.env, timeout=60, **more)

    def no_scan_is_young(self):
        """Makes a program that finds no free device scan, although the last scan was less than a second ago."""
        if self.state.exists():
            with sqlite3.connect(self.state) as db:
                db.execute("DELETE FROM meta WHERE key = 'scanned'")
            db.close()

    def claims(self):
        done = self.cli("claims", "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def held(self):
        """{(domain, request): device}"""
        return {(c["domain"], c["request"]): c["device"] for c in self.claims()}


def refused(done):
    """The only line of a veto. The exit status is 2 if vfalias itself has failed."""
    assert done.returncode in (1, 2), (done.returncode, done.stderr)
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("vfalias: "), done.stderr
    assert done.stdout == ""
    return lines[0]


def fine(done):
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done
    return done
