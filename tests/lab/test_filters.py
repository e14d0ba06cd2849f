# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which uses of a VF by the host itself keep guests from getting it: the cases that only a real /sys can show."""
import json

from asking import metadata, pool
from guestxml import guest_xml

__all__ = ["pool"]  # a fixture


def verdict(lab, address):
    rows = json.loads(lab.run("vfalias explain net --json").stdout)
    return next(row["reason"] or row["verdict"] for row in rows if row["address"] == address)


def test_netdev_in_use(lab, pool):
    """A VF is not used if its netdev has an address, is in a bridge, or is in another network namespace."""
    rows = json.loads(lab.run("vfalias devices --json").stdout)
    with_address, enslaved, elsewhere, free = [row for row in rows if row["netdev"]][:4]
    lab.run(f"ip link set {with_address['netdev']} up && ip address add 192.0.2.1/24 dev {with_address['netdev']}")
    lab.run(f"ip link add br9 type bridge && ip link set {enslaved['netdev']} master br9")
    lab.run(f"ip netns add away && ip link set {elsewhere['netdev']} netns away")
    try:
        for row in (with_address, enslaved, elsewhere):
            assert verdict(lab, row["address"]) == "netdev in use", row
        lab.define(guest_xml("db1", metadata=metadata("net"), kernel=False, ports=2))
        pool.start("db1", "net-0")
        assert pool.devices("db1")["net-0"].source == free["address"]
    finally:
        lab.run(f"ip address flush dev {with_address['netdev']}; ip link del br9; ip netns del away")
        lab.virsh("destroy", "db1", check=False)
    lab.wait_for(f"test -e /sys/bus/pci/devices/{elsewhere['address']}/net/{elsewhere['netdev']}")
    assert verdict(lab, with_address["address"]) in ("chosen", "candidate")
