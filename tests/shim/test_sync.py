# SPDX-License-Identifier: LGPL-2.1-or-later
"""A look at all domains: its cost, and that no domain delays the others."""
import os
import sqlite3

from daemonhost import SECONDS, guest
from hookhost import fine, hostdev, refused, request
from shimhost import ERR_INTERNAL, KEEPALIVE, SLOWER, count

NET = request("net")
VF = "0000:02:10.%d"
UNREADABLE = "virDomainGetXMLDesc d1 fail %d" % ERR_INTERNAL
CALLS_OF_A_SYNC = ("virConnectListAllDomains", "virDomainGetXMLDesc")


def lose_state(host):
    """libvirt says that domains run, so a new state file has no claims of them."""
    host.libvirt_run.mkdir()
    (host.libvirt_run / "some.xml").write_text("<domstatus/>")


# ---- a domain that cannot be read ----

def test_one_domain_that_cannot_be_read_is_its_own_trouble(host, daemon):
    one = daemon(guest(1), guest(2, NET), rules=[UNREADABLE])
    one.wait_for_call("attached", "d2")
    one.wait_for("cannot read the XML of domain 'd1'")
    assert "sync" not in one.text()


def test_lost_state_waits_for_it_and_names_it(host, daemon):
    lose_state(host)
    one = daemon(guest(1, devices=hostdev(VF % 0)), guest(2, devices=hostdev(VF % 2)), rules=[UNREADABLE])
    one.wait_for(lambda: ("d2", "static:" + VF % 2) in host.held())
    one.wait_for("domain 'd1' cannot be read: starts that ask for devices are refused")
    assert "the running domain 'd1'" in refused(host.prepare(3, NET))
    one.lift("virDomainGetXMLDesc d1")
    one.do("event d1 4 0")
    one.wait_for(lambda: host.prepare(3, NET).returncode == 0)
    assert host.held()["d1", "static:" + VF % 0] == VF % 0
    assert "the running domain 'd1'" not in host.prepare(4, NET).stderr


def test_lost_state_waits_no_longer_for_a_domain_that_has_stopped(host, daemon):
    lose_state(host)
    one = daemon(guest(1), guest(2), rules=[UNREADABLE])
    one.wait_for("domain 'd1' cannot be read: starts that ask for devices are refused")
    one.do("destroy d1")
    one.wait_for(lambda: host.prepare(3, NET).returncode == 0)


def test_lost_state_does_not_make_it_spin(host, daemon):
    """Requests that wait for the state, and a domain that cannot be read: both are tried again with back-off."""
    lose_state(host)
    one = daemon(guest(1), *(guest(n, NET) for n in range(2, 7)), rules=[UNREADABLE])
    one.wait_for("domain 'd1' cannot be read: starts that ask for devices are refused")
    for _ in range(3):  # looks that find the state unchanged
        one.do(*("event d%d 4 0" % n for n in range(2, 7)))
    first = one.wait_for_call("virConnectListAllDomains").time
    one.wait_for_call("virConnectListAllDomains", n=4)  # two for a sync whose state cannot be opened
    syncs = [call.time - first for call in one.calls("virConnectListAllDomains")[::2]]
    assert syncs[1] >= 0.9
    assert len(one.calls("virConnectListAllDomains")) <= 6
    assert one.text().count("cannot be read: starts") == 1


# ---- another file in place of the state ----

def test_old_copy_of_the_state_is_made_that_of_the_running_domains(host, daemon):
    one = daemon(guest(1, devices=hostdev(VF % 0)))
    one.wait_for(lambda: host.held())
    one.wait_until_idle()
    old = host.state.with_name("old")
    with sqlite3.connect(host.state) as db:
        db.execute("VACUUM INTO ?", [str(old)])
    db.close()
    with sqlite3.connect(old) as db:
        db.execute("DELETE FROM claim")
    db.close()
    old.rename(host.state)
    one.wait_for("the state file was replaced, rebuilding it")
    one.wait_for(lambda: host.held())


def test_another_lock_file_ends_it(host, daemon):
    """With another lock file, no program can see that vfaliasd runs."""
    one = daemon(guest(1))
    one.wait_for("connected to")
    other = host.state.with_name("other")
    other.touch()
    other.rename(str(host.state) + ".lock")
    assert one.process.wait(SECONDS) == 1


# ---- the cost ----

def test_a_thousand_domains(host, daemon):
    """The domains have no requests: three calls for each domain, and a second of processor time in total."""
    one = daemon(*(guest(n) for n in range(1, 1001)))
    one.wait_for_call("virDomainGetXMLDesc", n=2000)
    one.wait_until_idle()
    calls = one.calls()
    first = next(call for call in calls if call.function == "virConnectListAllDomains")
    last = next(call for call in reversed(calls) if call.function.startswith("vir"))
    assert last.cpu - first.cpu < 1 * SLOWER
    assert count(calls[calls.index(first):]).keys() <= set(CALLS_OF_A_SYNC), count(calls)
    assert sum(1 for call in calls if call.domain == "d500") <= 3
    assert len([call for call in calls if call.function == "sqlite3_open_v2"]) < 20  # whatever the number of domains


def test_domains_that_are_served_cost_no_look(host, daemon):
    guests = [guest(n, NET) for n in range(1, 5)]
    for n, xml in enumerate(guests, 1):
        fine(host.hook("prepare", xml, name="d%d" % n))
    one = daemon(*guests)
    one.wait_for(lambda: [claim["state"] for claim in host.claims()] == ["active"] * 4)
    before = one.wait_until_idle()
    one.do("close %d" % KEEPALIVE)
    one.wait_for_call("virDomainGetXMLDesc", n=8, since=before)
    one.wait_until_idle()
    assert count(one.calls(since=before))["virDomainGetState"] == 0


def test_attach_reuses_open_state_files(host, daemon):
    """The steps of an attach open the state about 15 times. With vfa_state_keep() they use files that are open already:
    the number of opens is at most the number of passes at a time."""
    one = daemon(guest(1, NET))
    one.wait_for_call("attached", "d1")
    before = one.wait_until_idle()
    one.do("define - " + guest(2, NET).replace("\n", " "), "create d2")
    one.wait_for_call("attached", "d2", since=before)
    one.wait_until_idle()
    assert len(one.calls("sqlite3_open_v2", since=before)) <= 4


def test_configuration_that_is_written_again_causes_nothing(host, daemon):
    one = daemon(guest(1), guest(2, NET))
    one.wait_for_call("attached", "d2")
    before = one.wait_until_idle()
    text = host.config_file.read_text()
    os.utime(host.config_file)
    host.config_file.write_text(text)
    replaced = host.config_file.with_suffix(".tmp")
    replaced.write_text(text)
    replaced.rename(host.config_file)
    one.wait_for("the configuration has not changed")
    one.wait_until_idle()
    assert not one.calls("virConnectListAllDomains", since=before)
    host.config_file.write_text(text.replace('"net"', '"other"', 1))
    one.wait_for("the configuration was read again")
    one.wait_for_call("virConnectListAllDomains", since=before)


def test_folder_of_the_configuration_that_is_replaced(host, daemon):
    folder = host.folder / "etc"
    folder.mkdir()
    text = host.config_file.read_text()
    (folder / "vfalias.conf").write_text(text)
    one = daemon(guest(1), env={"VFALIAS_CONFIG": str(folder / "vfalias.conf")})
    one.wait_for("connected to")
    new = host.folder / "new"
    new.mkdir()
    (new / "vfalias.conf").write_text(text)
    folder.rename(host.folder / "old")
    new.rename(folder)
    one.wait_for("the configuration has not changed")
    (folder / "vfalias.conf").write_text(text.replace('"net"', '"other"', 1))
    one.wait_for("the configuration was read again")
