# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The content of each tier of tests/run. Sourced after progress.sh and build.sh, in the folder $source_tree.

: "${workshop:=}" "${source_tree:=}" "${cache:=}" "${sources:=}" "${released:=}" # set by build.sh
fuzz_targets=() # likewise
fuzz_seconds=${VFALIAS_FUZZ_SECONDS:-6} # for each target

# ---- fast ----

static_checks() {
    local -a c_files shell_files
    mapfile -t c_files < <(cd "$source_tree" && find lib hooks helpers tests -name '*.[ch]' | sort)
    mapfile -t shell_files < <(cd "$source_tree" && grep -rlE --exclude-dir=data -m1 '^#!.*\b(ba)?sh\b|^# shellcheck shell=' \
        tests .ci hooks helpers conf packaging autogen.sh 2>/dev/null | sort)
    check "clang-format" clang-format --dry-run --Werror "${c_files[@]}"
    check "shellcheck" shellcheck -x "${shell_files[@]}"
    check "cppcheck" cppcheck -q -j"$(nproc)" --enable=warning,portability,performance --inline-suppr \
        --error-exitcode=1 -Ilib -I. -I"$workshop/gcc/lib" -I"$workshop/gcc" lib hooks helpers
    check "rooms and floors" floors_hold
    check "no files that call each other in a ring" /usr/bin/python3 -B tests/sh/rings.py "$workshop/gcc"
    check "layers: each library has its room, lib/ prints nothing" layers_hold
    check "man pages" man_pages_parse
}

floors_hold() {
    local -a files
    mapfile -t files < <(find lib hooks helpers -name '*.[ch]')
    awk -f tests/sh/floors.awk "${files[@]}" || return 1
    # the check itself works: it reports an include that goes up
    echo '#include "claim/release.h"' >lib/base/upward.h
    awk -f tests/sh/floors.awk lib/base/upward.h >"$workshop/upward"
    rm lib/base/upward.h
    grep -q 'upward.h:1:' "$workshop/upward"
}

# only_in HEADER FOLDER...: no other folder includes the header
only_in() {
    local header=$1 elsewhere
    shift
    elsewhere=$(grep -rlE "#include <$header" --include='*.[ch]' lib hooks helpers | grep -vE "^($(IFS='|' && echo "$*"))")
    [ -z "$elsewhere" ] || {
        echo "$header: $elsewhere"
        return 1
    }
}

layers_hold() {
    only_in libvirt/ helpers/ || return 1
    only_in json-c/ lib/config/ helpers/vfalias/ || return 1
    only_in libxml/ lib/domain/ helpers/shared/virt-uri.c helpers/vfalias/connect.c || return 1
    only_in sqlite3 lib/state/ || return 1
    only_in netlink/ lib/device/ || return 1
    only_in pcre2 lib/spec/ || return 1
    ! grep -rnE '\b(printf|puts|putchar|perror|syslog) *\(|std(out|err)\b' --include='*.c' lib || return 1
    # all programs read a configuration alike, whatever the locale: vfa_text_same()
    ! grep -rnE '\b(tolower|toupper|strn?casecmp|is(alpha|alnum|upper|lower|space|digit|punct)) *\(' --include='*.c' lib hooks helpers || return 1
    local driver
    for driver in qemu network; do
        ! ldd "$workshop/gcc/inst/libexec/vfalias/$driver-asked" | grep libvirt || return 1
        # a prefilter links only the C library
        [ "$(readelf -d "$workshop/gcc/inst/etc/libvirt/hooks/$driver.d/vfalias" | grep -c NEEDED)" = 1 ] || return 1
    done
}

man_pages_parse() {
    local page
    for page in man/*.pod; do
        podchecker -warnings -warnings "$page" 2>&1 | grep -E 'ERROR|WARNING' && return 1
    done
    return 0
}

# unit_tests VARIANT [WRAPPER...]: each program of check_PROGRAMS is one test
unit_tests() {
    local variant=$1 program
    shift
    for program in "$workshop/$variant"/tests/unit/test-*; do
        if ! [ -x "$program" ]; then continue; fi
        check "unit: $(basename "$program") ($variant${1:+, $1})" \
            timeout 900 env LC_ALL=C srcdir="$source_tree" "$@" "$program"
    done
}

# integration_tests VARIANT PYTEST-ARG...
integration_tests() {
    local variant=$1
    shift
    VFALIAS_BUILD=$workshop/$variant VFALIAS_INST=$workshop/$variant/inst run_pytest "integration-$variant" 2400 -n "$(nproc)" "$@"
}

build_fast() {
    build_variant gcc
    build_variant asan
}

tier_fast() {
    unit_tests asan
    # AddressSanitizer replaces the calls that test_faults.py makes fail
    integration_tests asan tests/integration --ignore=tests/integration/test_faults.py --ignore=tests/integration/test_made_crashes.py
    integration_tests gcc tests/integration/test_faults.py
}

# Tests that measure time run while no other test runs.
tier_cost() {
    check "cost of a hook" /usr/bin/python3 -B tests/bench/hook_cost.py --check "$workshop/gcc/inst"
    check "cost of 20,000 devices" /usr/bin/python3 -B tests/bench/many_devices.py --check --devices 20000 "$workshop/gcc/inst"
    check "cost of 1,000 made devices" /usr/bin/python3 -B tests/bench/hyperscale.py --check --sizes 100,1000 "$workshop/gcc/inst"
}

# ---- all ----

tier_more() {
    tier_more_builds
    tier_fuzz
    tier_packages
}

tier_more_builds() {
    build_variant clang
    integration_tests gcc tests/integration/test_made_crashes.py
    unit_tests gcc valgrind --quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect
    check "make distcheck" distcheck
    check "make install DESTDIR puts everything in its place" installs_everything
}

# tier_fuzz: runs each target for a short time; findings are kept in $workshop/fuzz-found
tier_fuzz() {
    local target found=$workshop/fuzz-found
    build_fuzz_targets
    mkdir -p "$found"
    for target in "${fuzz_targets[@]}"; do
        check "fuzz: ${target#fuzz-}, $fuzz_seconds s" fuzz_one "$target" "$found"
    done
}

fuzz_one() {
    local target=$1 found=$2 corpus
    # libFuzzer's own exit status for a finding is 77, which means "skipped" here
    # one seed: the same inputs in each run, so that a finding belongs to the change that introduced it
    local -a options=(-seed=1 "-max_total_time=$fuzz_seconds" -timeout=10 -rss_limit_mb=1024 -error_exitcode=1)
    corpus=$(mktemp -d "$workshop/fuzz-corpus.XXXXXX")
    case $target in
    fuzz-domxml | fuzz-netport | fuzz-requests) options+=("-dict=$source_tree/tests/fuzz/xml.dict") ;;
    esac
    timeout --kill-after=10 $((fuzz_seconds + 120)) "$workshop/fuzz/tests/fuzz/$target" "${options[@]}" \
        "-artifact_prefix=$found/$target-" "$corpus" "$source_tree/tests/fuzz/corpus/${target#fuzz-}"
    local status=$?
    rm -rf "$corpus"
    return "$status"
}

# A release has all files that git has, except .gitignore.
distcheck() {
    rm -rf "$workshop/gcc"/vfalias-*
    make -C "$workshop/gcc" -s distcheck DISTCHECK_CONFIGURE_FLAGS="--enable-werror" || return 1
    tar -tf "$workshop/gcc"/vfalias-*.tar.xz | sed 's,^[^/]*/,,' | sort >"$workshop/released.list"
    ! comm -13 "$workshop/released.list" <(sort "$workshop/files.list") | grep -vx .gitignore
}

installs_everything() {
    local root=$workshop/destdir file
    rm -rf "$root"
    mkdir -p "$workshop/usr-build"
    (cd "$workshop/usr-build" && "$source_tree/configure" --quiet --prefix=/usr --sysconfdir=/etc --localstatedir=/var \
        --runstatedir=/run && make -s -j"$(nproc)" && make -s install DESTDIR="$root") || return 1
    for file in etc/libvirt/hooks/qemu.d/vfalias usr/libexec/vfalias/qemu-asked \
        etc/libvirt/hooks/network.d/vfalias usr/libexec/vfalias/network-asked usr/bin/vfalias usr/sbin/vfaliasd \
        etc/vfalias/vfalias.conf usr/lib/udev/rules.d/90-vfalias.rules usr/lib/systemd/system/vfaliasd.service usr/lib/tmpfiles.d/vfalias.conf \
        usr/share/man/man1/vfalias.1 usr/share/man/man5/vfalias.conf.5 usr/share/man/man7/vfalias-hooks.7 \
        usr/share/man/man7/vfalias-messages.7 usr/share/man/man7/vfalias-moving.7 usr/share/man/man7/vfalias-requests.7 \
        usr/share/man/man8/vfaliasd.8 usr/share/vfalias/vfalias-json.schema.json \
        usr/lib/systemd/system/vfalias-vfs.service usr/sbin/vfalias-hook-qemu usr/sbin/vfalias-hook-network \
        usr/share/bash-completion/completions/vfalias usr/share/zsh/site-functions/_vfalias; do
        [ -s "$root/$file" ] || {
            echo "not installed: $file"
            return 1
        }
    done
}

tier_libvirt() {
    [ -d "$workshop/destdir" ] || check "make install DESTDIR" installs_everything
    VFALIAS_INST=$workshop/destdir run_pytest libvirt 3600 -n "$(nproc)" tests/libvirt
}

# ---- lab ----

# lab_prepare: makes the host, and the packages for it. $workshop/lab-status: 77 if this machine cannot emulate a host;
# lab-deb, lab-released: paths of the packages.
lab_prepare() {
    local status=0
    rm -f "$workshop"/lab-{status,deb,released}
    say "building the host (minutes, the first time; kept in $cache)"
    "$source_tree/tests/lab/lab" build || status=$?
    echo "$status" >"$workshop/lab-status"
    case $status in
    0) ;;
    77)
        skip "lab: this machine cannot emulate a host"
        return
        ;;
    *)
        fail "lab: the host cannot be built"
        return
        ;;
    esac
    pack_sources
    "$source_tree/tests/lab/lab" package "$sources" >"$workshop/lab-deb" || {
        fail "lab: the package cannot be built for the host"
        return
    }
    if pack_released; then
        "$source_tree/tests/lab/lab" package "$released" >"$workshop/lab-released" ||
            fail "lab: the last release cannot be built"
    else
        say "no history here: the upgrade is from this version, called an older one"
    fi
}

# Two hosts at a time, each with the tests of one file; the longest files first. -v: a line for each test
tier_lab() {
    [ -s "$workshop/lab-deb" ] || return # lab_prepare has reported the reason
    VFALIAS_LAB_DEB=$(<"$workshop/lab-deb") VFALIAS_LAB_RELEASED=$(cat "$workshop/lab-released" 2>/dev/null) \
        run_pytest lab 5400 -vv -n 2 --dist loadfile --durations=0 --durations-min=5 \
        tests/lab/test_migration.py tests/lab/test_packages.py tests/lab
}
