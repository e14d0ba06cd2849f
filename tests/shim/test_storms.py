# SPDX-License-Identifier: LGPL-2.1-or-later
"""Events by the thousand, and how vfaliasd handles them."""
from daemonhost import guest
from hookhost import fine, request, uuid
from shimhost import count

WRITE = "metadata d1 <requests><request alias='nobody'/></requests>"
LAST = "metadata d1 <requests><request alias='net'/></requests>"


def test_loop_that_writes_metadata(host, daemon):
    """vfaliasd looks once a second, and reports once (test-daemon-rate.c tests the details). The last write counts."""
    one = daemon(guest(1), guest(2))
    one.wait_for("connected to")
    one.wait_until_idle()
    before = one.mark()
    one.do(*[WRITE] * 5000)
    one.do(LAST)
    one.wait_for_call("attached", "d1", since=before)
    calls = one.calls(since=before)
    lasted = calls[-1].time - calls[0].time
    looks = [call for call in calls if call.function == "virDomainGetState"]
    assert 2 <= len(looks) <= lasted + 10  # and not 5000
    assert one.text().count("its requests are written all the time") == 1
    assert one.text().count("no alias 'nobody'") in (1, 2)  # twice if the request counts as new


def test_loop_that_writes_metadata_is_said_again_of_another_domain(daemon):
    """The new domain has the same UUID. vfaliasd remembers nothing of a domain that was removed."""
    xml = guest(1)
    one = daemon(xml, guest(2))
    one.wait_for("connected to")
    for n in (1, 2):
        since = one.wait_until_idle(quiet=0.05)
        one.wait_for(lambda: one.do(*[WRITE] * 50) or one.text().count("its requests are written all the time") == n)
        one.do("undefine d1", "destroy d1")
        one.wait_for(lambda: any(uuid(1) in call.detail for call in one.calls("virDomainLookupByUUIDString", "-", since)))
        one.do("define - " + xml.replace("\n", " "), "create d1")


def test_guest_that_starts_and_stops_all_the_time(host, daemon):
    """Nothing of the guest is left, and its next start is served."""
    asks = guest(2, request("net"))
    fine(host.hook("prepare", asks, name="d2"))
    one = daemon(guest(1), asks)
    one.wait_for_call("attached", "d2")
    one.do(*["destroy d2", "create d2"] * 200)
    one.do("destroy d2")
    fine(host.hook("release", asks, name="d2"))
    one.wait_for(lambda: host.claims() == [])
    fine(host.hook("prepare", asks, name="d2"))
    one.do("create d2")
    one.wait_for(lambda: [(claim["domain"], claim["state"]) for claim in host.claims()] == [("d2", "active")])
    assert one.text().count("given up") == 0


def test_events_of_a_domain_are_looked_at_together(host, daemon):
    one = daemon(guest(1), guest(2, request("net")))
    one.wait_for_call("attached", "d2")
    one.wait_until_idle()
    before = one.mark()
    one.do(*["event d1 4 0"] * 2000)
    one.wait_until_idle()
    assert count(one.calls(since=before))["virDomainGetState"] < 1000
