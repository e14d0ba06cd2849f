# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# The cache: folders KIND-KEY, where KEY is a hash of everything that the folder was made from.
#
# Invariants: a folder under its final name is complete (it is made as tmp.KIND.PID and renamed). A program that uses a
# folder, also QEMU (which inherits the descriptor), holds a shared lock on the folder's file `in-use`. Only folders
# that no program uses are pruned. Lock order: lock.KIND (descriptor 8, one at a time, not inherited), then in-use.

# key_of [TEXT]… -- PATH…: hash of the texts and of all files under the paths (relative to tests/lab)
key_of() {
    local texts=()
    while [ "$1" != -- ]; do texts+=("$1"); shift; done
    shift
    {
        printf '%s\n' "$LAB_RELEASE" "${texts[@]}"
        (cd "$LAB_HOME" && find "$@" -type f ! -name '*.pyc' -print0 | sort -z | xargs -0 sha256sum)
    } | sha256sum | cut -c1-16
}

# cache_get KIND KEY LIMIT CMD…: sets LAB_ENTRY to the folder KIND-KEY. If the folder is missing, CMD… FOLDER makes it.
# The folder stays in use until this process and all processes that inherit its descriptors have ended.
cache_get() {
    cache_try "$@" && return
    tail -n 25 "$LAB_CACHE/log/$1.log" >&2
    die "cannot make $1: see '$LAB_CACHE/log/$1.log'"
}

# cache_try KIND KEY LIMIT CMD…: as cache_get, but fails if CMD fails. For parts that the lab can do without.
cache_try() {
    local kind=$1 key=$2 limit=$3 use
    shift 3
    LAB_ENTRY=$LAB_CACHE/$kind-$key
    cache_lock "$kind"
    [ -d "$LAB_ENTRY" ] || cache_make "$kind" "$limit" "$@" || {
        cache_unlock
        return 1
    }
    exec {use}<"$LAB_ENTRY/in-use"
    flock -s -w 10 "$use" || die "cannot lock '$LAB_ENTRY/in-use'"
    touch "$LAB_ENTRY"
    cache_prune "$kind"
    cache_unlock
}

cache_lock() {
    mkdir -p "$LAB_CACHE/log"
    exec 8>"$LAB_CACHE/lock.$1"
    flock -n 8 && return
    say "waiting for another run that makes $1"
    flock -w 900 8 || die "cannot lock '$LAB_CACHE/lock.$1'"
}
cache_unlock() { exec 8>&-; }

# cache_make KIND LIMIT CMD…: the caller holds lock.KIND. Fails if CMD fails.
cache_make() {
    local kind=$1 limit=$2 tmp=$LAB_CACHE/tmp.$1.$$ log=$LAB_CACHE/log/$1.log start
    shift 2
    rm -rf --one-file-system "$LAB_CACHE/tmp.$kind".* # left by killed runs
    mkdir "$tmp"
    start=$(date +%s)
    say "making $kind …"
    if ! limited "$limit" "$@" "$tmp" >"$log" 2>&1; then
        rm -rf --one-file-system "$tmp"
        return 1
    fi
    : >"$tmp/in-use"
    mv -T "$tmp" "$LAB_ENTRY"
    say "made $kind in $(seconds_since "$start")"
}

# cache_prune KIND: removes all but the last two used (two, so that two branches do not remove each other's folder)
cache_prune() {
    local dir
    find "$LAB_CACHE" -maxdepth 1 -name "$1-*" -printf '%T@ %p\n' | sort -rn | tail -n +3 | cut -d' ' -f2- |
        while IFS= read -r dir; do
            flock -n "$dir/in-use" true && rm -rf --one-file-system "$dir"
        done || true
}
