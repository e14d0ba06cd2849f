# SPDX-License-Identifier: LGPL-2.1-or-later
"""vfalias accepts the examples of the manual pages and of the installed file.

VFALIAS_BIN is the program; default: helpers/vfalias/vfalias in the build folder VFALIAS_BUILD (default: the current
folder).
"""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pages import SOURCE, examples
from sysfs_tree import Tree

BUILD = Path(os.environ.get("VFALIAS_BUILD", "."))
VFALIAS = Path(os.environ.get("VFALIAS_BIN", BUILD / "helpers/vfalias/vfalias"))

pytestmark = pytest.mark.skipif(not VFALIAS.exists(), reason="%s is not built" % VFALIAS)


def check(path):
    if not (path.parent / "clean.d").exists():
        shutil.copytree(SOURCE / "conf/clean.d", path.parent / "clean.d")
    return subprocess.run([str(VFALIAS), "--config", str(path), "check"], capture_output=True,
                          text=True, timeout=60, check=False)


FILES = [*examples("man/vfalias.conf.pod", "SYNOPSIS"), *examples("man/vfalias.conf.pod", "EXAMPLE", "[pci]")]
PCI = [*examples("man/vfalias.conf.pod", "DESCRIPTION"), *examples("man/vfalias.conf.pod", "DEVICE_SPEC"),
       *examples("man/vfalias.conf.pod", "SRIOV_NUMVFS"), *examples("man/vfalias.conf.pod", "ALIAS")]
SETTINGS = examples("man/vfalias.conf.pod", "SETTINGS")
EACH = [*FILES, *("[pci]\n" + text for text in PCI), *("[vfalias]\n" + text for text in SETTINGS)]


@pytest.mark.parametrize("text", EACH, ids=lambda text: text.splitlines()[1][:60])
def test_page(text, tmp_path):
    config = tmp_path / "example.conf"
    config.write_text(text, encoding="utf-8")
    done = check(config)
    assert done.returncode == 0, done.stderr


def test_how_the_example_is_looked_at(tmp_path):
    """The devices of an example are listed in front of it."""
    tree = Tree(tmp_path / "sys")
    tree.pf("0000:3b:00.0", "15b3:101d", vfs=4, vf_id="15b3:101e", cls="020000")
    tree.pf("0000:3d:00.0", "8086:0435", vfs=1, vf_id="8086:0443", cls="0b4000")
    config = tmp_path / "vfalias.conf"
    config.write_text(FILES[-1] + "[vfalias]\nsysfs_root = %s\nstate = %s\n" % (tree.root, tmp_path / "state"))
    (commands,) = examples("man/vfalias.conf.pod", "EXAMPLE", "vfalias check")
    done = subprocess.run(["sh", "-e", "-c", commands], capture_output=True, text=True, timeout=60, check=True,
                          env={"PATH": "%s:/usr/bin:/bin" % VFALIAS.parent, "VFALIAS_CONFIG": str(config)})
    assert done.stderr == "" and "2 device_specs, 2 aliases: valid" in done.stdout
    assert re.search(r"^net1 +4 +4$", done.stdout, re.M) and re.search(r"^qat +1 +1$", done.stdout, re.M), done.stdout


def test_installed_file_says_nothing():
    done = check(SOURCE / "conf/vfalias.conf")
    assert done.returncode == 0, done.stderr
    assert "0 device_specs, 0 aliases" in done.stdout
    assert "warning" not in done.stdout


def test_installed_file_uncommented(tmp_path):
    """With the # removed from each example, the file is valid and gives no warning."""
    text = (SOURCE / "conf/vfalias.conf").read_text(encoding="utf-8")
    config = tmp_path / "vfalias.conf"
    config.write_text(re.sub(r"^#(?=\S|  \")", "", text, flags=re.M), encoding="utf-8")
    done = check(config)
    assert done.returncode == 0, done.stderr
    assert "8 device_specs, 12 aliases" in done.stdout
    assert "warning" not in done.stdout
