# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests with the real libvirtd and QEMU of this machine, on a private host (privatehost.py).

The environment variable VFALIAS_INST names a folder that `make install DESTDIR=...` has filled, of a build with
--prefix=/usr --sysconfdir=/etc --localstatedir=/var --runstatedir=/run. The tests need root. They do not change the
machine's own libvirt and configuration.
"""
import os
import shutil
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration"), str(HERE.parent)]

PROGRAMS = ("libvirtd", "virsh", "virt-install", "qemu-system-x86_64", "unshare", "nsenter", "ip")


def lacking():
    """The reason why these tests cannot run here, or None."""
    installed = os.environ.get("VFALIAS_INST", "")
    missing = [name for name in PROGRAMS
               if not shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")]
    if os.geteuid() != 0:
        return "needs root"
    if not Path(installed, "usr/libexec/vfalias/qemu-asked").exists() or ":" in installed:
        return "VFALIAS_INST names no installation of vfalias with --prefix=/usr"
    if "overlay" not in Path("/proc/filesystems").read_text() and \
            not shutil.which("modprobe"):
        return "needs overlayfs"
    return "needs " + ", ".join(missing) if missing else None


@pytest.fixture(scope="session")
def running_host():
    reason = lacking()
    if reason:
        pytest.skip(reason)
    from privatehost import PrivateHost
    host = PrivateHost(Path(os.environ["VFALIAS_INST"]).resolve())
    try:
        yield host
    finally:
        host.close()


@pytest.fixture
def quiet_host(running_host):
    """The private host with libvirtd only: no domain, no claim, the usual configuration."""
    host = running_host
    host.recorder.forget()
    if not host.libvirtd.running():
        host.libvirtd.start()
    host.vfaliasd.stop()
    host.remove_domains()
    host.forget_state()
    host.configure()
    host.recorder.forget()
    host.events.clear()
    host.syslog.messages.clear()
    host.forget_log()
    return host


@pytest.fixture
def host(quiet_host):
    """The private host with libvirtd and a vfaliasd that is connected to libvirt."""
    quiet_host.vfaliasd.start()
    quiet_host.vfaliasd.lines.wait("connected to")
    return quiet_host


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Adds the output of the programs to the report of a failure."""
    report = (yield).get_result()
    host = item.funcargs.get("quiet_host") if hasattr(item, "funcargs") else None
    if host is None or not report.failed:
        return
    if host.vfaliasd.lines:
        report.sections.append(("vfaliasd", "\n".join(host.vfaliasd.lines.lines)))
    report.sections.append(("hooks", "\n".join(
        "%s %s %s" % (each.hook, each.domain, each.what) for each in host.recorder.calls)))
    report.sections.append(("syslog", "\n".join(host.syslog.messages)))
    report.sections.append(("libvirtd", host.log()))
