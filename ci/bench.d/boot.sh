#!/bin/sh
# title: Boot
# unit: million instructions after the loader's jump (group 3)
# From the loader's jump into the hypervisor to dom0's first instruction (a PV
# test kernel's), and to the first process in the appliance's RAM root.
set -eu
cd "$(dirname "$0")/../.."
. ci/bench.d/lib.sh
work=$bench_dir/boot
mkdir -p "$work/over"
make -C hypervisor/test/guest O="$B" "$B/guest/hello.elf" >"$work/make.log" 2>&1
make -C templates B="$B" busybox >>"$work/make.log" 2>&1
make -C dom0-image B="$B" "$B/dom0-root.img" >>"$work/make.log" 2>&1
gcc -m32 -O2 -ffreestanding -fno-pie -fno-stack-protector -nostdlib -static \
	-no-pie -Wl,-Ttext=0x200000 -Wl,--build-id=none \
	-Wl,--no-warn-rwx-segments -Wl,-z,noexecstack -Wl,-N \
	-o "$work/loader.elf" ci/bench.d/loader.c
gcc -O2 -static -o "$work/over/boot-init" ci/bench.d/boot-init.c
cp "$B/dom0-root.img" "$work/root.img"
truncate -s %512 "$work/root.img"
(cd "$work/over" && echo boot-init | cpio -o -H newc --quiet) >>"$work/root.img"

loader=$(bench_qemu -m 1024 -kernel "$work/loader.elf" |
	sed -n 's/^.*BOOT loader //p')
[ "$loader" ]

# first IMAGE, user IMAGE - TSC at dom0's first instruction, first process
first() {
	bench_qemu -m 1024 -kernel "$1" -append \
		"console=com1 com1=115200 dom0_mem=448M" \
		-initrd "$B/guest/hello.elf" |
		sed -n 's/^.*first instruction at TSC //p'
}
user() {
	bench_hv "$1" dom0_mem=448M "$work/root.img" \
		"rootfstype=ramfs rdinit=/boot-init" -m 1024 |
		sed -n 's/^.*BOOT user //p'
}

row() { # NAME FUNCTION
	bench_row "$1" - \
		"$(since_loader "$("$2" "$B/xen.elf")")" \
		"$(since_loader "$("$2" "$B/hypervisor.elf")")"
}
since_loader() {
	awk -v t="$1" -v l="$loader" 'BEGIN {
		if (t !~ /^[0-9]+$/) exit 1
		printf "%.1f\n", (t - l) / 1e6 }'
}
bench_begin boot
row "hypervisor boot, to dom0's first instruction" first
row "to dom0's first process" user
