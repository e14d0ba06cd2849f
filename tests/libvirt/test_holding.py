# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests that are held at power-on until their devices are attached. No device can be attached here. After the first
failure, a guest that waits for a QAT is resumed; a guest that waits for a GPU, which is vital, is held until the end.

tests/lab tests what the guest sees.
"""
import json

import libvirt
import pytest

from guests import guest, requests
from privatehost import GPU, QATS, VFALIAS_CONF

STARTED = (libvirt.VIR_DOMAIN_EVENT_STARTED, libvirt.VIR_DOMAIN_EVENT_STARTED_BOOTED)
SUSPENDED = (libvirt.VIR_DOMAIN_EVENT_SUSPENDED, libvirt.VIR_DOMAIN_EVENT_SUSPENDED_PAUSED)
RESUMED = (libvirt.VIR_DOMAIN_EVENT_RESUMED, libvirt.VIR_DOMAIN_EVENT_RESUMED_UNPAUSED)
VITAL = VFALIAS_CONF.replace('"gpu",', '"gpu", "on_attach_failure": "destroy",')
HELD = "domain '%s': suspended until its devices are attached"
ATTEMPT = "domain '%s': cannot attach %s for request '%s', attempt 1"


def configure(host, text=VITAL, **settings):
    """Writes the configuration. [vfalias] is the first section of VFALIAS_CONF."""
    lines = "".join("%s = %s\n" % item for item in settings.items())
    host.configure(text.replace("[vfalias]\n", "[vfalias]\n" + lines))
    if host.vfaliasd.running():
        since = host.vfaliasd.lines.mark()
        host.vfaliasd.signal("HUP")
        host.vfaliasd.lines.wait("was read again", since)


def told(host, name):
    """libvirt's events of the domain's guest, from its start on. (libvirt reports that a guest runs before it reports
    that the guest was started.)"""
    events = [seen[1:] for seen in list(host.events) if seen[0] == name and seen[1:] in (STARTED, SUSPENDED, RESUMED)]
    return [event for event in events[events.index(STARTED):]] if STARTED in events else []


def wait_told(host, name, *events):
    host.connection  # the connection that collects the events
    host.news.until(lambda: told(host, name)[:len(events)] == list(events), "events %s of '%s', not %s" %
                    (events, name, told(host, name)))


def start_held(host, name="held", *aliases):
    """Starts a guest that is held, and whose device could not be attached at the first attempt."""
    host.define(guest(name, *(aliases or ["gpu"])))
    host.virsh("start", name)
    wait_told(host, name, STARTED, SUSPENDED)
    host.vfaliasd.lines.wait(ATTEMPT % (name, GPU, "gpu-0"))
    assert host.state(name) == "paused"


def in_state(host, statement):
    """The rows of a statement on the state file."""
    program = ("import json, sqlite3, sys\nwith sqlite3.connect('/run/vfalias/state') as state:\n"
               "    print(json.dumps(state.execute(sys.argv[1]).fetchall()))")
    return json.loads(host.run("/usr/bin/python3", "-c", program, statement).stdout)


# ---- which guests are held ----

def test_held_until_it_is_known_what_there_is(host):
    host.define(guest("asks", "qat"))
    host.virsh("start", "asks")
    wait_told(host, "asks", STARTED, SUSPENDED, RESUMED)
    lines = host.vfaliasd.lines
    lines.wait("domain 'asks': resumed")
    order = [line for line in lines.lines if HELD % "asks" in line or ATTEMPT % ("asks", QATS[0], "qat-0") in line or
             line.endswith("domain 'asks': resumed")]
    assert [line.split("asks': ")[1].split()[0] for line in order] == ["suspended", "cannot", "resumed"]
    assert host.state("asks") == "running"


@pytest.mark.parametrize("config, asks, is_held", [
    (VFALIAS_CONF, requests("qat", hold="no"), False),
    (VFALIAS_CONF.replace('"qat",', '"qat", "hold": false,'), requests("qat"), False),
    (VFALIAS_CONF.replace('"qat",', '"qat", "hold": false,'), requests("qat", hold="yes"), True),
    (VFALIAS_CONF.replace("[vfalias]\n", "[vfalias]\nhold = no\n"), requests("qat"), False),
    (VFALIAS_CONF.replace("[vfalias]\n", "[vfalias]\nhold = no\n").replace('"gpu",', '"gpu", "hold": "yes",'),
     requests("qat", "gpu"), True),
], ids=["request", "alias", "request over alias", "configuration", "one is enough"])
def test_hold_is_said_by(host, config, asks, is_held):
    configure(host, config)
    host.define(guest("asks", metadata=asks))
    host.virsh("start", "asks")
    host.vfaliasd.lines.wait(ATTEMPT % ("asks", QATS[0], "qat-0"))
    assert bool(host.vfaliasd.lines.find(HELD % "asks")) == is_held
    if is_held:
        wait_told(host, "asks", STARTED, SUSPENDED, RESUMED)


def test_nothing_to_wait_for(host):
    host.define(guest("has", "gpu"))
    host.virsh("start", "has")
    host.define(guest("content", metadata=requests("gpu", optional="yes")))
    host.define(guest("waits", metadata=requests("gpu", optional="yes", late="yes")))
    for name in ("content", "waits"):
        host.virsh("start", name)
    host.vfaliasd.lines.wait("domain 'waits': no free device")
    host.virsh("destroy", "has")
    host.vfaliasd.lines.wait(ATTEMPT % ("waits", GPU, "gpu-0"))
    assert not host.vfaliasd.lines.find(HELD % "content") and not host.vfaliasd.lines.find(HELD % "waits")


def test_started_paused_by_its_user(host):
    """The guest gets its devices while it is paused, and only its user resumes it."""
    host.define(guest("paused", "qat"))
    host.virsh("start", "paused", "--paused")
    host.wait_claims(lambda claims: claims[0]["attempts"] > 1, "two attempts", "paused")
    assert host.state("paused") == "paused"
    assert not host.vfaliasd.lines.find(HELD % "paused")
    host.virsh("resume", "paused")
    assert host.is_on("paused")


def test_hot_plug_holds_nobody(host):
    host.define(guest("runs"))
    host.virsh("start", "runs")
    host.vfalias("request", "add", "runs", "qat", "--live")
    host.vfaliasd.lines.wait(ATTEMPT % ("runs", QATS[0], "qat-0"))
    assert not host.vfaliasd.lines.find(HELD % "runs")


def test_found_running(quiet_host):
    """A guest that has run for an unknown time is not suspended."""
    host = quiet_host
    configure(host, require_daemon="no")
    host.define(guest("early", "gpu"))
    host.virsh("start", "early")
    assert in_state(host, "UPDATE hold SET since = since - 60 RETURNING held") == [[0]]
    host.vfaliasd.start()
    host.vfaliasd.lines.wait(ATTEMPT % ("early", GPU, "gpu-0"))
    assert not host.vfaliasd.lines.find(HELD % "early")
    assert in_state(host, "SELECT * FROM hold") == []


def test_restored(host):
    """A restored guest gets its devices while it runs: it is not held again."""
    configure(host)
    start_held(host, "saved")
    host.virsh("resume", "saved")
    host.vfaliasd.lines.wait("domain 'saved': not held any longer")
    host.virsh("managedsave", "saved")
    since = host.vfaliasd.lines.mark()
    host.virsh("start", "saved")
    host.vfaliasd.lines.wait(ATTEMPT % ("saved", GPU, "gpu-0"), since)
    assert host.is_on("saved") and not host.vfaliasd.lines.find(HELD % "saved", since)


# ---- how the hold ends ----

def test_hold_timeout(host):
    configure(host, hold_timeout=4)
    start_held(host)
    host.vfaliasd.lines.wait("domain 'held': resumed after 4 seconds (hold_timeout), not all of its devices are attached")
    wait_told(host, "held", STARTED, SUSPENDED, RESUMED)
    host.wait_claims(lambda claims: claims[0]["attempts"] > 2, "attaching goes on", "held")


def test_resumed_by_its_user(host):
    """The user resumes the guest and suspends it again: vfaliasd does not resume it."""
    configure(host)
    start_held(host)
    host.virsh("resume", "held")
    host.vfaliasd.lines.wait("domain 'held': not held any longer")
    host.virsh("suspend", "held")
    host.wait_claims(lambda claims: claims[0]["attempts"] > 2, "attaching goes on", "held")
    assert host.state("held") == "paused"
    assert not host.vfaliasd.lines.find("domain 'held': resumed")


def test_destroyed_and_started_paused(host):
    """The record of the earlier start does not count any more."""
    configure(host)
    start_held(host)
    since = host.vfaliasd.lines.mark()
    host.virsh("destroy", "held")
    host.virsh("start", "held", "--paused")
    host.vfaliasd.lines.wait(ATTEMPT % ("held", GPU, "gpu-0"), since)
    host.wait_claims(lambda claims: claims[0]["attempts"] > 1, "two attempts", "held")
    assert host.state("held") == "paused"


def test_requests_that_get_wrong(host):
    configure(host)
    start_held(host)
    host.virsh("metadata", "held", "urn:vfalias:1", "--key", "vfalias", "--live", "--set", "<requests><wish/></requests>")
    host.vfaliasd.lines.wait("unknown element 'wish'")
    assert host.is_on("held")


# ---- daemons that end while a guest is held ----

def test_vfaliasd_killed(host):
    """After it was killed, vfaliasd continues, and holds the guest no longer than without the interruption."""
    configure(host, hold_timeout=6)
    start_held(host)
    host.vfaliasd.kill()
    assert host.state("held") == "paused"
    host.vfaliasd.start()
    host.vfaliasd.lines.wait("domain 'held': resumed after 6 seconds")
    assert host.is_on("held")
    assert not host.vfaliasd.lines.find(HELD % "held")


def test_vfaliasd_killed_and_nothing_left_to_wait_for(host):
    configure(host)
    start_held(host)
    host.vfaliasd.kill()
    host.virsh("metadata", "held", "urn:vfalias:1", "--remove", "--live")
    host.vfaliasd.start()
    host.vfaliasd.lines.wait("domain 'held': resumed")
    assert host.is_on("held")


def test_vfaliasd_killed_and_resumed_by_its_user(host):
    configure(host)
    start_held(host)
    host.vfaliasd.kill()
    host.virsh("resume", "held")
    host.vfaliasd.start()
    host.vfaliasd.lines.wait("domain 'held': not held any longer")
    host.virsh("suspend", "held")
    host.wait_claims(lambda claims: claims[0]["attempts"] > 2, "attaching goes on", "held")
    assert host.state("held") == "paused"


def test_vfaliasd_stopped_while_libvirt_is_at_it(host):
    """The call of libvirt hangs, as with a slow device. The guest is resumed all the same."""
    configure(host)
    host.define(guest("slow", "gpu"))
    host.freeze_vfaliasd()
    host.virsh("start", "slow")
    host.run("kill", "-STOP", str(host.qemu_pid("slow")))
    host.vfaliasd.signal("CONT")
    host.news.until(lambda: in_state(host, "SELECT held FROM hold") == [[1]], "the guest is about to be suspended")
    host.vfaliasd.signal("TERM")
    host.vfaliasd.lines.wait("ending once libvirt is done with a guest that waits for its devices")
    host.run("kill", "-CONT", str(host.qemu_pid("slow")))
    host.vfaliasd.wait_end()
    assert host.vfaliasd.lines.find("domain 'slow': resumed, ")
    assert host.is_on("slow")
    assert in_state(host, "SELECT * FROM hold") == []


def test_vfaliasd_stopped(host):
    """vfaliasd resumes all guests when it stops. The next vfaliasd attaches devices while the guest runs."""
    configure(host)
    start_held(host)
    assert host.vfaliasd.stop() == 0
    assert host.vfaliasd.lines.find("domain 'held': resumed, its devices will be attached by the next vfaliasd")
    assert host.state("held") == "running"
    host.vfaliasd.start()
    host.vfaliasd.lines.wait("domain 'held': cannot attach")
    assert host.is_on("held") and not host.vfaliasd.lines.find(HELD % "held")


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_libvirtd_restarts(host, kill):
    configure(host, hold_timeout=6)
    start_held(host)
    host.restart_libvirtd(kill)
    host.vfaliasd.lines.wait("domain 'held': resumed after 6 seconds")
    assert host.is_on("held")


def test_both_killed(host):
    configure(host, hold_timeout=4)
    start_held(host)
    host.vfaliasd.kill()
    host.disconnect()
    host.libvirtd.kill()
    host.libvirtd.start()
    assert host.state("held") == "paused"
    host.vfaliasd.start()
    host.vfaliasd.lines.wait("domain 'held': resumed after 4 seconds")
    assert host.is_on("held")


def test_stopped_while_nobody_is_there(host):
    """No record is left by which the next guest of this name would be resumed."""
    configure(host)
    start_held(host)
    host.vfaliasd.kill()
    host.run("mount", "--bind", "/dev/null", "/usr/libexec/vfalias/qemu-asked")
    try:
        host.virsh("destroy", "held")
    finally:
        host.run("umount", "/usr/libexec/vfalias/qemu-asked")
    assert in_state(host, "SELECT held FROM hold") == [[1]]
    host.vfaliasd.start()
    host.news.until(lambda: in_state(host, "SELECT * FROM hold") == [], "the row is dropped")
    assert host.claims() == []
