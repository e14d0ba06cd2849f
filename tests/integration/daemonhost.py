# SPDX-License-Identifier: LGPL-2.1-or-later
"""vfaliasd as a process on a made host, with libvirt's test driver: it has domains, and attaches nothing."""
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from hookhost import CONFIG, INST, domain

DAEMON = Path(os.environ.get("VFALIAS_DAEMON", INST / "sbin/vfaliasd"))
# Until something must have happened. VFALIAS_DAEMON is a build that is slow, such as that of ThreadSanitizer.
SECONDS = 60 if "VFALIAS_DAEMON" in os.environ else 20


def quiet(host):
    """The host, with nothing on it that seems to be vfaliasd."""
    host.daemon_is_gone()
    Path(str(host.state) + ".lock").unlink()
    host.configure(CONFIG + "require_daemon = no\n")
    return host


def guest(number, requests="", devices=""):
    """A domain of the test driver, which is there to run."""
    return domain(number, requests, devices, machine="i440fx").replace("type='kvm'", "type='test'").replace(
        "machine='pc-i440fx'", "").replace("<os>", "<memory>1024</memory><os>")


def shut_off(xml, state=5):
    """The same domain, as the test driver is to have it at first."""
    return xml.replace("<domain ", "<domain xmlns:test='http://libvirt.org/schemas/domain/test/1.0' ").replace(
        "</domain>", "<test:runstate>%d</test:runstate></domain>" % state)


def paused(xml):
    return shut_off(xml, state=3)


# As systemd hands over the descriptor that it has kept.
HAND_OVER = '''[ "$0" = 3 ] || eval "exec 3<&$0 $0<&-"; exec env LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=presence "$@"'''


def wait_until_still(what, quiet, seconds=SECONDS):
    """Until what() has returned the same for `quiet` seconds. Returns that."""
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
        """until: what it has to say to systemd, in this order, before it counts as started. handed: the descriptor that
        systemd has kept for it. `told`: what it said until then, but for its status; `kept`: what it gave to be kept."""
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
                while message not in self.hear(ready):  # the connection's state is told as well, by another thread
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
        """Until `what` (a line of the log, or a function) is there."""
        end = time.monotonic() + seconds
        while not (what() if callable(what) else what in self.text()):
            assert self.process.poll() is None and time.monotonic() < end, (what, self.text(), self.host.held())
            time.sleep(0.02)

    def switches(self):
        """How often its threads went to sleep."""
        return sum(int(line.split()[1]) for status in Path("/proc/%d/task" % self.process.pid).glob("*/status")
                   for line in status.read_text().splitlines() if line.startswith("voluntary_ctxt_switches"))

    def stop(self, number=signal.SIGTERM):
        assert self.end(number) == 0, self.text()
        self.drop()
        return self.text()

    def end(self, number):
        """As when systemd is to start another: what it gave is kept."""
        self.process.send_signal(number)
        return self.process.wait(SECONDS)

    def drop(self):
        while self.kept:
            os.close(self.kept.pop())
