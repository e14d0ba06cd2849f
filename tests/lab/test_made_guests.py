# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests with vDPA and mediated devices that vfalias makes, by real libvirt, QEMU and kernel. After each test, nothing that was
made is left: no device, no claim, no link."""
from xml.etree import ElementTree

import pytest

from asking import DETACHING, Pool
from guestxml import guest_xml

MAC = "52:54:00:0a:0e:01"
SERIAL_ID = "4348:3253"
LINKS = "/run/vfalias/vdpa"
SPECS = """[pci]
device_spec = {"mgmtdev": "vdpasim_net", "max_devices": %d}
device_spec = {"mdev_parent": "mtty", "mdev_types": "mtty-1"}
alias = {"name": "vnet", "device_type": "vdpa"}
alias = {"name": "tty", "device_type": "mdev", "mdev_type": "mtty-1"}
"""


class Made(Pool):
    """A host whose aliases select devices that are made."""

    def prepare(self, maximum=4):
        super().prepare()
        self.configure(SPECS % maximum)

    def exist(self):
        """The vDPA and mediated devices of the kernel: (names, UUIDs)."""
        return sorted(self.lab.vdpa_devices()), sorted(self.lab.mdevs())

    def of(self, domain):
        """The devices in a domain's XML: {REQUEST: path of the vDPA node, or UUID}."""
        tree = ElementTree.fromstring(self.lab.virsh("dumpxml", domain))
        found = {}
        for element in tree.findall("devices/interface[@type='vdpa']") + tree.findall("devices/hostdev[@type='mdev']"):
            name = element.find("alias").get("name").removeprefix("ua-vf-")
            found[name] = (element.find("source/address").get("uuid") if element.tag == "hostdev"
                           else element.find("source").get("dev"))
        return found

    def define(self, name, *requests, **kwargs):
        """Defines a guest whose definition has the devices (`vfalias request add --cold`)."""
        self.lab.define(guest_xml(name, **kwargs))
        for request in requests:
            self.lab.run(f"vfalias request add {name} {request} --cold")

    def nothing_left(self):
        """All has been destroyed, and nothing is claimed."""
        self.lab.wait_for("vfalias claims --json | jq -e 'length == 0'")
        self.lab.wait_for("! find /sys/bus/vdpa/devices /sys/bus/mdev/devices -type l | grep .")
        self.lab.wait_for(f"! test -e {LINKS} || ! find {LINKS} -type l | grep .")


@pytest.fixture
def made(project, vdpa_sim, mtty):
    made = Made(project)
    made.prepare()
    yield made
    if not project.sick:
        project.clean()
        made.nothing_left()
        Pool(project).prepare()


VNET = f"vnet --mac {MAC}"


def check_guest(made, name):
    """The guest has a network card with its MAC, and a serial card. What the host says agrees with it. Returns the names."""
    lab = made.lab
    assert MAC in lab.guest(name, "cat /sys/class/net/*/address").split()
    assert (SERIAL_ID, "serial") in lab.guest_pci(name).values()
    assert "unable to start vhost net" not in lab.get(f"/var/log/libvirt/qemu/{name}.log")
    (vdpa,), (mdev,) = made.exist()
    assert made.held() == {(name, "vnet-0"): f"vdpa:{vdpa}", (name, "tty-0"): f"mdev:{mdev}"}
    of = made.of(name)
    assert of["tty-0"] == mdev and of["vnet-0"].startswith(f"{LINKS}/")
    assert lab.run(["readlink", of["vnet-0"]]).stdout.strip() == lab.vdpa_node(vdpa)
    return vdpa, mdev


# ---- devices in the definition ----

def test_definition(made):
    """define and start, destroy, and the same with a transient domain; in the end without vfaliasd. The names stay."""
    lab = made.lab
    made.define("db1", VNET, "tty")
    definition = made.inactive("db1")
    assert made.exist() == ([], [])
    lab.start("db1")
    first = check_guest(made, "db1")
    lab.virsh("destroy", "db1")
    made.nothing_left()
    assert made.inactive("db1") == definition

    made.daemon("stop")
    lab.start("db1")
    assert check_guest(made, "db1") == first
    lab.guest("db1", "(usleep 300000; poweroff -f) &")
    lab.wait_state("db1", "shut off")
    made.nothing_left()

    lab.virsh("undefine", "db1")
    since = lab.mark("db1")
    lab.run("virsh -q create /dev/stdin", input=definition)
    lab.wait_console("db1", "^GUEST ready", since=since)
    assert check_guest(made, "db1") == first
    lab.virsh("destroy", "db1")
    made.nothing_left()
    made.daemon("start")


MODULES = "/etc/modules-load.d/made.conf"


def test_host_boots(made):
    """A guest with autostart has its devices when its host was booted, also if vfaliasd comes later."""
    lab = made.lab
    made.define("auto", VNET, "tty")
    lab.virsh("autostart", "auto")
    lab.put(MODULES, "vhost_vdpa\nvdpa_sim_net\nvdpa_sim_blk\nmtty\n")
    try:
        lab.run("systemctl disable vfaliasd")
        lab.reboot()
        lab.wait_console("auto", "^GUEST ready")
        check_guest(made, "auto")
    finally:
        lab.run(f"systemctl enable vfaliasd; systemctl start vfaliasd; rm {MODULES}")
    made.wait_active("auto", "tty-0", "vnet-0")


# ---- hot-plug ----

def test_running_guest(made):
    """Requests that are written into a running guest: vfaliasd makes and attaches. What a request no longer wants, and what is
    detached by hand, is destroyed."""
    lab = made.lab
    lab.start("runs", guest_xml("runs"))
    made.ask("runs", f'<request alias="vnet"><interface type="vdpa"><mac address="{MAC}"/></interface></request>', "tty",
             where="--live")
    made.watch("runs", "tty-0", "vnet-0")
    made.wait_active("runs", "tty-0", "vnet-0")
    lab.wait_console("runs", f"^GUEST pci .* {SERIAL_ID} serial")
    mdev = check_guest(made, "runs")[1]

    made.ask("runs", "tty", where="--live")
    made.watch("runs", "tty-0")
    lab.wait_for("vfalias claims --json | jq -e 'length == 1'")
    lab.wait_for("! ls /sys/bus/vdpa/devices | grep .")
    assert made.exist() == ([], [mdev])

    lab.virsh("detach-device-alias", "runs", "ua-vf-tty-0", "--live")
    made.watch("runs")
    made.nothing_left()


# ---- refused ----

def test_no_more(made):
    """What makes devices can make no more: the second guest is refused, the first keeps its device."""
    lab = made.lab
    made.prepare(maximum=1)
    for name in ("db1", "db2"):
        made.define(name, VNET)
    lab.start("db1")
    before = made.exist()
    assert made.refused("start", "db2") == (
        "domain 'db2': no free device for request 'vnet-0': alias 'vnet' has 1 device, 1 claimed")
    assert (lab.state("db1"), lab.state("db2")) == ("running", "shut off")
    assert made.exist() == before and {domain for domain, _ in made.held()} == {"db1"}
    lab.virsh("destroy", "db1")
    lab.virsh("start", "db2")
    assert {domain for domain, _ in made.held()} == {"db2"}


# ---- save and restore ----

def test_saved(made):
    """libvirt and QEMU save a guest with a vDPA interface, but not with a mediated device, which is detached first. Both are
    destroyed, and are made again under the same names when the guest is restored. If no vDPA device can be made, the restore is
    refused, and the image stays."""
    lab = made.lab
    made.prepare(maximum=1)
    made.define("db1", VNET, "tty")
    made.define("db2", VNET)
    lab.start("db1")
    before, elements = made.exist(), made.of("db1")
    lab.guest("db1", "touch /mark")
    assert lab.virsh("managedsave", "db1", check=False).returncode == 1
    assert made.of("db1") == elements
    lab.run("vfalias detach db1 tty-0", timeout=DETACHING)
    assert made.exist() == (before[0], [])
    lab.virsh("managedsave", "db1")
    made.nothing_left()

    lab.virsh("start", "db2")
    assert "no free device for request 'vnet-0'" in made.refused("start", "db1")
    assert lab.run("virsh dominfo db1 | grep -q 'Managed save: *yes'", check=False).returncode == 0
    lab.virsh("destroy", "db2")
    made.nothing_left()

    lab.virsh("start", "db1")
    lab.guest("db1", "test -e /mark")
    made.watch("db1", "tty-0", "vnet-0")
    made.wait_active("db1", "tty-0", "vnet-0")
    assert check_guest(made, "db1") == (before[0][0], before[1][0])
    assert made.of("db1") == elements


# ---- migration ----

@pytest.fixture
def there(peer):
    """The same configuration on a second host."""
    peer.load("vhost_vdpa", "vdpa_sim_net", "mtty")
    there = Made(peer)
    there.prepare()
    yield there
    if not peer.sick:
        peer.clean()
        there.nothing_left()
        peer.unload("vdpa_sim_net", "vhost_vdpa", "mtty")
        Pool(peer).prepare()


def test_migration(made, there):
    """The destination makes devices of its own, under the same names; those of the source are destroyed. The definition that
    migrates, too, starts there."""
    lab = made.lab
    uri = f"qemu+tcp://{there.lab.name}/system"
    made.define("db1", VNET, "tty")
    lab.start("db1")
    names = check_guest(made, "db1")
    plan = [line.split() for line in lab.run(["vfalias", "migrate", "db1", uri, "--dry-run"]).stdout.splitlines()[1:]]
    assert {line[0]: line[-1] for line in plan} == {"vnet-0": f"vdpa:{names[0]}", "tty-0": f"mdev:{names[1]}"}
    assert there.exist() == ([], []) and there.claims() == {}
    lab.guest("db1", "touch /mark")
    lab.run(["vfalias", "migrate", "db1", uri, "--persistent", "--undefinesource"], timeout=DETACHING)
    there.lab.guest("db1", "test -e /mark")
    made.nothing_left()
    there.wait_active("db1", "tty-0", "vnet-0")
    assert check_guest(there, "db1") == names
    there.lab.virsh("destroy", "db1")
    there.nothing_left()
    there.lab.start("db1")
    assert check_guest(there, "db1") == names


def test_migration_by_virsh(made, there):
    """A vDPA interface that QEMU can migrate stays plugged in: the hook of the destination makes its device before."""
    lab = made.lab
    made.define("db1", VNET)
    lab.start("db1")
    before, path = made.exist(), made.of("db1")
    lab.guest("db1", "touch /mark")
    lab.virsh("migrate", "--live", "db1", f"qemu+tcp://{there.lab.name}/system", timeout=120)
    made.nothing_left()
    there.lab.guest("db1", "test -e /mark")
    assert there.lab.guest("db1", "cat /sys/class/net/eth0/address") == MAC
    assert (there.exist(), there.of("db1")) == (before, path)
    assert there.held() == {("db1", "vnet-0"): f"vdpa:{before[0][0]}"}
