# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library itself: the behaviour that the other tests rely on."""
from daemonhost import guest
from hookhost import fine, request
from shimhost import ERR_INTERNAL, KEEPALIVE

NET = request("net")


def test_device_is_attached_and_detached(host, daemon):
    fine(host.hook("prepare", guest(1, NET)))
    one = daemon(guest(1, NET))
    assert one.wait_for_call("attached", "d1").detail == "ua-vf-net-0"
    one.wait_for(lambda: host.claims()[0]["state"] == "active")
    one.do("metadata d1")
    one.wait_for_call("detached", "d1")
    one.wait_for(lambda: host.claims() == [])


def test_hanging_call_goes_on_once_its_rule_is_dropped(host, daemon):
    fine(host.hook("prepare", guest(1, NET)))
    one = daemon(guest(1, NET), rules=["virDomainAttachDeviceFlags d1 hang"])
    one.wait_for_call("virDomainAttachDeviceFlags", "d1")
    one.do("event d1 4 0")
    assert not one.calls("attached")
    one.lift("virDomainAttachDeviceFlags d1")
    one.wait_for_call("attached", "d1")


def test_call_fails_as_libvirt_fails(host, daemon):
    fine(host.hook("prepare", guest(1, NET)))
    one = daemon(guest(1, NET), rules=["virDomainAttachDeviceFlags d1 fail %d" % ERR_INTERNAL])
    one.wait_for("attempt 1: libvirt: the library in front of libvirt fails")


def test_connection_is_closed_and_opened_again(daemon):
    one = daemon(guest(1))
    one.wait_for("connected to")
    before = one.wait_until_idle()
    one.do("close %d" % KEEPALIVE)
    one.wait_for_call("virConnectListAllDomains", since=before)


def test_domain_is_started_and_destroyed(host, daemon):
    one = daemon(guest(1), guest(2, NET))
    one.wait_for_call("attached", "d2")
    one.do("destroy d2")
    one.wait_for(lambda: host.claims() == [])
    before = one.mark()
    one.do("create d2")
    one.wait_for_call("attached", "d2", since=before)
