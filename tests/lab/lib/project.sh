# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# The project as its users get it: a Debian package, built in the tools root, and installed into a lab host by apt.
# Packages are cached by the hash of the sources and the tools.

# project_package TARBALL: prints the path of the package
project_package() {
    local tarball=$1 tmp key out start
    [ -r "$tarball" ] || die "cannot read '$tarball'"
    key=$(key_of "$(basename "$LAB_TOOLS")" "$(sha256sum <"$tarball")" -- lib/make-project)
    mkdir -p "$LAB_CACHE/packages"
    out=$LAB_CACHE/packages/$key.deb
    cache_lock package
    if [ ! -e "$out" ]; then
        rm -rf --one-file-system "$LAB_CACHE"/tmp.package.*
        tmp=$LAB_CACHE/tmp.package.$$
        mkdir "$tmp"
        cp "$tarball" "$tmp/source"
        start=$(date +%s)
        say "building $(basename "$tarball") …"
        limited 600 unshare --mount --pid --fork --kill-child -- "$LAB_HOME/lib/enter" "$LAB_TOOLS/root" \
            "$tmp:/lab/build" -- bash -s <"$LAB_HOME/lib/make-project" >"$LAB_CACHE/log/package.log" 2>&1 || {
            tail -n 40 "$LAB_CACHE/log/package.log" >&2
            rm -rf --one-file-system "$tmp"
            die "cannot build '$tarball': see '$LAB_CACHE/log/package.log'"
        }
        mv "$tmp/package.deb" "$out"
        rm -rf --one-file-system "$tmp"
        say "built in $(seconds_since "$start")"
    fi
    touch "$out"
    find "$LAB_CACHE/packages" -type f -printf '%T@ %p\n' | sort -rn | tail -n +9 | cut -d' ' -f2- | xargs -rd '\n' rm -f
    cache_unlock
    printf '%s\n' "$out"
}

# project_install NAME PACKAGE.deb
project_install() {
    [ -r "$2" ] || die "cannot read '$2'"
    vm_ssh "$1" 'cat >/var/tmp/vfalias.deb' <"$2" || die "cannot copy '$2' to '$1'"
    vm_ssh "$1" DEBIAN_FRONTEND=noninteractive timeout 500 apt-get -q -y -o Dpkg::Use-Pty=0 --allow-downgrades --reinstall \
        install /var/tmp/vfalias.deb </dev/null || die "cannot install '$2' in '$1'"
}
