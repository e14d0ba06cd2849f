# SPDX-License-Identifier: LGPL-2.1-or-later
import subprocess
import sys
from pathlib import Path

import pytest

import madekernel
from hookhost import HOOK, Host

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # pages.py


@pytest.fixture
def host(tmp_path):
    """A fake host on which vfaliasd seems to run."""
    if not HOOK.exists():
        pytest.fail("VFALIAS_INST does not name an installed tree: no %s" % HOOK)
    made = Host(tmp_path)
    made.daemon_is_there()
    return made


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """The made kernel, for madekernel.MadeKernel."""
    return madekernel.build(tmp_path_factory.mktemp("made-kernel"))


@pytest.fixture(scope="session")
def attributes_library(tmp_path_factory):
    """LD_PRELOAD for programs whose made tree is a sysfs; a build with AddressSanitizer wants its own library first."""
    library = tmp_path_factory.mktemp("attributes") / "attributes.so"
    source = Path(__file__).resolve().parent.parent / "faults" / "attributes.c"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True)
    linked = subprocess.run(["ldd", str(HOOK)], capture_output=True, text=True).stdout.split()
    return " ".join([word for word in linked if word.startswith("/") and "libasan" in word] + [str(library)])


@pytest.fixture
def attributes_of(attributes_library):
    """Makes a host whose tree's files are attributes. host.rule(NAME, RULE) says what their driver does, host.rule() that it
    does what it should."""
    def make(folder, config, tree_of):
        made = Host(folder, config, tree_of)
        rules = made.folder / "rules"
        made.env.update(LD_PRELOAD=attributes_library, VFA_MADE_SYSFS=str(made.tree.root), VFA_MADE_RULES=str(rules))
        made.rule = lambda *words: rules.write_text(" ".join(words) + "\n")
        return made
    return make
