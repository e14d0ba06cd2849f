# SPDX-License-Identifier: LGPL-2.1-or-later
import pytest

from hookhost import HOOK, Host


@pytest.fixture
def host(tmp_path):
    """A made host on which vfaliasd seems to run."""
    if not HOOK.exists():
        pytest.fail("VFALIAS_INST does not name an installed tree: no %s" % HOOK)
    made = Host(tmp_path)
    made.daemon_is_there()
    return made
