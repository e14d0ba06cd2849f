# SPDX-License-Identifier: LGPL-2.1-or-later
"""vfalias start: creates a domain from its definition, with the devices in the XML. The devices are fake, so libvirt
refuses them at the end of the start. tests/lab has the starts that succeed."""
import pytest

from guests import guest, hostdev, requests
from privatehost import GPU, QATS


def refused(host, name, *options):
    done = host.vfalias("start", name, *options, check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("vfalias: ") and len(done.stderr.splitlines()) == 1
    return done.stderr.removeprefix("vfalias: ").rstrip()


@pytest.fixture
def at(host):
    """{OPERATION of the hook: {REQUEST: (DEVICE, STATE) at that time}}"""
    found = {}
    for operation in ("prepare", "release"):
        host.recorder.react(operation, lambda call: found.update({call.argv[1]: {
            claim["request"]: (claim["device"], claim["state"]) for claim in host.claims()}}))
    return found


def test_claimed_before_and_dropped_when_libvirt_refuses(host, at):
    host.define(guest("asks", "qat", "gpu"))
    before = host.xml("asks", "--inactive", "--security-info")
    assert refused(host, "asks").startswith("cannot start domain 'asks': ")
    assert at == {"prepare": {"qat-0": (QATS[0], "claimed"), "gpu-0": (GPU, "claimed")}, "release": {}}
    call = host.recorder.of("asks")[0]
    assert "<alias name='ua-vf-qat-0'/>" in call.stdin and "<alias name='ua-vf-gpu-0'/>" in call.stdin
    assert host.claims() == []
    assert host.xml("asks", "--inactive", "--security-info") == before
    assert host.state("asks") == "shut off"


def test_host_device_of_the_domains_own(host, at):
    """The host device is not the device of a request."""
    host.define(guest("asks", "qat", devices=hostdev(QATS[0])))
    refused(host, "asks")
    assert at["prepare"] == {"qat-0": (QATS[1], "claimed"), "static:" + QATS[0]: (QATS[0], "claimed")}
    assert host.claims() == []


def test_placeholder(host, at):
    host.define(guest("asks", devices=hostdev("ffff:ff:1f.0", "ua-vf-qat-0")))
    refused(host, "asks")
    assert at["prepare"] == {"qat-0": (QATS[0], "claimed")}


def test_vetoed_by_another_hook(host):
    """The other hook refuses before the hook of vfalias runs: only the command line can drop the claims."""
    host.recorder.react("prepare", lambda call: {"status": 1}, "00-before")
    host.run("mount", "--bind", "/dev/null", "/usr/libexec/vfalias/qemu-asked")
    try:
        host.define(guest("asks", "qat"))
        assert "Hook script execution failed" in refused(host, "asks")
    finally:
        host.run("umount", "/usr/libexec/vfalias/qemu-asked")
    assert host.claims() == []


def test_dry_run(host):
    host.define(guest("asks", "qat", "gpu"))
    assert host.vfalias("start", "asks", "--dry-run").stdout.splitlines() == [
        "%s for request 'qat-0'" % QATS[0], "%s for request 'gpu-0'" % GPU, "domain 'asks' would be started"]
    assert host.claims() == [] and host.recorder.of("asks") == []


def test_nothing_free(host):
    """The message is the line that the hook would write."""
    host.define(guest("has", "gpu"))
    host.virsh("start", "has")
    host.define(guest("asks", "qat", "gpu"))
    line = refused(host, "asks")
    assert line == "domain 'asks': no free device for request 'gpu-0': alias 'gpu' has 1 device, 1 claimed"
    assert line in host.virsh("start", "asks", check=False).stderr
    assert host.devices() == [GPU]


def test_domain_that_asks_for_nothing_it_can_have(host):
    """An optional request that finds no device does not stop the start. The definition does not change."""
    host.define(guest("has", "gpu"))
    host.virsh("start", "has")
    host.define(guest("content", metadata=requests("gpu", optional="yes")))
    assert host.vfalias("start", "content").stdout == "domain 'content' started\n"
    assert refused(host, "content") == "domain 'content' runs already"
    assert host.domain("content").isPersistent()
    host.virsh("destroy", "content")
    assert host.vfalias("start", "content", "--paused").stdout == "domain 'content' started\n"
    assert host.state("content") == "paused"


def test_saved_image(host):
    host.define(guest("saved"))
    host.virsh("start", "saved")
    host.virsh("managedsave", "saved")
    assert refused(host, "saved") == (
        "domain 'saved' has a saved image: restore it with 'virsh start saved', or drop it with 'virsh managedsave-remove "
        "saved'")
    host.virsh("managedsave-remove", "saved")
    host.vfalias("start", "saved")
    assert host.is_on("saved")


def test_no_such_domain(host):
    assert refused(host, "nobody") == "no domain 'nobody'"
