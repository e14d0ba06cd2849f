# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that their domain has lost and that are not free yet. (tests/unit/test-release.c tests what drivers do.)"""
import fcntl
import json
import os
import re
import sqlite3
import struct
import time

import pytest

from daemonhost import Daemon, quiet
from hookhost import fine, hostdev, port, refused, request


def leave(host, state, where="1"):
    """Leaves a claim as a program does that was killed after its first step."""
    with sqlite3.connect(host.state) as db:
        db.execute("UPDATE claim SET state = 'releasing', state_since = state_since + 1, why = 'its domain stopped'"
                   " WHERE " + where)
        if state == "cleaning":
            db.execute("UPDATE claim SET state = 'cleaning' WHERE " + where)


def states(host):
    return {c["device"]: c["state"] for c in host.claims()}


def test_the_next_start_finishes_what_was_left(host):
    fine(host.prepare(1, request("accel", count=4)))
    leave(host, "releasing")
    assert set(states(host).values()) == {"releasing"}
    fine(host.prepare(2, request("accel", count=4)))
    assert {d for d, _ in host.held()} == {"d2"}


def test_the_next_end_finishes_what_was_left(host):
    fine(host.prepare(1, request("accel")))
    leave(host, "releasing")
    fine(host.prepare(2, request("net")))
    fine(host.release(2, requests=request("net")))
    assert host.held() == {}


def lock_of_device(host, device):
    """Holds the lock of a device as a program does that hangs in the driver (lib/state/lock.c)."""
    bus, rest = device.split(":")[1:]
    slot, function = rest.split(".")
    number = int(bus, 16) << 8 | int(slot, 16) << 3 | int(function)
    fd = os.open(str(host.state) + ".release", os.O_RDWR | os.O_CREAT, 0o640)
    fcntl.fcntl(fd, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, number, 1, 0))  # F_OFD_SETLK
    return fd


def test_no_domain_waits_for_what_another_had(host):
    fine(host.prepare(1, request("accel")))
    (device,) = states(host)
    leave(host, "releasing")
    fd = lock_of_device(host, device)
    own = {"devices": hostdev("0000:00:19.0")}
    fine(host.prepare(7, **own))
    begin = time.monotonic()
    fine(host.release(7, **own))
    fine(host.network_hook("port-deleted", port("0000:00:19.0", owner=8)))
    assert time.monotonic() - begin < 2, "that is how long the lock's own domain would wait"
    os.close(fd)


def test_what_is_being_cleaned_is_not_free(host):
    fine(host.prepare(1, request("accel", count=4)))
    leave(host, "cleaning", "request < 'accel-2'")
    assert "alias 'accel' has 4 devices, 2 claimed, 2 being cleaned" in refused(host.prepare(2, request("accel")))
    fine(host.release(1, requests=request("accel", count=4)))
    assert sorted(states(host).values()) == ["cleaning", "cleaning"], "the end of the domain leaves it alone"


def test_its_domain_starts_again_with_another_device(host):
    fine(host.prepare(1, request("accel")))
    (had,) = states(host)
    leave(host, "cleaning")
    fine(host.prepare(1, request("accel")))
    assert sorted(states(host).values()) == ["claimed", "cleaning"] and states(host)[had] == "cleaning"
    line = refused(host.prepare(1, devices=hostdev(had)))
    assert "device %s is not free: %s is being cleaned after domain 'd1' had it" % (had, had) in line


@pytest.mark.parametrize("state, words", [("releasing", "being released"), ("cleaning", "being cleaned")])
def test_how_it_is_shown(host, state, words):
    fine(host.prepare(1, request("accel")))
    leave(host, state)
    (claim,) = host.claims()
    assert (claim["state"], claim["why"]) == (state, "its domain stopped") and claim["state_since"] > claim["since"]
    table = host.cli("claims").stdout
    assert re.search(r"^%s +pci +d1 +accel-0 +accel +%s +" % (claim["device"], state), table, re.M), table
    assert "%s is %s: its domain stopped\n" % (claim["device"], words) in table
    assert "%s after d1" % state in host.cli("devices").stdout
    (row,) = [r for r in json.loads(host.cli("explain", "accel", "--json").stdout) if r["reason"] == words]
    assert row["address"] == claim["device"] and "'d1' had it for request 'accel-0'; its domain stopped" in row["detail"]
    (alias,) = [a for a in json.loads(host.cli("stats", "--json").stdout)["aliases"] if a["name"] == "accel"]
    assert (alias["total"], alias["free"]) == (4, 3)


@pytest.mark.parametrize("state, words, who", [("releasing", "released", "vfaliasd or 'vfalias gc' finishes that"),
                                               ("cleaning", "cleaned", "vfaliasd runs its cleaner")])
def test_release_by_hand_says_what_is_left(host, state, words, who):
    fine(host.prepare(1, request("accel")))
    leave(host, state)
    (claim,) = host.claims()
    said = refused(host.cli("release", "d1"))
    assert re.search(r"domain 'd1' has no claims any more: %s is being %s since [-0-9]+ [:0-9]+; %s: see 'vfalias claims'"
                     % (claim["device"], words, who), said), said
    assert "domain 'd2' has no claims" in refused(host.cli("release", "d2")) and host.claims() == [claim]


def test_the_daemon_finishes_it(host):
    quiet_host = quiet(host)
    fine(quiet_host.prepare(1, request("accel"), machine="i440fx"))
    leave(quiet_host, "releasing")
    one = Daemon(quiet_host)
    try:
        one.wait_for(lambda: quiet_host.held() == {})
        fine(quiet_host.prepare(1, request("accel"), machine="i440fx"))
        leave(quiet_host, "releasing")
        one.wait_for(lambda: quiet_host.held() == {})
        one.stop()
    finally:
        one.drop()
