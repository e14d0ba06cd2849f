# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirtd, vfaliasd and the state file come and go while guests run: guests keep running, claims stay."""
import threading

import pytest

from guests import guest
from privatehost import GPU, QATS, VFALIAS_CONF


def held(host):
    """What must not change."""
    return [(claim["domain"], claim["request"], claim["device"], claim["since"])
            for claim in host.claims()]


def start_three(host):
    for name, alias in (("one", "qat"), ("two", "qat"), ("three", "gpu")):
        host.define(guest(name, alias))
        host.virsh("start", name)
    for name in ("one", "two", "three"):  # and no guest is held any more
        host.wait_claims(lambda claims: claims[0]["attempts"], "an attempt", name)
        assert host.is_on(name)
    return {name: host.qemu_pid(name) for name in ("one", "two", "three")}


def alive(host, pids):
    return all(host.alive(pid) and host.is_on(name) for name, pid in pids.items())


# ---- libvirtd ----

@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_libvirtd_restarts(host, kill):
    pids = start_three(host)
    before = held(host)
    connections = len(host.vfaliasd.lines.find("connected to"))
    host.restart_libvirtd(kill)
    for name in pids:
        host.recorder.wait(name, "reconnect begin -")
    host.news.until(lambda: len(host.vfaliasd.lines.find("connected to")) > connections,
                    "vfaliasd connects anew")
    assert alive(host, pids)
    assert held(host) == before
    host.define(guest("four", "gpu"))
    assert "1 claimed" in host.virsh("start", "four", check=False).stderr
    for name in pids:
        host.virsh("destroy", name)
    assert host.claims() == []


def test_qemu_dies_while_libvirtd_is_away(host):
    start_three(host)
    host.disconnect()
    host.libvirtd.kill()
    host.kill(host.qemu_pid("one"))
    host.libvirtd.start()
    host.wait_no_claims("one")
    assert host.devices() == [QATS[1], GPU]


def test_libvirtd_restarts_without_vfaliasd(host):
    pids = start_three(host)
    before = held(host)
    host.vfaliasd.kill()
    host.restart_libvirtd()
    for name in pids:
        host.recorder.wait(name, "reconnect begin -")
    assert alive(host, pids)
    assert held(host) == before


def test_broken_configuration_while_libvirtd_restarts(host):
    """If a reconnect hook failed, libvirt would kill the guests."""
    pids = start_three(host)
    before = held(host)
    host.configure("[pci\n")
    host.restart_libvirtd()
    for name in pids:
        host.recorder.wait(name, "reconnect begin -")
    assert alive(host, pids)
    host.configure()
    assert held(host) == before


# ---- vfaliasd ----

def test_vfaliasd_restarts(host):
    pids = start_three(host)
    before = held(host)
    assert host.vfaliasd.stop() == 0
    assert held(host) == before
    host.vfaliasd.start()
    host.vfaliasd.lines.wait("connected to")
    host.virsh("destroy", "two")
    host.wait_no_claims("two")
    del pids["two"]
    assert alive(host, pids)
    assert held(host) == [claim for claim in before if claim[0] != "two"]


def test_qemu_dies_while_vfaliasd_is_away(host):
    start_three(host)
    host.vfaliasd.kill()
    host.kill(host.qemu_pid("one"))
    host.recorder.wait("one", "release end -")
    assert host.devices() == [QATS[1], GPU]


def test_claims_that_nobody_released(host):
    """QEMU dies while no program of vfalias can run. The daemon notices when it starts."""
    start_three(host)
    host.vfaliasd.kill()
    host.run("mount", "--bind", "/dev/null", "/usr/libexec/vfalias/qemu-asked")
    try:
        host.virsh("destroy", "one")
        assert host.devices() == QATS[:2] + [GPU]
    finally:
        host.run("umount", "/usr/libexec/vfalias/qemu-asked")
    host.vfaliasd.start()
    host.wait_no_claims("one")
    assert host.devices() == [QATS[1], GPU]


def test_vfaliasd_killed_between_prepare_and_attach(host):
    host.recorder.react("started", lambda call: host.vfaliasd.kill())
    host.define(guest("asks", "qat"))
    host.virsh("start", "asks")
    claim, = host.claims("asks")
    assert (claim["state"], claim["attempts"]) == ("claimed", 0)
    host.vfaliasd.start()
    claims = host.wait_claims(lambda claims: claims[0]["attempts"], "an attempt", "asks")
    assert [(each["device"], each["since"]) for each in claims] == \
        [(claim["device"], claim["since"])]


def test_vfaliasd_hangs(host):
    """No program waits for a vfaliasd that hangs, unless it hangs with the state file locked. Later it catches up."""
    host.freeze_vfaliasd()
    host.define(guest("asks", "qat"))
    host.virsh("start", "asks")
    assert [claim["attempts"] for claim in host.claims("asks")] == [0]
    host.vfaliasd.signal("CONT")
    host.wait_claims(lambda claims: claims[0]["attempts"], "an attempt", "asks")


def test_vfaliasd_ends_though_libvirtd_hangs(host):
    host.libvirtd.signal("STOP")
    try:
        assert host.vfaliasd.stop() == 0
    finally:
        host.libvirtd.signal("CONT")


def test_lock_file_removed(host):
    """Other programs could not see any more that vfaliasd runs. It ends, so that systemd starts another one."""
    host.path("/run/vfalias/state.lock").unlink()
    assert host.vfaliasd.wait_end() == 1
    assert host.vfaliasd.lines.find("the lock file is gone")
    host.vfaliasd.start()
    host.define(guest("asks", "qat"))
    host.virsh("start", "asks")


def test_second_vfaliasd(host):
    done = host.run("vfaliasd", check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == \
        ["vfaliasd: another vfaliasd runs with state '/run/vfalias/state'"]
    assert host.vfaliasd.running()


# ---- the state file ----

@pytest.mark.parametrize("damage", ["removed", "damaged"])
def test_state_file_lost_while_vfaliasd_runs(host, damage):
    pids = start_three(host)
    wanted = [(claim["domain"], claim["request"]) for claim in host.claims()]
    if damage == "removed":
        host.forget_state()
        host.vfaliasd.lines.wait("the state file is gone")
    else:
        host.path("/run/vfalias/state").write_text("no database at all\n" * 1000)
        host.virsh("destroy", "three")  # the next program that opens the file finds the damage
        host.wait_claims(lambda claims: len(claims) == 2, "those of the two that run")
        host.virsh("start", "three")
    claims = host.wait_claims(lambda claims: len(claims) == 3, "all three again")
    assert [(claim["domain"], claim["request"]) for claim in claims] == wanted
    assert host.devices() == QATS[:2] + [GPU]
    assert host.is_on("one") and host.is_on("two") and host.alive(pids["one"])


def test_state_file_lost_while_vfaliasd_is_away(host):
    pids = start_three(host)
    host.vfaliasd.stop()
    host.forget_state()
    host.vfaliasd.start()
    host.wait_claims(lambda claims: len(claims) == 3, "all three again")
    assert host.devices() == QATS[:2] + [GPU]
    assert alive(host, pids)


def test_state_file_lost_and_both_daemons_restarted(host):
    pids = start_three(host)
    assert alive(host, pids)  # no program waits any more: waiting domains would be lost with the file
    host.vfaliasd.kill()
    host.disconnect()
    host.libvirtd.kill()
    host.forget_state()
    host.vfaliasd.start()
    host.libvirtd.start()
    host.wait_claims(lambda claims: len(claims) == 3, "all three again")
    assert host.devices() == QATS[:2] + [GPU]
    assert alive(host, pids)
    host.define(guest("four", "gpu"))
    assert "1 claimed" in host.virsh("start", "four", check=False).stderr


def test_nothing_is_claimed_before_all_domains_have_been_asked(host):
    """One domain, whose start takes long, keeps vfaliasd from knowing which devices are free."""
    over = threading.Event()
    host.define(guest("runs"))
    host.virsh("start", "runs")
    host.define(guest("slow"))
    host.recorder.react("start", lambda call: over.wait(60) and None)
    starts = threading.Thread(target=host.virsh, args=("start", "slow"))
    starts.start()
    try:
        host.recorder.wait("slow", "start begin -", hook="00-before")
        host.forget_state()
        host.vfaliasd.lines.wait("the state file is gone")
        host.virsh("metadata", "runs", "urn:vfalias:1", "--key", "vfalias", "--set",
                   "<requests><request alias='qat' optional='yes'/></requests>", "--live")
        host.vfaliasd.lines.wait("domain 'runs': the state file was lost")
        assert "the state file was lost" in host.vfalias("attach", "runs", check=False).stderr
        assert host.claims() == []
    finally:
        over.set()
        starts.join()
    host.wait_claims(lambda claims: claims, "one", "runs")


# ---- the order in which programs start ----

def test_ready_before_libvirtd_is_there(quiet_host):
    """libvirtd starts after vfaliasd: domains with autostart need the daemon."""
    host = quiet_host
    host.disconnect()
    host.libvirtd.stop()
    host.vfaliasd.start()  # returns when vfaliasd reports that it is ready
    host.vfaliasd.lines.wait("trying again")
    assert not host.vfaliasd.lines.find("connected to")
    assert host.vfalias("check").returncode == 0
    host.libvirtd.start()
    host.vfaliasd.lines.wait("connected to")
    host.vfaliasd.notified.wait("STATUS=Connected to")


def test_autostarted_domain(host):
    """As at boot: vfaliasd runs, then libvirtd starts, and starts domains at once."""
    host.define(guest("auto", "qat")).setAutostart(True)
    host.disconnect()
    host.libvirtd.stop()
    for mark in host.path("/run/libvirt/qemu").glob("*autostart*"):
        mark.unlink()  # libvirtd does this once in a boot
    host.libvirtd.start()
    host.recorder.wait("auto", "started begin -")
    assert host.devices("auto") == QATS[:1]
    host.wait_claims(lambda claims: claims[0]["attempts"], "an attempt", "auto")


def test_configuration_read_anew(host):
    host.define(guest("asks", "newer"))
    assert "no alias 'newer'" in host.virsh("start", "asks", check=False).stderr
    host.configure(VFALIAS_CONF.replace('"qat"', '"newer"'))
    host.vfaliasd.signal("HUP")
    host.vfaliasd.lines.wait("the configuration was read again")
    host.virsh("start", "asks")
    host.wait_claims(lambda claims: claims[0]["attempts"], "an attempt", "asks")
    host.configure("[pci\n")
    host.vfaliasd.signal("HUP")
    host.vfaliasd.lines.wait("keeping the old configuration: /etc/vfalias/vfalias.conf:1")
    assert host.vfaliasd.running()
