# SPDX-License-Identifier: LGPL-2.1-or-later
"""The qemu hook, called as libvirt calls it."""
import fcntl
import json
import os
import re
import sqlite3
import struct
import subprocess
import time

import pytest

from hookhost import CONFIG, HOOK, domain, fine, hostdev, refused, request, uuid

NOTHING = domain(1)


# ---- nothing asked ----

@pytest.mark.parametrize("operation", ["prepare", "start", "started", "stopped", "release", "migrate", "restore",
                                       "reconnect", "attach", "something-new"])
def test_nothing_asked_leaves_no_trace(host, operation):
    fine(host.hook(operation, NOTHING))
    assert not host.state.exists()


def test_nothing_asked_with_broken_configuration(host):
    host.configure("[pci]\nalias = {broken\n")
    fine(host.hook("prepare", NOTHING))


@pytest.mark.parametrize("xml", ["", "hello", "<domain>", b"\0\xff\xfe" * 100, "x" * (20 << 20)],
                         ids=["empty", "text", "unclosed", "binary", "huge"])
@pytest.mark.parametrize("operation", ["prepare", "release", "restore", "reconnect"])
def test_input_that_is_no_domain(host, operation, xml):
    done = host.hook(operation, xml)
    assert done.returncode == 0 and not done.stdout and not done.stderr


@pytest.mark.parametrize("operation", ["prepare", "release", "restore", "reconnect", "migrate"])
def test_broken_xml_that_may_concern_us(host, operation):
    done = host.hook(operation, "<domain><name>d1</name> urn:vfalias:1")
    if operation in ("prepare", "migrate"):
        refused(done)
    else:
        fine(done)


def test_too_few_arguments():
    done = subprocess.run([str(HOOK), "d1"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1


def test_prefilter_loads_no_library_but_libc():
    needed = subprocess.run(["readelf", "-d", str(HOOK)], capture_output=True, text=True, check=True).stdout
    libraries = [line.split("[")[1].split("]")[0] for line in needed.splitlines() if "NEEDED" in line]
    assert not [l for l in libraries if not l.startswith(("libc.", "libasan", "libubsan", "libm."))], libraries


ORDINARY = ("<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/var/lib/vd.img'/>"
            "<target dev='vda' bus='virtio'/></disk><interface type='network'><source network='default'/>"
            "<model type='virtio'/><alias name='ua-lan'/></interface><interface type='bridge'><source bridge='br0'/></interface>")


@pytest.mark.parametrize("devices, handled", [
    (ORDINARY, False),
    ("<interface type='vdpa'><source dev='/dev/vhost-vdpa-0'/></interface>", True),
    ('<interface type="vdpa"><source dev="/dev/vhost-vdpa-0"/></interface>', True),
    ("<disk type='vhostvdpa' device='disk'><source dev='/dev/node'/><target dev='vdb' bus='virtio'/></disk>", True),
    ("<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='6a3f0e52-d19b-4c77-8e24-51c0a73df816'/>"
     "</source></hostdev>", True),
], ids=["ordinary", "vdpa", "quoted", "disk", "mdev"])
def test_which_devices_start_the_handler(host, devices, handled):
    """The handler makes the state file."""
    fine(host.prepare(1, devices=devices))
    assert os.path.exists(host.state) == handled


# ---- prepare and release ----

def test_prepare_claims_the_first_free_device(host):
    fine(host.prepare(1, request("net")))
    (claim,) = host.claims()
    assert (claim["device"], claim["domain"], claim["uuid"], claim["request"], claim["alias"], claim["state"]) == (
        "0000:02:10.0", "d1", uuid(1), "net-0", "net", "claimed")


def test_two_domains_get_two_devices(host):
    fine(host.prepare(1, request("net")))
    fine(host.prepare(2, request("net")))
    assert host.held() == {("d1", "net-0"): "0000:02:10.0", ("d2", "net-0"): "0000:02:10.2"}


def test_release_frees_by_owner(host):
    fine(host.prepare(1, request("net", count=2), request("accel")))
    fine(host.prepare(2, request("net")))
    # as a start that lost against another domain: the XML names the other domain's device
    fine(host.release(1, devices=hostdev("0000:02:10.4", "net-0")))
    assert host.held() == {("d2", "net-0"): "0000:02:10.4"}
    fine(host.release(1, devices=hostdev("0000:02:10.4", "net-0")))
    assert len(host.claims()) == 1


def test_release_without_usable_xml_goes_by_name(host):
    fine(host.prepare(1, request("net")))
    fine(host.prepare(2, request("net")))
    fine(host.hook("release", "<domain> urn:vfalias:1", name="d1"))
    assert list(host.held()) == [("d2", "net-0")]


def test_prepare_again_starts_afresh(host):
    fine(host.prepare(1, request("net", count=3)))
    fine(host.prepare(1, request("net")))
    assert list(host.held()) == [("d1", "net-0")]


def test_all_or_nothing(host):
    line = refused(host.prepare(1, request("net", count=2), request("accel", count=5)))
    assert line == ("vfalias: domain 'd1': no free device for request 'accel-4': alias 'accel' has 4 devices, "
                    "0 claimed, 4 for this domain's other requests")
    assert host.claims() == []


def test_a_veto_leaves_the_claims_of_others(host):
    fine(host.prepare(1, request("accel", count=4)))
    refused(host.prepare(2, request("accel")))
    assert len(host.claims()) == 4
    fine(host.release(1, requests=request("accel", count=4)))
    fine(host.prepare(2, request("accel")))


def test_optional_without_a_device_counts_as_withdrawn(host):
    fine(host.prepare(1, request("accel", count=4)))
    fine(host.prepare(2, request("accel", optional="yes"), request("accel", name="x", optional="yes", late="yes")))
    with sqlite3.connect(host.state) as db:
        assert db.execute("SELECT uuid, request FROM withdrawn").fetchall() == [(uuid(2), "accel-0")]
    fine(host.release(1, requests=request("accel", count=4)))
    fine(host.prepare(2, request("accel", optional="yes")))
    with sqlite3.connect(host.state) as db:
        assert db.execute("SELECT * FROM withdrawn").fetchall() == []


def test_optional_does_not_stop_the_start(host):
    fine(host.prepare(1, request("accel", count=4)))
    fine(host.prepare(2, request("net"), request("accel", optional="yes")))
    assert ("d2", "net-0") in host.held() and ("d2", "accel-0") not in host.held()


@pytest.mark.parametrize("asked,part", [
    (request("gpu"), "no alias 'gpu' is configured on this host (there are 'net', 'accel')"),
    (request("net", count=0), "count '0' is not in 1 to "),
    (request("net", count=10000), "count '10000'"),
    (request("net", colour="red"), "unknown attribute 'colour': no device_spec sets such a tag"),
    (request("net", name="x") + request("accel", name="x"), "request 'x' is there twice"),
    ("<vfalias:wish/>", "unknown element 'wish'"),
])
def test_bad_requests(host, asked, part):
    line = refused(host.prepare(1, asked))
    assert part in line and "'d1'" in line
    assert not host.state.exists() or host.claims() == []


def test_ports(host):
    line = refused(host.prepare(1, request("net", count=3), ports=1))
    assert "2 more empty PCIe root ports needed" in line and "vfalias request ports d1" in line
    fine(host.prepare(1, request("net", count=3), ports=3))
    fine(host.prepare(2, request("net", count=3), machine="i440fx"))


def test_labelled_port_asks(host):
    port = "<controller type='pci' index='30' model='pcie-root-port'><alias name='ua-slot-accel-0'/></controller>"
    fine(host.prepare(1, devices=port))
    assert host.held() == {("d1", "accel-0"): "0000:65:00.1"}


def test_daemon_absent(host):
    host.daemon_is_gone()
    line = refused(host.prepare(1, request("net")))
    assert "vfaliasd is not running" in line and "systemctl start vfaliasd" in line
    assert not host.state.exists()
    said = host.cli("explain", "net", "--xml", "-", input=domain(1, request("net")))
    assert said.returncode == 1 and said.stderr.strip() == line.strip()
    fine(host.prepare(1, devices=hostdev("0000:02:10.0")))
    host.configure(host.config_file.read_text().replace("%", "%%") + "require_daemon = no\n")
    fine(host.prepare(2, request("net")))


def test_who_reads_the_lock_is_no_daemon(host):
    host.daemon_is_gone()
    with open(str(host.state) + ".lock") as lock:
        fcntl.fcntl(lock, 37, struct.pack("hhqqi4x", fcntl.F_RDLCK, 0, 0, 0, 0))  # F_OFD_SETLK
        assert "vfaliasd is not running" in refused(host.prepare(1, request("net")))


def test_broken_configuration_is_told_with_file_and_line(host):
    host.configure("[pci]\n\nalias = {broken\n")
    line = refused(host.prepare(1, request("net")))
    assert "vfalias.conf:3: " in line


def test_the_command_line_reads_in_any_locale_what_the_hook_does(host, tmp_path):
    """In a Turkish locale, I in lower case is not i."""
    made = subprocess.run(["localedef", "-i", "tr_TR", "-f", "UTF-8", str(tmp_path / "tr_TR.UTF-8")], capture_output=True)
    if made.returncode != 0:
        pytest.skip("localedef cannot make tr_TR.UTF-8: %s" % made.stderr)
    host.configure(CONFIG.replace("[pci]", "[PCI]").replace('"physnet1"', '"FIZIKI"').replace(
        '"type-VF"}', '"type-VF", "physical_network": "fiziki"}', 1))
    fine(host.prepare(1, request("net")))
    host.env.update(LOCPATH=str(tmp_path), LC_ALL="tr_TR.UTF-8")
    aliases = json.loads(host.cli("stats", "--json").stdout)["aliases"]
    assert [(a["name"], a["free"]) for a in aliases] == [("net", 13), ("accel", 4)]


# ---- devices that are in the XML already ----

def test_static_hostdev_is_not_given_to_others(host):
    fine(host.prepare(1, devices=hostdev("0000:02:10.0")))
    fine(host.prepare(2, request("net")))
    assert host.held() == {("d1", "static:0000:02:10.0"): "0000:02:10.0", ("d2", "net-0"): "0000:02:10.2"}
    line = refused(host.prepare(3, devices=hostdev("0000:02:10.2")))
    assert "device 0000:02:10.2 is not free: domain 'd2' holds 0000:02:10.2 (request 'net-0')" in line
    fine(host.release(1, devices=hostdev("0000:02:10.0")))
    assert list(host.held()) == [("d2", "net-0")]


def test_a_pf_takes_its_vfs_away_and_the_reverse(host):
    fine(host.prepare(1, devices=hostdev("0000:01:00.0")))
    fine(host.prepare(2, request("net")))
    assert host.held()[("d2", "net-0")] == "0000:42:10.0"
    line = refused(host.prepare(3, devices=hostdev("0000:41:00.0")))
    assert "domain 'd2' holds 0000:42:10.0" in line


def drive(address, quote="'"):
    """An NVMe drive as a disk, as libvirt writes it, with two of its namespaces."""
    source = re.search("<address.*?/>", hostdev(address)).group()
    return "".join("<disk type='nvme' device='disk'><driver name='qemu' type='raw'/><source type='pci' managed='yes' "
                   "namespace='%d'>%s</source><target dev='vd%s' bus='virtio'/></disk>" % (i, source, "xab"[i])
                   for i in (1, 2)).replace("'", quote)


@pytest.mark.parametrize("quote", ["'", '"'])
def test_nvme_drive_that_is_a_disk_is_not_given_to_others(host, quote):
    """libvirt takes the drive from the host, as it takes a hostdev."""
    xml = domain(1, devices=drive("0000:65:00.1", quote))
    fine(host.hook("prepare", xml))
    fine(host.prepare(2, request("accel")))
    assert host.held() == {("d1", "static:0000:65:00.1"): "0000:65:00.1", ("d2", "accel-0"): "0000:65:00.2"}
    assert "domain 'd2' holds 0000:65:00.2" in refused(host.prepare(3, devices=drive("0000:65:00.2", quote)))
    fine(host.hook("reconnect", xml))
    assert {c["state"] for c in host.claims() if c["domain"] == "d1"} == {"active"}
    fine(host.hook("release", xml))
    assert set(host.held()) == {("d2", "accel-0")}


def test_static_hostdev_starts_whatever_is_wrong_with_us(host):
    host.configure("[pci]\nalias = {broken\n")
    fine(host.prepare(1, devices=hostdev("0000:02:10.0")))
    host.configure("[vfalias]\nstate = /proc/nowhere/state\nsysfs_root = %(sysfs)s\n")
    fine(host.prepare(1, devices=hostdev("0000:02:10.0")))


@pytest.mark.parametrize("spoil", [
    lambda xml: xml[:-1],
    lambda xml: xml.replace("<devices>", "<devices><!--%s-->" % (" " * (16 << 20))),
    lambda xml: xml.replace("<domain ", "<!DOCTYPE domain []><domain "),
], ids=["cut", "large", "doctype"])
@pytest.mark.parametrize("operation", ["prepare", "migrate", "restore", "release", "reconnect", "attach"])
def test_static_hostdev_starts_and_moves_though_we_cannot_read_its_xml(host, operation, spoil):
    done = host.hook(operation, spoil(domain(1, devices=hostdev("0000:02:10.0"))))
    assert (done.returncode, done.stdout) == (0, "")  # libvirt ignores the output of a hook that succeeds
    asking = host.hook(operation, spoil(domain(1, request("net"), devices=hostdev("0000:02:10.0"))))
    if operation in ("prepare", "migrate"):
        assert "cannot read domain XML: " in refused(asking)
    else:
        fine(asking)


def test_resolved_xml_gets_just_that_device(host):
    fine(host.prepare(1, request("net"), devices=hostdev("0000:42:10.2", "net-0")))
    (claim,) = host.claims()
    assert (claim["device"], claim["alias"]) == ("0000:42:10.2", "net")
    assert "not free" in refused(host.prepare(2, request("net"), devices=hostdev("0000:42:10.2", "net-0")))


def test_placeholder_without_source(host):
    line = refused(host.prepare(1, devices=hostdev("ffff:ff:1f.0", "net-0")))
    assert "ua-vf-net-0" in line


# ---- an outdated index ----

def test_device_that_vanished_is_not_given_out(host):
    fine(host.prepare(1, request("net")))
    fine(host.release(1, requests=request("net")))
    host.tree.remove(host.tree.devices["0000:02:10.0"])
    fine(host.prepare(1, request("net")))
    assert host.held() == {("d1", "net-0"): "0000:02:10.2"}


def fail_to_release(host):
    """d1 ends while its claims cannot be released."""
    fine(host.prepare(1, request("net")))
    whole = host.config_file.read_text()
    host.config_file.write_text(whole.replace("sysfs_root = ", "sysfs_root = /nonexistent"))
    fine(host.hook("release", domain(1, request("net"))))
    host.config_file.write_text(whole)
    assert host.held() == {("d1", "net-0"): "0000:02:10.0"}


def notes(host):
    return sorted(path.name for path in host.state.parent.glob("state.unreleased.*"))


def test_release_that_failed_is_done_by_the_next_program(host):
    fail_to_release(host)
    assert notes(host) == ["state.unreleased." + uuid(1)]
    fine(host.prepare(2, request("net")))
    assert host.held() == {("d2", "net-0"): "0000:02:10.0"}
    assert notes(host) == []


def test_release_that_failed_does_not_end_the_next_start(host):
    fail_to_release(host)
    fine(host.prepare(1, request("net")))
    assert notes(host) == []
    assert host.cli("rescan").returncode == 0
    assert host.held() == {("d1", "net-0"): "0000:02:10.0"}


@pytest.mark.parametrize("seconds, kept", [(-1, True), (0, False)])
def test_note_that_comes_late(host, seconds, kept):
    """The hook of a killed libvirtd leaves its note when the domain already runs again."""
    fine(host.prepare(1, request("net")))
    note = host.state.parent / ("state.unreleased." + uuid(1))
    note.touch()
    with sqlite3.connect(host.state) as db:
        (since,) = db.execute("SELECT since FROM claim").fetchone()
    db.close()
    os.utime(note, (since + seconds, since + seconds))
    assert host.cli("rescan").returncode == 0
    assert host.held() == ({("d1", "net-0"): "0000:02:10.0"} if kept else {})
    assert notes(host) == []


def test_note_has_the_time_of_the_end(host):
    begin = int(time.time())
    fail_to_release(host)
    (note,) = host.state.parent.glob("state.unreleased.*")
    assert begin <= note.stat().st_mtime <= time.time()
    os.utime(note, (begin + 3600, begin + 3600))
    host.state.rename(host.state.with_name("away"))
    host.state.mkdir()  # a folder cannot be opened as a state file
    fine(host.hook("release", domain(1, request("net"))))
    assert note.stat().st_mtime == begin + 3600, "a later end counts"


def test_nobody_claims_beside_a_note_that_stays(host):
    fine(host.prepare(1, request("net")))
    (host.state.parent / ("state.unreleased." + uuid(2))).mkdir()
    assert "cannot remove '%s.unreleased.%s'" % (host.state, uuid(2)) in refused(host.prepare(2, request("net")))
    assert set(host.held()) == {("d1", "net-0")}


def test_a_locked_state_is_waited_for_once(host):
    """The hook waits ten seconds in total, however many notes exist."""
    fine(host.prepare(1, request("net")))
    for number in range(2, 6):
        (host.state.parent / ("state.unreleased." + uuid(number))).touch()
    with sqlite3.connect(host.state, isolation_level=None) as db:
        db.execute("BEGIN IMMEDIATE")
        begin = time.monotonic()
        fine(host.hook("reconnect", domain(1, request("net"))))
        assert time.monotonic() - begin < 18
    db.close()
    assert len(notes(host)) == 4


def test_what_is_no_note_is_left_alone(host):
    fine(host.prepare(1, request("net")))
    for name in ("", "x", uuid(1).upper().replace("0", "G"), uuid(2)):
        (host.state.parent / ("state.unreleased." + name)).touch()
    fine(host.prepare(3, request("net")))
    assert set(host.held()) == {("d1", "net-0"), ("d3", "net-0")}
    assert len(notes(host)) == 3


def test_new_devices_are_found_when_nothing_else_is_free(host):
    fine(host.prepare(1, request("accel", count=4)))
    pf = host.tree.devices["0000:65:00.0"]
    host.tree.vf(pf, "0000:65:00.5", "144d:a824", 4, cls="010802")
    host.no_scan_is_young()
    fine(host.prepare(2, request("accel")))
    assert host.held()[("d2", "accel-0")] == "0000:65:00.5"


def test_changed_configuration_counts_at_once(host):
    fine(host.prepare(1, request("net")))
    host.configure(host.config_file.read_text().replace("%", "%%").replace('"name": "accel"', '"name": "nvme"'))
    fine(host.prepare(2, request("nvme")))
    assert "no alias 'accel'" in refused(host.prepare(3, request("accel")))


def test_device_changed_into_another(host):
    fine(host.prepare(1, request("net")))
    fine(host.release(1, requests=request("net")))
    host.tree.write(host.tree.devices["0000:02:10.0"], "device", "0x1520")
    fine(host.prepare(1, request("net")))
    assert host.held() == {("d1", "net-0"): "0000:02:10.2"}


# ---- reconnect ----

def test_reconnect_makes_claims_active(host):
    fine(host.prepare(1, request("net")))
    running = domain(1, request("net"), hostdev("0000:02:10.0", "net-0") + hostdev("0000:00:1f.6"))
    fine(host.hook("reconnect", running))
    assert {(c["request"], c["state"]) for c in host.claims()} == {("net-0", "active"),
                                                                   ("static:0000:00:1f.6", "active")}


def test_reconnect_rebuilds_a_lost_state(host):
    running = domain(1, request("net"), hostdev("0000:02:10.2", "net-0"))
    fine(host.hook("reconnect", running))
    (claim,) = host.claims()
    assert (claim["device"], claim["request"], claim["alias"], claim["state"]) == ("0000:02:10.2", "net-0", "net",
                                                                                   "active")


def test_reconnect_is_right_about_what_runs(host):
    fine(host.prepare(2, request("net")))  # d2 gets 0000:02:10.0 in the state, but d1 has it
    fine(host.hook("reconnect", domain(1, request("net"), hostdev("0000:02:10.0", "net-0"))))
    assert host.held() == {("d1", "net-0"): "0000:02:10.0"}


@pytest.mark.parametrize("what", ["configuration", "state", "sysfs", "xml", "uuid"])
def test_reconnect_and_restore_never_fail(host, what):
    xml = domain(1, request("net"), hostdev("0000:02:10.0", "net-0"))
    if what == "configuration":
        host.configure("[pci]\nalias = {broken\n")
    elif what == "state":
        host.configure("[vfalias]\nstate = /proc/nowhere/state\nsysfs_root = %(sysfs)s\n")
    elif what == "sysfs":
        host.configure("[vfalias]\nstate = %(state)s\nsysfs_root = /nonexistent\n")
    elif what == "uuid":
        xml = xml.replace("<uuid>%s</uuid>" % uuid(1), "")
    else:
        xml = xml.replace("alias='net'", "alias=''")
    for operation in ("reconnect", "restore", "attach"):
        fine(host.hook(operation, xml, timeout=20))


def test_no_claim_without_a_uuid(host):
    line = refused(host.hook("prepare", domain(1, request("net")).replace("<uuid>%s</uuid>" % uuid(1), "")))
    assert line.endswith("cannot claim device 0000:02:10.0: the domain's XML has no UUID")
    assert host.held() == {}


def test_handler_missing(host, tmp_path):
    """A package that is partly removed: starts with requests are refused, restores and running domains are not
    disturbed."""
    copy = tmp_path / "vfalias"
    binary = HOOK.read_bytes()
    copy.write_bytes(binary.replace(b"/libexec/vfalias/qemu-asked", b"/libexec/vfalias/qemu-gone_"))
    copy.chmod(0o755)
    xml = domain(1, request("net"))
    for operation, status in (("prepare", 1), ("restore", 0), ("reconnect", 0), ("release", 0)):
        done = subprocess.run([str(copy), "d1", operation, "begin", "-"], input=xml, text=True, capture_output=True,
                              env=host.env)
        assert done.returncode == status and len(done.stderr.splitlines()) == status, done


# ---- the state file ----

def test_damaged_state_is_set_aside(host):
    host.state.write_bytes(os.urandom(8192))
    fine(host.prepare(1, request("net")))
    assert len(host.claims()) == 1
    assert (host.state.parent / "state.damaged").exists()


def test_state_lost_while_domains_run(host):
    host.libvirt_run.mkdir()
    (host.libvirt_run / "other.xml").write_text("<domstatus/>")
    assert "has not rebuilt it" in refused(host.prepare(1, request("net")))


def test_state_of_a_newer_version(host):
    fine(host.prepare(1, request("net")))
    with sqlite3.connect(host.state) as db:
        db.execute("PRAGMA user_version = 99")
    assert "newer than this program's" in refused(host.prepare(2, request("net")))


def test_claims_of_another_boot_do_not_count(host):
    fine(host.prepare(1, request("accel", count=4)))
    with sqlite3.connect(host.state) as db:
        db.execute("UPDATE meta SET value = 'another' WHERE key = 'boot_id'")
    fine(host.prepare(2, request("accel", count=4)))
    assert {d for d, _ in host.held()} == {"d2"}
