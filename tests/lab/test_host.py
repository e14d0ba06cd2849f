# SPDX-License-Identifier: LGPL-2.1-or-later
"""The lab host has what it promises: VFs, an IOMMU and libvirt. Does not know the project."""
import pytest
from guestxml import guest_xml, hostdev

IGB_VF, NVME_VF = "8086:10ca", "1b36:0010"
PFS = {"0000:01:00.0": ("igb", 7), "0000:02:00.0": ("igb", 7), "0000:03:00.0": ("nvme", 4)}
FOR_VDPA = ["0000:04:00.0", "0000:05:00.0"]


@pytest.mark.parametrize("pf", PFS)
def test_pf_has_its_vfs(lab, pf):
    driver, count = PFS[pf]
    assert lab.driver(pf) == driver
    assert len(lab.vfs(pf)) == count


def test_drivers_of_vfs(lab):
    assert lab.driver(lab.vfs("0000:01:00.0")[0]) == "igbvf"
    assert lab.driver(lab.vfs("0000:03:00.0")[0]) is None


def test_pf_netdevs_are_up(lab):
    flags = lab.run("cat /sys/bus/pci/devices/0000:0[12]:00.0/net/*/flags").stdout.split()
    assert [int(f, 16) & 1 for f in flags] == [1, 1]


def test_every_function_has_an_iommu_group_of_its_own(lab):
    functions = [f for pf in PFS for f in (pf, *lab.vfs(pf))] + FOR_VDPA
    listing = lab.run("cd /sys/kernel/iommu_groups; for g in *; do echo $g $(ls $g/devices); done").stdout
    groups = [line.split()[1:] for line in listing.splitlines()]
    assert all([f] in groups for f in functions)


def test_systemd_is_content(lab):
    assert lab.run("systemctl --failed --no-legend --plain").stdout == ""


def test_static_vfs_reach_the_guest_and_come_back(lab):
    nic, nvme = lab.vfs("0000:01:00.0")[1], lab.vfs("0000:03:00.0")[1]
    lab.start("static", guest_xml("static", hostdev(nic) + hostdev(nvme)))
    assert [lab.driver(nic), lab.driver(nvme)] == ["vfio-pci", "vfio-pci"]
    seen = lab.guest_pci("static").values()
    assert (IGB_VF, "igbvf") in seen
    assert NVME_VF in [ids for ids, _ in seen]
    lab.virsh("destroy", "static")
    assert [lab.driver(nic), lab.driver(nvme)] == ["igbvf", None]


@pytest.mark.parametrize("machine", ["q35", "pc"])
def test_live_attach_and_detach(lab, machine):
    vf = lab.vfs("0000:02:00.0")[0]
    lab.start("hotplug", guest_xml("hotplug", machine=machine))
    for _ in range(2):
        mark = lab.mark("hotplug")
        lab.attach("hotplug", hostdev(vf, alias="ua-vf-net-0"))
        lab.wait_console("hotplug", f"^GUEST pci .* {IGB_VF} igbvf", since=mark)
        lab.virsh("detach-device-alias", "hotplug", "ua-vf-net-0", "--live")
        lab.wait_console("hotplug", "^GUEST remove", since=mark)
        lab.wait_for("! virsh dumpxml hotplug | grep -q ua-vf-net-0")
        assert lab.driver(vf) == "igbvf"


def test_shutdown_by_the_acpi_button(lab):
    lab.start("button", guest_xml("button"))
    lab.virsh("shutdown", "button", "--mode", "acpi")
    lab.wait_state("button", "shut off")
    assert "GUEST poweroff" in lab.console("button")


def test_guest_runs_commands(lab):
    lab.start("commands", guest_xml("commands"))
    assert lab.guest("commands", "echo hello; uname -s") == "hello\nLinux"
    assert lab.guest("commands", "false", check=False) == (1, "")


def test_firmware_only_guest(lab):
    lab.start("firmware", guest_xml("firmware", kernel=False), boot=False)
    assert lab.state("firmware") == "running"


def test_libvirt_calls_a_hook_after_a_reload(lab):
    lab.put("/etc/libvirt/hooks/qemu.d/50-test", '#!/bin/sh\necho "$1 $2" >>/tmp/hook-calls\n', mode=0o755)
    try:
        lab.run("systemctl reload libvirtd")
        lab.start("hooked", guest_xml("hooked", kernel=False), boot=False)
        assert lab.get("/tmp/hook-calls").splitlines() == ["hooked prepare", "hooked start", "hooked started"]
    finally:
        lab.run("rm /etc/libvirt/hooks/qemu.d/50-test; systemctl reload libvirtd")
