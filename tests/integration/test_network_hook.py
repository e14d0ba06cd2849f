# SPDX-License-Identifier: LGPL-2.1-or-later
"""The network hook, called as libvirt calls it for the ports of its networks."""
import subprocess

import pytest

from hookhost import NETWORK_HOOK, domain, fine, hostdev, port, refused, request, uuid

PF, VF, OTHER = "0000:01:00.0", "0000:02:10.0", "0000:02:10.2"
NAT = """<hookData>
  <network><name>default</name><uuid>%s</uuid><forward mode='nat'/><bridge name='virbr0'/></network>
<networkport><uuid>%s</uuid><owner><name>d1</name><uuid>%s</uuid></owner><plug type='network' bridge='virbr0'/>
</networkport></hookData>
""" % (uuid(901), uuid(1001), uuid(1))


def name(number=1):
    return "port:" + uuid(1000 + number)


def live(address):
    """The interface in the domain's live XML."""
    return hostdev(address).replace("<hostdev mode='subsystem' type='pci'", "<interface type='hostdev'").replace(
        "</hostdev>", "<mac address='52:54:00:00:00:01'/></interface>").replace("<address", "<address type='pci'")


# ---- calls that do not concern it ----

@pytest.mark.parametrize("operation", ["start", "started", "stopped", "updated", "port-created", "port-deleted", "new"])
def test_other_networks_leave_no_trace(host, operation):
    fine(host.network_hook(operation, NAT))
    assert not host.state.exists()


@pytest.mark.parametrize("operation", ["start", "started", "stopped", "updated"])
def test_a_pool_as_such_leaves_no_trace(host, operation):
    fine(host.network_hook(operation, "<hookData><network><forward mode='hostdev'/></network></hookData>"))
    assert not host.state.exists()


def test_prefilter_loads_no_library_but_libc():
    needed = subprocess.run(["readelf", "-d", str(NETWORK_HOOK)], capture_output=True, text=True, check=True).stdout
    libraries = [line.split("[")[1].split("]")[0] for line in needed.splitlines() if "NEEDED" in line]
    assert not [l for l in libraries if not l.startswith(("libc.", "libasan", "libubsan", "libm."))], libraries


def test_too_few_arguments():
    done = subprocess.run([str(NETWORK_HOOK), "pool"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1


# ---- a device of a pool ----

def test_a_port_is_a_claim_of_its_owner(host):
    fine(host.network_hook("port-created", port(VF)))
    (claim,) = host.claims()
    assert (claim["device"], claim["domain"], claim["uuid"], claim["request"], claim["alias"], claim["state"]) == (
        VF, "d1", uuid(1), name(), None, "claimed")
    fine(host.network_hook("port-deleted", port(VF)))
    assert host.claims() == []


def test_its_device_is_given_to_nobody_else(host):
    fine(host.network_hook("port-created", port(VF)))
    fine(host.prepare(2, request("net")))
    assert host.held() == {("d1", name()): VF, ("d2", "net-0"): OTHER}
    line = refused(host.prepare(3, devices=hostdev(VF)))
    assert "domain 'd1' holds %s" % VF in line


def test_ports_of_one_domain(host):
    fine(host.network_hook("port-created", port(VF, 1)))
    fine(host.network_hook("port-created", port(OTHER, 2)))
    fine(host.network_hook("port-deleted", port(VF, 1)))
    assert host.held() == {("d1", name(2)): OTHER}


def test_another_device_for_the_same_port(host):
    fine(host.network_hook("port-created", port(VF)))
    fine(host.network_hook("port-created", port(OTHER)))
    assert host.held() == {("d1", name()): OTHER}


def test_release_of_the_domain_frees_it(host):
    fine(host.network_hook("port-created", port(VF)))
    fine(host.release(1, devices=live(VF)))
    assert host.claims() == []


def test_deleted_without_having_been_seen(host):
    fine(host.prepare(1, request("net")))
    fine(host.network_hook("port-deleted", port(OTHER)))
    assert host.held() == {("d1", "net-0"): VF}


# ---- the same device in the domain's live XML ----

def test_live_xml_and_port_are_the_same_thing(host):
    fine(host.network_hook("port-created", port(VF)))
    for _ in range(2):
        fine(host.hook("reconnect", domain(1, devices=live(VF))))
        assert host.held() == {("d1", name()): VF}
        fine(host.network_hook("port-created", port(VF)))
        assert host.held() == {("d1", name()): VF}
    assert host.claims()[0]["state"] == "active"


def test_port_after_live_xml(host):
    """libvirt's daemon was restarted after the loss of the state file."""
    fine(host.hook("reconnect", domain(1, devices=live(VF))))
    fine(host.network_hook("port-created", port(VF)))
    assert host.held() == {("d1", "static:" + VF): VF}
    fine(host.release(1, devices=live(VF)))
    assert host.claims() == []


# ---- a device that is taken ----

def test_a_device_of_another_domain_is_refused(host):
    fine(host.prepare(1, request("net")))
    line = refused(host.network_hook("port-created", port(VF, owner=2)))
    assert line == ("vfalias: network 'pool': device %s is not free: domain 'd1' holds %s (request 'net-0'); a device_spec"
                    " must not allow the devices of a network" % (VF, VF))
    assert host.held() == {("d1", "net-0"): VF}


def test_the_pf_of_a_claimed_vf_is_refused(host):
    fine(host.prepare(1, request("net")))
    assert "domain 'd1' holds " + VF in refused(host.network_hook("port-created", port(PF, owner=2)))


def test_a_request_of_the_same_domain_gives_way(host):
    """libvirt would choose the same device at every start. vfaliasd chooses another device for the request."""
    fine(host.prepare(1, request("net")))
    fine(host.network_hook("port-created", port(VF)))
    assert host.held() == {("d1", name()): VF}


def test_a_request_that_has_its_device_does_not(host):
    fine(host.prepare(1, request("net")))
    fine(host.hook("reconnect", domain(1, request("net"), hostdev(VF, "net-0"))))
    refused(host.network_hook("port-created", port(VF)))
    assert host.held() == {("d1", "net-0"): VF}


# ---- errors of vfalias stop no other domain ----

def test_broken_configuration(host):
    host.configure("[pci]\nalias = {broken\n")
    for operation in ("port-created", "port-deleted"):
        fine(host.network_hook(operation, port(VF)))


def test_a_state_that_cannot_be_opened(host):
    host.state.mkdir(parents=True)
    for operation in ("port-created", "port-deleted"):
        fine(host.network_hook(operation, port(VF)))


@pytest.mark.parametrize("xml", [
    "", "hello", "<hookData> hostdev-pci", "hostdev-pci", b"\0\xff\xfe hostdev-pci" * 100, "hostdev-pci" * (2 << 20),
    port(VF).replace("<owner>", "<odder>").replace("</owner>", "</odder>"), port(VF).replace(uuid(1), "x"),
    port(VF).replace("bus='0x02'", "bus='0x200'"), port(VF, kind="network") + "<!-- hostdev-pci -->",
], ids=lambda xml: xml[:20])
@pytest.mark.parametrize("operation", ["port-created", "port-deleted"])
def test_input_that_is_no_port(host, operation, xml):
    done = host.network_hook(operation, xml)
    assert done.returncode == 0 and not done.stdout and not done.stderr
    assert not host.state.exists() or host.claims() == []


def test_a_device_that_is_not_there_is_recorded(host):
    fine(host.network_hook("port-created", port("0000:99:00.0")))
    assert host.held() == {("d1", name()): "0000:99:00.0"}
