# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Shared by the tests in a clean root: a fake host with one device, a domain that requests it, and a list of all files.

say() { printf '== %s\n' "$*"; }
fail() {
    printf 'not so: %s\n' "$*"
    exit 1
}

# files: all files, except those that the package managers, and the programs that they run, write for themselves
files() {
    find / -xdev \( -path /proc -o -path /dev -o -path /shared -o -path /tmp -o -path /var/lib/dpkg -o -path /var/lib/apt \
        -o -path /var/lib/rpm -o -path /var/log -o -path /var/cache -o -path /etc/ld.so.cache -o -path /root -o -path /made \) \
        -prune -o -print | sort
}

# make_host: a tree in place of /sys, and the configuration that allows its only device
make_host() {
    local device=/made/bus/pci/devices/0000:01:00.0
    mkdir -p "$device"
    echo 0x8086 >"$device/vendor"
    echo 0x0435 >"$device/device"
    echo 0x0b4000 >"$device/class"
    mkdir -p /made/kernel/iommu_groups/1/devices
    ln -s /made/kernel/iommu_groups/1 "$device/iommu_group"
    ln -s "$device" /made/kernel/iommu_groups/1/devices/
    cat >/etc/vfalias/conf.d/made.conf <<'C'
[vfalias]
sysfs_root = /made
require_daemon = no
[pci]
device_spec = {"vendor_id": "8086"}
alias = {"name": "qat", "vendor_id": "8086", "product_id": "0435"}
C
}

# hook OPERATION: as libvirt calls it for a domain that requests a device
hook() {
    local sub=begin
    case $1 in stopped | release) sub=end ;; esac
    /etc/libvirt/hooks/qemu.d/vfalias db1 "$1" "$sub" - <<'X'
<domain type='kvm'><name>db1</name><uuid>11111111-2222-3333-4444-555555555555</uuid><metadata>
<vfalias:requests xmlns:vfalias='urn:vfalias:1'><vfalias:request alias='qat'/></vfalias:requests></metadata>
<os><type machine='pc-i440fx'>hvm</type></os>
<devices><controller type='pci' index='0' model='pci-root'/></devices></domain>
X
}

holds_it() {
    vfalias claims --json | grep -q '"db1"' || fail "domain db1 holds its device"
}

holds_nothing() {
    ! vfalias claims --json | grep -q '"domain"' || fail "nothing is claimed"
}

# is_installed: the files that a user needs are there, and work
is_installed() {
    local file
    for file in /usr/bin/vfalias /usr/sbin/vfaliasd /etc/libvirt/hooks/qemu.d/vfalias /etc/libvirt/hooks/network.d/vfalias; do
        [ -x "$file" ] || fail "$file can be run"
    done
    for file in /etc/vfalias/vfalias.conf /usr/lib/tmpfiles.d/vfalias.conf /usr/share/vfalias/vfalias-json.schema.json \
        /usr/share/bash-completion/completions/vfalias; do
        [ -s "$file" ] || fail "$file is there"
    done
    for file in vfaliasd.service vfalias-vfs.service; do
        [ -s "/usr/lib/systemd/system/$file" ] || fail "$file is there"
    done
    for file in man1/vfalias.1 man5/vfalias.conf.5 man7/vfalias-hooks.7 man7/vfalias-messages.7 man7/vfalias-moving.7 man7/vfalias-requests.7 man8/vfaliasd.8 man8/vfalias-hook-qemu.8; do
        [ -s "/usr/share/man/$file" ] || [ -s "/usr/share/man/$file.gz" ] || fail "$file is there"
    done
    [ -s /usr/lib/udev/rules.d/90-vfalias.rules ] || fail "the udev rule is there"
    [ -d /etc/vfalias/conf.d ] || fail "conf.d is there"
    vfalias check
    vfaliasd --version
    hook stopped || fail "the hook has nothing to say of a domain that stops"
}
