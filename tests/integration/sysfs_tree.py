# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes sysfs trees of other hosts, for programs with the option for another root.

A Tree is made of devices that are added one by one, each PF with its VFs, as the kernel lays them out: the devices
below devices/pciDDDD:BB, symbolic links to them in bus/pci/devices, their IOMMU groups in kernel/iommu_groups and their
interfaces in class/net. No value comes from the real /sys.

    tree = Tree(tmp_path / "sys")
    pf = tree.pf("0000:3b:00.0", "8086:10c9", vfs=7, vf_id="8086:10ca", netdev="enp59s0",
                 driver="igb", vf_driver="igbvf", numa=0)
    tree.device("0000:00:00.0", "8086:29c0", cls="060000")
    tree.bind(pf.vfs[0], "vfio-pci")
    tree.remove(pf.vfs[1])

typical(root) makes the host that most tests use.
"""
import os
import shutil
from pathlib import Path


class Device:
    """A device of a tree: its address, its folder, and for a PF the addresses of its VFs."""

    def __init__(self, address, path):
        self.address = address
        self.path = path
        self.vfs = []

    def __str__(self):
        return self.address


def _link(target, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(os.path.relpath(target, path.parent))


def _vf_address(pf, number, offset=16, stride=1):
    """The kernel's rule: the routing ID of the PF plus offset plus number * stride."""
    domain, bus, rest = pf.split(":")
    slot, function = rest.split(".")
    rid = (int(bus, 16) << 8 | int(slot, 16) << 3 | int(function)) + offset + number * stride
    return "%s:%02x:%02x.%d" % (domain, rid >> 8, rid >> 3 & 31, rid & 7)


class Tree:
    def __init__(self, root):
        self.root = Path(root)
        self.devices = {}
        self._next_group = 0
        for folder in ("bus/pci/devices", "bus/pci/drivers", "class/net", "kernel/iommu_groups"):
            (self.root / folder).mkdir(parents=True)

    def device(self, address, ids, cls="088000", numa=None, group="new", driver=None,
               netdev=None, parent=None):
        """Adds a device and returns it. ids: "vendor:product". numa None: the file does not exist; -1 is the kernel's
        value for unknown. group: a number, "new", or None for no IOMMU group."""
        folder = parent.path.parent if parent else \
            self.root / "devices" / ("pci" + address.rsplit(":", 1)[0])
        device = Device(address, folder / address)
        device.path.mkdir(parents=True)
        vendor, product = ids.split(":")
        self.write(device, "vendor", "0x" + vendor)
        self.write(device, "device", "0x" + product)
        self.write(device, "class", "0x" + cls)
        if numa is not None:
            self.write(device, "numa_node", str(numa))
        _link(device.path, self.root / "bus/pci/devices" / address)
        _link(self.root / "bus/pci", device.path / "subsystem")
        if group is not None:
            self._join(device, group)
        if driver:
            self.bind(device, driver)
        if netdev:
            self.netdev(device, netdev)
        self.devices[address] = device
        return device

    def bridge(self, address, ids="8086:a190", **more):
        return self.device(address, ids, cls="060400", **more)

    def pf(self, address, ids, vfs=0, total=None, vf_id=None, vf_driver=None, vf_netdev=None,
           offset=16, stride=1, **more):
        """Adds a PF and its VFs. The VFs have the class and the NUMA node of the PF. vf_netdev: a pattern for the
        interfaces of the VFs, such as "ens1f0v%d"; None: no interfaces."""
        pf = self.device(address, ids, **more)
        self.write(pf, "sriov_totalvfs", str(vfs if total is None else total))
        self.write(pf, "sriov_numvfs", str(vfs))
        for number in range(vfs):
            self.vf(pf, _vf_address(address, number, offset, stride), vf_id or ids, number,
                    driver=vf_driver, netdev=vf_netdev % number if vf_netdev else None,
                    **{k: v for k, v in more.items() if k in ("cls", "numa")})
        return pf

    def vf(self, pf, address, ids, number, **more):
        vf = self.device(address, ids, parent=pf, **more)
        (vf.path / "physfn").symlink_to("../" + pf.address)
        (pf.path / ("virtfn%d" % number)).symlink_to("../" + address)
        pf.vfs.append(vf)
        return vf

    def igb(self, address, netdev, vfs=7, **more):
        """A network card with VFs that have drivers and interfaces."""
        return self.pf(address, "8086:10c9", vfs=vfs, vf_id="8086:10ca", cls="020000", driver="igb",
                       vf_driver="igbvf", netdev=netdev, vf_netdev=netdev + "v%d",
                       offset=0x180, stride=2, **more)

    def switchdev(self, address, vfs=2, **more):
        """A card in switchdev mode: its function has the interface "p0" and the representors of the VFs, which come
        first in the order of names."""
        pf = self.pf(address, "15b3:101d", vfs=vfs, vf_id="15b3:101e", cls="020000", driver="mlx5_core",
                     vf_driver="mlx5_core", vf_netdev="p0v%d", offset=2, **more)
        self.netdev(pf, "p0", port="p0")
        for number in range(vfs):
            self.netdev(pf, "eth%d" % number, port="pf0vf%d" % number)
        return pf

    def quad(self, address, **more):
        """A card with four ports in one function, as cxgb4 has them: eth0 to eth3."""
        card = self.device(address, "1425:6401", cls="020000", driver="cxgb4", **more)
        for port in range(4):
            self.netdev(card, "eth%d" % port)
        return card

    def set_flags(self, netdev, flags):
        """Flags of an interface. 0x1003: up; 0x1002: down."""
        (self.root / "class/net" / netdev / "flags").write_text("0x%x\n" % flags)

    def nvme(self, address, vfs=4, **more):
        """A drive. Its VFs have the ids of the PF, and no driver."""
        return self.pf(address, "144d:a824", vfs=vfs, cls="010802", driver="nvme", offset=1, **more)

    def write(self, device, name, text):
        (device.path / name).write_text(text + "\n")

    def bind(self, device, driver):
        """Binds a driver; None: unbinds the driver."""
        (device.path / "driver").unlink(missing_ok=True)
        if driver:
            folder = self.root / "bus/pci/drivers" / driver
            folder.mkdir(exist_ok=True)
            _link(folder, device.path / "driver")

    def netdev(self, device, name, port=None):
        """port: the phys_port_name, if the driver sets it, such as "p0" or "pf0vf1"."""
        folder = device.path / "net" / name
        folder.mkdir(parents=True)
        if port:
            (folder / "phys_port_name").write_text(port + "\n")
        (folder / "device").symlink_to("../../../" + device.address)
        (folder / "operstate").write_text("down\n")
        _link(folder, self.root / "class/net" / name)

    def enslave(self, device, master, name="*"):
        """Makes the device's interface, or one of its interfaces, a member of a bridge or bond."""
        for netdev in (device.path / "net").glob(name):
            _link(self.root / "class/net" / master, netdev / "master")

    def offspring(self, device, name, bus):
        """Makes a vDPA ("vdpa") or mediated ("mdev") device of the device."""
        (device.path / name).mkdir()
        _link(self.root / "bus" / bus, device.path / name / "subsystem")

    def disk(self, device, below, number):
        """Adds a disk or partition of a device: "nvme/nvme0/nvme0n1", "259:0". device None: of no device."""
        path = (device.path if device else self.root / "devices/virtual") / below
        (path / "holders").mkdir(parents=True)
        (path / "dev").write_text(number + "\n")
        _link(path, self.root / "class/block" / path.name)
        return path

    def mount(self, number, on, kind="ext4", source="/dev/root"):
        """Adds a mount to the /proc next to the tree."""
        proc = self.root.parent / "proc/1"
        proc.mkdir(parents=True, exist_ok=True)
        with open(proc / "mountinfo", "a", encoding="utf-8") as file:
            file.write("29 1 %s / %s rw,relatime shared:1 - %s %s rw\n" % (number, on, kind, source))

    def opened(self, file, pid=77, program="dpdk-testpmd"):
        """Adds a process that has a file open to the /proc next to the tree."""
        fds = self.root.parent / "proc" / str(pid) / "fd"
        fds.mkdir(parents=True, exist_ok=True)
        (fds.parent / "comm").write_text(program + "\n")
        (fds / str(len(list(fds.iterdir())))).symlink_to(file)

    def move_netdev_away(self, device):
        """Moves the interface into another network namespace: its folder stays, empty."""
        for netdev in (device.path / "net").iterdir():
            (self.root / "class/net" / netdev.name).unlink()
            shutil.rmtree(netdev)

    def topology(self, nodes):
        """{NUMA node: (its CPUs as a list "0-3,8", its socket)}; a node without CPUs: ("", None)."""
        folder = self.root / "devices/system/node"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "online").write_text(",".join(str(n) for n in sorted(nodes)) + "\n")
        for node, (cpus, socket) in nodes.items():
            (folder / ("node%d" % node)).mkdir(exist_ok=True)
            (folder / ("node%d" % node) / "cpulist").write_text(cpus + "\n")
            if cpus:
                first = self.root / ("devices/system/cpu/cpu%d/topology" % int(cpus.split(",")[0].split("-")[0]))
                first.mkdir(parents=True, exist_ok=True)
                (first / "physical_package_id").write_text("%d\n" % socket)

    def _join(self, device, group):
        if group == "new":
            group = self._next_group
        self._next_group = max(self._next_group, group + 1)
        folder = self.root / "kernel/iommu_groups" / str(group)
        (folder / "devices").mkdir(parents=True, exist_ok=True)
        _link(folder, device.path / "iommu_group")
        _link(device.path, folder / "devices" / device.address)

    def remove(self, device):
        """Unplugs a device, as `echo 0 >sriov_numvfs` and a hot-unplug do."""
        for vf in list(device.vfs):
            self.remove(vf)
        (self.root / "bus/pci/devices" / device.address).unlink()
        for group in self.root.glob("kernel/iommu_groups/*/devices/" + device.address):
            group.unlink()
        for name in (device.path / "net").glob("*"):
            (self.root / "class/net" / name.name).unlink()
        for pf in self.devices.values():
            if device in pf.vfs:
                pf.vfs.remove(device)
                for link in pf.path.glob("virtfn*"):
                    if os.readlink(link) == "../" + device.address:
                        link.unlink()
        shutil.rmtree(device.path)
        del self.devices[device.address]

    def snapshot(self):
        """Every path with its content, to show that no file was written."""
        found = {}
        for path in self.root.rglob("*"):
            if path.is_symlink():
                found[path] = "-> " + os.readlink(path)
            else:
                found[path] = path.read_text() if path.is_file() else None
        return found


def typical(root):
    """A host bridge, a root port, a plain NIC, two SR-IOV cards on two NUMA nodes, a drive with VFs."""
    tree = Tree(root)
    tree.device("0000:00:00.0", "8086:29c0", cls="060000", numa=0)
    tree.bridge("0000:00:1c.0", driver="pcieport", numa=0)
    tree.device("0000:00:1f.6", "8086:15bb", cls="020000", numa=-1, driver="e1000e", netdev="eno1")
    tree.igb("0000:01:00.0", "enp1s0", numa=0)
    tree.igb("0000:41:00.0", "enp65s0", numa=1)
    tree.nvme("0000:65:00.0", numa=0)
    return tree
