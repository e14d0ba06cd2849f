#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The cost of a host with very many VFs: how long a rescan delays a start, how much memory the list of devices needs,
how long `stats` takes, and whether starts that find no free device delay other starts.

usage: many_devices.py [--check] [--devices N] INSTALLED-TREE

--check fails (exit status 1) unless, for 100,000 devices, a rescan holds a lock for at most 0.5 s, `devices --json`
needs at most 100 MB, `stats` takes at most 0.1 s, five starts at once for an alias without devices are all refused for
this reason, and a start at the same time takes at most 2 s. For fewer devices the limits are lower, down to the needs
of a program without devices. A machine that is busy with other work makes the figures worse, so the measurement is
repeated up to three times.
"""
import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "integration"))

MORE = '\n[pci]\nalias = {"name": "gpu", "vendor_id": "10de", "product_id": "20b2", "device_type": "type-PCI"}\n'


def address(i):
    return "%04x:%02x:%02x.%x" % (i >> 16, i >> 8 & 255, i >> 3 & 31, i & 7)


class Sysfs:
    """PFs with 64 VFs each, in as few files as possible: values that devices share are hard links."""

    def __init__(self, root, number):
        self.root, self.values = Path(root), Path(root) / ".values"
        self.values.mkdir(parents=True)
        (self.root / "class/net").mkdir(parents=True)
        self.groups = 0
        slot = 256
        while number > 0:
            vfs = [address(slot + 1 + i) for i in range(min(64, number))]
            self.card(address(slot), vfs)
            number -= len(vfs)
            slot += 1 + len(vfs)

    def value(self, path, text):
        shared = self.values / text
        if not shared.exists():
            shared.write_text(text + "\n")
        os.link(shared, path)

    def device(self, name, product, driver):
        folder = self.root / "bus/pci/devices" / name
        folder.mkdir(parents=True)
        for key, text in (("vendor", "0x8086"), ("device", product), ("class", "0x020000"), ("numa_node", "0")):
            self.value(folder / key, text)
        os.symlink("../../drivers/" + driver, folder / "driver")
        os.symlink("../../../../kernel/iommu_groups/%d" % self.groups, folder / "iommu_group")
        members = self.root / "kernel/iommu_groups" / str(self.groups) / "devices"
        members.mkdir(parents=True)
        os.symlink("../../../../bus/pci/devices/" + name, members / name)
        self.groups += 1
        return folder

    def card(self, pf, vfs):
        folder = self.device(pf, "0x10c9", "igb")
        self.value(folder / "sriov_totalvfs", "64")
        for i, vf in enumerate(vfs):
            os.symlink("../" + vf, folder / ("virtfn%d" % i))
            os.symlink("../" + pf, self.device(vf, "0x10ca", "igbvf") / "physfn")


def make_host(folder, number):
    from hookhost import CONFIG, Host
    host = Host(folder, CONFIG + MORE, lambda root: Sysfs(root, number))
    host.daemon_is_there()
    done = host.cli("rescan")
    if done.returncode != 0:
        sys.exit(done.stderr)
    return host


def locked(path):
    with sqlite3.connect(path, timeout=0, isolation_level=None) as db:
        try:
            db.execute("BEGIN EXCLUSIVE")  # as a commit needs it: a reader delays it, too
            db.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return True
    return False


def lock_seconds(host):
    """How long a rescan holds a lock that delays a commit."""
    program = subprocess.Popen([str(CLI()), "rescan"], stdout=subprocess.DEVNULL, env=host.env)
    held = 0.0
    while program.poll() is None:
        begin = time.monotonic()
        busy = locked(host.state)
        time.sleep(0.005)
        held += (time.monotonic() - begin) if busy else 0
    return held


def CLI():
    from hookhost import CLI as cli
    return cli


def megabytes(host, *args):
    program = subprocess.Popen([str(CLI()), *args], stdout=subprocess.DEVNULL, env=host.env)
    _, status, usage = os.wait4(program.pid, 0)
    program.returncode = status
    return usage.ru_maxrss / 1024


def seconds(host, *args):
    """The least of three times."""
    took = []
    for _ in range(3):
        begin = time.monotonic()
        subprocess.run([str(CLI()), *args], stdout=subprocess.DEVNULL, env=host.env, check=True)
        took.append(time.monotonic() - begin)
    return min(took)


def starts(host):
    """Seconds of a start that finds a device, and the messages of five starts that find none."""
    from hookhost import fine, request
    said = []

    def start_in_vain(number):
        said.append(host.prepare(number, request("gpu")).stderr.strip())

    with sqlite3.connect(host.state) as db:
        db.execute("DELETE FROM meta WHERE key = 'scanned'")
    threads = [threading.Thread(target=start_in_vain, args=(10 + i,)) for i in range(5)]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    begin = time.monotonic()
    fine(host.prepare(1, request("net")))
    took = time.monotonic() - begin
    for thread in threads:
        thread.join()
    fine(host.release(1, requests=request("net")))
    return took, [text for text in said if "no free device" not in text]


def measure(host, share):
    """Rows of (what, figure, unit, limit)."""
    took, strange = starts(host)
    return [("write lock of a rescan", lock_seconds(host), "s", max(0.5 * share, 0.3)),
            ("stats", seconds(host, "stats"), "s", 0.1),
            ("devices --json", megabytes(host, "devices", "--json"), "MB", 100 * share + 16),
            ("a start beside five in vain", took, "s", 2),
            ("of these, refused for something else", len(strange), "", 0)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--devices", type=int, default=100000)
    parser.add_argument("tree")
    options = parser.parse_args()
    os.environ["VFALIAS_INST"] = options.tree
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        host = make_host(folder, options.devices)
        for _ in range(3 if options.check else 1):
            rows = measure(host, options.devices / 100000)
            for what, figure, unit, limit in rows:
                print("%-38s %8.2f %-2s  at most %.2f" % (what, figure, unit, limit))
            wrong = [what for what, figure, _, limit in rows if figure > limit]
            if not wrong:
                break
    if options.check:
        print("too much: %s" % ", ".join(wrong) if wrong else "all within their bounds")
    return 1 if options.check and wrong else 0


if __name__ == "__main__":
    sys.exit(main())
