# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures of the tests that need a whole SR-IOV host: `lab`, and `project` for the installed project.

Environment:
  VFALIAS_LAB       name of the host; it is booted unless it is up, and stays up. Without it, a private host is booted.
  VFALIAS_LAB_DEB   the project's Debian package (`lab package` prints its path), which is installed into the host.
  VFALIAS_LAB_RELEASED  the Debian package of the last release (test_packages.py).
  VFALIAS_TESTS_UNTIL   seconds since the epoch: tests that have not begun by then are skipped.
Tests are skipped, with the reason, on machines that cannot emulate a host.
"""
import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).resolve().parents[1])]
import labhost  # noqa: E402  (it lies in this folder)


def pytest_runtest_setup(item):
    until = os.environ.get("VFALIAS_TESTS_UNTIL")
    if until and time.time() > int(until):
        pytest.skip("no time left: this machine is too slow")


@pytest.fixture(scope="session")
def lab_host():
    """The host, for fixtures of wider scope. Tests take `lab`."""
    try:
        labhost.check()
    except labhost.LabUnavailable as e:
        pytest.skip(str(e))
    given = os.environ.get("VFALIAS_LAB")
    host = labhost.Lab(given or f"pytest-{os.getpid()}", os.environ.get("VFALIAS_LAB_DEB"))
    try:
        if host.alive():
            host.install()
        else:
            host.up()
        yield host
    finally:
        if host.sick or not given:
            host.down()


@pytest.fixture
def lab(lab_host):
    """A host in good state without domains. Whatever a test leaves is removed after the test."""
    if lab_host.sick or not lab_host.alive():
        lab_host.renew()
    lab_host.clean()
    lab_host.test_began = lab_host.cursor()
    yield lab_host
    if not lab_host.sick:
        lab_host.clean()


class Peer:
    """The second host. It has a link to the first host. If the first is booted again, the second is, too."""

    def __init__(self, host, first):
        self.host, self.first, self.boots = host, first, None

    def get(self):
        """The host, in good state and linked."""
        host, first = self.host, self.first
        if host.sick or not host.alive() or self.boots != first.boots:
            host.down()
            host.up(peer=first.name)
            self.boots = first.boots
            first.run(f"sed -i '/^192.168.77.2 /d' /etc/hosts; echo 192.168.77.2 {host.name} >>/etc/hosts")
        return host


@pytest.fixture(scope="module")
def lab_peer(lab_host):
    """A second host (Peer) for the tests of one file: two hosts need many resources. Tests take `peer`."""
    host = labhost.Lab(f"{lab_host.name}-peer", lab_host.package)
    try:
        yield Peer(host, lab_host)
    finally:
        host.down()


@pytest.fixture
def peer(lab, lab_peer):
    """A second host with a link to the first host. Each host knows the other by its name."""
    host = lab_peer.get()
    host.clean()
    host.test_began = host.cursor()
    yield host
    if not host.sick:
        host.clean()


@contextmanager
def loaded(lab, *modules):
    """Loads kernel modules for one test, then removes all devices that were made, and unloads the modules."""
    try:
        lab.load(*modules)
    except labhost.LabLacks as e:
        pytest.skip(f"the lab host has no modules for vDPA and mediated devices: {e}")
    yield
    if not lab.sick:
        lab.unmake()
        lab.unload(*modules)


@pytest.fixture
def vdpa_sim(lab):
    """The lab with the management devices vdpasim_net and vdpasim_blk."""
    with loaded(lab, "vhost_vdpa", "vdpa_sim_net", "vdpa_sim_blk"):
        yield lab


@pytest.fixture
def vp_vdpa(lab):
    """Two PCI functions with the driver vp-vdpa: management devices pci/ADDRESS. Each has the queues of one vDPA device."""
    functions = ["0000:04:00.0", "0000:05:00.0"]
    with loaded(lab, "vhost_vdpa", "vp_vdpa"):
        for function in functions:
            lab.bind(function, "vp-vdpa")
        yield functions
    if not lab.sick:
        for function in functions:
            lab.bind(function)


@pytest.fixture
def mtty(lab):
    """The lab with the parent mtty of mediated devices, which are serial ports: mtty-1 has one port, mtty-2 two."""
    with loaded(lab, "mtty"):
        yield lab


@pytest.fixture
def project(lab):
    """The lab host with the project installed."""
    if not os.environ.get("VFALIAS_LAB_DEB"):
        pytest.skip("no package of the project: set VFALIAS_LAB_DEB")
    return lab


def is_stalled(host):
    """Kernels report a stalled processor after 21 s, which is longer than many a test waits."""
    until = time.monotonic() + 25
    while not (stalled := host.stalled()) and time.monotonic() < until:
        time.sleep(1)
    return stalled


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    hosts = [getattr(item, "funcargs", {}).get(name) for name in ("lab", "peer")]
    if report.failed:
        try:
            for host in filter(None, hosts):
                if is_stalled(host):
                    host.sick = "a processor is stuck"
                    item.lab_stalled = True
                report.sections.extend(host.dump(getattr(host, "test_began", None)))
        except AssertionError as e:
            report.sections.append(("lab", f"cannot look into the host: {e}"))


def pytest_runtest_protocol(item, nextitem):
    """If a test failed on a host whose emulated processor was stuck, runs the test again, on a new host."""
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    if getattr(item, "lab_stalled", False):
        item.warn(pytest.PytestWarning("lab: a processor of the host got stuck, the test runs again"))
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_terminal_summary(terminalreporter):
    """Prints the measurements of the tests (record_property). The output of tests in several processes is lost."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{report.location[2]}: {name}: {value}")
