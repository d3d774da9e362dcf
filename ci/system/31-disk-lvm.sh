#!/bin/sh
# 31-disk-lvm.sh - the LVM backend for real: disk_test.sh under dom0's own
# kernel, with its own lvm, on a blank disk in QEMU.  No hypervisor: volumes
# do not depend on one, and this takes a third of the time.
#
# Prints ok/FAIL lines.  Needs build/dom0-vmlinux and build/dom0-root.img.
set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
build=${B:-$top/build}
log=$build/log/disk-lvm
prov=$top/provisioning
work=$(mktemp -d)
qemu=
trap 'exit 130' INT TERM
trap '[ -z "$qemu" ] || kill "$qemu" 2>/dev/null; rm -rf "$work"' EXIT
mkdir -p "$log"
PATH=$PATH:/usr/sbin:/sbin

cd "$prov"
# shellcheck disable=SC2046 # a list of words
gcc -std=c11 -D_GNU_SOURCE -O1 -g -I. test/disk_ctl.c disk.c \
	$(ls disk_*.c) ext.c ext_tar.c tool.c err.c \
	-lext2fs -lcom_err -larchive -o "$work/disk_ctl"
test/pack-overlay "$work/overlay.cpio" test/lvm-init test/disk_test.sh \
	test/disk_volume_cases.sh test/disk_package_cases.sh \
	"$work/disk_ctl" /bin/tar /usr/bin/zstd "$(command -v debugfs)" \
	"$(command -v dumpe2fs)" "$(command -v e2fsck)" \
	"$(command -v mke2fs)" /usr/bin/find /usr/bin/diff /usr/bin/od \
	/usr/bin/timeout /bin/dd /usr/bin/stat /usr/bin/truncate \
	/usr/bin/touch /bin/mktemp /bin/grep /usr/bin/tail /usr/bin/head \
	/bin/dash /bin/ls /bin/sort /usr/bin/awk /bin/sed /usr/bin/tr
# The kernel looks for the next archive at a multiple of four.
cp "$build/dom0-root.img" "$work/initrd"
truncate -s %4 "$work/initrd"
cat "$work/overlay.cpio" >>"$work/initrd"
truncate -s 2G "$work/disk"

timeout 400 qemu-system-x86_64 -accel tcg -cpu Nehalem -m 1500 -nodefaults \
	-display none -no-reboot -serial "file:$log/console" \
	-kernel "$build/dom0-vmlinux" -initrd "$work/initrd" \
	-append "console=ttyS0 rdinit=/hands-init mitigations=off quiet panic=1" \
	-drive "file=$work/disk,format=raw,if=virtio,cache=unsafe" \
	>"$log/qemu" 2>&1 &
qemu=$!
wait $qemu || :
qemu=

tr -d '\r' <"$log/console" | sed -n 's/^\(ok\|FAIL\) /&/p' |
	sed 's|; logs in /tmp/log|; see '"$log"'/console|'
if grep -q LVM-TEST-END "$log/console"; then
	echo "ok disk-lvm ran to its end"
else
	echo "FAIL disk-lvm: expected its end, got none; see $log/console"
fi
