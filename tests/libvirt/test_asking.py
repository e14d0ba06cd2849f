# SPDX-License-Identifier: LGPL-2.1-or-later
"""vfalias request, release and gc with a real libvirt."""
import json

import pytest

from guests import guest, ports
from privatehost import GPU, QATS


def listed(host, name):
    requests = json.loads(host.vfalias("request", "list", name, "--json").stdout)
    return sorted(requests, key=lambda each: each["name"])


def count_ports(host, name):
    return host.xml(name, "--inactive").count("model='pcie-root-port'")


def test_request_of_a_definition(host):
    host.define(guest("asks"))
    assert host.vfalias("request", "list", "asks").stdout == "no requests\n"
    assert host.vfalias("request", "add", "asks", "qat", "--count", "2").stdout.splitlines() == [
        "request 'qat-0' added to domain 'asks' (definition)",
        "request 'qat-1' added to domain 'asks' (definition)"]
    host.vfalias("request", "add", "asks", "gpu", "--name", "card", "--optional")
    assert [(each["name"], each["alias"], each["optional"], each["live"], each["config"],
             each["device"]) for each in listed(host, "asks")] == [
        ("card", "gpu", True, False, True, None),
        ("qat-0", "qat", False, False, True, None),
        ("qat-1", "qat", False, False, True, None)]
    host.virsh("start", "asks")
    assert host.devices("asks") == QATS[:2] + [GPU]
    assert [(each["live"], each["config"], each["device"]) for each in listed(host, "asks")] == [
        (True, True, GPU), (True, True, QATS[0]), (True, True, QATS[1])]
    host.vfalias("request", "remove", "asks", "qat", "--config")
    assert [(each["name"], each["live"], each["config"]) for each in listed(host, "asks")] == [
        ("card", True, True), ("qat-0", True, False), ("qat-1", True, False)]
    host.virsh("destroy", "asks")
    host.virsh("start", "asks")
    assert host.devices("asks") == [GPU]


def test_request_of_a_running_domain(host):
    host.define(guest("runs"))
    host.virsh("start", "runs")
    host.vfalias("request", "add", "runs", "qat")
    host.wait_claims(lambda claims: claims and claims[0]["attempts"], "an attempt", "runs")
    each, = listed(host, "runs")
    assert (each["live"], each["config"], each["device"]) == (True, False, QATS[0])
    host.vfalias("request", "remove", "runs", "qat-0")
    host.wait_no_claims()
    host.vfalias("request", "add", "runs", "gpu", "--live", "--config")
    host.wait_claims(lambda claims: claims and claims[0]["attempts"], "an attempt", "runs")
    each, = listed(host, "runs")
    assert (each["live"], each["config"], each["device"]) == (True, True, GPU)


def test_other_metadata_stays(host):
    host.define(guest("asks", metadata="<other:x xmlns:other='urn:other'>mine</other:x>"))
    host.vfalias("request", "add", "asks", "qat")
    host.vfalias("request", "remove", "asks", "qat")
    xml = host.xml("asks", "--inactive")
    assert "mine" in xml and "urn:vfalias:1" not in xml


@pytest.mark.parametrize("daemon", [True, False])
def test_ports(quiet_host, daemon):
    """vfaliasd hears of the change while the command line makes it: the number of ports is not doubled."""
    host = quiet_host
    if daemon:
        host.vfaliasd.start()
        host.vfaliasd.lines.wait("connected to")
    host.define(guest("asks", machine="q35", devices=ports(1)))
    have = count_ports(host, "asks")
    host.vfalias("request", "add", "asks", "qat", "--count", "3")
    ports_now = count_ports(host, "asks")
    assert have < ports_now <= have + 3
    host.vfalias("request", "ports", "asks")
    host.vfalias("request", "ports", "asks")
    assert count_ports(host, "asks") == ports_now
    if daemon:
        host.virsh("start", "asks")
        assert host.devices("asks") == QATS


def test_labelled_port(host):
    host.define(guest("asks", machine="q35", devices=ports(1)))
    host.vfalias("request", "add", "asks", "qat", "--port")
    assert host.xml("asks", "--inactive").count("<alias name='ua-slot-qat-0'/>") == 1
    host.virsh("start", "asks")
    assert host.devices("asks") == QATS[:1]


def test_labelled_port_is_a_request(host):
    host.define(guest("asks", machine="q35", devices=ports(1) + """
        <controller type='pci' index='9' model='pcie-root-port'>
          <alias name='ua-slot-gpu-0'/></controller>"""))
    each, = listed(host, "asks")
    assert (each["name"], each["alias"], each["port"]) == ("gpu-0", "gpu", True)
    host.virsh("start", "asks")
    assert host.devices("asks") == [GPU]


@pytest.mark.parametrize("words, status, reason", [
    (["add", "asks", "quat"], 2, "no alias 'quat' on this host, only: qat, gpu"),
    (["add", "nobody", "qat"], 1, "no domain 'nobody'"),
    (["remove", "asks", "qat"], 1, "qat"),
    (["add", "asks", "qat", "--live"], 1, "asks"),
    (["ports", "nobody"], 1, "no domain 'nobody'"),
    (["list", "nobody"], 1, "no domain 'nobody'"),
])
def test_refused(host, words, status, reason):
    host.define(guest("asks"))
    before = host.xml("asks", "--inactive")
    done = host.vfalias("request", *words, check=False)
    assert done.returncode == status
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("vfalias: ") and reason in done.stderr
    assert host.xml("asks", "--inactive") == before


def test_by_uuid(host):
    uuid = host.define(guest("asks")).UUIDString()
    host.vfalias("request", "add", uuid, "qat")
    assert [each["name"] for each in listed(host, uuid)] == ["qat-0"]


def test_release(host):
    """`vfalias release` needs --force for a running domain. The daemon claims the devices again when it looks."""
    host.define(guest("asks", "qat"))
    host.virsh("start", "asks")
    host.vfaliasd.stop()
    done = host.vfalias("release", "asks", check=False)
    assert (done.returncode, done.stderr) == (1, "vfalias: domain 'asks' is running: stop it first, or use --force\n")
    assert host.vfalias("release", "asks", "--force").stdout == "1 claim dropped\n"
    assert host.claims() == []
    done = host.vfalias("release", "asks", check=False)
    assert (done.returncode, done.stderr) == (1, "vfalias: domain 'asks' has no claims\n")
    host.vfaliasd.start()
    host.wait_claims(lambda claims: len(claims) == 1, "claimed again", "asks")


def test_gc(host):
    """gc drops claims that the hook did not release while no daemon ran. It drops no claims of running domains."""
    for name, alias in (("gone", "qat"), ("runs", "gpu")):
        host.define(guest(name, alias))
        host.virsh("start", name)
    host.vfaliasd.stop()
    host.vfalias("gc")
    assert host.devices() == [QATS[0], GPU]
    host.run("mount", "--bind", "/dev/null", "/usr/libexec/vfalias/qemu-asked")
    try:
        host.virsh("destroy", "gone")
    finally:
        host.run("umount", "/usr/libexec/vfalias/qemu-asked")
    assert host.devices() == [QATS[0], GPU]
    while "too young to be judged" in host.vfalias("gc").stdout:
        pass  # at most for the second in which the claims were made
    assert host.devices() == [GPU]
    host.vfalias("gc")
    assert host.devices() == [GPU]
