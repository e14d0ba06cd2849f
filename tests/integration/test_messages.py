# SPDX-License-Identifier: LGPL-2.1-or-later
"""vfalias-messages(7) explains each message of the hooks, vfaliasd and vfalias, and no message that no program writes.

The test looks for messages in the sources: every string of two words or more that is neither SQL nor printed on
standard output. An entry is the bold or code text in an =item of that page (or of the reasons of `explain` in
vfalias(1)). In an entry, a word in capitals stands for one word, `...` for any text. An entry may have more text in
front of or behind a string from the sources, because messages are put together from several strings.
"""
import re

import pytest

from pages import PAGES, SOURCE, sections, text_of

TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|\w+|\S', re.S)
CONVERSION = re.compile(r"%[-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*))?(?:hh|h|ll|l|z|t|j)?[a-zA-Z]")
FILLED = "\x01"  # a value that printf fills in

# Functions whose strings are no messages: they print requested output, or no user reads the strings. Strings outside of
# calls are SQL, and names of verbs and columns.
NO_MESSAGES = {"printf", "vfa_table_cellf", "strftime", "strpbrk", "strcspn", "strstr", "sd_notifyf", "vfa_xml_parse", "vfa_sql_prepare",
               "vfa_sql_exec", "query_text", "collect_text", "collect_and_exec", "exec_format", "each_domain", "NEXT_FREE"}
NAMES = re.compile(r"lib/state/.*\.c|helpers/vfalias/(?:cmd.*|request)\.c")

# Files, or functions in them, whose texts are reasons: what is wrong with a value or with a device. A reason stands
# behind the colon of another entry, and says by itself what to do.
REASONS = {
    ("lib/config/json.c", "fail_scan"): "cannot read JSON at 'TEXT': ...",
    ("lib/config/alias-epa.c", "fail_at"): "cannot use alias 'NAME' at 'TEXT': ...",
    ("lib/config/values.c", "vfa_fail"): "cannot use settings: ...",
    ("lib/device/vf-settings.c", "vfa_fail"): "cannot use settings: ...",
    ("lib/device/attributes.c", ""): "cannot use sysfs 'NAME': ...",
    ("lib/config/alias-keys.c", ""): "cannot use sysfs 'NAME': ...",
    ("lib/spec/address.c", "vfa_fail"): "cannot read address 'TEXT': ...",
    ("lib/spec/python.c", ""): "cannot use regular expression 'TEXT' for FIELD: ...",
    ("lib/spec/regex.c", ""): "cannot use regular expression 'TEXT' for FIELD: ...",
    ("lib/config/nova.c", ""): "does not carry over",
    ("lib/config/nova.c", "vfa_nova_note_option"): "carries over",
    ("lib/config/nova-mdev.c", "vfa_nova_note_option"): "means something else",
    ("lib/config/nova-mdev.c", "asprintf"): "means something else",
    ("lib/config/nova.c", "read_switch"): "does not carry over",
    ("lib/config/nova.c", "vfa_nova_note"): "means something else",
    ("lib/config/nova-pci.c", ""): "does not carry over",
    ("lib/config/nova-pci.c", "note_finding"): "means something else",
    ("lib/config/nova-pci.c", "vfa_nova_note"): "means something else",
    ("lib/claim/explain.c", "strdup"): "candidate: ...",
    ("lib/domain/extraspec.c", "fail_at_item"): "request add: cannot read 'LIST' at 'TEXT': ...",
    ("lib/base/mac.c", "vfa_fail"): "request add: --mac: ...",
    ("lib/host/sriov.c", "conclude"): "CARD: cannot have N VFs: ...",
    ("lib/device/vf.c", "report_no_vf"): "request 'NAME': ADDRESS is no VF of a network card: ...",
    ("lib/domain/requests.c", "vfa_fail"): "cannot read requests: ...",
    ("lib/domain/read.c", "vfa_fail"): "cannot read domain XML: ...",
    ("lib/domain/xml.c", "vfa_fail"): "cannot read domain XML: ...",
    ("lib/device/health.c", "vfa_health_report_fault"): "netdev in use",
    ("lib/device/health.c", "snprintf"): "VF in use",
    ("lib/device/health-net.c", "vfa_health_report_fault"): "netdev in use",
    ("lib/device/vdpa-kind.c", "vfa_health_report_fault"): "netdev in use",
    ("lib/device/disk-use.c", "snprintf"): "disk in use",
    ("lib/device/vfio-use.c", "snprintf"): "held by a program",
    ("lib/device/disk-use.c", "add_use"): "disk in use",
    ("lib/device/disk-use.c", "add_use_of_node"): "disk in use",
    ("lib/device/disk-use.c", ""): "disk in use",
    ("lib/choose/describe.c", "fprintf"): "not what the alias means",
    ("lib/choose/describe.c", "fputs"): "not allowed by a device_spec",
    ("lib/choose/describe.c", ""): "other driver",
    ("lib/choose/device-status.c", "asprintf"): "can make no more",
}


def strings(path):
    """(called function or "", text) of each string in a source."""
    calls, last, text = [], "", None
    for token in TOKEN.findall(re.sub(r"^#include.*", "", text_of(path), flags=re.M)):
        if token.startswith('"'):
            text = (text or "") + token[1:-1]
        elif token.startswith("PRI") and text is not None:
            text = re.sub("%$", FILLED, text)
        elif not token.startswith(("/*", "//")):
            if text is not None:
                yield calls[-1] if calls else "", text
                text = None
            if token == "(":
                calls.append(last)
            elif token == ")" and calls:
                calls.pop()
            last = token


def plain(text):
    """A format without its values, and without the prefix that all messages have."""
    text = CONVERSION.sub(FILLED, text.replace('\\"', '"').replace("\\n", " "))
    text = re.sub("(?<=[a-z])" + FILLED, "s", text)  # plural
    text = re.sub("^(?:vfaliasd?: )?(?:warning: )?(?:(?:domain|network) '%(0)s'(?: \\(%(0)s\\))?: |%(0)s(?::%(0)s)?: )?" %
                  {"0": FILLED}, "", text)
    return text.strip(" ,:")


def sources():
    return sorted(str(path.relative_to(SOURCE)) for folder in ("lib", "hooks", "helpers") for path in (SOURCE / folder).rglob("*.c"))


def words(text):
    """The number of words of an entry, without the quoted words."""
    return sum(bool(re.fullmatch(r"[(]?[a-z]{2,}[,;:)]*", word)) for word in re.sub("'[^']*'", "", text).split())


def unformatted(pod):
    """The text of POD, without its formatting codes."""
    while re.search("[A-Z]<", pod):
        pod = re.sub(r"[BCFILS]<([^<>]*)>", r"\1", pod)
    return pod.replace("\x02", "<").replace("\x03", ">")


def entries():
    """{(page, entry)} of all manual pages"""
    found = set()
    for page in PAGES:
        for _, text in sections(page):
            text = re.sub("E<gt>", "\x03", re.sub("E<lt>", "\x02", text))
            for item in re.findall(r"^=item ((?:.+\n)+)", text, re.M):
                found |= {(page, unformatted(entry))
                          for entry in re.findall(r"[BC]<((?:[^<>]|[A-Z]<[^<>]*>)*)>", item.replace("\n", " "))}
    return found


def pattern_of(entry):
    entry = re.sub("^domain '[A-Z]+': ", "", entry)
    pattern = re.sub(r"(?<![a-z])[A-Z][A-Z_0-9]*(?![a-z])", r"\\S+", re.escape(entry).replace(r"\.\.\.", ".*"))
    return re.compile(re.sub(r":\\ \.\*$", r"(?:: .*)?", pattern))


MESSAGES = [(path, function, plain(text)) for path in sources() for function, text in strings(path)]
SPOKEN = [message for message in MESSAGES if words(message[2]) >= 2 and message[1] not in NO_MESSAGES
          and (message[1] or not NAMES.fullmatch(message[0]))]
ENTRIES = entries()
PATTERNS = {entry: pattern_of(entry) for _, entry in ENTRIES if words(entry) >= 2}


def tells(entry, message):
    """Whether the entry explains the message, or a message that the string is a part of."""
    return entry in PATTERNS and PATTERNS[entry].fullmatch(message) or \
        re.search(re.escape(message).replace(FILLED, ".+?"), entry)


@pytest.mark.parametrize("path", sorted({path for path, _, _ in SPOKEN}))
def test_each_message_is_explained(path):
    lacking = [message for where, function, message in SPOKEN if where == path and (path, function) not in REASONS
               and not any(tells(entry, message) for _, entry in ENTRIES)]
    assert not lacking, "no manual page explains: " + "; ".join(lacking).replace(FILLED, "%")


def test_nothing_is_explained_that_no_program_says():
    said = {message for _, _, message in MESSAGES if words(message)}
    stale = [entry for page, entry in ENTRIES if page == "man/vfalias-messages.pod" and entry in PATTERNS and
             not any(tells(entry, message) for message in said)]
    assert not stale


def test_reasons_are_told_by_something():
    assert set(REASONS.values()) <= {entry for _, entry in ENTRIES}
    assert set(REASONS) <= {(path, function) for path, function, _ in SPOKEN}
