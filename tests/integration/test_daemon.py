# SPDX-License-Identifier: LGPL-2.1-or-later
"""vfaliasd with libvirt's test driver, which has running domains and cannot attach devices: what vfaliasd claims, for
which domain, and when."""
import fcntl
import os
import re
import signal
import sqlite3
import struct
import subprocess
import time
from pathlib import Path

import pytest

from daemonhost import DAEMON, SECONDS, Daemon, guest, quiet, wait_until_still
from hookhost import CONFIG, fine, hostdev, port, refused, request, uuid

ACCEL = ["0000:65:00.%d" % n for n in range(1, 5)]
TAKEN = "".join(map(hostdev, ACCEL))  # the XML of the domain that has all accelerators
LATE = request("accel", optional="yes", late="yes")
LATER = request("accel", name="later", optional="yes", late="yes")
OPTIONAL = request("accel", optional="yes")

# This domain also has a request that cannot be served. The daemon reports it after it has looked at the domain's
# devices.
HAS_ALL = guest(1, request("seen"), TAKEN)


@pytest.fixture
def quiet_host(host):
    return quiet(host)


@pytest.fixture
def daemon(quiet_host):
    started = []

    def start(*guests, **more):
        started.append(Daemon(quiet_host, *guests, **more))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.stop()
        one.drop()


def waiting(host, daemon, *requests):
    """Starts a daemon. Domain 2 runs and waits for devices; domain 1 has all of them."""
    fine(host.hook("prepare", guest(1, devices=TAKEN)))
    fine(host.hook("prepare", guest(2, "".join(requests)), name="d2"))
    one = daemon(HAS_ALL, guest(2, "".join(requests)))
    wait_until_seen(one)
    return one


def wait_until_seen(one):
    """Waits until the daemon has looked at the domain with the devices (HAS_ALL). Otherwise the daemon would claim the
    devices again after their release."""
    one.wait_for("request 'seen-0': no alias 'seen' is configured")


def held_by(host, number):
    return {name: device for (owner, name), device in host.held().items() if owner == "d%d" % number}


# ---- late requests ----

def test_late_request_is_served_when_a_device_gets_free(quiet_host, daemon):
    one = waiting(quiet_host, daemon, LATE)
    one.wait_for("no free device for request 'accel-0'")
    assert held_by(quiet_host, 2) == {}
    fine(quiet_host.hook("release", guest(1, devices=TAKEN)))
    one.wait_for(lambda: held_by(quiet_host, 2) == {"accel-0": ACCEL[0]}, 5)
    one.wait_for("domain 'd2': attaching <hostdev")


def test_by_the_command_line_too(quiet_host, daemon):
    one = waiting(quiet_host, daemon, LATE)
    one.wait_for("no free device for request 'accel-0'")
    done = quiet_host.cli("release", "d1", "--force")
    assert done.returncode == 0, done.stderr
    one.wait_for(lambda: "accel-0" in held_by(quiet_host, 2), 5)


def test_what_gets_free_of_no_use_is_left(quiet_host, daemon):
    one = waiting(quiet_host, daemon, LATE)
    one.wait_for("no free device for request 'accel-0'")
    for _ in range(3):
        fine(quiet_host.prepare(3, request("net")))
        fine(quiet_host.release(3, requests=request("net")))
    fine(quiet_host.network_hook("port-created", port("0000:02:10.0", owner=3)))
    fine(quiet_host.network_hook("port-deleted", port("0000:02:10.0", owner=3)))
    assert held_by(quiet_host, 2) == {}
    fine(quiet_host.hook("release", guest(1, devices=TAKEN)))
    one.wait_for(lambda: "accel-0" in held_by(quiet_host, 2), 5)


def test_the_longest_waiting_domain_is_not_forgotten(quiet_host, daemon):
    fine(quiet_host.hook("prepare", guest(1, devices=TAKEN)))
    waiters = [guest(n, LATE) for n in (2, 3, 4)]
    one = daemon(HAS_ALL, *waiters)
    wait_until_seen(one)
    for n in (2, 3, 4):
        one.wait_for("domain 'd%d': no free device for request 'accel-0'" % n)
    fine(quiet_host.hook("release", guest(1, devices=TAKEN)))
    one.wait_for(lambda: all(held_by(quiet_host, n) for n in (2, 3, 4)), 5)
    assert len(set(quiet_host.held().values())) == 3


def test_a_domain_that_waits_costs_nothing(quiet_host, daemon):
    """The daemon does not poll, and its own writes do not wake it again and again."""
    one = waiting(quiet_host, daemon, LATE)
    one.wait_for("no free device for request 'accel-0'")
    fine(quiet_host.prepare(3, request("net")))
    fine(quiet_host.release(3, requests=request("net")))
    wait_until_still(one.switches, 1)
    before = one.switches()
    time.sleep(2)  # no event to wait for: the daemon must not act
    assert one.switches() - before < 20, one.text()  # gc may look at claims once more


@pytest.mark.parametrize("option", ["--config", "--uri"])
def test_an_option_with_an_empty_value_is_refused(quiet_host, option):
    done = subprocess.run([str(DAEMON), option, ""], env=quiet_host.env, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 2 and "an option has an empty value: '%s'" % option in done.stderr.splitlines()[0], done


# ---- optional requests that are not ----

def test_optional_request_is_not_tried_again(quiet_host, daemon):
    one = waiting(quiet_host, daemon, OPTIONAL, LATER)
    one.wait_for("no free device for request 'later'")
    assert "'accel-0'" not in one.text()
    fine(quiet_host.hook("release", guest(1, devices=TAKEN)))
    one.wait_for(lambda: held_by(quiet_host, 2) == {"later": ACCEL[0]}, 5)
    one.stop()
    wait_until_seen(daemon(guest(2, OPTIONAL + request("seen"))))
    assert "accel-0" not in held_by(quiet_host, 2)
    fine(quiet_host.hook("release", guest(2, OPTIONAL), name="d2"))
    fine(quiet_host.hook("prepare", guest(2, OPTIONAL), name="d2"))
    assert "accel-0" in held_by(quiet_host, 2)


def test_optional_request_that_the_daemon_saw_first(quiet_host, daemon):
    """As after a request was added to a running domain: the request is tried once."""
    fine(quiet_host.hook("prepare", guest(1, devices=TAKEN)))
    one = daemon(HAS_ALL, guest(2, OPTIONAL + LATER))
    wait_until_seen(one)
    one.wait_for("no free device for request 'accel-0'")
    one.wait_for("no free device for request 'later'")
    fine(quiet_host.hook("release", guest(1, devices=TAKEN)))
    one.wait_for(lambda: held_by(quiet_host, 2) == {"later": ACCEL[0]}, 5)


# ---- the process ----

def test_start_reload_stop(quiet_host, daemon):
    one = daemon(guest(1), guest(2, request("net")))
    one.wait_for(lambda: held_by(quiet_host, 2) == {"net-0": "0000:02:10.0"})
    one.process.send_signal(signal.SIGHUP)
    one.wait_for("the configuration was read again")
    quiet_host.configure("[pci]\nalias = {broken\n")
    one.process.send_signal(signal.SIGHUP)
    one.wait_for("keeping the old configuration")
    text = one.stop(signal.SIGINT)
    assert "Sanitizer" not in text and "runtime error" not in text


def test_configuration_that_changes(quiet_host, daemon):
    """The daemon reads all its files again by itself. An invalid file, or another file, changes nothing."""
    text = quiet_host.config_file.read_text()
    more = quiet_host.config_file.parent / "conf.d"
    one = daemon(guest(1), guest(2, request("new")))
    one.wait_for("connected")
    (quiet_host.config_file.parent / "notes").write_text("[pci")
    quiet_host.config_file.write_text("[pci]\nalias = {broken\n")
    one.wait_for("keeping the old configuration")
    quiet_host.config_file.write_text(text)
    one.wait_for("the configuration was read again")
    more.mkdir()
    (more / "new.conf.tmp").write_text('[pci]\nalias = {"name": "new", "vendor_id": "8086", "product_id": "10ca"}\n')
    (more / "new.conf.tmp").rename(more / "new.conf")
    one.wait_for(lambda: "new-0" in held_by(quiet_host, 2), 10)
    (more / "new.conf").unlink()
    one.wait_for("the configuration has no alias 'new' any more")
    text = one.stop()
    assert text.count("keeping the old configuration") == 1


def test_without_libvirt(quiet_host, daemon):
    one = daemon(uri="test:///nonexistent.xml")
    one.wait_for("cannot connect to 'test:///nonexistent.xml'")
    one.stop()


def test_state_file_taken_away(quiet_host, daemon):
    one = daemon(guest(1, devices=TAKEN))
    one.wait_for(lambda: len(quiet_host.claims()) == 4)
    os.unlink(quiet_host.state)
    one.wait_for("the state file is gone")
    one.wait_for(lambda: len(quiet_host.claims()) == 4)


def test_only_one(quiet_host, daemon):
    daemon()
    done = subprocess.run([str(DAEMON)], env=quiet_host.env, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 1 and "another vfaliasd runs" in done.stderr


@pytest.mark.parametrize("options,status", [(["--version"], 0), (["--help"], 0), (["--nonsense"], 2), (["x"], 2),
                                            (["--log-level", "loud"], 2), (["--config"], 2),
                                            (["--config", "/nonexistent"], 2)])
def test_options(quiet_host, options, status):
    done = subprocess.run([str(DAEMON), *options], env=quiet_host.env, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == status and "Sanitizer" not in done.stderr
    assert bool(done.stdout) == (status == 0) and bool(done.stderr) == (status != 0)


# ---- borrowers ----

def borrow(host, number, *names):
    """Borrows devices as a program that has taken them out of the guest: rows in the state, and a lock on the byte of
    its number."""
    file = open(str(host.state) + ".borrow", "w")
    ofd_setlk = 37
    fcntl.fcntl(file, ofd_setlk, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, number, 1, 0))
    with sqlite3.connect(host.state) as db:
        db.executemany("INSERT INTO withdrawn VALUES (?, ?, ?)", [(uuid(1), name, number) for name in names])
    return file


def test_borrowed_request_is_served_when_its_borrower_ends(daemon, quiet_host):
    fine(quiet_host.prepare(2, request("net"), machine="i440fx"))  # creates the state file
    fine(quiet_host.release(2, requests=request("net")))
    with borrow(quiet_host, 7, "accel-0"), borrow(quiet_host, 8, "accel-1"):
        started = daemon(guest(1, request("accel", count=3)))
        started.wait_for(lambda: ("d1", "accel-2") in quiet_host.held())
        assert set(quiet_host.held()) == {("d1", "accel-2")}
    started.wait_for(lambda: len(quiet_host.held()) == 3)
    with sqlite3.connect(quiet_host.state) as db:
        assert db.execute("SELECT * FROM withdrawn").fetchall() == []


# ---- systemd ----

STORE, DROP = b"FDSTORE=1\nFDNAME=presence", b"FDSTOREREMOVE=1\nFDNAME=presence"


def refuses(host):
    """Whether a start is refused because no daemon runs."""
    host.configure(CONFIG)
    done = host.prepare(9, request("net"), machine="i440fx")
    if done.returncode:
        assert "vfaliasd is not running" in refused(done)
    else:
        fine(host.release(9, requests=request("net")))
    return done.returncode != 0


def test_place_is_kept_while_systemd_restarts_it(quiet_host, daemon):
    one = daemon()
    assert one.told == [STORE, b"READY=1"]
    one.end(signal.SIGKILL)
    assert not refuses(quiet_host)
    by_hand = subprocess.run([str(DAEMON)], env=quiet_host.env, capture_output=True, text=True, timeout=SECONDS)
    assert by_hand.returncode == 1 and "another vfaliasd runs" in by_hand.stderr
    fine(quiet_host.hook("prepare", guest(1, request("net"))))

    two = daemon(guest(1, request("net")), handed=one.kept[0])
    one.drop()
    two.wait_for("domain 'd1': attaching <hostdev")
    assert two.told == [DROP, STORE, b"READY=1"]
    kept = re.search("flags:\t(.*)", Path("/proc/%d/fdinfo/3" % two.process.pid).read_text()).group(1)
    assert int(kept, 8) & os.O_CLOEXEC
    two.end(signal.SIGTERM)
    assert not refuses(quiet_host)
    two.drop()
    assert refuses(quiet_host)


def another_state(host, kept):
    host.state = host.state.with_name("other")
    host.configure(CONFIG)
    return kept


def lock_file_removed(host, kept):
    os.unlink(str(host.state) + ".lock")
    return kept


def read_only(host, kept):
    """This descriptor has no lock, and cannot get one."""
    os.close(kept)
    return os.open(str(host.state) + ".lock", os.O_RDONLY)


@pytest.mark.parametrize("hand_over", [another_state, lock_file_removed, read_only])
def test_what_is_not_its_lock_is_closed(quiet_host, daemon, hand_over):
    one = daemon()
    one.end(signal.SIGKILL)
    handed = hand_over(quiet_host, one.kept.pop())
    two = daemon(handed=handed)
    os.close(handed)
    assert two.told == [DROP, STORE, b"READY=1"]
    assert not refuses(quiet_host)
    two.stop()
    assert refuses(quiet_host)


def test_watchdog_is_fed_while_the_event_loop_runs(quiet_host, daemon):
    daemon(env={"WATCHDOG_USEC": "200000"}, until=(b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1", b"WATCHDOG=1"))


# ---- whose domains ----

@pytest.mark.parametrize("uri, good", [
    ("test:///default", False), ("lxc:///system", False), ("qemux:///system", False),
    ("qemu+ssh://other.example/system", False), ("qemu+ssh://root@localhost/system", True),
    ("qemu:///system", True), ("qemu+unix:///system?socket=/nowhere", True),
])
def test_libvirt_of_another_driver_is_refused(quiet_host, uri, good):
    """The hooks do not claim for the domains of this libvirt. (Good URIs fail later, without a state file.)"""
    quiet_host.configure(CONFIG.replace("%(state)s", "/proc/nowhere/state") + "libvirt_uri = %s\n" % uri)
    done = subprocess.run([str(DAEMON)], env=quiet_host.env, capture_output=True, text=True, timeout=SECONDS)
    told = "libvirt_uri '%s' is not libvirt's QEMU driver on this host: use qemu:///system" % uri
    assert (told in done.stderr, done.returncode) == ((False, 1) if good else (True, 2)), done.stderr
