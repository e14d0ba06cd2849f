# SPDX-License-Identifier: LGPL-2.1-or-later
"""The made kernel (tests/kernel/kernel.h) on a tree of sysfs_tree.py: vDPA and mediated devices that real programs make,
find and destroy. build() makes the library; `env` of a MadeKernel preloads it into a program.

    kernel = MadeKernel(tree, library)
    kernel.vdpa()
    kernel.mgmtdev("vdpasim_net")
    kernel.mgmtdev("pci/0000:01:10.0", tree.devices["0000:01:10.0"], max_devices=1)
    kernel.mdev_parent(tree.device("0000:65:00.0", "10de:1bb3"), {"nvidia-63": 1, "nvidia-64": 2}, units=8)
    with kernel.opened("vhost-vdpa-0"):          # a guest has it open
        ...
    with kernel.hanging("del"):                  # DEV_DEL does not return meanwhile
        ...
"""
import contextlib
import errno
import fcntl
import os
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = HERE.parent / "kernel"
MAKER = Path(os.environ.get("VFALIAS_BUILD", "/nonexistent")) / "tests/kernel/maker"

NET, BLOCK = 1, 2  # virtio ids
MAC, MAX_VQP, MTU, FEATURES = 1 << 10, 1 << 12, 1 << 13, 1 << 20  # settings of a new device


def build(folder):
    library = Path(folder) / "made-kernel.so"
    subprocess.run(["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-shared", "-fPIC", "-O1", "-g", "-o", str(library),
                    *map(str, sorted(SOURCES.glob("kernel-*.c")))], check=True)
    return library


class MadeKernel:
    def __init__(self, tree, library):
        self.tree = tree
        self.root = tree.root
        self.folder = self.root.parent / "kernel"
        self.dev = self.root.parent / "dev"
        for path in (self.folder / "mgmtdev", self.folder / "mdev", self.dev / "vfio"):
            path.mkdir(parents=True, exist_ok=True)
        self.record("hints", group=tree._next_group)
        # AddressSanitizer wants to be the first library
        self.env = {"LD_PRELOAD": str(library), "VFA_MADE_KERNEL": str(self.root),
                    "ASAN_OPTIONS": "verify_asan_link_order=0"}

    def record(self, name, **values):
        (self.folder / name).write_text("".join("%s %s\n" % item for item in values.items()))

    def vdpa(self, *drivers):
        """Loads vdpa and its drivers; the first one takes new devices."""
        drivers = drivers or ("vhost_vdpa",)
        (self.root / "bus/vdpa/devices").mkdir(parents=True)
        for name in ("vdpa", "vdpa-locks"):
            (self.folder / name).mkdir()
        for driver in drivers:
            folder = self.root / "bus/vdpa/drivers" / driver
            folder.mkdir(parents=True)
            (folder / "bind").touch()
            (folder / "unbind").touch()
        self.record("drivers", load=",".join(drivers))

    def mgmtdev(self, name, parent=None, classes=(NET,), features=0x308830028, max_vqs=3, max_devices=0,
                takes=MAC | MTU | FEATURES):
        """parent: a device of the tree; None: a folder of its own, as a simulated one has."""
        path = parent.path if parent else self.root / "devices" / name
        path.mkdir(parents=True, exist_ok=True)
        self.record("mgmtdev/" + name.replace("/", "!"), parent=path.relative_to(self.root),
                    classes=sum(1 << number for number in classes), features=features, max_vqs=max_vqs,
                    max_devices=max_devices, takes=takes)

    def mdev_parent(self, parent, types, units, full=errno.ENOSPC):
        """parent: a device of the tree, or the name of one that is no PCI device. types: {TYPE: units of a device}."""
        path = self.root / "devices/virtual" / parent / parent if isinstance(parent, str) else parent.path
        for name, cost in types.items():
            folder = path / "mdev_supported_types" / name
            (folder / "devices").mkdir(parents=True)
            for file, text in (("name", name.upper()), ("device_api", "vfio-pci"), ("create", ""),
                               ("available_instances", str(units // cost))):
                (folder / file).write_text(text + "\n")
        for folder in ("class/mdev_bus", "class/vfio", "bus/mdev/devices"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        for folder in ("mdev-devices", "vfio"):
            (self.folder / folder).mkdir(exist_ok=True)
        link = self.root / "class/mdev_bus" / path.name
        link.symlink_to(os.path.relpath(path, link.parent))
        self.record("mdev/" + path.name, path=path.relative_to(self.root), free=units, full=full,
                    types=",".join("%s:%d" % item for item in types.items()))

    def fill(self, mgmtdev, names):
        """Makes devices that are bound to vhost_vdpa, without a process for each: 10,000 in seconds."""
        record = "mgmtdev/" + mgmtdev.replace("/", "!")
        maker = self._read(self.folder / record)
        first = int(self._read(self.folder / "hints").get("minor", 0))
        driver = self.root / "bus/vdpa/drivers/vhost_vdpa"
        for number, name in enumerate(names, first):
            node = "vhost-vdpa-%d" % number
            path = self.root / maker["parent"] / name
            (path / node).mkdir(parents=True)
            (path / "driver_override").write_text("(null)\n")
            (path / "uevent").touch()
            (self.dev / node).touch()
            for link, target in ((path / "driver", driver), (driver / name, path),
                                 (self.root / "bus/vdpa/devices" / name, path)):
                os.symlink(os.path.relpath(target, link.parent), link)
            self.record("vdpa/" + name, mgmtdev=mgmtdev, path=path.relative_to(self.root), id=1,
                        max_vqs=maker["max_vqs"], node=node, driver="vhost_vdpa")
        self.record("hints", **{**self._read(self.folder / "hints"), "minor": first + len(names)})
        self.record(record, **{**maker, "devices": int(maker.get("devices", 0)) + len(names)})

    @staticmethod
    def _read(path):
        return dict(line.split(" ", 1) for line in path.read_text().splitlines())

    @contextlib.contextmanager
    def _locked(self, path):
        with open(path, "a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield

    def opened(self, node):
        """Meanwhile a guest has the node open: "vhost-vdpa-0", "vfio/12"."""
        assert (self.dev / node).exists()
        return self._locked(self.dev / node)

    @contextlib.contextmanager
    def hanging(self, call):
        """Meanwhile the call does not return: new, del, get, mgmtdev, bind, unbind, create, remove."""
        path = self.folder / ("hang." + call)
        with self._locked(path):
            yield
        path.unlink()

    @contextlib.contextmanager
    def failing(self, call, code, text=""):
        path = "fail." + call
        self.record(path, code=code, text=text)
        yield
        (self.folder / path).unlink()

    def calls(self):
        """["new NAME", "get NAME", "get *", ...], in order"""
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def devices(self):
        """{name of a vDPA device: {key: value}}, as the kernel has them"""
        return {path.name: self._read(path) for path in (self.folder / "vdpa").iterdir()}

    def mdevs(self):
        return {path.name: self._read(path) for path in (self.folder / "mdev-devices").iterdir()}

    def start(self, *args, limit=10000, **more):
        """Starts tests/kernel/maker.c."""
        return subprocess.Popen([str(MAKER), str(self.root), str(limit), *args], stdout=subprocess.PIPE, text=True,
                                env={**os.environ, **self.env}, **more)

    def maker(self, *args, limit=10000):
        """Runs tests/kernel/maker.c; returns the lines that it printed. The last one is the result."""
        with self.start(*args, limit=limit) as process:
            lines = process.communicate(timeout=60)[0].splitlines()
        assert process.returncode == lines[-1].startswith("error: "), lines
        return lines
