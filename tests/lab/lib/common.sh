# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034 # variables are used by those that read this file
# What every part of the lab needs: messages, names of places, commands with a time limit.
#
# Nothing here knows of QEMU or of libvirt. Long steps run as a background job that is waited for,
# so that a signal ends them at once (bash puts off traps while a foreground job runs).

LAB_RELEASE=trixie
LAB_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/vfalias
LAB_RUN=${VFALIAS_LAB_RUN:-/run/vfalias-lab} # short: it holds sockets, whose paths may have 107 bytes

say() { printf 'lab: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
seconds_since() { printf '%d s' $(($(date +%s) - $1)); }

# limited SECONDS CMD…: runs CMD, ends it (SIGTERM, then SIGKILL) when the time is over or lab ends, be
# it by SIGKILL. `timeout` makes a process group, to which it passes on the signals that it gets.
# Descriptor 8 is the lock of the cache, which must not live on in a QEMU (see cache.sh).
limited() {
    local limit=$1 rc=0
    shift
    setpriv --pdeathsig TERM timeout --kill-after=5 "$limit" "$@" <&0 8>&- &
    LAB_CHILD=$!
    wait "$LAB_CHILD" || rc=$?
    LAB_CHILD=
    [ "$rc" != 124 ] || say "time limit of $limit s hit: $*"
    return "$rc"
}
LAB_CHILD=
LAB_JOBS=() # parts of this program that run in parallel; their children go with them
end_child() { kill ${LAB_CHILD:+"$LAB_CHILD"} "${LAB_JOBS[@]}" 2>/dev/null || true; }

# need: exit status 77 (as automake has it) with a line that says what this machine lacks.
need() {
    local missing=() tool
    for tool in debootstrap mke2fs cpio flock unshare ssh ssh-keygen tar xz setpriv prlimit; do
        PATH=$PATH:/usr/sbin:/sbin command -v "$tool" >/dev/null || missing+=("$tool")
    done
    [ "$(uname -m)" = x86_64 ] || missing+=("an x86-64 processor")
    if [ "$(id -u)" != 0 ]; then
        missing+=("root (chroot and mounts)")
    elif ! unshare --mount true 2>/dev/null; then
        missing+=("mount namespaces")
    fi
    [ ${#missing[@]} = 0 ] && return
    printf -v tool '%s, ' "${missing[@]}"
    say "cannot emulate a host here, missing: ${tool%, }"
    exit 77
}
