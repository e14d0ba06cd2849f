# SPDX-License-Identifier: LGPL-2.1-or-later
"""Processes in namespaces of their own (private-init). They cannot change anything outside, and end with this process,
however it ends: process 1 of the namespace reads a pipe that this process holds.

Files inside are reached from outside through /proc/PID/root. nsenter runs programs inside.
"""
import subprocess
import threading
from pathlib import Path

from watching import LIMIT, Datagrams, Lines, News

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": "/root"}

# A shell between nsenter and the program: nsenter stops for ever when its child is stopped.
RUN = '"$@" & echo $! >"$0"; wait $!'


def _child_of(pid):
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            return int(stat.parent.name)
    raise ProcessLookupError("no child of %d" % pid)


class Namespace:
    def __init__(self, init, installed):
        self.news = News()
        self._unshare = subprocess.Popen(
            ["unshare", "--mount", "--net", "--ipc", "--pid", "--fork", "--kill-child",
             "--mount-proc", init, installed],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self._unshare.stdout.readline() != "ready\n":
            raise RuntimeError("no private host: " + self._unshare.communicate()[1].strip())
        self.pid = _child_of(self._unshare.pid)

    def close(self):
        self._unshare.stdin.close()
        self._unshare.wait(LIMIT)

    def path(self, inside):
        return Path("/proc/%d/root" % self.pid) / str(inside).lstrip("/")

    def command(self, argv):
        return ["nsenter", "--target", str(self.pid), "--mount", "--net", "--ipc", "--pid", "--"] + \
            [str(word) for word in argv]

    def run(self, *argv, check=True, stdin="", seconds=LIMIT, environ=None):
        """Runs a program inside until it ends."""
        done = subprocess.run(self.command(argv), input=stdin, capture_output=True, text=True,
                              timeout=seconds, env={**ENVIRONMENT, **(environ or {})}, cwd="/")
        if check and done.returncode != 0:
            raise AssertionError("%s: exit %d: %s%s" % (" ".join(map(str, argv)), done.returncode,
                                                        done.stdout, done.stderr))
        return done

    def kill(self, pid, signal="KILL"):
        self.run("kill", "-" + signal, pid)


class Service:
    """A program inside that runs until it is stopped, and reports by sd_notify(3) that it is ready."""

    def __init__(self, space, name, argv):
        self._space = space
        self._name = name
        self._argv = argv
        self._process = None
        self.lines = None
        self.notified = None

    def start(self, wait=True):
        assert not self.running(), "%s runs already" % self._name
        pid_file = self._space.path("/run/%s-pid" % self._name)
        notify = "/run/%s-notify" % self._name
        pid_file.unlink(missing_ok=True)
        self._space.path(notify).unlink(missing_ok=True)
        self.notified = Datagrams(self._space.news, self._space.path(notify))
        self._process = subprocess.Popen(
            self._space.command(["sh", "-c", RUN, "/run/%s-pid" % self._name, *self._argv]),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env={**ENVIRONMENT, "NOTIFY_SOCKET": notify}, cwd="/")
        self.lines = Lines(self._space.news, self._process.stderr)
        threading.Thread(target=self._await_end, args=(self._process,), daemon=True).start()
        if wait:
            self.wait_ready()

    def wait_ready(self):
        self._space.news.until(lambda: self.notified.find("READY=1") or not self.running(),
                               "%s does not get ready" % self._name)
        assert self.running(), "%s has ended: %s" % (self._name, self.lines.lines[-5:])

    def _await_end(self, process):
        process.wait()
        self._space.news.tell()

    def running(self):
        return self._process is not None and self._process.poll() is None

    def pid(self):
        """The process id inside the namespace."""
        return int(self._space.path("/run/%s-pid" % self._name).read_text())

    def signal(self, signal):
        self._space.kill(self.pid(), signal)

    def kill(self):
        self.signal("KILL")
        self.wait_end()

    def stop(self):
        """Returns the exit status, or None if it did not run."""
        if not self.running():
            return None
        self.signal("CONT")  # a test that failed may have stopped the process
        self.signal("TERM")
        return self.wait_end()

    def wait_end(self):
        status = self._process.wait(LIMIT)
        self.lines.reader.join(LIMIT)
        self.notified.close()
        return status
