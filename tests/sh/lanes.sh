# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Tests in parallel: a lane is a function that runs in a shell of its own, in the background. Its lines are printed with
# its name in front. wait_lanes adds its counts to the counts of this shell. Sourced after progress.sh and reap.sh.
#
# tests/run itself only waits, so that a signal ends it at once. All processes that it starts have VFALIAS_TESTS_RUN in
# their environment, also an emulated host in a session of its own. By this mark reap.sh finds the processes that are
# left after the run.
# shellcheck disable=SC2030,SC2031  # a lane counts for itself and writes down what it counted

: "${workshop:=}" # set by build.sh
declare -A lane_pid=()

# own_children PROGRAM ARG...: starts tests/run again with the mark, once, and the program that cleans up after it
own_children() {
    if [ "${VFALIAS_TESTS_RUN:-}" != "$$" ]; then
        VFALIAS_TESTS_RUN=$$ exec "$@"
    fi
    env -u VFALIAS_TESTS_RUN setsid bash "${BASH_SOURCE[0]%/*}/reap.sh" "$$" </dev/null >/dev/null 2>&1 &
    disown
}

# start_lane NAME COMMAND...
start_lane() {
    local name=$1
    shift
    rm -f "$workshop/lane-$name"
    {
        (
            lane_result=$workshop/lane-$name
            trap 'note_counts "$lane_result"' EXIT
            trap 'exit 143' INT TERM HUP
            passed=0 failed=0 skipped=0 failures=()
            "$@"
        ) </dev/null 2>&1 | sed -u "s/^/$name | /"
    } &
    lane_pid[$name]=$!
}

# note_counts FILE: writes the counts of this lane
note_counts() {
    local status=$?
    if [ "$status" -ge 128 ]; then
        failures+=("ended early with status $status")
        failed=$((failed + 1))
    fi
    printf '%s\n' "$passed $failed $skipped" "${failures[@]}" >"$1.new"
    mv "$1.new" "$1"
}

# wait_lanes NAME...
wait_lanes() {
    local name p f s line
    for name; do
        wait "${lane_pid[$name]}"
        if ! { read -r p f s <"$workshop/lane-$name"; } 2>/dev/null; then
            fail "$name: ended without a result"
            continue
        fi
        passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
        while IFS= read -r line; do failures+=("$name: $line"); done < <(tail -n +2 "$workshop/lane-$name" | grep .)
        say "$name: $p passed, $f failed, $s skipped"
    done
}

# run_lane NAME COMMAND...: runs one lane to its end
run_lane() {
    start_lane "$@"
    wait_lanes "$1"
}
