# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices in definitions without a source: filled by vfaliasd, claimed by others, edited by the user, started, resolved
in a pipe."""
import shlex
from xml.etree import ElementTree

from asking import ACCELS, address, metadata, pool
from guestxml import guest_xml, hostdev

__all__ = ["pool"]  # a fixture
NOWHERE = "ffff:ff:1f.%d"
MAC = "52:54:00:00:07:%02x"


def interface(function, name, mac):
    return (f"<interface type='hostdev' managed='yes'><mac address='{MAC % mac}'/><source><address type='pci' domain='0xffff' "
            f"bus='0xff' slot='0x1f' function='0x{function}'/></source><alias name='ua-vf-{name}'/></interface>")


def definition(name, *wanted, devices=""):
    return guest_xml(name, devices, metadata=metadata(*wanted) if wanted else "", kernel=False, ports=4)


def placeholders(name, number):
    """A hostdev of one alias and an interface of the other alias."""
    return definition(name, devices=hostdev(NOWHERE % 0, "ua-vf-accel-0") + interface(1, "nic-0", number))


def sources(pool, domain):
    """{NAME: host address} of a definition."""
    tree = ElementTree.fromstring(pool.inactive(domain))
    found = tree.findall("devices/hostdev") + tree.findall("devices/interface[@type='hostdev']")
    return {each.find("alias").get("name").removeprefix("ua-vf-"): address(each.find("source/address")) for each in found}


def wait_filled(lab, pool, *domains):
    for domain in domains:
        lab.wait_for(f"! virsh -q dumpxml --inactive {domain} | grep -q 0xffff", 20)
    return [sources(pool, domain) for domain in domains]


def test_definitions_with_placeholders(lab, pool):
    free = lab.vfs("0000:03:00.0")

    # two definitions get four devices, which stay available to other domains
    lab.define(placeholders("a", 1))
    lab.define(placeholders("b", 2))
    a, b = wait_filled(lab, pool, "a", "b")
    assert len({*a.values(), *b.values()}) == 4 and {a["accel-0"], b["accel-0"]} <= set(free)
    assert pool.held() == {} and pool.free()["accel"] == ACCELS
    assert MAC % 1 in pool.inactive("a")

    # requests take tentative devices last; the definition that loses its device gets the remaining device
    lab.define(definition("asks", '<request alias="accel" count="3"/>'))
    pool.start("asks", "accel-0", "accel-1", "accel-2")
    left = (set(free) - set(pool.held().values())).pop()
    assert left in (a["accel-0"], b["accel-0"])
    loser, other = ("a", "b") if left == b["accel-0"] else ("b", "a")
    lab.wait_for(f"journalctl -q -u vfaliasd | grep \"domain '{loser}': put {left} into its definition as 'ua-vf-accel-0'\"")
    assert sources(pool, loser)["accel-0"] == sources(pool, other)["accel-0"] == left

    # without vfaliasd, the domain that starts first has the device; the second is refused, and its definition is mended
    # when a device becomes free
    pool.daemon("stop")
    lab.virsh("start", loser)
    has = pool.devices(loser)
    assert has["accel-0"].source == left and has["nic-0"].source == sources(pool, loser)["nic-0"]
    assert lab.driver(left) == "vfio-pci"
    assert {key: row["state"] for key, row in pool.claims(loser).items()} == {(loser, "accel-0"): "claimed",
                                                                            (loser, "nic-0"): "claimed"}
    taken = f"domain '{other}': device {left} is not free: domain '{loser}' holds {left} (request 'accel-0'); no free device"
    assert pool.refused("start", other).startswith(taken)
    pool.daemon("start")
    pool.wait_active(loser, "accel-0", "nic-0")
    assert "is gone, detaching" not in lab.journal(lab.test_began, "vfaliasd")  # the devices never had a request
    assert pool.refused("start", other).startswith(taken)
    pool.kill_daemon()
    lab.virsh("destroy", "asks")
    pool.daemon("start")
    lab.wait_for(f"journalctl -q -u vfaliasd | grep \"domain '{other}': put .* into its definition as 'ua-vf-accel-0'\"")

    # the user's edit wins
    nic = next(vf for vf in reversed(lab.vfs("0000:02:00.0")) if vf not in pool.held().values())
    was = sources(pool, other)["nic-0"]
    old, new = (f"bus=.0x{v[5:7]}. slot=.0x{v[8:10]}. function=.0x{v[11]}." for v in (was, nic))
    edit = "sed -i \"s/%s/%s/\"" % (old, new.replace(".", "'"))
    lab.run(f"EDITOR={shlex.quote(edit)} virsh edit {other}")
    lab.virsh("start", other)
    assert pool.devices(other)["nic-0"].source == nic and sources(pool, other)["nic-0"] == nic

    # defined and started in one go: refused with a message that says what to do, unless vfaliasd was faster
    lab.put("/tmp/c.xml", placeholders("c", 3))
    result = lab.virsh("define /tmp/c.xml; start c", check=False)
    if result.returncode:
        assert "start it again, vfaliasd has chosen another one for its definition" in result.stderr
        wait_filled(lab, pool, "c")
        lab.virsh("start", "c")
    assert set(pool.devices("c")) == {"accel-0", "nic-0"}

    # in a pipe, for a domain without a definition
    lab.virsh("destroy", "c")
    lab.run("vfalias resolve | virsh -q create /dev/stdin", input=placeholders("t", 4))
    assert set(pool.devices("t")) == {"accel-0", "nic-0"} and set(pool.held("t")) == {("t", "accel-0"), ("t", "nic-0")}

    # after undefine, no device is tentative for the domain
    lab.run("for d in a b c; do virsh -q destroy $d; virsh -q undefine $d; done", check=False)
    lab.wait_for("! vfalias devices | grep -q 'tentative for'")
