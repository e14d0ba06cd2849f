# SPDX-License-Identifier: LGPL-2.1-or-later
"""A lab host for tests. Uses the command `lab`; QEMU and pytest are unknown here.

Every step has a time limit. A step that exceeds its limit raises LabTimeout and marks the host as `sick`: its work may
still go on, and about once in an hour an emulated processor stops taking interrupts. A sick host is not used again; it
is booted from pristine disks (renew()).
"""
import base64
import json
import re
import shlex
import subprocess
from pathlib import Path

from guestxml import console

HOME = Path(__file__).resolve().parent
PATIENCE = 2  # factor of each limit: two hosts and other tests may share two slow processors
STALL = re.compile(r"rcu: INFO: rcu_\w+ .*(detected|stall)|soft lockup|kthread starved|hung_task: blocked")


class LabError(AssertionError):
    """A command in the lab ended with another exit status than 0."""


class LabTimeout(AssertionError):
    """A step exceeded its time limit; the host is sick now."""


class LabUnavailable(Exception):
    """This machine cannot emulate a host. The text says what is missing."""


class LabLacks(Exception):
    """The host has no kernel modules for devices that are made; the text says why they could not be built."""


def tool(*args, timeout, **kwargs):
    """Runs the command `lab`."""
    return subprocess.run([HOME / "lab", *args], timeout=timeout, text=True, capture_output=True, check=False, **kwargs)


def check():
    result = tool("check", timeout=30)
    if result.returncode == 77:
        raise LabUnavailable(result.stderr.strip())


class Lab:
    def __init__(self, name, package=None):
        self.name = name
        self.package = package  # the project's Debian package, installed into each host that is booted
        self.mute = False  # a running guest has never written a line
        self.sick = None  # the reason why the host must not be used any more
        self.boots = 0

    # -- the host itself

    def up(self, peer=None):
        """Boots the host and installs the project. The first boot on a machine builds the host, which takes minutes.
        peer: the name of a host that is up, to which the host gets a private link."""
        for _ in range(2):  # a processor may get stuck during the boot
            result = tool("up", self.name, *(["--peer", peer] if peer else []), timeout=1800)
            if result.returncode == 0:
                break
            self.down()
        else:
            raise LabError(f"cannot boot the lab host:\n{result.stderr}")
        self.sick = None
        self.mute = False
        self.boots += 1
        self.install()

    def alive(self):
        return f"{self.name}: " in tool("status", timeout=30).stdout

    def install(self):
        if self.package:
            result = tool("install", self.name, str(self.package), timeout=600)
            if result.returncode:
                raise LabError(f"cannot install the project:\n{result.stderr}{result.stdout}")

    def reboot(self):
        """Reboots the host; its disk keeps its content."""
        result = tool("reboot", self.name, timeout=720)
        if result.returncode:
            self.sick = "it did not come back from a reboot"
            raise LabError(f"cannot reboot the lab host:\n{result.stderr}")

    def down(self):
        tool("down", self.name, timeout=60)

    def renew(self):
        """Ends the host, whatever its state, and boots it from pristine disks."""
        self.down()
        self.up()

    def monitor(self, command):
        """Runs a command of the monitor of the host's QEMU; returns its answer."""
        result = tool("monitor", self.name, command, timeout=30)
        if result.returncode or result.stdout.startswith("Error"):
            raise LabError(f"monitor: {command}: {result.stdout}{result.stderr}")
        return result.stdout

    def serial(self):
        """The output of the host's serial console so far."""
        return tool("console", self.name, timeout=30).stdout

    def stalled(self):
        """True when an emulated processor got stuck, the host's or a guest's. That is a fault of the lab, not of the
        tested programs."""
        return self.mute or bool(STALL.search(self.serial())) or any(map(self.stuck, self.booted()))

    def booted(self):
        """The running guests that have been ready once."""
        return self.run("cd /lab/console && for d in $(virsh -q list --name --state-running); do "
                        "! grep -qs '^GUEST ready' $d || echo $d; done").stdout.split()

    def stuck(self, domain):
        return bool(STALL.search(self.console(domain))) or self.guest(domain, "true", timeout=20, check=False)[0] == 124

    # -- commands in the host

    def run(self, cmd, timeout=60, check=True, **kwargs):
        """Runs a command (a shell line, or a list of words) in the host; returns the CompletedProcess."""
        line = cmd if isinstance(cmd, str) else shlex.join(map(str, cmd))
        timeout *= PATIENCE
        if "input" not in kwargs:
            kwargs.setdefault("stdin", subprocess.DEVNULL)
        try:
            result = tool("ssh", self.name, line, timeout=timeout, **kwargs)
        except subprocess.TimeoutExpired as e:
            self.sick = f"time limit of {timeout} s hit: {line}"
            raise LabTimeout(self.sick) from e
        if result.returncode == 255 and not self.alive():
            self.sick = "QEMU is gone"
        if check and result.returncode:
            raise LabError(f"{line}\nexit status {result.returncode}\n{result.stdout}{result.stderr}")
        return result

    def virsh(self, *args, timeout=60, check=True):
        """virsh -q ARGS…; returns its stdout. With check=False, the CompletedProcess."""
        result = self.run(["virsh", "-q", *args], timeout=timeout, check=check)
        return result.stdout.strip() if check else result

    def put(self, path, text, mode=0o644):
        """Writes a file in the host, folders included."""
        where = shlex.quote(str(path))
        self.run(f"mkdir -p $(dirname {where}) && cat >{where} && chmod {mode:o} {where}", input=text)

    def put_file(self, path, file):
        """Copies a file of this machine into the host, folders included."""
        where = shlex.quote(str(path))
        self.run(f"mkdir -p $(dirname {where}) && base64 -d >{where}", input=base64.b64encode(Path(file).read_bytes()).decode())

    def get(self, path):
        return self.run(["cat", path]).stdout

    def wait_for(self, cmd, timeout=30):
        """Repeats a shell line in the host until it succeeds: for conditions without an event."""
        timeout *= PATIENCE
        loop = f"until {{ {cmd}; }} >/tmp/wait_for 2>&1; do sleep 0.1; done"
        result = self.run(["timeout", str(timeout), "bash", "-c", loop], timeout=timeout + 30, check=False)
        if result.returncode:
            last = self.run("cat /tmp/wait_for", check=False).stdout
            raise LabError(f"not within {timeout} s: {cmd}\nlast output: {last}")

    # -- domains

    def define(self, xml):
        return self.run("virsh -q define /dev/stdin", input=xml).stdout

    def start(self, domain, xml=None, boot=True, timeout=60):
        """Starts a domain; defines it first if xml is given. With boot, waits until its guest is ready."""
        if xml:
            self.define(xml)
        since = self.mark(domain)
        self.virsh("start", domain, timeout=timeout)
        if boot:
            self.wait_console(domain, "^GUEST ready", since=since)

    def attach(self, domain, device_xml, *flags):
        return self.run(["virsh", "-q", "attach-device", domain, "/dev/stdin", *(flags or ["--live"])], input=device_xml)

    def state(self, domain):
        return self.virsh("domstate", domain)

    def wait_state(self, domain, state, timeout=30):
        self.wait_for(f'test "$(virsh -q domstate {shlex.quote(domain)})" = {shlex.quote(state)}', timeout)

    def mark(self, domain):
        """The present end of a guest's console, for wait_console(since=…)."""
        return int(self.run(f"stat -c %s {console(domain)} 2>/dev/null || echo 0").stdout)

    def wait_console(self, domain, regex, timeout=60, since=0):
        """Waits until a line of a guest's console (after byte `since`) matches; returns it."""
        timeout *= PATIENCE
        cmd = ["lab-wait-line", timeout, console(domain), regex, since]
        result = self.run(cmd, timeout=timeout + 30, check=False)
        if result.returncode:
            # a running guest without any output got stuck before its init
            self.mute = not result.stderr[since:].strip() and self.state(domain) == "running"
            raise LabError(f"'{regex}' not on the console of {domain} within {timeout} s:\n{result.stderr}")
        return result.stdout.strip()

    def console(self, domain):
        return self.run(["cat", console(domain)]).stdout

    def guest(self, domain, cmd, timeout=30, check=True):
        """Runs a command in a guest by its serial console; returns its output. The console is slow: keep the output
        short."""
        result = self.run(["lab-guest-run", timeout * PATIENCE, domain, cmd], timeout=timeout + 30, check=check)
        output = "\n".join(result.stdout.splitlines()[1:])
        return output if check else (result.returncode, output)

    def guest_pci(self, domain):
        """The PCI devices that a guest's kernel has now: {address: (id, driver or '-')}."""
        shell = (
            "cd /sys/bus/pci/devices; for d in *; do v=$(cat $d/vendor) p=$(cat $d/device) "
            "r=$(readlink $d/driver); echo DEV $d ${v#0x}:${p#0x} ${r##*/}; done"
        )
        rows = [line.split() for line in self.guest(domain, shell).splitlines() if line.startswith("DEV ")]
        return {row[1]: (row[2], row[3] if len(row) > 3 else "-") for row in rows}

    # -- devices of the host

    def driver(self, address):
        """The driver bound to a PCI device of the host, or None."""
        return self.run(f"readlink /sys/bus/pci/devices/{address}/driver", check=False).stdout.strip().rpartition("/")[2] or None

    def vfs(self, pf):
        """The addresses of a PF's VFs, in the order of their numbers."""
        links = self.run(f"cd /sys/bus/pci/devices/{pf} && readlink $(ls -d virtfn* | sort -V)").stdout
        return [link.rpartition("/")[2] for link in links.split()]

    # -- devices that are made: vDPA and mediated devices

    def load(self, *modules):
        """Loads kernel modules that build/kmods made, and the modules that they need."""
        lacks = self.run("cat /lab/no-kmods 2>/dev/null", check=False).stdout.strip()
        if lacks:
            raise LabLacks(lacks)
        self.run(["modprobe", "-a", *modules])

    def unload(self, *modules):
        """Unloads modules. Their devices are removed before, by unmake()."""
        self.run(["modprobe", "-r", *modules])

    def bind(self, address, driver=None):
        """Gives a PCI function of the host to a driver that does not list its id. None: back to the driver that lists it."""
        device = f"/sys/bus/pci/devices/{address}"
        self.run(f"echo {driver or ''} >{device}/driver_override; ! test -e {device}/driver || "
                 f"echo {address} >{device}/driver/unbind; echo {address} >/sys/bus/pci/drivers_probe")

    def vdpa_add(self, name, mgmtdev, *attributes):
        """vdpa dev add; returns the path of the device's node."""
        self.run(["vdpa", "dev", "add", "name", name, "mgmtdev", mgmtdev, *attributes])
        return self.vdpa_node(name)

    def vdpa_node(self, name):
        """/dev/vhost-vdpa-N of a vDPA device."""
        return "/dev/" + self.run(f"cd /sys/bus/vdpa/devices/{name} && ls -d vhost-vdpa-*").stdout.strip()

    def vdpa_devices(self):
        """{NAME: {"mgmtdev": …, "type": …, …}}"""
        return json.loads(self.run("vdpa -j dev show").stdout).get("dev", {})

    def vdpa_del(self, *names):
        """Waits until no process has the devices open, then vdpa dev del: on an open device, the kernel does not return and
        keeps the lock that all vdpa commands need."""
        nodes = " ".join(f"/sys/bus/vdpa/devices/{name}/vhost-vdpa-*" for name in names)
        self.wait_for(f"(for n in {nodes}; do : <>/dev/${{n##*/}} || exit; done)")
        self.run(f"for n in {' '.join(names)}; do vdpa dev del $n || exit; done")

    def mdev_add(self, parent, kind, uuid):
        self.run(f"echo {uuid} >/sys/class/mdev_bus/{parent}/mdev_supported_types/{kind}/create")

    def mdev_remove(self, uuid):
        self.run(f"echo 1 >/sys/bus/mdev/devices/{uuid}/remove")

    def mdevs(self):
        return self.run("ls /sys/bus/mdev/devices", check=False).stdout.split()

    def unmake(self):
        """Ends all domains, then removes all vDPA and mediated devices."""
        self.clean()
        for uuid in self.mdevs():
            self.mdev_remove(uuid)
        if made := self.vdpa_devices():
            self.vdpa_del(*made)

    # -- between tests

    def cursor(self):
        return self.run("journalctl -q -n 0 --show-cursor").stdout.partition("cursor: ")[2].strip()

    def journal(self, since=None, unit=None):
        cmd = ["journalctl", "-q", "--no-pager", "-o", "short-monotonic", "-n", "2000"]
        cmd += [f"--after-cursor={since}"] if since else []
        cmd += ["-u", unit] if unit else []
        return self.run(cmd, check=False).stdout

    def clean(self):
        """Destroys and undefines all domains, drops their consoles."""
        self.run(
            "for d in $(virsh -q list --name); do virsh -q destroy $d; done;"
            "for try in 1 2 3; do for d in $(virsh -q list --all --name); do virsh -q undefine --managed-save --nvram $d; done; done;"
            "rm -f /lab/console/*; test -z \"$(virsh -q list --all --name)\"",
            timeout=120,
        )

    def dump(self, since=None):
        """Sections (title, text) for the report of a test that failed."""
        sections = [(f"{self.name}: serial console of the host", self.serial()[-8000:])]
        if not self.sick:
            guests = "tail -vn 40 /lab/console/* 2>/dev/null; virsh list --all"
            sections.append((f"{self.name}: journal of the host", self.journal(since)))
            sections.append((f"{self.name}: guests", self.run(guests, check=False).stdout))
        return sections
