# SPDX-License-Identifier: LGPL-2.1-or-later
"""The cleaners that vfalias ships, on fake sysfs trees, with a fake program nvme that records its calls."""
import os
import subprocess
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
DEVICE = "0000:5e:00.0"
UUID = "00000000-0000-0000-0000-000000000001"

# `nvme list-ns` prints the file list. With --all it prints the file list-all, or fails if the file no-all exists. `nvme
# format` fails if the file no-format exists.
NVME = r"""#!/bin/sh
cd "${0%/*}/.."
echo "$*" >>asked
case $1 in
list-ns) case $* in *--all) [ ! -e no-all ] || exit 1; cat list-all ;; *) cat list ;; esac ;;
format) if [ -e no-format ]; then echo "NVMe status: INVALID_FIELD" >&2; exit 1; fi; echo "Success formatting namespace" ;;
esac
"""


class Drive:
    def __init__(self, folder):
        self.folder = folder
        self.pci = folder / "sys/bus/pci/devices" / DEVICE
        self.pci.mkdir(parents=True)
        (folder / "proc").mkdir()
        (folder / "bin").mkdir()
        program = folder / "bin/nvme"
        program.write_text(NVME)
        program.chmod(0o755)
        self.list("0x1")

    def list(self, *numbers):
        text = "".join("[%4u]:%s\n" % (n, number) for n, number in enumerate(numbers))
        (self.folder / "list").write_text(text)
        (self.folder / "list-all").write_text(text)

    def bound(self, *namespaces):
        controller = self.pci / "nvme/nvme0"
        controller.mkdir(parents=True)
        for name in namespaces:
            (controller / name / "holders").mkdir(parents=True)
        return controller

    def clean(self, name, *args, path=None):
        return subprocess.run([TREE / "conf/clean.d" / name, *(args or ("pci", DEVICE, UUID))], capture_output=True, text=True,
                              env={"PATH": path or "%s:%s" % (self.folder / "bin", os.environ["PATH"]),
                                   "VFALIAS_SYSFS": str(self.folder / "sys"), "VFALIAS_PROC": str(self.folder / "proc"),
                                   "VFALIAS_PATIENCE": "0"})

    def asked(self):
        asked = self.folder / "asked"
        return asked.read_text().splitlines() if asked.exists() else []

    def formatted(self):
        return [line for line in self.asked() if line.startswith("format")]


@pytest.fixture
def drive(tmp_path):
    return Drive(tmp_path)


def fine(done):
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def refused(done, reason):
    """A cleaner that fails has the reason for the quarantine in its last line."""
    assert done.returncode == 1 and (done.stdout + done.stderr).splitlines()[-1] == reason, done


# ---- function-reset ----

def test_function_reset(drive):
    (drive.pci / "reset").write_text("")
    assert fine(drive.clean("function-reset")) == "reset %s\n" % DEVICE
    assert (drive.pci / "reset").read_text() == "1\n"


def test_function_reset_refuses(drive):
    refused(drive.clean("function-reset"), "the kernel knows no way to reset %s" % DEVICE)
    (drive.pci / "reset").mkdir()
    refused(drive.clean("function-reset"), "the reset of %s failed" % DEVICE)
    (drive.pci / "reset").rmdir()
    (drive.pci / "reset").write_text("")
    (drive.pci / "sriov_numvfs").write_text("2\n")
    refused(drive.clean("function-reset"), "%s has VFs, which a reset would take from their users" % DEVICE)
    assert (drive.pci / "reset").read_text() == ""
    (drive.pci / "sriov_numvfs").write_text("0\n")
    fine(drive.clean("function-reset"))


# ---- nvme-format ----

def test_nvme_format(drive):
    drive.bound("nvme0n1")
    assert fine(drive.clean("nvme-format")).splitlines()[-1] == "Success formatting namespace"
    assert drive.asked() == ["list-ns /dev/nvme0 --all", "format /dev/nvme0 --namespace-id=0x1 --ses=1 --force"]


def test_nvme_format_of_all_namespaces(drive):
    """Formats also namespaces that the guest has created and that are not attached. A drive without support for such a
    list has none of these."""
    drive.bound("nvme0n1")
    drive.list("0x1")
    (drive.folder / "list-all").write_text("[   0]:0x1\n[   1]:0xA\n")
    fine(drive.clean("nvme-format"))
    assert [line.split()[2] for line in drive.formatted()] == ["--namespace-id=0x1", "--namespace-id=0xA"]
    (drive.folder / "asked").unlink()
    (drive.folder / "no-all").touch()
    fine(drive.clean("nvme-format"))
    assert [line.split()[2] for line in drive.formatted()] == ["--namespace-id=0x1"]


def test_nvme_format_that_fails(drive):
    drive.bound("nvme0n1")
    drive.list("0x1", "0x2")
    (drive.folder / "no-format").touch()
    refused(drive.clean("nvme-format"), "nvme format of namespace 0x1 of %s failed" % DEVICE)
    assert len(drive.formatted()) == 1


def test_nvme_format_leaves_what_the_host_uses(drive):
    controller = drive.bound("nvme0n1")
    partition = controller / "nvme0n1/nvme0n1p2/holders"
    partition.mkdir(parents=True)
    (partition / "dm-0").mkdir()
    refused(drive.clean("nvme-format"), "the host uses /dev/nvme0n1p2: dm-0 is on it")
    (partition / "dm-0").rmdir()
    (drive.folder / "proc/mounts").write_text("/dev/nvme0n1p2 /mnt ext4 rw 0 0\n")
    refused(drive.clean("nvme-format"), "the host uses /dev/nvme0n1p2: it is mounted, or swap")
    (drive.folder / "proc/mounts").write_text("/dev/nvme0n1p20 /mnt ext4 rw 0 0\n")
    assert drive.formatted() == []
    fine(drive.clean("nvme-format"))


def test_nvme_format_with_native_multipath(drive):
    """The block device is below the subsystem. Other subsystems belong to other drives."""
    drive.bound()
    for subsystem, other in ("nvme-subsys0", "nvme0"), ("nvme-subsys1", "nvme1"):
        folder = drive.folder / "sys/class/nvme-subsystem" / subsystem
        (folder / other).mkdir(parents=True)
        (folder / ("%sn1" % other) / "holders/md0").mkdir(parents=True)
    refused(drive.clean("nvme-format"), "the host uses /dev/nvme0n1: md0 is on it")
    (drive.folder / "sys/class/nvme-subsystem/nvme-subsys0/nvme0n1/holders/md0").rmdir()
    fine(drive.clean("nvme-format"))


def test_nvme_format_refuses(drive):
    refused(drive.clean("nvme-format"), "the driver nvme does not have %s" % DEVICE)
    drive.bound("nvme0n1")
    drive.list()
    refused(drive.clean("nvme-format"), "nvme lists no namespace of %s (/dev/nvme0)" % DEVICE)
    tools = drive.folder / "tools"
    tools.mkdir()
    for name in "sh", "cat", "basename", "sed", "grep":
        (tools / name).symlink_to("/bin/" + name)
    refused(drive.clean("nvme-format", path=str(tools)), "there is no program nvme: install nvme-cli")


@pytest.mark.parametrize("name", ["function-reset", "nvme-format"])
def test_arguments(name, drive):
    refused(drive.clean(name, "pci"), "usage: %s KIND DEVICE DOMAIN-UUID" % name)
    assert "not a device of kind mdev" in drive.clean(name, "mdev", DEVICE, UUID).stderr
    refused(drive.clean(name, "pci", "0000:ff:00.0", UUID), "there is no device 0000:ff:00.0")
