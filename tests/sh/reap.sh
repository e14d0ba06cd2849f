# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Ends all processes that a run of the tests has started, however the run ended: by its limit, by a signal, by SIGKILL.
# As a program: waits until process PID has ended, then ends them. lanes.sh starts it outside of the processes that it
# ends.

# processes_of PID: the processes with this mark, except reap.sh and this shell
processes_of() {
    grep -lszFx "VFALIAS_TESTS_RUN=$1" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3 | grep -vxE "$1|$$|$BASHPID"
}

# end_processes PID: SIGTERM, time for their own cleanup, then SIGKILL
end_processes() {
    local pid waited=()
    for pid in $(processes_of "$1"); do
        if kill -TERM "$pid" 2>/dev/null; then waited+=("--pid=$pid"); fi
    done
    [ ${#waited[@]} -gt 0 ] || return 0
    timeout 10 tail "${waited[@]}" -f /dev/null
    for pid in $(processes_of "$1"); do kill -KILL "$pid" 2>/dev/null; done
    return 0
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    tail --pid="$1" -f /dev/null
    end_processes "$1"
fi
