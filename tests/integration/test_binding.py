# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `vfalias claims --json` reports about a claimed device, for a network controller."""
import json
import subprocess
import uuid

import pytest

from hookhost import CLI, CONFIG, domain, fine, hostdev, request, uuid as domain_uuid

NETS = CONFIG + """
[pci]
device_spec = {"address": "0000:41:00.0", "physical_network": "physnet2"}
alias = {"name": "nic", "vendor_id": "8086", "product_id": "10ca", "device_type": "type-VF", "attach": "interface"}
alias = {"name": "card", "vendor_id": "8086", "product_id": "10c9", "device_type": "type-PF"}
"""
MAC = "52:54:00:00:10:%02x"


@pytest.fixture
def nets(host):
    """The fake host with MAC addresses, and a domain that has a VF of each kind."""
    host.configure(NETS)
    for number, netdev in enumerate(sorted(host.tree.root.glob("class/net/*"))):
        (netdev.resolve() / "address").write_text(MAC % number + "\n")
    fine(host.prepare(1, request("nic"), request("accel")))
    return host


def bound(host):
    keys = ("request_id", "pci_slot", "pci_vendor_info", "physical_network", "pf_address", "pf_mac_address", "vf_num",
            "mac_address")
    return {claim["request"]: {key: claim[key] for key in keys} for claim in host.claims()}


def mac_of(host, netdev):
    return (host.tree.root / "class/net" / netdev / "address").read_text().strip()


def runs(host, number, devices, name=None):
    """libvirt's status file of a running domain."""
    host.libvirt_run.mkdir(exist_ok=True)
    (host.libvirt_run / ("%s.xml" % (name or "d%d" % number))).write_text(
        "<domstatus state='running' reason='booted' pid='1'>%s</domstatus>" % domain(number, devices=devices, name=name))


def interface(address, mac, name=None):
    inside = hostdev(address, name).partition(">")[2].removesuffix("</hostdev>")
    return "<interface type='hostdev' managed='yes'><mac address='%s'/>%s</interface>" % (mac, inside)


def test_virtual_functions(nets):
    assert bound(nets) == {
        "nic-0": {"request_id": str(uuid.uuid5(uuid.UUID(domain_uuid(1)), "nic-0")), "pci_slot": "0000:02:10.0",
                  "pci_vendor_info": "8086:10ca", "physical_network": "physnet1", "pf_address": "0000:01:00.0",
                  "pf_mac_address": mac_of(nets, "enp1s0"), "vf_num": 0, "mac_address": None},
        "accel-0": {"request_id": str(uuid.uuid5(uuid.UUID(domain_uuid(1)), "accel-0")), "pci_slot": "0000:65:00.1",
                    "pci_vendor_info": "144d:a824", "physical_network": None, "pf_address": "0000:65:00.0",
                    "pf_mac_address": None, "vf_num": 0, "mac_address": None}}


def test_numbers(nets):
    """The number of each VF of a PF. Sorted as text, the links would have another order from the tenth on."""
    pf = nets.tree.igb("0000:81:00.0", "enp129s0", vfs=12)
    assert nets.cli("rescan").returncode == 0
    fine(nets.hook("prepare", domain(2, devices="".join(hostdev(vf.address) for vf in pf.vfs)), name="d2"))
    found = {claim["pci_slot"]: claim["vf_num"] for claim in nets.claims() if claim["domain"] == "d2"}
    assert found == {vf.address: number for number, vf in enumerate(pf.vfs)}


def test_a_whole_card_and_a_plain_device(nets):
    nets.prepare(2, request("card"))
    fine(nets.hook("prepare", domain(3, devices=hostdev("0000:00:1f.6")), name="d3"))
    rows = bound(nets)
    assert rows["card-0"]["pci_vendor_info"] == "8086:10c9" and rows["card-0"]["physical_network"] == "physnet2"
    for name in "card-0", "static:0000:00:1f.6":
        assert (rows[name]["pf_address"], rows[name]["pf_mac_address"], rows[name]["vf_num"]) == (None, None, None)
    assert rows["static:0000:00:1f.6"]["request_id"] == \
        str(uuid.uuid5(uuid.UUID(domain_uuid(3)), "static:0000:00:1f.6"))


def test_devices_that_are_gone(nets):
    nets.tree.remove(nets.tree.devices["0000:02:10.0"])
    row = bound(nets)["nic-0"]
    assert row.pop("request_id") and row.pop("pci_slot") == "0000:02:10.0"
    assert set(row.values()) == {None}
    nets.tree.remove(nets.tree.devices["0000:65:00.0"])
    assert bound(nets)["accel-0"]["pci_vendor_info"] is None


@pytest.mark.parametrize("address, mac", [
    ("52:54:00:AB:cd:ef\n", "52:54:00:ab:cd:ef"),
    ("80:00:02:08:fe:80:00:00:00:00:00:00:52:54:00:12:34:56:78:9a\n", None),  # InfiniBand
    ("\n", None), (None, None)])
def test_addresses_of_physical_functions(nets, address, mac):
    file = nets.tree.root / "class/net/enp1s0/address"
    if address is None:
        file.unlink()
    else:
        file.write_text(address)
    assert (bound(nets)["nic-0"]["pf_mac_address"], bound(nets)["nic-0"]["vf_num"]) == (mac, 0)


def test_the_interface_of_a_running_domain(nets):
    mine, theirs = "56:00:00:00:00:01", "52:54:00:00:00:02"
    fine(nets.hook("prepare", domain(2, devices=interface("0000:02:10.2", theirs)), name="d2"))
    runs(nets, 1, interface("0000:02:10.0", mine, "nic-0") + hostdev("0000:65:00.1", "accel-0"))
    runs(nets, 2, interface("0000:02:10.2", theirs))
    macs = {name: row["mac_address"] for name, row in bound(nets).items()}
    assert macs == {"nic-0": mine, "accel-0": None, "static:0000:02:10.2": theirs}


@pytest.mark.parametrize("status", ["", "<domstatus/>", "<domstatus>" + domain(7, name="d1") + "</domstatus>"])
def test_status_files_that_tell_nothing(nets, status):
    """Status files that are empty, of another version, or of an earlier domain of the same name."""
    runs(nets, 1, interface("0000:02:10.0", "56:00:00:00:00:01", "nic-0"))
    assert bound(nets)["nic-0"]["mac_address"] == "56:00:00:00:00:01"
    (nets.libvirt_run / "d1.xml").write_text(status)
    assert bound(nets)["nic-0"]["mac_address"] is None


def test_another_hosts_tree(nets):
    """The status files of this host do not concern a fake tree."""
    runs(nets, 1, interface("0000:02:10.0", "56:00:00:00:00:01", "nic-0"))
    nets.configure(NETS.replace("sysfs_root = %(sysfs)s\n", ""))
    done = subprocess.run([CLI, "--sysfs-root", nets.tree.root, "--state", nets.state, "claims", "--json"],
                          capture_output=True, text=True, env=nets.env, timeout=60, check=True)
    row = next(claim for claim in json.loads(done.stdout) if claim["request"] == "nic-0")
    assert (row["pci_vendor_info"], row["vf_num"], row["mac_address"]) == ("8086:10ca", 0, None)
