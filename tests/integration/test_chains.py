# SPDX-License-Identifier: LGPL-2.1-or-later
"""Chains of aliases (any_of), rung by rung: a VF, a vDPA device, a bridge. By the real hook and the made kernel."""
import json
import re
import shutil

import pytest

import madekernel
import test_json_schema
from hookhost import CONFIG, domain, fine, refused, request

CHAIN = CONFIG + """
[pci]
device_spec = {"mgmtdev": "vdpasim_net", "max_devices": 1, "physical_network": "physnet2"}
device_spec = {"mgmtdev": "small", "physical_network": "physnet3"}
alias = {"name": "vnet", "device_type": "vdpa", "physical_network": "physnet2"}
alias = {"name": "vsmall", "device_type": "vdpa", "physical_network": "physnet3"}
alias = {"name": "thin", "any_of": ["vsmall", "bridged"]}
alias = {"name": "bridged", "attach": "bridge", "bridge": "br0"}
alias = {"name": "fast", "any_of": ["drive", "vnet", "bridged"]}
alias = {"name": "drive", "vendor_id": "144d", "product_id": "a824", "device_type": "type-VF", "max_per_domain": 1}
alias = {"name": "short", "any_of": ["drive", "vnet"]}
alias = {"name": "nowhere", "attach": "bridge", "bridge": "br1"}
alias = {"name": "lost", "any_of": ["vnet", "nowhere"]}
"""


@pytest.fixture
def chain(host, library):
    kernel = madekernel.MadeKernel(host.tree, library)
    kernel.vdpa()
    kernel.mgmtdev("vdpasim_net")
    kernel.mgmtdev("small", max_devices=1)
    host.env.update(kernel.env)
    host.configure(CHAIN)
    (host.tree.root / "class/net/br0/bridge").mkdir(parents=True)
    return host


def rungs(host, number):
    return [claim["alias"] for claim in host.claims() if claim["domain"] == "d%d" % number]


def take(host, number, alias="fast", **attributes):
    fine(host.prepare(number, request(alias, name="port", **attributes)))
    rung, = rungs(host, number)
    return rung


def stop(host, number):
    fine(host.release(number, requests=request("fast", name="port")))
    assert rungs(host, number) == []


def test_the_first_rung_with_a_free_device(chain):
    """Four VFs, then one vDPA device, then the bridge, which is never full; a rung is taken again when it is free."""
    assert [take(chain, number) for number in range(1, 8)] == ["drive"] * 4 + ["vnet", "bridged", "bridged"]
    stop(chain, 5)
    assert take(chain, 8) == "vnet"
    stop(chain, 2)
    stop(chain, 7)
    assert take(chain, 9) == "drive"
    kinds = {claim["domain"]: claim["device"] for claim in chain.claims()}
    assert re.fullmatch("bridge:br0/vfa[0-9a-f]{12}", kinds["d6"]) and kinds["d8"].startswith("vdpa:vfa")


def test_why_no_rung(chain):
    """One line with the reason of each rung; an optional request goes without."""
    for number in range(1, 6):
        take(chain, number, "short")
    line = refused(chain.prepare(6, request("short", name="port")))
    assert "request 'port': no alias of 'short' can serve it: drive: alias 'drive' has 4 devices, 4 claimed; vnet: alias " \
        "'vnet' has 1 device, 1 claimed" in line
    fine(chain.prepare(6, request("short", name="port", optional="yes")))
    assert rungs(chain, 6) == []
    assert "nowhere: alias 'nowhere': this host has no bridge 'br1'" in refused(chain.prepare(7, request("lost")))


def test_the_kernel_says_full(chain):
    """The next rung serves a request whose device the kernel does not make."""
    assert take(chain, 1, "thin") == "vsmall" and take(chain, 2, "thin") == "bridged"
    stop(chain, 1)
    assert take(chain, 3, "thin") == "vsmall"


def test_a_bridge_goes(chain):
    """The claim ends as any other one; the bridge may be gone by then."""
    take(chain, 1, "bridged")
    assert "bridge:br0/" in chain.cli("claims").stdout and chain.cli("devices").returncode == 0
    shutil.rmtree(chain.tree.root / "class/net/br0")
    assert "this host has no bridge 'br0'" in refused(chain.prepare(2, request("bridged", name="port")))
    stop(chain, 1)


def test_limits_of_a_rung(chain):
    """max_per_domain of a rung counts its devices of the domain, asked for by its own name or through a chain."""
    fine(chain.prepare(1, request("fast", name="a"), request("fast", name="b"), request("fast", name="c")))
    assert {claim["request"]: claim["alias"] for claim in chain.claims()} == {"a": "drive", "b": "vnet", "c": "bridged"}
    fine(chain.prepare(2, request("fast", name="a"), request("drive", name="b")))
    assert {claim["request"]: claim["alias"] for claim in chain.claims() if claim["domain"] == "d2"} == {
        "a": "bridged", "b": "drive"}


def test_a_rung_that_cannot_keep_the_vlan(chain):
    """The VLAN of a request stays the same on each rung: a vDPA device cannot have one, a bridge can."""
    settings = "<vfalias:request alias='fast' name='port'><vfalias:settings vlan='7'/></vfalias:request>"
    for number in range(1, 5):
        take(chain, number)
    fine(chain.prepare(5, settings))
    assert rungs(chain, 5) == ["bridged"]


def test_a_bridge_alone(chain):
    assert take(chain, 1, "bridged") == "bridged"
    assert "request 'port': alias 'nowhere': this host has no bridge 'br1'" in refused(
        chain.prepare(2, request("nowhere", name="port")))
    stop(chain, 1)


def test_an_element_of_the_definition(chain):
    """An element tells the kind: only rungs that attach so serve it. Its bridge decides, as any device that XML names."""
    element = "<interface type='bridge'><source bridge='br0'/><alias name='ua-vf-port'/></interface>"
    fine(chain.prepare(1, request("fast", name="port"), devices=element))
    assert rungs(chain, 1) == ["bridged"]
    stop(chain, 1)
    element = "<interface type='vdpa'><source dev='%s/vdpa/x'/><alias name='ua-vf-port'/></interface>" % chain.state.parent
    fine(chain.prepare(1, request("fast", name="port"), devices=element))
    assert rungs(chain, 1) == ["vnet"]


def test_a_chain_that_arrives(chain):
    """A migration: the element of the other host names its bridge; here the bridge of the alias is written."""
    xml = domain(1, request("fast", name="port"),
                 "<interface type='bridge'><source bridge='brX'/><alias name='ua-vf-port'/></interface>")
    done = chain.hook("migrate", xml, name="d1")
    assert (done.returncode, done.stderr) == (0, "")
    assert rungs(chain, 1) == ["bridged"] and "bridge=\"br0\"" in done.stdout.replace("'", '"')
    fine(chain.hook("prepare", done.stdout, name="d1"))
    assert rungs(chain, 1) == ["bridged"]


def test_claims_say_the_rung(chain):
    take(chain, 1)
    claim, = json.loads(chain.cli("claims", "--json").stdout)
    assert (claim["request"], claim["alias"], claim["kind"]) == ("port", "drive", "pci")


def explain(host, *args, status=0):
    done = host.cli("explain", *args)
    assert done.returncode == status, done
    return done.stdout


def test_explain(chain, tmp_path):
    """Per rung what explain says for its alias, which one would be taken, and why not those before."""
    said = explain(chain, "fast")
    assert re.findall("^(drive|vnet|bridged): (.*)", said, re.M) == [
        ("drive", "would be taken"), ("vnet", "not needed"), ("bridged", "not needed")]
    assert "mgmtdev:vdpasim_net" in said
    for number in range(1, 6):
        take(chain, number)
    file = tmp_path / "domain.xml"
    file.write_text(domain(7, request("fast", name="port")))
    said = json.loads(explain(chain, "fast", "--json", "--xml", str(file)))
    assert (said["alias"], said["taken"]) == ("fast", "bridged")
    assert [(rung["alias"], rung["why_not"]) for rung in said["rungs"]] == [
        ("drive", "no free device for request 'port': alias 'drive' has 4 devices, 4 claimed"),
        ("vnet", "no free device for request 'port': alias 'vnet' has 1 device, 1 claimed"), ("bridged", None)]
    assert {row["address"] for row in said["rungs"][0]["devices"]} == {
        claim["device"] for claim in chain.claims() if claim["alias"] == "drive"}
    test_json_schema.validate(said, "explain-chain")
    assert json.loads(explain(chain, "short", "--json", status=1))["taken"] is None
    file.write_text(domain(7, request("short", name="port")))
    done = chain.cli("explain", "short", "--xml", str(file))
    assert done.returncode == 1 and "request 'port': no alias of 'short' can serve it: drive: alias 'drive'" in done.stderr
    assert chain.cli("explain", "bridged").returncode == 0 and chain.cli("explain", "nowhere").returncode == 1


def test_stats(chain):
    """A chain and a bridge have no devices of their own."""
    aliases = {alias["name"]: (alias["total"], alias["free"])
               for alias in json.loads(chain.cli("stats", "--json").stdout)["aliases"]}
    assert aliases["drive"] == (4, 4) and aliases["fast"] == aliases["bridged"] == (None, None)
    assert re.search(r"^fast +- +-$", chain.cli("stats").stdout, re.M)
