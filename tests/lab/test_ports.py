# SPDX-License-Identifier: LGPL-2.1-or-later
"""In which port of a guest a device is attached: labelled ports, free ports, and no port at all."""
from xml.etree import ElementTree

from asking import WITHOUT_DAEMON, metadata, pool
from guestxml import guest_xml

__all__ = ["pool"]  # a fixture
PORT = "<controller type='pci' index='%d' model='pcie-root-port'><alias name='ua-slot-%s'/></controller>"


def bare(name, *wanted, devices="", ports=0):
    return guest_xml(name, devices, metadata=metadata(*wanted) if wanted else "", kernel=False, ports=ports)


def free_ports(pool, domain):
    """The number of root ports of a definition without a device."""
    tree = ElementTree.fromstring(pool.inactive(domain))
    used = {int(a.get("bus"), 0) for a in tree.iterfind("devices/*/address[@bus]")}
    ports = tree.findall("devices/controller[@model='pcie-root-port']")
    return sum(int(port.get("index")) not in used for port in ports)


def test_labelled_port_keeps_the_address(lab, pool):
    """The device of a request is in the port with its name, whichever device it is."""
    lab.define(bare("db1", '<request alias="net" name="dp0"/>', "net", devices=PORT % (9, "dp0"), ports=3))
    pool.start("db1", "dp0", "net-0")
    first = pool.devices("db1")
    assert first["dp0"].guest == "0000:09:00.0"
    assert first["net-0"].guest != "0000:09:00.0"
    lab.virsh("destroy", "db1")

    lab.define(bare("other", "net", "net", ports=3))
    pool.start("other", "net-0", "net-1")  # takes the devices that db1 had
    pool.start("db1", "dp0", "net-0")
    second = pool.devices("db1")
    assert second["dp0"].source != first["dp0"].source
    assert second["dp0"].guest == "0000:09:00.0"


def test_labelled_port_is_a_request(lab, pool):
    """For tools that can write controllers and cannot write metadata."""
    lab.define(bare("db1", devices=PORT % (7, "accel-0") + PORT % (8, "net-3"), ports=2))
    pool.start("db1", "accel-0", "net-3")
    guest = {name: device.guest for name, device in pool.devices("db1").items()}
    assert guest == {"accel-0": "0000:07:00.0", "net-3": "0000:08:00.0"}


def test_request_with_a_port_of_its_own(lab, pool):
    lab.define(bare("db1", ports=1))
    lab.run("vfalias request add db1 net --name dp0 --port --config")
    tree = ElementTree.fromstring(pool.inactive("db1"))
    port = tree.find("devices/controller/alias[@name='ua-slot-dp0']/..")
    pool.start("db1", "dp0")
    assert pool.devices("db1")["dp0"].guest == f"0000:{int(port.get('index')):02x}:00.0"


def test_daemon_adds_ports(lab, pool):
    """A definition without ports gets ports as soon as it has requests. The next start has enough."""
    lab.define(bare("db1"))
    pool.ask("db1", '<request alias="net" count="3"/>')
    lab.wait_for("journalctl -q -u vfaliasd | grep \"domain 'db1': added\"")
    pool.start("db1", "net-0", "net-1", "net-2")
    lab.virsh("destroy", "db1")
    definition = pool.inactive("db1")
    lab.define(definition)  # has enough ports: the daemon adds none
    pool.start("db1", "net-0", "net-1", "net-2")
    assert pool.inactive("db1") == definition


def test_start_without_free_ports(lab, pool):
    """A program that defines and starts a domain before the daemon has looked sees what to do, and that works."""
    pool.configure(WITHOUT_DAEMON)
    pool.daemon("stop")
    lab.define(bare("db1", '<request alias="net" count="3"/>'))
    number = 3 - free_ports(pool, "db1")
    assert number > 0
    reason = pool.refused("start", "db1")
    assert reason.startswith(f"domain 'db1': {number} more empty PCIe root ports needed")
    assert "run 'vfalias request ports db1'" in reason
    lab.run("vfalias request ports db1")
    assert free_ports(pool, "db1") == 3
    lab.virsh("start", "db1")
    assert {row["state"] for row in pool.claims("db1").values()} == {"claimed"}
    pool.daemon("start")
    pool.watch("db1", "net-0", "net-1", "net-2")
