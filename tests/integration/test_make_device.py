# SPDX-License-Identifier: LGPL-2.1-or-later
"""make-device, alone and as vfaliasd runs it, on a host with the made kernel (tests/kernel/kernel.h). It does what is on
record in the state file: so the tests write claims and records there."""
import contextlib
import os
import sqlite3
import subprocess
import time

import pytest

import madekernel
from daemonhost import Daemon, guest
from hookhost import CONFIG, INST, domain, fine, refused, request, uuid

PROGRAM = INST / "libexec/vfalias/make-device"
NAME, MAKER = "vfa0123456789ab", "mgmtdev:vdpasim_net"
DEVICE = "vdpa:" + NAME
MAC = "52:54:00:01:02:03"
REFUSED, STALE, NOT_NOW, FULL = 11, 12, 13, 15  # helpers/shared/maker-status.h


class Made:
    """A host with a management device and a claim of a device that it makes."""

    def __init__(self, host, library):
        self.host = host
        self.kernel = madekernel.MadeKernel(host.tree, library)
        self.kernel.vdpa()
        self.kernel.mgmtdev("vdpasim_net")
        self.kernel.mgmtdev("small", max_devices=1)
        self.link = host.state.parent / "vdpa" / uuid(7) / "net-0"
        fine(host.prepare(1, request("net")))
        host.env.update(self.kernel.env)

    @contextlib.contextmanager
    def state(self):
        with sqlite3.connect(self.host.state) as db:
            yield db
        db.close()

    def claim(self, maker=MAKER, claim_state="claimed", recipe="", made=False):
        with self.state() as db:
            db.execute("INSERT INTO claim (device, keys, kind, maker, uuid, domain, request, alias, state, since,"
                       " state_since) VALUES (?, json_object(?, 'X', ?, 'S'), 'vdpa', ?, ?, 'd7', 'net-0', 'net', ?, ?, ?)",
                       (DEVICE, DEVICE, maker, maker, uuid(7), claim_state, int(time.time()), int(time.time())))
            db.execute("INSERT INTO saved (device, settings, recipe) VALUES (?, '', ?)",
                       (DEVICE, "maker=%s link=%s%s%s" % (maker, self.link, recipe, " made=yes" * made)))

    def record(self):
        with self.state() as db:
            return [text for text, in db.execute("SELECT recipe FROM saved")]

    def set_state(self, claim_state):
        with self.state() as db:
            db.execute("UPDATE claim SET state = ? WHERE device = ?", (claim_state, DEVICE))

    def start(self, *args):
        return subprocess.Popen([str(PROGRAM), *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env=self.host.env)

    def run(self, *args, status=0):
        with self.start(*args) as process:
            out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (status, ""), (process.returncode, out, err)
        return err.splitlines()

    def exists(self):
        return NAME in self.kernel.devices()

    def has_claim(self):
        with self.state() as db:
            return db.execute("SELECT count(*) FROM claim WHERE device = ?", (DEVICE,)).fetchone() == (1,)


@pytest.fixture
def made(host, library):
    return Made(host, library)


# ---- alone ----

def test_life(made):
    made.claim(recipe=" mac=%s" % MAC)
    assert made.run("make", DEVICE) == []
    assert made.kernel.devices()[NAME]["mac"] == MAC
    assert os.readlink(made.link) == str(made.kernel.dev / "vhost-vdpa-0")
    assert made.record()[0].endswith(" made=yes")
    assert made.run("destroy", DEVICE) == []
    assert not made.exists() and not made.link.parent.exists() and len(made.record()) == 1


def test_only_what_is_on_record(made):
    assert made.run("make", DEVICE, status=STALE) == []
    assert made.run("destroy", DEVICE) == []
    made.kernel.maker("add", NAME, "vdpasim_net")
    assert made.run("destroy", DEVICE) == [] and made.exists()
    made.kernel.maker("delete", NAME)
    made.claim()
    made.set_state("releasing")
    assert made.run("make", DEVICE, status=STALE) == [] and not made.exists()


def test_device_of_a_guest_is_not_destroyed(made):
    made.claim()
    made.run("make", DEVICE)
    made.set_state("active")
    assert made.run("destroy", DEVICE, status=REFUSED) == ["cannot destroy %s: domain 'd7' has it" % DEVICE]
    made.set_state("releasing")
    with made.kernel.opened("vhost-vdpa-0"):
        assert "vhost-vdpa-0" in made.run("destroy", DEVICE, status=NOT_NOW)[0] and made.exists()
    made.run("destroy", DEVICE)
    assert not made.exists()


def test_settings_and_makers(made):
    made.claim(recipe=" max_vqp=4 policy=best_effort")
    assert made.run("make", DEVICE) == ["domain 'd7': request 'net-0': vDPA device '%s' is made without max_vqp: the driver of "
                                        "'vdpasim_net' does not support it" % NAME]
    made.run("destroy", DEVICE)
    with made.state() as db:
        db.execute("UPDATE saved SET recipe = 'maker=mgmtdev:small'")
    made.kernel.maker("add", "others", "small")
    assert "can make no more devices" in made.run("make", DEVICE, status=FULL)[0]
    with made.state() as db:
        db.execute("UPDATE saved SET recipe = 'nothing'")
    assert made.run("make", DEVICE, status=REFUSED) == ["the record of how %s was made cannot be read: 'nothing'" % DEVICE]


def test_two_at_once(made):
    """The lock for making lets one of them go first; the second one finds the device complete."""
    made.claim()
    results = [process.wait(60) for process in [made.start("make", DEVICE) for _ in range(4)]]
    assert results == 4 * [0] and made.kernel.calls().count("new " + NAME) == 1
    results = [process.wait(60) for process in [made.start("destroy", DEVICE) for _ in range(4)]]
    assert results == 4 * [0] and not made.exists()


@pytest.mark.parametrize("call, verb", [("new", "make"), ("unbind", "destroy"), ("del", "destroy")])
def test_killed(made, call, verb):
    made.claim()
    if verb == "destroy":
        made.run("make", DEVICE)
    with made.kernel.hanging(call):
        process = made.start(verb, DEVICE)
        while "%s %s" % (call, NAME) not in made.kernel.calls():
            assert process.poll() is None
        process.kill()
        process.communicate(timeout=60)
    made.run(verb, DEVICE)
    assert made.exists() == (verb == "make") == made.link.exists()


def test_usage(made):
    usage = ["usage: make-device [--config FILE] make|destroy DEVICE"]
    for args in ((), ("make",), ("make", DEVICE, "x"), ("remake", DEVICE), ("make", "teapot"), ("--so", "make", DEVICE)):
        assert made.run(*args, status=2)[-1:] == usage


# ---- in the hook, which makes devices by itself ----

VDPA = CONFIG + """
[pci]
device_spec = {"mgmtdev": "vdpasim_net", "max_devices": 12, "physical_network": "physnet1"}
device_spec = {"mgmtdev": "small", "max_devices": 3, "physical_network": "physnet2"}
device_spec = {"mdev_parent": "mtty", "mdev_types": "mtty-1"}
alias = {"name": "vnet", "device_type": "vdpa", "physical_network": "physnet1", "attach": "vdpa", "vdpa": {"mtu": 1400}}
alias = {"name": "few", "device_type": "vdpa", "physical_network": "physnet2", "attach": "vdpa"}
alias = {"name": "tty", "device_type": "mdev", "mdev_type": "mtty-1", "attach": "mdev"}
"""


def interface(path, name, mac=MAC):
    return ("<interface type='vdpa'><mac address='%s'/><source dev='%s'/><alias name='ua-vf-%s'/></interface>"
            % (mac, path, name))


@pytest.fixture
def hooked(made):
    made.kernel.mdev_parent("mtty", {"mtty-1": 1}, units=2)
    made.host.configure(VDPA)
    return made


def test_hook_makes_all_devices(hooked):
    """Those in the XML, and those that vfaliasd will hot-plug."""
    host, kernel = hooked.host, hooked.kernel
    path = host.state.parent / "vdpa/by-hand/net"
    requests = request("vnet", count="2") + request("tty")
    devices = interface(path, "vnet-0")
    fine(host.prepare(2, requests, devices=devices))
    macs = {record["mac"] for record in kernel.devices().values()}
    assert len(macs) == 2 and MAC in macs and {record["mtu"] for record in kernel.devices().values()} == {"1400"}
    assert os.readlink(path).startswith(str(kernel.dev)) and len(kernel.mdevs()) == 1
    assert os.readlink(host.state.parent / "vdpa" / uuid(2) / "vnet-1").startswith(str(kernel.dev))
    names = set(kernel.devices())
    fine(host.release(2, requests=requests, devices=devices))
    assert (kernel.devices(), kernel.mdevs()) == ({}, {}) and ("d2", "vnet-0") not in host.held()
    assert list((host.state.parent / "vdpa").iterdir()) == []
    fine(host.prepare(2, requests, devices=devices))
    assert set(kernel.devices()) == names


def test_hook_refuses_and_destroys(hooked):
    """A symbolic link in the way of the second device: the first one goes, too."""
    host = hooked.host
    (host.folder / "elsewhere").mkdir()
    (host.state.parent / "vdpa").mkdir(mode=0o711)
    (host.state.parent / "vdpa/evil").symlink_to(host.folder / "elsewhere")
    line = refused(host.prepare(2, request("vnet", count="2"),
                                devices=interface(host.state.parent / "vdpa/evil/net", "vnet-1")))
    assert "request 'vnet-1': cannot use the link '" in line and hooked.kernel.devices() == {}
    assert list((host.folder / "elsewhere").iterdir()) == [] and list(host.held()) == [("d1", "net-0")]


def test_hook_after_a_hook_was_killed(hooked):
    host, kernel = hooked.host, hooked.kernel
    with kernel.hanging("new"):
        process = host.start_hook("prepare", domain(2, request("vnet")), name="d2")
        while not [call for call in kernel.calls() if call.startswith("new ")]:
            assert process.poll() is None
        process.kill()
        process.communicate()
    fine(host.prepare(2, request("vnet")))
    assert len(kernel.devices()) == 1 and len(hooked.record()) == 1
    fine(host.release(2, requests=request("vnet")))
    assert kernel.devices() == {} and hooked.record() == []


def test_hook_asks_a_hanging_kernel_once(hooked):
    """What may have been made stays on record until the claim has ended."""
    host, kernel = hooked.host, hooked.kernel
    with kernel.hanging("new"), kernel.hanging("get"):
        assert "the kernel did not answer" in refused(host.prepare(2, request("vnet")))
    assert [call.split()[0] for call in kernel.calls()[-2:]] == ["new", "get"]
    claim, = (claim for claim in host.claims() if claim["domain"] == "d2")
    assert claim["state"] == "releasing" and len(hooked.record()) == 1
    fine(host.prepare(2, request("vnet")))
    assert len(kernel.devices()) == 1


# ---- as vfaliasd runs it ----

SYSTEMD_RUN = r"""#!/bin/sh
cd "${0%/*}"
printf '%s\n' "$@" >>args
[ ! -e refuse ] || { echo "Failed to start transient service unit: no" >&2; exit 1; }
while [ "$1" != -- ]; do shift; done
shift
exec "$@"
"""


@pytest.fixture
def daemon(made):
    program = made.host.folder / "systemd-run"
    program.write_text(SYSTEMD_RUN)
    program.chmod(0o755)
    made.host.daemon_is_gone()
    started = []

    def start(*guests):
        started.append(Daemon(made.host, *guests, env={"VFALIAS_SYSTEMD_RUN": str(program)}))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.stop()
        one.drop()


def test_daemon_destroys(made, daemon):
    made.claim()
    made.run("make", DEVICE)
    made.set_state("releasing")
    refuse = made.host.folder / "refuse"
    refuse.touch()
    with made.kernel.opened("vhost-vdpa-0"):
        one = daemon()
        one.wait_for(lambda: b"make-device has failed" in made.host.state.read_bytes())
        refuse.unlink()
        one.wait_for(lambda: b"/dev/vhost-vdpa-0' open" in made.host.state.read_bytes())
        assert made.exists() and made.has_claim()
    one.wait_for(lambda: not made.has_claim())
    assert not made.exists() and made.record() == []
    args = (made.host.folder / "args").read_text().splitlines()
    assert args[:13] == ["--quiet", "--no-ask-password", "--collect", "--wait", "--pipe", "--unit=vfalias-make-" + DEVICE,
                         "--description=vfalias: makes or destroys " + DEVICE, "--property=SyslogIdentifier=vfalias-make",
                         "--property=RuntimeMaxSec=60", "--property=TimeoutStopSec=30", "--", str(PROGRAM),
                         "--config=%s" % made.host.config_file]
    assert args[13:15] == ["destroy", DEVICE]


def test_daemon_gives_up(made, daemon):
    """What the kernel refuses for good is the reason of the quarantine."""
    made.claim()
    made.run("make", DEVICE)
    made.set_state("releasing")
    with made.kernel.failing("del", 22, "no"):
        one = daemon()
        one.wait_for("%s is quarantined: it was made for a guest, and is not destroyed: " % DEVICE)
    assert made.exists() and not made.has_claim()


def test_daemon_waits_for_the_kernel(made, daemon):
    """Long after the claim has ended, the device is not in quarantine, and seldom tried: after 8 minutes, after 16, ..."""
    made.claim()
    made.run("make", DEVICE)

    def age(seconds, attempts):
        with made.state() as db:
            db.execute("UPDATE claim SET state = 'releasing', attempts = ?, state_since = ? WHERE device = ?",
                       (attempts, int(time.time()) - seconds, DEVICE))

    age(500, 10)
    with made.kernel.hanging("del"):
        one = daemon()
        one.wait_for(lambda: b"the kernel did not answer" in made.host.state.read_bytes())
        assert [claim["attempts"] for claim in made.host.claims() if claim["device"] == DEVICE] == [11]
        age(1000, 11)
        one.wait_for(lambda: made.kernel.calls().count("del " + NAME) == 2)
    assert "is quarantined" not in one.text()
    age(1000, 11)
    one.wait_for(lambda: not made.has_claim())
    assert not made.exists() and made.record() == [] and "is quarantined" not in one.text()


def test_daemon_counts_what_make_device_fails(hooked, daemon):
    """As other failures to attach. What may have been made stays on record, and is not destroyed at once."""
    host = hooked.host
    host.configure(VDPA.replace('"vdpa": {"mtu": 1400}', '"vdpa": {"mtu": 1400}, "on_attach_failure": "destroy"') +
                   "[vfalias]\nrequire_daemon = no\n")
    (host.folder / "refuse").touch()
    fine(host.release(1, requests=request("net")))
    one = daemon(guest(2, request("vnet")))
    why = "make-device has failed for %s: Failed to start transient service unit: no"
    one.wait_for(lambda: [claim["attempts"] for claim in host.claims()] >= [2])
    claim, = host.claims()
    assert claim["error"] == why % claim["device"] and len(hooked.record()) == 1
    assert "destroy" not in (host.folder / "args").read_text().splitlines()
    assert "domain 'd2': cannot attach %s for request 'vnet-0', attempt 2: %s" % (claim["device"], claim["error"]) in one.text()
    with hooked.state() as db:
        db.execute("UPDATE claim SET attempts = 4")
    one.wait_for("domain 'd2': destroyed, since request 'vnet-0' could not be attached")
