# SPDX-License-Identifier: LGPL-2.1-or-later
"""The verdicts of Nova's own code (tests/data/nova), and the results of vfalias(1) for the same configurations.

VFALIAS_BIN is the program; default: helpers/vfalias/vfalias in the build folder VFALIAS_BUILD (default: the current
folder). Each case is a test, named after the case.
"""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[1] / "data/nova"
BUILD = Path(os.environ.get("VFALIAS_BUILD", "."))
VFALIAS = Path(os.environ.get("VFALIAS_BIN", BUILD / "helpers/vfalias/vfalias"))
MORE = {"alias-error-028"}  # what Nova refuses and vfalias gives a meaning: device_type vdpa
FALSE = ("0", "f", "false", "off", "n", "no")

sys.path.insert(0, str(DATA))
import mktree  # noqa: E402

pytestmark = pytest.mark.skipif(not VFALIAS.exists(), reason="%s is not built" % VFALIAS)


def cases():
    with open(DATA / "cases.jsonl", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    """The sysfs roots of the hosts, by name."""
    folder = tmp_path_factory.mktemp("nova")
    with open(DATA / "trees.json", encoding="utf-8") as text:
        described = json.load(text)
    for name, tree in described.items():
        mktree.materialise(tree, str(folder / name))
    return {name: folder / name for name in described}


class Tool:
    """vfalias on one host with one configuration."""

    def __init__(self, config, sysfs_root):
        self.options = ["--config", str(config), "--sysfs-root", str(sysfs_root)]

    def run(self, *verb):
        return subprocess.run([str(VFALIAS), *self.options, *verb], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, check=False)

    def json(self, *verb):
        done = self.run(*verb, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def check_error(tool):
    done = tool.run("check")
    assert done.returncode == 2, "taken as valid: " + done.stdout
    assert len(done.stderr.splitlines()) == 1, done.stderr


def check_match(tool, case):
    everything = case.get("all")
    loose = case.get("loose_tags", ())

    def comparable(device):
        device = dict(device)
        device["tags"] = {key: value for key, value in (device.get("tags") or {}).items()
                          if key not in loose}
        return device if everything else {key: device[key] for key in ("spec", "tags")}

    def by_address(devices):
        made = {device["address"]: comparable(device) for device in devices}
        assert len(made) == len(devices), "an address is there twice"
        return made

    want = by_address(case["expect"]["devices"])
    got = by_address(tool.json("devices", *(["--all"] if everything else [])))
    assert sorted(got) == sorted(want)
    for address, device in want.items():
        assert {key: got[address][key] for key in device} == device, address


def check_alias(tool, case):
    want = case["expect"]["aliases"]
    got = {alias["name"]: alias["total"] for alias in tool.json("stats")["aliases"]}
    assert {name: None if want.get(name, 0) is None else total
            for name, total in got.items()} == want


def added_up(pools):
    totals = {}
    for pool in pools:
        pool = {key: value for key, value in pool.items() if value is not None}
        count = pool.pop("count")
        if str(pool.get("remote_managed", "")).strip().lower() in FALSE:
            del pool["remote_managed"]
        key = json.dumps(pool, sort_keys=True)
        totals[key] = totals.get(key, 0) + count
    return totals


def check_pools(tool, case):
    assert added_up(tool.json("stats")["pools"]) == added_up(case["expect"]["pools"])


def test_check_nova_agrees_on_what_is_valid(tmp_path):
    """`check --nova` refuses the same configurations as Nova."""
    config = tmp_path / "nova.conf"
    tool = Tool("/nonexistent", "/nonexistent")
    wrong = []
    for case in cases():
        config.write_text(case["config"], encoding="utf-8")
        done = tool.run("check", "--nova", str(config))
        if (done.returncode == 2) != bool(case["expect"].get("error")):
            wrong.append((case["id"], done))
    assert wrong == []


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["id"])
def test_nova_case(case, trees, tmp_path):
    config = tmp_path / "nova.conf"
    config.write_text(case["config"], encoding="utf-8")
    tool = Tool(config, trees[case["tree"]])
    if case["expect"].get("error") and case["id"] not in MORE:
        check_error(tool)
        return
    done = tool.run("check")
    assert done.returncode == 0, done.stderr
    if case["id"] in MORE:
        return
    {"match": check_match, "alias": check_alias, "pools": check_pools}[case["kind"]](tool, case)
