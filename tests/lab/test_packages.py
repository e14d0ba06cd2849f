# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Debian package on a host of its own, with systemd, devices and running guests: installed as README says,
upgraded, removed, rebooted, and with AppArmor.

The fixture `lab` of this file replaces the general fixture, so `pool` works on this host.
"""
import json
import os
import re
import textwrap
from pathlib import Path

import labhost
import pytest
from asking import ACCEL_PF, CONFIGURATION, NET_ID, OTHER_PF, PF, SLOW, Pool, metadata, pool
from guestxml import guest_xml, hostdev

__all__ = ["pool"]  # a fixture
README = Path(__file__).resolve().parents[2] / "README"
DEB = "/root/packages/deb/vfalias_this.deb"


def firmware(name, *wanted, **more):
    return guest_xml(name, metadata=metadata(*wanted) if wanted else "", kernel=False, **more)


def apt(lab, *words):
    """Keeps an administrator's own configuration, as Enter does at dpkg's question."""
    return lab.run(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "-o", "Dpkg::Use-Pty=0",
                    "-o", "Dpkg::Options::=--force-confold", *words], timeout=120)


def process(lab, domain):
    return lab.run(f"cat /run/libvirt/qemu/{domain}.pid").stdout.strip()


def main_pid(lab, unit):
    return lab.run(f"systemctl show -P MainPID {unit}").stdout.strip()


@pytest.fixture(scope="module")
def package_host():
    """A Debian that has libvirt and guests, and does not have vfalias yet."""
    if not os.environ.get("VFALIAS_LAB_DEB"):
        pytest.skip("no Debian package: set VFALIAS_LAB_DEB")
    try:
        labhost.check()
    except labhost.LabUnavailable as e:
        pytest.skip(str(e))
    host = labhost.Lab(f"deb-{os.getpid()}")
    try:
        host.up()
        host.put_file(DEB, os.environ["VFALIAS_LAB_DEB"])
        yield host
    finally:
        host.down()


@pytest.fixture
def lab(package_host, request):
    """The same host with vfalias, except for the test that begins without vfalias."""
    if package_host.sick:
        package_host.renew()
        package_host.put_file(DEB, os.environ["VFALIAS_LAB_DEB"])
    if request.function is not test_readme:
        package_host.run(f"dpkg-query -W -f '${{Status}}' vfalias 2>/dev/null | grep -q ' installed$' || apt-get -q -y install {DEB}", timeout=120)
    package_host.clean()
    package_host.test_began = package_host.cursor()
    yield package_host
    if not package_host.sick:
        package_host.clean()


# ---- as README has it ----

def readme(section, end):
    """The commands (indented paragraphs) of a section of README."""
    text = README.read_text().partition(f"\n{section}\n\n")[2].partition(f"\n{end}")[0]
    return [textwrap.dedent(each) for each in re.findall(r"(?:^ {4}.*\n)+", text, re.M)]


def test_readme(lab):
    """With README only, a new user with a clean Debian gets from the package to guests with VFs. A guest that ran
    before keeps running."""
    lab.run("! dpkg-query -W vfalias; ! ls /etc/libvirt/hooks/qemu.d | grep :; ! systemctl cat vfaliasd")
    lab.run("echo 0 >/sys/class/net/enp1s0/device/sriov_numvfs; udevadm settle")
    for name in "witness", "db1", "db2":
        lab.define(guest_xml(name, metadata="<other:thing xmlns:other='urn:other'/>", kernel=name == "db1"))
    lab.virsh("start", "witness")
    before = process(lab, "witness"), main_pid(lab, "libvirtd")

    *_, install = readme("Install", "For RPM distributions")
    lab.run(install, timeout=120)
    assert lab.run("systemctl is-active vfaliasd vfalias-vfs").stdout.split() == ["active", "active"]

    config, make, ask, one_more, pasted, new_guest, look = readme("Quick start", "Read on\n")
    lab.put("/etc/vfalias/conf.d/net1.conf", config)
    said = lab.run("set -e\n" + make).stdout
    assert "1 device_spec, 1 alias" in said and re.search(r"^net1 +7 +7", said, re.M)

    said = lab.run("set -e\n" + ask).stdout
    assert "net1-0" in said and "db1" in said
    lab.wait_console("db1", f"^GUEST pci .* {NET_ID} igbvf")
    mark = lab.mark("db1")
    lab.run(one_more)
    lab.wait_console("db1", f"^GUEST pci .* {NET_ID} igbvf", since=mark)
    assert "link/ether 52:54:00:01:02:03" in lab.run("ip link show enp1s0").stdout

    xml = lab.virsh("dumpxml", "db2", "--inactive")
    lab.define(xml.replace("<metadata>\n", "<metadata>\n" + pasted, 1))
    lab.virsh("start", "db2")
    lab.run("qemu-img create -q -f qcow2 /var/lib/libvirt/images/db3.qcow2 1M")
    lab.run(new_guest.replace("--memory 2048", "--memory 256"), timeout=180)  # the host is small
    claims = "vfalias claims --json | jq -r '.[] | select(.state == \"active\") | \"\\(.domain) \\(.request)\"' | sort | xargs"
    lab.wait_for(f'test "$({claims})" = "db1 net1-0 db1 net1-1 db2 net1-0 db3 net1-0"')
    assert lab.run("for d in db1 db2 db3; do virsh -q domiflist $d; done").stdout.count("hostdev") == 4
    said = lab.run(look).stdout
    assert said.count("claimed: by ") == 4 and said.count(" chosen ") == 1

    assert before == (process(lab, "witness"), main_pid(lab, "libvirtd"))
    lab.clean()
    lab.wait_for("vfalias claims --json | jq -e 'length == 0'")
    assert json.loads(lab.run("vfalias stats --json").stdout)["aliases"][0]["free"] == 7
    lab.run("rm /etc/vfalias/conf.d/net1.conf /var/lib/libvirt/images/db3.qcow2")


# ---- upgrade, removal ----

def older(lab):
    """The package of the last release. If its sources are not available: this package with a lower version."""
    released = os.environ.get("VFALIAS_LAB_RELEASED")
    if released:
        lab.put_file("/root/older.deb", released)
    else:
        lab.run(f"dpkg-deb -R {DEB} older && sed -i 's/^Version: /&0~/' older/DEBIAN/control && dpkg-deb -b -Znone older older.deb")
    return "/root/older.deb"


def version(lab):
    return lab.run("dpkg-query -W -f '${Version}' vfalias").stdout


def test_upgraded_while_a_guest_runs(lab, pool):
    apt(lab, "purge", "vfalias")
    apt(lab, "install", older(lab))
    pool.prepare()
    lab.run(f"rm {SLOW} && systemctl restart vfaliasd")  # the last release does not know this file's keys
    lab.define(firmware("db1", "net"))
    pool.start("db1", "net-0")
    pool.wait_active("db1", "net-0")
    guest, daemon, held, since, before = process(lab, "db1"), main_pid(lab, "vfaliasd"), pool.held(), lab.cursor(), version(lab)
    apt(lab, "install", DEB)
    lab.run(f"dpkg --compare-versions {before} lt {version(lab)}")
    assert lab.get("/etc/vfalias/vfalias.conf") == CONFIGURATION
    assert lab.run("cd /etc/systemd/system && ls */vfalias-vfs.service").stdout == "multi-user.target.wants/vfalias-vfs.service\n"
    assert process(lab, "db1") == guest and main_pid(lab, "vfaliasd") != daemon
    lab.run("vfalias request add db1 accel --live")  # the new daemon attaches the device
    pool.watch("db1", "accel-0", "net-0")
    assert pool.held().items() >= held.items()
    assert lab.journal(since, "vfaliasd").count(": attached ") == 1


def test_removed_while_a_guest_runs(lab, pool):
    lab.define(firmware("db1", "net"))
    lab.define(firmware("plain", devices=hostdev(lab.vfs(OTHER_PF)[0])))
    pool.start("db1", "net-0")
    guest, source = process(lab, "db1"), pool.devices("db1")["net-0"].source
    said = apt(lab, "remove", "vfalias")
    assert "vfalias: running guests keep their devices; when they stop, libvirt reclaims the devices, but VF settings stay as they are, and made vDPA and mediated devices stay: db1" in said.stderr
    assert process(lab, "db1") == guest
    assert pool.devices("db1")["net-0"].source == source and lab.driver(source) == "vfio-pci"
    lab.virsh("start", "plain")  # no hook is left: domains without requests start
    lab.virsh("destroy", "plain")
    apt(lab, "install", DEB)  # vfaliasd claims the guest's device again
    assert pool.held() == {("db1", "net-0"): source}
    apt(lab, "remove", "vfalias")
    lab.virsh("destroy", "db1")
    assert lab.driver(source) == "igbvf"
    apt(lab, "purge", "vfalias")
    left = "find / -xdev -path /var/log -prune -o -path /proc -prune -o -path /root -prune -o -name '*vfalias*' -print"
    assert lab.run(left).stdout == ""
    apt(lab, "install", DEB)


# Debian has no modular daemons. For the package, a modular daemon is its unit.
MODULAR = """[Service]
Type=notify
ExecStart=/usr/sbin/libvirtd
ExecReload=/bin/kill -HUP $MAINPID
KillMode=process
"""


def test_installed_beside_the_modular_daemon(lab):
    """The package reloads the daemon that is in use. From then on vfaliasd starts with this daemon."""
    apt(lab, "purge", "vfalias")
    lab.put("/run/systemd/system/virtqemud.service", MODULAR)
    lab.run("systemctl daemon-reload && systemctl stop 'libvirtd*.socket' libvirtd && systemctl start virtqemud")
    try:
        daemon = main_pid(lab, "virtqemud")
        apt(lab, "install", DEB)
        lab.run("! systemctl is-active libvirtd && systemctl is-active vfaliasd")
        pool = Pool(lab)
        pool.prepare()
        lab.define(firmware("db1", "net"))
        pool.start("db1", "net-0")
        lab.virsh("destroy", "db1")
        pool.check_all_free()
        assert main_pid(lab, "virtqemud") == daemon
        lab.run("systemctl stop virtqemud vfaliasd && systemctl start virtqemud && systemctl is-active vfaliasd")
    finally:
        lab.run("systemctl stop virtqemud && rm /run/systemd/system/virtqemud.service && systemctl daemon-reload && "
                "systemctl start libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd-tcp.socket libvirtd")


BOOT = CONFIGURATION + """sriov_numvfs = {"devname": "enp1s0", "numvfs": %d}
sriov_numvfs = {"address": "0000:02:00.0", "numvfs": %d}
"""


def when(lab, unit, what):
    """Microseconds since the boot."""
    return int(lab.run(f"systemctl show -P {what}TimestampMonotonic {unit}").stdout)


def test_reboot(lab, pool):
    """VFs first, then vfaliasd, then libvirtd. A domain with autostart gets its device."""
    lab.run("sed -i '/sriov_totalvfs.*sriov_numvfs/s/^/case $pf in *:03:*) ;; *) continue ;; esac; /' /usr/local/sbin/lab-devices")
    lab.put("/etc/vfalias/vfalias.conf", BOOT % (4, 5))
    lab.define(firmware("auto", "net"))
    lab.virsh("autostart", "auto")
    lab.reboot()
    assert [len(lab.vfs(pf)) for pf in (PF, OTHER_PF, ACCEL_PF)] == [4, 5, 4]
    pool.watch("auto", "net-0")
    pool.wait_active("auto", "net-0")
    # (vfalias-vfs may have run once more since, for a card that got its driver later)
    assert "vfalias-vfs.service" in lab.run("systemctl show -P After vfaliasd").stdout.split()
    assert (0 < when(lab, "vfaliasd", "ExecMainStart") < when(lab, "vfaliasd", "ActiveEnter")
            <= when(lab, "libvirtd", "ExecMainStart"))
    assert lab.run("systemctl --failed --no-legend --plain").stdout == ""

    # a card in use keeps its VFs, the other card gets more VFs, which vfaliasd notices by itself
    held = pool.devices("auto")["net-0"].source
    lab.put("/etc/vfalias/vfalias.conf", BOOT % (7, 7))
    result = lab.run("vfalias vfs", check=False)
    assert (result.returncode, result.stdout) == (1, "0000:02:00.0: 7 VFs were made, it had 5\n")
    assert result.stderr == (f"vfalias: enp1s0 ({PF}): keeps its 4 VFs, 7 are wanted: domain 'auto' holds {held}\n")
    lab.wait_for("vfalias stats --json | jq -e '.aliases[] | select(.name == \"net\") | .total == 11'")
    lab.virsh("destroy", "auto")
    lab.run("systemctl restart vfalias-vfs")
    assert [len(lab.vfs(pf)) for pf in (PF, OTHER_PF)] == [7, 7]

    # a guest gets a card as a whole: the card has no VFs. Afterwards it has its VFs again, and vfaliasd knows them
    lab.define(firmware("whole", devices=hostdev(OTHER_PF)))
    lab.virsh("start", "whole")
    lab.run(f"test ! -e /sys/bus/pci/devices/{OTHER_PF}/virtfn0 && systemctl is-active vfalias-vfs")
    lab.virsh("destroy", "whole")
    lab.wait_for(f"test -e /sys/bus/pci/devices/{OTHER_PF}/virtfn6 && systemctl is-active vfalias-vfs")
    lab.wait_for("vfalias stats --json | jq -e '.aliases[] | select(.name == \"net\") | .total == 14'")
    lab.run("ip link set enp2s0 up")


def test_started_by_the_socket(lab, pool):
    """A client connects while neither daemon runs. When it is served, both daemons run."""
    lab.define(firmware("db1", "net"))
    lab.run("systemctl stop vfaliasd; systemctl stop libvirtd 2>/dev/null; ! systemctl is-active libvirtd vfaliasd")
    lab.virsh("start", "db1")
    assert lab.run("systemctl is-active libvirtd vfaliasd").stdout.split() == ["active", "active"]
    pool.watch("db1", "net-0")


def confined(lab, pid):
    return lab.run(f"cat /proc/{pid}/attr/current").stdout.strip("\n\0")


def test_apparmor(lab, pool):
    """The AppArmor profiles of Debian's libvirt, enforced for libvirtd and for the guests. Runs last: the profiles
    stay."""
    lab.run("apparmor_parser -r /etc/apparmor.d/usr.lib.libvirt.virt-aa-helper /etc/apparmor.d/usr.sbin.libvirtd && "
            "sed -i 's/^security_driver.*/security_driver = \"apparmor\"/' /etc/libvirt/qemu.conf && systemctl restart libvirtd",
            timeout=120)
    assert confined(lab, main_pid(lab, "libvirtd")) == "libvirtd (enforce)"
    xml = re.sub("<serial.*?</serial>", "", firmware("db1", "net", "nic", "accel"), flags=re.S)  # its log file is forbidden
    lab.define(xml)
    pool.start("db1", "net-0", "nic-0", "accel-0")
    pool.wait_active("db1", "net-0", "nic-0", "accel-0")
    assert re.fullmatch("libvirt-[0-9a-f-]{36} \\(enforce\\)", confined(lab, process(lab, "db1")))
    lab.virsh("destroy", "db1")
    pool.wait_released("db1")

    # why the hooks are links to /usr/sbin
    lab.run("ln -s /usr/libexec/vfalias/qemu-asked /etc/libvirt/hooks/qemu.d/zz")
    try:
        refused = lab.virsh("start", "db1", check=False)
    finally:
        lab.run("rm /etc/libvirt/hooks/qemu.d/zz")
    assert refused.returncode == 1 and "ermission denied" in refused.stderr, refused.stderr
