# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests that wait for a free device, and the guests that vfaliasd looks at when a device becomes free."""
from daemonhost import guest
from hookhost import request

WAITS = request("accel", optional="yes", late="yes")


def test_one_is_woken_for_each_device(daemon):
    """Ten guests request one of four devices each."""
    one = daemon(*(guest(n, WAITS) for n in range(1, 11)))
    one.wait_for_call("attached", n=4)
    since = one.wait_until_idle()
    first, second, third, _ = [call.domain for call in one.calls("attached")]
    one.do("destroy " + first)
    one.wait_for_call("attached", since=since)
    one.wait_until_idle()
    served = one.calls("attached", since=since)[0].domain
    looked_at = {call.domain for call in one.calls("virDomainGetState", since=since)}
    assert looked_at - {first} == {served}
    one.do("destroy " + second, "destroy " + third)
    one.wait_for_call("attached", n=3, since=since)
