# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs that are killed, calls that fail, and many programs at once.

tests/faults/inject.c injects faults at every call of a kind, one after the other, so that no place is left out. After
each fault: no device is claimed twice, no domain has a part of its claims only, and the next run works."""
import concurrent.futures
import os
import random
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

import test_prepared as prepared
from hookhost import HOOK, domain, fine, hostdev, refused, request, uuid

ASKED = request("net", count=2) + request("accel")
SEED = int(os.environ.get("VFALIAS_SEED", "7"))
SOURCE = Path(__file__).resolve().parent.parent / "faults" / "inject.c"


@pytest.fixture(scope="session")
def inject(tmp_path_factory):
    library = tmp_path_factory.mktemp("faults") / "inject.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"], check=True)
    if "libasan" in subprocess.run(["ldd", str(HOOK)], capture_output=True, text=True).stdout:
        pytest.fail("AddressSanitizer replaces the calls that are to fail: give VFALIAS_INST a plain build")
    return str(library)


def with_fault(host, inject, fault, operation, xml, **more):
    count = host.folder / "count"
    count.unlink(missing_ok=True)
    done = host.hook(operation, xml, LD_PRELOAD=inject, VFA_FAULT=fault, VFA_FAULT_COUNT=str(count), **more)
    return done, int(count.read_text()) if count.exists() else None


def calls_of(host, inject, kind, operation, xml, **more):
    done, n = with_fault(host, inject, kind + ":0", operation, xml, **more)
    assert done.returncode == 0 and n, (done, n)
    return n


def claimed(host):
    """The devices of d1 after a fault. The state file must be intact."""
    with sqlite3.connect(host.state) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        wrong = db.execute("SELECT id FROM pool WHERE used <> (SELECT sum(min(busy, slots)) FROM member WHERE pool = id)"
                           " OR free <> (SELECT sum(max(slots - busy, 0)) FROM member WHERE pool = id)").fetchall()
        assert wrong == []
        wrong = db.execute("SELECT m.device FROM member m WHERE m.busy <> (SELECT total(iif(k.value = 'X', 1000000, 1)) FROM claim c"
                           " CROSS JOIN json_each(c.keys) k JOIN device_key d ON d.key = k.key AND d.device = m.device"
                           " WHERE k.value <> 'G' AND (k.value = 'X' OR d.mode = 'X'))").fetchall()
        assert wrong == []
        return {row[0] for row in db.execute("SELECT device FROM claim WHERE domain = 'd1'")}


@pytest.mark.parametrize("kind", ["kill", "file"])
def test_every_file_operation_of_prepare(host, inject, kind):
    xml = domain(1, ASKED)
    fine(host.prepare(2, request("net")))  # the state file exists, and has claims of a domain
    total = calls_of(host, inject, kind, "prepare", xml)
    fine(host.release(1, requests=ASKED))
    for n in range(1, total + 1):
        done, _ = with_fault(host, inject, "%s:%d" % (kind, n), "prepare", xml)
        devices = claimed(host)
        if kind == "kill":
            assert done.returncode == -signal.SIGKILL, n
            assert len(devices) in (0, 3), (n, devices)
        elif done.returncode == 0:
            assert len(devices) == 3, (n, devices)
        else:  # if a lock cannot be released, a completed commit looks failed; libvirt's `release` follows
            refused(done)
            assert len(devices) in (0, 3), (n, devices)
            fine(host.hook("release", xml, extra="failed"))
            assert claimed(host) == set()
        fine(host.prepare(1, ASKED))
        assert len(claimed(host)) == 3
        fine(host.release(1, requests=ASKED))
        assert claimed(host) == set()
    assert host.held() == {("d2", "net-0"): "0000:02:10.0"}


@pytest.mark.parametrize("kind", ["kill", "file"])
def test_every_file_operation_of_the_first_prepare(host, inject, kind):
    """The same for a run that creates the state file."""
    xml = domain(1, ASKED)
    total = calls_of(host, inject, kind, "prepare", xml)
    for n in range(1, total + 1):
        for path in host.state.parent.glob("state*"):
            if path.name != "state.lock":
                path.unlink()
        with_fault(host, inject, "%s:%d" % (kind, n), "prepare", xml)
        fine(host.prepare(1, ASKED))
        assert len(claimed(host)) == 3


@pytest.mark.parametrize("kind", ["kill", "file", "memory"])
def test_nothing_that_happens_to_the_handler_stops_a_domain_that_asks_for_nothing(host, inject, kind):
    """The domain's host device, or its disk, is then not recorded, but the domain starts."""
    xml = domain(1, devices=hostdev("0000:02:10.0"))
    handler = {"VFA_FAULT_ONLY": "qemu-asked"}
    total = calls_of(host, inject, kind, "prepare", xml, **handler)
    for n in range(1, total + 1, max(1, total // 50)):
        fine(host.hook("release", xml))
        done, _ = with_fault(host, inject, "%s:%d" % (kind, n), "prepare", xml, **handler)
        assert (done.returncode, done.stdout) == (0, ""), n  # libvirt ignores the output of a hook that succeeds
        assert claimed(host) <= {"0000:02:10.0"}, n


@pytest.mark.parametrize("kind", ["kill", "file"])
def test_every_file_operation_of_release(host, inject, kind):
    xml = domain(1, ASKED)
    fine(host.prepare(1, ASKED))
    total = calls_of(host, inject, kind, "release", xml)
    for n in range(1, total + 1):
        fine(host.prepare(1, ASKED))
        with_fault(host, inject, "%s:%d" % (kind, n), "release", xml)
        assert len(claimed(host)) in (0, 3), n
        fine(host.hook("release", xml))
        assert claimed(host) == set()


@pytest.mark.parametrize("kind", ["kill", "file"])
@pytest.mark.parametrize("operation", ["restore", "migrate"])
def test_every_file_operation_of_an_arrival(host, inject, operation, kind):
    """libvirt gets the whole reply or none, and a restore never fails, also if the handler fails."""
    xml = domain(1, request("net", name="dp0"), hostdev("0000:7f:10.3", "dp0"))
    handler = {"VFA_FAULT_ONLY": "qemu-asked"}
    total = calls_of(host, inject, kind, operation, xml, **handler)
    answer = host.hook(operation, xml).stdout
    assert "</domain>" in answer
    for n in range(1, total + 1):
        fine(host.hook("release", xml))
        done, _ = with_fault(host, inject, "%s:%d" % (kind, n), operation, xml, **handler)
        assert done.stdout in ("", answer), n
        assert len(claimed(host)) <= 1, n
        if operation == "restore":
            assert (done.returncode, done.stderr) == (0, ""), n
        elif done.returncode != 0:
            refused(done)
        if done.stdout:
            assert claimed(host) == {"0000:02:10.0"}, n


@pytest.mark.parametrize("operation, kind", [("prepare", "kill"), ("prepare", "file"), ("release", "kill")])
def test_every_file_operation_with_attributes(tmp_path, attributes_of, inject, operation, kind):
    """A start or an end that sets attributes: whatever happens, the next owner gets the device as it was at first."""
    host = attributes_of(tmp_path, prepared.CONFIG, prepared.gpu)
    xml = domain(1, request("both"), hostdev(prepared.VFS[0], "both-0"))
    libraries = "%s %s" % (host.env["LD_PRELOAD"], inject)
    handler = {"VFA_FAULT_ONLY": "qemu-asked"}

    def usual():
        return (prepared.value(host), prepared.value(host, name="reset_method")) == ("0", "flr bus")

    fine(host.hook("prepare", xml))
    if operation == "prepare":
        fine(host.hook("release", xml))
    total = calls_of(host, libraries, kind, operation, xml, **handler)
    for n in range(1, total + 1):
        fine(host.hook("release", xml))
        if operation == "release":
            fine(host.hook("prepare", xml))
            assert not usual(), n
        done, _ = with_fault(host, libraries, "%s:%d" % (kind, n), operation, xml, **handler)
        if operation == "prepare" and done.returncode == 0:
            assert not usual(), n
        fine(host.hook("release", xml))
        assert usual() and host.held() == {} and prepared.saved(host) == [] and prepared.quarantined(host) == {}, n


def test_every_allocation_of_prepare(host, inject):
    xml = domain(1, ASKED)
    fine(host.prepare(1, ASKED))
    total = calls_of(host, inject, "memory", "prepare", xml)
    fine(host.release(1, requests=ASKED))
    step = max(1, total // 400)
    for n in range(1 + SEED % step, total + 1, step):
        done, _ = with_fault(host, inject, "memory:%d" % n, "prepare", xml)
        devices = claimed(host)
        if done.returncode == 0:  # libraries may go on after a failed allocation
            assert len(devices) == 3, n
            fine(host.release(1, requests=ASKED))
            continue
        assert devices == set(), n
        if done.returncode != -signal.SIGSEGV:  # json-c 0.16 crashes after some failing strdup()s
            refused(done)


def test_reconnect_survives_every_allocation(host, inject):
    xml = domain(1, ASKED)
    fine(host.prepare(1, ASKED))
    total = calls_of(host, inject, "memory", "reconnect", xml)
    step = max(1, total // 100)
    for n in range(1, total + 1, step):
        done, _ = with_fault(host, inject, "memory:%d" % n, "reconnect", xml)
        assert done.returncode == 0 and not done.stderr, (n, done)


def test_many_at_once_never_get_the_same_device(host):
    """Fifty domains want one of fourteen devices each. Some of their hooks are killed."""
    chance = random.Random(SEED)

    def start(number):
        delay = chance.random() * 0.02 if number % 3 == 0 else None
        process = subprocess.Popen([str(HOOK), "d%d" % number, "prepare", "begin", "-"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=host.env)
        if delay is not None:
            process.stdin.write(domain(number, request("net")).encode())
            process.stdin.close()
            process.stdin = None
            time.sleep(delay)
            process.kill()
        process.communicate(domain(number, request("net")).encode() if delay is None else None, timeout=60)
        return number, process.returncode

    for _ in range(3):
        with concurrent.futures.ThreadPoolExecutor(max_workers=12) as pool:
            results = list(pool.map(start, range(1, 51)))
        held = host.held()
        devices = list(held.values())
        assert len(devices) == len(set(devices)) <= 14
        for number, status in results:
            has = ("d%d" % number, "net-0") in held
            assert status in (0, 1, -signal.SIGKILL)
            if status == 0:
                assert has
            if status == 1:
                assert not has
        killed_holders = sum(1 for n, s in results if s == -signal.SIGKILL and ("d%d" % n, "net-0") in held)
        assert sum(1 for _, s in results if s == 0) + killed_holders == 14
        for number in range(1, 51):
            fine(host.release(number, requests=request("net")))
        assert host.held() == {}


def test_uuid_of_claims_is_that_of_the_domain(host):
    fine(host.prepare(3, request("net")))
    assert {c["uuid"] for c in host.claims()} == {uuid(3)}
