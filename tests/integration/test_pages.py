# SPDX-License-Identifier: LGPL-2.1-or-later
"""A test runs each example of the manual pages and of the other texts, and reads it from there (pages.py). This file
runs the examples that need no libvirt and no devices, and are no configuration."""
import ast
import re
import subprocess
from pathlib import Path

import pytest

from hookhost import INST
from pages import INDENTED, PAGES, SOURCE, examples, sections, shown, text_of
from sysfs_tree import Tree
from test_cli import VFALIAS, Host

# {(page, section, start of the example): why no test runs it}
NOT_RUN = {
    ("CONTRIBUTING", "", "./autogen.sh"): "it takes minutes; tests/run begins with it (build_variant in tests/sh/build.sh)",
    ("packaging/README", "", "./configure"): "they take minutes; tests/run packages does the first (tests/sh/tier-packages.sh), and "
                                             "of the second what needs no root: installs_everything in tests/sh/tiers.sh",
    ("packaging/README", "", "make selinux"): "the last two need SELinux; tests/run packages does the first",
    ("packaging/README", "", "ls -Z"): "it needs SELinux: what Fedora's policies say",
    ("packaging/README", "", "journalctl"): "it needs SELinux",
    ("man/vfalias-hooks.pod", "DESCRIPTION", "virsh start"): "a picture: what happens in which order",
    ("man/vfalias-hooks.pod", "APPARMOR AND VDPA DEVICES", "mkdir"): "it needs AppArmor, and writes into /etc",
    ("man/vfaliasd.pod", "DESCRIPTION", "systemctl enable"): "it needs systemd; tests/lab/test_packages.py starts the unit",
    ("man/vfaliasd.pod", "CLEANERS", "systemctl status"): "it needs a cleaner that runs as a unit of systemd",
    ("man/vfaliasd.pod", "DEVICES THAT ARE MADE", "journalctl"): "it needs a device that is made, and a unit of systemd",
    ("man/vfaliasd.pod", "CLEANERS", "/etc/vfalias/clean.d/"): "how vfaliasd calls a cleaner: test_cleaning.py",
}


def calls():
    """The arguments of each call of examples() in a test. The calls have literal arguments."""
    for path in (SOURCE / "tests").glob("*/test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "examples":
                if all(isinstance(each, ast.Constant) for each in node.args):
                    yield tuple(each.value for each in node.args)


def test_each_example_is_run():
    there = {(page, heading, text) for page in PAGES for heading, body in sections(page) if re.search(INDENTED, body)
             for text in examples(page, heading)}
    run, not_run = ({(*words[:2], text) for words in each for text in examples(*words)} for each in (calls(), NOT_RUN))
    assert not there - run - not_run, "\n".join("%s: %s:\n%s" % each for each in there - run - not_run)
    assert not run & not_run


def test_nothing_is_indented_by_less():
    """pod2man would print such a paragraph verbatim, and pages.py would not find it."""
    for page in PAGES:
        if page.endswith(".pod"):
            assert not re.search(r"\n\n(?: {1,3}|\t)\S", text_of(page)), page


# ---- vfalias(1) ----

@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def headings(page, section, mark):
    """{title: text} of the pieces of a section that begin with a mark such as =head2."""
    (text,) = (text for heading, text in sections(page) if heading == section)
    pieces = re.split(r"^%s (.*)$" % mark, text, flags=re.M)
    return dict(zip(pieces[1::2], pieces[2::2]))


VERBS = headings("man/vfalias.pod", "VERBS", "=head2")
# Options of all verbs, from the tables of the parsers, and some words of other tables.
OPTIONS = {name for path in (SOURCE / "helpers").rglob("*.[ch]")
           for name in re.findall(r'(?:\.name = |\] = |\{(?=".*(?:&|NULL)))"([a-z][a-z0-9-]+)"', text_of(path))}
OPTIONS -= {"help", *(word for verb in VERBS for word in verb.split())}


def commands():
    """The command lines of vfalias in the examples of the verbs."""
    for text in examples("man/vfalias.pod", "VERBS"):
        for line in re.findall(r"^(?:# )?(?:.*[|] )?(vfalias .*)", text, re.M):
            yield line


def test_each_verb_is_described_alike():
    """Each verb has a line, the synopsis, an example, and the version in which it was added."""
    synopsis = re.findall(r"^vfalias \[OPTION\]\.\.\. ([a-z]+(?: \[?[a-z]+\b\]?)?)", text_of("man/synopsis.txt"), re.M)
    assert set(VERBS) == {re.sub(r"[][]", "", verb) for verb in synopsis}
    for verb, text in VERBS.items():
        summary, syntax = text.strip().split("\n\n")[:2]
        assert len(summary) <= 100 and summary.endswith(".") and "\n" not in summary, verb
        assert syntax == "@SYNOPSIS %s@" % verb and re.search(r"^Since 0\.\d\.0\.$", text, re.M), verb
        assert any(re.search(r"\b(vfalias %s)\b" % verb.replace(" list", "( list)?" if "quarantine" in verb else " list"), line)
                   for line in commands()), verb


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb_has_what_the_parser_takes(host, verb):
    """The help lists all options of the verb and no other, each in a line, as the page does."""
    told = host.fine(*verb.split(), "--help")
    assert OPTIONS > {"json", "nova", "wait", "vlan-proto", "undefinesource"}
    for option in OPTIONS:
        taken = host.call(*verb.split(), "--" + option, "--help", "--help").returncode == 0
        assert bool(re.search(r"^  --%s( \S+)?  +\S" % option, told, re.M)) == taken, option
    synopsis, summary, options = told.split("\n\n")
    assert synopsis.startswith("vfalias [OPTION]... ") and summary + "\n" in VERBS[verb]
    assert re.search(r"^  -h, --help +\S", options, re.M)
    assert set(re.findall(r"--[a-z0-9-]+", synopsis)) == set(re.findall(r"^  (--[a-z0-9-]+)", options, re.M))
    assert max(map(len, told.splitlines())) <= 104


def test_help_of_a_family_of_verbs(host):
    for family in ("request", "quarantine"):
        told = host.fine(family, "--help")
        assert re.findall(r"^(%s \w+):$" % family, told, re.M) == [verb for verb in VERBS if verb.split()[0] == family]


@pytest.mark.parametrize("line", commands())
def test_examples_of_the_verbs_are_understood(host, line):
    """Each example with --help at its end: the arguments are parsed, but no action follows."""
    words = subprocess.run(["sh", "-c", "printf '%s\\n' " + re.sub(r"[<>].*", "", line)], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    assert host.fine(*words[1:], "--help").startswith("vfalias [OPTION]... " + words[1])


def test_examples_of_the_verbs_that_need_no_libvirt(host):
    """Runs the examples one after the other."""
    host.configure(text_of("conf/vfalias.conf") + '\n[pci]\nalias = {"name": "qat", "vendor_id": "8086", "product_id": "10ca"}\n')
    ran = 0
    for line in commands():
        words = re.findall(r'"[^"]*"|\S+', line)
        if words[1] in ("check", "devices", "stats", "claims", "quarantine", "rescan") and "--nova" not in words:
            host.call(*(word.strip('"') for word in words[1:])).check_returncode()
            ran += 1
    assert ran >= 8


# ---- vfalias.conf(5) ----

@pytest.mark.parametrize("section", ["DEVICE_SPEC", "ALIAS", "SETTINGS"])
def test_each_key_is_described_alike(section):
    """Each key has a line, an example with the key, its default, and the version in which it was added."""
    keys = {title: text for title, text in headings("man/vfalias.conf.pod", section, "=item").items() if title.startswith("B<")}
    assert len(keys) > 6
    for title, text in keys.items():
        assert "\n    " in text and re.search(r"\bDefault:\s", text) and re.search(r"\bSince\s0\.[123]\.0\b", text), title
        names = re.findall(r"[BC]<([a-z_]+)>", title)
        assert any(re.search(r"^    .*\b%s\b" % name, text, re.M) for name in names), title


# ---- vfalias(1), further examples ----

def test_virtual_functions_at_boot(host):
    (dry, said), (restart, nothing) = shown(*examples("man/vfalias.pod", "VERBS", "# vfalias vfs"))
    (config,) = examples("man/vfalias.conf.pod", "SRIOV_NUMVFS")
    host.tree.pf("0000:3b:00.0", "15b3:101d", vfs=0, total=8, cls="020000", driver="mlx5_core", netdev="ens1f0")
    host.configure("[pci]\n" + config.splitlines()[0])
    assert host.fine(*dry.split()[1:]) == said
    unit = restart.rpartition(" ")[2]
    assert (restart, nothing) == ("systemctl restart " + unit, "")  # tests/lab/test_packages.py restarts the unit
    assert "/vfalias vfs --wait 30\n" in (SOURCE / "conf" / (unit + ".in")).read_text()


def test_a_copy_of_another_host(host):
    (command,) = examples("man/vfalias.pod", "EXAMPLES", "vfalias --config dump")
    dump = host.folder / "dump"
    dump.mkdir()
    host.tree.root.rename(dump / "sys")
    host.conf.rename(dump / "vfalias.conf")
    done = subprocess.run(command, shell=True, cwd=host.folder, capture_output=True, text=True, timeout=60, check=True,
                          env={"PATH": "%s:/usr/bin:/bin" % VFALIAS.parent, "LC_ALL": "C.UTF-8"})
    assert (done.stderr, "0000:65:00.1" in done.stdout) == ("", True)


# ---- vfaliasd(8) ----

def test_synopsis_of_the_daemon():
    (synopsis,) = examples("man/vfaliasd.pod", "SYNOPSIS")
    assert subprocess.run([INST / "sbin/vfaliasd", "--help"], capture_output=True, text=True, check=True).stdout == synopsis


# ---- vfalias-hooks(7) ----

def test_when_the_hooks_run():
    """The tables agree with the tables of the prefilters."""
    qemu, network = ([tuple(line.split()[:2]) for line in table.splitlines()]
                     for table in examples("man/vfalias-hooks.pod", "WHEN THE HOOKS RUN"))
    operations = re.search(r"operations\[\] = \{(.*?)\n\};", text_of("hooks/qemu.c"), re.S)[1]
    assert sorted(operation for operation, _ in qemu) == sorted(re.findall(r'\{"(\w+)"', operations))
    assert sorted(operation for operation, _ in network) == sorted(re.findall(r'"(port-\w+)"', text_of("hooks/network.c")))
    assert {("release", "end"), ("prepare", "begin")} < set(qemu)


# ---- texts for packagers and developers ----

def test_labels():
    """The programs with label virt_hook_t are those that the policy module lists, and no others."""
    (table,) = examples("packaging/README", "", "/etc/libvirt/hooks")
    (module,) = re.findall(r"^(/\S+)\s.*:virt_hook_t:", text_of("packaging/selinux/vfalias.fc"), re.M)
    programs = [(name, "virt_hook_t" in line) for line in table.splitlines() for name in re.findall("/usr/[^ ,]+", line)]
    assert len(programs) > 2 and all(
        bool(re.fullmatch(module, name.replace("*", "qemu"))) == is_hook for name, is_hook in programs)


def test_tiers():
    (table,) = examples("CONTRIBUTING", "", "tests/run")
    names = {line.split()[1] for line in table.splitlines() if len(line.split("  ")[0].split()) == 2}
    usage = re.search(r"usage: tests/run \[([a-z|]+)\]", text_of("tests/run"))[1]
    assert {*names, "all"} == set(usage.split("|"))


def test_commands_of_the_lab():
    told = subprocess.run([SOURCE / "tests/lab/lab", "--help"], capture_output=True, text=True, check=False).stdout
    commands, tests = examples("tests/lab/README.md", "")
    used = set(re.findall(r"(?:^|\()lab (\w+)", commands, re.M))
    assert {"up", "package"} < used and used <= set(re.findall(r"\blab ([a-z]+)", told))
    conftest = text_of("tests/lab/conftest.py")
    assert all(name in conftest for name in re.findall(r"(VFALIAS_\w+)=", tests)) and Path(SOURCE, tests.split()[1]).is_dir()
