# SPDX-License-Identifier: LGPL-2.1-or-later
"""Domains with requests, from start to stop: devices are claimed at `prepare` and free again afterwards."""
import libvirt
import pytest

from guests import guest, hostdev, ports, requests
from privatehost import GPU, QATS

ALL_FREE = {"qat": 3, "gpu": 1}


def test_claimed_at_prepare_released_at_destroy(host):
    at = {}
    for operation in ("prepare", "start", "started", "stopped", "release"):
        host.recorder.react(operation, lambda call: at.update({call.argv[1]: host.devices("asks")}))
    host.recorder.react("prepare", lambda call: at.update(before=host.devices("asks")), "00-before")
    host.define(guest("asks", "qat"))
    assert host.claims() == []
    host.virsh("start", "asks")
    assert at == {"before": [], "prepare": QATS[:1], "start": QATS[:1], "started": QATS[:1]}
    claim, = host.claims("asks")
    assert (claim["request"], claim["alias"], claim["kind"]) == ("qat-0", "qat", "pci")
    assert claim["uuid"] == host.domain("asks").UUIDString()
    assert host.stats() == {"qat": 2, "gpu": 1}
    host.virsh("destroy", "asks")
    assert at["stopped"] == QATS[:1] and at["release"] == []
    assert host.claims() == []
    assert host.stats() == ALL_FREE


def test_several_requests_are_claimed_together(host):
    host.define(guest("many", metadata=requests("qat", count="2") +
                      "<other:x xmlns:other='urn:other'/>"))
    host.define(guest("mixed", "qat", "gpu"))
    host.virsh("start", "many")
    host.virsh("start", "mixed")
    assert host.devices("many") == QATS[:2]
    assert host.devices("mixed") == [QATS[2], GPU]


def test_all_or_nothing(host):
    """Two QATs are free, but no GPU: no device is claimed."""
    host.define(guest("first", "gpu"))
    host.virsh("start", "first")
    host.define(guest("second", "qat", "gpu", "qat"))
    assert host.virsh("start", "second", check=False).returncode != 0
    assert host.devices() == [GPU]


def test_optional_request(host):
    host.define(guest("first", "gpu"))
    host.virsh("start", "first")
    host.define(guest("second", metadata=requests("gpu", optional="yes")))
    host.virsh("start", "second")
    assert host.is_on("second")
    assert host.claims("second") == []


def test_the_definition_is_not_changed(host):
    host.define(guest("asks", "qat"))
    before = host.xml("asks", "--inactive", "--security-info")
    host.virsh("start", "asks")
    host.wait_claims(lambda claims: claims and claims[0]["attempts"], "an attempt", "asks")
    assert host.xml("asks", "--inactive", "--security-info") == before
    host.virsh("destroy", "asks")
    assert host.xml("asks", "--inactive", "--security-info") == before


def test_transient_domain(host):
    path = host.path("/run/transient.xml")
    path.write_text(guest("transient", "qat"))
    host.virsh("create", "/run/transient.xml")
    assert host.devices("transient") == QATS[:1]
    host.virsh("destroy", "transient")
    host.wait_event("transient", libvirt.VIR_DOMAIN_EVENT_STOPPED)
    assert host.claims() == []
    assert "transient" not in host.virsh("list", "--all", "--name").stdout


@pytest.mark.parametrize("machine, devices", [("pc", ""), ("q35", ports(4))], ids=["pc", "q35"])
def test_define_and_start_in_one_go(host, machine, devices):
    """No program can act between the define and the start, and none needs to."""
    for number in range(3):
        domain = host.define(guest("fast%d" % number, "qat", machine=machine, devices=devices))
        domain.create()
    assert [host.devices("fast%d" % number) for number in range(3)] == [[qat] for qat in QATS]
    for number in range(3):
        host.domain("fast%d" % number).destroy()
    assert host.stats() == ALL_FREE


def test_define_start_destroy_undefine_again_and_again(host):
    for _ in range(5):
        domain = host.define(guest("fast", "gpu"))
        domain.create()
        assert host.devices("fast") == [GPU]
        domain.destroy()
        domain.undefine()
    assert host.stats() == ALL_FREE


def test_destroyed_and_started_by_two_programs(host):
    """When the next domain with this UUID starts, the daemon still looks at the earlier one."""
    domain = host.define(guest("again", "gpu"))
    for _ in range(5):
        domain.create()
        domain.destroy()
    domain.create()
    assert host.devices("again") == [GPU]


def test_qemu_killed(host):
    host.define(guest("dies", "qat"))
    host.virsh("start", "dies")
    host.kill(host.qemu_pid("dies"))
    host.recorder.wait("dies", "release end -")
    assert host.claims() == []
    assert host.stats() == ALL_FREE


def test_guest_powers_off(host):
    """The guest powers off by itself. QEMU's monitor stands in for the guest."""
    host.define(guest("off", "qat"))
    host.virsh("start", "off")
    host.virsh("qemu-monitor-command", "off", "--hmp", "quit", check=False)
    host.recorder.wait("off", "release end -")
    assert host.claims() == []


def test_a_device_goes_from_one_to_the_next(host):
    host.define(guest("first", "gpu"))
    host.define(guest("second", "gpu"))
    host.virsh("start", "first")
    assert "no free device" in host.virsh("start", "second", check=False).stderr
    assert host.devices("first") == [GPU]
    host.virsh("destroy", "first")
    host.virsh("start", "second")
    assert host.devices("second") == [GPU] and host.devices("first") == []


def test_guest_reboots(host):
    domain = host.define(guest("reboots", "qat"))
    domain.create()
    domain.reset()
    assert host.devices("reboots") == QATS[:1]
    host.virsh("undefine", "reboots")  # the domain is transient from now on
    assert host.devices("reboots") == QATS[:1]
    domain.destroy()
    assert host.claims() == []


def test_devices_that_were_made_later(host):
    """As after `echo 4 >sriov_numvfs`: the index does not know the new devices. A start does not repeat a scan of the
    last second."""
    tree = host.make_devices()
    host.define(guest("asks", *["qat"] * 4))
    host.news.until(lambda: "alias 'qat' has 3 devices" in host.virsh("start", "asks", check=False).stderr, "3 devices are never seen")
    try:
        tree.vf(tree.devices["fade:3d:00.0"], "fade:3d:02.3", "8086:37c9", 3)
        host.news.until(lambda: host.virsh("start", "asks", check=False).returncode == 0, "the new device is never seen")
        assert host.devices("asks") == QATS + ["fade:3d:02.3"]
    finally:
        host.make_devices()


@pytest.mark.parametrize("name", ["we ird'$(exit 3);`id`", "-i", "a&amp;b", "gr\u00fcn", "%s%n"])
def test_names_that_invite_trouble(host, name):
    plain = name.replace("&amp;", "&")
    domain = host.define(guest(name, "gpu"))
    domain.create()
    assert host.devices(plain) == [GPU]
    other = host.define(guest(name + "2", "gpu"))
    with pytest.raises(libvirt.libvirtError) as refused:
        other.create()
    assert "domain '%s2': no free device" % plain in str(refused.value)
    domain.destroy()
    assert host.claims() == []


def test_large_xml(host):
    """More than the capacity of a pipe."""
    host.define(guest("large", "gpu", metadata="<o:x xmlns:o='urn:o'>%s</o:x>" % ("x" * 300000)))
    host.virsh("start", "large")
    assert host.devices("large") == [GPU]
    host.virsh("destroy", "large")
    assert host.claims() == []


def test_nobody_is_asked_when_nothing_is_asked_for(quiet_host):
    """Configuration, state and daemon do not matter for a domain without requests."""
    quiet_host.configure("[pci\nalias = {\n")
    quiet_host.define(guest("plain"))
    quiet_host.virsh("start", "plain")
    assert quiet_host.is_on("plain")
    quiet_host.virsh("destroy", "plain")
    assert list(quiet_host.path("/run/vfalias").glob("state")) == []


def test_broken_configuration_and_host_devices_of_its_own(quiet_host):
    """vfalias does not veto host devices of the domain's own, and the log says why they are not recorded."""
    quiet_host.configure("[pci]\nalias = {\n")
    quiet_host.define(guest("static", devices=hostdev("fade:3d:02.1")))
    done = quiet_host.virsh("start", "static", check=False)
    assert done.returncode != 0 and "vfalias" not in done.stderr  # libvirt refuses: no such device
    message = quiet_host.syslog.wait("domain 'static': its host devices are not recorded")[0]
    assert "/etc/vfalias/vfalias.conf:2:" in message


def test_what_the_hook_did_is_logged(host):
    host.define(guest("asks", "qat"))
    host.virsh("start", "asks")
    host.syslog.wait("domain 'asks': claimed %s for request 'qat-0'" % QATS[0])
    host.virsh("destroy", "asks")
    host.syslog.wait("domain 'asks': released 1 device")
