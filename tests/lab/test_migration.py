# SPDX-License-Identifier: LGPL-2.1-or-later
"""Live migration between two hosts: devices that migrate by themselves, devices that are detached and attached again,
and failures. Runs the examples of the pages, for which the second host has the name host2 and accepts ssh."""
import re
from xml.etree import ElementTree

import pytest

from asking import ACCEL_ID, CONFIGURATION, DETACHING, NET_ID, PF, Pool, metadata
from guestxml import guest_xml
from pages import examples, shown
from test_examples import anywhere

(BACKUP,) = examples("man/vfalias-hooks.pod", "MIGRATION", "<interface")
(ASK,) = examples("man/vfalias-hooks.pod", "MIGRATION", "virsh metadata")
(TEAMED,) = re.findall("<request alias.*</request>", ASK, re.S)
MAC = re.search("mac address='(.*)'", BACKUP)[1]
TAP_MAC = "52:54:00:0a:0b:0d"
TAP = f'<request alias="net" name="tap"><interface type="direct"><mac address="{TAP_MAC}"/></interface></request>'
QUICK = CONFIGURATION + "[vfalias]\nincoming_timeout = 3\n"


class Pair:
    """Two hosts: the guest is `here` and will go `there`."""

    def __init__(self, here, there):
        self.here, self.there = Pool(here), Pool(there)
        self.uri = f"qemu+tcp://{there.name}/system"

    def both(self):
        return self.here, self.there

    def migrate(self, domain, *flags):
        """virsh migrate --live."""
        return self.here.lab.virsh("migrate", "--live", *flags, domain, self.uri, timeout=120)

    def vfalias(self, domain, *flags, check=True):
        return self.here.lab.run(["vfalias", "migrate", domain, self.uri, *flags], timeout=DETACHING, check=check)

    def refused(self, domain, *flags):
        result = self.vfalias(domain, *flags, check=False)
        assert result.returncode == 1 and len(result.stderr.splitlines()) == 1, (result.stdout, result.stderr)
        return result.stderr.strip()

    def take(self, pool, count=2, alias="net"):
        """Gives the first devices of an alias to another domain, so that another device is chosen."""
        pool.lab.define(guest_xml("first", metadata=metadata(f'<request alias="{alias}" count="{count}"/>'), kernel=False,
                                  ports=count + 1))
        pool.start("first", *(f"{alias}-{n}" for n in range(count)))

    def runs_on(self, pool, domain):
        other = self.there if pool is self.here else self.here
        assert pool.lab.state(domain) == "running"
        assert domain not in other.lab.virsh("list", "--name").split()
        other.wait_released(domain)


def lead_to_host2(here, there):
    """Does what an administrator has done before: a host name, and a key."""
    if here.run("ssh -o BatchMode=yes host2 true", check=False).returncode == 0:
        return
    here.put("/root/.ssh/config", "Host host2\nStrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nLogLevel ERROR\n", mode=0o600)
    here.run("sed -i '/ host2$/! s/^192.168.77.2 .*/& host2/' /etc/hosts; "
             "test -e /root/.ssh/id_ed25519 || ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519")
    there.run("cat >>/root/.ssh/authorized_keys", input=here.get("/root/.ssh/id_ed25519.pub"))


def start_network(lab):
    lab.run("virsh -q net-info default | grep -q 'Active: *yes' || virsh -q net-start default")


@pytest.fixture
def pair(project, peer):
    pair = Pair(project, peer)
    lead_to_host2(project, peer)
    for pool in pair.both():
        start_network(pool.lab)
        pool.prepare()
    yield pair
    for pool in pair.both():
        if not pool.lab.sick:
            pool.lab.clean()
            pool.prepare()
            pool.check_all_free()


COUNT = "(i=0; while :; do i=$((i+1)); echo $i >/ticks; usleep 100000; done) </dev/null >/dev/null 2>&1 &"


def ticks(pool, domain):
    """The guest's counter (COUNT): if it grows, the guest still runs and was not booted again."""
    return int(pool.lab.guest(domain, "cat /ticks"))


def ready(pool, domain, *names):
    """The guest has the devices of these requests, and the claims agree."""
    pool.watch(domain, *names)
    pool.wait_active(domain, *names)


# ---- devices that migrate by themselves ----

def netdev_of(pool, domain):
    """The host's netdev below a macvtap."""
    tree = ElementTree.fromstring(pool.lab.virsh("dumpxml", domain))
    return tree.find("devices/interface[@type='direct']/source").get("dev")


def test_plain_virsh(pair):
    """A teaming pair and a macvtap. The devices of the other host have other addresses. The guest keeps running, and
    its MAC addresses and requests do not change. A device that cannot migrate is detached by hand, and attached on the
    other host."""
    here, there = pair.both()
    (command,) = examples("man/vfalias-hooks.pod", "MIGRATION", "virsh migrate")
    here.lab.define(guest_xml("db1", BACKUP, ports=7))
    here.lab.run(ASK)
    asks = here.inactive("db1")
    more = metadata(TAP, "accel").partition(">")[2]
    here.lab.start("db1", asks.replace("</vfalias:requests>", more))
    ready(here, "db1", "accel-0", "dp0", "tap")
    before, netdev = here.devices("db1")["dp0"], netdev_of(here, "db1")
    here.lab.wait_console("db1", f"^GUEST pci {before.guest} {NET_ID} igbvf")
    here.lab.run("vfalias detach db1 accel-0", timeout=DETACHING)
    here.lab.guest("db1", COUNT)
    counted = ticks(here, "db1")
    pair.take(there)
    here.lab.run(command, timeout=120)
    ready(there, "db1", "accel-0", "dp0", "tap")
    pair.runs_on(there, "db1")
    after = there.devices("db1")["dp0"]
    assert (after.mac, after.guest) == (before.mac, before.guest) and after.source != before.source
    assert netdev_of(there, "db1") != netdev
    held = there.held("db1")
    assert held == {("db1", "tap"): held["db1", "tap"],
                    **{("db1", name): device.source for name, device in there.devices("db1").items()}}
    assert not {held["db1", name] for name in ("dp0", "tap")} & set(there.lab.vfs(PF)[:2])
    there.lab.wait_console("db1", f"^GUEST pci {after.guest} {NET_ID} igbvf")
    assert ticks(there, "db1") > counted
    assert {MAC, TAP_MAC} <= set(there.lab.guest("db1", "cat /sys/class/net/*/address").split())
    assert here.claims() == {}
    assert 'name="dp0"' in there.lab.virsh("metadata", "db1", "urn:vfalias:1").replace("'", '"')


# ---- devices that are detached and attached again ----

def test_plain_devices(pair):
    """There and back: with a definition that is migrated, too, and by the libvirtd of the source only."""
    here, there = pair.both()
    ((ask, planned),) = shown(*examples("man/vfalias.pod", "VERBS", "# vfalias migrate"))
    (command,) = examples("man/vfalias.pod", "EXAMPLES", "vfalias migrate")
    here.lab.start("db1", guest_xml("db1", BACKUP, metadata("net", TEAMED, "accel"), ports=7))
    ready(here, "db1", "accel-0", "dp0", "net-0")
    here.lab.wait_console("db1", f"^GUEST pci .* {NET_ID} igbvf")
    here.lab.guest("db1", COUNT)
    counted, before = ticks(here, "db1"), here.claims()
    pair.take(there)
    expected = there.lab.vfs(PF)[2]

    plan = here.lab.run(ask, timeout=60).stdout.splitlines(keepends=True)
    assert plan.pop().split() == ["accel-0", "accel", "detached", "here,", "attached", "there", there.lab.vfs("0000:03:00.0")[0]]
    assert anywhere("".join(plan)) == anywhere(planned) and plan[1].endswith(f" {expected}\n")
    assert here.claims() == before and there.held("db1") == {}

    assert here.lab.run(command, timeout=DETACHING).stdout == "domain 'db1' runs at '%s'\n" % command.split()[3]
    assert set(there.devices("db1")) == {"accel-0", "dp0", "net-0"}
    there.wait_active("db1", "accel-0", "dp0", "net-0")
    assert there.held("db1")["db1", "net-0"] == expected
    pair.runs_on(there, "db1")
    assert "db1" not in here.lab.virsh("list", "--all", "--name").split()
    assert "db1" in there.lab.virsh("list", "--all", "--persistent", "--name").split()
    assert ticks(there, "db1") > counted
    assert ACCEL_ID in [ids for ids, _ in there.lab.guest_pci("db1").values()]

    back = Pair(there.lab, here.lab)
    back.vfalias("db1", "--p2p")
    ready(here, "db1", "accel-0", "dp0", "net-0")
    back.runs_on(here, "db1")
    assert "db1" in there.lab.virsh("list", "--all", "--name").split()


def test_destination_has_none(pair):
    """Refused before any device is detached, with the line of the destination. The same with virsh only."""
    here, there = pair.both()
    pair.take(there, 4, "accel")
    here.lab.start("db1", guest_xml("db1", metadata=metadata("net", "accel")))
    ready(here, "db1", "accel-0", "net-0")
    line = "domain 'db1': no free device for request 'accel-0': alias 'accel' has 4 devices, 4 claimed"
    before, since = here.claims(), here.lab.mark("db1")
    for flags in ([], ["--dry-run"], ["--p2p"]):
        assert pair.refused("db1", *flags) == f"vfalias: domain 'db1': the destination refuses: {line}"
    assert here.claims() == before and there.held("db1") == {}
    for verb in ("gc", "release db1"):  # a libvirt of another host changes no claims of this host
        judged = here.lab.run(f"vfalias -c {pair.uri} {verb}", check=False)
        assert (judged.returncode, judged.stderr.count("\n")) == (1, 1), verb
        assert f"run this command on the host of '{pair.uri}'" in judged.stderr, verb
    assert here.claims() == before
    here.lab.run("vfalias detach db1 --all", timeout=DETACHING)
    assert pair.here.refused("migrate", "--live", "db1", pair.uri) == line
    assert "GUEST remove" in here.lab.console("db1")[since:]
    here.lab.run("vfalias attach db1")
    assert here.held() == {key: row["device"] for key, row in before.items()}
    assert set(here.devices("db1")) == {"accel-0", "net-0"}
    assert there.held("db1") == {}
    there.lab.run("mv /etc/libvirt/hooks/qemu.d/vfalias /root/vfalias")
    try:
        assert f"nothing answers for vfalias at '{pair.uri}'" in pair.refused("db1")
    finally:
        there.lab.run("mv /root/vfalias /etc/libvirt/hooks/qemu.d/vfalias")
    assert "db1" not in there.lab.virsh("list", "--all", "--name").split()
    assert set(here.devices("db1")) == {"accel-0", "net-0"}


# ---- failures ----

def begin(pair, domain, command):
    """Starts a slow migration in the background. Returns when memory of the guest is being copied to the other host."""
    here, there = pair.both()
    here.lab.virsh("migrate-setspeed", domain, "1")
    here.lab.run(f"systemd-run -q --unit moving --collect -p StandardError=truncate:/tmp/moving -p StandardOutput=null {command}")
    there.lab.wait_for(f"virsh domstate {domain} --reason | grep -q 'paused (migrating)'", 60)
    here.lab.wait_for(f"virsh domjobinfo {domain} | grep -q '^Memory processed:'")


def end(pair, timeout=90):
    """Waits until the command of begin() has ended; returns its stderr."""
    pair.here.lab.wait_for("! systemctl -q is-active moving", timeout)
    return pair.here.lab.get("/tmp/moving")


def is_as_before(pair, domain, before, *names):
    """The guest runs on the source and has its devices; the destination has no claims."""
    here, there = pair.both()
    ready(here, domain, *names)
    pair.runs_on(here, domain)
    assert {key: row["device"] for key, row in here.claims().items()} == before
    assert there.claims() == {}


def test_cancelled_and_vetoed(pair):
    here, there = pair.both()
    here.lab.start("db1", guest_xml("db1", BACKUP, metadata=metadata(TEAMED), ports=6))
    here.lab.start("db2", guest_xml("db2", metadata=metadata("accel")))
    ready(here, "db1", "dp0")
    ready(here, "db2", "accel-0")
    here.lab.wait_console("db1", f"^GUEST pci .* {NET_ID} igbvf")
    before = here.held()
    for domain, command in (("db1", f"virsh migrate --live db1 {pair.uri}"), ("db2", f"vfalias migrate db2 {pair.uri}")):
        begin(pair, domain, command)
        here.lab.virsh("domjobabort", domain)
        assert re.search("cancel|migration failed", end(pair))  # the source's QEMU may notice first
        ready(here, "db2", "accel-0")
        there.wait_released()
        is_as_before(pair, "db1", before, "dp0")
        here.lab.virsh("migrate-setspeed", domain, "1000")
    there.lab.put("/etc/libvirt/hooks/qemu.d/zz-veto", "#!/bin/sh\ncat >/dev/null; test \"$2\" != start\n", mode=0o755)
    try:
        assert "zz-veto" in pair.refused("db2")
        assert "zz-veto" in here.lab.virsh("migrate", "--live", "db1", pair.uri, check=False).stderr
    finally:
        there.lab.run("rm /etc/libvirt/hooks/qemu.d/zz-veto")
    there.wait_released()
    ready(here, "db2", "accel-0")
    is_as_before(pair, "db1", before, "dp0")


def test_link_is_cut(pair):
    """Neither host hears from the other: the source goes on with its devices, the destination forgets the guest."""
    here, there = pair.both()
    here.lab.start("db1", guest_xml("db1", metadata=metadata("accel")))
    ready(here, "db1", "accel-0")
    before = here.held()
    begin(pair, "db1", f"vfalias migrate db1 {pair.uri}")
    there.lab.monitor("set_link link off")
    try:
        assert f"'{pair.uri}' does not answer any more: cannot migrate domain 'db1'" in end(pair)
        ready(here, "db1", "accel-0")
    finally:
        there.lab.monitor("set_link link on")
    there.wait_released(limit=90)
    is_as_before(pair, "db1", before, "accel-0")


def test_killed(pair):
    """The command and the daemons of both hosts are killed while devices are detached."""
    here, there = pair.both()
    for pool in pair.both():
        pool.configure(QUICK)
    here.lab.start("db1", guest_xml("db1", metadata=metadata("accel")))
    ready(here, "db1", "accel-0")
    before = here.held()

    begin(pair, "db1", f"vfalias migrate db1 {pair.uri}")
    here.lab.run("systemctl kill -s KILL moving")  # libvirt cancels, the daemon attaches the device again
    ready(here, "db1", "accel-0")
    there.wait_released(limit=60)
    is_as_before(pair, "db1", before, "accel-0")

    begin(pair, "db1", f"vfalias migrate db1 {pair.uri}")
    for pool in pair.both():
        pool.kill_daemon()
    here.lab.virsh("migrate-setspeed", "db1", "1000")
    assert end(pair) == ""
    ready(there, "db1", "accel-0")
    pair.runs_on(there, "db1")

    refused = "vfaliasd is not running"
    there.daemon("stop")
    assert refused in Pair(there.lab, here.lab).refused("db1")
    there.daemon("start")
    here.daemon("stop")
    assert refused in Pair(there.lab, here.lab).refused("db1")
    here.daemon("start")
