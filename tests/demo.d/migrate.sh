# shellcheck shell=bash disable=SC2016 # lines in single quotes are for the host's shell
# SPDX-License-Identifier: LGPL-2.1-or-later
# The demonstration of live migration: two hosts, and a guest with a network VF that moves to a host where the VF has
# another address, with plain virsh; then a guest with an accelerator, which cannot migrate, with `vfalias migrate`.

: "${host:?the first host}" "${peer:?the second host}" "${output:=}"
mac=52:54:00:01:02:03

prepare_hosts() {
    boot_host "$peer" --peer "$host"
    in_host "echo 192.168.77.2 $peer >>/etc/hosts" || die "cannot prepare the host"
    configure || die "cannot prepare the host"
    on "$peer" configure || die "cannot prepare the second host"
    in_host "lab-guest mover --ports 6 \"<interface type='user'><mac address='$mac'/><model type='virtio'/>\\
<teaming type='persistent'/><alias name='ua-backup'/></interface>\" >mover.xml; lab-guest worker >worker.xml" ||
        die "cannot prepare the guests"
    on "$peer" in_host "lab-guest other --firmware-only >other.xml" || die "cannot prepare the second host"
}

two_hosts() {
    heading "Two hosts with the same aliases; on the second one, a guest has the first VFs already"
    show "cat /etc/vfalias/vfalias.conf"
    on "$peer" show "cat /etc/vfalias/vfalias.conf"
    on "$peer" show "virsh define other.xml"
    on "$peer" ask other --config 'net*3'
    on "$peer" show "virsh start other"
    verdict "a guest of the second host holds its first three VFs" on "$peer" active other 3
    on "$peer" show "vfalias claims"
}

a_guest_with_a_pair() {
    heading "A guest with a VF and a virtio card beside it, as a teaming pair: the VF is asked for by name"
    show "virsh define mover.xml"
    show "virsh metadata mover urn:vfalias:1 --key vfalias --config \\
      --set '<requests><request alias=\"net\" name=\"dp0\"><interface type=\"hostdev\"><mac address=\"$mac\"/>
             <teaming type=\"transient\" persistent=\"ua-backup\"/></interface></request></requests>'"
    show "virsh start mover"
    verdict "the guest has its VF" active mover 1
    guest_says mover '^GUEST pci .* 8086:10ca igbvf' >/dev/null
    show "vfalias claims"
    in_host "lab-guest-run 20 mover '(while :; do uptime >/uptime; usleep 200000; done) </dev/null >/dev/null 2>&1 &'"
    show_guest mover "cat /proc/uptime; cut -f1,2,18 /proc/bus/pci/devices | grep 808610ca; ip -o link | grep -c $mac"
    verdict "the guest's kernel has the VF, and a pair with one MAC address" said '808610ca.*igbvf' '^3$'
    before=$(in_host "vfalias claims --json | jq -r '.[0].device'")
    uptime=$(grep -Eom1 '^[0-9]+' <<<"$output")
}

it_moves() {
    heading "It moves: plain virsh migrate"
    show "virsh migrate --live mover qemu+tcp://$peer/system"
    verdict "the guest runs on the second host, and no longer on the first" all \
        'test "$(virsh list --name | xargs)" = ""' "test \"\$(virsh -c qemu+tcp://$peer/system domstate mover)\" = running"
    on "$peer" active mover 1
    on "$peer" show "vfalias claims"
    after=$(on "$peer" in_host "vfalias claims --json | jq -r '.[] | select(.domain == \"mover\") | .device'")
    verdict "there it has another VF ($after) than it had ($before)" test -n "$after" -a "$after" != "$before"
    on "$peer" show "virsh dumpxml mover --xpath \"//interface[@type='hostdev']\""
    verdict "with the MAC address it had, in the place in the guest it had" said "$mac" 'ua-vf-dp0'
    on "$peer" guest_says mover '^GUEST pci .* 8086:10ca igbvf' >/dev/null
    on "$peer" show_guest mover "cat /proc/uptime; cut -f1,2,18 /proc/bus/pci/devices | grep 808610ca"
    verdict "the guest was not started anew: it is up for longer than before" \
        test "$(grep -Eom1 '^[0-9]+' <<<"$output")" -gt "${uptime:-999999}"
    verdict "its driver has the VF of the second host" said '808610ca.*igbvf'
    on "$peer" show "virsh metadata mover urn:vfalias:1"
    verdict "what it asks for came along" said 'alias="net"|alias=.net.'
    show "vfalias claims"
    verdict "the first host has all its devices back" said '^no claims'
}

what_cannot_migrate() {
    heading "An accelerator cannot migrate: it is taken out, and the other host attaches its own"
    show "virsh define worker.xml"
    ask worker --config accel
    show "virsh start worker"
    verdict "the guest has its accelerator" active worker 1
    guest_says worker '^GUEST ready' >/dev/null
    show "virsh migrate --live worker qemu+tcp://$peer/system"
    verdict "plain virsh cannot migrate it" said 'error:'
    show "vfalias migrate worker qemu+tcp://$peer/system --dry-run"
    verdict "the other host promises one" said '^accel-0 .* 0000:03:'
    show "vfalias migrate worker qemu+tcp://$peer/system"
    verdict "vfalias migrate can" said "^domain 'worker' runs at"
    on "$peer" show "vfalias claims"
    verdict "it has one of the second host's" on "$peer" active worker 1
    show "vfalias claims"
    verdict "and none of the first" said '^no claims'
}

none_there() {
    heading "And back? Somebody has taken all accelerators there meanwhile"
    in_host "lab-guest greedy --firmware-only --ports 6 >greedy.xml; virsh -q define greedy.xml"
    ask greedy --config 'accel*4'
    show "virsh start greedy"
    active greedy 4
    on "$peer" show "vfalias migrate worker qemu+tcp://$host/system"
    verdict "refused by the line of the host that has none, before anything was detached" said \
        "the destination refuses: domain 'worker': no free device for request 'accel-0': alias 'accel' has 4 devices, 4 claimed"
    verdict "the guest still has its accelerator where it is" on "$peer" active worker 1
}

tell_story() {
    local before='' after='' uptime=''
    prepare_hosts
    two_hosts
    a_guest_with_a_pair
    it_moves
    what_cannot_migrate
    none_there
}
