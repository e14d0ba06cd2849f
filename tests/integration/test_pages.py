# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each example of the manual pages and of the other texts is run by some test, which reads it from there (pages.py). Those
that need no libvirt and no devices, and are no configuration, are run here."""
import ast
import re
import subprocess
from pathlib import Path

import pytest

from hookhost import INST
from pages import INDENTED, PAGES, SOURCE, examples, sections, shown, text_of
from sysfs_tree import Tree
from test_cli import VFALIAS, Host

# {(page, section, what it starts with): why no test runs it}
NOT_RUN = {
    ("CONTRIBUTING", "", "./autogen.sh"): "it takes minutes; tests/run begins with it (build_variant in tests/sh/build.sh)",
    ("packaging/README", "", "./configure"): "they take minutes; tests/run packages does the first (tests/sh/tier-packages.sh), and "
                                             "of the second what needs no root: installs_everything in tests/sh/tiers.sh",
    ("packaging/README", "", "make selinux"): "the last two need SELinux; tests/run packages does the first",
    ("packaging/README", "", "ls -Z"): "it needs SELinux: what Fedora's policies say",
    ("packaging/README", "", "journalctl"): "it needs SELinux",
    ("man/vfaliasd.pod", "DESCRIPTION", "systemctl status"): "it needs a cleaner that runs as a unit of systemd",
    ("man/vfaliasd.pod", "DESCRIPTION", "/etc/vfalias/clean.d/"): "how vfaliasd calls a cleaner: test_cleaning.py",
}


def calls():
    """The arguments of each call of examples() in a test, where they are written out."""
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
    """It would be verbatim to pod2man, and no example to us."""
    for page in PAGES:
        if page.endswith(".pod"):
            assert not re.search(r"\n\n(?: {1,3}|\t)\S", text_of(page)), page


# ---- vfalias(1) ----

@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def test_virtual_functions_at_boot(host):
    (dry, said), (restart, nothing) = shown(*examples("man/vfalias.pod", "VERBS", "# vfalias vfs"))
    (config,) = examples("man/vfalias.conf.pod", "SRIOV_NUMVFS")
    host.tree.pf("0000:3b:00.0", "15b3:101d", vfs=0, total=8, cls="020000", driver="mlx5_core", netdev="ens1f0")
    host.configure("[pci]\n" + config.splitlines()[0])
    assert host.fine(*dry.split()[1:]) == said
    unit = restart.rpartition(" ")[2]
    assert (restart, nothing) == ("systemctl restart " + unit, "")  # tests/lab/test_packages.py has it restarted
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
    """The tables are those of the hooks' first halves."""
    qemu, network = ([tuple(line.split()[:2]) for line in table.splitlines()]
                     for table in examples("man/vfalias-hooks.pod", "WHEN THE HOOK RUNS"))
    operations = re.search(r"operations\[\] = \{(.*?)\n\};", text_of("hooks/qemu.c"), re.S)[1]
    assert sorted(operation for operation, _ in qemu) == sorted(re.findall(r'\{"(\w+)"', operations))
    assert sorted(operation for operation, _ in network) == sorted(re.findall(r'"(port-\w+)"', text_of("hooks/network.c")))
    assert {("release", "end"), ("prepare", "begin")} < set(qemu)


# ---- texts for packagers, and for those who work on it ----

def test_labels():
    """virt_hook_t are those programs that the policy module says so of, and no others."""
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
