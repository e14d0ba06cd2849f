# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is attached: the element that a request brings along, the kind that an alias says; and when it cannot be."""
import json

from asking import NET_ID, OTHER_PF, PF, metadata, pool
from guestxml import guest_xml

__all__ = ["pool"]  # a fixture
MAC = "52:54:00:0a:0b:0c"
TEMPLATE = (f'<request alias="net" name="dp0"><interface type="hostdev"><mac address="{MAC}"/>'
            '<vlan><tag id="42"/></vlan></interface></request>')
IMPOSSIBLE = ('<request alias="%s"><hostdev mode="subsystem" type="pci"><address type="pci" domain="0x0000" bus="0x63" '
              'slot="0x00" function="0x0"/></hostdev></request>')


def vf_settings(lab, vf):
    """What the PF's driver knows about a VF, as `ip link` tells it."""
    for pf in (PF, OTHER_PF):
        if vf in lab.vfs(pf):
            netdev = lab.run(f"ls /sys/bus/pci/devices/{pf}/net").stdout.strip()
            link = json.loads(lab.run(f"ip -json link show {netdev}").stdout)[0]
            return link["vfinfo_list"][lab.vfs(pf).index(vf)]
    raise AssertionError(f"{vf} is no VF of a network card")


def vlan(settings):
    return [tag["vlan"] for tag in settings.get("vlan_list", []) if tag]


def test_element_of_the_request(lab, pool):
    """MAC and VLAN are set through the PF, seen by the guest, and undone."""
    lab.define(guest_xml("db1"))
    pool.ask("db1", TEMPLATE)
    pool.start("db1", "dp0")
    device = pool.devices("db1")["dp0"]
    assert (device.kind, device.managed, device.mac) == ("interface", True, MAC)
    settings = vf_settings(lab, device.source)
    assert (settings["address"], vlan(settings)) == (MAC, [42])
    lab.wait_console("db1", f"^GUEST pci .* {NET_ID} igbvf")
    lab.wait_console("db1", f"^GUEST net .* {MAC}")
    lab.virsh("destroy", "db1")
    settings = vf_settings(lab, device.source)
    assert settings["address"] != MAC and vlan(settings) == []


def test_alias_that_attaches_interfaces(lab, pool):
    lab.define(guest_xml("db1", metadata=metadata("nic", "net"), kernel=False))
    pool.start("db1", "nic-0", "net-0")
    devices = pool.devices("db1")
    assert {name: device.kind for name, device in devices.items()} == {"nic-0": "interface", "net-0": "hostdev"}
    assert vf_settings(lab, devices["nic-0"].source)["address"] == devices["nic-0"].mac


def test_devices_that_cannot_be_attached(lab, pool):
    """keep: the guest runs on, and the reason can be seen. destroy: it does not run without the device."""
    for name, alias in (("keeps", "net"), ("insists", "vital")):
        lab.define(guest_xml(name, metadata=metadata(IMPOSSIBLE % alias), kernel=False))
        lab.virsh("start", name)
    lab.wait_state("insists", "shut off", 60)
    lab.wait_for("vfalias claims --json | jq -e '.[] | select(.domain == \"keeps\") | .attempts >= 5'", 60)
    claim = pool.claims("keeps")["keeps", "net-0"]
    assert claim["state"] == "claimed" and claim["error"]
    assert "net-0 of keeps: attaching failed (5): " in lab.run("vfalias claims").stdout
    assert lab.state("keeps") == "running"
    pool.wait_released("insists")

    pool.ask("keeps", "net", where="--live")  # mended by its user: tried again
    pool.watch("keeps", "net-0")
