# shellcheck shell=bash disable=SC2016 # lines in single quotes are for the host's shell
# SPDX-License-Identifier: LGPL-2.1-or-later
# The chapters of the demonstration. Each chapter shows commands (show.sh) and ends with verdicts.

# The definitions of three guests, which name no device.
prepare_host() {
    configure || die "cannot prepare the host"
    in_host "for name in db1 db2 db3; do lab-guest \$name >\$name.xml; done" || die "cannot prepare the host"
}

the_pool() {
    heading "A host that gives out VFs of its two network cards, and of an accelerator (played by an NVMe controller)"
    show "cat /etc/vfalias/vfalias.conf"
    show "vfalias check"
    verdict "the configuration is that of OpenStack Nova's [pci] section, and valid" said '2 device_spec.* 2 alias'
    show "vfalias stats"
    verdict "the pool before: 14 net and 4 accel, all free" said '^net +14 +14' '^accel +4 +4'
    show "vfalias claims"
    verdict "nobody holds anything" said '^no claims'
}

a_guest_asks() {
    heading "A guest asks for one net and one accel, by name"
    show "virsh define db1.xml"
    ask db1 --config net accel
    show "virsh dumpxml db1 --inactive >db1.before"
    show "virsh start db1"
    verdict "plain virsh define, metadata and start are all that a user needs" said 'started'
    verdict "both devices are attached to the running guest" active db1 2
    show "vfalias claims"
    show "virsh dumpxml db1 --xpath //hostdev"
    verdict "the live XML has two managed hostdevs, known by their user aliases" all \
        'test "$(virsh dumpxml db1 --xpath "//hostdev[@managed=\"yes\"]/alias/@name" | sort | xargs)" = "name=ua-vf-accel-0 name=ua-vf-net-0"'
    guest_says db1 '^GUEST ready' >/dev/null
    guest_says db1 '^GUEST pci .* 8086:10ca igbvf' >/dev/null
    guest_says db1 '^GUEST (add|pci) .* 1b36:0010' >/dev/null
    show_guest db1 "cut -f1,2,18 /proc/bus/pci/devices | grep -e 808610ca -e 1b360010"
    verdict "the guest's own kernel has them, with its driver for the network VF" said '808610ca.*igbvf' '1b360010'
    show "virsh dumpxml db1 --inactive | diff -s db1.before -"
    verdict "the persistent XML is unchanged" said 'identical'
}

another_guest() {
    heading "Another guest asks for the same names, and gets other VFs"
    show "virsh define db2.xml"
    ask db2 --config net "accel*2"
    show "virsh start db2"
    verdict "a guest can have several devices of an alias" active db2 3
    show "vfalias claims"
    verdict "no device is given twice" all \
        'vfalias claims --json | jq -e "length == 5 and (map(.device) | unique | length) == 5"'
}

one_more() {
    heading "The first guest gets one more while it runs"
    ask db1 --live net "accel*2"
    verdict "virsh metadata --live is hot-plug" active db1 3
    show "vfalias claims"
    verdict "the guest's kernel sees the new device" soon \
        'test "$(lab-guest-run 30 db1 "cat /proc/bus/pci/devices" | grep -c 1b360010)" = 2'
    show_guest db1 "cut -f1,2,18 /proc/bus/pci/devices | grep -e 808610ca -e 1b360010"
}

nothing_left() {
    heading "Nothing is left: a start is refused, and its user is told why"
    show "virsh define db3.xml"
    ask db3 --config accel
    show "virsh start db3"
    verdict "a start that cannot be served is refused, in one line with the numbers" said \
        "vfalias: domain 'db3': no free device for request 'accel-0': alias 'accel' has 4 devices, 4 claimed"
    show "virsh domstate db3"
    verdict "the refused guest did not run" said '^shut off'
}

all_back() {
    heading "Guests stop, and their devices are free again"
    show "virsh shutdown db1"
    verdict "shutdown gives back what the guest had" soon \
        'virsh domstate db1 | grep -q "shut off" && ! vfalias claims | grep -qw db1'
    show "vfalias claims"
    show "virsh start db3"
    verdict "the start that was refused works now" active db3 1
    show "virsh destroy db2"
    show "virsh destroy db3"
    show "vfalias claims"
    verdict "no claim is left" said '^no claims'
    show "vfalias stats"
    verdict "the pool is full again: 14 net and 4 accel" said '^net +14 +14' '^accel +4 +4'
    verdict "the host's own drivers have the devices back" all \
        '! ls /sys/bus/pci/drivers/vfio-pci | grep :' \
        'test "$(ls -d /sys/bus/pci/drivers/igbvf/*:* | wc -l)" = 14'
}

tell_story() {
    prepare_host
    the_pool
    a_guest_asks
    another_guest
    one_more
    nothing_left
    all_back
}
