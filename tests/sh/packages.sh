# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The Debian packages that the tests and the demonstration need. Missing packages are installed.
# shellcheck disable=SC2034  # the lists are taken by name

build_packages=(gcc make autoconf automake pkg-config perl xz-utils libxml2-dev libjson-c-dev libsqlite3-dev
    libpcre2-dev libpci-dev libnl-3-dev uuid-dev libvirt-dev libsystemd-dev libudev-dev)
fast_packages=("${build_packages[@]}" ccache libvirt-clients python3 python3-pytest python3-pytest-xdist python3-lxml python3-jsonschema libclang-rt-14-dev clang clang-format
    cppcheck shellcheck valgrind sqlite3 zsh iproute2)
demo_packages=(debootstrap cpio e2fsprogs openssh-client python3 xz-utils) # all else is in the lab's own Debian
lab_packages=("${demo_packages[@]}" python3-pytest python3-pytest-xdist python3-lxml)
packages_packages=("${build_packages[@]}" ccache build-essential debhelper dpkg-dev lintian rpm rpmlint shellcheck systemd checkpolicy semodule-utils
    debootstrap cpio e2fsprogs openssh-client)
all_packages=("${fast_packages[@]}" "${packages_packages[@]}" "${lab_packages[@]}" libvirt-daemon-system libvirt-daemon
    libvirt-daemon-driver-qemu libvirt-clients qemu-system-x86 seabios python3-libvirt virtinst osinfo-db iproute2 dbus
    virt-manager xvfb at-spi2-core gir1.2-atspi-2.0)

# need_packages fast|lab|packages|demo|all
need_packages() {
    local -n wanted=${1}_packages
    local missing=() package
    for package in "${wanted[@]}"; do
        dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q ' installed$' || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    [ "$(id -u)" = 0 ] || die "these packages are missing and only root can install them: ${missing[*]}"
    say "installing ${missing[*]}"
    local log
    log=$(mktemp)
    export DEBIAN_FRONTEND=noninteractive
    # The services of these packages must not run on the machine that tests.
    if ! { apt-get -q -o Acquire::Retries=5 update && apt-get -q -o Acquire::Retries=5 install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
        tail -n 20 "$log"
        die "cannot install packages"
    fi
    rm -f "$log"
}
