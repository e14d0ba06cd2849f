# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs that make and destroy devices, killed at every call that changes something, one after the other: of the
state, of links, and requests to the kernel. After each: the next start or end works, and one `gc` leaves nothing that
nobody owns, whatever the hook had done, also if the state file is lost; devices of others stay."""
import sqlite3

import pytest

from hookhost import domain, fine, request, uuid
from test_faults import calls_of, inject, with_fault  # noqa: F401  pylint: disable=unused-import
from test_made_devices import MADE, made, vdpa  # noqa: F401  pylint: disable=unused-import

HANDLER = {"VFA_FAULT_ONLY": "qemu-asked"}
ASKED = request("vnet", name="port") + request("tty", name="console")


class Crashing:
    """A host with a device that somebody else has made, and a libvirt that has the guest d1, shut off."""

    def __init__(self, made, inject):
        self.made, self.host = made, made.host
        self.elements = vdpa(made.link(1, "port"), "port") + mdev(self.made_uuid(), "console")
        self.xml = domain(1, ASKED, self.elements)
        self.libraries = "%s %s" % (inject, self.host.env["LD_PRELOAD"])
        node = self.host.folder / "node.xml"
        node.write_text("<node><domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'><name>d1</name>"
                        "<uuid>%s</uuid><metadata><vfalias:requests xmlns:vfalias='urn:vfalias:1'>%s</vfalias:requests>"
                        "</metadata><memory>8192</memory><os><type>hvm</type></os><devices>%s</devices>"
                        "<test:runstate>5</test:runstate></domain></node>" % (uuid(1), ASKED, self.elements))
        self.host.configure(MADE + "[vfalias]\nrequire_daemon = no\nlibvirt_uri = test://%s\n" % node)
        made.kernel.fill("vdpasim_net", ["by-hand"])

    def made_uuid(self):
        """The UUID that follows from domain and request, as `vfalias request add --cold` writes it."""
        fine(self.made.start(1, ASKED))
        name, = self.made.names("mdev")
        self.made.stop(1, ASKED)
        return name

    def hook(self, operation):
        return fine(self.host.hook(operation, self.xml))

    def calls(self, operation):
        return calls_of(self.host, self.libraries, "kill", operation, self.xml, **HANDLER)

    def killed(self, operation, n):
        done, _ = with_fault(self.host, self.libraries, "kill:%d" % n, operation, self.xml, **HANDLER)
        return done

    def gc(self):
        """After the time in which a claim is too young to be judged."""
        if self.host.state.exists():
            with sqlite3.connect(self.host.state) as db:
                db.execute("UPDATE claim SET since = since - 3600")
            db.close()
        done = self.host.cli("gc")
        assert done.returncode == 0, done

    def has(self):
        """What there is of the guest: names of devices, claims, links."""
        names = set(self.made.names("vdpa")) | set(self.made.names("mdev"))
        assert "by-hand" in names
        return len(names) - 1, len(self.host.claims()), self.made.link(1, "port").is_symlink()

    def lose_state(self):
        for path in self.host.state.parent.glob("state*"):
            if path.name != "state.lock":
                path.unlink()


def mdev(name, request_name):
    return ("<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='%s'/></source>"
            "<alias name='ua-vf-%s'/></hostdev>" % (name, request_name))


@pytest.fixture
def crashing(made, inject):
    return Crashing(made, inject)


def test_a_hook_killed_while_it_makes_devices(crashing):
    crashing.hook("prepare")
    crashing.hook("release")
    total = crashing.calls("prepare")
    crashing.hook("release")
    seen = set()
    for n in range(1, total + 1):
        crashing.killed("prepare", n)
        seen.add(crashing.has())
        if n % 2:
            crashing.hook("prepare")
            assert crashing.has() == (2, 2, True), n
            crashing.hook("release")
        else:
            crashing.gc()
        assert crashing.has() == (0, 0, False), n
    assert seen == {(0, 0, False), (0, 2, False), (1, 2, False), (2, 2, False), (2, 2, True)}


def test_a_hook_killed_while_it_destroys_devices(crashing):
    crashing.hook("prepare")
    total = crashing.calls("release")
    seen = set()
    for n in range(1, total + 1):
        crashing.hook("prepare")
        assert crashing.has() == (2, 2, True), n
        crashing.killed("release", n)
        seen.add(crashing.has())
        if n % 2:
            crashing.hook("release")
        else:
            crashing.gc()
        assert crashing.has() == (0, 0, False), n
    assert {(2, 2, True), (0, 0, False)} < seen


def test_the_state_file_is_lost_at_each_step(crashing):
    """What was made has a name that follows from the definition, so `gc` knows it."""
    crashing.hook("prepare")
    crashing.hook("release")
    total = crashing.calls("prepare")
    crashing.hook("release")
    for n in range(1, total + 1):
        crashing.killed("prepare", n)
        crashing.lose_state()
        crashing.gc()
        devices, claims, _ = crashing.has()
        assert (devices, claims) == (0, 0), n


def test_a_device_of_an_unknown_domain_is_reported(crashing):
    """It stays. The message names the node, since vdpa dev del of an open device hangs all of vDPA."""
    crashing.made.kernel.fill("vdpasim_net", ["vfa0123456789ab"])
    done = crashing.host.cli("gc")
    assert done.stderr == ("vfalias: warning: vdpa:vfa0123456789ab belongs to no domain that libvirt knows: if vfalias has made "
                           "it, and 'fuser /dev/vhost-vdpa-1' shows no program that has it open, destroy it with "
                           "'vdpa dev del vfa0123456789ab'\n")
    assert done.returncode == 0 and "vfa0123456789ab" in crashing.made.names("vdpa")
