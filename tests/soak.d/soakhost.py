# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host that tests/soak makes: a sysfs tree with two network cards and a drive, several versions of the
configuration, and the map that the libraries in place of the kernel and libvirt read (made.h).

Also the model, in memory that all processes share: the devices of the running domains, the quarantine, the plugged
devices. Each entry has one writer at a time. Each entry has a generation, by which a reader sees whether the entry has
changed meanwhile."""
import ctypes
import fcntl
import mmap
import os
import re
import struct
import subprocess
import time
from pathlib import Path

from hookhost import CLI
from sysfs_tree import Tree

MADE_VFS, MADE_DOMAINS, VALUES = 64, 256, 8
PROTO_8021Q = 0x0081  # in network byte order
WORKERS, DEVICES, OPERATIONS = 64, 80, 32
TRAIL_SIZE, TRAIL_LINES = 100000, 40
SETTINGS = '"settings": {"trust": "yes", "vlan": 42, "max_tx_rate": 100}'

CONFIG = """[pci]
%(specs)s
alias = {"name": "net", "vendor_id": "8086", "product_id": "10ca", "device_type": "type-VF", %(settings)s}
alias = {"name": "accel", "vendor_id": "144d", "product_id": "a824", "device_type": "type-VF"%(order)s}
[vfalias]
state = %(state)s
sysfs_root = %(sysfs)s
libvirt_run = %(run)s
require_daemon = no
incoming_timeout = 2
"""
NET = 'device_spec = {"vendor_id": "8086", "product_id": "10ca", "physical_network": "physnet1"}'
FIRST_CARD = 'device_spec = {"address": "0000:02:*.*", "physical_network": "physnet1"}'
ACCEL = 'device_spec = {"vendor_id": "144d", "product_id": "a824"}'
# the versions of the configuration; the third version allows one network card only
VERSIONS = ((NET + "\n" + ACCEL, ""), (ACCEL + "\n" + NET, ', "order": "spread"'), (FIRST_CARD + "\n" + ACCEL, ""))
BROKEN = "[pci]\nalias = {broken\n"


class MadeVf(ctypes.Structure):
    _fields_ = [("pf", ctypes.c_char * 16), ("netdev", ctypes.c_char * 16), ("number", ctypes.c_uint32),
                ("present", ctypes.c_uint32), ("values", ctypes.c_uint32 * VALUES), ("up", ctypes.c_uint32),
                ("mtu", ctypes.c_uint32)]

    def make_again(self):
        self.values[:] = [0, 1, 0, 0, 0, 0, 0, PROTO_8021Q]
        self.up, self.mtu = 0, 1500

    def is_as_wanted(self, up):
        """The settings are SETTINGS. The interface of a macvtap is up."""
        return (self.values[0], self.values[4], self.values[5]) == (1, 100, 42) and (self.up or not up)

    def is_usual(self):
        return list(self.values) == [0, 1, 0, 0, 0, 0, 0, PROTO_8021Q] and (self.up, self.mtu) == (0, 1500)


class Made(ctypes.Structure):
    _fields_ = [("vfs", MadeVf * MADE_VFS), ("active", ctypes.c_uint8 * MADE_DOMAINS)]


class Model(ctypes.Structure):
    """epoch is odd from the loss of the state file until it is rebuilt; config_changes is odd while the configuration
    is being written or broken. holder: the number of the domain that has the device; 0: no domain."""
    _fields_ = [("stop", ctypes.c_uint32), ("pause", ctypes.c_uint32), ("epoch", ctypes.c_uint32),
                ("config_changes", ctypes.c_uint32), ("config_version", ctypes.c_uint32),
                ("violations", ctypes.c_uint32),
                ("holder", ctypes.c_uint32 * DEVICES), ("holder_changes", ctypes.c_uint32 * DEVICES),
                ("quarantined", ctypes.c_uint32 * DEVICES), ("quarantined_changes", ctypes.c_uint32 * DEVICES),
                ("absent", ctypes.c_uint32 * DEVICES), ("absent_changes", ctypes.c_uint32 * DEVICES),
                ("pid", ctypes.c_int32 * WORKERS), ("began", ctypes.c_double * WORKERS),
                ("done", (ctypes.c_uint32 * 4) * OPERATIONS * WORKERS), ("longest", ctypes.c_double * OPERATIONS * WORKERS)]


class Card:
    """A PF of the tree with its VFs. They are unplugged and plugged as the kernel does it: all of them are removed,
    from the last to the first, and then a number of them is added, from the first on."""

    def __init__(self, host, pf):
        self.host, self.pf = host, pf
        self.vfs = [(vf, self._links(number, vf)) for number, vf in enumerate(pf.vfs)]

    def _links(self, number, vf):
        root = self.host.tree.root
        links = [self.pf.path / ("virtfn%d" % number), root / "bus/pci/devices" / vf.address]
        links += list(root.glob("kernel/iommu_groups/*/devices/" + vf.address))
        links += [root / "class/net" / net.name for net in (vf.path / "net").glob("*")]
        return [(link, os.readlink(link)) for link in links]

    def unplug(self):
        for vf, links in reversed(self.vfs):
            if not vf.path.exists():
                continue
            made = self.host.made_vf(vf.address)
            if made:
                made.present = 0
            for link, _ in links:
                link.unlink()
            vf.path.rename(self.host.folder / "unplugged" / vf.address)
            if made:
                made.make_again()
            self.host.set_flag("absent", vf.address, 1)

    def plug(self, n):
        for vf, links in self.vfs[:n]:
            if vf.path.exists():
                continue
            made = self.host.made_vf(vf.address)
            self.host.set_flag("absent", vf.address, 0)
            (self.host.folder / "unplugged" / vf.address).rename(vf.path)
            for link, target in links:
                link.symlink_to(target)
            if made:
                made.present = 1


class SoakHost:
    def __init__(self, folder, libraries):
        self.folder = Path(folder)
        self.tree = Tree(self.folder / "sys")
        self.state = self.folder / "run" / "state"
        self.run = self.folder / "libvirt-run"
        self.config = self.folder / "vfalias.conf"
        self.report = self.folder / "violations"
        for path in (self.run, self.state.parent, self.folder / "unplugged"):
            path.mkdir()
        self._make_devices()
        self._make_maps()
        self.cards = [Card(self, pf) for pf in self.pfs]
        self.configure(0)
        (self.folder / "locks").touch()
        self.env = {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "USER": "root",
                    "LOGNAME": "root", "VFALIAS_CONFIG": str(self.config), "VFA_SOAK_MAP": str(self.folder / "map"),
                    "VFA_SOAK_SYSFS": str(self.tree.root), "VFA_SOAK_LOCKS": str(self.folder / "locks"),
                    "LD_PRELOAD": libraries["hook"]}
        self.libvirt_env = dict(self.env, LD_PRELOAD=libraries["libvirt"])
        subprocess.run([str(CLI), "rescan"], env=self.env, check=True, stdout=subprocess.DEVNULL)
        (self.run / "other.xml").write_text("<domain/>")  # from now on, domains run when the state file is lost

    def _make_devices(self):
        tree = self.tree
        tree.device("0000:00:00.0", "8086:29c0", cls="060000", numa=0)
        first = tree.igb("0000:01:00.0", "enp1s0", vfs=24, numa=0)
        second = tree.igb("0000:41:00.0", "enp65s0", vfs=24, numa=1)
        drive = tree.pf("0000:65:00.0", "144d:a824", cls="010802", driver="nvme", numa=0)
        for number in range(16):  # two VFs share a group
            tree.vf(drive, "0000:65:%02x.%d" % (1 + number // 8, number % 8), "144d:a824", number, cls="010802", numa=0,
                    group=100 + number // 2)
        self.pfs = [first, second, drive]
        self.net = [vf.address for vf in first.vfs + second.vfs]
        self.accel = [vf.address for vf in drive.vfs]
        self.devices = self.net + self.accel + [drive.address]
        self.index = {address: number for number, address in enumerate(self.devices)}
        self.netdev = {vf.address: "%sv%d" % (name, number) for pf, name in ((first, "enp1s0"), (second, "enp65s0"))
                       for number, vf in enumerate(pf.vfs)}

    def _make_maps(self):
        path = self.folder / "map"
        path.write_bytes(bytes(ctypes.sizeof(Made)))
        with open(path, "r+b") as f:
            self.made = Made.from_buffer(mmap.mmap(f.fileno(), 0))
        self.model = Model.from_buffer(mmap.mmap(-1, ctypes.sizeof(Model)))
        for number, address in enumerate(self.net):
            vf = self.made.vfs[number]
            vf.pf = self.netdev[address].rsplit("v", 1)[0].encode()
            vf.netdev = self.netdev[address].encode()
            vf.number, vf.present = number % 24, 1
            vf.make_again()

    def made_vf(self, address):
        return self.made.vfs[self.index[address]] if address in self.netdev else None

    def configure(self, version):
        """version None: a configuration that cannot be read."""
        specs, order = VERSIONS[version or 0]
        text = BROKEN if version is None else CONFIG % {
            "specs": specs, "order": order, "settings": SETTINGS, "state": self.state, "sysfs": self.tree.root,
            "run": self.run}
        new = self.config.with_suffix(".new")
        new.write_text(text)
        new.rename(self.config)

    def set_flag(self, name, address, value):
        number = self.index[address]
        getattr(self.model, name + "_changes")[number] += 1
        getattr(self.model, name)[number] = value

    def flags(self, name):
        """The present flags with their generations. Equal results mean that the flags did not change in between."""
        return list(zip(getattr(self.model, name), getattr(self.model, name + "_changes")))

    def note(self, worker, text):
        """Records what a program did, for violation(). The last records are kept."""
        path = self.folder / ("trail-%d" % worker)
        if path.exists() and path.stat().st_size > TRAIL_SIZE:
            path.rename(path.with_suffix(".old"))
        with open(path, "a") as f:
            f.write("%.4f worker %d: %s\n" % (time.monotonic(), worker, text))

    def trail(self, text):
        """The records of the domains and devices that the text names."""
        names = "|".join(set(re.findall(r"\bd[0-9]+\b|[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]", text))) or "no name"
        about = re.compile(r"(^|[^-\w])(%s)\b|\b(gc|rescan|lost|VFs)\b" % names)
        lines = [line for path in self.folder.glob("trail-*") for line in path.read_text().splitlines() if about.search(line)]
        return "".join("    %s\n" % line for line in sorted(lines)[-TRAIL_LINES:])

    def violation(self, text):
        with open(self.report, "a") as f:
            f.write("%.4f %s\n%s" % (time.monotonic(), text, self.trail(text)))
        self.model.violations += 1

    def allowed(self, address):
        return self.model.config_version != 2 or not address.startswith("0000:42:")


def build_libraries(source, folder):
    """inject.c and the fake kernel for hooks; for the command line also the fake libvirt."""
    parts = {"hook": ["made-kernel.c"], "libvirt": ["made-kernel.c", "made-libvirt.c"]}
    for name, files in parts.items():
        subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", str(folder / (name + ".so")),
                        str(source / "faults/inject.c")] + [str(source / "soak.d" / f) for f in files] + ["-ldl"],
                       check=True)
    return {name: str(folder / (name + ".so")) for name in parts}


def lock_domain(fd, kind, number):
    ofd_setlkw = 38
    fcntl.fcntl(fd, ofd_setlkw, struct.pack("hhqqi4x", kind, os.SEEK_SET, number, 1, 0))
