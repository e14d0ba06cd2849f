#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The cost of a hook, as whole processes, compared with /bin/true in the same run.

usage: hook_cost.py [--check] [--runs N] [--devices N,N,...] INSTALLED-TREE

The table has a row for a domain that asks for nothing, and a row for each number of devices: `prepare` with a claim of
the only free device. The commands run in turn, A B A B ..., so that a machine whose speed drifts does not matter.
  wall  median time of a run, and the median of its ratios to the /bin/true of the same turn
  cpu   least processor time (user and system) of a run, and its ratio to the least of /bin/true
The state file is on a tmpfs if this machine has one at /dev/shm, as it is in /run.

--check fails (exit status 1) unless a domain that asks for nothing costs at most 2 times the wall time of /bin/true, a
claim at most 10 times the wall time and 7 times the processor time, and a claim with the most devices within 25 % of a
claim with the fewest. A machine that is busy with other work makes the figures worse, so the measurement is repeated up
to three times.
"""
import argparse
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "integration"))


def timed(command, stdin, env):
    """Wall time and processor time of a run, in ns."""
    files = [(os.POSIX_SPAWN_OPEN, 0, stdin, os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    begin = time.perf_counter_ns()
    pid = os.posix_spawnp(command[0], command, env, file_actions=files)
    status, usage = os.wait4(pid, 0)[1:]
    wall = time.perf_counter_ns() - begin
    if status != 0:
        sys.exit("exit status %d of %s" % (os.waitstatus_to_exitcode(status), command))
    return wall, (usage.ru_utime + usage.ru_stime) * 1e9


def in_turn(commands, runs):
    """(wall, cpu) of each of {label: (command, stdin, env, after)}, run by run."""
    times = {label: [] for label in commands}
    for i in range(runs + 3):
        for label, (command, stdin, env, after) in commands.items():
            took = timed(command, stdin, env)
            if after:
                after()
            if i >= 3:
                times[label].append(took)
    return times


def fill(host, devices):
    """Makes the index and the claims of a host with so many devices, but not the devices. prepare reads only the device
    that it picks from sysfs, so only the last device, which is free, exists."""
    from hookhost import fine, request
    fine(host.prepare(1, request("net")))
    fine(host.release(1, requests=request("net")))
    real = "0000:02:10.0"
    with sqlite3.connect(host.state) as db:
        row = db.execute("SELECT parent, type, vendor, product, class, numa_node, iommu_group FROM device WHERE"
                         " id = ?", (real,)).fetchone()
        for table in ("member", "pool", "device", "device_key"):
            db.execute("DELETE FROM " + table)
        names = ["%04x:%02x:%02x.%x" % (i >> 16, i >> 8 & 255, i >> 3 & 31, i & 7) for i in range(devices + 1)]
        names = [n for n in names[:devices - 1] if n not in (real, row[0])] + [real]
        # as many PFs as such a host has: 250 VFs each
        parents = {n: "ffff:%02x:%02x.0" % (i // 250 >> 5, i // 250 & 31) for i, n in enumerate(names)}
        parents[real] = row[0]
        db.executemany("INSERT INTO device (id, parent, type, vendor, product, class, numa_node, iommu_group) VALUES"
                       " (?, ?, ?, ?, ?, ?, ?, ?)", [(n, parents[n]) + row[1:] for n in names])
        db.executemany("INSERT INTO device_key VALUES (?1, 'X', ?1)", [(n,) for n in names])
        db.executemany("INSERT INTO device_key VALUES ('family ' || ?2, 'S', ?1)", [(n, parents[n]) for n in names])
        db.executemany("INSERT OR IGNORE INTO pool (alias, spec, numa_node, parent, first) VALUES ('net', 0, ?, ?, ?)",
                       [(row[5], parents[n], n) for n in names])
        db.executemany("INSERT INTO member (pool, device) SELECT id, ? FROM pool WHERE parent = ?",
                       [(n, parents[n]) for n in names])
        db.execute("UPDATE pool SET free = (SELECT count(*) FROM member WHERE pool = id)")
        db.executemany("INSERT INTO claim (device, kind, uuid, domain, request, alias, state, since, keys) VALUES"
                       " (?1, 'pci', ?2, 'other', 'net-0', 'net', 'active', 1, json_object(?1, 'X', 'family ' || ?3, 'S'))",
                       [(n, "11111111-0000-4000-8000-%012d" % i, parents[n]) for i, n in enumerate(names)
                        if n != real])


def make_commands(folder, sizes):
    from hookhost import HOOK, Host, domain, request
    plain, asking = folder / "plain.xml", folder / "asking.xml"
    plain.write_text(domain(1, ports=20, devices="<disk/>" * 50))
    asking.write_text(domain(1, request("net"), ports=20, devices="<disk/>" * 50))
    env = {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    commands = {"/bin/true": (["/bin/true"], plain, env, None),
                "bash -c true": (["bash", "-c", "true"], plain, env, None),
                "python3 -c pass": (["/usr/bin/python3", "-c", "pass"], plain, env, None),
                "nothing asked": ([str(HOOK), "d1", "prepare", "begin", "-"], plain, env, None)}
    for n in sizes:
        (folder / str(n)).mkdir()
        host = Host(folder / str(n))
        host.daemon_is_there()
        fill(host, n)
        commands[claim(n)] = ([str(HOOK), "d1", "prepare", "begin", "-"], asking, host.env,
                              lambda host=host: host.hook("release", asking.read_text()))
    return commands


def claim(devices):
    return "claim, %d devices" % devices


def ratio(times, label, base="/bin/true"):
    return statistics.median(a[0] / b[0] for a, b in zip(times[label], times[base]))


def least_cpu(times, label):
    return min(cpu for _, cpu in times[label])


def cpu_ratio(times, label, base="/bin/true"):
    return least_cpu(times, label) / least_cpu(times, base)


def report(times):
    print("%-24s %9s %12s %9s %12s" % ("whole process", "wall ms", "x /bin/true", "cpu ms", "x /bin/true"))
    for label, t in times.items():
        print("%-24s %9.2f %12.2f %9.2f %12.2f" % (label, statistics.median(wall for wall, _ in t) / 1e6,
                                                   ratio(times, label), least_cpu(times, label) / 1e6,
                                                   cpu_ratio(times, label)))


def out_of_bounds(times, sizes):
    nothing, most = ratio(times, "nothing asked"), max(ratio(times, claim(n)) for n in sizes)
    cpu = max(cpu_ratio(times, claim(n)) for n in sizes)
    spread = ratio(times, claim(sizes[-1]), claim(sizes[0]))
    if nothing > 2:
        yield "a domain that asks for nothing costs %.2f times /bin/true, more than 2" % nothing
    if most > 10:
        yield "a claim costs %.2f times /bin/true, more than 10" % most
    if cpu > 7:
        yield "a claim costs %.2f times the processor time of /bin/true, more than 7" % cpu
    if abs(spread - 1) > 0.25:
        yield "a claim with %d devices costs %.2f times one with %d" % (sizes[-1], spread, sizes[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--devices", default="100,1000,10000,100000")
    parser.add_argument("tree")
    options = parser.parse_args()
    os.environ["VFALIAS_INST"] = options.tree
    sizes = [int(n) for n in options.devices.split(",")]
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        commands = make_commands(Path(folder), sizes)
        for _ in range(3):
            times = in_turn(commands, options.runs)
            report(times)
            wrong = list(out_of_bounds(times, sizes)) if options.check else []
            if not wrong:
                break
            print("\n".join(wrong))
    if options.check and not wrong:
        print("all within their bounds")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
