# SPDX-License-Identifier: LGPL-2.1-or-later
"""The made kernel with several processes: what one of them makes, the others see, and one of several that want the same gets
it. And the functions of lib/device, by way of tests/kernel/maker.c, where another process is in the way."""
import errno
import os
import shutil
import subprocess

import pytest

import madekernel
from madekernel import MAC, MAX_VQP, MTU
from sysfs_tree import typical

VF = "0000:02:10.0"
UUID = "00000000-0000-4000-8000-%012d"


@pytest.fixture
def kernel(tmp_path, library):
    kernel = madekernel.MadeKernel(typical(tmp_path / "sys"), library)
    kernel.vdpa()
    kernel.mgmtdev("vdpasim_net")
    kernel.mgmtdev("pci/" + VF, kernel.tree.devices[VF], max_devices=3, takes=MAC | MAX_VQP | MTU)
    kernel.mdev_parent("mtty", {"mtty-1": 1, "mtty-2": 2}, units=6)
    return kernel


def all_of(processes):
    """The result of each process."""
    return [process.communicate(timeout=60)[0].splitlines()[-1].split(":")[0] for process in processes]


def test_other_processes_see_a_device(kernel):
    assert kernel.maker("add", "one", "pci/" + VF, "mac=52:54:00:00:00:01", "max_vqp=4") == ["done"]
    assert kernel.maker("devices") == ["one mgmtdev=pci/%s id=1 max_vqs=3" % VF, "done"]
    assert kernel.maker("node", "one") == ["driver=vhost_vdpa node=vhost-vdpa-0 function=" + VF, "done"]
    assert kernel.devices()["one"]["mac"] == "52:54:00:00:00:01"
    assert (kernel.tree.devices[VF].path / "one").is_dir()
    assert kernel.maker("delete", "one") == ["done"]
    assert kernel.maker("device", "one") == ["gone"]
    assert kernel.devices() == {} and not list(kernel.dev.glob("vhost*"))


def test_one_of_many_gets_a_name(kernel):
    results = all_of([kernel.start("add", "same", "vdpasim_net") for _ in range(8)])
    assert sorted(results) == ["done"] + 7 * ["exists"]


def test_a_management_device_is_full(kernel):
    results = all_of([kernel.start("add", "d%d" % i, "pci/" + VF) for i in range(8)])
    assert sorted(results) == 3 * ["done"] + 5 * ["full"]
    assert all_of([kernel.start("delete", name) for name in kernel.devices()]) == 3 * ["done"]
    assert kernel.maker("add", "again", "pci/" + VF) == ["done"]


def test_a_parent_is_full(kernel):
    results = all_of([kernel.start("create", "mtty", "mtty-2", UUID % i) for i in range(6)])
    assert sorted(results) == 3 * ["done"] + 3 * ["full"]
    assert len({mdev["group"] for mdev in kernel.mdevs().values()}) == 3
    assert kernel.maker("type", "mtty", "mtty-1")[0].split()[-2] == "available=0"
    assert all_of([kernel.start("remove", uuid) for uuid in kernel.mdevs()]) == 3 * ["done"]
    assert kernel.maker("type", "mtty", "mtty-1")[0].split()[-2] == "available=6"


def test_a_parent_that_counts_with_another_errno(kernel):
    kernel.mdev_parent(kernel.tree.device("0000:70:00.0", "10de:1bb3"), {"nvidia-63": 1}, units=0, full=errno.EUSERS)
    assert kernel.maker("create", "0000:70:00.0", "nvidia-63", UUID % 1)[0].startswith("full: ")


def test_what_a_guest_has_open_stays(kernel):
    kernel.maker("add", "one", "vdpasim_net")
    kernel.maker("create", "mtty", "mtty-1", UUID % 1)
    group = kernel.mdevs()[UUID % 1]["group"]
    with kernel.opened("vhost-vdpa-0"), kernel.opened("vfio/" + group):
        assert kernel.maker("check-open", "one")[0].startswith("open: ")
        assert kernel.maker("delete", "one")[0].startswith("open: ")
        assert kernel.maker("remove", UUID % 1)[0].startswith("open: ")
    assert kernel.maker("check-open", "one") == ["done"]
    assert list(kernel.devices()) == ["one"] and list(kernel.mdevs()) == [UUID % 1]


def test_a_guest_cannot_open_a_device_while_it_is_removed(kernel):
    """The remover holds the group until the device is gone."""
    kernel.maker("create", "mtty", "mtty-1", UUID % 1)
    group = kernel.mdevs()[UUID % 1]["group"]
    with kernel.hanging("remove"):
        remover = kernel.start("remove", UUID % 1)
        while "remove " + UUID % 1 not in kernel.calls():
            assert remover.poll() is None
        with pytest.raises(BlockingIOError), kernel.opened("vfio/" + group):
            pass
    assert all_of([remover]) == ["done"]


def test_a_request_that_does_not_return(kernel):
    """All requests wait for it, and each caller goes on when its time is over."""
    kernel.maker("add", "one", "vdpasim_net")
    with kernel.hanging("get"):
        first = kernel.start("device", "one", limit=60000)
        while "get one" not in kernel.calls():
            assert first.poll() is None
        results = all_of([kernel.start(*args, limit=300) for args in (("mgmtdevs",), ("add", "two", "vdpasim_net"))])
    assert results == 2 * ["error"]
    assert all_of([first]) == ["done"] and list(kernel.devices()) == ["one"]


def test_among_thousands(kernel):
    """One device is asked for, made and deleted without a list of the others."""
    kernel.fill("vdpasim_net", ["d%d" % i for i in range(3000)])
    assert kernel.maker("device", "d2999") == ["d2999 mgmtdev=vdpasim_net id=1 max_vqs=3", "done"]
    assert kernel.maker("add", "one", "vdpasim_net") == ["done"]
    assert kernel.maker("node", "one")[0].split()[1] == "node=vhost-vdpa-3000"
    assert kernel.maker("delete", "d7") == ["done"]
    assert not any(call.endswith("*") for call in kernel.calls())
    assert len(kernel.maker("devices")) == 3000 + 1
    assert len(kernel.devices()) == 3000 and not (kernel.dev / "vhost-vdpa-7").exists()


@pytest.mark.parametrize("code, text, line", [
    (errno.EPERM, "", "error: 1: cannot delete vDPA device 'one': Operation not permitted"),
    (errno.EINVAL, "vdpa: Only user created device can be deleted by user",
     "error: 22: cannot delete vDPA device 'one': Invalid argument (Only user created device can be deleted by user)")])
def test_a_deletion_is_refused(kernel, code, text, line):
    kernel.maker("add", "one", "vdpasim_net")
    with kernel.failing("del", code, text):
        assert kernel.maker("delete", "one") == [line]
    assert kernel.maker("delete", "one") == ["done"]


def test_virtio_takes_new_devices(tmp_path, library):
    kernel = madekernel.MadeKernel(typical(tmp_path / "sys"), library)
    kernel.vdpa("virtio_vdpa", "vhost_vdpa")
    kernel.mgmtdev("vdpasim_net")
    kernel.maker("add", "one", "vdpasim_net")
    assert kernel.maker("node", "one")[0] == "driver=virtio_vdpa node= function=-"
    assert kernel.maker("bind", "one")[0] == "driver=vhost_vdpa node=vhost-vdpa-0 function=-"
    assert kernel.calls()[-2:] == ["unbind one", "bind one"]


def test_iproute2_understands_it(kernel):
    """The program of others that speaks to the family."""
    if not shutil.which("vdpa"):
        pytest.skip("no vdpa(8): iproute2 is not installed")

    def vdpa(*args):
        return subprocess.run(["vdpa", *args], capture_output=True, text=True, env={**os.environ, **kernel.env}, timeout=60)

    assert {"vdpasim_net:", "pci/%s:" % VF} <= set(vdpa("mgmtdev", "show").stdout.split())
    assert vdpa("dev", "add", "name", "one", "mgmtdev", "vdpasim_net", "mac", "52:54:00:00:00:01").returncode == 0
    assert vdpa("dev", "show", "one").stdout.startswith("one: type network mgmtdev vdpasim_net vendor_id 0 max_vqs 3")
    assert "Some provided attributes are not supported" in \
        vdpa("dev", "add", "name", "two", "mgmtdev", "vdpasim_net", "max_vqp", "4").stderr
    assert kernel.maker("device", "one")[0] == "one mgmtdev=vdpasim_net id=1 max_vqs=3"
    assert vdpa("dev", "del", "one").returncode == 0
    assert kernel.maker("devices") == ["done"]
