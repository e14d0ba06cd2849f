# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `vfalias request` and `vfalias release` change in a real libvirt."""
import json

from guests import guest, ports


def listed(host, name):
    return json.loads(host.vfalias("request", "list", name, "--json").stdout)


def names(host, domain):
    return sorted(request["name"] for request in listed(host, domain))


def test_add_and_remove_in_the_definition(quiet_host):
    host = quiet_host
    host.define(guest("asks", machine="q35"))
    said = host.vfalias("request", "add", "asks", "qat", "--count", "2").stdout
    assert "request 'qat-0' added to domain 'asks' (definition)\n" in said
    assert "added to the definition of domain 'asks'\n" in said  # the ports
    host.vfalias("request", "add", "asks", "gpu", "--port", "--optional")
    xml = host.xml("asks")
    assert "<alias name='ua-slot-gpu-0'/>" in xml
    assert '<vfalias:request alias="gpu" name="gpu-0" optional="yes"/>' in xml
    assert names(host, "asks") == ["gpu-0", "qat-0", "qat-1"]
    assert host.vfalias("request", "ports", "asks").stdout == ""  # no port is missing

    host.vfalias("request", "remove", "asks", "qat-0")
    assert names(host, "asks") == ["gpu-0", "qat-1"]  # other requests keep their names
    host.vfalias("request", "remove", "asks", "gpu")
    assert names(host, "asks") == ["qat-1"]
    assert "ua-slot" not in host.xml("asks")
    assert host.xml("asks").count("pcie-root-port'>") == xml.count("pcie-root-port'>")
    host.vfalias("request", "remove", "asks", "qat")
    assert "vfalias" not in host.xml("asks")


def test_ports_on_demand(quiet_host):
    host = quiet_host
    host.define(guest("asks", "qat", "qat", "gpu", machine="q35", devices=ports(1)))
    said = host.vfalias("request", "ports", "asks").stdout
    assert said.endswith("added to the definition of domain 'asks'\n")
    assert host.vfalias("request", "ports", "asks").stdout == ""


def test_a_running_domain_and_its_definition_are_two_things(host):
    host.define(guest("asks", "qat"))
    host.virsh("start", "asks")
    host.vfalias("request", "add", "asks", "gpu")
    host.wait_claims(lambda claims: len(claims) == 2, "qat-0 and gpu-0", "asks")
    assert [(r["name"], r["live"], r["config"]) for r in listed(host, "asks")] == \
        [("qat-0", True, True), ("gpu-0", True, False)]
    assert "gpu" not in host.xml("asks", "--inactive")
    host.vfalias("request", "remove", "asks", "gpu")
    host.wait_claims(lambda claims: len(claims) == 1, "qat-0", "asks")
    refused = host.vfalias("request", "remove", "asks", "gpu", check=False)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)


def test_gc_and_release(quiet_host):
    host = quiet_host
    host.configure(open(host.path("/etc/vfalias/vfalias.conf")).read().replace(
        "[vfalias]", "[vfalias]\nrequire_daemon = no"))
    host.define(guest("asks", "qat"))
    host.virsh("start", "asks")
    assert host.vfalias("gc").stdout.startswith("0 claims dropped\n")
    assert host.devices("asks")
    assert host.vfalias("release", "asks", check=False).returncode == 1  # the domain runs
    assert host.devices("asks")
    host.virsh("destroy", "asks")
    assert host.vfalias("release", "asks", check=False).returncode == 1  # no claim to drop
