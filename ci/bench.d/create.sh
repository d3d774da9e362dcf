#!/bin/sh
# create.sh [TEMPLATE...] - what a sale costs, as `NAME VALUE` lines in
# milliseconds of the machine's own clock; HYPERVISOR=serai (default) or xen.
#
#	TEMPLATE.create   `vps create` until the new VPS's SSH banner
#	TEMPLATE.start    `vps start` of it, until the banner
#	TEMPLATE.xl       `xl create` of the same kernel and disk, until it ends
#	TEMPLATE.xl-ssh   the same, until the banner
#
# QEMU's -icount makes an instruction a nanosecond, so this machine's speed and
# load do not count. Nothing is outside the emulated machine while it is
# measured (no disk, no network card: waiting for those would be time that
# -icount makes up): state and disks are in dom0's RAM.
set -eu
cd "$(dirname "$0")/../.."
B=${B:-$PWD/build}
[ $# -gt 0 ] || set -- busybox debian-12
work=$B/bench/create-${HYPERVISOR:-serai}
rm -rf "$work"
mkdir -p "$work"
image=$B/hypervisor.elf
[ "${HYPERVISOR:-serai}" = serai ] || image=$B/xen.elf

# dom0's RAM root with this template's package and the program that measures.
overlay() { # TEMPLATE
	tree=$work/tree
	rm -rf "$tree"
	mkdir -p "$tree/bench" "$tree/etc"
	cp "$B/templates/$1"-*.tar.zst "$tree/bench/"
	cp ci/bench.d/create-dom0 "$tree/bench/run"
	cp dom0-image/overlay/etc/inittab "$tree/etc/inittab"
	# A word of our own: the console's shell would write between our lines.
	sed -i '/serai\/console/d' "$tree/etc/inittab"
	echo "::once:/bench/run $1" >>"$tree/etc/inittab"
	# The kernel looks for the next archive at a multiple of four.
	cp "$B/dom0-root.img" "$work/root"
	truncate -s %4 "$work/root"
	(cd "$tree" && find . | cpio -o -H newc --quiet -R 0:0) >>"$work/root"
}

for template; do
	memory=2048
	[ "$template" = busybox ] || memory=5120
	overlay "$template"
	timeout "${BENCH_LIMIT:-1500}" nice qemu-system-x86_64 \
		-accel tcg,thread=single -icount shift=0,sleep=off \
		-cpu Nehalem -m "$memory" -nographic -no-reboot -net none \
		-kernel "$image" \
		-append "console=com1 com1=115200 dom0_mem=$((memory - 700))M" \
		-initrd "$B/dom0-vmlinux console=hvc0 rootfstype=ramfs serai.net=10.0.2.15/24 serai.wait=1,$work/root" \
		</dev/null 2>&1 | tr -d '\r' >"$work/$template.log"
	sed -n 's/^.*BENCH //p' "$work/$template.log"
	grep -q 'BENCH-END' "$work/$template.log" || {
		echo "create.sh: $template did not end" \
			"(log: $work/$template.log)" >&2
		exit 1
	}
done
