# SPDX-License-Identifier: LGPL-2.1-or-later
"""Daemons that end at the wrong moment: no claim is lost, no device is attached twice."""
import random

import pytest

from asking import CONFIGURATION, WITHOUT_DAEMON, metadata, pool
from guestxml import guest_xml

__all__ = ["pool"]  # a fixture


def asks(name):
    return guest_xml(name, metadata=metadata("net", "accel"), kernel=False)


def processes(lab):
    return lab.run("cd /run/libvirt/qemu && cat db1.pid db2.pid plain.pid").stdout


def attaches(lab, since):
    """How many attaches the daemon and its successors have reported."""
    return lab.journal(since, "vfaliasd").count(": attached ")


def test_daemon_killed_between_claim_and_attach(lab, pool):
    lab.define(asks("db1"))
    since = lab.cursor()
    pool.freeze_daemon()  # the daemon holds its lock, which the hook needs, and does nothing
    lab.virsh("start", "db1")
    held = pool.held()
    assert [row["state"] for row in pool.claims().values()] == ["claimed", "claimed"]
    assert pool.devices("db1") == {}
    pool.kill_daemon()  # systemd starts another daemon
    pool.watch("db1", "net-0", "accel-0")
    pool.wait_active("db1", "net-0", "accel-0")
    assert pool.held() == held == {("db1", name): d.source for name, d in pool.devices("db1").items()}
    assert attaches(lab, since) == 2


def test_daemon_killed_at_any_moment(lab, pool):
    """Also while it attaches: the next daemon finds the device in the guest, and does not attach another."""
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    moments = random.Random(seed)
    lab.define(asks("db1"))
    for _ in range(3):
        lab.run(f"virsh -q start db1; sleep {moments.uniform(0, 1.5):.3f}; systemctl kill --kill-whom=main -s KILL vfaliasd")
        pool.watch("db1", "net-0", "accel-0")
        pool.wait_active("db1", "net-0", "accel-0")
        assert pool.held() == {("db1", name): d.source for name, d in pool.devices("db1").items()}
        lab.virsh("destroy", "db1")
        pool.wait_released()
        pool.daemon("start")


GAP = "/run/systemd/system/vfaliasd.service.d/gap.conf"
IN_THE_GAP = "test $(systemctl show -P SubState vfaliasd) = start-pre"


@pytest.fixture
def gap(lab, pool):
    """Each start of the unit waits for a line in a fifo, so the time between two daemons is as long as a test needs.
    The value is the function that ends this time."""
    lab.put(GAP, "[Service]\nExecStartPre=/bin/sh -c 'read line </run/gap'\n")
    lab.run("mkfifo /run/gap; systemctl daemon-reload")
    yield lambda: lab.run("echo >/run/gap")
    if not lab.sick:
        lab.run(f"rm -f {GAP} /run/gap; systemctl stop vfaliasd; systemctl daemon-reload")


def is_refused(pool, domain):
    return "vfaliasd is not running" in pool.refused("start", domain)


def test_domain_started_while_systemd_restarts_the_daemon(lab, pool, gap):
    """No daemon runs, but systemd will start one, also after a kill. A guest that is started meanwhile is not held."""
    for name, end in (("db1", lambda: pool.kill_daemon("TERM")), ("db2", lambda: pool.daemon("--no-block restart"))):
        lab.define(asks(name))
        end()
        lab.wait_for(IN_THE_GAP)
        lab.virsh("start", name)
        held = pool.held(name)
        assert set(held) == {(name, "net-0"), (name, "accel-0")} and pool.devices(name) == {}
        assert "another vfaliasd runs" in lab.run("vfaliasd", check=False).stderr
        gap()
        pool.watch(name, "--running", "net-0", "accel-0")
        assert pool.held(name) == held
    lab.clean()

    # no daemon will be started
    lab.define(asks("db1"))
    pool.kill_daemon()
    lab.wait_for(IN_THE_GAP)
    pool.daemon("stop")
    assert is_refused(pool, "db1")
    pool.daemon("--no-block start")
    assert is_refused(pool, "db1")
    gap()
    lab.wait_for("systemctl -q is-active vfaliasd")
    pool.start("db1", "net-0", "accel-0")
    lab.virsh("destroy", "db1")
    pool.configure("[pci")
    pool.kill_daemon()
    gap()
    lab.wait_for("systemctl -q is-failed vfaliasd")
    lab.put("/etc/vfalias/vfalias.conf", CONFIGURATION)
    assert is_refused(pool, "db1")


def test_daemon_started_late(lab, pool):
    lab.define(asks("db1"))
    pool.daemon("stop")
    assert "run 'systemctl start vfaliasd'" in pool.refused("start", "db1")
    pool.configure(WITHOUT_DAEMON)
    lab.virsh("start", "db1")
    held = pool.held()
    assert set(held) == {("db1", "net-0"), ("db1", "accel-0")}
    assert pool.devices("db1") == {}
    pool.daemon("start")
    pool.watch("db1", "net-0", "accel-0")
    assert pool.held() == held


def test_domain_ends_while_no_daemon_looks(lab, pool):
    """The hook releases by itself. Ends that the hook could not see are found by the next daemon."""
    lab.define(asks("db1"))
    lab.define(asks("db2"))
    pool.start("db1", "net-0", "accel-0")
    pool.start("db2", "net-0", "accel-0")
    pool.daemon("stop")
    lab.virsh("destroy", "db1")
    assert {domain for domain, _ in pool.held()} == {"db2"}
    lab.run("systemctl stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd-tcp.socket libvirtd; "
            "pkill -KILL -f 'guest=db2,'", check=False)  # no daemon to call the hook
    lab.run("systemctl start libvirtd.socket libvirtd-tcp.socket libvirtd")
    lab.wait_state("db2", "shut off")
    pool.daemon("start")
    pool.check_all_free()


def test_libvirtd_restarted(lab, pool):
    for name in ("db1", "db2"):
        lab.define(asks(name))
        pool.start(name, "net-0", "accel-0")
        pool.wait_active(name, "net-0", "accel-0")
    lab.define(guest_xml("plain", kernel=False))
    lab.virsh("start", "plain")
    before = processes(lab)
    claims, devices = pool.claims(), {name: sorted(d.source for d in pool.devices(name).values()) for name in ("db1", "db2")}
    since = lab.cursor()
    lab.run("systemctl restart libvirtd")
    lab.wait_for("virsh -q list --name | grep -q plain")
    assert processes(lab) == before
    lab.define(asks("db3"))  # the daemon is connected again
    pool.start("db3", "net-0", "accel-0")
    for name, sources in devices.items():
        assert sorted(d.source for d in pool.devices(name).values()) == sources
    after = {key: row for key, row in pool.claims().items() if key[0] != "db3"}
    assert {key: (row["device"], row["state"], row["since"]) for key, row in after.items()} == {
        key: (row["device"], row["state"], row["since"]) for key, row in claims.items()}
    assert attaches(lab, since) == 2
