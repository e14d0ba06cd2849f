# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt's own networks that give out VFs (<forward mode='hostdev'>), together with vfalias on one host."""
import pytest
from asking import OTHER_PF, metadata, pool
from guestxml import guest_xml

__all__ = ["pool"]  # a fixture

NETWORK = "<network><name>vfs</name><forward mode='hostdev' managed='yes'><pf dev='enp2s0'/></forward></network>"
INTERFACE = "<interface type='network'><source network='vfs'/></interface>"
ASKED = '<request alias="net" physical_network="physnet2"/>'  # the same VFs


@pytest.fixture
def network(lab, pool):
    lab.run("virsh -q net-define /dev/stdin && virsh -q net-start vfs", input=NETWORK)
    yield pool
    if not lab.sick:
        lab.clean()
        lab.virsh("net-destroy", "vfs")
        lab.virsh("net-undefine", "vfs")


def ports(lab):
    return [f"port:{uuid}" for uuid in lab.virsh("net-port-list", "vfs").split()]


def plugged(name, *wanted, interfaces=1):
    return guest_xml(name, INTERFACE * interfaces, metadata(*wanted) if wanted else "", kernel=False)


def test_devices_of_a_network_are_claims(lab, network):
    first, second = lab.vfs(OTHER_PF)[:2]
    lab.define(plugged("plugged"))
    lab.virsh("start", "plugged")
    (port,) = ports(lab)
    assert network.held() == {("plugged", port): first}
    network.wait_active("plugged", port)

    lab.attach("plugged", INTERFACE)
    assert set(network.held("plugged").values()) == {first, second}
    for service in ("libvirtd", "vfaliasd"):
        lab.run(f"systemctl restart {service}")
        lab.wait_for("virsh list")
        network.wait_active("plugged", *ports(lab))
        assert set(network.held("plugged").values()) == {first, second}

    lab.define(guest_xml("asks", metadata=metadata(ASKED), kernel=False))
    network.start("asks", "net-0")
    assert network.devices("asks")["net-0"].source not in (first, second)
    lab.virsh("destroy", "asks")
    lab.virsh("destroy", "plugged")
    network.check_all_free()


def test_state_lost_while_it_runs(lab, network):
    """The claims are rebuilt from the live XML, which does not mention networks."""
    lab.define(plugged("plugged"))
    lab.virsh("start", "plugged")
    device = lab.vfs(OTHER_PF)[0]
    lab.run("rm /run/vfalias/state")
    network.wait_active("plugged", f"static:{device}")
    lab.virsh("destroy", "plugged")
    network.check_all_free()


def test_network_destroyed_while_it_runs(lab, network):
    """libvirt then reports no port."""
    lab.define(plugged("plugged"))
    lab.virsh("start", "plugged")
    lab.virsh("net-destroy", "vfs")
    assert list(network.held().values()) == lab.vfs(OTHER_PF)[:1]
    lab.virsh("destroy", "plugged")
    network.check_all_free()
    lab.virsh("net-start", "vfs")


def test_a_device_that_is_taken(lab, network):
    """libvirt takes the first device of its pool and no other. The hook's line says which domain has the device."""
    device = lab.vfs(OTHER_PF)[0]
    lab.define(guest_xml("has", metadata=metadata(ASKED), kernel=False))
    network.start("has", "net-0")
    assert network.held() == {("has", "net-0"): device}
    lab.define(plugged("plugged"))
    assert network.refused("start", "plugged").splitlines()[0] == (
        f"network 'vfs': device {device} is not free: domain 'has' holds {device} (request 'net-0'); "
        "a device_spec must not allow the devices of a network")
    assert network.held() == {("has", "net-0"): device} and ports(lab) == []
    lab.virsh("destroy", "has")
    lab.virsh("start", "plugged")
    assert list(network.held().values()) == [device]


def test_a_domain_that_asks_both(lab, network):
    """libvirt chooses the device that was claimed for a request of the same domain. The request gets another device."""
    first = lab.vfs(OTHER_PF)[0]
    lab.define(plugged("both", ASKED))
    lab.virsh("start", "both")
    lab.wait_for("virsh -q dumpxml both | grep ua-vf-net-0")
    (port,) = ports(lab)
    network.wait_active("both", "net-0", port)
    held = network.held()
    assert held[("both", port)] == first and held[("both", "net-0")] != first
    lab.virsh("destroy", "both")
    network.check_all_free()
