# SPDX-License-Identifier: LGPL-2.1-or-later
"""When libvirt calls hooks, how, and in which order: hooks/qemu.c and the daemon rely on this.

libvirt 9.0 passes `-` as the reason of each operation. Later versions pass words, so only the operation and the
suboperation are compared.
"""
import os

import pytest
from lxml import etree

from guests import guest, hostdev

START = ["prepare begin", "start begin", "started begin"]
STOP = ["stopped end", "release end"]


def calls(host, domain, hook="zz-after"):
    return [" ".join(call.argv[1:3]) for call in host.recorder.of(domain, hook)]


def test_start_and_destroy(quiet_host):
    quiet_host.define(guest("plain"))
    quiet_host.virsh("start", "plain")
    assert calls(quiet_host, "plain") == START
    quiet_host.virsh("destroy", "plain")
    assert calls(quiet_host, "plain") == START + STOP


def test_arguments_environment_and_xml(host):
    host.define(guest("asks", "qat", devices="<serial type='null'><alias name='ua-mine'/></serial>"))
    host.virsh("start", "asks")
    for call in host.recorder.of("asks"):
        assert len(call.argv) == 4
        assert call.environ["LC_ALL"] == "C"
        assert os.path.isabs(call.environ["PATH"].split(":")[0])
        xml = etree.fromstring(call.stdin.encode())
        assert xml.tag == "domain" and xml.findtext("name") == "asks" and xml.findtext("uuid")
        assert xml.find("metadata/{urn:vfalias:1}requests/{urn:vfalias:1}request").get(
            "alias") == "qat"
        assert xml.find("devices/serial/alias").get("name") == "ua-mine"
        assert [each.get("model") for each in xml.findall("devices/controller[@index='0']")
                if each.get("type") == "pci"] == ["pci-root"]


def test_hooks_are_called_in_the_order_of_their_names(quiet_host):
    quiet_host.define(guest("plain"))
    quiet_host.virsh("start", "plain")
    quiet_host.virsh("destroy", "plain")
    recorded = [(call.hook, " ".join(call.argv[1:3])) for call in quiet_host.recorder.calls]
    assert recorded == [(hook, what) for what in START + STOP for hook in ("00-before", "zz-after")]
    assert quiet_host.recorder.of("plain")[0].stdin == \
        quiet_host.recorder.of("plain", "00-before")[0].stdin


def test_what_calls_no_hook(quiet_host):
    domain = quiet_host.define(guest("plain"))
    assert not quiet_host.recorder.calls
    quiet_host.virsh("start", "plain")
    before = list(quiet_host.recorder.calls)
    domain.suspend()
    domain.resume()
    domain.reset()
    quiet_host.virsh("metadata", "plain", "urn:vfalias:1", "--key", "vfalias", "--live", "--config",
                     "--set", "<requests><request alias='qat'/></requests>")
    quiet_host.define(guest("plain", "gpu", uuid=domain.UUIDString()))
    assert quiet_host.recorder.calls == before


@pytest.mark.parametrize("operation, expected", [
    ("prepare", START[:1] + STOP),
    ("start", START[:2] + STOP),
    ("started", START + STOP),
])
@pytest.mark.parametrize("hook", ["00-before", "zz-after"])
def test_another_hook_vetoes(host, operation, expected, hook):
    """Whichever call fails, before or after the hook of vfalias: `release` follows."""
    host.recorder.react(operation, lambda call: {"status": 7, "stderr": "no, says %s" % hook}, hook)
    host.define(guest("vetoed", "qat"))
    done = host.virsh("start", "vetoed", check=False)
    assert done.returncode != 0 and "no, says %s" % hook in done.stderr
    assert calls(host, "vetoed") == expected
    assert not host.is_on("vetoed")
    assert host.claims() == []


def test_qemu_killed(quiet_host):
    quiet_host.define(guest("plain"))
    quiet_host.virsh("start", "plain")
    quiet_host.kill(quiet_host.qemu_pid("plain"))
    quiet_host.recorder.wait("plain", "release end -")
    assert calls(quiet_host, "plain") == START + STOP


def test_save_and_restore(quiet_host):
    quiet_host.define(guest("plain"))
    quiet_host.virsh("start", "plain")
    quiet_host.virsh("managedsave", "plain")
    assert calls(quiet_host, "plain") == START + STOP
    quiet_host.virsh("start", "plain")
    assert calls(quiet_host, "plain") == START + STOP + ["restore begin"] + START


@pytest.mark.parametrize("kill", [False, True])
def test_libvirtd_restarted(quiet_host, kill):
    quiet_host.define(guest("plain"))
    quiet_host.virsh("start", "plain")
    quiet_host.restart_libvirtd(kill)
    quiet_host.recorder.wait("plain", "reconnect begin -")
    assert calls(quiet_host, "plain") == START + ["reconnect begin"]
    assert quiet_host.is_on("plain")


def test_host_device_that_is_not_there(host):
    """libvirt notices after `prepare`: `release` releases the claim of `prepare`."""
    claimed = []
    host.recorder.react("prepare", lambda call: claimed.extend(host.claims("static")))
    host.define(guest("static", devices=hostdev("fade:3d:02.1")))
    done = host.virsh("start", "static", check=False)
    assert done.returncode != 0 and "vfalias" not in done.stderr
    assert [(claim["device"], claim["request"], claim["state"]) for claim in claimed] == \
        [("fade:3d:02.1", "static:fade:3d:02.1", "claimed")]
    assert calls(host, "static")[0] == "prepare begin"
    assert calls(host, "static")[-2:] == STOP
    assert host.claims() == []


def test_failing_reconnect_costs_the_guest(host):
    """libvirt kills the guest, so the hook of vfalias never fails at `reconnect`. Then `release` follows."""
    host.define(guest("killed", "qat"))
    host.virsh("start", "killed")
    host.recorder.react("reconnect", lambda call: {"status": 1})
    host.restart_libvirtd()
    host.recorder.wait("killed", "release end -")
    assert calls(host, "killed") == START + ["reconnect begin"] + STOP
    assert not host.is_on("killed")
    assert host.claims() == []
