# SPDX-License-Identifier: LGPL-2.1-or-later
"""Elements inside requests: the guest gets everything that they contain, or the user sees libvirt's refusal. Also the
binding record of an attached device, compared with the card."""
import json
from xml.etree import ElementTree

from asking import NAMESPACE, NET_ID, pool, requests
from guestxml import guest_xml

__all__ = ["pool"]  # a fixture
MAC, PAIR_MAC = "52:54:00:01:02:03", "52:54:00:0a:0b:0c"
PAIR = (f"<interface type='user'><mac address='{PAIR_MAC}'/><model type='virtio'/><alias name='ua-pair'/>"
        "<boot order='1'/><teaming type='persistent'/></interface>")
ROM = "/lab/some.rom"


def asks(name, *wanted, devices="", **more):
    """A definition with requests that contain elements."""
    inside = requests(*wanted).replace("<requests", f"<requests xmlns='{NAMESPACE}'", 1)
    return guest_xml(name, devices, inside, **more)


def request(name, inside):
    return f'<request alias="net" name="{name}">{inside}</request>'


def live(lab, domain, name):
    tree = ElementTree.fromstring(lab.virsh("dumpxml", domain))
    return next(e for e in tree.find("devices") if e.find(f"alias[@name='ua-vf-{name}']") is not None)


def on_card(lab, row):
    """What the PF reports about the VF of a claim."""
    netdev = lab.run(f"ls /sys/bus/pci/devices/{row['pf_address']}/net").stdout.split()[0]
    assert row["pf_mac_address"] == lab.run(f"cat /sys/class/net/{netdev}/address").stdout.strip()
    (link,) = json.loads(lab.run(f"ip -json link show {netdev}").stdout)
    return link["vfinfo_list"][row["vf_num"]]


def test_everything_arrives(lab, pool):
    lab.run(f"truncate -s 64K {ROM}")
    lab.define(asks(
        "rich",
        request("rom", f"<hostdev><boot order='2'/><rom bar='on' file='{ROM}'/></hostdev>"),
        request("place", "<hostdev><driver name='vfio'/><rom bar='off'/>"
                "<address type='pci' bus='0x09' slot='0' multifunction='on'/></hostdev>"),
        request("index", "<hostdev><!-- a comment --><x:rom xmlns:x='urn:x' bar='off'/><acpi index='7'/></hostdev>"),
        devices=PAIR, kernel=False, ports=12))
    lab.run(f"vfalias request add rich net --name nic --mac {MAC} --vlan 42 --config")
    lab.run("vfalias request add rich net --name half --teaming ua-pair --config")
    pool.start("rich", "half", "index", "nic", "place", "rom")
    pool.wait_active("rich", "half", "index", "nic", "place", "rom")

    rom, place, index, nic, half = (live(lab, "rich", each) for each in ("rom", "place", "index", "nic", "half"))
    assert rom.find("rom").attrib == {"bar": "on", "file": ROM} and rom.find("boot").get("order") == "2"
    assert place.find("rom").get("bar") == "off" and place.find("driver").get("name") == "vfio"
    assert pool.devices("rich")["place"].guest == "0000:09:00.0"
    assert index.find("acpi").get("index") == "7" and index.find("rom") is None
    assert nic.find("mac").get("address") == MAC and nic.find("vlan/tag").get("id") == "42"
    assert half.find("teaming").attrib == {"type": "transient", "persistent": "ua-pair"}
    assert half.find("mac").get("address") == PAIR_MAC

    rows = {name: row for (_, name), row in pool.claims("rich").items()}
    assert {name: row["mac_address"] for name, row in rows.items()} == {
        "half": PAIR_MAC, "index": None, "nic": MAC, "place": None, "rom": None}
    for name, vlan in (("nic", 42), ("half", None)):
        vf = on_card(lab, rows[name])
        assert vf["address"] == rows[name]["mac_address"]
        assert [tag["vlan"] for tag in vf.get("vlan_list", []) if tag] == ([vlan] if vlan else [])
    assert {row["pci_vendor_info"] for row in rows.values()} == {NET_ID}
    assert {row["physical_network"] for row in rows.values()} <= {"physnet1", "physnet2"}


REFUSED = {
    "boot": ("<hostdev><boot order='1'/></hostdev>",
             "per-device boot elements cannot be used together with os/boot elements"),
    "function": ("<hostdev><address type='pci' bus='0x03' slot='0' function='1'/></hostdev>",
                 "Only PCI device addresses with function=0 are supported"),
    "mac": ("<interface type='hostdev'><mac address='no'/></interface>", "unable to parse mac address 'no'"),
    "rom": ("<hostdev><rom file='/nowhere'/></hostdev>", "failed to find romfile"),
}


def test_what_libvirt_refuses(lab, pool):
    """The domain runs without the devices, and the usual commands show libvirt's errors."""
    lab.define(asks("asks", request("fine", ""), *(request(name, inside) for name, (inside, _) in REFUSED.items()),
                    kernel=False, ports=6))
    lab.virsh("start", "asks")
    lab.wait_for(f"vfalias claims --json | jq -e 'map(select(.attempts > 0)) | length == {len(REFUSED)}'")
    pool.watch("asks", "fine")
    rows = {row["name"]: row for row in json.loads(lab.run("vfalias request list asks --json").stdout)}
    assert rows["fine"]["error"] is None
    for name, (_, words) in REFUSED.items():
        assert words in rows[name]["error"] and words in lab.run("vfalias claims").stdout
    assert lab.state("asks") == "running"


def test_virt_install(lab, pool):
    """The user types these commands only, and the guest has its device."""
    lab.run("virt-install --name made --memory 128 --osinfo linux2022 --network none --graphics none --noautoconsole "
            "--import --disk none --controller type=pci,index=15,model=pcie-root-port,alias.name=ua-slot-nic-0", timeout=180)
    pool.watch("made", "nic-0")
    pool.wait_active("made", "nic-0")
    device = pool.devices("made")["nic-0"]
    assert (device.kind, device.guest) == ("interface", "0000:0f:00.0")
    row = pool.claims("made")["made", "nic-0"]
    assert on_card(lab, row)["address"] == row["mac_address"] == device.mac
    lab.virsh("destroy", "made")
    pool.check_all_free()
    pool.start("made", "nic-0")
    assert pool.devices("made")["nic-0"].mac == device.mac
