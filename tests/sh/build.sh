# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Builds in a workshop outside of the tree: a copy of the sources, and a folder for each variant.

: "${top:?the tree}"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/vfalias

# open_workshop: sets $workshop and $source_tree, which has the files that git would commit
open_workshop() {
    local key
    key=$(printf '%s' "$top" | sha256sum | cut -c1-12)
    workshop=$cache/work-$key
    source_tree=$workshop/src
    mkdir -p "$workshop"
    exec 9>"$workshop/lock"
    flock -n 9 || {
        say "waiting for another run of this tree"
        flock 9
    }
    rm -rf "$source_tree"
    mkdir -p "$source_tree"
    if git -C "$top" rev-parse --git-dir >/dev/null 2>&1; then
        (cd "$top" && git -c core.quotePath=off ls-files -z -co --exclude-standard --deduplicate |
            while IFS= read -r -d '' f; do [ ! -e "$f" ] || printf '%s\0' "$f"; done |
            tar c --null -T -) | tar x -C "$source_tree"
    else # a release tarball
        tar c -C "$top" . | tar x -C "$source_tree"
    fi
    cd "$source_tree" || die "no $source_tree"
    find . -type f -printf '%P\n' >"$workshop/files.list"
    use_ccache
}

# ccache uses an object for several builds: below the same base, whatever the folder's name.
use_ccache() {
    [ -d /usr/lib/ccache ] || return
    export PATH=/usr/lib/ccache:$PATH CCACHE_DIR=$cache/ccache CCACHE_BASEDIR=$workshop CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=500M
}

make_configure() {
    say "autoreconf"
    (cd "$source_tree" && ./autogen.sh) >"$workshop/autogen.log" 2>&1 || {
        tail -n 20 "$workshop/autogen.log"
        die "autogen.sh"
    }
}

configure_flags() {
    case $1 in
    gcc) echo "--enable-werror CC=gcc CFLAGS=-O2\ -g" ;;
    asan) echo "--enable-werror --enable-sanitizers CC=gcc CFLAGS=-O1\ -g" ;;
    tsan) echo "--enable-werror --enable-thread-sanitizer CC=gcc CFLAGS=-O1\ -g" ;;
    clang) echo "--enable-werror CC=clang CFLAGS=-O2\ -g" ;;
    fuzz) echo "--enable-werror --enable-fuzzing CC=clang CFLAGS=-O1\ -g" ;;
    esac
}

# build_variant NAME: builds in $workshop/NAME and installs below $workshop/NAME/inst, which is its prefix, too. So the
# tests run what is installed
build_variant() {
    local name=$1 dir=$workshop/$1
    local -a flags
    eval "flags=($(configure_flags "$name"))"
    [ -e "$source_tree/configure" ] || make_configure
    say "build: $name"
    mkdir -p "$dir"
    # One goal after the other: "all" and "check" at once would make the same files in parallel. No set -e, which has no
    # effect in front of ||.
    (
        cd "$dir" || exit 1
        [ -e Makefile ] && [ config.status -nt "$source_tree/configure.ac" ] ||
            "$source_tree/configure" --quiet --prefix="$dir/inst" --libexecdir="$dir/inst/libexec" "${flags[@]}" || exit 1
        make -s -j"$(nproc)" all && make -s -j"$(nproc)" check TESTS= && rm -rf inst && make -s install
    ) >"$dir.log" 2>&1 || {
        tail -n 40 "$dir.log"
        die "the build '$name'"
    }
    pass
}

# build_goals NAME GOAL...: makes these goals in $workshop/NAME, and no others
build_goals() {
    local name=$1 dir=$workshop/$1
    local -a flags
    shift
    eval "flags=($(configure_flags "$name"))"
    [ -e "$source_tree/configure" ] || make_configure
    say "build: $name"
    mkdir -p "$dir"
    (
        cd "$dir" || exit 1
        [ -e Makefile ] && [ config.status -nt "$source_tree/configure.ac" ] ||
            "$source_tree/configure" --quiet "${flags[@]}" || exit 1
        make -s lib/state/schema.inc helpers/vfaliasd/synopsis.inc && make -s -j"$(nproc)" "$@"
    ) >"$dir.log" 2>&1 || {
        tail -n 40 "$dir.log"
        die "the build '$name'"
    }
    pass
}

# build_fuzz_targets: tests/fuzz in $workshop/fuzz; sets $fuzz_targets, their names
build_fuzz_targets() {
    local source
    fuzz_targets=()
    for source in "$source_tree"/tests/fuzz/fuzz-*.c; do fuzz_targets+=("$(basename "$source" .c)"); done
    build_goals fuzz "${fuzz_targets[@]/#/tests/fuzz/}"
}

# pack FOLDER TAR: packs what the lab builds and installs. The same files give the same bytes, so that the lab finds its
# earlier build. Tests are left out, except those that Makefile.am names.
pack() {
    local kept=(--exclude=./configure --exclude=./autom4te.cache --exclude=./build-aux --exclude=./aclocal.m4
        --exclude=./Makefile.in)
    local dir
    for dir in "$1"/tests/*; do
        case $(basename "$dir") in
        unit | kernel) ;;
        *) kept+=("--exclude=./tests/$(basename "$dir")") ;;
        esac
    done
    tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=go=rX --transform='s,^\.,vfalias,' \
        -C "$1" -cf "$2" "${kept[@]}" .
}

# pack_sources: sets $sources, the tar of this tree
pack_sources() {
    sources=$workshop/sources.tar
    pack "$source_tree" "$sources" || die "cannot pack the sources"
}

# pack_released: sets $released, the tar of the last release. Fails if its commit is missing: in a tarball, a shallow
# clone.
pack_released() {
    local commit tree=$workshop/released
    released=$workshop/released.tar
    commit=$(sed -n '$s/^[^ ]* //p' "$source_tree/packaging/released")
    git -C "$top" cat-file -e "$commit^{commit}" 2>/dev/null || return
    rm -rf "$tree"
    mkdir "$tree"
    git -C "$top" archive "$commit" | tar x -C "$tree" && pack "$tree" "$released"
}
