# SPDX-License-Identifier: LGPL-2.1-or-later
"""What happens to a device between two owners: vfaliasd runs cleaners, and devices with one_time_use are burned."""
import json
import os
import re
import signal
import sqlite3
import subprocess
import time

import pytest

from hookhost import CONFIG, INST, domain, fine, hostdev, port, refused, request, uuid
from daemonhost import Daemon

PROGRAM = INST / "libexec/vfalias/clean-device"
ACCEL = ["0000:65:00.%d" % n for n in range(1, 5)]
FIRST = ACCEL[0]
SPEC = '"product_id": "a824"}'
CLEAN = CONFIG.replace(SPEC, SPEC[:-1] + ', "clean": "wipe"}') + "require_daemon = no\n"
ONCE = CONFIG.replace(SPEC, SPEC[:-1] + ', "one_time_use": "yes"}') + "require_daemon = no\n"

# Records its arguments, waits for permission to go on, and ends as the file `end` says.
WIPE = r"""#!/bin/sh
cd "${0%/*}/.."
echo "$*" >>ran
echo $$ >pid
echo begun
if [ -p go ]; then read -r _ <go; fi
if [ -e end ]; then . ./end; fi
"""


class Cleaned:
    """A host whose device_spec names the cleaner `wipe`."""

    def __init__(self, host):
        self.host = host
        self.folder = host.folder
        host.daemon_is_gone()
        os.unlink(str(host.state) + ".lock")
        host.configure(CLEAN)
        self.clean_d = host.folder / "clean.d"
        self.clean_d.mkdir(mode=0o755)
        self.cleaner("wipe", WIPE)
        self.fifo = None

    def cleaner(self, name, text):
        (self.clean_d / name).write_text(text)
        (self.clean_d / name).chmod(0o755)

    def end(self, text):
        (self.folder / "end").write_text(text)

    def go(self):
        if self.fifo is not None:
            os.write(self.fifo, b"go\n" * 9)  # also for cleaners that are started again

    def stay(self):
        os.mkfifo(self.folder / "go")
        self.fifo = os.open(self.folder / "go", os.O_RDWR)

    def ran(self):
        ran = self.folder / "ran"
        return ran.read_text().splitlines() if ran.exists() else []

    def state_of(self, device=FIRST):
        return {c["device"]: c["state"] for c in self.host.claims()}.get(device)

    def quarantine(self):
        done = self.host.cli("quarantine", "--json")
        assert done.returncode == 0, done.stderr
        return {q["device"]: q["reason"] for q in json.loads(done.stdout)}

    def use(self, number=1, alias="accel", **more):
        """A domain gets the device and stops."""
        fine(self.host.prepare(number, request(alias), **more))
        fine(self.host.release(number, requests=request(alias), **more))

    def runner(self):
        return subprocess.run([str(PROGRAM), FIRST], env=self.host.env, capture_output=True, text=True, timeout=60)


@pytest.fixture
def cleaned(host):
    made = Cleaned(host)
    yield made
    made.go()


@pytest.fixture
def daemon(cleaned):
    started = []

    def start(**more):
        started.append(Daemon(cleaned.host, **more))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.stop()
        one.drop()


def until(what, seconds=20):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


# ---- a cleaner that ends well ----

def test_device_is_cleaned_before_it_is_free(cleaned, daemon):
    cleaned.stay()
    one = daemon()
    cleaned.use()
    until(cleaned.ran)
    assert cleaned.ran() == ["pci %s %s" % (FIRST, uuid(1))] and cleaned.state_of() == "cleaning"
    fine(cleaned.host.prepare(2, request("accel")))
    assert cleaned.host.held()["d2", "accel-0"] == ACCEL[1]
    cleaned.go()
    one.wait_for(lambda: cleaned.state_of() is None)
    assert "%s of domain 'd1' is clean" % FIRST in one.text() and "begun" in one.text()
    fine(cleaned.host.prepare(3, request("accel")))
    assert cleaned.host.held()["d3", "accel-0"] == FIRST and len(cleaned.ran()) == 1


def test_without_the_daemon_it_waits(cleaned, daemon):
    cleaned.use()
    assert cleaned.state_of() == "cleaning" and cleaned.ran() == []
    done = cleaned.host.cli("claims")
    assert re.search(r"%s .* cleaning " % FIRST, done.stdout), done.stdout
    assert "vfaliasd is not running" in done.stdout, done.stdout
    one = daemon()
    one.wait_for(lambda: cleaned.state_of() is None)
    assert len(cleaned.ran()) == 1


def test_domain_that_starts_again_gets_another_one(cleaned):
    cleaned.use()
    fine(cleaned.host.prepare(1, request("accel")))
    assert sorted((c["device"], c["state"]) for c in cleaned.host.claims()) == [(FIRST, "cleaning"), (ACCEL[1], "claimed")]


def test_devices_without_a_cleaner(cleaned):
    cleaned.use(alias="net")
    assert cleaned.host.claims() == []


def test_cleaner_that_the_configuration_names_now(cleaned, daemon):
    """The configuration at the release counts. A cleaner that the configuration does not name any more is not run."""
    cleaned.cleaner("other", "#!/bin/sh\necho other >>${0%/*}/../ran\n")
    fine(cleaned.host.prepare(1, request("accel")))
    cleaned.host.configure(CLEAN.replace('"wipe"', '"other"'))
    fine(cleaned.host.release(1, requests=request("accel")))
    one = daemon()
    one.wait_for(lambda: cleaned.state_of() is None)
    assert cleaned.ran() == ["other"]
    fine(cleaned.host.prepare(1, request("accel")))
    cleaned.host.configure(CONFIG + "require_daemon = no\n")
    fine(cleaned.host.release(1, requests=request("accel")))
    assert cleaned.state_of() is None
    fine(cleaned.host.prepare(1, request("accel")))
    cleaned.host.configure(CLEAN)
    fine(cleaned.host.release(1, requests=request("accel")))
    one.wait_for(lambda: cleaned.ran()[1:] == ["pci %s %s" % (FIRST, uuid(1))])


def test_what_vfalias_did_not_choose_is_not_cleaned(cleaned, daemon):
    """The domain may keep data on a device of its own XML. But no other domain gets the device without cleaning."""
    daemon()
    fine(cleaned.host.prepare(1, devices=hostdev(FIRST)))
    fine(cleaned.host.release(1, devices=hostdev(FIRST)))
    until(lambda: cleaned.state_of() is None)
    assert cleaned.quarantine() == {
        FIRST: "domain 'd1' had it without a request, and it was not cleaned: 'vfalias quarantine remove --clean %s' does that"
               % FIRST}
    fine(cleaned.host.prepare(1, devices=hostdev(FIRST)))
    fine(cleaned.host.release(1, devices=hostdev(FIRST)))
    assert cleaned.ran() == []
    done = cleaned.host.cli("quarantine", "remove", "--clean", FIRST)
    assert (done.returncode, done.stdout) == (0, "%s is given out again once its cleaner has run\n" % FIRST), done
    until(lambda: cleaned.state_of() is None)
    assert cleaned.ran() == ["pci %s 00000000-0000-0000-0000-000000000000" % FIRST] and cleaned.quarantine() == {}


# ---- a cleaner that does not ----

@pytest.mark.parametrize("end, reason", [
    ("echo 'drive is locked'; echo; exit 4", "cleaner 'wipe' ended with exit status 4: drive is locked"),
    ("echo oops >&2; kill -9 $$", "cleaner 'wipe' was killed by signal 9: oops"),
    ("sleep 30", "cleaner 'wipe' did not end within 1 s: begun"),
])
def test_failure_is_quarantine(end, reason, cleaned, daemon):
    cleaned.end(end)
    cleaned.host.configure(CLEAN + "clean_timeout = 1\n")
    one = daemon()
    cleaned.use()
    one.wait_for(lambda: cleaned.quarantine() == {FIRST: reason})
    one.wait_for("%s is quarantined: %s" % (FIRST, reason))
    (claim,) = cleaned.host.claims()
    assert (claim["state"], claim["error"], claim["attempts"]) == ("cleaning", reason, 1)
    assert "%s is being cleaned: its domain stopped; attempt 1 failed: %s\n" % (FIRST, reason) in cleaned.host.cli("claims").stdout
    fine(cleaned.host.prepare(2, request("accel")))
    assert cleaned.host.held()["d2", "accel-0"] == ACCEL[1] and len(cleaned.ran()) == 1


def test_administrator_has_the_last_word(cleaned, daemon):
    cleaned.end("exit 1")
    one = daemon()
    cleaned.use()
    one.wait_for(cleaned.quarantine)
    done = cleaned.host.cli("quarantine", "remove", "--clean", FIRST)
    assert done.returncode == 0, done.stderr
    one.wait_for(lambda: len(cleaned.ran()) == 2 and cleaned.quarantine())
    done = cleaned.host.cli("quarantine", "remove", FIRST)
    assert (done.returncode, done.stdout) == (0, "%s may be given out again\n" % FIRST), done
    assert cleaned.host.claims() == [] and len(cleaned.ran()) == 2
    fine(cleaned.host.prepare(2, request("accel")))
    assert cleaned.host.held()["d2", "accel-0"] == FIRST


def test_clean_by_hand_is_refused(cleaned):
    for device in ACCEL[0], "0000:02:10.0":
        assert cleaned.host.cli("quarantine", "add", device, "x").returncode == 0
    fine(cleaned.host.prepare(1, devices=hostdev(FIRST)))
    done = cleaned.host.cli("quarantine", "remove", "--clean", FIRST)
    assert done.returncode == 1 and "cannot clean %s: it is in use" % FIRST in done.stderr, done
    done = cleaned.host.cli("quarantine", "remove", "--clean", "0000:02:10.0")
    assert done.returncode == 1 and "no device_spec names a cleaner for it" in done.stderr, done
    assert set(cleaned.quarantine()) == {FIRST, "0000:02:10.0"}
    assert cleaned.host.cli("quarantine", "remove", "--clean", ACCEL[1]).returncode == 1


def test_quarantine_for_another_reason_stays(cleaned, daemon):
    fine(cleaned.host.prepare(1, request("accel")))
    assert cleaned.host.cli("quarantine", "add", FIRST, "it rattles").returncode == 0
    fine(cleaned.host.release(1, requests=request("accel")))
    daemon().wait_for(lambda: cleaned.state_of() is None)
    assert cleaned.quarantine() == {FIRST: "it rattles"} and len(cleaned.ran()) == 1


@pytest.mark.parametrize("spoil, reason", [
    (lambda c: (c.clean_d / "wipe").unlink(), "/wipe': No such file or directory"),
    (lambda c: (c.clean_d / "wipe").chmod(0o775), "/wipe': others than root may write it (chmod go-w it)"),
    (lambda c: c.clean_d.chmod(0o777), "/clean.d': others than root may write it (chmod go-w it)"),
])
def test_cleaner_that_may_not_run(spoil, reason, cleaned, daemon):
    spoil(cleaned)
    done = cleaned.host.cli("check")
    assert done.returncode == 2 and re.fullmatch(r"vfalias: \S+vfalias.conf:4: cannot use '[^\n]+\n", done.stderr), done
    assert done.stderr.endswith(reason + "\n") and "valid, but cleaners cannot be run" in done.stdout
    (error,) = json.loads(cleaned.host.cli("check", "--json").stdout)["errors"]
    assert error.endswith(reason)
    one = daemon()
    cleaned.use()
    one.wait_for(cleaned.quarantine)
    assert cleaned.quarantine()[FIRST].endswith(reason) and cleaned.ran() == []


# ---- who is killed ----

def pid_of_runner(cleaned):
    status = (cleaned.folder / "pid").read_text().strip()
    (line,) = [x for x in open("/proc/%s/status" % status).read().splitlines() if x.startswith("PPid:")]
    return int(line.split()[1])


def test_cleaner_outlives_the_daemon(cleaned, daemon):
    cleaned.stay()
    one = daemon()
    cleaned.use()
    one.wait_for(lambda: (cleaned.folder / "pid").exists())
    one.end(signal.SIGKILL)
    one.drop()
    two = daemon()
    two.wait_for("connected")
    assert cleaned.runner().returncode == 0  # another cleaner runs already
    assert len(cleaned.ran()) == 1
    cleaned.go()
    two.wait_for(lambda: cleaned.state_of() is None)
    assert len(cleaned.ran()) == 1


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_runner_that_is_killed_is_started_again(number, cleaned, daemon):
    cleaned.stay()
    one = daemon()
    cleaned.use()
    one.wait_for(lambda: (cleaned.folder / "pid").exists() and (cleaned.folder / "pid").read_text())
    os.kill(pid_of_runner(cleaned), number)
    one.wait_for(lambda: len(cleaned.ran()) == 2)
    assert cleaned.quarantine() == {} and cleaned.state_of() == "cleaning"
    cleaned.go()
    one.wait_for(lambda: cleaned.state_of() is None)


def test_result_waits_for_a_state_file_that_is_locked(cleaned):
    """Before, the result was lost after 10 s, and the cleaner had to run again."""
    cleaned.use()
    cleaned.stay()
    runner = subprocess.Popen([str(PROGRAM), FIRST], env=cleaned.host.env)
    until(cleaned.ran)
    with sqlite3.connect(cleaned.host.state, isolation_level=None) as db:
        db.execute("BEGIN EXCLUSIVE")
        cleaned.go()
        with pytest.raises(subprocess.TimeoutExpired):
            runner.wait(12)
    db.close()
    assert runner.wait(20) == 0 and cleaned.state_of() is None


def test_device_without_a_claim_is_not_cleaned(cleaned):
    fine(cleaned.host.prepare(1, request("accel")))
    done = cleaned.runner()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "") and cleaned.ran() == []


# ---- where systemd runs ----

SYSTEMD_RUN = r"""#!/bin/sh
cd "${0%/*}"
[ ! -e refuse ] || { echo "Failed to start transient service unit: no" >&2; exit 1; }
printf '%s\n' "$@" >args
while [ "$1" != -- ]; do shift; done
shift
"$@" </dev/null >/dev/null 2>&1 &
"""


def test_transient_unit(cleaned, daemon):
    program = cleaned.folder / "systemd-run"
    program.write_text(SYSTEMD_RUN)
    program.chmod(0o755)
    cleaned.host.configure(CLEAN + "clean_timeout = 100\n")
    (cleaned.folder / "refuse").touch()
    one = daemon(env={"VFALIAS_SYSTEMD_RUN": str(program)})
    cleaned.use()
    one.wait_for("cannot start the cleaner of %s: '%s' has failed: Failed to start transient service unit: no"
                 % (FIRST, program))
    (cleaned.folder / "refuse").unlink()
    one.stop()
    two = daemon(env={"VFALIAS_SYSTEMD_RUN": str(program)})
    two.wait_for(lambda: cleaned.state_of() is None)
    args = (cleaned.folder / "args").read_text().splitlines()
    assert args == ["--quiet", "--no-ask-password", "--collect", "--unit=vfalias-clean-" + FIRST,
                    "--description=vfalias: cleans " + FIRST, "--property=SyslogIdentifier=vfalias-clean",
                    "--property=RuntimeMaxSec=160", "--property=TimeoutStopSec=30", "--", str(PROGRAM),
                    "--config=%s" % cleaned.host.config_file, FIRST]


# ---- devices that are used once ----

def used(number=1):
    return {FIRST: "used once by domain 'd%d'" % number}


def test_once(cleaned):
    host = cleaned.host
    host.configure(ONCE)
    fine(host.prepare(1, request("accel")))
    assert cleaned.quarantine() == used()
    fine(host.release(1, requests=request("accel")))
    assert cleaned.quarantine() == used() and host.claims() == []
    fine(host.prepare(1, request("accel")))
    assert host.held()["d1", "accel-0"] == ACCEL[1]
    fine(host.release(1, requests=request("accel")))
    assert host.cli("quarantine", "remove", FIRST).returncode == 0
    fine(host.prepare(2, request("accel")))
    assert host.held()["d2", "accel-0"] == FIRST and cleaned.quarantine()[FIRST] == used(2)[FIRST]


def test_once_is_burned_with_the_claim(cleaned):
    """A start without a claim does not burn the device. A start that is refused after the claim does."""
    host = cleaned.host
    host.configure(ONCE)
    refused(host.prepare(1, request("accel") + request("gone")))
    assert cleaned.quarantine() == {}
    fine(host.prepare(1, request("accel")))
    fine(host.hook("release", domain(1, request("accel")), extra="failed"))
    assert cleaned.quarantine() == used()


def test_once_of_a_domain_that_runs(cleaned):
    """As in Nova, one_time_use counts if it is set while the device is in use."""
    host = cleaned.host
    host.configure(CLEAN)
    fine(host.prepare(1, request("accel")))
    host.configure(ONCE)
    fine(host.release(1, requests=request("accel")))
    assert cleaned.quarantine() == used()


def test_none_is_left(cleaned):
    host = cleaned.host
    host.configure(ONCE)
    for number in range(4):
        cleaned.use(number)
    assert "4 quarantined" in refused(host.prepare(5, request("accel")))
    done = host.cli("explain", "accel")
    assert "used once by domain 'd0'" in done.stdout, done.stdout


def test_once_until_it_is_clean(cleaned, daemon):
    cleaned.host.configure(CLEAN.replace('"wipe"', '"wipe", "one_time_use": true'))
    cleaned.stay()
    one = daemon()
    cleaned.use()
    until(cleaned.ran)
    assert cleaned.quarantine() == used()
    cleaned.go()
    one.wait_for(lambda: cleaned.state_of() is None and cleaned.quarantine() == {})
    cleaned.end("exit 1")
    cleaned.use(2)
    one.wait_for(lambda: cleaned.quarantine() == {FIRST: "cleaner 'wipe' ended with exit status 1: begun"})
