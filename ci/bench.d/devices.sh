#!/bin/sh
# title: Devices and a compiler in a guest
# unit: instructions, for one way of a byte, a KiB, a page, a compilation
# Group 4: TCP between two guests and from a guest to dom0, a disk that is
# dom0's memory, and gcc (cc1 and as) that compiles micro.c. On the bare
# machine the network is `lo` and the disk the loop device itself.
set -eu
cd "$(dirname "$0")/../.."
. ci/bench.d/lib.sh
# shellcheck disable=SC2154 # of lib.sh
work=$bench_dir/devices
mkdir -p "$work"
modules=$B/cache/dom0-stage/lib/modules

# root TREE - TREE.gz: io.c, busybox and the compiler behind devices-guest
root() {
	rm -rf "$1"
	mkdir -p "$1/bin" "$1/modules"
	find "$modules" -name xen-netfront.ko -o -name xen-blkfront.ko \
		-o -name loop.ko | while read -r file; do
		cp "$file" "$1/modules/"
	done
	cp "$B/dom0-root/usr/bin/busybox" "$1/bin/"
	cp ci/bench.d/devices-guest "$1/init"
	gcc -O2 -static -o "$1/io" ci/bench.d/io.c
	gcc -E -o "$1/micro.i" ci/bench.d/micro.c
	for program in cc1 as; do
		cp "$(gcc -print-prog-name=$program | xargs which)" "$1/"
		ldd "$1/$program" | sed -n 's,^[^/]*\(/[^ ]*\) (.*,\1,p' |
			while read -r file; do
				mkdir -p "$1${file%/*}"
				cp -L "$file" "$1$file"
			done
	done
	bench_pack "$1"
}

# bare, measure serai|xen - "NAME COST"
bare() {
	bench_lines IO "$work/bare.console" \
		bench_bare "$work/root.gz" "-- bare" -m 1024
}
measure() {
	bench_lines IO "$work/$1.console" \
		bench_hv "$1" dom0_mem=768M "$work/host.gz" "" -m 2048
}

root "$work/root"
bench_tools_root "$work/host"
cp "$work/root.gz" "$work/host/bench/guest.gz"
cp "$work/root/io" ci/bench.d/devices-hotplug "$B/dom0-vmlinux" \
	"$work/host/bench/"
mv "$work/host/bench/dom0-vmlinux" "$work/host/bench/vmlinux"
cp ci/bench.d/devices-host "$work/host/init"
bench_pack "$work/host"

sources="ci/bench.d/io.c ci/bench.d/micro.c"
bench_kept devices.bare "$sources" bare >"$work/bare"
bench_columns devices "$sources" "$work/bare"
