# SPDX-License-Identifier: LGPL-2.1-or-later
"""A lab host with the project installed, as the tests of requests need it: aliases, claims, devices of domains.

Uses libvirt and the project by their commands and XML only. The fixture `pool` (import it by name) is a host whose
devices are all free, before a test and, as a part of every test, after it.
"""
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from labhost import PATIENCE

HOME = Path(__file__).resolve().parent
NAMESPACE = "urn:vfalias:1"
PF, OTHER_PF, ACCEL_PF = "0000:01:00.0", "0000:02:00.0", "0000:03:00.0"
NET_ID, ACCEL_ID = "8086:10ca", "1b36:0010"
NETS, ACCELS = 14, 4
WATCH = "/usr/local/bin/watch-devices"

CONFIGURATION = """[pci]
device_spec = {"address": "*:01:*.*", "vendor_id": "8086", "product_id": "10ca", "physical_network": "physnet1"}
device_spec = {"address": "*:02:*.*", "vendor_id": "8086", "product_id": "10ca", "physical_network": "physnet2"}
device_spec = {"address": "*:03:*.*"}
alias = {"name": "net", "vendor_id": "8086", "product_id": "10ca", "device_type": "type-VF"}
alias = {"name": "accel", "vendor_id": "1b36", "product_id": "0010", "device_type": "type-VF"}
alias = {"name": "nic", "vendor_id": "8086", "product_id": "10ca", "device_type": "type-VF", "attach": "interface"}
alias = {"name": "vital", "vendor_id": "8086", "product_id": "10ca", "device_type": "type-VF", "on_attach_failure": "destroy"}
"""
DETACHING = 150  # seconds; longer than vfalias waits for guests to release a device
SLOW = "/etc/vfalias/conf.d/lab.conf"  # an emulated host reports a start late
WITHOUT_DAEMON = CONFIGURATION + "[vfalias]\nrequire_daemon = no\n"


def requests(*wanted):
    """<requests> for `virsh metadata --set`: of aliases, or of whole <request> elements."""
    inner = "".join(w if w.startswith("<") else f'<request alias="{w}"/>' for w in wanted)
    return f"<requests>{inner}</requests>"


def metadata(*wanted):
    """The same element as a domain's XML has it."""
    text = re.sub(r"<(/?)", r"<\1vfalias:", requests(*wanted))
    return text.replace("<vfalias:requests", f"<vfalias:requests xmlns:vfalias='{NAMESPACE}'", 1)


def address(element):
    """The text form (0000:01:10.0) of an <address> element."""
    domain, bus, slot, function = (int(element.get(key), 0) for key in ("domain", "bus", "slot", "function"))
    return f"{domain:04x}:{bus:02x}:{slot:02x}.{function}"


class Device:
    """A host device in the live XML of a domain."""

    def __init__(self, element):
        self.kind = element.tag
        self.managed = element.get("managed") == "yes"
        self.source = address(element.find("source/address"))
        self.guest = address(element.find("address"))
        self.mac = element.find("mac").get("address") if element.find("mac") is not None else None


class Pool:
    def __init__(self, lab):
        self.lab = lab

    # -- requests

    def ask(self, domain, *wanted, where="--config"):
        """virsh metadata: the domain requests these, and nothing else."""
        command = ["virsh", "-q", "metadata", domain, NAMESPACE, "--key", "vfalias", where]
        self.lab.run(command + (["--set", requests(*wanted)] if wanted else ["--remove"]))

    def start(self, domain, *names, limit=60):
        """Runs virsh start, and waits until the domain has the devices of the requests `names`, and no others. Returns
        the times in seconds: {"start": …, "attached": {NAME: …}}."""
        return self.watch(domain, "--start", *names, limit=limit)

    def watch(self, domain, *names, limit=60):
        result = self.lab.run([WATCH, limit * PATIENCE, domain, *names], timeout=limit + 30)
        return json.loads(result.stdout)

    def told(self, domain, *words, limit=60):
        """Waits in the same way. Returns libvirt's events of the guest, ["started", …]."""
        return [name for name, _ in self.watch(domain, *words, limit=limit)["events"]]

    def refused(self, *command):
        """A command that the hook must refuse. Returns the message that the user sees, after `vfalias: `."""
        result = self.lab.run(["virsh", "-q", *command], check=False)
        assert result.returncode == 1 and "Hook script execution failed" in result.stderr
        assert result.stderr.count("vfalias: ") == 1
        return result.stderr.partition("vfalias: ")[2].strip()

    # -- devices and claims

    def devices(self, domain):
        """The host devices of a running domain: {REQUEST or None: Device}."""
        tree = ElementTree.fromstring(self.lab.virsh("dumpxml", domain))
        found = tree.findall("devices/hostdev") + tree.findall("devices/interface[@type='hostdev']")
        devices = {}
        for element in found:
            name = element.find("alias").get("name")
            request = name.removeprefix("ua-vf-") if name.startswith("ua-vf-") else None
            assert request not in devices
            devices[request] = Device(element)
        return devices

    def inactive(self, domain):
        return self.lab.virsh("dumpxml", domain, "--inactive")

    def claims(self, domain=None):
        rows = json.loads(self.lab.run("vfalias claims --json").stdout)
        return {(r["domain"], r["request"]): r for r in rows if domain in (None, r["domain"])}

    def held(self, domain=None):
        """{(DOMAIN, REQUEST): DEVICE}. Checks that no device is claimed twice."""
        held = {key: row["device"] for key, row in self.claims(domain).items()}
        assert len(set(held.values())) == len(held)
        return held

    def free(self):
        """{ALIAS: the number of its free devices}"""
        rows = json.loads(self.lab.run("vfalias stats --json").stdout)["aliases"]
        return {row["name"]: row["free"] for row in rows}

    def wait_active(self, domain, *names, limit=20):
        """Waits until the claims are active: the daemon records a device some time after the guest has it."""
        want = json.dumps(sorted(names))
        query = f'map(select(.domain == "{domain}" and .state == "active") | .request) | sort == {want}'
        self.lab.wait_for(f"vfalias claims --json | jq -e '{query}'", limit)

    def wait_released(self, domain=None, limit=20):
        query = "length == 0" if domain is None else f'map(select(.domain == "{domain}")) | length == 0'
        self.lab.wait_for(f"vfalias claims --json | jq -e '{query}'", limit)

    def in_guest(self, domain, ids):
        """The drivers of a guest's devices with these ids, by the guest's address."""
        return {slot: driver for slot, (found, driver) in self.lab.guest_pci(domain).items() if found == ids}

    # -- the host

    def configure(self, text):
        self.lab.put("/etc/vfalias/vfalias.conf", text)
        self.lab.run("if systemctl -q is-active vfaliasd; then systemctl reload vfaliasd; fi")

    def daemon(self, action):
        """systemctl start, stop, …"""
        self.lab.run(f"systemctl reset-failed vfaliasd; systemctl {action} vfaliasd")

    def kill_daemon(self, signal="KILL"):
        self.lab.run(f"systemctl kill --kill-whom=main -s {signal} vfaliasd")

    def freeze_daemon(self):
        """Stops the daemon where it is, unless it has the state file locked: hooks would wait for that lock."""
        self.lab.run("pid=$(systemctl show -P MainPID vfaliasd); inode=$(stat -c %i /run/vfalias/state); "
                     "until kill -STOP $pid; until grep -q '^State:.T' /proc/$pid/status; do :; done; "
                     "! grep \"POSIX.* $pid [0-9a-f:]*:$inode \" /proc/locks; do kill -CONT $pid; done")

    def check_all_free(self):
        """Neither libvirt nor the project holds a device, and each driver has its devices."""
        self.lab.wait_for(
            "vfalias claims --json | jq -e 'length == 0' && ! ls /sys/bus/pci/drivers/vfio-pci | grep : && "
            f"test $(ls -d /sys/bus/pci/drivers/igbvf/*:* | wc -l) = {NETS}")
        assert self.free() == {"net": NETS, "nic": NETS, "vital": NETS, "accel": ACCELS}


    def prepare(self):
        """The usual configuration and a running daemon. Mostly, both are in place already."""
        well = f"test -x {WATCH} && test -e {SLOW} && cmp -s - /etc/vfalias/vfalias.conf && systemctl -q is-active vfaliasd"
        if self.lab.run(well, input=CONFIGURATION, check=False).returncode:
            self.lab.put(WATCH, (HOME / "watch-devices").read_text(), mode=0o755)
            self.lab.put(SLOW, "[vfalias]\nhold_within = 60\n")
            self.configure(CONFIGURATION)
            self.daemon("start")


@pytest.fixture
def pool(project):
    pool = Pool(project)
    pool.prepare()
    yield pool
    if not project.sick:
        project.clean()
        pool.prepare()
        pool.check_all_free()
