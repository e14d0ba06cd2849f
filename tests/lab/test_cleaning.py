# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cleaners that systemd runs: units of their own, which outlive vfaliasd and are started again when they are killed."""
from asking import CONFIGURATION, metadata, pool
from guestxml import guest_xml

__all__ = ["pool"]  # a fixture
CLEANED = CONFIGURATION.replace('{"address": "*:03:*.*"}', '{"address": "*:03:*.*", "clean": "probe"}')
# Logs its arguments and its unit, and ends as the test says.
PROBE = """#!/bin/sh
echo "$@" "$(cut -d: -f3- /proc/self/cgroup)" >>/run/probe.log
read -r status </run/probe.end
echo "probe ends with $status"
exit "$status"
"""


def wait_runs(lab, times):
    lab.wait_for(f"test $(wc -l </run/probe.log) = {times}")
    return lab.get("/run/probe.log").splitlines()


def test_cleaners_are_units(lab, pool):
    lab.put("/etc/vfalias/clean.d/probe", PROBE, mode=0o755)
    lab.run("rm -f /run/probe.log; touch /run/probe.log; mkfifo /run/probe.end")
    pool.configure(CLEANED)
    lab.define(guest_xml("db1", metadata=metadata("accel"), kernel=False))
    try:
        since = lab.cursor()
        pool.start("db1", "accel-0")
        device, uuid = pool.devices("db1")["accel-0"].source, lab.virsh("domuuid", "db1")
        lab.virsh("destroy", "db1")
        unit = f"vfalias-clean-{device}.service"
        assert wait_runs(lab, 1) == [f"pci {device} {uuid} /system.slice/{unit}"]
        assert lab.run(f"vfalias claims --json | jq -r '.[] | \"\\(.device) \\(.state)\"'").stdout == f"{device} cleaning\n"

        lab.run(f"systemctl kill -s KILL '{unit}'")
        assert wait_runs(lab, 2)[0] == wait_runs(lab, 2)[1]
        pool.daemon("restart")
        lab.run("echo 0 >/run/probe.end")
        pool.wait_released()
        assert len(wait_runs(lab, 2)) == 2 and pool.free()["accel"] == 4
        assert lab.run(f"journalctl -q -o cat --after-cursor='{since}' -t vfalias-clean").stdout.count("probe ends with 0") == 1

        pool.start("db1", "accel-0")
        device = pool.devices("db1")["accel-0"].source
        lab.virsh("destroy", "db1")
        wait_runs(lab, 3)
        lab.run("echo 7 >/run/probe.end")
        lab.wait_for(f"vfalias quarantine list | grep '^{device} .*probe ends with 7'")
        assert pool.free()["accel"] == 3
        lab.run(f"vfalias quarantine remove {device}")
        pool.wait_released()
    finally:
        lab.run("systemctl stop 'vfalias-clean-*'; rm -f /etc/vfalias/clean.d/probe /run/probe.*")
