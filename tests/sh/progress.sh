# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Progress with elapsed time, and the count of all tests. Sourced by tests/run and tests/demo.

: "${workshop:=}" # set by build.sh
started=$SECONDS
passed=0 failed=0 skipped=0
failures=()

# say TEXT...: prints a line of progress
say() {
    printf '[%3d:%02d] %s\n' $(((SECONDS - started) / 60)) $(((SECONDS - started) % 60)) "$*"
}

# die TEXT...: reports an error before the first test, and exits
die() {
    say "FAILED: $*" >&2
    failed=$((failed + 1))
    failures+=("$*")
    exit 1
}

pass() {
    passed=$((passed + 1))
}

fail() {
    say "FAIL: $*"
    failed=$((failed + 1))
    failures+=("$*")
}

skip() {
    say "SKIP: $*"
    skipped=$((skipped + 1))
}

# check NAME COMMAND...: a test that is a command; prints its output if it fails
check() {
    local name=$1 log status
    shift
    log=$(mktemp)
    "$@" >"$log" 2>&1
    status=$?
    if [ "$status" -eq 0 ]; then
        say "ok: $name"
        pass
    elif [ "$status" -eq 77 ]; then
        skip "$name: $(tail -n 1 "$log")"
    else
        tail -n 60 "$log"
        fail "$name (exit status $status)"
    fi
    rm -f "$log"
}

# count_junit FILE: adds the counts of a pytest run; at the end of all tests, the failed tests are listed with their
# errors
count_junit() {
    local report p f s line
    report=$(/usr/bin/python3 - "$1" <<'P'
import sys, xml.etree.ElementTree as E
n = dict(tests=0, failures=0, errors=0, skipped=0)
root = E.parse(sys.argv[1])
for s in root.iter("testsuite"):
    for k in n:
        n[k] += int(s.get(k, 0))
bad = n["failures"] + n["errors"]
print(max(0, n["tests"] - bad - n["skipped"]), bad, n["skipped"])
for case in root.iter("testcase"):
    for why in case.findall("failure") + case.findall("error"):
        print("%s.%s: %s" % (case.get("classname"), case.get("name"), " ".join(why.get("message", "").split())[:300]))
P
    ) || return 1
    read -r p f s <<<"$report"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    while IFS= read -r line; do failures+=("$line"); done < <(tail -n +2 <<<"$report")
}

# run_pytest NAME TIMEOUT PATH [ARG...]: runs pytest and counts its tests
run_pytest() {
    local name=$1 limit=$2 status xml
    shift 2
    xml=$workshop/$name.xml
    rm -f "$xml"
    say "$name: pytest"
    timeout --kill-after=30 "$limit" /usr/bin/python3 -B -m pytest -q -p no:cacheprovider \
        --tb=short --junit-xml="$xml" --color=no "$@"
    status=$?
    if ! [ -s "$xml" ] || ! count_junit "$xml"; then
        fail "$name: pytest ended with status $status and no result"
    elif [ "$status" -gt 1 ]; then
        fail "$name: pytest ended with status $status"
    fi
}

finish_tests() {
    local status=$?
    [ "$status" -eq 0 ] || [ "$failed" -gt 0 ] || {
        failed=$((failed + 1))
        failures+=("ended early with status $status")
    }
    [ ${#failures[@]} -eq 0 ] || printf 'failed: %s\n' "${failures[@]}"
    say "done"
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ] || exit 1
    [ "$passed" -gt 0 ] || exit 1
    exit 0
}
