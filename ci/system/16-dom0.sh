#!/bin/sh
# Debian's kernel and the RAM root as dom0 on our hypervisor, with 1, 2 and 4
# CPUs: up to SSH, no error that genuine Xen's dom0 does not see, a disk read,
# two minutes of stress on all CPUs, reboot, and power-off.
# STRESS_SECONDS: how long instead.
# shellcheck disable=SC2119 # no arguments is the default
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=ci/qemu.sh
. "$here/qemu.sh"

if ! { make -C "$here/../hypervisor" O="$B" &&
	make -C "$here/../dom0-image" B="$B" "$B/xen.elf" &&
	gcc -O2 -static -o "$B/log/stress" "$here/system/stress.c"; } \
	>"$B/log/hypervisor.log" 2>&1; then
	echo "FAIL dom0: expected hypervisors and stress to build" \
		"(log: $B/log/hypervisor.log)"
	exit 1
fi
head -c 8388608 /dev/urandom >"$B/log/dom0-disk.img"
sum=$(sha256sum <"$B/log/dom0-disk.img" | cut -d' ' -f1)

# boot IMAGE CPUS - dom0 with the disk, until it answers.
boot() {
	vm_cpus=$2
	vm_prepare "dom0-$(basename "$1" .elf)-$2"
	vm_start -kernel "$1" \
		-append "console=com1 com1=115200 dom0_mem=448M loglvl=all" \
		-initrd "$B/dom0-vmlinux console=hvc0 rootfstype=ramfs,$B/dom0-root.img" \
		-drive "if=none,id=d,format=raw,file=$B/log/dom0-disk.img" \
		-device virtio-blk-pci,drive=d,serial=testdisk
	vm_wait_up
}

# errors - what dom0's kernel logs as an error or worse, without the numbers.
errors() {
	dom0 'dmesg -r' </dev/null | tr -d '\r' | sed -n \
		's/^<[0-3]>\[ *[0-9.]*\] //p' | sed 's/[0-9][0-9a-fx.]*/N/g' |
		sort -u
}

# complaints NAME - of either side.
complaints() {
	check "$1: no complaint in dmesg" "" "$(dom0 dmesg </dev/null |
		grep -E 'BUG:|WARNING:|Oops|Call Trace|rcu:.*stall|soft lockup')"
	check "$1: none of the hypervisor's" "" "$(grep -aE \
		'hypervisor fault|panic|double fault' "$vm_dir/console.log")"
}

vm_test="dom0: genuine Xen"
boot "$B/xen.elf" 2
errors >"$B/log/dom0-errors.xen"
vm_kill

for cpus in 1 2 4; do
	vm_test="dom0: $cpus CPUs"
	boot "$B/hypervisor.elf" "$cpus"
	check "$vm_test: all are online" "$cpus" \
		"$(dom0 'grep -c ^processor /proc/cpuinfo' </dev/null)"
	check "$vm_test: it is our hypervisor" -serai "$(dom0 \
		'cat /sys/hypervisor/version/extra' </dev/null | sed 's/^\.[0-9]*//')"
	# shellcheck disable=SC2016 # dom0 expands
	check "$vm_test: a disk reads back what it holds" "$sum" "$(dom0 '
		for d in /sys/block/vd*; do
			[ "$(cat $d/serial)" = testdisk ] &&
				sha256sum </dev/${d##*/} | cut -d" " -f1
		done' </dev/null)"
	errors >"$B/log/dom0-errors.$cpus"
	check "$vm_test: no error that genuine Xen's dom0 does not see" "" \
		"$(comm -23 "$B/log/dom0-errors.$cpus" "$B/log/dom0-errors.xen")"
	if [ "$cpus" -eq 4 ]; then
		dom0_put "$B/log/stress" /tmp/stress
		check_match "$vm_test: stress" \
			'^stress: [1-9][0-9]* rounds, 0 errors$' "$(dom0 "
			chmod +x /tmp/stress
			/tmp/stress ${STRESS_SECONDS:-120} /tmp" </dev/null)"
		complaints "$vm_test, stressed"
		vm_mark=$(vm_lines)
		dom0 reboot </dev/null >/dev/null 2>&1
		vm_disconnect
		vm_wait_up
		echo "ok $vm_test: reboots"
	fi
	complaints "$vm_test"
	vm_poweroff
	echo "ok $vm_test: powers off"
done
rm -f "$B/log/dom0-disk.img"
