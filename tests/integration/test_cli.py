# SPDX-License-Identifier: LGPL-2.1-or-later
"""vfalias(1) as a user runs it: the built program on fake sysfs trees.

VFALIAS_BIN is the program; default: helpers/vfalias/vfalias in the build folder VFALIAS_BUILD (default: the current
folder). The hook's handler from the same build folder makes the claims. libvirt is its test driver, which keeps nothing
between two connections: tests with a libvirtd show what `request` writes into a definition.
"""
import fcntl
import json
import os
import pty
import re
import shutil
import sqlite3
import struct
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import sysfs_tree

BUILD = Path(os.environ.get("VFALIAS_BUILD", "."))
VFALIAS = Path(os.environ.get("VFALIAS_BIN", BUILD / "helpers/vfalias/vfalias"))
HOOK = BUILD / "hooks/qemu-asked"
SOURCE = Path(__file__).resolve().parents[2]
UUID = "11111111-2222-3333-4444-%012d"

CONFIG = """[pci]
device_spec = {"address": "0000:01:00.0", "physical_network": "physnet1"}
device_spec = {"vendor_id": "144d", "traits": "FAST", "resource_class": "NVME"}
alias = {"vendor_id": "8086", "product_id": "10ca", "name": "net", "device_type": "type-VF"}
alias = {"vendor_id": "144d", "product_id": "a824", "name": "nvme", "device_type": "type-VF"}
alias = {"vendor_id": "8086", "product_id": "10c9", "name": "card", "device_type": "type-PF"}
"""

pytestmark = pytest.mark.skipif(not VFALIAS.exists(), reason="%s is not built" % VFALIAS)


class Host:
    """A fake host: its tree, configuration and state, and vfalias on it."""

    def __init__(self, folder):
        self.folder = folder
        self.tree = sysfs_tree.typical(folder / "sys")
        self.state = folder / "state"
        self.conf = folder / "vfalias.conf"
        self.configure(CONFIG)

    def configure(self, text):
        self.conf.write_text(text)

    def call(self, *args, env=None, options=None):
        if options is None:
            options = ["--sysfs-root", self.tree.root, "--state", self.state]
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("VFALIAS", "LIBVIRT"))}
        clean.update(LC_ALL="C.UTF-8", TZ="UTC", **env or {})
        return subprocess.run([VFALIAS, "--config", self.conf, *options, *args], timeout=60,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, env=clean)

    def fine(self, *args, **more):
        result = self.call(*args, **more)
        assert (result.returncode, result.stderr) == (0, ""), result
        return result.stdout

    def json(self, *args, **more):
        return json.loads(self.fine(*args, "--json", **more))

    def refused(self, status, *args, **more):
        """The only line on stderr, without the program's name."""
        result = self.call(*args, **more)
        assert result.returncode == status, result
        assert result.stdout == ""
        assert re.fullmatch(r"vfalias: [^\n]+\n", result.stderr), result.stderr
        return result.stderr[len("vfalias: "):-1]

    def start(self, name, number, requests="", devices=""):
        """As the hook does when a domain starts."""
        hook_conf = self.folder / "hook.conf"
        hook_conf.write_text(CONFIG + "[vfalias]\nrequire_daemon = no\nstate = %s\n"
                             "sysfs_root = %s\nlibvirt_run = %s\n"
                             % (self.state, self.tree.root, self.folder / "run"))
        subprocess.run([HOOK, name, "prepare", "begin", "-"], check=True, text=True, timeout=60,
                       input=domain_xml(name, number, requests, devices),
                       env={"VFALIAS_CONFIG": str(hook_conf), "PATH": "/usr/bin:/bin"})


def domain_xml(name, number, requests="", devices="", extra=""):
    return """<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>
  <name>%s</name><uuid>%s</uuid>
  <metadata><vfalias:requests xmlns:vfalias='urn:vfalias:1'>%s</vfalias:requests></metadata>
  <memory unit='MiB'>64</memory><os><type>hvm</type></os>%s
  <devices>
    <controller type='pci' index='0' model='pcie-root'/>
    <controller type='pci' index='1' model='pcie-root-port'/>
    <controller type='pci' index='2' model='pcie-root-port'/>
    %s
  </devices>
</domain>""" % (name, UUID % number, requests, extra, devices)


def request(alias, more=""):
    return "<vfalias:request alias='%s' %s/>" % (alias, more)


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


@pytest.fixture
def claims(host):
    """Two domains have devices: a network VF and an NVMe VF; and a whole card that its XML names."""
    host.start("db1", 1, request("net") + request("nvme"))
    host.start("web", 2, devices="""<hostdev mode='subsystem' type='pci' managed='yes'><source>
        <address domain='0x0000' bus='0x41' slot='0x00' function='0x0'/></source></hostdev>""")
    return host


# ---- the command line itself ----

@pytest.mark.parametrize("args, says", [
    ([], "no verb given"),
    (["frobnicate"], "unknown verb 'frobnicate'"),
    (["two\nlines"], "unknown verb 'two lines'"),
    (["--frobnicate", "check"], "unknown option '--frobnicate'"),
    (["-x", "check"], "unknown option '-x'"),
    (["--state"], "option '--state' needs a value"),
    (["--state", "", "check"], "empty value"),
    (["check", "more"], "check: unexpected argument 'more'"),
    (["check", "--nova"], "check: option '--nova' needs a value"),
    (["devices", "-j"], "devices: unknown option '-j'"),
    (["devices", "--json=yes"], "devices: unknown option '--json=yes'"),
    (["stats", "net"], "stats: unexpected argument 'net'"),
    (["explain"], "explain: ALIAS is missing"),
    (["explain", "nett"], "no alias 'nett' on this host, only: net, nvme, card"),
    (["explain", "net", "db1", "more"], "explain: unexpected argument 'more'"),
    (["explain", "net", ""], "explain: [DOMAIN] is empty"),
    (["explain", "net", "db1", "--xml", "-"], "explain: --xml excludes a DOMAIN"),
    (["attach"], "attach: DOMAIN is missing"),
    (["attach", "db1", "net-0", "--timeout", "0"], "attach: '0' is no number of seconds from 1 to 86400"),
    (["detach", "db1"], "detach: give either a REQUEST or --all"),
    (["detach", "db1", "net-0", "--all"], "detach: give either a REQUEST or --all"),
    (["detach", "db1", "--all", "--timeout", "soon"], "detach: 'soon' is no number of seconds from 1 to 86400"),
    (["migrate", "db1"], "migrate: DESTURI is missing"),
    (["migrate", "db1", "test:///default", "--timeout", "-1"], "migrate: '-1' is no number of seconds"),
    (["quarantine", "look"], "quarantine: 'look' is none of add, list, remove"),
    (["quarantine", "add", "0000:02:10.0"], "quarantine add: REASON is missing"),
    (["quarantine", "add", "02:10.0", "bad"], "device '02:10.0' is no full PCI address, vdpa:NAME, mdev:UUID, mgmtdev:NAME or "
     "mdev-type:PARENT/TYPE: 'vfalias devices' and 'vfalias claims' list them"),
    (["quarantine", "add", "mdev:nope", "bad"], "device 'mdev:nope' is no full PCI address, vdpa:NAME, mdev:UUID, "),
    (["quarantine", "remove", "enp1s0"], "device 'enp1s0' is no full PCI address, vdpa:NAME, "),
    (["release"], "release: DOMAIN is missing"),
    (["release", ""], "release: DOMAIN is empty"),
    (["request"], "request: add, remove, list or ports is missing"),
    (["request", "drop"], "request: 'drop' is none of add, remove, list, ports"),
    (["request", "add", "db1"], "request add: ALIAS[:COUNT] is missing"),
    (["request", "add", "db1", "net", "--name"], "request add: option '--name' needs a value"),
    (["request", "add", "db1", "net", "--count", "0"], "count '0' is not in 1 to 256"),
    (["request", "add", "db1", "net", "--count", "-1"], "count '-1' is not in 1 to 256"),
    (["request", "add", "db1", "net", "--count", "2x"], "count '2x' is not in 1 to 256"),
    (["request", "add", "db1", "net", "--live", "--current"],
     "request add: --current excludes --live and --config"),
    (["request", "add", "db1", "net,nvme"], "at 'net': each item of a list must be ALIAS:COUNT"),
    (["request", "add", "db1", "net,nvme", "--cold"], "request add: --cold is for one alias, not for a list"),
    (["request", "add", "db1", "net:1,"], "an alias is missing"),
    (["request", "add", "db1", "net:0"], "the count behind ':' is not in 1 to 256"),
    (["request", "add", "db1", "net:one"], "the count behind ':' is not in 1 to 256"),
    (["request", "add", "db1", "net:1:2"], "the count behind ':' is not in 1 to 256"),
    (["request", "add", "db1", "net:1,nvme:1", "--name", "x"], "--name is for one alias, not for a list"),
    (["request", "add", "db1", "net:1,nvme:1", "--count", "2"], "--count is for one alias"),
    (["request", "add", "db1", "net:1,nvme:1", "--port"], "--port is for one alias"),
    (["request", "add", "db1", "net:2", "--count", "2"], "'net:2' has a count already"),
    (["request", "add", "db1", "net:1,nett:1"], "no alias 'nett' on this host, only: net, nvme, card"),
    (["request", "add", "db1", "net", "--late"], "--late is for optional requests: add --optional"),
    (["request", "add", "db1", "net", "--numa", "near"],
     "numa 'near' is none of required, preferred, legacy, socket"),
    (["request", "add", "db1", "net", "--tag", "physical_network"], "'physical_network' is not KEY=VALUE"),
    (["request", "add", "db1", "net", "--tag", "=x"], "tag '=x' is not KEY=VALUE"),
    (["request", "add", "db1", "net", "--tag", "rack=7"],
     "no device_spec on this host sets a tag 'rack' (--force writes the request anyway)"),
    (["request", "add", "db1", "net", "--tag", "physical_network=a", "--tag", "physical_network=b"],
     "tag 'physical_network' is there twice"),
    (["request", "add", "db1", "net", *["--tag", "a=b"] * 33], "more than 32 times --tag"),
    (["request", "remove", "db1", "net", "--config", "--current"],
     "request remove: --current excludes --live and --config"),
    (["request", "add", "db1", "nett"],
     "no alias 'nett' on this host, only: net, nvme, card (--force writes the request anyway)"),
])
def test_wrong_usage_is_one_line_and_2(host, args, says):
    assert says in host.refused(2, *args)


def test_help_is_the_synopsis_of_the_man_page(host):
    synopsis = (SOURCE / "man/synopsis.txt").read_text()
    host.conf.unlink()  # --help needs no configuration
    assert host.fine("--help") == synopsis
    devices = host.fine("devices", "--help")
    assert devices.startswith("vfalias [OPTION]... devices [--all] [--json]\n\n")
    add = host.fine("request", "add", "--help").partition("\n\n")[0]
    assert "[--tag KEY=VALUE]... [--mac MAC]\n" in add and add.endswith("[--current] [--force]")
    family = host.fine("request", "--help").partition("\n\n")[0]
    assert family.startswith(add) and len(family.splitlines()) == len(add.splitlines()) + 3
    assert host.fine("request", "-h") == host.fine("request", "--help")
    page = (BUILD / "man/vfalias.1").read_text()
    plain = page.replace("\\-", "-").replace("\\&", "")
    for line in filter(None, synopsis.splitlines()):
        assert line in plain


def test_every_option_is_in_the_man_page_and_in_the_completion(host):
    page = (SOURCE / "man/vfalias.pod").read_text()
    completion = (SOURCE / "conf/vfalias.bash-completion").read_text()
    for option in set(re.findall(r"--[a-z0-9-]+", host.fine("--help"))):
        assert re.search(r"B<%s>|\[%s\]" % (option, option), page), option
        assert re.search(r"%s\b" % option, completion), option


def test_version(host):
    assert re.fullmatch(r"vfalias [0-9.]+\n", host.fine("--version"))


def test_full_disk_is_noticed(host):
    with open("/dev/full", "w") as full:
        result = subprocess.run([VFALIAS, "--config", host.conf, "check"], stdout=full,
                                stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1
    assert result.stderr == "vfalias: cannot write to standard output: No space left on device\n"


# ---- check ----

def test_check_counts(host):
    assert host.fine("check") == "read %s\n2 device_specs, 3 aliases: valid\n" % host.conf


def test_check_json(host):
    assert host.json("check") == {"files": [str(host.conf)], "errors": [], "warnings": [], "device_specs": 2, "aliases": 3}
    host.configure(CONFIG + 'alias = {"name": "a b", "vendor_id": "10de", "product_id": "20b2"}\n')
    (warning,) = host.json("check")["warnings"]
    assert warning.startswith("%s:7: alias 'a b' has characters" % host.conf)


@pytest.mark.parametrize("uri, good", [("test:///default", False), ("qemu+ssh://other.example/system", False),
                                       ("qemu:///session", True)])
def test_check_warns_of_a_libvirt_that_vfaliasd_refuses(host, uri, good):
    host.configure(CONFIG + "[vfalias]\nlibvirt_uri = %s\n" % uri)
    told = [] if good else ["libvirt_uri '%s' is not libvirt's QEMU driver on this host: use qemu:///system" % uri]
    assert host.json("check")["warnings"] == told
    assert [line for line in host.fine("check").splitlines() if "warning" in line] == ["warning: " + text for text in told]


def test_check_reads_conf_d(host):
    (host.folder / "conf.d").mkdir()
    more = host.folder / "conf.d/more.conf"
    more.write_text('[pci]\nalias = {"vendor_id": "10de", "product_id": "20b2", "name": "gpu"}\n')
    assert host.fine("check").endswith("read %s\n2 device_specs, 4 aliases: valid\n" % more)


def test_pipe_in_conf_d(host):
    """No hook waits for a pipe into which nobody writes."""
    (host.folder / "conf.d").mkdir()
    pipe = host.folder / "conf.d/more.conf"
    os.mkfifo(pipe)
    assert host.refused(2, "check") == "cannot read '%s': it is a pipe or a socket" % pipe


@pytest.mark.parametrize("text", [
    "[pci]\ndevice_spec = {\n",
    '[pci]\ndevice_spec = {"vendor_id": "80861"}\n',
    '[pci]\nalias = {"name": "x", "vendor_id": "8086"}{}\n',
])
def test_check_refuses_in_one_line(host, text):
    host.configure(text)
    assert host.refused(2, "check").startswith("%s:2: " % host.conf)
    host.refused(2, "devices")
    host.refused(2, "claims", "--json")


def test_check_of_a_file_that_is_not_there(host):
    host.conf.unlink()
    assert str(host.conf) in host.refused(2, "check")


def test_environment_names_the_configuration(host):
    result = subprocess.run([VFALIAS, "check"], capture_output=True, text=True,
                            env={"VFALIAS_CONFIG": str(host.conf)})
    assert result.stdout == "read %s\n2 device_specs, 3 aliases: valid\n" % host.conf


# ---- devices ----

def test_devices_has_every_key(host):
    first, vf = host.json("devices")[:2]
    assert first == {
        "address": "0000:01:00.0", "vendor_id": "8086", "product_id": "10c9",
        "dev_type": "type-PF", "parent_addr": None, "numa_node": 0, "netdev": "enp1s0",
        "driver": "igb", "iommu_group": 3, "spec": 0, "tags": {"physical_network": "physnet1"},
        "state": "free", "domain": None, "blocked_by": None, "reason": None, "detail": None}
    assert vf["address"] == "0000:02:10.0" and vf["parent_addr"] == "0000:01:00.0"
    assert vf["dev_type"] == "type-VF" and vf["netdev"] == "enp1s0v0"


def test_devices_are_the_allowed_ones(host):
    addresses = [d["address"] for d in host.json("devices")]
    assert addresses == sorted(addresses)
    assert set(addresses) == {a for a in host.tree.devices if re.match("0000:(01|02|65):", a)}


def test_devices_all_says_why_not(host):
    devices = {d["address"]: d for d in host.json("devices", "--all")}
    assert set(devices) == set(host.tree.devices)
    nic = devices["0000:00:1f.6"]
    assert (nic["spec"], nic["tags"], nic["state"], nic["numa_node"]) == (None, {}, None, None)
    assert (nic["reason"], nic["detail"]) == ("not allowed by a device_spec", "no device_spec matches")
    assert devices["0000:01:00.0"]["reason"] is None
    assert devices["0000:65:00.1"]["driver"] is None


def test_without_any_device_spec_vfs_may_be_given_out(host):
    host.configure("")
    assert host.json("devices") == []
    assert "every SR-IOV VF may be claimed" in host.fine("devices")
    for device in host.json("devices", "--all"):
        is_vf = device["dev_type"] == "type-VF"
        assert device["state"] == ("free" if is_vf else None)
        assert device["detail"] == (None if is_vf else "without a device_spec, SR-IOV VFs only")


def test_devices_shows_who_has_them(claims):
    devices = {d["address"]: d for d in claims.json("devices", "--all")}
    held = {a: (d["state"], d["domain"], d["blocked_by"]) for a, d in devices.items() if d["domain"]}
    assert held["0000:02:10.0"] == ("claimed", "db1", None)
    assert held["0000:65:00.1"] == ("claimed", "db1", None)
    assert held["0000:01:00.0"] == ("claimed", "db1", "0000:02:10.0")
    assert held["0000:65:00.0"] == ("claimed", "db1", "0000:65:00.1")
    assert held["0000:41:00.0"] == ("claimed", "web", None)
    vfs = [v.address for v in claims.tree.devices["0000:41:00.0"].vfs]
    assert all(held[v] == ("claimed", "web", "0000:41:00.0") for v in vfs)
    assert len(held) == 5 + len(vfs)
    table = claims.fine("devices")
    assert re.search(r"0000:02:10\.0 .* claimed by db1 ", table)
    assert re.search(r"0000:01:00\.0 .* blocked: db1 has 0000:02:10\.0 ", table)


def test_a_removed_device_is_not_there(host):
    gone = host.tree.devices["0000:01:00.0"].vfs[0]
    host.tree.remove(gone)
    assert gone.address not in [d["address"] for d in host.json("devices", "--all")]


def test_sysfs_that_is_not_there(host):
    says = host.refused(1, "devices", options=["--sysfs-root", host.folder / "none"])
    assert "none" in says


def test_tables_are_aligned_and_plain(host):
    lines = host.fine("devices").splitlines()
    at = lines[0].index("STATE")
    assert all(line[at - 2:at] == "  " and line[at] != " " for line in lines[1:])
    assert not any(line.endswith(" ") for line in lines)
    assert "\033" not in host.fine("devices")


@pytest.mark.parametrize("env, coloured", [
    ({"TERM": "xterm"}, True),
    ({"TERM": "xterm", "NO_COLOR": ""}, True),
    ({"TERM": "xterm", "NO_COLOR": "1"}, False),
    ({"TERM": "dumb"}, False),
])
def test_colour_is_for_terminals(host, env, coloured):
    ours, theirs = pty.openpty()
    try:
        subprocess.run([VFALIAS, "--config", host.conf, "--sysfs-root", host.tree.root, "stats"],
                       stdout=theirs, check=True, env=env)
        assert (b"\033[" in os.read(ours, 65536)) == coloured
    finally:
        os.close(ours)
        os.close(theirs)


# ---- stats ----

def test_stats(host):
    stats = host.json("stats")
    assert stats["aliases"] == [{"name": "net", "total": 7, "free": 7},
                                {"name": "nvme", "total": 4, "free": 4},
                                {"name": "card", "total": 1, "free": 1}]
    assert stats["pools"] == [
        {"vendor_id": "8086", "product_id": "10c9", "numa_node": 0, "dev_type": "type-PF",
         "physical_network": "physnet1", "count": 1},
        {"vendor_id": "8086", "product_id": "10ca", "numa_node": 0, "dev_type": "type-VF",
         "physical_network": "physnet1", "count": 7},
        {"vendor_id": "144d", "product_id": "a824", "numa_node": 0, "dev_type": "type-PF",
         "count": 1},
        {"vendor_id": "144d", "product_id": "a824", "numa_node": 0, "dev_type": "type-VF",
         "count": 4}]


def test_stats_counts_what_is_free(claims):
    stats = claims.json("stats")
    assert {a["name"]: (a["total"], a["free"]) for a in stats["aliases"]} == \
        {"net": (7, 6), "nvme": (4, 3), "card": (1, 0)}
    assert [p["count"] for p in stats["pools"]] == [0, 6, 0, 3]
    assert re.search(r"^net +7 +6$", claims.fine("stats"), re.M)


def test_stats_of_nothing(host):
    host.configure('[pci]\ndevice_spec = {"vendor_id": "dead"}\n')
    assert host.json("stats") == {"aliases": [], "pools": []}
    host.fine("stats")


def test_stats_counts_what_is_not_healthy_as_not_free(host):
    card = host.tree.devices["0000:01:00.0"]
    host.tree.enslave(card.vfs[0], "br0")
    host.tree.move_netdev_away(card.vfs[1])
    host.fine("quarantine", "add", card.vfs[2].address, "x")
    stats = host.json("stats")
    assert stats["aliases"][0] == {"name": "net", "total": 7, "free": 4}
    assert [p["count"] for p in stats["pools"]] == [0, 4, 1, 4]  # the PF of a VF that the host uses is not free either


def test_stats_tell_of_the_last_scan(host):
    host.fine("rescan")
    host.tree.enslave(host.tree.devices["0000:01:00.0"].vfs[0], "br0")
    assert host.json("stats")["aliases"][0]["free"] == 7
    host.fine("quarantine", "add", host.tree.devices["0000:01:00.0"].vfs[1].address, "x")  # quarantine counts at once
    assert host.json("stats")["aliases"][0]["free"] == 6
    host.fine("rescan")
    assert host.json("stats")["aliases"][0]["free"] == 5


# ---- claims ----

def test_no_state_file_is_no_claims(host):
    assert host.fine("claims") == "no claims\n"
    assert host.json("claims") == []
    assert not host.state.exists()


def test_claims(claims):
    listed = claims.json("claims")
    since = {c.pop("since") for c in listed} | {c.pop("state_since") for c in listed}
    for claim in listed:
        assert claim.pop("pci_slot") == claim["device"]
        for key in ("request_id", "pci_vendor_info", "physical_network", "pf_address", "pf_mac_address", "vf_num",
                    "mac_address"):  # see test_binding.py
            del claim[key]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", s) for s in since)
    none = {"kind": "pci", "state": "claimed", "why": None, "attempts": 0, "error": None}
    assert listed == [
        dict(none, device="0000:02:10.0", domain="db1", uuid=UUID % 1, request="net-0", alias="net"),
        dict(none, device="0000:65:00.1", domain="db1", uuid=UUID % 1, request="nvme-0",
             alias="nvme"),
        dict(none, device="0000:41:00.0", domain="web", uuid=UUID % 2,
             request="static:0000:41:00.0", alias=None)]
    table = claims.fine("claims")
    assert re.search(r"^0000:02:10\.0 +pci +db1 +net-0 +net +claimed +\d{4}-\d\d-\d\d \d\d:", table,
                     re.M)
    assert re.search(r"^0000:41:00\.0 +pci +web +\(static\) +- +claimed ", table, re.M)


def test_a_damaged_state_file_is_an_error_when_only_read(host):
    host.state.write_bytes(b"not a database at all" * 100)
    before = host.state.read_bytes()
    assert str(host.state) in host.refused(1, "claims")
    assert host.state.read_bytes() == before


def other_database(path):
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE of_another_program (name)")
    db.close()


@pytest.mark.parametrize("make", [lambda path: path.write_text("not a database at all\n" * 100), other_database],
                         ids=["text", "database"])
def test_a_file_that_is_no_state_file_stays_as_it_is(host, make):
    """The user has typed the name of another file."""
    meant = host.folder / "valuable"
    make(meant)
    before = meant.read_bytes()
    for verb in (["rescan"], ["quarantine", "add", "0000:02:10.0", "x"], ["claims"]):
        assert str(meant) in host.refused(1, "--state", meant, *verb)
        assert meant.read_bytes() == before and not list(host.folder.glob("valuable.damaged"))


# ---- quarantine ----

def test_quarantine(host):
    assert host.json("quarantine") == []
    assert host.fine("quarantine", "list") == "no device is in quarantine\n"
    assert not host.state.exists()
    assert host.fine("quarantine", "add", "0000:02:10.0", "reset failed") == \
        "0000:02:10.0 is in quarantine\n"
    (entry,) = host.json("quarantine")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", entry.pop("since"))
    assert entry == {"device": "0000:02:10.0", "reason": "reset failed"}
    assert re.search(r"^0000:02:10\.0 +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +reset failed$", host.fine("quarantine"),
                     re.M)
    device = {d["address"]: d for d in host.json("devices")}["0000:02:10.0"]
    assert (device["state"], device["reason"], device["detail"]) == (None, "quarantined", "reset failed")
    assert "no: quarantined: reset failed" in host.fine("devices")
    assert host.fine("quarantine", "remove", "0000:02:10.0") == "0000:02:10.0 may be given out again\n"
    assert host.refused(1, "quarantine", "remove", "0000:02:10.0") == \
        "device '0000:02:10.0' is not in quarantine"


def test_quarantine_for_a_reason_that_is_not_utf8(host):
    """A reason from a terminal with ISO 8859-1. JSON is always UTF-8."""
    host.fine("quarantine", "add", "0000:02:10.0", b"l\xfcfter")
    assert [entry["reason"] for entry in host.json("quarantine")] == ["l\ufffdfter"]
    assert {d["address"]: d["detail"] for d in host.json("devices")}["0000:02:10.0"] == "l\ufffdfter"


def test_quarantine_of_a_device_that_is_not_there(host):
    result = host.call("quarantine", "add", "0000:99:00.0", "pulled out")
    assert (result.returncode, result.stdout) == (0, "0000:99:00.0 is in quarantine\n")
    assert result.stderr == "vfalias: warning: there is no device 0000:99:00.0 now\n"
    assert [q["device"] for q in host.json("quarantine", "list")] == ["0000:99:00.0"]


# ---- explain ----

def rows(result):
    return [(r["address"], r["verdict"], r["reason"], r["detail"]) for r in json.loads(result)]


def test_explain_in_words(claims):
    out = claims.fine("explain", "net")
    assert out.splitlines()[0] == "alias 'net'"
    assert re.search(r"^1 +0000:02:10\.2 +VF +0 +chosen ", out, re.M)
    assert re.search(r"^2 +0000:02:10\.4 +VF +0 +candidate ", out, re.M)
    assert re.search(r"^- +0000:02:10\.0 +VF +0 +claimed: by 'db1' for request 'net-0' ", out, re.M)
    assert out.endswith("not listed (see --all): 6 not what the alias means, 11 not allowed by a device_spec\n")
    everything = claims.fine("explain", "net", "--all")
    assert "not what the alias means: its ids are 144d:a824 " in everything
    assert "not allowed by a device_spec: no device_spec matches " in everything
    assert "not what the alias means: it is of type-PF" in everything


def test_explain_says_why_nothing_is_free(claims):
    result = claims.call("explain", "card", "--json")
    assert (result.returncode, result.stderr) == (1, "vfalias: nothing is free for alias 'card'\n")
    assert rows(result.stdout) == [
        ("0000:01:00.0", "dropped", "PF or VF claimed", "'db1' has 0000:02:10.0")]


def test_explain_without_configured_aliases(host):
    host.configure("")
    assert host.refused(2, "explain", "net") == "no alias 'net' on this host: none is configured"


def test_explain_a_file(claims):
    xml = claims.folder / "d.xml"
    xml.write_text(domain_xml("new", 7, request("net", "name='a'") + request("net", "name='b'")))
    listed = claims.json("explain", "net", "--xml", xml)
    assert [(r["address"], r["request"]) for r in listed[:3]] == \
        [("0000:02:10.2", "a"), ("0000:02:10.4", "b"), ("0000:02:10.6", None)]
    assert "alias 'net', domain 'new' (to be started)\n" in claims.fine("explain", "net", "--xml", xml)
    xml.write_text(domain_xml("new", 7, request("nvme", "count='5'")))
    result = claims.call("explain", "nvme", "--xml", xml)
    assert result.returncode == 1 and "5 more" not in result.stdout
    assert "3 more empty PCIe root ports needed" in result.stderr
    assert "cannot open '/nonexistent': " in claims.refused(1, "explain", "net", "--xml", "/nonexistent")
    xml.write_text("<network/>")
    assert "cannot use '%s': " % xml in claims.refused(1, "explain", "net", "--xml", xml)


def test_explain_without_a_state_file(host):
    assert host.json("explain", "net")[0] == {
        "address": "0000:02:10.0", "verdict": "chosen", "reason": None, "detail": None, "order": 1,
        "request": None}
    assert not host.state.exists()


def test_explain_a_device_that_the_index_does_not_have(claims):
    """The hook takes such a device only if no other device is left."""
    claims.configure(CONFIG + "[vfalias]\nstate = %s\nsysfs_root = %s\n" % (claims.state, claims.tree.root))
    claims.tree.vf(claims.tree.devices["0000:65:00.0"], "0000:65:00.5", "144d:a824", 4, cls="010802")

    def new_one():
        (row,) = [r for r in claims.json("explain", "nvme", options=[]) if r["address"] == "0000:65:00.5"]
        return row["verdict"], row["order"], row["detail"]

    assert new_one() == ("candidate", 4, "not in the index yet; 'vfalias rescan' puts it there")
    claims.fine("rescan", options=[])
    assert new_one() == ("candidate", 4, None)


# ---- a foreign tree ----

@pytest.mark.parametrize("args", [["rescan"], ["gc"], ["quarantine", "remove", "0000:02:10.0"], ["release", "db1"], ["release", "db1", "--force"]])
def test_nothing_is_written_for_a_foreign_tree(host, args):
    host.configure(CONFIG + "[vfalias]\nstate = %s\n" % (host.folder / "run/state"))
    says = host.refused(2, *args, options=["--sysfs-root", host.tree.root])
    assert says == "cannot change the state of this host for the tree '%s': give --state too" \
        % host.tree.root
    assert not (host.folder / "run").exists()


def test_claims_of_this_host_do_not_show_in_a_foreign_tree(claims):
    claims.configure(CONFIG + "[vfalias]\nstate = %s\n" % claims.state)
    foreign = ["--sysfs-root", claims.tree.root]
    assert {d["state"] for d in claims.json("devices", options=foreign)} == {"free"}
    assert claims.json("claims", options=foreign) == []
    assert len(claims.json("claims", options=[])) == 3


def test_the_tree_is_never_written(claims):
    before = claims.tree.snapshot()
    for verb in ["check"], ["devices"], ["devices", "--all", "--json"], ["stats"], ["claims"], \
            ["explain", "net"], ["quarantine", "add", "0000:02:10.0", "x"], ["quarantine"], \
            ["rescan"], ["release", "db1"]:
        claims.fine(*verb)
    assert claims.tree.snapshot() == before


# ---- rescan, release ----

def test_rescan_counts_and_makes_the_state(host):
    assert host.fine("rescan") == "%d devices\n" % len(host.tree.devices)
    assert host.state.stat().st_mode & 0o777 == 0o640
    host.tree.remove(host.tree.devices["0000:65:00.0"])
    assert host.fine("rescan") == "%d devices\n" % len(host.tree.devices)


@pytest.mark.parametrize("name", ["db1", UUID % 1, (UUID % 1).upper()])
def test_release(claims, name):
    assert claims.fine("release", name) == "2 claims dropped\n"
    assert [c["domain"] for c in claims.json("claims")] == ["web"]
    assert claims.refused(1, "release", name) == "domain '%s' has no claims" % name


def test_release_does_not_trust_a_libvirt_it_cannot_ask(claims):
    claims.configure(CONFIG + "[vfalias]\nstate = %s\nsysfs_root = %s\nlibvirt_uri = none:///\n"
                     % (claims.state, claims.tree.root))
    says = claims.refused(1, "release", "db1", options=[])
    assert says.startswith("cannot tell whether domain 'db1' runs (--force skips this check): "
                           "cannot connect to libvirt at 'none:///': ")
    assert len(claims.json("claims", options=[])) == 3
    assert claims.fine("release", "db1", "--force", options=[]) == "2 claims dropped\n"


# ---- with libvirt's test driver ----

@pytest.fixture
def virt(claims):
    """The host with a libvirt: db1 and web run with the devices that the hook has claimed, idle is shut off."""
    has = """<hostdev mode='subsystem' type='pci' managed='yes'><source>
        <address domain='0x0000' bus='0x02' slot='0x10' function='0x0'/></source>
        <alias name='ua-vf-net-0'/></hostdev>"""
    off = "<test:runstate>5</test:runstate>"
    domains = [domain_xml("db1", 1, request("net") + request("nvme", "optional='yes'"), has),
               domain_xml("web", 2),
               domain_xml("idle", 3, request("net", "name='a'"), extra="", devices="").replace(
                   "</domain>", off + "</domain>"),
               domain_xml("full", 4, request("net", "count='2'")).replace(
                   "</domain>", off + "</domain>"),
               domain_xml("port", 5, devices="<controller type='pci' index='3' "
                          "model='pcie-root-port'><alias name='ua-slot-nvme-0'/></controller>")]
    node = claims.folder / "node.xml"
    node.write_text("<node>%s</node>" % "".join(domains))
    claims.configure(CONFIG + "[vfalias]\nrequire_daemon = no\nstate = %s\nsysfs_root = %s\nlibvirt_uri = test://%s\n"
                     % (claims.state, claims.tree.root, node))
    probe = claims.call("request", "list", "web", options=[])
    if probe.returncode != 0:
        pytest.skip("libvirt's test driver does not do: " + probe.stderr)
    return claims


@pytest.mark.parametrize("verb", [["gc"], ["release", "db1"], ["start", "test"], ["attach", "test"],
                                  ["detach", "test", "--all"], ["migrate", "test", "qemu+ssh://other/system"]])
def test_claims_are_changed_by_the_configured_libvirt_only(virt, verb):
    with open("%s.lock" % virt.state, "w", encoding="ascii") as there:  # for commands that need vfaliasd
        ofd_setlk = 37
        fcntl.fcntl(there, ofd_setlk, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
        says = virt.refused(1, *verb, options=["--connect", "test:///default"])
    assert "cannot change claims for the domains of 'test:///default': the claims of this host are those of 'test://" in says
    assert len(virt.json("claims", options=[])) == 3


def virt_call(host, *args):
    result = host.call(*args, options=[])
    return result.returncode, result.stdout, result.stderr


def test_request_list(virt):
    assert virt.json("request", "list", "db1", options=[]) == [
        {"name": "net-0", "alias": "net", "element": "hostdev", "mac": None, "vlan": None,
         "optional": False, "live": True, "config": True, "port": False, "device": "0000:02:10.0",
         "state": "claimed", "error": None},
        {"name": "nvme-0", "alias": "nvme", "element": "hostdev", "mac": None, "vlan": None,
         "optional": True, "live": True, "config": True, "port": False, "device": "0000:65:00.1",
         "state": "claimed", "error": None}]
    table = virt.fine("request", "list", "db1", options=[])
    assert re.search(r"^nvme-0 +nvme +yes +live, config +hostdev +- +- +0000:65:00\.1 +claimed +-$",
                     table, re.M)
    assert virt.json("request", "list", UUID % 3, options=[])[0]["name"] == "a"
    assert virt.fine("request", "list", "web", options=[]) == "no requests\n"
    assert virt.json("request", "list", "web", options=[]) == []


def test_explain_for_a_domain(virt):
    listed = virt.json("explain", "net", "idle", options=[])
    assert (listed[0]["address"], listed[0]["request"]) == ("0000:02:10.2", "a")
    assert "domain 'idle' (to be started)" in virt.fine("explain", "net", UUID % 3, options=[])
    # db1 runs and has all its devices: explain answers for one more
    running = virt.json("explain", "net", "db1", options=[])
    assert (running[0]["address"], running[0]["verdict"], running[0]["request"]) == \
        ("0000:02:10.2", "chosen", None)
    assert "domain 'db1' (running)" in virt.fine("explain", "net", "db1", options=[])
    assert virt.json("explain", "nvme", "port", options=[])[0]["request"] == "nvme-0"
    assert virt.refused(1, "explain", "net", "nobody", options=[]) == "no domain 'nobody'"


def test_request_list_of_a_labelled_port(virt):
    listed = virt.json("request", "list", "port", options=[])
    assert [(r["name"], r["alias"], r["port"], r["device"]) for r in listed] == \
        [("nvme-0", "nvme", True, None)]


def test_no_such_domain(virt):
    for args in ["list", "nobody"], ["ports", "nobody"], ["add", "nobody", "net"], \
            ["remove", "nobody", "net"]:
        assert virt.refused(1, "request", *args, options=[]) == "no domain 'nobody'"


def test_request_add_names_what_it_added(virt):
    idle = "request '%s' added to domain 'idle' (definition)\n"
    assert virt_call(virt, "request", "add", "idle", "net") == (0, idle % "net-0", "")
    assert virt_call(virt, "request", "add", "idle", "net", "--name", "b", "--optional") == \
        (0, idle % "b", "")
    assert virt_call(virt, "request", "add", "idle", "nope", "--force") == (0, idle % "nope-0", "")
    web = "request 'net-0' added to domain 'web' (%s)\n"
    assert virt_call(virt, "request", "add", "web", "net") == (0, web % "running domain", "")
    assert virt_call(virt, "request", "add", "web", "net", "--live", "--config") == \
        (0, web % "definition" + web % "running domain", "")


def test_request_add_mends_the_ports(virt):
    status, out, err = virt_call(virt, "request", "add", "idle", "net", "--count", "3")
    assert (status, err) == (0, "")
    assert out.endswith("2 empty ports added to the definition of domain 'idle'\n")
    status, out, err = virt_call(virt, "request", "add", "web", "net", "--count", "3", "--live")
    assert (status, out.count("running domain")) == (0, 3)
    assert err == "vfalias: warning: domain 'web' has 1 free port too few: " \
        "a device cannot be attached until the domain is shut down and started\n"


def test_request_add_with_a_port(virt):
    status, out, err = virt_call(virt, "request", "add", "idle", "net", "--port", "--count", "2")
    assert (status, err) == (0, "")
    assert out == """port ua-slot-net-0 added to the definition of domain 'idle'
port ua-slot-net-1 added to the definition of domain 'idle'
request 'net-0' added to domain 'idle' (definition)
request 'net-1' added to domain 'idle' (definition)
"""
    assert "--port changes the definition of domain 'web': add --config" == \
        virt.refused(2, "request", "add", "web", "net", "--port", options=[])


@pytest.mark.parametrize("asked, more, names", [
    ("net:2", [], ["net-0", "net-1"]),
    ("net:2", ["--name", "dp"], ["dp-0", "dp-1"]),
    ("net:2", ["--port"], ["net-0", "net-1"]),
    ("net:2,nvme:1", [], ["net-0", "net-1", "nvme-0"]),
    (" net : 1 , nvme:1,net:1", ["--optional", "--late", "--numa", "preferred"], ["net-0", "nvme-0", "net-1"]),
    ("net", ["--tag", "physical_network=physnet1", "--tag", "traits=a=b"], ["net-0"]),
    ("net:1,other:1", ["--force", "--tag", "rack=7"], ["net-0", "other-0"]),
    # aliases with unusual names
    ("odd:2", [], ["odd2-0"]),
    ("odd2:3", [], ["odd2-0", "odd2-1", "odd2-2"]),
    ("odd:2", ["--port"], ["odd2-0"]),
    ("odd:2", ["--name", "x"], ["x"]),
    ("x y", ["--name", "x"], ["x"]),
])
def test_request_add_reads_what_a_flavor_says(virt, asked, more, names):
    virt.configure(virt.conf.read_text() + """[pci]
alias = {"vendor_id": "8086", "product_id": "10ca", "name": "odd:2", "xml_name": "odd2"}
alias = {"vendor_id": "8086", "product_id": "10ca", "name": "x y"}
""")
    out = virt.fine("request", "add", "idle", asked, *more, options=[])
    assert sorted(re.findall("request '(.*)' added", out)) == sorted(names)


def test_request_add_changes_nothing_when_one_of_a_list_cannot_be(virt):
    virt.configure(virt.conf.read_text() + """[pci]
alias = {"vendor_id": "8086", "product_id": "10ca", "name": "x y"}
""")
    assert "alias 'x y' has other characters than A-Za-z0-9_-: give the request a name" in \
        virt.refused(1, "request", "add", "idle", "net:1,x y:1", options=[])
    assert "cannot add request: no attribute for a tag can be called 'count'" in \
        virt.refused(1, "request", "add", "idle", "net", "--tag", "count=2", "--force", options=[])
    assert "more than 256 devices" in virt.refused(1, "request", "add", "idle", "net:256", options=[])


def test_request_add_twice_changes_nothing(virt):
    says = virt.refused(1, "request", "add", "idle", "net", "--name", "a", "--port", options=[])
    assert says == "domain 'idle' (definition): cannot add request 'a': the domain has a request of that name"
    assert "name 'a b'" in virt.refused(1, "request", "add", "idle", "net", "--name", "a b",
                                        options=[])


def test_request_remove(virt):
    gone = "request '%s' removed from domain '%s' (%s)\n"
    assert virt_call(virt, "request", "remove", "idle", "a") == \
        (0, gone % ("a", "idle", "definition"), "")
    assert virt_call(virt, "request", "remove", "full", "net-1") == \
        (0, gone % ("net-1", "full", "definition"), "")
    assert virt_call(virt, "request", "remove", "full", "net", "--current") == \
        (0, gone % ("net-0", "full", "definition") + gone % ("net-1", "full", "definition"), "")
    assert virt_call(virt, "request", "remove", "db1", "net-0", "--live", "--config") == \
        (0, gone % ("net-0", "db1", "definition") + gone % ("net-0", "db1", "running domain"), "")
    says = virt.refused(1, "request", "remove", "web", "net", options=[])
    assert says == "domain 'web' (running domain): " \
        "cannot remove request 'net': no request or alias of that name"
    assert virt.refused(1, "request", "remove", "idle", "a", "--live", options=[]) == \
        "domain 'idle' is not running"


@pytest.mark.parametrize("what", ["nvme", "nvme-0"])
def test_request_remove_takes_the_label_off_too(virt, what):
    assert virt_call(virt, "request", "remove", "port", what, "--config") == (0, """\
label ua-slot-nvme-0 taken off its port in the definition of domain 'port'
request 'nvme-0' removed from domain 'port' (definition)
""", "")
    status, out, err = virt_call(virt, "request", "remove", "port", what, "--live")
    assert (status, out) == (0, "")
    assert err == "vfalias: warning: domain 'port' has a port labelled for 'nvme-0', which remains " \
        "a request until the domain stops: detach the device with virsh\n"


def test_request_ports(virt):
    assert virt_call(virt, "request", "ports", "idle") == (0, "", "")
    assert virt_call(virt, "request", "ports", "full") == (0, "", "")


@pytest.mark.parametrize("name, dropped", [("db1", "2 claims dropped\n"), ("web", "1 claim dropped\n")])
def test_release_of_a_running_domain_is_refused(virt, name, dropped):
    """Refused whether the domain has its devices already, or will get them."""
    assert virt.refused(1, "release", name, options=[]) == \
        "domain '%s' is running: stop it first, or use --force" % name
    assert len(virt.json("claims", options=[])) == 3
    assert virt.fine("release", name, "--force", options=[]) == dropped


def test_release_leaves_what_is_claimed_while_libvirt_is_asked(virt):
    """The domain starts just after libvirt has said that it does not run. libvirt reads this file before it answers."""
    virt.start("idle", 3, request("net"))
    node = virt.folder / "node.xml"
    text = node.read_text()
    node.unlink()
    os.mkfifo(node)
    with ThreadPoolExecutor() as pool:
        release = pool.submit(virt.fine, "release", "idle", options=[])
        # if libvirt never reads the file, the test does not wait for ever
        release.add_done_callback(lambda _: os.close(os.open(node, os.O_RDONLY | os.O_NONBLOCK)))
        with node.open("w") as pipe:
            virt.start("idle", 3, request("nvme"))
            pipe.write(text)
    assert release.result() == "0 claims dropped\n"
    assert [c["request"] for c in virt.json("claims") if c["domain"] == "idle"] == ["nvme-0"]


def test_gc_keeps_what_runs(virt):
    virt.start("ghost", 9, request("nvme"))
    assert virt.json("claims", options=[])[-2]["domain"] == "ghost"
    out = virt.fine("gc", options=[])
    assert out.startswith("1 claim dropped\n") or "too young" in out
    assert {"db1", "web"} <= {c["domain"] for c in virt.json("claims", options=[])}


# ---- completion ----

@pytest.mark.parametrize("words, offered", [
    (["re"], "release request rescan resolve"),
    (["explain", "n"], "net nvme"),
    (["explain", "net", "--"], "--xml --all --json --help"),
    (["quarantine", ""], "add list remove"),
    (["de"], "detach devices"),
    (["detach", "db1", "--"], "--all --timeout --help"),
    (["migrate", "db1", "qemu:///system", "--p"], "--p2p --persistent"),
    (["quarantine", "remove", ""], ""),
    (["--s"], "--state --sysfs-root"),
    (["--state", "/x", "devices", "--"], "--all --json --help"),
    (["request", ""], "add list ports remove"),
    (["request", "add", "db1", ""], "net nvme card"),
    (["request", "add", "--config", "db1", "n"], "net nvme"),
    (["request", "add", "--name", "x", "db1", "c"], "card"),
    (["request", "add", "db1", "net", "--c"], "--count --cold --config --current"),
    (["request", "add", "--trust", "on", "--mtu", "1500", "db1", "c"], "card"),
    (["request", "add", "db1", "net", "--trust", ""], "on off"),
    (["request", "add", "db1", "net", "--vlan-proto", ""], "802.1Q 802.1ad"),
    (["request", "add", "db1", "net", "--vlan-qos", ""], "0 1 2 3 4 5 6 7"),
    (["-"], "-c --connect --config --state --sysfs-root -h --help -V --version"),
    (["stats", ""], ""),
])
def test_completion(host, words, offered):
    assert completed_by_bash(host, words) == offered.split()


def completed_by_bash(host, words, **environ):
    script = r"""
        _init_completion() { words=("${COMP_WORDS[@]}"); cword=$COMP_CWORD
                             cur=${words[cword]}; prev=${words[cword-1]}; }
        _filedir() { COMPREPLY=(FILE); }
        . "$0"
        COMP_WORDS=(vfalias "$@"); COMP_CWORD=$#
        _vfalias
        echo "${COMPREPLY[*]}"
    """
    return completed(host, environ, "bash", "-c", script, SOURCE / "conf/vfalias.bash-completion", *words)


def completed(host, environ, *command):
    result = subprocess.run(command, text=True, capture_output=True, env={
        "PATH": "%s:/usr/bin:/bin" % VFALIAS.resolve().parent, "VFALIAS_CONFIG": str(host.conf), **environ})
    assert result.stderr == ""
    return result.stdout.split()


NEEDS_ZSH = pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")


@NEEDS_ZSH
@pytest.mark.parametrize("words, offered", [
    (["qu"], "quarantine"),
    (["explain", "n"], "net nvme"),
    (["explain", "net", "--"], "--all --help --json --xml"),
    (["explain", "net", "--xml", ""], "FILE"),
    (["quarantine", ""], "add list remove"),
    (["--s"], "--state --sysfs-root"),
    (["--sysfs-root", ""], "FILE"),
    (["--state", "/x", "devices", "--"], "--all --help --json"),
    (["request", ""], "add list ports remove"),
    (["request", "add", "--config", "db1", "n"], "net nvme"),
    (["request", "add", "--name", "x", "db1", "c"], "card"),
    (["request", "add", "db1", "net", "--c"], "--cold --config --count --current"),
    (["request", "add", "--numa", "r"], "required"),
    (["request", "add", "--vlan-qos", "3", "--trust", "on", "--mac", "x", "db1", "c"], "card"),
    (["request", "add", "db1", "net", "--trust", ""], "off on"),
    (["request", "add", "db1", "net", "--link-state", "e"], "enable"),
    (["request", "add", "db1", "net", "--vlan-qos", ""], "0 1 2 3 4 5 6 7"),
    (["detach", "db1", "--"], "--all --help --timeout"),
    (["attach", "db1", "--"], "--help --timeout"),
    (["stats", ""], ""),
])
def test_completion_of_zsh(host, words, offered):
    assert completed_by_zsh(host, words) == offered.split()


def completed_by_zsh(host, words, **environ):
    """Without zsh's line editor: the words that the function passes to zsh, reduced to those that begin with the last
    word."""
    script = r"""
        compadd() { shift; for word; do [[ $word != $PREFIX* ]] || print -r -- $word; done }
        _files() { print FILE; }
        _call_program() { shift; "$@"; }
        file=$1; shift
        words=(vfalias "$@") CURRENT=$(($# + 1)) PREFIX=$words[-1]
        . $file
    """
    return sorted(set(completed(host, environ, "zsh", "-f", "-c", script, "zsh", SOURCE / "conf/_vfalias", *words)))


@pytest.mark.skipif(not shutil.which("virsh"), reason="virsh is not installed")
@pytest.mark.parametrize("words, offered", [
    (["start", "t"], "teamed"),
    (["attach", "teamed", ""], "dp0 nvme-0"),
    (["detach", "teamed", ""], "dp0 nvme-0"),
    (["detach", "--timeout", "9", "teamed", "n"], "nvme-0"),
    (["request", "remove", "teamed", ""], "dp0 nvme-0"),
    (["request", "remove", "--config", "idle", ""], "a"),
    (["request", "add", "teamed", "net", "--teaming", ""], "ua-backup"),
    (["request", "add", "idle", "net", "--teaming", ""], ""),
    (["quarantine", "remove", ""], "0000:02:10.2"),
])
@pytest.mark.parametrize("shell", [completed_by_bash, pytest.param(completed_by_zsh, marks=NEEDS_ZSH)])
def test_completion_of_what_there_is(virt, shell, words, offered):
    node = virt.folder / "node.xml"
    teamed = domain_xml("teamed", 6, request("net", "name='dp0'") + request("nvme"), """
        <interface type='user'><mac address='52:54:00:0a:0b:0c'/><model type='virtio'/><alias name='ua-backup'/>
          <teaming type='persistent'/></interface>""")
    node.write_text(node.read_text().replace("</node>", teamed + "</node>"))
    virt.fine("quarantine", "add", "0000:02:10.2", "looked at", options=[])
    assert shell(virt, words, VIRSH_DEFAULT_CONNECT_URI="test://%s" % node) == offered.split()
