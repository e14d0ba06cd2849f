# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs one program as libvirt runs a hook: arguments, standard input, a clean environment. A fault may kill the program
or make a call fail. When run() returns, no process of the program is left."""
import ctypes
import os
import signal
import time

OPERATIONS = ("prepare", "started", "release", "reconnect", "migrate", "restore", "resolve", "gc", "rescan",
              "release verb", "quarantine", "listing", "configure", "VFs", "state lost", "crash")
FINE, REFUSED, KILLED, FAULTY = range(4)
LIMIT = 12.0  # seconds for a program: SQLite waits up to 10 s for a lock, the hook up to 2 s for a driver
FAULTS = (("file", 70), ("open", 120), ("commit", 4), ("netlink", 8), ("memory", 6000))
SIGNALS = [signal.SIGPIPE, signal.SIGINT, signal.SIGTERM]


class Fault:
    """after: SIGKILL for the program and its children so many seconds after the start. text: the fault for inject.c."""

    def __init__(self, kind=None, text=None, after=None):
        self.kind, self.text, self.after = kind, text, after

    def __str__(self):
        return self.text or ("killed after %.4f s" % self.after if self.after else "none")


NO_FAULT = Fault()


def draw_fault(chance):
    """SIGKILL for a third of the programs, another fault for an eighth."""
    what = chance.random()
    if what < 1 / 6:
        return Fault("kill", after=chance.expovariate(1 / 0.004))
    if what < 1 / 3:
        return Fault("kill", "kill:%d" % int(80 ** chance.random()))
    if what < 1 / 3 + 1 / 8:
        kind, most = chance.choice(FAULTS)
        return Fault(kind, "%s:%d" % (kind, int(most ** chance.random())))
    return NO_FAULT


class Done:
    def __init__(self, status, out, err, fault, log=""):
        self.status, self.out, self.err, self.fault, self.log = status, out, err, fault, log

    @property
    def killed(self):
        """Whether the fault is SIGKILL, or the program died of a failed allocation in a careless library."""
        return self.status == -signal.SIGKILL or (self.fault.kind == "memory" and self.status in
                                                  (-signal.SIGSEGV, -signal.SIGABRT))

    def __str__(self):
        return "status %d, fault %s, stdout %r, stderr %r, journal %r" % (
            self.status, self.fault, self.out[-200:], self.err[-500:], self.log[-500:])


class Runner:
    def __init__(self, host, worker):
        self.host, self.worker = host, worker
        self.counts = host.model.done[worker]
        self.longest = host.model.longest[worker]
        self._open_files()
        pr_set_child_subreaper = 36  # this process must wait for the children of a killed program
        ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0)

    def _open_files(self):
        self.files = [os.memfd_create(name) for name in ("in", "out", "err")]
        self.actions = [(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(self.files)]

    def _close_files(self):
        for fd in self.files:
            os.close(fd)

    def _feed(self, text):
        for fd in self.files:
            os.ftruncate(fd, 0)
            os.lseek(fd, 0, os.SEEK_SET)
        os.pwrite(self.files[0], text, 0)

    def _wait(self, pid, fault):
        if fault.after is not None:
            time.sleep(fault.after)
            os.killpg(pid, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        while status < 0:  # the children end, too, or continue by themselves
            try:
                os.waitpid(-1, 0)
            except ChildProcessError:
                break
        return status

    def run(self, operation, argv, text=b"", fault=NO_FAULT, env=None):
        log = self.host.folder / ("log-%d" % self.worker)
        log.write_text("")
        env = dict(self.host.env if env is None else env, VFA_SOAK_LOG=str(log))
        if fault.text:
            env = dict(env, VFA_FAULT=fault.text)
        self._feed(text)
        began = time.monotonic()
        pid = os.posix_spawn(argv[0], argv, env, file_actions=self.actions, setpgroup=0, setsigdef=SIGNALS)
        self.host.model.began[self.worker] = began
        self.host.model.pid[self.worker] = pid
        status = self._wait(pid, fault)
        self.host.model.pid[self.worker] = 0
        took = time.monotonic() - began
        done = Done(status, os.pread(self.files[1], 1 << 20, 0), os.pread(self.files[2], 1 << 16, 0), fault,
                    log.read_text())
        if status < 0:
            self._close_files()
            self._open_files()
        self.count(operation, done)
        self.host.note(self.worker, "%.4f s: %s: %s" % (took, " ".join(argv[1:]), done))
        self._check(operation, argv, done, took)
        return done

    def count(self, operation, done=None):
        number = OPERATIONS.index(operation)
        result = FINE
        if done and done.killed:
            result = KILLED
        elif done and done.status != 0:
            result = FAULTY if done.fault.kind else REFUSED
        self.counts[number][result] += 1

    def _check(self, operation, argv, done, took):
        number = OPERATIONS.index(operation)
        self.longest[number] = max(self.longest[number], took)
        if took > LIMIT and operation != "gc":  # gc waits for each domain in turn
            self.violation("%s took %.1f s: %s" % (" ".join(argv[1:]), took, done))
        if done.killed:
            return
        if done.status < 0:
            self.violation("%s ended by a signal: %s" % (" ".join(argv[1:]), done))
        elif done.status != 0 and done.fault.kind != "memory" and not is_one_line(done.err):
            self.violation("%s: its refusal is not one line: %s" % (" ".join(argv[1:]), done))

    def violation(self, text):
        self.host.violation("worker %d: %s" % (self.worker, text))


def is_one_line(text):
    return text.startswith(b"vfalias: ") and text.endswith(b"\n") and text.count(b"\n") == 1
