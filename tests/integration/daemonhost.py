# SPDX-License-Identifier: LGPL-2.1-or-later
"""vfaliasd as a process on a fake host, with libvirt's test driver, which has domains and cannot attach devices."""
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from hookhost import CONFIG, INST, domain

DAEMON = Path(os.environ.get("VFALIAS_DAEMON", INST / "sbin/vfaliasd"))
# The limit of each wait. VFALIAS_DAEMON names a slow build, such as the build with ThreadSanitizer.
SECONDS = 60 if "VFALIAS_DAEMON" in os.environ else 20


def quiet(host):
    """The fake host without the lock that `host` holds: vfaliasd does not seem to run."""
    host.daemon_is_gone()
    Path(str(host.state) + ".lock").unlink()
    host.configure(CONFIG + "require_daemon = no\n")
    return host


def guest(number, requests="", devices=""):
    """A domain of the test driver, which runs from the start."""
    return domain(number, requests, devices, machine="i440fx").replace("type='kvm'", "type='test'").replace(
        "machine='pc-i440fx'", "").replace("<os>", "<memory>1024</memory><os>")


def shut_off(xml, state=5):
    """The same domain; it does not run at the start."""
    return xml.replace("<domain ", "<domain xmlns:test='http://libvirt.org/schemas/domain/test/1.0' ").replace(
        "</domain>", "<test:runstate>%d</test:runstate></domain>" % state)


def paused(xml):
    return shut_off(xml, state=3)


# Passes the kept descriptor to vfaliasd as systemd does.
HAND_OVER = '''[ "$0" = 3 ] || eval "exec 3<&$0 $0<&-"; exec env LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=presence "$@"'''


def wait_until_still(what, quiet, seconds=SECONDS):
    """Waits until what() has returned the same value for `quiet` seconds. Returns the value."""
    end = time.monotonic() + seconds
    last, at = what(), time.monotonic()
    while time.monotonic() - at < quiet:
        assert time.monotonic() < end, last
        time.sleep(0.02)
        now = what()
        if now != last:
            last, at = now, time.monotonic()
    return last


class Daemon:
    def __init__(self, host, *guests, uri=None, options=(), env=(), until=(b"READY=1",), handed=None):
        """until: messages to systemd, in this order; after the last one vfaliasd counts as started. handed: a
        descriptor that systemd has kept for vfaliasd. `told`: the messages until then, without STATUS=; `kept`: the
        descriptor that vfaliasd gave to systemd."""
        self.host = host
        self.told = []
        self.kept = []
        self.node = host.folder / "node.xml"
        self.node.write_text("<node><cpu><mhz>1</mhz><model>x</model><active>1</active><nodes>1</nodes><sockets>1</sockets>"
                             "<cores>1</cores><threads>1</threads></cpu><memory>1000000</memory>%s</node>" % "".join(guests))
        self.log = host.folder / "log"
        notify = host.folder / "notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(str(notify))
            ready.settimeout(SECONDS)
            with open(self.log, "w") as log:
                self.process = subprocess.Popen(
                    [*(["bash", "-c", HAND_OVER, str(handed)] if handed else []),
                     str(DAEMON), "--uri", uri or "test://%s" % self.node, "--log-level", "debug", *options],
                    env={**host.env, "NOTIFY_SOCKET": str(notify), **dict(env)}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    pass_fds=[handed] if handed else [])
            for message in until:
                while message not in self.hear(ready):  # another thread sends the status of the connection in between
                    pass
        notify.unlink()

    def hear(self, ready):
        message, fds, _, _ = socket.recv_fds(ready, 4096, 1)
        if b"STATUS=" not in message:
            self.told.append(message)
        self.kept += fds
        return message

    def text(self):
        return self.log.read_text()

    def wait_for(self, what, seconds=SECONDS):
        """Waits for `what`: a line of the log, or a function that returns true."""
        end = time.monotonic() + seconds
        while not (what() if callable(what) else what in self.text()):
            assert self.process.poll() is None and time.monotonic() < end, (what, self.text(), self.host.held())
            time.sleep(0.02)

    def switches(self):
        """The number of voluntary context switches of all threads."""
        return sum(int(line.split()[1]) for status in Path("/proc/%d/task" % self.process.pid).glob("*/status")
                   for line in status.read_text().splitlines() if line.startswith("voluntary_ctxt_switches"))

    def stop(self, number=signal.SIGTERM):
        assert self.end(number) == 0, self.text()
        self.drop()
        return self.text()

    def end(self, number):
        """Ends vfaliasd as systemd does before it starts another one: systemd keeps the descriptor."""
        self.process.send_signal(number)
        return self.process.wait(SECONDS)

    def drop(self):
        while self.kept:
            os.close(self.kept.pop())
