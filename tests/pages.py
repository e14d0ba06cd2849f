# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples of the manual pages and of the other texts: their indented paragraphs.

A test gets the examples from the page, by examples(), and runs them. The arguments of this call are literal:
tests/integration/test_pages.py reads the calls, and checks that each example is in one of them.
"""
import re
import textwrap
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1]
PAGES = (*sorted("man/" + page.name for page in (SOURCE / "man").glob("*.pod")),
         "SECURITY", "CONTRIBUTING", "packaging/README", "tests/lab/README.md")
INDENTED = r"(?<=\n\n)(?: {4}.*\n(?:\n(?= {4}))?)+"  # blank lines inside belong to it


def text_of(page):
    return (SOURCE / page).read_text(encoding="utf-8")


def sections(page):
    """(heading, text) of a manual page's =head1; other texts are one section without heading."""
    pieces = re.split(r"^=head1 (.*)$", text_of(page), flags=re.M) if page.endswith(".pod") else ["", "", text_of(page)]
    return list(zip(pieces[1::2], pieces[2::2]))


def examples(page, section, *starts):
    """The examples of a section ("" in texts without sections), in their order; with `starts`, those that start with
    it."""
    (text,) = (text for heading, text in sections(page) if heading == section)
    found = [textwrap.dedent(each).strip() + "\n" for each in re.findall(INDENTED, text)]
    assert found and all(any(each.startswith(start) for each in found) for start in starts), (page, section, starts)
    return [each for each in found if not starts or each.startswith(starts)]


def shown(text):
    """(command, output) of each command with a # in front."""
    pieces = re.split(r"^# (.*)\n", text, flags=re.M)
    assert pieces[0] == ""
    return list(zip(pieces[1::2], pieces[2::2]))
