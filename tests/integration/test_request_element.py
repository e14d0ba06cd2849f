# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which interfaces of a request `vfalias request add` accepts and refuses, and what `request list` reports.

libvirt's test driver forgets all changes with the connection. tests/libvirt looks at the resulting definitions.
"""
import pytest

from test_cli import CONFIG, UUID, claims, domain_xml, host, request, virt, virt_call  # noqa: F401 (fixtures)

ALIASES = """[pci]
alias = {"vendor_id": "8086", "product_id": "10ca", "name": "nic", "device_type": "type-VF", "attach": "interface"}
alias = {"vendor_id": "8086", "product_id": "10ca", "name": "tap", "device_type": "type-VF", "attach": "macvtap"}
alias = {"vendor_id": "8086", "product_id": "10ca", "name": "web", "device_type": "type-VF", "attach": "interface", "profileid": "web"}
alias = {"vendor_id": "8086", "product_id": "10ca", "name": "v7", "device_type": "type-VF", "attach": "interface", "settings": {"vlan": 7, "max_tx_rate": 100}}
device_spec = {"mgmtdev": "*"}
device_spec = {"mdev_parent": "*"}
alias = {"name": "vnet", "device_type": "vdpa"}
alias = {"name": "vblk", "device_type": "vdpa-block"}
alias = {"name": "vgpu", "device_type": "mdev", "mdev_type": "mtty-2"}
alias = {"name": "br", "attach": "bridge", "bridge": "br0"}
alias = {"name": "any", "any_of": ["nic", "vnet", "br"]}
"""
MAC = "52:54:00:01:02:03"
# a virtio interface that a VF can be teamed with, and two interfaces that cannot be teamed
INTERFACES = """
<interface type='user'><mac address='52:54:00:0a:0b:0c'/><model type='virtio'/><alias name='ua-pair'/>
  <teaming type='persistent'/></interface>
<interface type='user'><mac address='52:54:00:0a:0b:0d'/><model type='virtio'/><alias name='ua-alone'/></interface>"""


@pytest.fixture
def nics(virt):  # noqa: F811
    """The host with aliases for interfaces, and the domain `asks`, which is shut off and has interfaces."""
    node = virt.folder / "node.xml"
    interface = ("<vfalias:request alias='nic' name='dp'><vfalias:interface><vfalias:mac address='%s'/><vfalias:vlan>"
                 "<vfalias:tag id='42'/></vfalias:vlan></vfalias:interface></vfalias:request>" % MAC)
    asks = domain_xml("asks", 6, interface + request("nic") + request("v7") + request("tap") + request("nope"), INTERFACES)
    off = "<test:runstate>5</test:runstate></domain>"
    node.write_text(node.read_text().replace("</node>", asks.replace("</domain>", off) + "</node>"))
    virt.configure(virt.conf.read_text() + ALIASES)
    return virt


@pytest.mark.parametrize("words, says", [
    (["--mac", "52:54:00"], "--mac: '52:54:00' is not a MAC address (example: 52:54:00:01:02:03)"),
    (["--mac", "01:00:5e:00:00:01"], "--mac: '01:00:5e:00:00:01' is a multicast address, which no interface can have"),
    (["--mac", "00:00:00:00:00:00"], "--mac: '00:00:00:00:00:00' is all zeros, which no interface can have"),
    (["--mac", MAC, "--count", "2"], "--mac is for one device: two devices cannot have the same MAC address"),
    (["--teaming", "ua-pair", "--count", "2"], "--teaming is for one device"),
    (["--vlan", "0"], "vlan '0' is not in 1 to 4094"),
    (["--vlan", "4095"], "vlan '4095' is not in 1 to 4094"),
    (["--vlan", "4294967338"], "is not in 1 to 4094"),
    (["--vlan", "none"], "vlan 'none' is not in 1 to 4094"),
    (["--profileid", "x" * 40], "1 to 39 characters are wanted"),
    (["--profileid", "x", "--vlan", "7"], "with a port profile, the switch sets the VLAN"),
    (["--profileid", "x", "--vlan", "7", "--vlan-qos", "1"], "with a port profile, the switch sets the VLAN"),
    (["--vlan", "0", "--vlan-qos", "1"], "vlan '0' is not in 1 to 4094"),
    (["--vlan-qos", "1"], "vlan_qos has no effect without vlan"),
    (["--vlan", "7", "--vlan-qos", "8"], "vlan_qos '8': a whole number in 0 to 7 is wanted"),
    (["--vlan", "7", "--vlan-proto", "802.1x"], "vlan_proto '802.1x': "),
    (["--trust", "maybe"], "trust 'maybe' is neither on nor off"),
    (["--link-state", "on"], "link_state 'on': "),
    (["--min-tx-rate", "20", "--max-tx-rate", "10"], "min_tx_rate 20 is more than max_tx_rate 10"),
    (["--mtu", "10"], "mtu '10': a whole number in 68 to "),
])
def test_refused_before_libvirt_is_asked(nics, words, says):
    assert says in nics.refused(2, "request", "add", "nobody", "nic", *words, options=[])


@pytest.mark.parametrize("alias, words, says", [
    ("web", ["--vlan", "7"], "alias 'web' has a profileid, and with a port profile the switch sets the VLAN"),
    ("tap", ["--teaming", "ua-pair"], "alias 'tap' attaches macvtap, and only a VF itself can be teamed"),
    ("nic:1,net:1", ["--mac", MAC], "--mac is for one alias, not for a list"),
    ("nic:1,net:1", ["--vlan", "7"], "--vlan is for one alias, not for a list"),
    ("nic:1,net:1", ["--link-state", "auto"], "--link-state is for one alias, not for a list"),
    ("v7", ["--min-tx-rate", "200"], "min_tx_rate 200 is more than max_tx_rate 100"),
    ("nic:2", ["--mac", MAC], "--mac is for one device"),
    ("vnet", ["--vlan", "7"], "--vlan: alias 'vnet' attaches vdpa, which cannot have a VLAN"),
    ("vnet", ["--profileid", "web"], "--profileid: alias 'vnet' attaches vdpa, and only a VF can have a port profile"),
    ("vnet", ["--teaming", "ua-pair"], "alias 'vnet' attaches vdpa, and only a VF itself can be teamed"),
    ("vnet", ["--mtu", "9000"], "mtu: alias 'vnet' attaches vdpa, and only a VF has settings"),
    ("vnet", ["--vlan", "7", "--vlan-qos", "1"], "vlan: alias 'vnet' attaches vdpa, and only a VF has settings"),
    ("vblk", ["--mac", MAC], "--mac: alias 'vblk' attaches vdpa-disk, which is no network interface"),
    ("vgpu", ["--vlan", "7"], "--vlan: alias 'vgpu' attaches mdev, which is no network interface"),
    ("br", ["--profileid", "web"], "--profileid: alias 'br' attaches bridge, and only a VF can have a port profile"),
    ("br", ["--trust", "on"], "trust: alias 'br' attaches bridge, and only a VF has settings"),
    ("nic", ["--cold"], "--cold: alias 'nic' attaches interface: only a device that is made for its guest"),
    ("br", ["--cold"], "--cold: alias 'br' attaches bridge: only a device that is made for its guest"),
    ("any", ["--cold"], "--cold: alias 'any' has any_of"),
    ("nope", ["--cold", "--force"], "--cold: this host does not have the alias"),
    ("vnet:1,vgpu:1", ["--cold"], "--cold is for one alias, not for a list"),
    ("vnet", ["--cold", "--optional"], "a domain cannot start without a device that is in its definition (--cold)"),
])
def test_refused_for_the_alias(nics, alias, words, says):
    assert says in nics.refused(2, "request", "add", "asks", alias, *words, options=[])


@pytest.mark.parametrize("words, says", [
    (["--teaming", "net0"], "'net0' is not a user alias: give the persistent interface an alias that begins with ua-"),
    (["--teaming", "ua-none"], "it has no interface 'ua-none' to team up with"),
    (["--teaming", "ua-alone"], "its interface 'ua-alone' has no <teaming type='persistent'/>"),
    (["--teaming", "ua-pair", "--mac", MAC],
     "its interface 'ua-pair' has the MAC address 52:54:00:0a:0b:0c: a teaming pair needs the same one, not " + MAC),
])
def test_no_pair(nics, words, says):
    assert nics.refused(1, "request", "add", "asks", "nic", *words, options=[]) == \
        "domain 'asks' (definition): " + says


@pytest.mark.parametrize("alias, words", [
    ("nic", ["--mac", MAC, "--vlan", "42"]),
    ("nic:2", ["--vlan", "4094"]),
    ("net", ["--mac", "52:54:00:FF:00:01"]),
    ("tap", ["--vlan", "1", "--port"]),
    ("web", ["--mac", MAC]),
    ("nic", ["--profileid", "x" * 39]),
    ("nic", ["--teaming", "ua-pair"]),
    ("net", ["--teaming", "ua-pair"]),
    ("nic", ["--teaming", "ua-pair", "--mac", "52:54:00:0A:0B:0C"]),
    ("elsewhere", ["--vlan", "7", "--force"]),
    ("v7", ["--vlan-qos", "3", "--min-tx-rate", "100"]),
    ("vnet", ["--mac", MAC]),
    ("vnet:2", []),
    ("br", ["--mac", MAC, "--vlan", "7"]),
    ("any", ["--mac", MAC, "--vlan", "7", "--trust", "on"]),
    ("vgpu", ["--name", "g"]),
    ("net:2", ["--trust", "on", "--spoofchk", "no", "--query-rss", "yes", "--link-state", "disable", "--mtu", "9000"]),
])
def test_taken(nics, alias, words):
    status, out, err = virt_call(nics, "request", "add", "asks", alias, *words)
    assert (status, err) == (0, "") and "added to domain 'asks' (definition)\n" in out


def test_listed(nics):
    """The settings of the request; otherwise the settings of its alias, or derived values."""
    listed = {r["name"]: (r["element"], r["mac"], r["vlan"])
              for r in nics.json("request", "list", "asks", options=[])}
    derived = {name: listed[name][1] for name in ("nic-0", "v7-0", "tap-0")}
    assert listed == {
        "dp": ("interface", MAC, 42),
        "nic-0": ("interface", derived["nic-0"], None),
        "v7-0": ("interface", derived["v7-0"], 7),
        "tap-0": ("interface", derived["tap-0"], None),
        "nope-0": (None, None, None)}
    assert len(set(derived.values())) == 3 and all(mac.startswith("56:") for mac in derived.values())
    table = nics.fine("request", "list", "asks", options=[])
    assert [line.split()[4:7] for line in table.splitlines()[1:]] == [
        ["interface", MAC, "42"], ["interface", derived["nic-0"], "-"], ["interface", derived["v7-0"], "7"],
        ["interface", derived["tap-0"], "-"], ["-", "-", "-"]]


def test_cold_changes_the_definition(nics):
    assert nics.refused(2, "request", "add", "db1", "vnet", "--cold", options=[]) == \
        "--cold changes the definition of domain 'db1': add --config"
    status, out, err = virt_call(nics, "request", "add", "asks", "vnet", "--cold", "--port")
    assert (status, err) == (0, "") and [line.split(" added")[0] for line in out.splitlines()[:3]] == [
        "port ua-slot-vnet-0", "device ua-vf-vnet-0", "request 'vnet-0'"]
