# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Random operations on a fake host by many processes, some of which are killed (tests/soak). Sourced after tiers.sh.

: "${workshop:=}" "${source_tree:=}" # set by build.sh
soak_minutes=${VFALIAS_SOAK_MINUTES:-1}

tier_soak() {
    check "soak, $soak_minutes min" "$source_tree/tests/soak" "$soak_minutes" --inst "$workshop/gcc/inst"
}
