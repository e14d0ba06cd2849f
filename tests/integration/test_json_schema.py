# SPDX-License-Identifier: LGPL-2.1-or-later
"""The output of vfalias with --json agrees with conf/schema/vfalias-json.schema.json, and the schema describes all of
it."""
import json
import random
import re
from pathlib import Path

import jsonschema
import pytest

import test_cli
import test_explain
from hookhost import Host, fine, request
from test_cli import claims, host, virt  # noqa: F401 (fixtures; this `host` is the command line's)
from test_made_devices import Made

SOURCE = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((SOURCE / "conf/schema/vfalias-json.schema.json").read_text())


def validate(listing, what):
    schema = {"$schema": SCHEMA["$schema"], "$ref": "#/$defs/" + what, "$defs": SCHEMA["$defs"]}
    jsonschema.validate(listing, schema, cls=jsonschema.Draft202012Validator)
    items = listing if isinstance(listing, list) else [listing]
    known = SCHEMA["$defs"][what]
    known = known.get("items", known)["properties"]
    for item in items:
        assert set(item) <= set(known), "keys that the schema does not name"


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_reasons_are_all_there():
    names = re.findall(r'\[VFA_VERDICT_\w+\] = "(.*)"', (SOURCE / "lib/choose/verdict.c").read_text())
    assert SCHEMA["$defs"]["reason"]["enum"][1:] == names[1:] and names[0] == "candidate"
    page = (SOURCE / "man/vfalias.pod").read_text()
    assert all("C<%s>" % name in page for name in names[1:])


def test_every_listing_has_a_definition():
    synopsis = (SOURCE / "man/synopsis.txt").read_text()
    verbs = {" ".join(re.findall(r"[a-z]+", line.split("]... ", 1)[1].split("[")[0])[:2])
             for line in synopsis.splitlines() if line.startswith("vfalias ") and "--json" in line}
    assert {v.replace(" ", "-") for v in verbs} <= set(SCHEMA["$defs"]), verbs


@pytest.mark.parametrize("args", [["devices"], ["devices", "--all"], ["stats"], ["claims"], ["quarantine"],
                                  ["explain", "net"], ["explain", "nvme", "--all"], ["check"]])
def test_listings(claims, args):
    claims.fine("quarantine", "add", "0000:02:11.0", "x")
    validate(claims.json(*args), args[0])


@pytest.mark.parametrize("args", [["devices"], ["stats"], ["claims"], ["quarantine"], ["explain", "net"]])
def test_listings_of_nothing(host, args):
    host.configure('[pci]\ndevice_spec = []\n'
                   'alias = {"name": "net", "vendor_id": "8086", "product_id": "10ca"}\n')
    validate(json.loads(host.call(*args, "--json").stdout), args[0])


def test_check_nova(host):
    nova = host.folder / "nova.conf"
    nova.write_text('[pci]\ndevice_spec = {"vendor_id": "8086", "live_migratable": "yes"}\n'
                    'alias = {"vendor_id": "8086", "product_id": "0443", "name": "qat"}\n'
                    '[filter_scheduler]\npci_in_placement = true\n')
    result = host.call("check", "--nova", nova, "--json")
    validate(json.loads(result.stdout), "check-nova")


@pytest.mark.parametrize("domain", ["db1", "idle", "port", "web"])
def test_with_domains(virt, domain):
    validate(virt.json("request", "list", domain, options=[]), "request-list")
    result = virt.call("explain", "net", domain, "--json", "--all", options=[])
    validate(json.loads(result.stdout), "explain")


@pytest.mark.parametrize("seed", range(3))
def test_on_hosts_made_at_random(tmp_path, seed):
    rng = random.Random(seed)
    made = test_explain.random_host(rng, tmp_path)
    for number in range(1, 4):
        made.hook("prepare", test_explain.make_domain(rng, number, made.tree), name="d%d" % number)
    for args in ["devices", "--all"], ["stats"], ["claims"], ["explain", "any", "--all"], ["explain", "net"]:
        validate(json.loads(made.cli(*args, "--json").stdout), args[0])


def test_devices_that_are_made(tmp_path, library):  # noqa: F811 (the fixture)
    made = Made(Host(tmp_path), library)
    made.host.daemon_is_there()
    fine(made.start(1, request("vnet", name="port") + request("vgpu", name="gpu")))
    fine(made.start(2, request("tty", name="console")))
    held = made.claims()
    vdpa, = (device for device in held if device.startswith("vdpa:"))
    mdev, = (device for device, claim in held.items() if claim["alias"] == "tty")
    for device in (vdpa, mdev, "mgmtdev:small", "mdev-type:mtty/mtty-2"):
        assert made.host.cli("quarantine", "add", device, "x").returncode == 0
    listings = {}
    for args in (["devices"], ["devices", "--all"], ["stats"], ["claims"], ["quarantine"], ["explain", "vnet"],
                 ["explain", "vgpu", "--all"], ["explain", "tty"]):
        listings[args[0]] = json.loads(made.host.cli(*args, "--json").stdout)
        validate(listings[args[0]], args[0])
    assert {q["device"] for q in listings["quarantine"]} == {vdpa, mdev, "mgmtdev:small", "mdev-type:mtty/mtty-2"}
    assert {d["dev_type"] for d in listings["devices"]} >= {"vdpa", "mdev"}
    assert {d["blocked_by"] for d in listings["devices"]} & set(held)  # the card, by the mediated device on it
    assert {c["kind"] for c in listings["claims"]} == {"vdpa", "mdev"}
    for claim in listings["claims"]:
        assert (claim["pci_slot"], claim["pci_vendor_info"]) == (None, None)


@pytest.mark.parametrize("listing, what", [
    ([{"device": "02:10.0", "reason": "x", "since": "2024-01-01T00:00:00Z"}], "quarantine"),
    ([{"device": "0000:02:10.0", "reason": "x", "since": "yesterday"}], "quarantine"),
    ([{"device": "mdev:gpu0", "reason": "x", "since": "2024-01-01T00:00:00Z"}], "quarantine"),
    ([{"device": "mdev-type:mtty", "reason": "x", "since": "2024-01-01T00:00:00Z"}], "quarantine"),
    ([{"address": "0000:02:10.0", "verdict": "dropped", "reason": None, "detail": None, "order": None,
       "request": None}], "explain"),
    ({"aliases": []}, "stats"),
])
def test_what_is_wrong_is_found(listing, what):
    with pytest.raises(jsonschema.ValidationError):
        validate(listing, what)
