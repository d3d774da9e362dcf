#!/bin/sh
# Debian's kernel and the RAM root as dom0 on our hypervisor, with 1, 2 and 4
# CPUs: up to SSH, no complaint of either side, a disk read, and power-off.
# shellcheck disable=SC2119 # no arguments is the default
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=ci/qemu.sh
. "$here/qemu.sh"

make -C "$here/../hypervisor" O="$B" >"$B/log/hypervisor.log" 2>&1 || {
	echo "FAIL dom0: expected the hypervisor to build" \
		"(log: $B/log/hypervisor.log)"
	exit 1
}
head -c 8388608 /dev/urandom >"$B/log/dom0-disk.img"
sum=$(sha256sum <"$B/log/dom0-disk.img" | cut -d' ' -f1)

for cpus in 1 2 4; do
	vm_test="dom0: $cpus CPUs"
	vm_cpus=$cpus
	vm_prepare "dom0-$cpus"
	vm_start -kernel "$B/hypervisor.elf" \
		-append "console=com1 com1=115200 dom0_mem=448M loglvl=all" \
		-initrd "$B/dom0-vmlinux console=hvc0 rootfstype=ramfs,$B/dom0-root.img" \
		-drive "if=none,id=d,format=raw,file=$B/log/dom0-disk.img" \
		-device virtio-blk-pci,drive=d,serial=testdisk
	vm_wait_up
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
	check "$vm_test: no complaint in dmesg" 0 "$(dom0 dmesg </dev/null |
		grep -cE 'BUG:|WARNING:|Oops|Call Trace|rcu:.*stall|soft lockup')"
	vm_poweroff
	check "$vm_test: none of the hypervisor's" 0 "$(grep -acE \
		'hypervisor fault|panic|double fault' "$vm_dir/console.log")"
	echo "ok $vm_test: powers off"
done
rm -f "$B/log/dom0-disk.img"
