# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The daemon with a library in front of libvirt (tests/shim): libvirt hangs, fails, is slow. Then the same tests with
# ThreadSanitizer. Sourced after tiers.sh.

: "${workshop:=}" # set by build.sh

tier_shim() {
    VFALIAS_INST=$workshop/gcc/inst run_pytest shim 1800 -n "$(nproc)" tests/shim
    build_goals tsan helpers/vfaliasd/vfaliasd
    VFALIAS_DAEMON=$workshop/tsan/helpers/vfaliasd/vfaliasd VFALIAS_INST=$workshop/gcc/inst \
        run_pytest shim-tsan 1800 -n "$(nproc)" tests/shim
}
