#!/bin/sh
# title: Starting, creating, destroying
# unit: milliseconds of the machine's clock, a million instructions each
# Group 3. Boot: from the loader's jump into the hypervisor to dom0's first
# instruction (a PV test kernel's), and to the first process in the appliance's
# RAM root. Guests: Debian's kernel, unpacked, with 128 MiB and one process.
# A sale: `vps create` in the whole appliance, until SSH answers (create.sh).
set -eu
cd "$(dirname "$0")/../.."
. ci/bench.d/lib.sh
# shellcheck disable=SC2154 # of lib.sh
work=$bench_dir/life
mkdir -p "$work/over" "$work/guest/dev"
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

bench_tools_root "$work/host"
cp "$work/over/boot-init" "$work/guest/init"
bench_pack "$work/guest"
cp "$work/guest.gz" "$work/host/bench/"
cp "$B/dom0-vmlinux" "$work/host/bench/vmlinux"
cp ci/bench.d/life-host "$work/host/init"
bench_pack "$work/host"

# The TSC at the loader's jump.
loader=$(bench_qemu -m 1024 -kernel "$work/loader.elf" |
	sed -n 's/^.*BOOT loader //p')
[ "$loader" ]

# since_loader NAME TSC
since_loader() {
	echo "$1 $2" | awk -v l="$loader" '
		$2 !~ /^[0-9]+$/ { exit 1 }
		{ printf "%s %.1f\n", $1, ($2 - l) / 1e6 }'
}

# boot, guests, sale serai|xen - "NAME MILLISECONDS"
boot() {
	tsc=$(bench_qemu -m 1024 -kernel "$(bench_image "$1")" -append \
		"console=com1 com1=115200 dom0_mem=448M" \
		-initrd "$B/guest/hello.elf" |
		sed -n 's/^.*first instruction at TSC //p')
	since_loader "hypervisor,_to_dom0's_first_instruction" "$tsc" || return
	tsc=$(bench_hv "$1" dom0_mem=448M "$work/root.img" \
		"rootfstype=ramfs rdinit=/boot-init" -m 1024 |
		sed -n 's/^.*BOOT user //p')
	since_loader "to_dom0's_first_process" "$tsc"
}
guests() {
	bench_lines LIFE "$work/$1.console" bench_hv "$1" dom0_mem=640M \
		"$work/host.gz" "" -m 4096
}
sale() {
	HYPERVISOR=$1 ci/bench.d/create.sh busybox >"$work/$1.create" || return
	sed -n "s/^busybox.create/vps_create,_until_SSH_answers/p
		s/^busybox.start/vps_start,_until_SSH_answers/p" "$work/$1.create"
}

for part in boot guests sale; do
	$part serai
done >"$work/serai"
sources="ci/bench.d/life-host ci/bench.d/boot-init.c ci/bench.d/create-dom0"
for part in boot guests sale; do
	bench_kept life.xen.$part "$sources" $part xen
done >"$work/xen"
bench_begin life
bench_join /dev/null "$work/xen" "$work/serai"
