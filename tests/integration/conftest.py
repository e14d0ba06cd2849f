# SPDX-License-Identifier: LGPL-2.1-or-later
import sys
from pathlib import Path

import pytest

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
