# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests whose QEMU does not answer libvirt, or whose job libvirt is running; and the other guests, which are served
meanwhile."""
import os

import pytest

import madekernel
from daemonhost import guest
from hookhost import CONFIG, request
from shimhost import CONTROL_OCCUPIED, JOB_UNBOUNDED, OPERATION_BACKUP, OPERATION_MIGRATION_OUT

NET = request("net")
HUNG = ["d%d" % n for n in range(2, 12)]


@pytest.mark.parametrize("function", ["virDomainGetJobStats", "virDomainAttachDeviceFlags"])
def test_ten_guests_that_hang_keep_no_other_waiting(daemon, function):
    one = daemon(guest(1), *(guest(n, NET) for n in range(2, 12)), rules=["%s %s hang" % (function, name) for name in HUNG])
    for name in HUNG:
        one.wait_for_call(function, name)
    one.do("metadata d1 <requests><request alias='net'/></requests>")
    asked = one.calls("did")[-1].time
    assert one.wait_for_call("attached", "d1").time - asked < 2
    for name in HUNG:
        one.lift("%s %s" % (function, name))


def test_guest_that_is_seen_to_hang_is_asked_nothing(daemon):
    one = daemon(guest(1, NET), guest(2, NET), rules=["virDomainGetControlInfo d1 say %d 5000" % CONTROL_OCCUPIED,
                                                      "virDomainGetJobStats d1 hang", "virDomainAttachDeviceFlags d1 hang"])
    one.wait_for("domain 'd1': its QEMU does not answer libvirt, its devices wait for that")
    one.wait_for_call("attached", "d2")
    assert not one.calls("virDomainGetJobStats", "d1") and not one.calls("virDomainAttachDeviceFlags", "d1")
    one.do("drop virDomainGetControlInfo d1", "drop virDomainGetJobStats d1", "drop virDomainAttachDeviceFlags d1")
    one.wait_for_call("attached", "d1")


def test_guest_that_has_what_it_asks_for_is_not_asked_for_its_jobs(host, daemon):
    one = daemon(guest(1), guest(2, NET))
    one.wait_for(lambda: [claim["state"] for claim in host.claims()] == ["active"])
    since = one.wait_until_idle()
    one.do("event d1 4 0", "event d2 4 0")
    one.wait_for_call("virDomainGetXMLDesc", "d2", since=since)
    one.wait_until_idle()
    jobs = [call for call in one.calls(since=0) if call.function in ("virDomainGetJobStats", "virDomainGetJobInfo")]
    assert [call.domain for call in jobs] == ["d2"]


def test_backup_does_not_keep_a_device_away(daemon):
    one = daemon(guest(1, NET), rules=["virDomainGetJobStats d1 say %d %d" % (JOB_UNBOUNDED, OPERATION_BACKUP)])
    one.wait_for_call("attached", "d1")
    one.do("metadata d1")
    one.wait_for_call("detached", "d1")


def test_block_copy_does_not_keep_a_device_away(daemon):
    """A block copy is a job of a disk (virDomainGetBlockJobInfo()). The domain has no job, and its live XML has the
    mirror."""
    one = daemon(guest(1), rules=["virDomainGetJobStats d1 say 0 0"])
    one.wait_for("connected to")
    one.do("device d1 <disk type='file' device='disk'><source file='/a'/><mirror type='file' job='copy' ready='yes'>"
           "<source file='/b'/></mirror><target dev='vda' bus='virtio'/></disk>",
           "metadata d1 <requests><request alias='net'/></requests>")
    one.wait_for_call("attached", "d1")
    one.do("metadata d1")
    one.wait_for_call("detached", "d1")


def test_migration_does(host, daemon):
    one = daemon(guest(1, NET), rules=["virDomainGetJobStats d1 say %d %d" % (JOB_UNBOUNDED, OPERATION_MIGRATION_OUT)])
    one.wait_for_call("virDomainGetJobStats", "d1", n=2)
    assert not one.calls("virDomainAttachDeviceFlags")
    one.lift("virDomainGetJobStats d1")
    one.wait_for_call("attached", "d1")


# Devices that are made: each program that vfaliasd starts waits until the gate has a writer.
SYSTEMD_RUN = """#!/bin/sh
cd "${0%/*}"
echo >>runs
[ -e open ] || read -r line <gate
exit 1
"""
VDPA = CONFIG + """require_daemon = no
[pci]
device_spec = {"mgmtdev": "vdpasim_net", "max_devices": 20, "physical_network": "physnet1"}
alias = {"name": "vnet", "device_type": "vdpa", "physical_network": "physnet1"}
"""


def test_devices_that_cannot_be_made_keep_no_other_guest_waiting(host, daemon, library, tmp_path):
    kernel = madekernel.MadeKernel(host.tree, madekernel.build(tmp_path))
    kernel.vdpa()
    kernel.mgmtdev("vdpasim_net")
    host.configure(VDPA)
    program, gate, runs = (host.folder / name for name in ("systemd-run", "gate", "runs"))
    program.write_text(SYSTEMD_RUN)
    program.chmod(0o755)
    os.mkfifo(gate)
    one = daemon(guest(1), *(guest(n, request("vnet")) for n in range(2, 16)),
                 env={**kernel.env, "LD_PRELOAD": "%s %s" % (library, kernel.env["LD_PRELOAD"]),
                      "VFALIAS_SYSTEMD_RUN": str(program)})
    one.wait_for("has to wait: 6 other devices are being made or destroyed")
    one.do("metadata d1 <requests><request alias='net'/></requests>")
    asked = one.calls("did")[-1].time
    assert one.wait_for_call("attached", "d1").time - asked < 2
    assert runs.read_text().count("\n") == 6
    (host.folder / "open").touch()
    os.close(os.open(gate, os.O_WRONLY))
    one.wait_for(lambda: runs.read_text().count("\n") >= 14)
