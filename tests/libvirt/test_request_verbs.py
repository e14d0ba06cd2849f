# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `vfalias request` and `vfalias release` change in a real libvirt."""
import json
import re

from guests import guest, ports
from privatehost import VFALIAS_CONF


def listed(host, name):
    return json.loads(host.vfalias("request", "list", name, "--json").stdout)


def names(host, domain):
    return sorted(request["name"] for request in listed(host, domain))


def test_add_and_remove_in_the_definition(quiet_host):
    host = quiet_host
    host.define(guest("asks", machine="q35"))
    said = host.vfalias("request", "add", "asks", "qat", "--count", "2").stdout
    assert "request 'qat-0' added to domain 'asks' (definition)\n" in said
    assert "added to the definition of domain 'asks'\n" in said  # the ports
    host.vfalias("request", "add", "asks", "gpu", "--port", "--optional")
    xml = host.xml("asks")
    assert "<alias name='ua-slot-gpu-0'/>" in xml
    assert '<vfalias:request alias="gpu" name="gpu-0" optional="yes"/>' in xml
    assert names(host, "asks") == ["gpu-0", "qat-0", "qat-1"]
    assert host.vfalias("request", "ports", "asks").stdout == ""  # no port is missing

    host.vfalias("request", "remove", "asks", "qat-0")
    assert names(host, "asks") == ["gpu-0", "qat-1"]  # other requests keep their names
    host.vfalias("request", "remove", "asks", "gpu")
    assert names(host, "asks") == ["qat-1"]
    assert "ua-slot" not in host.xml("asks")
    assert host.xml("asks").count("pcie-root-port'>") == xml.count("pcie-root-port'>")
    host.vfalias("request", "remove", "asks", "qat")
    assert "vfalias" not in host.xml("asks")


MADE = VFALIAS_CONF + """
device_spec = {"mgmtdev": "*"}
device_spec = {"mdev_parent": "*"}
alias = {"name": "vnet", "device_type": "vdpa"}
alias = {"name": "vgpu", "device_type": "mdev", "mdev_type": "mtty-2"}
"""
COLD = "11111111-2222-3333-4444-555555555555"


def test_cold_devices_come_and_go_with_their_requests(quiet_host):
    host = quiet_host
    host.configure(MADE)
    host.define(guest("cold", "qat", machine="q35", uuid=COLD))
    host.vfalias("request", "ports", "cold")
    assert host.vfalias("request", "add", "cold", "vnet:2", "--cold").stdout.splitlines() == [
        "device ua-vf-vnet-0 added to the definition of domain 'cold'",
        "device ua-vf-vnet-1 added to the definition of domain 'cold'",
        "request 'vnet-0' added to domain 'cold' (definition)",
        "request 'vnet-1' added to domain 'cold' (definition)",
        "1 empty port added to the definition of domain 'cold'"]  # libvirt has put a device into that of qat-0
    host.vfalias("request", "add", "cold", "vgpu", "--cold", "--name", "gpu")
    host.vfalias("request", "add", "cold", "vnet", "--cold", "--mac", "52:54:00:01:02:03", "--port")
    assert names(host, "cold") == ["gpu", "qat-0", "vnet-0", "vnet-1", "vnet-2"]
    xml = host.xml("cold", "--inactive")
    for name in ("vnet-0", "vnet-1", "vnet-2"):
        assert "/vfalias/vdpa/%s/%s'/>" % (COLD, name) in xml
        assert '<vfalias:request alias="vnet" name="%s"' % name in xml and "<alias name='ua-vf-%s'/>" % name in xml
    assert "<hostdev mode='subsystem' type='mdev' managed='no' model='vfio-pci'" in xml
    bus, = re.findall("<controller type='pci' index='(\\d+)' model='pcie-root-port'>(?:(?!</controller>).)*ua-slot-vnet-2", xml, re.S)
    assert re.search("<mac address='52:54:00:01:02:03'/>(?:(?!</interface>).)*<alias name='ua-vf-vnet-2'/>\\s*"
                     "<address type='pci' domain='0x0000' bus='0x%02x' slot" % int(bus), xml, re.S)

    host.vfalias("request", "remove", "cold", "gpu")
    said = host.vfalias("request", "remove", "cold", "vnet").stdout
    assert "device ua-vf-vnet-1 removed from the definition of domain 'cold'\n" in said
    xml = host.xml("cold", "--inactive")
    assert "ua-vf-" not in xml and "ua-slot-" not in xml and names(host, "cold") == ["qat-0"]


def test_a_cold_device_that_libvirt_refuses_leaves_nothing(quiet_host):
    """Its name is that of another device."""
    host = quiet_host
    host.configure(MADE)
    host.define(guest("cold", machine="q35", uuid=COLD,
                      devices="<interface type='user'><alias name='ua-vf-x'/></interface>"))
    before = host.xml("cold", "--inactive")
    refused = host.vfalias("request", "add", "cold", "vnet", "--cold", "--name", "x", check=False)
    assert refused.returncode == 1 and "cannot change the definition of domain 'cold'" in refused.stderr
    assert host.xml("cold", "--inactive") == before


def test_a_disk_of_a_guest_that_cannot_have_one(quiet_host):
    host = quiet_host
    host.configure(MADE + 'alias = {"name": "vblk", "device_type": "vdpa-block"}\n')
    host.define(guest("cold", machine="q35"))
    refused = host.vfalias("request", "add", "cold", "vblk", "--cold", check=False)
    assert (refused.returncode, refused.stderr) == (
        1, "vfalias: domain 'cold': request 'vblk-0': alias 'vblk' attaches vdpa-disk, which needs shared memory: add"
        " <memoryBacking><access mode='shared'/></memoryBacking> to the domain\n")
    assert "vfalias" not in host.xml("cold", "--inactive")


def test_ports_on_demand(quiet_host):
    host = quiet_host
    host.define(guest("asks", "qat", "qat", "gpu", machine="q35", devices=ports(1)))
    said = host.vfalias("request", "ports", "asks").stdout
    assert said.endswith("added to the definition of domain 'asks'\n")
    assert host.vfalias("request", "ports", "asks").stdout == ""


def test_a_running_domain_and_its_definition_are_two_things(host):
    host.define(guest("asks", "qat"))
    host.virsh("start", "asks")
    host.vfalias("request", "add", "asks", "gpu")
    host.wait_claims(lambda claims: len(claims) == 2, "qat-0 and gpu-0", "asks")
    assert [(r["name"], r["live"], r["config"]) for r in listed(host, "asks")] == \
        [("qat-0", True, True), ("gpu-0", True, False)]
    assert "gpu" not in host.xml("asks", "--inactive")
    host.vfalias("request", "remove", "asks", "gpu")
    host.wait_claims(lambda claims: len(claims) == 1, "qat-0", "asks")
    refused = host.vfalias("request", "remove", "asks", "gpu", check=False)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)


def test_gc_and_release(quiet_host):
    host = quiet_host
    host.configure(open(host.path("/etc/vfalias/vfalias.conf")).read().replace(
        "[vfalias]", "[vfalias]\nrequire_daemon = no"))
    host.define(guest("asks", "qat"))
    host.virsh("start", "asks")
    assert host.vfalias("gc").stdout.startswith("0 claims dropped\n")
    assert host.devices("asks")
    assert host.vfalias("release", "asks", check=False).returncode == 1  # the domain runs
    assert host.devices("asks")
    host.virsh("destroy", "asks")
    assert host.vfalias("release", "asks", check=False).returncode == 1  # no claim to drop
