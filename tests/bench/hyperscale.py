#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What vDPA devices that are made on demand cost, on a host with very many of them.

usage: hyperscale.py [--check] [--sizes N,N,...] [--together N] [--real] INSTALLED-TREE

Guests that have a vDPA interface in their definition start until the host has the greatest of the sizes, --together at
a time: each is a `prepare` hook, which makes and claims its device. At each size, a row of the table:
  kernel   a device that is made without vfalias, by tests/kernel/maker.c, or by `vdpa dev add` with --real
  start    `prepare` of a guest, including what the kernel needs
  ours     the difference
Whole processes run in turn, alone: the median of their wall times, and the least processor time (user and system).
Then `stats` and `claims` with all devices, the least of three times; and `release` of all guests, after which nothing
is left.

Without --real, the host is a made one (tests/integration/madekernel.py): its kernel is slower than a real one, so only
what is ours, and whether it grows, says something. With --real it is this machine: it needs root, and a simulator that
nobody else uses (modprobe vdpa_sim_net vhost_vdpa).

--check fails (exit status 1) unless ours is at most 10 ms of processor time at each size, the same within 25 % or 1 ms
at all sizes, and `stats` takes at most 0.1 s, `claims` at most 0.3 s.
"""
import argparse
import concurrent.futures
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "integration"))

CONFIG = """
[pci]
device_spec = {"mgmtdev": "vdpasim_net", "physical_network": "physnet1"}
alias = {"name": "vnet", "device_type": "vdpa", "physical_network": "physnet1"}
[vfalias]
state = %(state)s
sysfs_root = %(sysfs)s
libvirt_run = %(run)s
"""
RUNS = 25


def timed(command, xml, env):
    """Wall time and processor time of a process and its children, in ms."""
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as stderr:
        stdin.write(xml.encode())
        stdin.flush()
        stdin.seek(0)
        begin = time.perf_counter()
        program = subprocess.Popen(command, stdin=stdin, stdout=stderr, stderr=stderr, env=env)
        _, status, usage = os.wait4(program.pid, 0)
        program.returncode = status
        wall = time.perf_counter() - begin
        if status != 0:
            stderr.seek(0)
            raise SystemExit("%s: %s" % (" ".join(command), stderr.read().decode().strip()))
    return wall * 1e3, (usage.ru_utime + usage.ru_stime) * 1e3


class MadeHost:
    def __init__(self, folder, build):
        import madekernel
        from hookhost import Host
        from sysfs_tree import Tree
        self.host = Host(folder, CONFIG, Tree)
        self.kernel = madekernel.MadeKernel(self.host.tree, madekernel.build(folder))
        self.kernel.vdpa()
        self.kernel.mgmtdev("vdpasim_net")
        self.host.env.update(self.kernel.env)
        self.maker = [str(build / "tests/kernel/maker"), str(self.host.tree.root), "10000"]

    def add(self, name):
        return self.maker + ["add", name, "vdpasim_net"]

    def delete(self, name):
        return self.maker + ["delete", name]

    def count(self):
        return len(os.listdir(self.host.tree.root / "bus/vdpa/devices"))


class RealHost:
    def __init__(self, folder, _build):
        from hookhost import Host
        self.host = Host(folder, CONFIG, lambda root: type("Tree", (), {"root": "/sys"}))
        if self.count():
            raise SystemExit("this host has vDPA devices already")

    @staticmethod
    def add(name):
        return ["vdpa", "dev", "add", "name", name, "mgmtdev", "vdpasim_net"]

    @staticmethod
    def delete(name):
        return ["vdpa", "dev", "del", name]

    @staticmethod
    def count():
        return len(os.listdir("/sys/bus/vdpa/devices"))


class Guests:
    def __init__(self, made):
        from hookhost import HOOK
        self.made, self.hook = made, str(HOOK)

    def xml(self, number):
        from hookhost import domain, request, uuid
        source = self.made.host.state.parent / "vdpa" / uuid(number) / "port"
        return domain(number, request("vnet", name="port"), "<interface type='vdpa'><source dev='%s'/>"
                      "<alias name='ua-vf-port'/></interface>" % source)

    def run(self, operation, number):
        sub = "end" if operation == "release" else "begin"
        return timed([self.hook, "d%d" % number, operation, sub, "-"], self.xml(number), self.made.host.env)

    def all(self, operation, numbers, together):
        with concurrent.futures.ThreadPoolExecutor(together) as pool:
            return list(pool.map(lambda number: self.run(operation, number), numbers))


def at_size(made, guests, size):
    """(wall, cpu) of the kernel alone, and of a start."""
    kernel, start = [], []
    for i in range(RUNS):
        kernel.append(timed(made.add("bench%d" % i), "", made.host.env))
        timed(made.delete("bench%d" % i), "", made.host.env)
        start.append(guests.run("prepare", size + 1 + i))
        guests.run("release", size + 1 + i)
    return [(statistics.median(wall for wall, _ in runs), min(cpu for _, cpu in runs)) for runs in (kernel, start)]


def measured(made, guests, size):
    kernel, start = at_size(made, guests, size)
    print("%8d %10.1f %7.1f %10.1f %7.1f %10.1f %7.1f" % (size, *kernel, *start, start[0] - kernel[0],
                                                          start[1] - kernel[1]), flush=True)
    return start[1] - kernel[1]


def seconds(made, *args):
    from hookhost import CLI
    return min(timed([str(CLI), *args], "", made.host.env)[0] for _ in range(3)) / 1e3


def out_of_bounds(ours, listings):
    for size, cpu in ours.items():
        if cpu > 10:
            yield "ours is %.1f ms of processor time at %d, more than 10" % (cpu, size)
    least, most = min(ours.values()), max(ours.values())
    if most > least * 1.25 and most > least + 1:
        yield "ours is %.1f to %.1f ms of processor time: it grows" % (least, most)
    for (what, limit), took in listings.items():
        if took > limit:
            yield "%s takes %.2f s, more than %.1f" % (what, took, limit)


def measure(made, guests, options):
    sizes = [int(n) for n in options.sizes.split(",")]
    print("%8s %10s %7s %10s %7s %10s %7s" % ("devices", "kernel ms", "cpu", "start ms", "cpu", "ours ms", "cpu"))
    ours, before = {}, 0
    for size in sizes:
        guests.all("prepare", range(before + 1, size + 1), options.together)
        before = size
        if made.count() != size:
            raise SystemExit("%d devices for %d guests" % (made.count(), size))
        ours[size] = measured(made, guests, size)
    listings = {(what, limit): seconds(made, what) for what, limit in (("stats", 0.1), ("claims", 0.3))}
    for (what, limit), took in listings.items():
        print("%-8s %10.2f s  at most %.1f" % (what, took, limit))
    guests.all("release", range(1, before + 1), options.together)
    if made.count():
        raise SystemExit("%d devices are left" % made.count())
    return list(out_of_bounds(ours, listings))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--sizes", default="100,1000,10000")
    parser.add_argument("--together", type=int, default=8)
    parser.add_argument("--real", action="store_true")
    parser.add_argument("tree", type=Path)
    options = parser.parse_args()
    os.environ["VFALIAS_INST"] = str(options.tree)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        made = (RealHost if options.real else MadeHost)(Path(folder), options.tree.parent)
        wrong = measure(made, Guests(made), options)
    if options.check:
        print("\n".join(wrong) or "all within their bounds")
    return 1 if options.check and wrong else 0


if __name__ == "__main__":
    sys.exit(main())
