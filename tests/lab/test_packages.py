# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Debian package on a host of its own, with systemd, devices and running guests: installed, upgraded, removed,
rebooted, and with AppArmor. VFALIAS_LAB_DEB is the package; it was not built here, but what it needs has the same names.

The fixture `lab` of this file takes the place of that of the others, so `pool` works on this host.
"""
import base64
import os
import re
from pathlib import Path

import labhost
import pytest
from asking import ACCEL_PF, CONFIGURATION, OTHER_PF, PF, metadata, pool
from guestxml import guest_xml, hostdev

__all__ = ["pool"]  # a fixture
DEB = "/root/vfalias.deb"


def firmware(name, *wanted, **more):
    return guest_xml(name, metadata=metadata(*wanted) if wanted else "", kernel=False, **more)


def apt(lab, *words):
    return lab.run(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "-o", "Dpkg::Use-Pty=0", *words], timeout=120)


def process(lab, domain):
    return lab.run(f"cat /run/libvirt/qemu/{domain}.pid").stdout.strip()


def main_pid(lab, unit):
    return lab.run(f"systemctl show -P MainPID {unit}").stdout.strip()


def install(host):
    """Puts the package into a host on which a guest runs; what ran before and after."""
    host.run(f"base64 -d >{DEB}", input=base64.b64encode(Path(os.environ["VFALIAS_LAB_DEB"]).read_bytes()).decode())
    host.define(firmware("witness"))
    host.virsh("start", "witness")
    before = process(host, "witness"), main_pid(host, "libvirtd")
    apt(host, "install", DEB)
    return before, (process(host, "witness"), main_pid(host, "libvirtd"))


@pytest.fixture(scope="module")
def package_host():
    if not os.environ.get("VFALIAS_LAB_DEB"):
        pytest.skip("no Debian package: set VFALIAS_LAB_DEB")
    try:
        labhost.check()
    except labhost.LabUnavailable as e:
        pytest.skip(str(e))
    host = labhost.Lab(f"deb-{os.getpid()}")
    try:
        host.up()
        host.tree = "the package"  # for `project`: there is one
        host.installed = install(host)
        yield host
    finally:
        host.down()


@pytest.fixture
def lab(package_host):
    if package_host.sick:
        package_host.tree = None
        package_host.renew()
        package_host.installed = install(package_host)
    package_host.clean()
    package_host.test_began = package_host.cursor()
    yield package_host
    if not package_host.sick:
        package_host.clean()


def test_installed_while_a_guest_runs(lab, pool):
    """The hooks work though libvirtd was not restarted, and the guest that ran before runs on."""
    before, after = lab.installed
    assert before == after
    assert lab.run("systemctl is-active vfaliasd vfalias-vfs").stdout.split() == ["active", "active"]
    lab.define(firmware("db1", "net"))
    pool.start("db1", "net-0")


def test_upgraded_while_a_guest_runs(lab, pool):
    lab.define(firmware("db1", "net"))
    pool.start("db1", "net-0")
    pool.wait_active("db1", "net-0")
    guest, daemon, held, since = process(lab, "db1"), main_pid(lab, "vfaliasd"), pool.held(), lab.cursor()
    lab.run("rm -rf newer && dpkg-deb -R vfalias.deb newer && sed -i '/^Version:/s/$/+newer/' newer/DEBIAN/control && "
            "dpkg-deb -b -Znone newer newer.deb")
    apt(lab, "install", "/root/newer.deb")
    assert lab.run("dpkg-query -W -f '${Version}' vfalias").stdout.endswith("+newer")
    assert lab.get("/etc/vfalias/vfalias.conf") == CONFIGURATION
    assert process(lab, "db1") == guest and main_pid(lab, "vfaliasd") != daemon
    lab.run("vfalias request add db1 accel --live")  # by the daemon that is there now
    pool.watch("db1", "accel-0", "net-0")
    assert pool.held().items() >= held.items()
    assert lab.journal(since, "vfaliasd").count(": attached ") == 1


def test_removed_while_a_guest_runs(lab, pool):
    lab.define(firmware("db1", "net"))
    lab.define(firmware("plain", devices=hostdev(lab.vfs(OTHER_PF)[0])))
    pool.start("db1", "net-0")
    guest, source = process(lab, "db1"), pool.devices("db1")["net-0"].source
    said = apt(lab, "remove", "vfalias")
    assert "vfalias: guests that run with devices keep them, and libvirt takes these back when they stop: db1" in said.stderr
    assert process(lab, "db1") == guest
    assert pool.devices("db1")["net-0"].source == source and lab.driver(source) == "vfio-pci"
    lab.virsh("start", "plain")  # no hook, and nobody misses it
    lab.virsh("destroy", "plain")
    apt(lab, "install", DEB)  # knows the guest
    assert pool.held() == {("db1", "net-0"): source}
    apt(lab, "remove", "vfalias")
    lab.virsh("destroy", "db1")
    assert lab.driver(source) == "igbvf"
    apt(lab, "purge", "vfalias")
    left = "find / -xdev -path /var/log -prune -o -path /proc -prune -o -path /root -prune -o -name '*vfalias*' -print"
    assert lab.run(left).stdout == ""
    apt(lab, "install", DEB)


BOOT = CONFIGURATION + """sriov_numvfs = {"devname": "enp1s0", "numvfs": %d}
sriov_numvfs = {"address": "0000:02:00.0", "numvfs": %d}
"""


def when(lab, unit, what):
    """Microseconds since the boot."""
    return int(lab.run(f"systemctl show -P {what}TimestampMonotonic {unit}").stdout)


def test_reboot(lab, pool):
    """VFs first, then vfaliasd, then libvirtd, whose autostarted domain gets its device."""
    lab.run("sed -i '/sriov_totalvfs.*sriov_numvfs/s/^/case $pf in *:03:*) ;; *) continue ;; esac; /' /usr/local/sbin/lab-devices")
    lab.put("/etc/vfalias/vfalias.conf", BOOT % (4, 5))
    lab.define(firmware("auto", "net"))
    lab.virsh("autostart", "auto")
    lab.reboot()
    assert [len(lab.vfs(pf)) for pf in (PF, OTHER_PF, ACCEL_PF)] == [4, 5, 4]
    pool.watch("auto", "net-0")
    pool.wait_active("auto", "net-0")
    assert (0 < when(lab, "vfalias-vfs", "ActiveEnter") <= when(lab, "vfaliasd", "ExecMainStart")
            < when(lab, "vfaliasd", "ActiveEnter") <= when(lab, "libvirtd", "ExecMainStart"))
    assert lab.run("systemctl --failed --no-legend --plain").stdout == ""

    # a card in use keeps its VFs, the other gets more, which vfaliasd sees by itself
    held = pool.devices("auto")["net-0"].source
    lab.put("/etc/vfalias/vfalias.conf", BOOT % (7, 7))
    result = lab.run("vfalias vfs", check=False)
    assert (result.returncode, result.stdout) == (1, "0000:02:00.0: 7 VFs were made, it had 5\n")
    assert result.stderr == (f"vfalias: enp1s0 ({PF}): keeps its 4 VFs, 7 are wanted: domain 'auto' holds {held}\n")
    lab.wait_for("vfalias stats --json | jq -e '.aliases[] | select(.name == \"net\") | .total == 11'")
    lab.virsh("destroy", "auto")
    lab.run("systemctl restart vfalias-vfs")
    assert [len(lab.vfs(pf)) for pf in (PF, OTHER_PF)] == [7, 7]


def test_started_by_the_socket(lab, pool):
    """A client that finds neither daemon running finds both when it is served."""
    lab.define(firmware("db1", "net"))
    lab.run("systemctl stop vfaliasd; systemctl stop libvirtd 2>/dev/null; ! systemctl is-active libvirtd vfaliasd")
    lab.virsh("start", "db1")
    assert lab.run("systemctl is-active libvirtd vfaliasd").stdout.split() == ["active", "active"]
    pool.watch("db1", "net-0")


def confined(lab, pid):
    return lab.run(f"cat /proc/{pid}/attr/current").stdout.strip("\n\0")


def test_apparmor(lab, pool):
    """With the profiles that come with Debian's libvirt, enforced for libvirtd and for the guests. Last: they stay."""
    lab.run("apparmor_parser -r /etc/apparmor.d/usr.lib.libvirt.virt-aa-helper /etc/apparmor.d/usr.sbin.libvirtd && "
            "sed -i 's/^security_driver.*/security_driver = \"apparmor\"/' /etc/libvirt/qemu.conf && systemctl restart libvirtd",
            timeout=120)
    assert confined(lab, main_pid(lab, "libvirtd")) == "libvirtd (enforce)"
    xml = re.sub("<serial.*?</serial>", "", firmware("db1", "net", "nic", "accel"), flags=re.S)  # it has a log of the lab's
    lab.define(xml)
    pool.start("db1", "net-0", "nic-0", "accel-0")
    pool.wait_active("db1", "net-0", "nic-0", "accel-0")
    assert re.fullmatch("libvirt-[0-9a-f-]{36} \\(enforce\\)", confined(lab, process(lab, "db1")))
    lab.virsh("destroy", "db1")
    pool.wait_released("db1")

    # what the links to /usr/sbin are good for
    lab.run("ln -s /usr/libexec/vfalias/qemu-asked /etc/libvirt/hooks/qemu.d/zz")
    try:
        refused = lab.virsh("start", "db1", check=False)
    finally:
        lab.run("rm /etc/libvirt/hooks/qemu.d/zz")
    assert refused.returncode == 1 and "ermission denied" in refused.stderr, refused.stderr
