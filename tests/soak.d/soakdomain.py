# SPDX-License-Identifier: LGPL-2.1-or-later
"""The requests of a domain of tests/soak, and the XML that libvirt passes to hooks for it."""
import os

from hookhost import domain, hostdev, request, uuid

ELSEWHERE = "0000:7f:10.3"  # no device of this host


def macvtap(netdev, name):
    return ("<interface type='direct'><mac address='52:54:00:00:00:07'/><source dev='%s' mode='passthrough'/>"
            "<model type='virtio'/><alias name='ua-vf-%s'/></interface>" % (netdev, name))


class Wish:
    """requests: {name: alias}, claimed at `prepare` and attached later. placed: {name: address}, devices in the XML;
    tap: they are interfaces of kind macvtap. static: a host device without a request, or None."""

    def __init__(self, requests=(), placed=(), tap=False, optional=(), static=None):
        self.requests, self.placed, self.tap = dict(requests), dict(placed), tap
        self.optional, self.static = set(optional), static

    def asks(self):
        return bool(self.requests or self.placed)


def draw_wish(chance, host, placed):
    """placed: the probability that the XML has a device."""
    what = chance.random()
    if what < 0.08:
        return Wish(static=chance.choice(host.devices))
    if what < placed:
        alias = "net" if chance.random() < 0.8 else "accel"
        address = chance.choice(host.net if alias == "net" else host.accel)
        tap = alias == "net" and chance.random() < 0.3
        more = {"accel-0": "accel"} if chance.random() < 0.2 and alias == "net" else {}
        return Wish(more, {"dp0": address}, tap)
    wish = Wish({"net-%d" % i: "net" for i in range(chance.choice((0, 1, 1, 2, 3)))})
    if chance.random() < 0.4 or not wish.requests:
        wish.requests["accel-0"] = "accel"
    if chance.random() < 0.2:
        wish.requests["more"] = "accel"
        wish.optional.add("more")
    return wish


class Domain:
    """live: {request: address} of a running domain, as its hook has claimed them."""

    def __init__(self, host, number):
        self.host, self.number = host, number
        self.name, self.uuid = "d%d" % number, uuid(number)
        self.status_file = str(host.run / (self.name + ".xml"))
        self.running, self.wish, self.live = False, Wish(), {}

    def asks_for(self, name):
        wish = self.wish
        return name in wish.requests or name in wish.placed or (wish.static and name == "static:" + wish.static)

    def alias_of(self, name):
        if name in self.wish.requests:
            return self.wish.requests[name]
        address = self.wish.placed.get(name)
        return None if address is None else "accel" if address in self.host.accel else "net"

    def xml(self, devices=None):
        """devices: {request: address} in the XML; None: the devices of the wish."""
        devices = self.wish.placed if devices is None else devices
        names = {**self.wish.requests, **{name: self.alias_of(name) for name in self.wish.placed}}
        asked = "".join(request(alias, name=name, **({"optional": "yes"} if name in self.wish.optional else {}))
                        for name, alias in names.items())
        elements = "".join(self._element(name, address) for name, address in devices.items())
        if self.wish.static and self.wish.static not in devices.values():
            elements += hostdev(self.wish.static)
        return domain(self.number, asked, elements, ports=8).encode()

    def _element(self, name, address):
        if name.startswith("static:"):
            return hostdev(address)
        if self.wish.tap and name in self.wish.placed:
            return macvtap(self.host.netdev.get(address, "eth9"), name)
        return hostdev(address, name)

    def live_xml(self):
        return self.xml(self.live)

    def write_status(self):
        with open(self.status_file, "wb") as f:
            f.write(self.live_xml())

    def remove_status(self):
        try:
            os.unlink(self.status_file)
        except FileNotFoundError:
            pass
