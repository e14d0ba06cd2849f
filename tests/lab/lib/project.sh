# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# The project itself: built in the tools root from its `make dist` tarball, put into a lab host.
# What is built is cached by the hash of the tarball, the configure arguments and the tools.

# project_package TARBALL [CONFIGURE-ARGUMENT…]: prints the path of a tar with what `make install` installs
project_package() {
    local tarball=$1 tmp key out start
    shift
    [ -r "$tarball" ] || die "cannot read '$tarball'"
    key=$(key_of "$(basename "$LAB_TOOLS")" "$(sha256sum <"$tarball")" "$@" -- lib/make-project)
    mkdir -p "$LAB_CACHE/packages"
    out=$LAB_CACHE/packages/$key.tar
    cache_lock package
    if [ ! -e "$out" ]; then
        rm -rf --one-file-system "$LAB_CACHE"/tmp.package.*
        tmp=$LAB_CACHE/tmp.package.$$
        mkdir "$tmp"
        cp "$tarball" "$tmp/source"
        start=$(date +%s)
        say "building $(basename "$tarball") …"
        limited 600 unshare --mount --pid --fork --kill-child -- "$LAB_HOME/lib/enter" "$LAB_TOOLS/root" \
            "$tmp:/lab/build" -- bash -s -- "$@" <"$LAB_HOME/lib/make-project" >"$LAB_CACHE/log/package.log" 2>&1 || {
            tail -n 40 "$LAB_CACHE/log/package.log" >&2
            rm -rf --one-file-system "$tmp"
            die "cannot build '$tarball': see '$LAB_CACHE/log/package.log'"
        }
        mv "$tmp/tree.tar" "$out"
        rm -rf --one-file-system "$tmp"
        say "built in $(seconds_since "$start")"
    fi
    touch "$out"
    find "$LAB_CACHE/packages" -name '*.tar' -printf '%T@ %p\n' | sort -rn | tail -n +9 | cut -d' ' -f2- | xargs -rd '\n' rm -f
    cache_unlock
    printf '%s\n' "$out"
}

# project_install NAME TREE.tar
project_install() {
    [ -r "$2" ] || die "cannot read '$2'"
    # keep the links of a merged /usr, and the modes of folders that are there
    vm_ssh "$1" 'timeout 100 tar -x --no-same-owner --keep-directory-symlink --no-overwrite-dir -C /' <"$2" ||
        die "cannot unpack '$2' in '$1'"
    vm_ssh "$1" timeout 100 bash -s <"$LAB_HOME/lib/activate" || die "cannot activate '$2' in '$1'"
}
