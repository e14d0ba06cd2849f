# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples of the manual pages and of the installed file are what vfalias takes as valid.

VFALIAS_BIN is the program, by default helpers/vfalias in the build folder VFALIAS_BUILD (by default the
current one).
"""
import os
import re
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("VFALIAS_BUILD", "."))
VFALIAS = Path(os.environ.get("VFALIAS_BIN", BUILD / "helpers/vfalias"))

pytestmark = pytest.mark.skipif(not VFALIAS.exists(), reason="%s is not built" % VFALIAS)


def check(path):
    return subprocess.run([str(VFALIAS), "--config", str(path), "check"], capture_output=True,
                          text=True, timeout=60, check=False)


KEYS = ("device_spec", "alias", "sriov_numvfs")


def page_examples(name):
    """The indented paragraphs of a manual page, each as a file of its own."""
    page = (SOURCE / "man" / name).read_text(encoding="utf-8")
    for paragraph in page.split("\n\n"):
        if not paragraph.startswith("    ") or paragraph.startswith("    # "):
            continue
        text = "\n".join(line[4:] for line in paragraph.splitlines()) + "\n"
        if text.startswith("["):
            yield text
        else:
            yield ("[pci]\n" if text.startswith(KEYS) else "[vfalias]\n") + text


def moving_examples():
    """Those of vfalias-moving(7) that are configuration; tests/libvirt/test_moving.py has the others."""
    found = [text for text in page_examples("vfalias-moving.pod") if text.startswith(tuple("[pci]\n" + key for key in KEYS))]
    assert len(found) >= 6
    return found


@pytest.mark.parametrize("text", [*page_examples("vfalias.conf.pod"), *moving_examples()], ids=lambda text: text.splitlines()[1][:60])
def test_page(text, tmp_path):
    config = tmp_path / "example.conf"
    config.write_text(text, encoding="utf-8")
    done = check(config)
    assert done.returncode == 0, done.stderr


def test_installed_file_says_nothing():
    done = check(SOURCE / "conf/vfalias.conf")
    assert done.returncode == 0, done.stderr
    assert "0 device_specs, 0 aliases" in done.stdout
    assert "warning" not in done.stdout


def test_installed_file_uncommented(tmp_path):
    """With the # taken off every example, it is valid and gives no warning."""
    text = (SOURCE / "conf/vfalias.conf").read_text(encoding="utf-8")
    config = tmp_path / "vfalias.conf"
    config.write_text(re.sub(r"^#(?=\S|  \")", "", text, flags=re.M), encoding="utf-8")
    done = check(config)
    assert done.returncode == 0, done.stderr
    assert "4 device_specs, 7 aliases" in done.stdout
    assert "warning" not in done.stdout
