# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest releases its devices when it is saved, and claims devices when it is restored. A refused restore never
deletes the image.
"""
from guests import guest
from privatehost import GPU


def has_image(host, name):
    return "Managed save:   yes" in host.virsh("dominfo", name).stdout


def start_and_save(host, *words):
    host.define(guest("saved", "gpu"))
    host.virsh("start", "saved")
    assert host.devices("saved") == [GPU]
    host.vfaliasd.lines.wait("domain 'saved': resumed")  # otherwise it is saved, and restored, suspended
    host.virsh(*words)
    assert host.claims() == []


def test_managed_save(host):
    start_and_save(host, "managedsave", "saved")
    assert has_image(host, "saved")
    host.virsh("start", "saved")
    assert host.is_on("saved") and not has_image(host, "saved")
    assert "restore begin -" in host.recorder.whats("saved")
    assert host.devices("saved") == [GPU]
    host.wait_claims(lambda claims: claims[0]["attempts"], "an attempt", "saved")


def test_managed_save_vetoed(host):
    start_and_save(host, "managedsave", "saved")
    host.define(guest("other", "gpu"))
    host.virsh("start", "other")
    done = host.virsh("start", "saved", check=False)
    assert done.returncode != 0
    assert "vfalias: domain 'saved': no free device for request 'gpu-0'" in done.stderr
    assert has_image(host, "saved") and not host.is_on("saved")
    assert host.devices("other") == [GPU] and host.claims("saved") == []
    host.virsh("destroy", "other")
    host.virsh("start", "saved")
    assert host.devices("saved") == [GPU] and not has_image(host, "saved")


def test_broken_configuration_keeps_the_image(host):
    start_and_save(host, "managedsave", "saved")
    host.configure("[pci\n")
    assert "vfalias.conf:1" in host.virsh("start", "saved", check=False).stderr
    assert has_image(host, "saved")
    host.configure()
    host.virsh("start", "saved")
    assert host.devices("saved") == [GPU]


def test_saved_to_a_file(host):
    start_and_save(host, "save", "saved", "/run/image")
    host.define(guest("other", "gpu"))
    host.virsh("start", "other")
    assert "no free device" in host.virsh("restore", "/run/image", check=False).stderr
    assert host.path("/run/image").exists()
    host.virsh("destroy", "other")
    host.virsh("restore", "/run/image")
    assert host.is_on("saved") and host.devices("saved") == [GPU]
    host.path("/run/image").unlink()
