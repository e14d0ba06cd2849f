# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The output of the demonstration: headings, commands with their output, and a verdict on each claim.
#
# Invariant: the demonstration claims nothing that it has not checked (verdict). Every command has a time limit.

: "${lab:?the command lab}" "${host:?the name of the host}"
bold='' dim='' green='' red='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
fi
limit=90 # seconds for a command
prompt=host
output='' # output of the last command that was shown
verdicts=()
wrong=0

# in_host COMMAND: runs a shell line without showing it. The host applies the limit; a host that does not answer is
# given up here.
in_host() {
    timeout --kill-after=5 $((limit + 30)) "$lab" ssh "$host" "timeout $limit bash -c $(printf %q "$1")" </dev/null
}

heading() {
    printf '\n%s' "$bold"
    say "$*"
    printf '%s' "$plain"
}

# show COMMAND: shows a command as the host's administrator types it, with its output
show() {
    show_at "$prompt#" "$1" "$1"
}

# on HOST COMMAND...: runs any of these functions for another host
on() {
    local host=$1 prompt=$1
    shift
    "$@"
}

# show_guest DOMAIN COMMAND: as typed inside a guest, on its serial console
show_guest() {
    show_at "$1#" "$2" "lab-guest-run 60 $1 $(printf %q "$2") | tail -n +2"
}

# show_at PROMPT TEXT COMMAND
show_at() {
    printf '\n%s%s%s %s%s%s\n' "$dim" "$1" "$plain" "$bold" "$2" "$plain"
    output=$(in_host "$3" 2>&1)
    case $? in
    124 | 137) output+=$'\n'"(ended after $limit s)" ;;
    esac
    output=${output#$'\n'}
    [ -z "$output" ] || printf '%s\n' "$output"
}

# verdict TEXT COMMAND...: TEXT is true if COMMAND succeeds
verdict() {
    local text=$1
    shift
    if "$@" >/dev/null 2>&1; then
        verdicts+=("${green}yes${plain}  $text")
    else
        verdicts+=("${red}NO${plain}   $text")
        wrong=$((wrong + 1))
        printf '%sNot so: %s%s\n' "$red" "$text" "$plain"
    fi
}

# ---- conditions for verdicts ----

# said REGEX...: the last output has a line for each of them
said() {
    local regex
    for regex; do grep -Eq -- "$regex" <<<"$output" || return 1; done
}

# all COMMAND...: every argument is a shell line that succeeds in the host
all() {
    local command
    for command; do in_host "$command" || return 1; done
}

# soon COMMAND: a shell line in the host succeeds before $limit is over
soon() {
    in_host "until { $1; } >/dev/null 2>&1; do sleep 0.1; done"
}

# active DOMAIN N: N claims of the domain are active
active() {
    soon "test \"\$(vfalias claims --json | jq 'map(select(.domain == \"$1\" and .state == \"active\")) | length')\" = $2"
}

# guest_says DOMAIN REGEX: a line on its console matches
guest_says() {
    in_host "lab-wait-line $limit /lab/console/$1 '$2'"
}

summary() {
    heading "What was shown"
    printf '%s\n' "${verdicts[@]}"
    [ "$wrong" -eq 0 ] || {
        printf '%s%d of %d were not so.%s\n' "$red" "$wrong" "${#verdicts[@]}" "$plain"
        return 1
    }
}

# ---- a host and its guests, for every story ----

# A host as its administrator set it up.
configuration='[pci]
device_spec = {"vendor_id": "8086", "product_id": "10ca", "physical_network": "physnet1"}
device_spec = {"address": {"domain": "0000", "bus": "03", "slot": "00", "function": "[1-4]"}}
alias = {"name": "net", "vendor_id": "8086", "product_id": "10ca", "device_type": "type-VF"}
alias = {"name": "accel", "vendor_id": "1b36", "product_id": "0010", "device_type": "type-VF"}'

configure() {
    in_host "mkdir -p /etc/vfalias && echo '$configuration' >/etc/vfalias/vfalias.conf && systemctl reload vfaliasd"
}

# requests ALIAS[*COUNT]...: the text for virsh metadata --set
requests() {
    local word text=
    for word; do
        case $word in
        *\**) text+="<request alias=\"${word%%\**}\" count=\"${word##*\*}\"/>" ;;
        *) text+="<request alias=\"$word\"/>" ;;
        esac
    done
    printf '<requests>%s</requests>' "$text"
}

# ask DOMAIN --config|--live ALIAS...
ask() {
    show "virsh metadata $1 urn:vfalias:1 --key vfalias $2 \\
      --set '$(requests "${@:3}")'"
}
