# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starts that vfalias refuses: the user sees the reason in one line, and nothing is left."""
import pytest

from guests import NAMESPACE, guest, hostdev, ports, requests
from privatehost import GPU, VFALIAS_CONF


def refused(host, name, *words):
    """The line that virsh prints for a refused start."""
    done = host.virsh("start", name, check=False)
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines() if "vfalias: " in line]
    assert len(lines) == 1, done.stderr
    assert "Hook script execution failed" in lines[0]
    reason = lines[0].split("vfalias: ", 1)[1]
    assert done.stderr.strip().endswith(reason)
    for word in words:
        assert word in reason
    assert not host.is_on(name)
    assert host.claims(name) == []
    return reason


def test_unknown_alias(host):
    host.define(guest("asks", "quat"))
    assert refused(host, "asks") == "domain 'asks': request 'quat-0': no alias 'quat' is " \
        "configured on this host (there are 'qat', 'gpu')"


def test_no_free_device(host):
    host.define(guest("has", "gpu"))
    host.virsh("start", "has")
    host.define(guest("asks", "gpu"))
    assert refused(host, "asks") == "domain 'asks': no free device for request 'gpu-0': " \
        "alias 'gpu' has 1 device, 1 claimed"
    assert host.devices("has") == [GPU]


def test_more_than_there_are(host):
    host.define(guest("asks", *["qat"] * 4))
    refused(host, "asks", "'qat-3'", "has 3 devices, 0 claimed, 3 for this domain's")
    assert host.stats()["qat"] == 3


def test_no_free_port(quiet_host):
    """The daemon adds the missing ports. Without a daemon, the hook's message says how to add them."""
    quiet_host.configure(VFALIAS_CONF.replace("[vfalias]", "[vfalias]\nrequire_daemon = no"))
    quiet_host.define(guest("asks", "qat", "qat", machine="q35", devices=ports(1)))
    reason = refused(quiet_host, "asks", "root port", "run 'vfalias request ports asks'")
    assert int(reason.split("domain 'asks': ")[1].split()[0]) >= 1
    quiet_host.vfalias("request", "ports", "asks")
    quiet_host.virsh("start", "asks")
    assert len(quiet_host.claims("asks")) == 2


def test_no_daemon(quiet_host):
    quiet_host.define(guest("asks", "qat"))
    refused(quiet_host, "asks", "vfaliasd is not running", "systemctl start vfaliasd")
    quiet_host.vfaliasd.start()
    quiet_host.virsh("start", "asks")
    quiet_host.virsh("destroy", "asks")
    quiet_host.vfaliasd.kill()
    refused(quiet_host, "asks", "vfaliasd is not running")


def test_no_daemon_and_none_required(quiet_host):
    quiet_host.configure(VFALIAS_CONF.replace("[vfalias]", "[vfalias]\nrequire_daemon = no"))
    quiet_host.define(guest("asks", "qat"))
    quiet_host.virsh("start", "asks")
    assert len(quiet_host.claims("asks")) == 1


@pytest.mark.parametrize("text, line", [
    ("[pci]\nalias = {\"name\": \"qat\"\n", 2),
    ("[pci]\n\nalias = {\"name\": \"qat\", \"vendor_id\": \"80867\"}\n", 3),
    ("[vfalias]\nrequire_daemon = perhaps\n", 2),
])
def test_broken_configuration(host, text, line):
    """The daemon started before the configuration was broken."""
    host.configure(text)
    host.define(guest("asks", "qat"))
    done = host.virsh("start", "asks", check=False)
    reason = done.stderr.split("vfalias: ", 1)[1]
    assert reason.startswith("domain 'asks': /etc/vfalias/vfalias.conf:%d: " % line)
    assert len(reason.strip().splitlines()) == 1
    assert not host.is_on("asks")


@pytest.mark.parametrize("metadata, reason", [
    (requests("qat", optinal="yes"), "unknown attribute 'optinal'"),
    (requests("qat", optional="perhaps"), "perhaps"),
    (requests("qat", count="0"), "count"),
    (requests("qat", count="257"), "count"),
    (requests("qat", "gpu", name="same"), "same"),
    ("<v:requests xmlns:v='%s'><v:request/></v:requests>" % NAMESPACE, "without an alias"),
    ("<v:requests xmlns:v='%s'><v:reqest/></v:requests>" % NAMESPACE, "reqest"),
], ids=lambda value: value if "<" not in value else "xml")
def test_requests_that_make_no_sense(host, metadata, reason):
    host.define(guest("asks", metadata=metadata))
    refused(host, "asks", reason)


def test_handler_of_the_hook_is_missing(host):
    """A broken installation stops only domains that may concern vfalias."""
    handler = "/usr/libexec/vfalias/qemu-asked"
    host.define(guest("asks", "qat"))
    host.define(guest("plain"))
    host.define(guest("runs", "gpu"))
    host.virsh("start", "runs")
    host.run("mount", "--bind", "/dev/null", handler)
    try:
        refused(host, "asks", "cannot examine domain 'asks'", "Permission denied")
        host.virsh("start", "plain")
        host.restart_libvirtd()
        host.recorder.wait("runs", "reconnect begin -")
        assert host.is_on("runs")
        host.virsh("destroy", "runs")  # the daemon releases the claims instead of the hook
        host.wait_no_claims("runs")
    finally:
        host.run("umount", handler)
    host.virsh("start", "asks")


def test_host_device_that_another_domain_holds(host):
    host.define(guest("has", "gpu"))
    host.virsh("start", "has")
    host.define(guest("static", devices=hostdev(GPU)))
    refused(host, "static", "device %s is not free: domain 'has' holds %s (request 'gpu-0')" %
            (GPU, GPU))
    assert host.devices() == [GPU]


def test_pf_of_a_vf_that_another_domain_holds(host):
    host.define(guest("has", "gpu"))
    host.virsh("start", "has")
    host.define(guest("static", devices=hostdev("fade:af:00.0")))
    refused(host, "static", "fade:af:00.0 is not free", "domain 'has' holds %s" % GPU)


def test_state_file_lost_while_domains_run(quiet_host):
    """Before the daemon has looked at all domains, no program knows which devices are in use."""
    quiet_host.configure(VFALIAS_CONF.replace("[vfalias]", "[vfalias]\nrequire_daemon = no"))
    quiet_host.define(guest("has", "gpu"))
    quiet_host.virsh("start", "has")
    quiet_host.forget_state()
    quiet_host.define(guest("asks", "gpu"))
    refused(quiet_host, "asks", "the state file was lost")
