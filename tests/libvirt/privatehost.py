# SPDX-License-Identifier: LGPL-2.1-or-later
"""A private libvirt host: libvirtd and QEMU of the machine, vfalias as `make install` has left it, and fake devices
(sysfs_tree.py), so that each attach fails.

The tests neither see nor change the machine's own libvirt. Any number of private hosts can run at a time.
"""
import fcntl
import json
import os
import shutil
import threading
from pathlib import Path

import libvirt

from namespace import Namespace, Service
from recorder import Recorder
from sysfs_tree import Tree
from watching import Datagrams, watch_folder

HERE = Path(__file__).parent
RECORDERS = ("00-before", "zz-after")  # libvirt calls vfalias' own hook between these

LIBVIRTD_CONF = """
auth_unix_ro = "none"
auth_unix_rw = "none"
unix_sock_group = "root"
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
"""
QEMU_CONF = """
user = "root"
group = "root"
security_driver = "none"
remember_owner = 0
stdio_handler = "file"
namespaces = []
cgroup_controllers = []
"""
# Three QATs, one GPU.
VFALIAS_CONF = """
[vfalias]
sysfs_root = /run/sys
log_level = debug
hold_within = 60
[pci]
device_spec = {"vendor_id": "8086", "product_id": "37c9"}
device_spec = {"vendor_id": "10de", "product_id": "2236"}
alias = {"name": "qat", "vendor_id": "8086", "product_id": "37c9", "device_type": "type-VF"}
alias = {"name": "gpu", "vendor_id": "10de", "product_id": "2236", "device_type": "type-VF"}
"""
QATS = ["fade:3d:02.0", "fade:3d:02.1", "fade:3d:02.2"]
GPU = "fade:af:02.0"


def _run_events():
    while True:
        libvirt.virEventRunDefaultImpl()


class PrivateHost(Namespace):
    def __init__(self, installed):
        if not libvirt_events_started:
            start_libvirt_events()
        super().__init__(str(HERE / "private-init"), str(installed))
        self.recorder = Recorder(self.news, self.path("/run/recorder"))
        self.syslog = Datagrams(self.news, self.path("/dev/log"))
        self._state_watch = watch_folder(self.news, self.path("/run/vfalias"))
        self.path("/etc/libvirt/libvirtd.conf").write_text(LIBVIRTD_CONF)
        self.path("/etc/libvirt/qemu.conf").write_text(QEMU_CONF)
        for name in RECORDERS:
            shutil.copy(HERE / "record-hook", self.path("/etc/libvirt/hooks/qemu.d") / name)
        self.libvirtd = Service(self, "libvirtd", ["libvirtd"])
        self.vfaliasd = Service(self, "vfaliasd", ["vfaliasd"])
        self.make_devices()
        self.configure()
        self.events = []
        self._log_start = 0
        self._connection = None
        self.libvirtd.start()

    def close(self):
        self.disconnect()
        self.recorder.close()
        os.close(self._state_watch)
        super().close()

    # ---- files that vfalias reads ----

    def make_devices(self):
        shutil.rmtree(self.path("/run/sys"), ignore_errors=True)
        tree = Tree(self.path("/run/sys"))
        tree.pf("fade:3d:00.0", "8086:37c8", vfs=3, vf_id="8086:37c9", numa=0)
        tree.pf("fade:af:00.0", "10de:2235", vfs=1, vf_id="10de:2236", cls="030200", numa=0)
        return tree

    def configure(self, text=VFALIAS_CONF):
        self.path("/etc/vfalias/vfalias.conf").write_text(text)

    # ---- libvirt ----

    @property
    def connection(self):
        """A connection of this process to the private libvirtd. Its events are collected in `events`."""
        if self._connection is None:
            self._connection = libvirt.open("qemu:///system?socket=%s" %
                                            self.path("/run/libvirt/libvirt-sock"))
            self._connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                                    self._on_lifecycle, None)
        return self._connection

    def _on_lifecycle(self, _connection, domain, event, detail, _opaque):
        self.events.append((domain.name(), event, detail))
        self.news.tell()

    def disconnect(self):
        if self._connection is not None:
            try:
                self._connection.close()
            except libvirt.libvirtError:
                pass
        self._connection = None

    def restart_libvirtd(self, kill=False):
        self.disconnect()
        if kill:
            self.libvirtd.kill()
        else:
            self.libvirtd.stop()
        self.libvirtd.start()

    def wait_event(self, domain, event, since=0):
        return self.news.until(
            lambda: [seen for seen in self.events[since:] if seen[:2] == (domain, event)],
            "no event %d of '%s'" % (event, domain))

    def virsh(self, *words, check=True, **more):
        return self.run("virsh", "--quiet", "--connect", "qemu:///system", *words, check=check,
                        **more)

    def define(self, xml):
        return self.connection.defineXML(xml)

    def domain(self, name):
        return self.connection.lookupByName(name)

    def xml(self, name, *flags):
        return self.virsh("dumpxml", name, *flags).stdout

    def state(self, name):
        return self.virsh("domstate", name).stdout.strip()

    def is_on(self, name):
        """Whether the domain runs. A guest that is held until its devices are attached counts as running."""
        state = self.state(name)
        if state == "paused":
            self.wait_running(name)
        return state in ("running", "paused")

    def wait_running(self, name):
        self.connection  # the events of this connection are the news
        self.news.until(lambda: self.state(name) == "running", "'%s' does not run" % name)

    def qemu_pid(self, name):
        return int(self.path("/run/libvirt/qemu/%s.pid" % name).read_text())

    def alive(self, pid):
        """True while a process inside exists and is no zombie."""
        return self.run("grep", "-q", "^State:.[^Z]", "/proc/%d/status" % pid,
                        check=False).returncode == 0

    def forget_log(self):
        """Makes log() begin here."""
        log = self.path("/var/log/libvirt/libvirtd.log")
        self._log_start = log.stat().st_size if log.exists() else 0

    def log(self):
        """The errors and warnings of libvirtd."""
        log = self.path("/var/log/libvirt/libvirtd.log")
        return log.read_bytes()[self._log_start:].decode() if log.exists() else ""

    def remove_domains(self):
        for domain in self.connection.listAllDomains():
            persistent = domain.isPersistent()
            if domain.isActive():
                domain.destroy()
            if persistent:
                domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE)

    # ---- vfalias ----

    def vfalias(self, *words, check=True, **more):
        return self.run("vfalias", *words, check=check, **more)

    def claims(self, domain=None):
        """The claims in the state, by request: of one domain, or of all domains."""
        claims = json.loads(self.vfalias("claims", "--json").stdout)
        return [claim for claim in claims if domain in (None, claim["domain"])]

    def devices(self, domain=None):
        """The devices that are claimed."""
        return sorted(claim["device"] for claim in self.claims(domain))

    def freeze_vfaliasd(self):
        """Stops vfaliasd where it is, unless it has the state file locked: hooks would wait for that lock."""
        self.vfaliasd.lines.wait("the index has")
        self.vfaliasd.signal("STOP")
        while self._state_is_locked():
            self.vfaliasd.signal("CONT")
            self.vfaliasd.signal("STOP")

    def _state_is_locked(self):
        """Whether SQLite has locked the state file, for reading or writing. The bytes of its locks:
        https://sqlite.org/src/doc/trunk/src/os.h"""
        with open(self.path("/run/vfalias/state"), "r+b") as state:
            try:
                fcntl.lockf(state, fcntl.LOCK_EX | fcntl.LOCK_NB, 512, 0x40000000)
            except OSError:
                return True
        return False

    def wait_claims(self, look, what, domain=None):
        """Waits until look(claims) is true; returns the claims."""
        def all_of_them():
            claims = self.claims(domain)
            return (claims,) if look(claims) else None
        return self.news.until(all_of_them, "claims: " + what)[0]

    def wait_no_claims(self, domain=None):
        self.wait_claims(lambda claims: not claims, "none", domain)

    def stats(self):
        """The number of free devices of each alias."""
        stats = json.loads(self.vfalias("stats", "--json").stdout)
        return {alias["name"]: alias["free"] for alias in stats["aliases"]}

    def forget_state(self):
        for path in self.path("/run/vfalias").glob("state*"):
            if path.name != "state.lock":
                path.unlink(missing_ok=True)


libvirt_events_started = False


def start_libvirt_events():
    """Once in a process, and before its first connection."""
    global libvirt_events_started
    libvirt.registerErrorHandler(lambda *_: None, None)  # errors are raised, not printed
    libvirt.virEventRegisterDefaultImpl()
    threading.Thread(target=_run_events, daemon=True).start()
    libvirt_events_started = True
