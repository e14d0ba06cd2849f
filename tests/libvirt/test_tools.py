# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tools that make domains: virt-install, virt-xml, virt-clone, and libvirt's own binding for Python. None of them knows
vfalias. virt-manager is in test_virt_manager.py."""
import json
import re

import libvirt
import pytest

from guests import guest, ports, requests
from privatehost import GPU, QATS

INSTALL = ["virt-install", "--memory", "64", "--osinfo", "detect=off,require=off", "--network", "none", "--graphics",
           "none", "--noautoconsole", "--import", "--disk", "none"]
PORT = "type=pci,index=15,model=pcie-root-port,alias.name=ua-slot-qat-0"
REQUEST = ["--xml", "./metadata/requests/@xmlns=urn:vfalias:1", "--xml", "./metadata/requests/request/@alias=qat"]


def install(host, name, *words, **more):
    return host.run(*INSTALL, "--name", name, *words, seconds=120, **more).stdout


def names(host, domain):
    return sorted(r["name"] for r in json.loads(host.vfalias("request", "list", domain, "--json").stdout))


@pytest.mark.parametrize("words", [["--machine", "q35", "--controller", PORT], ["--machine", "q35", *REQUEST],
                                   ["--machine", "pc", *REQUEST]])
def test_virt_install(host, words):
    """The domain runs with its device at once, and after each later start."""
    install(host, "made", *words)
    claim, = host.wait_claims(lambda claims: claims and claims[0]["attempts"], "an attempt", "made")
    assert (claim["request"], claim["device"]) == ("qat-0", QATS[0])
    host.virsh("destroy", "made")
    assert host.claims() == []
    host.virsh("start", "made")
    assert host.devices("made") == QATS[:1]


def test_virt_install_transient(host):
    install(host, "made", "--machine", "q35", "--controller", PORT, "--transient")
    assert host.devices("made") == QATS[:1]
    host.virsh("destroy", "made")
    assert host.claims() == []


def test_virt_install_is_refused(host):
    """The user sees the reason, and nothing is left."""
    host.define(guest("has", "gpu"))
    host.virsh("start", "has")
    done = host.run(*INSTALL, "--name", "made", "--machine", "q35", "--controller", PORT.replace("qat", "gpu"),
                    check=False, seconds=120)
    assert done.returncode == 1
    assert "domain 'made': no free device for request 'gpu-0': alias 'gpu' has 1 device, 1 claimed" in done.stderr
    assert host.devices() == [GPU]


def test_virt_install_print_xml(host):
    """The XML that it prints can be defined elsewhere."""
    xml = install(host, "made", "--machine", "q35", "--controller", PORT, *REQUEST, "--xml",
                  "./metadata/requests/request/@name=mine", "--print-xml")
    assert re.search(r'<controller type="pci" index="15" model="pcie-root-port">\s*<alias name="ua-slot-qat-0"/>', xml)
    host.define(xml)
    assert names(host, "made") == ["mine", "qat-0"]
    host.virsh("start", "made")
    assert host.devices("made") == QATS[:2]


def test_virt_xml(host):
    """Requests stay when other parts of the domain are edited."""
    host.define(guest("asks", metadata=requests("qat", name="mine"), machine="q35", devices=ports(3)))
    host.run("virt-xml", "asks", "--edit", "--memory", "32")
    host.run("virt-xml", "asks", "--add-device", "--controller", PORT.replace("qat", "gpu"))
    assert names(host, "asks") == ["gpu-0", "mine"]
    host.run("virt-xml", "asks", "--remove-device", "--controller", "model=pcie-root-port,index=15")
    assert names(host, "asks") == ["mine"]
    host.virsh("start", "asks")
    assert host.devices("asks") == QATS[:1]


def test_virt_clone(host):
    """The clone has its own devices and another derived MAC address."""
    interface = "<v:interface type='hostdev'/>"
    host.define(guest("first", metadata="<v:requests xmlns:v='urn:vfalias:1'><v:request alias='qat'>%s</v:request>"
                      "</v:requests>" % interface, machine="q35", devices=ports(3)))
    host.run("virt-clone", "--original", "first", "--name", "second", "--auto-clone")
    listed = [json.loads(host.vfalias("request", "list", each, "--json").stdout)[0] for each in ("first", "second")]
    assert listed[0]["mac"] != listed[1]["mac"] and listed[0]["name"] == listed[1]["name"] == "qat-0"
    for each in "first", "second":
        host.virsh("start", each)
    assert host.devices() == QATS[:2]


def test_python(host):
    """Metadata of a definition, of a running domain, and removed: libvirt returns what was written."""
    domain = host.define(guest("asks"))
    element, config, live = (libvirt.VIR_DOMAIN_METADATA_ELEMENT, libvirt.VIR_DOMAIN_AFFECT_CONFIG,
                             libvirt.VIR_DOMAIN_AFFECT_LIVE)
    domain.setMetadata(element, "<requests><request alias='qat'/></requests>", "vfalias", "urn:vfalias:1", config)
    domain.create()
    assert host.devices("asks") == QATS[:1]
    domain.setMetadata(element, "<requests><request alias='qat' count='2'/></requests>", "vfalias", "urn:vfalias:1",
                       live)
    host.wait_claims(lambda claims: len(claims) == 2, "two", "asks")
    assert "count" not in domain.metadata(element, "urn:vfalias:1", config)
    domain.setMetadata(element, None, None, "urn:vfalias:1", live | config)
    host.wait_no_claims()
    with pytest.raises(libvirt.libvirtError):
        domain.metadata(element, "urn:vfalias:1", config)


def test_python_all_at_once(host):
    """defineXML and create, and createXML: no program has time to look at the definition between the calls."""
    host.define(guest("one", "qat")).create()
    host.connection.createXML(guest("two", "qat", "gpu"), 0)
    assert host.devices("one") == QATS[:1] and host.devices("two") == [QATS[1], GPU]
