# SPDX-License-Identifier: LGPL-2.1-or-later
"""vfaliasd with a library in front of libvirt (shim.h). The library records vfaliasd's calls; the test decides what
libvirt answers. The domains are the test driver's, so no guest runs, and each test takes milliseconds."""
import collections
import os
import subprocess
from pathlib import Path

from daemonhost import DAEMON, SECONDS, Daemon, wait_until_still

HERE = Path(__file__).parent

# libvirt's numbers that the tests need
ERR_INTERNAL, ERR_RPC, ERR_NO_DOMAIN, ERR_TIMEOUT = 1, 39, 42, 68
JOB_UNBOUNDED = 2
OPERATION_SAVE, OPERATION_MIGRATION_OUT, OPERATION_BACKUP = 2, 5, 9
CONTROL_JOB, CONTROL_OCCUPIED = 1, 2
RUNNING, BLOCKED, PAUSED, PMSUSPENDED = 1, 2, 3, 7
KEEPALIVE = 2  # reason of a connection that is closed

# the build with ThreadSanitizer needs at most so many times the processor time
SLOWER = 10 if "libtsan" in subprocess.run(["ldd", str(DAEMON)], capture_output=True, text=True).stdout else 1

Call = collections.namedtuple("Call", "time cpu thread function domain detail")


def build(folder):
    library = Path(folder) / "libvirt-shim.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-g", "-o", str(library), *map(str, sorted(HERE.glob("*.c"))), "-lvirt"],
                   check=True)
    return library


class ShimDaemon(Daemon):
    def __init__(self, host, library, *guests, rules=(), env=(), **more):
        """rules: rules from the start, as for rule()."""
        self.shim = host.folder / "shim"
        self.shim.mkdir(exist_ok=True)
        (self.shim / "calls").unlink(missing_ok=True)
        (self.shim / "rules").write_text("".join("rule %s\n" % rule for rule in rules))
        if not (self.shim / "control").exists():
            os.mkfifo(self.shim / "control")
        self.commands = 0
        # ThreadSanitizer sees the locks of libvirt, but not its accesses to memory. Threads that wait for libvirt are
        # left at the end.
        super().__init__(host, *guests, env={"LD_PRELOAD": str(library), "VFA_SHIM": str(self.shim),
                                             "TSAN_OPTIONS": "ignore_noninstrumented_modules=1 report_thread_leaks=0", **dict(env)}, **more)

    def calls(self, function=None, domain=None, since=0):
        """The calls so far, in order. since: the number of calls to leave out."""
        whole = self.shim.joinpath("calls").read_text()
        lines = whole[:whole.rfind("\n") + 1].splitlines()[since:]
        calls = [Call(float(a), float(b), int(c), d, e, f) for a, b, c, d, e, f in (line.split(" ", 5) for line in lines)]
        return [call for call in calls if function in (None, call.function) and domain in (None, call.domain)]

    def mark(self):
        """The present end of calls(), for `since`."""
        return len(self.calls())

    def wait_for_call(self, function, domain=None, n=1, since=0, seconds=SECONDS):
        """Waits until the function was called n times; returns the n-th call."""
        self.wait_for(lambda: len(self.calls(function, domain, since)) >= n, seconds)
        return self.calls(function, domain, since)[n - 1]

    def do(self, *commands):
        """Runs commands of shim.h together; returns when they are done."""
        before = len(self.calls("did"))
        with open(self.shim / "control", "w") as control:
            control.write("".join(command + "\n" for command in commands))
        self.wait_for_call("did", n=before + len(commands))
        failed = [call for call in self.calls("did")[before:] if call.domain == "failed"]
        assert not failed, failed

    def rule(self, text):
        self.do("rule " + text)

    def lift(self, what):
        """Drops the rules for "FUNCTION DOMAIN"."""
        self.do("drop " + what)

    def cpu(self):
        """Seconds of processor time so far."""
        fields = Path("/proc/%d/stat" % self.process.pid).read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wait_until_idle(self, quiet=0.3, seconds=SECONDS):
        """Waits until there was no call for `quiet` seconds. Returns mark()."""
        return wait_until_still(self.mark, quiet, seconds)


def count(calls):
    """{function: number of calls}, of libvirt's functions."""
    return collections.Counter(call.function for call in calls if call.function.startswith("vir"))
