# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# A lab host as a QEMU process: start, wait, talk, end.
#
# Each instance has a folder $LAB_RUN/NAME: alive (locked as long as QEMU lives, by a descriptor that
# QEMU inherits, so that a name is never taken by a stale process id), pid, port, console (log),
# console.sock, qmp, link.sock, ssh (shared connection), entry and tools (the cache folders it uses),
# owner (the checkout that started it).
# QEMU runs in the tools root in a mount namespace of its own: its mounts end with it.

LAB_MEMORY=4096                         # MiB, of the emulated host
LAB_LIMIT=$((6 * 1024 * 1024 * 1024))   # bytes, address space of the whole QEMU process: a firm cap

vm_dir() { printf '%s/%s' "$LAB_RUN" "$1"; }
vm_alive() { [ -e "$LAB_RUN/$1/alive" ] && ! flock -ns "$LAB_RUN/$1/alive" true; }
vm_is_ours() { [ "$(cat "$LAB_RUN/$1/owner" 2>/dev/null)" = "$LAB_HOME" ]; }
vm_check_name() { [[ $1 =~ ^[a-z][a-z0-9-]{0,30}$ ]] || die "'$1' is no name for a host: a-z, 0-9, -"; }
vm_check_alive() { vm_alive "$1" || die "no lab host '$1' is up: see 'lab status'"; }

# vm_args NAME PEER SNAPSHOT: fills LAB_ARGS. Paths are those inside the tools root.
vm_args() {
    local name=$1 peer=$2 snapshot=$3 uuid link address=192.168.77.1 peers='' virtio=disable-legacy=on,iommu_platform=on,romfile=
    uuid=$(</proc/sys/kernel/random/uuid)
    link=stream,id=link,addr.type=unix,server=on,addr.path=/lab/run/$name/link.sock
    if [ -n "$peer" ]; then
        link=stream,id=link,addr.type=unix,server=off,addr.path=/lab/run/$peer/link.sock
        address=192.168.77.2
        peers=" lab.peers=$peer:192.168.77.1,$name:192.168.77.2"
    fi
    # shellcheck disable=SC2054 # commas are QEMU's
    LAB_ARGS=(-name "$name" -uuid "$uuid" -nodefaults -no-user-config -display none -daemonize
        -pidfile "/lab/run/$name/pid" -qmp "unix:/lab/run/$name/qmp,server=on,wait=off"
        -chardev "socket,id=con,path=/lab/run/$name/console.sock,server=on,wait=off,logfile=/lab/run/$name/console"
        -serial chardev:con
        # -cpu max has SVM in it, so that guests of type 'kvm' run inside (8 times faster than TCG in TCG). One processor: where
        # two of a host share a real one with another host, each waits for a lock that the other one holds
        -accel tcg,thread=multi,tb-size=512 -cpu max -smp 1 -m "$LAB_MEMORY"
        -M q35,kernel-irqchip=split,hpet=off,vmport=off,smm=off
        -device intel-iommu,intremap=on,eim=on,caching-mode=on # first: it must see all devices
        -kernel /lab/host/vmlinuz -initrd /lab/host/initrd
        -append "console=ttyS0 TERM=dumb quiet loglevel=4 intel_iommu=on iommu=pt mitigations=off nokaslr audit=0 init_on_alloc=0 apparmor=1 tsc=reliable no_timer_check systemd.hostname=$name systemd.machine_id=${uuid//-/} systemd.show_status=no lab.link=$address$peers"
        -drive "if=none,id=disk,file=/lab/host/disk,format=raw,snapshot=$snapshot,cache=unsafe"
        -device virtio-blk-pci,drive=disk,bus=pcie.0,addr=02.0
        # port 0: the kernel finds a free one, vm_up asks which
        -netdev user,id=mgmt,hostfwd=tcp:127.0.0.1:0-:22
        -device virtio-net-pci,netdev=mgmt,mac=52:54:00:aa:aa:aa,romfile=,bus=pcie.0,addr=03.0
        -netdev "$link"
        -device "virtio-net-pci,netdev=link,mac=52:54:00:bb:bb:0${address##*.},romfile=,bus=pcie.0,addr=07.0"
        -device virtio-rng-pci,bus=pcie.0,addr=08.0
        # the devices this is about, each behind a port of its own: 01:00.0, 02:00.0, 03:00.0 and their VFs
        -device pcie-root-port,id=rp1,chassis=1,slot=1,bus=pcie.0,addr=04.0
        -netdev hubport,id=n1,hubid=1 -device igb,bus=rp1,netdev=n1,mac=52:54:00:01:00:00
        -device pcie-root-port,id=rp2,chassis=2,slot=2,bus=pcie.0,addr=05.0
        -netdev hubport,id=n2,hubid=2 -device igb,bus=rp2,netdev=n2,mac=52:54:00:02:00:00
        -device pcie-root-port,id=rp3,chassis=3,slot=3,bus=pcie.0,addr=06.0
        -device nvme-subsys,id=subsys0
        -device nvme,id=nvme0,serial=lab,subsys=subsys0,bus=rp3,sriov_max_vfs=4,sriov_vq_flexible=8,sriov_vi_flexible=4,max_ioqpairs=10,msix_qsize=6
        -blockdev null-co,node-name=ns0,size=67108864,read-zeroes=on
        -device nvme-ns,drive=ns0,bus=nvme0,nsid=1,shared=on
        # what vp_vdpa makes vDPA devices of: 04:00.0 is on the network of 01:00.0, and 05:00.0 on that of 02:00.0
        -device pcie-root-port,id=rp4,chassis=4,slot=4,bus=pcie.0,addr=09.0 -netdev hubport,id=n4,hubid=1
        -device "virtio-net-pci,bus=rp4,netdev=n4,mac=52:54:00:04:00:00,$virtio"
        -device pcie-root-port,id=rp5,chassis=5,slot=5,bus=pcie.0,addr=0a.0 -netdev hubport,id=n5,hubid=2
        -device "virtio-net-pci,bus=rp5,netdev=n5,mac=52:54:00:05:00:00,$virtio")
}

# vm_start NAME PEER SNAPSHOT TOOLS HOST: starts QEMU; returns as soon as its sockets are there.
vm_start() {
    local name=$1 peer=$2 snapshot=$3 tools=$4 host=$5 dir alive
    dir=$(vm_dir "$name")
    mkdir -p "$LAB_CACHE/overlay" "$dir"
    chmod 700 "$LAB_RUN"
    exec {alive}>>"$dir/alive"
    flock -w 3 "$alive" || die "a lab host '$name' is up already"
    rm -f "$dir"/{pid,qmp,console,console.sock,link.sock,port,ssh}
    ln -sfn "$host" "$dir/entry"
    ln -sfn "$tools" "$dir/tools"
    printf '%s\n' "$LAB_HOME" >"$dir/owner"
    vm_args "$name" "$peer" "$snapshot"
    limited 60 unshare --mount -- "$LAB_HOME/lib/enter" "$tools/root" "$host:/lab/host" "$LAB_RUN:/lab/run" \
        "$LAB_CACHE/overlay:/var/tmp" -- prlimit --as="$LAB_LIMIT" --stack=2097152 env MALLOC_ARENA_MAX=2 qemu-system-x86_64 "${LAB_ARGS[@]}" 2>"$dir/stderr" || {
        cat "$dir/stderr" >&2
        die "cannot start QEMU for '$name'"
    }
    exec {alive}>&-
    vm_qmp "$name" 'info usernet' | awk '$1 ~ /^TCP.HOST_FORWARD/ { print $4; exit }' >"$dir/port"
}

# vm_qmp NAME COMMAND: a command of QEMU's human monitor
vm_qmp() { timeout 20 "$LAB_HOME/lib/monitor" "$LAB_RUN/$1/qmp" "$2"; }

# vm_wait NAME SECONDS [OFFSET]: until the host says, after so many bytes on its console, that it is ready or failed, QEMU
# ends, or the time is over
vm_wait() {
    local dir
    dir=$(vm_dir "$1")
    limited "$2" "$LAB_HOME/lib/wait-line" "$dir/console" "$(<"$dir/pid")" '^LAB (ready|failed)|Kernel panic' "${3:-0}" \
        >"$dir/ready" || true
    grep -qs '^LAB ready' "$dir/ready" || {
        tail -n 25 "$dir/console" >&2
        die "lab host '$1' did not get ready within $2 s"
    }
    say "$1: $(tr -d '\r' <"$dir/ready")"
}

# vm_ssh_args NAME: fills LAB_SSH: ssh over a shared connection
vm_ssh_args() {
    local dir
    dir=$(vm_dir "$1")
    LAB_SSH=(ssh -q -F none -i "$dir/entry/key" -p "$(<"$dir/port")" -o IdentitiesOnly=yes -o StrictHostKeyChecking=no
        -o UserKnownHostsFile=/dev/null -o ControlMaster=auto -o ControlPath="$dir/ssh" -o ControlPersist=yes
        -o ConnectTimeout=30 -o ServerAliveInterval=20 -o ServerAliveCountMax=3 root@127.0.0.1)
}

# vm_ssh NAME CMD…
vm_ssh() {
    vm_ssh_args "$1"
    "${LAB_SSH[@]}" "${@:2}"
}

# vm_reboot NAME SECONDS: as its administrator would. The disk keeps what was written to it.
vm_reboot() {
    local name=$1 start
    start=$(stat -c %s "$LAB_RUN/$name/console")
    vm_ssh "$name" systemctl reboot || true # its answer may not get here
    vm_ssh_end "$name"
    vm_wait "$name" "$2" "$start"
}

# vm_ssh_end NAME: ends the shared connection
vm_ssh_end() {
    local dir
    dir=$(vm_dir "$1")
    [ ! -S "$dir/ssh" ] || ssh -q -F none -o ControlPath="$dir/ssh" -O exit lab 2>/dev/null || true
}

# vm_stop NAME: ends QEMU; what is left of the folder is the console log
vm_stop() {
    local name=$1 dir
    dir=$(vm_dir "$name")
    vm_ssh_end "$name"
    if vm_alive "$name"; then
        vm_qmp "$name" quit >/dev/null 2>&1 || true
        if ! flock -w 10 "$dir/alive" true; then
            # the lock is held, so the process that wrote this file is the one that lives
            kill -KILL "$(<"$dir/pid")" 2>/dev/null || true
            flock -w 10 "$dir/alive" true || die "cannot end lab host '$name'"
        fi
    fi
    rm -f "$dir"/{alive,pid,qmp,console.sock,link.sock,port,ssh,entry,tools,owner}
}
