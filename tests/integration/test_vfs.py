# SPDX-License-Identifier: LGPL-2.1-or-later
"""vfalias vfs on fake trees: the report about each card, and that no number is written without need. A fake tree
creates no VFs when a number is written. The unit tests show which numbers are written, and in which order."""
import json
import time

import pytest

from test_cli import VFALIAS, host  # noqa: F401 (host is a fixture)

pytestmark = pytest.mark.skipif(not VFALIAS.exists(), reason="%s is not built" % VFALIAS)

TWO = """[pci]
sriov_numvfs = {"devname": "ens8", "numvfs": 4}
sriov_numvfs = {"address": "0000:01:00.0", "numvfs": 7}
"""


@pytest.fixture
def card(host):
    """A card without VFs, in addition to the cards of the fake host."""
    card = host.tree.pf("0000:81:00.0", "8086:10c9", vfs=0, total=8, cls="020000", driver="igb", netdev="ens8")
    host.configure(TWO)
    return card


def number(card):
    return (card.path / "sriov_numvfs").read_text().strip()


def test_vfs_are_made_once(host, card):
    assert host.fine("vfs", "--dry-run") == (
        "ens8 (0000:81:00.0): 4 VFs would be made, it had 0\n0000:01:00.0: has its 7 VFs\n")
    assert number(card) == "0" and not host.state.exists()
    assert host.fine("vfs") == "ens8 (0000:81:00.0): 4 VFs were made, it had 0\n0000:01:00.0: has its 7 VFs\n"
    assert number(card) == "4"
    before = host.tree.snapshot()
    assert host.fine("vfs") == "ens8 (0000:81:00.0): has its 4 VFs\n0000:01:00.0: has its 7 VFs\n"
    assert host.tree.snapshot() == before


def test_no_card_is_shrunk(host, card):
    host.configure(TWO.replace('"numvfs": 7', '"numvfs": 2'))
    assert "0000:01:00.0: keeps its 7 VFs, more than the 2 that are wanted\n" in host.fine("vfs")
    assert number(host.tree.devices["0000:01:00.0"]) == "7"


def test_a_card_in_use_is_left_alone_and_the_others_are_not(host, card):
    host.start("db1", 1, "<vfalias:request alias='net'/>")
    host.tree.write(host.tree.devices["0000:01:00.0"], "sriov_totalvfs", "16")
    host.configure(TWO.replace('"numvfs": 7', '"numvfs": 16'))
    result = host.call("vfs")
    assert result.returncode == 1
    assert result.stdout == "ens8 (0000:81:00.0): 4 VFs were made, it had 0\n"
    assert result.stderr == ("vfalias: 0000:01:00.0: keeps its 7 VFs, 16 are wanted: domain 'db1' holds "
                             "0000:02:10.0\n")
    assert number(host.tree.devices["0000:01:00.0"]) == "7"


def test_a_card_that_is_not_there(host, card):
    host.tree.remove(card)
    begin = time.monotonic()
    result = host.call("vfs", "--wait", "1")
    assert time.monotonic() - begin >= 1
    assert (result.returncode, result.stdout) == (1, "0000:01:00.0: has its 7 VFs\n")
    assert result.stderr == "vfalias: ens8: cannot have 4 VFs: there is no such netdev of a PCI device\n"


def test_no_wait_for_what_is_there(host, card):
    begin = time.monotonic()
    host.fine("vfs", "--wait", "3600")
    assert time.monotonic() - begin < 60


def test_nothing_configured(host):
    assert host.fine("vfs") == "no sriov_numvfs is configured\n"


@pytest.mark.parametrize("status, args, says", [
    (2, ["--wait", "x"], "vfs: --wait 'x': a number of seconds, 0 to 3600, is wanted"),
    (2, ["--wait", "3601"], "a number of seconds"),
    (2, ["all"], "vfs: unexpected argument 'all'"),
])
def test_refused(host, status, args, says):
    assert says in host.refused(status, "vfs", *args)


def test_another_tree_is_not_written_to(host, card):
    says = host.refused(2, "vfs", options=["--sysfs-root", host.tree.root])
    assert "--state" in says
    assert number(card) == "0"
    assert "would be made" in host.fine("vfs", "--dry-run", options=["--sysfs-root", host.tree.root])


def test_the_index_knows_them(host, card):
    """The next request can use the new VFs before vfaliasd has noticed them."""
    host.configure(TWO + 'device_spec = {"address": "0000:82:*.*"}\n'
                   'alias = {"name": "new", "vendor_id": "8086", "product_id": "10ca", "device_type": "type-VF"}\n')
    host.fine("rescan")
    for n in range(4):
        host.tree.vf(card, "0000:82:10.%d" % n, "8086:10ca", n)
    host.fine("vfs")
    assert [alias["free"] for alias in json.loads(host.fine("stats", "--json"))["aliases"]] == [4]
