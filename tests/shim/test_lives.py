# SPDX-License-Identifier: LGPL-2.1-or-later
"""Events in the life of a guest, and of a connection."""
from daemonhost import guest
from hookhost import request
from shimhost import ERR_INTERNAL, ERR_RPC, KEEPALIVE, PMSUSPENDED

NET = request("net")
ASK = "metadata d1 <requests><request alias='net'/></requests>"
ATTACH = "virDomainAttachDeviceFlags"
EVENT_STARTED, EVENT_PMSUSPENDED, STARTED_WAKEUP = 2, 7, 4


def is_active(host, name):
    return [(claim["domain"], claim["state"]) for claim in host.claims()] == [(name, "active")]


# ---- guests ----

def test_revert_to_a_snapshot_that_asks_for_the_same(host, daemon):
    one = daemon(guest(1, NET))
    one.wait_for(lambda: is_active(host, "d1"))
    one.do("snapshot d1 one", "revert d1 one")
    one.wait_until_idle()
    assert is_active(host, "d1") and len(one.calls(ATTACH)) == 1


def test_revert_to_a_snapshot_from_before_the_request(host, daemon):
    one = daemon(guest(1))
    one.wait_for("connected to")
    one.do("snapshot d1 before", ASK)
    one.wait_for(lambda: is_active(host, "d1"))
    one.do("revert d1 before", "event d1 %d 0" % EVENT_STARTED)
    one.wait_for_call("detached", "d1")
    one.wait_for(lambda: host.claims() == [])


def test_guest_that_sleeps_keeps_what_it_has(host, daemon):
    one = daemon(guest(1, NET))
    one.wait_for(lambda: is_active(host, "d1"))
    one.do("rule virDomainGetState d1 say %d 0" % PMSUSPENDED, "event d1 %d 0" % EVENT_PMSUSPENDED, "event d1 4 0")
    one.wait_until_idle()
    one.do("drop virDomainGetState d1", "event d1 %d %d" % (EVENT_STARTED, STARTED_WAKEUP))
    one.wait_until_idle()
    assert is_active(host, "d1") and len(one.calls(ATTACH)) == 1 and not one.calls("detached")


def test_domain_that_is_renamed_gets_its_device_by_the_new_name(host, daemon):
    one = daemon(guest(1, NET))
    one.wait_for(lambda: is_active(host, "d1"))
    one.do("destroy d1", "rename d1 other")
    one.wait_for(lambda: host.claims() == [])
    one.do("create other")
    one.wait_for(lambda: is_active(host, "other"))


def test_no_name_of_a_request_shortens_the_pauses_between_attempts(daemon):
    """Other records of a domain have names, too: no name of a request may collide with them."""
    named = [guest(n, request("net", name=name)) for n, name in enumerate(("other", "reader"), 1)]
    one = daemon(*named, rules=["%s * fail %d" % (ATTACH, ERR_INTERNAL)])
    for name in ("d1", "d2"):
        one.wait_for_call(ATTACH, name)
    for _ in range(5):
        one.do("event d1 4 0", "event d2 4 0")
        one.wait_until_idle(quiet=0.05)
    assert len(one.calls(ATTACH, "d2")) <= len(one.calls(ATTACH, "d1")) + 1


def test_libvirt_that_does_not_say_whether_it_runs_makes_no_loop(daemon):
    one = daemon(guest(1, NET), rules=["%s d1 fail %d" % (ATTACH, ERR_INTERNAL), "virDomainIsActive d1 fail %d" % ERR_INTERNAL])
    second = one.wait_for_call(ATTACH, "d1", n=2)
    assert second.time - one.calls(ATTACH, "d1")[0].time >= 1
    one.do("drop virDomainIsActive d1", "drop %s d1" % ATTACH)
    one.wait_for_call("attached", "d1")


# ---- connections ----

def test_connection_that_dies_under_an_attach_costs_no_attempt(host, daemon):
    """libvirt ends the call with an error. The next connection finds that the device is still to be attached."""
    one = daemon(guest(1, NET), guest(2), rules=["%s d1 hang" % ATTACH])
    one.wait_for_call(ATTACH, "d1")
    before = one.mark()
    one.do("rule %s d1 fail %d" % (ATTACH, ERR_RPC), "close %d" % KEEPALIVE)
    one.wait_for_call("virConnectOpen", since=before)
    one.lift("%s d1" % ATTACH)
    one.do("event d1 4 0")
    one.wait_for(lambda: is_active(host, "d1"))
    assert "attempt 1" not in one.text()


def test_libvirt_that_is_away_is_waited_for(host, daemon):
    one = daemon(guest(1), guest(2))
    one.wait_for("connected to")
    one.do("rule virConnectOpen - fail %d" % ERR_INTERNAL, "close %d" % KEEPALIVE)
    one.wait_for("cannot connect to")
    one.do(ASK)  # no connection receives the event
    one.lift("virConnectOpen -")
    one.wait_for(lambda: is_active(host, "d1"))


def test_sync_that_fails_is_repeated_with_back_off(host, daemon):
    one = daemon(guest(1, NET), guest(2), rules=["virConnectListAllDomains - fail %d" % ERR_INTERNAL])
    third = one.wait_for_call("virConnectListAllDomains", n=3)
    first, second, _ = one.calls("virConnectListAllDomains")
    assert second.time - first.time >= 0.9 and third.time - second.time >= 1.8
    assert one.text().count("cannot list the domains") == 1
    one.do("drop virConnectListAllDomains -", "close %d" % KEEPALIVE)
    one.wait_for(lambda: is_active(host, "d1"))
