# SPDX-License-Identifier: LGPL-2.1-or-later
"""Optional requests: which devices they get when no device is free at the start, and later."""
import time

from asking import metadata, pool
from guestxml import guest_xml

__all__ = ["pool"]  # a fixture

ALL = '<request alias="accel" count="4"/>'
LATE = '<request alias="accel" optional="yes" late="yes"/>'
OPTIONAL = '<request alias="accel" optional="yes"/>'


def firmware(name, *wanted):
    return guest_xml(name, metadata=metadata(*wanted), kernel=False)


def test_a_late_request_gets_what_gets_free(lab, pool):
    lab.define(firmware("has", ALL))
    lab.define(firmware("waits", LATE, "net"))
    lab.define(firmware("content", OPTIONAL, "net"))
    pool.start("has", *(f"accel-{n}" for n in range(4)))
    pool.start("waits", "net-0")
    pool.start("content", "net-0")
    lab.virsh("suspend", "content")  # its events make the daemon look again
    lab.virsh("resume", "content")

    began = time.monotonic()
    lab.virsh("destroy", "has")
    pool.watch("waits", "accel-0", "net-0")
    assert time.monotonic() - began < 45  # before the gc of each minute
    lab.virsh("suspend", "content")
    lab.virsh("resume", "content")
    pool.wait_active("waits", "accel-0", "net-0")
    assert set(pool.devices("content")) == {"net-0"}
    assert lab.run("vfalias request list content --json | jq -r '.[] | select(.name == \"accel-0\") | .state'").stdout.strip(
        ) == "withdrawn"

    pool.ask("content", OPTIONAL, "net", where="--live")  # a new request
    pool.watch("content", "accel-0", "net-0")


def test_a_late_request_outlives_the_daemon(lab, pool):
    lab.define(firmware("has", ALL))
    lab.define(firmware("waits", LATE))
    pool.start("has", *(f"accel-{n}" for n in range(4)))
    lab.virsh("start", "waits")
    pool.kill_daemon()
    pool.daemon("restart")
    lab.virsh("destroy", "has")
    pool.watch("waits", "accel-0")
