# SPDX-License-Identifier: LGPL-2.1-or-later
"""What vfaliasd does for running domains. The devices are fake, so libvirt cannot attach any of them: these tests show
how failures are handled. tests/lab shows successful attaches.
"""
import json

import libvirt

from guests import guest, requests
from privatehost import GPU, QATS, VFALIAS_CONF

SET = ("urn:vfalias:1", "--key", "vfalias", "--set")
REMOVE = ("urn:vfalias:1", "--remove")


def test_failed_attach_keeps_the_claim_and_tells(host):
    host.define(guest("asks", "qat"))
    host.virsh("start", "asks")
    claim, = host.wait_claims(lambda claims: claims[0]["attempts"], "an attempt", "asks")
    assert (claim["device"], claim["state"]) == (QATS[0], "claimed")
    assert claim["error"] and "\n" not in claim["error"]
    assert claim["error"] in host.vfalias("claims").stdout
    listed, = json.loads(host.vfalias("request", "list", "asks", "--json").stdout)
    assert (listed["name"], listed["device"], listed["error"]) == \
        ("qat-0", QATS[0], claim["error"])
    host.vfaliasd.lines.wait("domain 'asks': cannot attach %s for request 'qat-0', attempt 1" %
                             QATS[0])
    assert host.is_on("asks")


def test_element_that_libvirt_refuses(host):
    """vfaliasd reports the error in libvirt's words. After the user has corrected the element, vfaliasd tries again."""
    element = "<v:request alias='qat'><v:hostdev><v:boot order='first'/></v:hostdev></v:request>"
    host.define(guest("asks", metadata="<v:requests xmlns:v='urn:vfalias:1'>%s</v:requests>" % element))
    host.virsh("start", "asks")
    claim, = host.wait_claims(lambda claims: claims[0]["attempts"], "an attempt", "asks")
    assert "'first'" in claim["error"] and "order" in claim["error"]
    assert claim["error"] in host.vfalias("request", "list", "asks").stdout
    host.vfaliasd.lines.wait("cannot attach %s for request 'qat-0', attempt 1: %s" % (QATS[0], claim["error"]))
    assert host.is_on("asks")
    host.virsh("metadata", "asks", *SET, "<requests><request alias='qat'><hostdev><rom bar='off'/></hostdev></request>"
               "</requests>", "--live")
    host.wait_claims(lambda claims: "first" not in (claims[0]["error"] or "first"), "another error", "asks")


def test_attach_given_up(host):
    """After five attempts, in 15 seconds: one guest keeps running, the other guest is destroyed (on_attach_failure)."""
    host.configure(VFALIAS_CONF.replace('"gpu",', '"gpu", "on_attach_failure": "destroy",'))
    host.vfaliasd.signal("HUP")
    host.vfaliasd.lines.wait("was read again")
    host.define(guest("keeps", "qat"))
    host.define(guest("dies", "gpu"))
    host.virsh("start", "keeps")
    host.virsh("start", "dies")
    host.vfaliasd.lines.wait("domain 'dies': destroyed, since request 'gpu-0' could not be "
                             "attached", seconds=60)
    host.wait_event("dies", libvirt.VIR_DOMAIN_EVENT_STOPPED)
    host.vfaliasd.lines.wait("domain 'keeps': cannot attach %s for request 'qat-0', given up "
                             "after 5 attempts" % QATS[0], seconds=60)
    host.wait_no_claims("dies")
    assert [(claim["device"], claim["attempts"]) for claim in host.claims("keeps")] == \
        [(QATS[0], 5)]
    assert host.is_on("keeps") and not host.is_on("dies")

    # A request that is written again is tried again.
    before = host.vfaliasd.lines.mark()
    host.virsh("metadata", "keeps", *SET, "<requests><request alias='qat'/></requests>", "--live")
    host.vfaliasd.lines.wait("domain 'keeps': cannot attach %s for request 'qat-0', attempt 1:" %
                             QATS[0], before)
    host.virsh("destroy", "keeps")
    assert host.claims() == []


def test_request_of_a_running_domain(host):
    host.define(guest("runs"))
    host.virsh("start", "runs")
    assert host.claims() == []
    host.virsh("metadata", "runs", *SET,
               "<requests><request alias='qat' count='2'/></requests>", "--live")
    host.wait_claims(lambda claims: len(claims) == 2 and claims[0]["attempts"], "two", "runs")
    assert host.devices("runs") == QATS[:2]
    host.virsh("metadata", "runs", *SET,
               "<requests><request alias='qat' name='qat-1'/></requests>", "--live")
    host.wait_claims(lambda claims: [claim["request"] for claim in claims] == ["qat-1"],
                     "one", "runs")
    assert host.devices("runs") == QATS[1:2]
    host.virsh("metadata", "runs", *REMOVE, "--live")
    host.wait_no_claims()
    assert host.stats() == {"qat": 3, "gpu": 1}
    assert host.is_on("runs")


def test_request_removed_that_the_domain_was_started_with(host):
    host.define(guest("asks", "qat", "gpu"))
    host.virsh("start", "asks")
    host.vfalias("request", "remove", "asks", "gpu", "--live")
    host.wait_claims(lambda claims: [claim["device"] for claim in claims] == QATS[:1], "QAT alone")
    host.virsh("destroy", "asks")
    host.virsh("start", "asks")
    assert host.devices("asks") == [QATS[0], GPU]


def test_request_of_a_running_domain_with_nothing_free(host):
    host.define(guest("has", "gpu"))
    host.virsh("start", "has")
    host.define(guest("runs"))
    host.virsh("start", "runs")
    host.virsh("metadata", "runs", *SET, "<requests><request alias='gpu'/></requests>", "--live")
    host.vfaliasd.lines.wait("domain 'runs': no free device for request 'gpu-0': alias 'gpu' has "
                             "1 device, 1 claimed")
    assert host.is_on("runs") and host.claims("runs") == []
    assert host.devices("has") == [GPU]


def test_unknown_alias_asked_for_by_a_running_domain(host):
    host.define(guest("runs"))
    host.virsh("start", "runs")
    host.virsh("metadata", "runs", *SET, "<requests><request alias='quat'/></requests>", "--live")
    host.vfaliasd.lines.wait("domain 'runs': request 'quat-0': no alias 'quat' is configured")
    assert host.claims() == []


def test_claimed_device_vanishes_before_it_is_attached(host):
    """The domain gets another free device."""
    tree = host.make_devices()
    host.vfalias("rescan")  # vfaliasd may have scanned just when there were no devices
    host.recorder.react("started", lambda call: tree.remove(tree.devices[QATS[0]]))
    try:
        host.define(guest("asks", "qat"))
        host.virsh("start", "asks")
        host.wait_claims(lambda claims: [claim["device"] for claim in claims] == QATS[1:2],
                         "another QAT", "asks")
        host.vfaliasd.lines.wait("%s of request 'qat-0' is gone, claimed %s instead" %
                                 tuple(QATS[:2]))
    finally:
        host.make_devices()


def test_paused_guest(host):
    host.define(guest("paused", "qat"))
    host.virsh("start", "paused", "--paused")
    host.wait_claims(lambda claims: claims[0]["attempts"], "an attempt", "paused")
    host.virsh("destroy", "paused")
    assert host.claims() == []


def test_many_at_once(host):
    """Three programs start and destroy domains at the same time: two domains never have the same device."""
    names = ["many%d" % number for number in range(6)]
    for name in names:
        host.define(guest(name, metadata=requests("qat", optional="yes")))
    seen = []
    host.recorder.react("prepare", lambda call: seen.append(host.devices()))
    for _ in range(2):
        host.run("sh", "-c", "for name; do virsh -q -c qemu:///system start $name & done; wait",
                 "sh", *names)
        assert all(host.is_on(name) for name in names)
        assert host.devices() == QATS
        host.run("sh", "-c", "for name; do virsh -q -c qemu:///system destroy $name & done; wait",
                 "sh", *names)
        assert host.claims() == []
    assert all(len(set(devices)) == len(devices) for devices in seen)


def test_attach_by_hand_says_why_not(host):
    """A request that was given up is tried again. The command waits until this attempt is given up, too."""
    host.define(guest("tries", "gpu"))
    host.virsh("start", "tries")
    host.wait_claims(lambda claims: claims[0]["attempts"], "an attempt", "tries")
    done = host.vfalias("attach", "tries", check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("vfalias: domain 'tries': cannot attach %s for request 'gpu-0': " % GPU)
    assert len(done.stderr.splitlines()) == 1
    assert host.devices("tries") == [GPU] and host.is_on("tries")
    assert host.vfalias("detach", "tries", "gpu-0").stdout == "domain 'tries': nothing to be detached\n"
    assert "has no request 'gpu-1'" in host.vfalias("attach", "tries", "gpu-1", check=False).stderr
