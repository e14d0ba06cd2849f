# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is attached: the element that a request brings along, the kind that an alias says, what the VF is set to
meanwhile, in its card and in sysfs; and when it cannot be."""
import json

from asking import CONFIGURATION, DETACHING, NET_ID, OTHER_PF, PF, metadata, pool
from guestxml import guest_xml, hostdev

__all__ = ["pool"]  # a fixture
MAC = "52:54:00:0a:0b:0c"
TEMPLATE = (f'<request alias="net" name="dp0"><interface type="hostdev"><mac address="{MAC}"/>'
            '<vlan><tag id="42"/></vlan></interface></request>')
IMPOSSIBLE = ('<request alias="%s"><hostdev mode="subsystem" type="pci"><address type="pci" domain="0x0000" bus="0x63" '
              'slot="0x00" function="0x0"/></hostdev></request>')


def vf_settings(lab, vf):
    """The VF's settings that the PF's driver reports, from `ip link`."""
    for pf in (PF, OTHER_PF):
        if vf in lab.vfs(pf):
            netdev = lab.run(f"ls /sys/bus/pci/devices/{pf}/net").stdout.strip()
            link = json.loads(lab.run(f"ip -json link show {netdev}").stdout)[0]
            return link["vfinfo_list"][lab.vfs(pf).index(vf)]
    raise AssertionError(f"{vf} is no VF of a network card")


def vlan(settings):
    return [tag["vlan"] for tag in settings.get("vlan_list", []) if tag]


IDS = '"vendor_id": "8086", "product_id": "10ca", "device_type": "type-VF"'
SET_UP = CONFIGURATION + f"""
[pci]
alias = {{"name": "tuned", {IDS}, "attach": "interface",
  "settings": {{"trust": true, "spoofchk": "no", "max_tx_rate": 100, "vlan": 42, "vlan_qos": 3}}}}
alias = {{"name": "raw", {IDS}, "settings": {{"trust": "yes", "vlan": 7, "vlan_qos": 2}}}}
alias = {{"name": "strict", {IDS}, "settings": {{"trust": "yes", "link_state": "enable"}}}}
alias = {{"name": "lenient", {IDS}, "settings": {{"trust": "yes", "link_state": "enable"}},
  "settings_policy": "best_effort"}}
alias = {{"name": "tap", {IDS}, "attach": "macvtap", "settings": {{"mtu": 1400, "trust": "yes", "vlan": 9, "vlan_qos": 1}}}}
"""
RAW = '<request alias="raw"><settings trust="no" spoofchk="no" vlan="8"/></request>'


def tuning(lab, vf):
    """The VF's settings that differ from the settings at boot."""
    now, usual = vf_settings(lab, vf), {"trust": False, "spoofchk": True, "rate": {"max_tx": 0, "min_tx": 0}}
    changed = {key: now[key] for key in usual if now[key] != usual[key]}
    return changed | {f"vlan_{key}": value for tag in now.get("vlan_list", []) for key, value in tag.items() if value}


TUNED = {"trust": True, "spoofchk": False, "rate": {"max_tx": 100, "min_tx": 0}, "vlan_vlan": 42, "vlan_qos": 3}
RAW_TUNED = {"spoofchk": False, "vlan_vlan": 8, "vlan_qos": 2}


def test_settings_of_alias_and_request(lab, pool):
    """Set before the guest has the VF, unchanged while the guest has it, and restored whatever ends it."""
    pool.configure(SET_UP)
    lab.define(guest_xml("db1", metadata=metadata("tuned", RAW), kernel=False))
    pool.start("db1", "tuned-0", "raw-0")
    pool.wait_active("db1", "tuned-0", "raw-0")
    devices = pool.devices("db1")
    tuned, raw = devices["tuned-0"].source, devices["raw-0"].source
    assert (tuning(lab, tuned), tuning(lab, raw)) == (TUNED, RAW_TUNED)

    pool.kill_daemon()  # systemd starts a new daemon
    pool.watch("db1", "tuned-0", "raw-0")
    pool.daemon("restart")
    assert (tuning(lab, tuned), tuning(lab, raw)) == (TUNED, RAW_TUNED)

    lab.virsh("destroy", "db1")
    pool.wait_released()
    assert (tuning(lab, tuned), tuning(lab, raw)) == ({}, {})

    lab.virsh("start", "db1")
    pool.wait_active("db1", "tuned-0", "raw-0", limit=60)
    assert (tuning(lab, tuned), tuning(lab, raw)) == (TUNED, RAW_TUNED)  # the same VFs as before
    pool.daemon("stop")
    lab.run("kill -KILL $(cat /run/libvirt/qemu/db1.pid)")
    lab.wait_state("db1", "shut off")
    pool.wait_released()
    assert (tuning(lab, tuned), tuning(lab, raw)) == ({}, {})
    pool.daemon("start")


def test_settings_that_a_driver_refuses(lab, pool):
    """igb does not support a VF's link state."""
    pool.configure(SET_UP)
    for name, alias in (("wants", "lenient"), ("insists", "strict")):
        lab.define(guest_xml(name, metadata=metadata(alias), kernel=False))
    since = lab.cursor()
    pool.start("wants", "lenient-0")
    assert tuning(lab, pool.devices("wants")["lenient-0"].source) == {"trust": True}
    refused = "cannot set link_state of VF 0 of enp1s0: Operation not supported"
    assert f"domain 'wants': request 'lenient-0': {refused}" in lab.journal(since, "vfaliasd")

    lab.virsh("start", "insists")
    lab.wait_for("vfalias claims --json | jq -e '.[] | select(.domain == \"insists\") | .attempts >= 5'", 60)
    claim = pool.claims("insists")["insists", "strict-0"]
    assert claim["error"] == refused.replace("VF 0", "VF 1")
    assert tuning(lab, claim["device"]) == {}
    lab.virsh("destroy", "insists")
    pool.wait_released("insists")

    # a device at power-on: the hook sets it, or refuses the start
    cold = hostdev(claim["device"], "ua-vf-strict-0")
    lab.define(guest_xml("insists", cold, metadata("strict"), kernel=False, uuid=lab.virsh("domuuid", "insists")))
    assert pool.refused("start", "insists") == f"domain 'insists': request 'strict-0': {claim['error']}"
    assert tuning(lab, claim["device"]) == {} and pool.held("insists") == {}


# A VF of igb has "flr" for reset_method, and 0 for d3cold_allowed.
PREPARED = CONFIGURATION + f"""
[pci]
alias = {{"name": "ready", {IDS}, "sysfs": {{"reset_method": "", "d3cold_allowed": "1"}}}}
alias = {{"name": "never", {IDS}, "sysfs": {{"d3cold_allowed": "1", "reset_method": "bus"}}}}
alias = {{"name": "own", {IDS}, "managed": "no"}}
"""
USUAL, READY = ["flr", "0"], ["", "1"]


def attributes(lab, vf):
    return [lab.run(f"cat /sys/bus/pci/devices/{vf}/{name}").stdout.strip() for name in ("reset_method", "d3cold_allowed")]


def test_attributes_in_sysfs(lab, pool):
    """Written by the hook at the start, and by vfaliasd, whose unit may write there, at hot-plug; set back by both."""
    pool.configure(PREPARED)
    vf = lab.vfs(PF)[0]
    assert attributes(lab, vf) == USUAL
    lab.define(guest_xml("cold", hostdev(vf, "ua-vf-ready-0"), metadata("ready"), kernel=False))
    lab.virsh("start", "cold")
    assert attributes(lab, vf) == READY and lab.driver(vf) == "vfio-pci"

    lab.start("hot", guest_xml("hot", metadata=metadata("ready")))
    pool.watch("hot", "ready-0")
    other = pool.devices("hot")["ready-0"].source
    assert other != vf and attributes(lab, other) == READY
    pool.ask("hot", where="--live")
    pool.wait_released("hot", limit=DETACHING)
    assert attributes(lab, other) == USUAL and lab.driver(other) == "igbvf"

    pool.daemon("stop")
    lab.run("kill -KILL $(cat /run/libvirt/qemu/cold.pid)")
    lab.wait_state("cold", "shut off")
    pool.wait_released()
    assert attributes(lab, vf) == USUAL and lab.driver(vf) == "igbvf"
    pool.daemon("start")


def test_attributes_that_the_kernel_refuses(lab, pool):
    """A VF cannot be reset by its bus, because other VFs are on it."""
    pool.configure(PREPARED)
    vf = lab.vfs(PF)[0]
    lab.define(guest_xml("db1", hostdev(vf, "ua-vf-never-0"), metadata("never"), kernel=False))
    assert pool.refused("start", "db1") == ("domain 'db1': request 'never-0': cannot set attribute 'reset_method' of "
                                            f"{vf} to 'bus': Invalid argument")
    assert attributes(lab, vf) == USUAL and pool.held() == {}


def test_driver_that_libvirt_leaves_alone(lab, pool):
    """The device is on vfio-pci before and after its guest; a device on another driver is not chosen."""
    pool.configure(PREPARED)
    vf = lab.vfs(OTHER_PF)[3]
    probe = f"cd /sys/bus/pci/devices/{vf} && echo %s >driver_override && echo {vf} >driver/unbind && echo {vf} >/sys/bus/pci/drivers_probe"
    lab.run("modprobe vfio-pci && " + probe % "vfio-pci")
    try:
        lab.define(guest_xml("db1", metadata=metadata("own"), kernel=False))
        pool.start("db1", "own-0")
        device = pool.devices("db1")["own-0"]
        assert (device.source, device.managed) == (vf, False)
        lab.define(guest_xml("db2", metadata=metadata("own"), kernel=False))
        assert "alias 'own' has 14 devices, 1 claimed, 13 other driver" in pool.refused("start", "db2")
        assert "it is bound to igbvf, managed 'no' wants a VFIO driver" in lab.run("vfalias explain own", check=False).stdout
        lab.virsh("destroy", "db1")
        pool.wait_released()
        assert lab.driver(vf) == "vfio-pci"
    finally:
        lab.run("virsh -q destroy db1; " + probe % "''", check=False)


def test_macvtap(lab, pool):
    """The VF stays with the host. Its netdev is up as long as the guest has it."""
    pool.configure(SET_UP)
    lab.define(guest_xml("db1", metadata=metadata("tap"), kernel=False))
    pool.start("db1", "tap-0")
    pool.wait_active("db1", "tap-0")
    vf = pool.held("db1")["db1", "tap-0"]
    link = f"ip -json link show $(ls /sys/bus/pci/devices/{vf}/net)"
    netdev = json.loads(lab.run(link).stdout)[0]
    assert "UP" in netdev["flags"] and netdev["mtu"] == 1400
    assert tuning(lab, vf) == {"trust": True, "vlan_vlan": 9, "vlan_qos": 1}
    assert lab.driver(vf) == "igbvf"
    lab.virsh("destroy", "db1")
    pool.wait_released()
    netdev = json.loads(lab.run(link).stdout)[0]
    assert "UP" not in netdev["flags"] and netdev["mtu"] == 1500
    assert tuning(lab, vf) == {}


def test_element_of_the_request(lab, pool):
    """MAC and VLAN are set through the PF, visible to the guest, and restored."""
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
    """keep: the guest keeps running, and commands show the reason. destroy: without the device, it is destroyed."""
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

    pool.ask("keeps", "net", where="--live")  # the user corrects the request: it is tried again
    pool.watch("keeps", "net-0")
