# SPDX-License-Identifier: LGPL-2.1-or-later
"""VFALIAS_INST names an installed tree, as for tests/integration. A build with AddressSanitizer does not work: its
library must be loaded before all others. VFALIAS_DAEMON names another vfaliasd, such as the build with
ThreadSanitizer."""
import sys
import threading
import time
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration"), str(HERE.parent)]

from daemonhost import quiet  # noqa: E402
from hookhost import HOOK, Host  # noqa: E402
from shimhost import SLOWER, ShimDaemon, build  # noqa: E402


STALL = 0.3  # seconds; what tests measure lasts one second or more
TICK = 0.02


class Stalls:
    """The longest time for which this machine did not run a thread that should run each TICK."""
    def __init__(self):
        self.longest = 0.0
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self):
        before = time.monotonic()
        while True:
            time.sleep(TICK)
            now = time.monotonic()
            self.longest, before = max(self.longest, now - before - TICK), now


stalls = Stalls()


def pytest_runtest_protocol(item, nextitem):
    """Runs a failed test once more if the machine stood still meanwhile: the test measures time."""
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    stalls.longest = 0.0
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    if any(report.failed for report in reports) and stalls.longest > STALL:
        item.warn(pytest.PytestWarning("the machine stood still for %.1f s, the test runs again" % stalls.longest))
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_configure(config):
    config.addinivalue_line("markers", "timely: measures time, so not with ThreadSanitizer's daemon")


def pytest_collection_modifyitems(config, items):
    left_out = [item for item in items if SLOWER > 1 and item.get_closest_marker("timely")]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    return build(tmp_path_factory.mktemp("shim"))


@pytest.fixture
def host(tmp_path):
    if not HOOK.exists():
        pytest.fail("VFALIAS_INST does not name an installed tree: no %s" % HOOK)
    made = Host(tmp_path)
    made.daemon_is_there()
    return quiet(made)


@pytest.fixture
def daemon(host, library):
    """daemon(GUEST..., rules=[...]) starts a vfaliasd."""
    started = []

    def start(*guests, **more):
        started.append(ShimDaemon(host, library, *guests, **more))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.stop()
        one.drop()
