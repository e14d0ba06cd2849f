# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests that wait for their devices while libvirt is slow with other guests, or with these guests."""
import os
import signal
import sqlite3
import time

import pytest

from daemonhost import SECONDS, guest, paused, shut_off
from hookhost import CONFIG, fine, request
from shimhost import ERR_INTERNAL, ERR_RPC, SLOWER

NET = request("net")
NOT_HELD = request("net", hold="no")
MANY = 13  # one more than vfaliasd has workers
ATTACH = "virDomainAttachDeviceFlags %s hang"
FAIL = "virDomainAttachDeviceFlags %%s fail %d" % ERR_INTERNAL
# with "destroy", the attach is tried again and again while the guest waits
VITAL = CONFIG.replace('"name": "net",', '"name": "net", "on_attach_failure": "destroy",') + "require_daemon = no\n"


def start(host, one, number, requests=NET):
    """As libvirt starts a domain."""
    fine(host.hook("prepare", guest(number, requests), name="d%d" % number))
    one.do("create d%d" % number)


def daemon_with(daemon, *guests, **more):
    """vfaliasd, with these domains shut off."""
    one = daemon(*map(shut_off, guests), **more)
    one.wait_for("connected to")
    one.wait_until_idle()
    return one


def hang(host, one, names):
    """Starts attaches to these domains at the same time, which do not end."""
    for name in names:
        start(host, one, int(name[1:]), NOT_HELD)
        one.wait_for_call("virDomainAttachDeviceFlags", name)


def test_guest_is_suspended_while_devices_are_attached_to_others(host, daemon):
    slow = ["d%d" % n for n in range(2, MANY + 1)]
    one = daemon_with(daemon, *(guest(n, NET if n == 1 else NOT_HELD) for n in range(1, MANY + 1)),
                      rules=[ATTACH % name for name in slow])
    hang(host, one, slow)
    start(host, one, 1)
    started = one.calls("did")[-1].time
    assert one.wait_for_call("virDomainSuspend", "d1").time - started < 2
    one.lift("virDomainAttachDeviceFlags d2")
    one.wait_for_call("virDomainResume", "d1")
    order = [call.function for call in one.calls(domain="d1")
             if call.function in ("virDomainSuspend", "attached", "virDomainResume")]
    assert order == ["virDomainSuspend", "attached", "virDomainResume"]
    for name in slow[1:]:
        one.lift("virDomainAttachDeviceFlags " + name)


@pytest.mark.timely
def test_expiry_waits_for_no_other_guest(host, daemon):
    """d1 is held, and its device cannot be attached. The devices of the other domains cannot be attached either."""
    host.configure(CONFIG + "require_daemon = no\nhold_timeout = 1\n")
    names = ["d%d" % n for n in range(1, 5)]
    one = daemon_with(daemon, *(guest(n, NET + NET if n == 1 else NOT_HELD) for n in range(1, 5)),
                      rules=["virDomainAttachDeviceFlags d1 slow 1.2"] + [ATTACH % name for name in names[1:]])
    hang(host, one, names[1:])
    start(host, one, 1, NET + NET)
    one.wait_for("domain 'd1': resumed after 1 seconds (hold_timeout)")
    resumed = one.wait_for_call("virDomainResume", "d1").time
    attached = one.wait_for_call("attached", "d1").time
    assert 0 <= resumed - attached < 1
    one.wait_for_call("attached", "d1", n=2)  # while the guest runs
    for name in names[1:]:
        one.lift("virDomainAttachDeviceFlags " + name)


def test_all_devices_of_a_guest_that_is_held_are_attached_in_one_go(host, daemon):
    """Other domains request devices meanwhile: they wait until the guest has been resumed."""
    one = daemon_with(daemon, guest(1, NET * 4), guest(2), rules=["virDomainAttachDeviceFlags d1 slow 0.1"])
    start(host, one, 1, NET * 4)
    one.wait_for_call("virDomainResume", "d1")
    calls = one.calls(domain="d1")
    attaches = [call for call in calls if call.function == "virDomainAttachDeviceFlags"]
    assert len(attaches) == 4 and len({call.thread for call in attaches}) == 1


def test_guest_that_cannot_be_suspended_in_time_is_resumed_at_once(host, daemon):
    one = daemon_with(daemon, guest(1, NET), rules=["virDomainSuspend d1 slow 2.1"])
    start(host, one, 1)
    one.wait_for("domain 'd1': resumed, libvirt took too long to suspend it")
    one.wait_for_call("attached", "d1")
    functions = [call.function for call in one.calls(domain="d1")]
    assert functions.index("virDomainResume") < functions.index("virDomainAttachDeviceFlags")


def test_guest_that_was_seen_too_late_is_not_suspended(host, daemon):
    """vfaliasd sees the guest late because libvirt was slow."""
    one = daemon_with(daemon, guest(1, NET), rules=["virDomainGetState d1 slow 2.1"])
    start(host, one, 1)
    one.wait_for_call("attached", "d1")
    assert not one.calls("virDomainSuspend")


def test_guest_that_cannot_be_suspended_gets_its_devices(host, daemon):
    one = daemon_with(daemon, guest(1, NET), rules=["virDomainSuspend d1 fail 1"])
    start(host, one, 1)
    one.wait_for_call("attached", "d1")
    one.wait_for("domain 'd1': cannot suspend it until its devices are attached")
    assert len(one.calls("virDomainSuspend")) == 1


def test_guest_that_may_be_suspended_is_resumed_by_the_next_connection(host, daemon):
    one = daemon_with(daemon, guest(1, NET), rules=["virDomainSuspend d1 fail %d" % ERR_RPC])
    start(host, one, 1)
    one.wait_for_call("virDomainSuspend", "d1")
    one.do("suspend d1")  # now the guest is suspended
    one.wait_for("domain 'd1': resumed")
    one.wait_for_call("attached", "d1")


def test_guests_that_hang_while_they_are_suspended_keep_no_other_suspended(host, daemon):
    hung = ["virDomainSuspend d%d" % n for n in range(2, 6)]
    one = daemon_with(daemon, *(guest(n, NET) for n in range(1, 6)), rules=[ATTACH % "d1", *(name + " hang" for name in hung)])
    start(host, one, 1)
    one.wait_for_call("virDomainAttachDeviceFlags", "d1")
    for n in range(2, 6):
        start(host, one, n)
    one.wait_for_call("virDomainSuspend", n=3)
    one.wait_for_call("attached", n=2)  # to the guests that were not suspended in time
    one.lift("virDomainAttachDeviceFlags d1")
    one.wait_for_call("virDomainResume", "d1")
    one.do(*("drop " + name for name in hung))
    one.wait_for_call("attached", n=5)


def test_guest_that_waits_to_be_suspended_costs_no_calls(host, daemon):
    """Before, vfaliasd looked at the guest 20 times in a second."""
    hung = ["virDomainSuspend d%d" % n for n in (2, 3)]
    one = daemon_with(daemon, *(guest(n, NET) for n in range(1, 4)), rules=[name + " hang" for name in hung])
    for n in (2, 3):
        start(host, one, n)
    one.wait_for_call("virDomainSuspend", n=2)
    start(host, one, 1)
    one.wait_for_call("attached", "d1")  # the guest was not suspended in time
    assert len(one.calls("virDomainGetXMLDesc", "d1")) < 12 and not one.calls("virDomainSuspend", "d1")
    one.do(*("drop " + name for name in hung))
    one.wait_for_call("attached", n=3)


def test_guests_that_hang_while_they_are_resumed_keep_no_other_suspended(host, daemon):
    hung = ["d%d" % n for n in range(1, 5)]
    one = all_wait(host, daemon, 5, *("virDomainResume %s hang" % name for name in hung))
    one.do(*("drop virDomainAttachDeviceFlags " + name for name in hung))
    for name in hung:
        one.wait_for_call("virDomainResume", name)
    one.lift("virDomainAttachDeviceFlags d5")
    one.wait_for("domain 'd5': resumed")
    one.do(*("drop virDomainResume " + name for name in hung))
    for name in hung:
        one.wait_for("domain '%s': resumed" % name)


# ---- the state file is lost meanwhile ----

def held(host, daemon, function):
    """d1 waits for its second device while libvirt attaches the first device."""
    one = daemon_with(daemon, guest(1, NET * 2), rules=[ATTACH % "d1"])
    start(host, one, 1, NET * 2)
    one.wait_for_call("virDomainAttachDeviceFlags", "d1")
    function(host.state)
    return one


@pytest.mark.parametrize("lose", [os.unlink, lambda path: path.write_bytes(b"x" * 8192)], ids=["removed", "damaged"])
def test_guest_is_resumed_though_nothing_says_any_more_that_it_waits(host, daemon, lose):
    one = held(host, daemon, lose)
    one.lift("virDomainAttachDeviceFlags d1")
    one.wait_for("domain 'd1': resumed, the state file was lost while it waited")
    one.wait_for_call("attached", "d1", n=2)
    assert len(one.calls("virDomainResume")) == 1


def test_guest_that_cannot_be_resumed_then_makes_no_loop(host, daemon):
    """Before, holder and worker requeued each other at once, 1,500 times in a second."""
    one = held(host, daemon, lambda path: None)
    one.rule("virDomainResume d1 fail %d" % ERR_INTERNAL)
    os.unlink(host.state)
    one.lift("virDomainAttachDeviceFlags d1")
    one.wait_for_call("virDomainResume", "d1", n=6)
    calls = one.calls("virDomainResume", "d1")
    assert calls[5].time - calls[0].time >= 0.9  # both may call at first; then they wait
    one.lift("virDomainResume d1")
    one.wait_for("domain 'd1': resumed, the state file was lost while it waited")
    one.wait_for_call("attached", "d1", n=2)


def test_guest_that_its_user_resumed_and_paused_meanwhile_stays_so(host, daemon):
    one = held(host, daemon, lambda path: None)
    one.do("resume d1")
    one.wait_until_idle()
    one.lift("virDomainAttachDeviceFlags d1")
    one.wait_for_call("attached", "d1", n=2)
    one.wait_until_idle()
    os.unlink(host.state)
    one.do("suspend d1")
    one.wait_for("the state file is gone")
    one.wait_until_idle()
    assert not one.calls("virDomainResume")


# ---- the state file is locked meanwhile ----

class Locked:
    """While this is open, no other program reads or writes the state. Opened between two accesses."""
    def __init__(self, host):
        self.file = sqlite3.connect(host.state, timeout=SECONDS, isolation_level=None)

    def __enter__(self):
        self.file.execute("BEGIN EXCLUSIVE")
        return self

    def __exit__(self, *_):
        self.file.rollback()
        self.file.close()


@pytest.mark.timely
def test_hold_timeout_is_kept_while_the_state_is_locked(host, daemon):
    """d1 waits for its next attempt. The first attempt of d2 ends before the hold of d2 does: its worker waits for the
    state."""
    host.configure(VITAL + "hold_timeout = 2\n")
    one = daemon_with(daemon, guest(1, NET), guest(2, NET), rules=[FAIL % "d1", ATTACH % "d2"])
    for number in (1, 2):
        start(host, one, number)
    one.wait_for("domain 'd1': cannot attach")
    one.wait_for_call("virDomainAttachDeviceFlags", "d2")
    with Locked(host):
        one.lift("virDomainAttachDeviceFlags d2")
        for name in ("d1", "d2"):
            suspended = one.wait_for_call("virDomainSuspend", name).time
            assert 1.9 < one.wait_for_call("virDomainResume", name, seconds=9).time - suspended < 5
    one.lift("virDomainAttachDeviceFlags d1")
    one.wait_for(lambda: [claim["state"] for claim in host.claims()] == ["active"] * 2)
    one.wait_for(lambda: sqlite3.connect(host.state).execute("SELECT * FROM hold").fetchall() == [])
    assert len(one.calls("virDomainResume")) == 2 and one.text().count("(hold_timeout)") == 2


@pytest.mark.timely
def test_stop_waits_for_no_state_that_is_locked(host, daemon):
    one = all_wait(host, daemon, 2)
    with Locked(host):
        asked = time.monotonic()
        one.process.send_signal(signal.SIGTERM)
        one.wait_for_call("virDomainResume", n=2, seconds=9)
        assert time.monotonic() - asked < 9


# ---- vfaliasd ends meanwhile ----

def all_wait(host, daemon, n, *rules):
    """Starts n guests that are suspended; no call of libvirt works on them."""
    host.configure(VITAL)
    names = ["d%d" % number for number in range(1, n + 1)]
    one = daemon_with(daemon, *(guest(number, NET) for number in range(1, n + 1)),
                      rules=[*(FAIL % name for name in names), *rules])
    for number, name in enumerate(names, 1):
        start(host, one, number)
        one.wait_for("domain '%s': cannot attach" % name)
    assert one.text().count("suspended until its devices are attached") == n and not one.calls("virDomainResume")
    return one


def damage(path):
    path.write_bytes(b"x" * 8192)


@pytest.mark.parametrize("lose", [os.unlink, damage], ids=["removed", "damaged"])
def test_stop_resumes_a_guest_of_which_the_state_says_nothing_any_more(host, daemon, lose):
    one = held(host, daemon, lose)
    one.process.send_signal(signal.SIGTERM)
    one.wait_for_call("virDomainResume", "d1")
    one.lift("virDomainAttachDeviceFlags d1")
    assert one.process.wait(SECONDS) == 0


def test_stop_leaves_another_start_of_the_domain_alone(host, daemon):
    """The user has suspended the later start of the domain."""
    one = held(host, daemon, os.unlink)
    one.do("destroy d1", "create d1", "suspend d1")
    one.process.send_signal(signal.SIGTERM)
    one.lift("virDomainAttachDeviceFlags d1")
    assert one.process.wait(SECONDS) == 0
    assert not one.calls("virDomainResume")


@pytest.mark.timely
def test_stop_resumes_all_guests_in_parallel(host, daemon):
    """One after the other, the resumes would take as many seconds as there are guests."""
    n = 12
    one = all_wait(host, daemon, n, "virDomainResume * slow 1")
    assert one.end(signal.SIGTERM) == 0
    resumes = one.calls("virDomainResume")
    assert sorted(call.domain for call in resumes) == sorted("d%d" % number for number in range(1, n + 1))
    assert resumes[-1].time - resumes[0].time < 1
    assert one.text().count("its devices will be attached by the next vfaliasd") == n


def test_stop_waits_for_a_libvirt_that_is_away(host, daemon):
    one = all_wait(host, daemon, 2)
    one.rule("virConnectOpen - fail %d" % ERR_INTERNAL)
    since = one.mark()
    one.process.send_signal(signal.SIGTERM)
    one.wait_for_call("virConnectOpen", n=3, since=since)
    one.lift("virConnectOpen -")
    assert one.process.wait(SECONDS) == 0
    assert sorted(call.domain for call in one.calls("virDomainResume")) == ["d1", "d2"]
    assert one.text().count("cannot connect to") == 1


# ---- vfaliasd was killed, and cannot be started again ----

BROKEN = {"setting": ("[vfalias]", "[vfalias]\nhold_timeout = long"), "alias": ('{"name"', '{name'),
          "line": ("require_daemon = no", "require_daemon")}


def killed(host, daemon):
    """d1 is suspended, and vfaliasd was killed."""
    one = all_wait(host, daemon, 1)
    one.end(signal.SIGKILL)
    return one


@pytest.mark.parametrize("right, wrong", BROKEN.values(), ids=BROKEN)
def test_wrong_configuration_resumes_guests_before_the_end(host, daemon, right, wrong):
    killed(host, daemon).drop()
    host.configure(VITAL.replace(right, wrong, 1))
    one = daemon(paused(guest(1, NET)), until=())
    assert one.process.wait(SECONDS) == 2
    assert [call.domain for call in one.calls("virDomainResume")] == ["d1"]
    assert "its devices will be attached by the next vfaliasd" in one.text()
    host.configure(VITAL)
    one = daemon(paused(guest(1, NET)))  # and the record of the hold is gone: the user has paused the guest
    one.wait_for_call("attached", "d1")
    one.wait_until_idle()
    assert not one.calls("virDomainResume")


def test_wrong_configuration_leaves_guests_to_another_vfaliasd(host, daemon):
    other = killed(host, daemon)  # the lock is held
    host.configure(VITAL.replace(*BROKEN["alias"], 1))
    one = daemon(paused(guest(1, NET)), until=())
    assert one.process.wait(SECONDS) == 2
    assert not one.calls("virDomainResume")
    other.drop()
