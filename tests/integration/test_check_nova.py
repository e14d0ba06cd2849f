# SPDX-License-Identifier: LGPL-2.1-or-later
"""vfalias check --nova: which settings of a nova.conf vfalias uses.

VFALIAS_BIN is the program; default: helpers/vfalias/vfalias in the build folder VFALIAS_BUILD (default: the current
folder). test_nova_cases.py shows that it refuses what Nova refuses.
"""
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[1] / "data/config"
BUILD = Path(os.environ.get("VFALIAS_BUILD", "."))
VFALIAS = Path(os.environ.get("VFALIAS_BIN", BUILD / "helpers/vfalias/vfalias"))

pytestmark = pytest.mark.skipif(not VFALIAS.exists(), reason="%s is not built" % VFALIAS)

IDS = '"vendor_id": "8086", "product_id": "0443"'
SPEC = '[pci]\ndevice_spec = {"vendor_id": "8086"%s}\n'
ALIAS = '[pci]\ndevice_spec = []\nalias = {"name": "q", ' + IDS + '%s}\n'
PLACED = "[filter_scheduler]\npci_in_placement = true\n"
REPORTED = "report_in_placement = true\n"
MDEVS = "[pci]\n[devices]\nenabled_mdev_types = %s\n%s"
GPU = "0000:65:00.0"


def call(path, *more):
    """Calls the program without a configuration of vfalias."""
    return subprocess.run([str(VFALIAS), "--config", "/nonexistent", "check", "--nova", str(path), *more],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
                          env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})


def findings(path, status):
    done = call(path, "--json")
    assert (done.returncode, done.stderr) == (status, "")
    found = json.loads(done.stdout)
    assert all(set(f) == {"file", "line", "what", "verdict", "reason"} and f["file"] == str(path) for f in found)
    assert [f["line"] for f in found] == sorted(f["line"] for f in found)
    assert all(f["reason"] for f in found if f["verdict"] != "same")
    return [(f["line"], f["what"], f["verdict"]) for f in found]


def test_a_compute_node():
    assert findings(DATA / "nova.conf", 1) == [
        (12, "alias 'old-qat'", "same"),
        (18, "[compute] cpu_dedicated_set", "differs"),
        (21, "[filter_scheduler] enabled_filters", "lost"),
        (23, "[filter_scheduler] pci_in_placement", "lost"),
        (31, "[libvirt] num_pcie_ports", "differs"),
        (39, "[neutron_physnet_physnet1] numa_nodes", "lost"),
        (42, "[devices] enabled_mdev_types", "differs"),
        (46, "device_spec 2", "same"),
        (48, "device_spec 0", "differs"),  # physical_network
        (48, "device_spec 0", "differs"),  # trusted
        (48, "device_spec 1", "differs"),
        (50, "device_spec 3", "differs"),
        (50, "device_spec 3", "lost"),  # remote_managed
        (53, "device_spec 4", "lost"),  # resource_class
        (53, "device_spec 4", "lost"),  # traits
        (55, "device_spec 5", "differs"),  # one_time_use
        (56, "device_spec 6", "same"),
        (57, "[pci] report_in_placement", "lost"),
        (58, "alias 'qat'", "same"),
        (59, "alias 'a100'", "lost"),
        (60, "alias 'H100 (80 GB)'", "differs"),
        (61, "alias 'nvme'", "same"),
        (62, "[pci] pci_weight", "same"),
    ]


def test_what_carries_over_as_it_is():
    assert findings(DATA / "nova-plain.conf", 0) == [
        (5, "device_spec 0", "same"), (9, "[filter_scheduler] pci_in_placement", "same"),
        (12, "device_spec 1", "same"), (14, "alias 'qat'", "same"), (15, "alias 'gpu'", "same"),
        (17, "alias 'gpu'", "same"), (19, "[pci] report_in_placement", "same")]


def test_lines_for_people():
    path = DATA / "nova.conf"
    done = call(path)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (1, "")
    assert lines[0] == "%s:12: alias 'old-qat': carries over" % path
    assert lines[1] == ("%s:18: [compute] cpu_dedicated_set: means something else: a numa_policy goes by the nodes "
                        "and CPUs that a domain's own XML names" % path)
    assert lines[-3] == "%s:61: alias 'nvme': carries over" % path
    assert lines[-1] == "6 the same, 9 different, 8 lost"


@pytest.mark.parametrize("text, verdicts, reason", [
    # device_spec
    (SPEC % "", ["same"], None),
    (SPEC % ', "rack": "7"', ["same"], None),
    (SPEC % ', "physical_network": "p"', ["differs"], "ports of Neutron"),
    (SPEC % ', "physical_network": ""', ["same"], None),
    (SPEC % ', "physical_network": null', ["same"], None),
    (SPEC % ', "trusted": "true"', ["differs"], "the VF is trusted if the settings"),
    (SPEC % ', "trusted": "false"', ["same"], None),
    (SPEC % ', "managed": "no"', ["same"], None),
    (SPEC % ', "managed": true', ["same"], None),
    (SPEC % ', "live_migratable": "on"', ["same"], None),
    (SPEC % ', "live_migratable": "off"', ["same"], None),
    (SPEC % ', "one_time_use": "no"', ["same"], None),
    (SPEC % ', "one_time_use": "yes"' + REPORTED, ["differs", "lost"], "'vfalias quarantine remove'"),
    (SPEC % ', "clean": "x"', ["differs"], "clean is a tag to Nova"),
    (SPEC % ', "mgmtdev": "x", "max_devices": 2', ["differs"], "max_devices are tags to Nova"),
    (SPEC % ', "mdev_types": "x"', ["differs"], "mdev_types, mdev_parent and max_devices are tags to Nova"),
    (SPEC % ', "remote_managed": "yes"', ["lost"], "serial number"),
    (SPEC % ', "remote_managed": "maybe"', ["same"], None),
    (SPEC % ', "resource_class": "X", "traits": "Y"', ["same"], None),
    (SPEC % ', "resource_class": "X"' + REPORTED, ["lost", "lost"], "resource_class is for Placement"),
    (SPEC % ', "traits": "X"' + REPORTED, ["lost", "lost"], "traits is for Placement"),
    ("[pci]\ndevice_spec = [{}, {}]\n", ["same", "same"], None),
    ("[pci]\ndevice_spec = []\n", ["same"], "it is empty"),
    ("[pci]\npci_passthrough_whitelist = {}\n", ["differs", "differs"], "Nova does not read it in this section"),
    ("", ["differs"], "each SR-IOV VF: write device_spec = []"),
    ("[DEFAULT]\nverbose = true\n[vfalias]\nstate = x\n", ["differs"], "there is none"),
    # alias
    (ALIAS % "", ["same", "same"], None),
    (ALIAS % ', "numa_policy": "required"', ["same", "same"], None),
    (ALIAS % ', "traits": "X"', ["same", "same"], None),
    (ALIAS % ', "traits": "X", "resource_class": "Y"' + PLACED, ["same", "lost", "lost", "lost"],
     "traits is for Placement"),
    (ALIAS % "" + PLACED, ["same", "same", "lost"], "no scheduler"),
    (ALIAS % ', "live_migratable": "yes"', ["same", "same"], None),
    (ALIAS % ', "live_migratable": "no"', ["same", "same"], None),
    ('[pci]\ndevice_spec = []\nalias = {"name": "q.1", %s}\n' % IDS, ["same", "differs"], "give the alias an xml_name"),
    ('[pci]\ndevice_spec = []\nalias = {"name": "q", "vendor_id": "8086", "resource_class": "X"}\n' + PLACED,
     ["same", "lost", "lost"], "it needs vendor_id and product_id"),
    ('[pci]\nalias = {"name": "q", %s}\n' % IDS, ["same", "differs"], "each SR-IOV VF"),
    # other options
    ("[pci]\ndevice_spec = []\nreport_in_placement = yes\n", ["same", "lost"], "there is no Placement"),
    ("[pci]\ndevice_spec = []\nreport_in_placement = yes\nreport_in_placement = no\n", ["same", "same"], "it is off"),
    ("[pci]\ndevice_spec = []\ndevice_specs = []\n", ["same", "same"], "both ignore it"),
    ("[pci]\ndevice_spec = []\n[filter_scheduler]\nenabled_filters = ComputeFilter\n", ["same"], None),
    ("[pci]\ndevice_spec = []\n[filter_scheduler]\npci_weight_multiplier = 1.0\n", ["same", "lost"], "no scheduler"),
    ("[pci]\ndevice_spec = []\n[mdev_x]\nmax_instances = 2\n", ["same"], None),
    ("[pci]\ndevice_spec = []\n[neutron_tunnel]\nnuma_nodes = 1\n", ["same", "lost"], "no NUMA nodes"),
    ("[pci]\ndevice_spec = []\n[neutron]\nnuma_nodes = 1\n", ["same"], None),
    ("[pci]\ndevice_spec = []\n[compute]\ncpu_shared_set = 0-3\n", ["same", "differs"], "own XML"),
    ("[pci]\ndevice_spec = []\n[libvirt]\nnum_pcie_ports = 8\nnum_pcie_ports = 9\n", ["same", "differs"], "as many"),
])
def test_verdicts(text, verdicts, reason, tmp_path):
    path = tmp_path / "nova.conf"
    path.write_text(text)
    done = call(path, "--json")
    found = json.loads(done.stdout)
    assert sorted(f["verdict"] for f in found) == sorted(verdicts), found
    assert done.returncode == (0 if set(verdicts) == {"same"} else 1)
    assert reason is None or any(reason in (f["reason"] or "") for f in found), found


UNREAD = "vfalias does not read it: "
ALIASES = UNREAD + "write an alias for each mdev_type"
LIMIT = UNREAD + "max_devices of a device_spec is the limit of each parent, not of all together"


def behind(mdev_type):
    return UNREAD + 'write device_spec = {"mdev_types": "%s"} behind the others, and an alias for each mdev_type' % mdev_type


@pytest.mark.parametrize("enabled, sections, expected", [
    ("a", "", [("enabled", "differs", behind("a"))]),
    ("", "", [("enabled", "same", "it is empty")]),
    (" , ", "", [("enabled", "same", "it is empty")]),
    ("a, b", "", [("enabled", "differs", behind("a"))]),  # Nova does not use b
    ("a", "[mdev_a]\ndevice_addresses =\n", [("enabled", "differs", behind("a"))]),
    ("a, a", "[mdev_a]\ndevice_addresses = %s\n" % GPU, [
        ("enabled", "differs", ALIASES),
        ("mdev_a", "differs", UNREAD + 'write device_spec = [{"address": "%s", "mdev_types": "a"}]' % GPU)]),
    ("a,b", "[mdev_b]\ndevice_addresses = 0000:65:00.0 , 0000:66:00.0\n", [
        ("enabled", "differs", behind("a")),
        ("mdev_b", "differs", UNREAD + 'write device_spec = [{"address": "0000:65:00.0", "mdev_types": "b"}, '
                                       '{"address": "0000:66:00.0", "mdev_types": "b"}]')]),
    ("a", "[mdev_a]\ndevice_addresses = 0000:6A:00.0\n", [
        ("enabled", "differs", ALIASES),
        ("mdev_a", "differs", UNREAD + 'write device_spec = [{"address": "0000:6A:00.0", "mdev_types": "a"}]')]),
    # a parent that is no PCI device, as libvirt names it
    ("mtty-2", "[mdev_mtty-2]\ndevice_addresses = mtty_mtty\n", [
        ("enabled", "differs", ALIASES),
        ("mdev_mtty-2", "differs", UNREAD + 'write device_spec = [{"mdev_parent": "mtty", "mdev_types": "mtty-2"}]')]),
    # the case of a section does not count; the older name of a section; the newer one first
    ("i915-GVTg_V5_4", "[mdev_i915-GVTg_V5_4]\nmax_instances = 2\n", [
        ("enabled", "differs", behind("i915-GVTg_V5_4")), ("mdev_i915-gvtg_v5_4", "differs", LIMIT)]),
    ("a", "[vgpu_a]\nmax_instances = 2\n", [("enabled", "differs", behind("a")), ("vgpu_a", "differs", LIMIT)]),
    ("a", "[vgpu_a]\nmax_instances = 2\n[mdev_a]\nmax_instances = 3\n", [
        ("enabled", "differs", behind("a")), ("mdev_a", "differs", LIMIT)]),
    ("a", "[mdev_a]\nmdev_class = VGPU\n", [("enabled", "differs", behind("a")), ("mdev_a", "same", "it is the default")]),
    ("a", "[mdev_a]\nmdev_class = CUSTOM_X1\n", [
        ("enabled", "differs", behind("a")),
        ("mdev_a", "lost", "mdev_class is for Placement, which is not there: an alias names the mdev_type")]),
    # a section of a type that is not enabled
    ("a", "[mdev_b]\nmax_instances = none\n", [("enabled", "differs", behind("a"))]),
])
def test_mediated_devices(enabled, sections, expected, tmp_path):
    path = tmp_path / "nova.conf"
    for key in "enabled_mdev_types", "enabled_vgpu_types":
        path.write_text("[pci]\ndevice_spec = []\n[devices]\n%s = %s\n%s" % (key, enabled, sections))
        found = [(f["what"], f["verdict"], f["reason"]) for f in json.loads(call(path, "--json").stdout)]
        assert found[0] == ("device_spec", "same", "it is empty")
        assert found[1:] == [("[devices] " + key if section == "enabled" else "[%s] %s" % (section, name_in(reason)), verdict, reason)
                             for section, verdict, reason in expected]


def name_in(reason):
    """The option of a section that the reason is about."""
    if "device_spec = [" in reason:
        return "device_addresses"
    return "max_instances" if "max_devices" in reason else "mdev_class"


def test_the_newer_name_of_the_types_counts(tmp_path):
    path = tmp_path / "nova.conf"
    path.write_text("[devices]\nenabled_mdev_types = a\nenabled_vgpu_types = b\n")
    assert [f["reason"] for f in json.loads(call(path, "--json").stdout)][1] == behind("a")


@pytest.mark.parametrize("enabled, sections", [
    ("nvidia-35", ""), ("nvidia-35,nvidia-36", "[mdev_nvidia-36]\ndevice_addresses = 0000:65:00.0,mtty_mtty\n")])
def test_what_to_write_instead_is_valid(enabled, sections, tmp_path):
    """The lines of the reasons are taken as valid by vfalias, and allow the types."""
    path = tmp_path / "nova.conf"
    path.write_text(MDEVS % (enabled, sections))
    reasons = [f["reason"] for f in json.loads(call(path, "--json").stdout) if "mdev_types" in (f["reason"] or "")]
    lines = [re.search(r"device_spec = (\{.*?\}|\[.*?\])(?=$| behind)", reason)[0] for reason in reasons]
    lines += ['alias = {"name": "%s", "device_type": "mdev", "mdev_type": "%s"}' % (each, each) for each in enabled.split(",")]
    config = tmp_path / "vfalias.conf"
    config.write_text("[pci]\n" + "\n".join(lines) + "\n")
    done = subprocess.run([str(VFALIAS), "--config", str(config), "check"], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "warning" in done.stdout) == (0, False), done.stdout + done.stderr


@pytest.mark.parametrize("text, says", [
    ("[pci\n", ":1: a section does not end"),
    ("device_spec = {}\n", ":1: 'device_spec' stands in front of the first section"),
    (SPEC % ",", ":2: cannot read JSON"),
    (SPEC % ', "address": "zz"', ":2: cannot read address"),
    (SPEC % ', "one_time_use": "yes"', ":2: cannot use one_time_use: Nova wants report_in_placement"),
    (SPEC % ', "managed": "maybe"', ":2: cannot use managed"),
    ("[pci]\nreport_in_placement = maybe\n", ":2: cannot use report_in_placement 'maybe': it is neither"),
    ("[pci]\nreport_in_placement = y\n", ":2: cannot use report_in_placement 'y'"),
    ("[filter_scheduler]\npci_in_placement =\n", ":2: cannot use pci_in_placement ''"),
    (ALIAS % ",", ":3: cannot read JSON"),
    ("[pci]\nalias = []\n", ":2: cannot use alias: an object is wanted"),
    ("[pci]\nalias = q=capabilities:devices: (device_type=NIC)\n", ":2: cannot read JSON"),
    (ALIAS % ', "numa_policy": "near"', ":3: cannot use numa_policy 'near'"),
    # keys that Nova does not have
    *((ALIAS % (', "%s": "x"' % key), ":3: cannot use key '%s': Nova knows no such key" % key)
      for key in ("any_of", "attach", "bridge", "class", "driver", "existing", "hold", "managed", "max_per_domain", "mdev_type",
                  "on_attach_failure", "order", "permit", "physical_network", "settings", "settings_policy", "sysfs", "vdpa",
                  "xml_name")),
    # types that only vfalias has
    (ALIAS % ', "device_type": "vdpa"', ":3: cannot use device_type of alias 'q': Nova knows no such device_type"),
    (ALIAS % ', "device_type": "vdpa-block"', ":3: cannot use device_type of alias 'q'"),
    (ALIAS % ', "device_type": "mdev"', ":3: cannot use alias 'q': device_type mdev needs a mdev_type"),
    # mediated devices
    (MDEVS % ("a", "[mdev_a]\nmax_instances = 0\n"), ":5: cannot use max_instances '0': Nova wants a number from 1 on"),
    (MDEVS % ("a", "[mdev_a]\nmax_instances = many\n"), ":5: cannot use max_instances 'many'"),
    (MDEVS % ("a", "[mdev_a]\nmdev_class = vgpu\n"), ":5: cannot use mdev_class 'vgpu': Nova wants VGPU or CUSTOM_NAME"),
    (MDEVS % ("a", "[mdev_a]\nmdev_class = CUSTOM_\n"), ":5: cannot use mdev_class 'CUSTOM_'"),
    (MDEVS % ("a,b", "[mdev_a]\ndevice_addresses = %s\n[mdev_b]\ndevice_addresses = %s,%s\n" % (GPU, "0000:66:00.0", GPU)),
     ":7: cannot use device_addresses '%s': Nova has it for type 'a' already" % GPU),
    (MDEVS % ("a", "[mdev_a]\ndevice_addresses = %s,%s\n" % (GPU, GPU)), ":5: cannot use device_addresses '%s'" % GPU),
    (MDEVS % ("a", "[mdev_a]\ndevice_addresses = a b\n"), ":5: cannot use device_addresses 'a b': it is no address"),
    (MDEVS % ("a b", ""), ":3: cannot use enabled_mdev_types 'a b': it is no type of mediated devices"),
    # ids
    ('[pci]\nalias = {"name": "q", "vendor_id": "8086"}\n', ":2: cannot use alias 'q': vendor_id and product_id"),
    ('[pci]\nalias = {"name": "q", "resource_class": "X"}\n', ":2: cannot use alias 'q': vendor_id and product_id"),
    ('[pci]\nalias = {"name": "q", "traits": "X"}\n' + PLACED, ":2: cannot use alias 'q': vendor_id and product_id"),
    ('[pci]\nalias = {"name": "q", "vendor_id": "x", "resource_class": "X"}\n' + PLACED, ":2: cannot use vendor_id"),
    # several aliases of one name
    (ALIAS % "" + 'alias = {"name": "q", %s}\n' % IDS, ":4: cannot use alias 'q': Nova wants a device_type"),
    (ALIAS % ', "device_type": "type-VF"' + 'alias = {"name": "q", "device_type": "type-VF", %s}\n' % IDS + PLACED,
     ":4: cannot use alias 'q': Nova wants it once only"),
    (ALIAS % ', "device_type": "type-VF"' + 'alias = {"name": "q", "device_type": "type-PF", %s}\n' % IDS,
     ":4: cannot use alias 'q': it has another device_type than at "),
])
def test_what_nova_refuses(text, says, tmp_path):
    path = tmp_path / "nova.conf"
    path.write_text(text)
    for more in [], ["--json"]:
        done = call(path, *more)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("vfalias: %s%s" % (path, says)) and done.stderr.count("\n") == 1, done.stderr


def test_a_file_that_cannot_be_read(tmp_path):
    for path in tmp_path / "none.conf", tmp_path:
        done = call(path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("vfalias: cannot read '%s': " % path)
