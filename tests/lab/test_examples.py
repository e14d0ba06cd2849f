# SPDX-License-Identifier: LGPL-2.1-or-later
"""Examples of the pages that need real devices, and no guest that answers. This machine is not the machine of the
pages: addresses of devices are not compared, everything else is."""
import re

import pytest

from asking import ACCEL_PF, CONFIGURATION, pool
from guestxml import guest_xml
from pages import examples, shown

__all__ = ["pool"]  # a fixture
(PLACEHOLDERS,) = examples("man/vfalias-requests.pod", "PLACEHOLDERS", "<hostdev")


def anywhere(text):
    """Without the addresses of PCI devices."""
    text = re.sub(r"\b[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]\b", "ADDRESS", text)
    return re.sub(r"(?<=<address )domain='0x\w+' bus='0x\w+' slot='0x\w+' function='0x\w+'", "ADDRESS", text)


@pytest.fixture
def asks(lab, pool):
    """The alias of the accelerator is the qat of the pages."""
    pool.configure(CONFIGURATION.replace('"name": "accel"', '"name": "qat"'))
    return lab


def as_shown(lab, *texts):
    for command, output in shown("".join(texts)):
        assert anywhere(lab.run(command).stdout) == anywhere(output), command


def test_power_on(asks, pool):
    """vfalias start, and the messages of vfaliasd about a start that it had to hold."""
    asks.define(guest_xml("db1", kernel=False))
    as_shown(asks, *examples("man/vfalias-requests.pod", "DEVICES AT POWER-ON"))
    pool.wait_active("db1", "qat-0")
    device = pool.devices("db1")["qat-0"].source
    (busy,) = examples("man/vfalias.pod", "EXAMPLES", "vfalias devices")
    assert asks.run(busy).stdout == f"{device} db1\n"
    asks.virsh("destroy", "db1")
    asks.run(*examples("man/vfalias.pod", "EXAMPLES", "vfalias start"))
    assert pool.devices("db1")["qat-0"].source == device
    asks.virsh("destroy", "db1")
    pool.wait_released()

    since = asks.cursor()
    pool.start("db1", "qat-0")
    asks.wait_for(f"journalctl -q -u vfaliasd --after-cursor='{since}' | grep \"domain 'db1': resumed\"")
    said = "".join(re.findall(r"domain 'db1': .*\n", asks.journal(since, "vfaliasd")))
    (lines,) = examples("man/vfaliasd.pod", "RUNNING DOMAINS")
    assert anywhere(said) == anywhere(lines)


def test_placeholders(asks, pool):
    """Placeholders in a definition, and in a pipe."""
    xml = guest_xml("db1", PLACEHOLDERS, kernel=False)
    asks.put("/root/db1.xml", xml)
    asks.virsh("define", "/root/db1.xml")
    asks.wait_for("! virsh -q dumpxml --inactive db1 | grep -q -e 0xffff -e placeholder")
    as_shown(asks, *examples("man/vfalias-requests.pod", "PLACEHOLDERS", "# virsh dumpxml"))
    asks.virsh("undefine", "db1")

    pool.daemon("stop")
    (create,) = examples("man/vfalias.pod", "EXAMPLES", "vfalias resolve")
    (pipes,) = examples("man/vfalias-requests.pod", "PLACEHOLDERS", "vfalias resolve")
    first, define = pipes.splitlines(keepends=True)
    assert first == create
    asks.run("cd /root; set -o pipefail; " + create)
    device = pool.devices("db1")["qat-0"]
    assert device.source in asks.vfs(ACCEL_PF)
    assert set(pool.held("db1")) == {("db1", "qat-0"), ("db1", "net-0"), ("db1", "net-1")}
    asks.virsh("destroy", "db1")

    asks.virsh("define", "/root/db1.xml")
    asks.run("set -o pipefail; " + define)
    held = pool.held("db1")
    asks.virsh("start", "db1")
    assert pool.held("db1") == held and pool.devices("db1")["qat-0"].source == held["db1", "qat-0"]
