# SPDX-License-Identifier: LGPL-2.1-or-later
"""`vfalias explain` against the hook, on random hosts, configurations and histories: `prepare` claims the devices that
explain marks as chosen, and refuses with the line of explain if explain finds no free device."""
import json
import random
import re
import sqlite3

import pytest

from hookhost import Host, domain, fine, hostdev, refused, request
from sysfs_tree import Tree

# ---- made at random ----

GROUPS = ["new", "new", "new", "new", 40, 41, None]


def add_card(rng, tree, number):
    bus = 0x10 + 0x20 * number
    numa = rng.choice([None, -1, 0, 0, 1, 1, 2])
    netdev = "ens%d" % number
    card = tree.pf("0000:%02x:00.0" % bus, "8086:10c9", cls="020000", driver="igb", netdev=netdev, numa=numa,
                   group=rng.choice(GROUPS), total=8)
    for i in range(rng.randint(0, 4)):
        vf = tree.vf(card, "0000:%02x:%02x.%d" % (bus + 1, 0x10 + i // 4, i % 4), "8086:10ca", i, cls="020000",
                     numa=numa, group=rng.choice(GROUPS), driver=rng.choice(["igbvf", "igbvf", None, "vfio-pci"]))
        if rng.random() < 0.8:
            tree.netdev(vf, "%sv%d" % (netdev, i))
            if rng.random() < 0.1:
                tree.enslave(vf, "br0")
            elif rng.random() < 0.1:
                tree.move_netdev_away(vf)
    return card


def make_tree(rng, root):
    tree = Tree(root)
    tree.topology({0: ("0-3", 0), 1: ("4-7", 0), 2: ("8-11", 1)})
    cards = [add_card(rng, tree, i) for i in range(rng.randint(1, 3))]
    if rng.random() < 0.5:
        tree.nvme("0000:f1:00.0", vfs=2, numa=rng.choice([0, 2]))
    if rng.random() < 0.3:
        tree.bridge("0000:00:1c.0", driver="pcieport", group=40)
    if rng.random() < 0.2:
        tree.device("0000:00:1f.6", "8086:15bb", driver="e1000e", group=41)
    return tree, cards


def make_config(rng, cards):
    lines = ["[pci]"]
    for i, card in enumerate(cards):
        lines.append('device_spec = {"address": "%s", "physical_network": "physnet%d"}' % (card, i % 2))
    lines.append('device_spec = {"vendor_id": "144d"}')
    for name, keys in (("net", {"vendor_id": "8086", "product_id": "10ca", "device_type": "type-VF"}),
                       ("any", {"class": "02"}),
                       ("card", {"vendor_id": "8086", "product_id": "10c9", "device_type": "type-PF"}),
                       ("disk", {"vendor_id": "144d", "product_id": "a824", "device_type": "type-VF"})):
        keys = dict({"name": name}, **keys)
        if rng.random() < 0.5:
            keys["numa_policy"] = rng.choice(["legacy", "preferred", "required", "socket"])
        if rng.random() < 0.6:
            keys["order"] = rng.choice(["spread", "pack"])
        if rng.random() < 0.1:
            keys["driver"] = "igbvf"
        if rng.random() < 0.1:
            keys["max_per_domain"] = 1
        if rng.random() < 0.1:
            keys["permit"] = ["d[1-4]"]
        lines.append("alias = " + json.dumps(keys))
    return "\n".join(lines) + "\n[vfalias]\nstate = %(state)s\nsysfs_root = %(sysfs)s\nlibvirt_run = %(run)s\n"


def make_requests(rng):
    asked = ""
    for i in range(rng.randint(1, 3)):
        more = {"name": "r%d" % i}
        if rng.random() < 0.3:
            more["numa"] = rng.choice(["legacy", "preferred", "required", "socket"])
        if rng.random() < 0.2:
            more["physical_network"] = rng.choice(["physnet0", "physnet1", "physnet9"])
        if rng.random() < 0.2:
            more["optional"] = "yes"
        asked += request(rng.choice(["net", "net", "net", "any", "card", "disk"]), **more)
    return asked


PLACES = ["", "", "<numatune><memory nodeset='0'/></numatune>", "<numatune><memory nodeset='1-2'/></numatune>",
          "<vcpu cpuset='0-3'>2</vcpu>", "<cputune><vcpupin vcpu='0' cpuset='9'/></cputune>",
          "<vcpu cpuset='0-11,^9'>4</vcpu>"]


def make_domain(rng, number, tree):
    devices = hostdev(rng.choice(sorted(tree.devices))) if rng.random() < 0.1 else ""
    return domain(number, make_requests(rng), devices, place=rng.choice(PLACES), ports=rng.choice([8] * 9 + [1]))


def random_host(rng, folder):
    host = Host(folder, tree_of=lambda root: make_tree(rng, root)[0])
    cards = [d for d in host.tree.devices.values() if re.match("0000:[135]0:00.0", d.address)]
    host.configure(make_config(rng, cards))
    host.daemon_is_there()
    return host


# ---- the comparison ----

def explain(host, alias, xml, *more):
    done = host.cli("explain", alias, "--xml", "-", "--json", *more, input=xml)
    assert done.returncode in (0, 1), done
    return done, json.loads(done.stdout)


def check_shape(rows):
    orders = [r["order"] for r in rows if r["verdict"] != "dropped"]
    assert orders == list(range(1, len(orders) + 1))
    assert [r["verdict"] == "dropped" for r in rows] == sorted(r["verdict"] == "dropped" for r in rows)
    for row in rows:
        assert (row["reason"] is None) == (row["verdict"] != "dropped"), row
        assert (row["order"] is None) == (row["verdict"] == "dropped"), row
        assert row["request"] is None or row["verdict"] == "chosen"


def aliases_in(xml):
    return sorted(set(re.findall(r"<vfalias:request alias='(\w+)'", xml)))


def explained(host, number, xml):
    """{request: device} as explain reports it for all aliases of a domain, and its refusals."""
    chosen, refusals = {}, set()
    before = host.state.read_bytes() if host.state.exists() else None
    for alias in aliases_in(xml):
        done, rows = explain(host, alias, xml, "--all")
        check_shape(rows)
        assert {r["address"] for r in rows} == set(host.tree.devices)
        chosen.update({r["request"]: r["address"] for r in rows if r["verdict"] == "chosen"})
        if done.returncode == 1:
            refusals.add(done.stderr.strip())
    assert (host.state.read_bytes() if host.state.exists() else None) == before
    return chosen, refusals


def compare(host, number, xml):
    host.no_scan_is_young()
    chosen, refusals = explained(host, number, xml)
    done = host.hook("prepare", xml, name="d%d" % number)
    optional = set(re.findall(r"name='(\w+)'[^>]*optional='yes'", xml))
    if done.returncode == 0:
        got = {r: d for (dom, r), d in host.held().items() if dom == "d%d" % number and not r.startswith("static:")}
        assert got == chosen
        asked = set(re.findall(r"<vfalias:request [^>]*name='(\w+)'", xml))
        assert {r for r in refusals if "nothing is free" not in r} == set()
        assert bool(refusals) == bool(asked - set(got)) and asked - set(got) <= optional
    else:
        line = refused(done)
        assert line in refusals, (line, refusals)
    return done.returncode


def change_hardware(rng, host):
    """Changes the hardware without a rescan of the index."""
    vfs = [d for d in host.tree.devices.values() if ":10." in d.address]
    if vfs and rng.random() < 0.3:
        host.tree.remove(rng.choice(vfs))
    elif vfs and rng.random() < 0.3:
        host.tree.bind(rng.choice(vfs), rng.choice([None, "vfio-pci", "igbvf"]))
    elif rng.random() < 0.3 and "0000:f1:00.0" in host.tree.devices:
        card = host.tree.devices["0000:f1:00.0"]
        if len(card.vfs) < 6:
            host.tree.vf(card, "0000:f1:00.%d" % (len(card.vfs) + 1), "144d:a824", len(card.vfs), cls="010802", numa=0)


@pytest.mark.parametrize("seed", range(24))
def test_chosen_is_what_prepare_claims(tmp_path, seed):
    rng = random.Random(seed)
    host = random_host(rng, tmp_path)
    for device in host.tree.devices:
        if rng.random() < 0.05:
            host.cli("quarantine", "add", device, "it smells")
    for _ in range(6):
        number = rng.randint(1, 5)
        compare(host, number, make_domain(rng, number, host.tree))
        if rng.random() < 0.5:
            fine(host.release(rng.randint(1, 5), requests=request("net")))
        change_hardware(rng, host)


@pytest.mark.parametrize("seed", range(200, 206))
def test_stats_by_the_index_are_those_of_a_scan(tmp_path, seed):
    rng = random.Random(seed)
    host = random_host(rng, tmp_path)
    host.cli("rescan")
    for number in range(1, 4):
        host.hook("prepare", make_domain(rng, number, host.tree), name="d%d" % number)
    host.cli("quarantine", "add", rng.choice(sorted(host.tree.devices)), "it smells")
    if rng.random() < 0.5:
        host.cli("rescan")
    by_index = json.loads(host.cli("stats", "--json").stdout)
    with sqlite3.connect(host.state) as db:
        db.execute("DELETE FROM stock")
    assert by_index == json.loads(host.cli("stats", "--json").stdout)


@pytest.mark.parametrize("seed", range(100, 108))
def test_verbs_agree(tmp_path, seed):
    """`stats` counts the candidates of `explain` as free, and `devices` calls them free."""
    rng = random.Random(seed)
    host = random_host(rng, tmp_path)
    for number in range(1, 3):
        host.hook("prepare", make_domain(rng, number, host.tree), name="d%d" % number)
    host.cli("quarantine", "add", rng.choice(sorted(host.tree.devices)), "it smells")
    listed = {d["address"]: d for d in json.loads(host.cli("devices", "--all", "--json").stdout)}
    for alias in json.loads(host.cli("stats", "--json").stdout)["aliases"]:
        done = host.cli("explain", alias["name"], "--json", "--all")
        rows = json.loads(done.stdout)
        check_shape(rows)
        candidates = [r["address"] for r in rows if r["verdict"] != "dropped"]
        meant = [r for r in rows if r["reason"] not in ("not what the alias means", "not allowed by a device_spec")]
        assert (len(meant), len(candidates)) == (alias["total"], alias["free"])
        assert done.returncode == (0 if candidates else 1)
        assert all(listed[a]["state"] == "free" for a in candidates)
        for row in meant:
            if row["reason"] not in (None, "other driver"):
                assert (listed[row["address"]]["reason"], listed[row["address"]]["detail"]) == \
                    (row["reason"], row["detail"])


@pytest.mark.parametrize("name", ["net", "net-0"])
def test_a_device_of_the_domain_may_be_called_like_the_alias(tmp_path, name):
    """The domain has no request that needs a device. explain asks for one more device, under an unused name."""
    host = Host(tmp_path)
    first = next(row["address"] for row in json.loads(host.cli("devices", "--json").stdout) if row["product_id"] == "10ca")
    done = host.cli("explain", "net", "--xml", "-", "--json", input=domain(1, "", hostdev(first, name)))
    chosen = [row["address"] for row in json.loads(done.stdout) if row["verdict"] == "chosen"]
    assert done.returncode == 0 and len(chosen) == 1 and chosen != [first], done
