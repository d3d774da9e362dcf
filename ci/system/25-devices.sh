#!/bin/sh
# 25-devices - AHCI, NVMe, virtio-blk and USB disks, e1000(e) and virtio-net,
# from dom0 on `pc` and `q35`: data that dom0 reads and writes is compared on
# the host, the gateway answers pings, the power goes off.
#
# B: the build folder, with hypervisor.elf, dom0-vmlinux and dom0-root.img.
# HYPERVISOR=xen: the same on genuine Xen ($B/xen.elf).
# ONLY="q35-8 pc-1": just these, MACHINE-CPUS.  PC_NIC=e1000e: on pc that one.
set -u
here=$(cd "$(dirname "$0")" && pwd)
B=$(cd "${B:-$here/../../build}" && pwd) || exit 1
WORK=${WORK:-$B/log/devices}
TIMEOUT=${TIMEOUT:-280}
case ${HYPERVISOR:-serai} in
xen) hv=$B/xen.elf ;;
*) hv=$B/hypervisor.elf ;;
esac
for f in "$hv" "$B/dom0-vmlinux" "$B/dom0-root.img"; do
	if [ ! -e "$f" ]; then
		echo "FAIL devices: no $f"
		exit 1
	fi
done
mkdir -p "$WORK"
failed=0

verdict() # name, 0 or 1, text
{
	if [ "$2" -eq 0 ]; then
		echo "ok $1"
	else
		echo "FAIL $1: $3 (log: $log)"
		failed=1
	fi
}

# The RAM root with our first process in it: archives may follow each other.
make_root()
{
	mkdir -p "$WORK/over"
	cp "$here/devices-init" "$WORK/over/devices-init"
	chmod 755 "$WORK/over/devices-init"
	cp "$B/dom0-root.img" "$WORK/root.img"
	size=$(wc -c <"$WORK/root.img")
	truncate -s $(((size + 511) / 512 * 512)) "$WORK/root.img"
	(cd "$WORK/over" && echo devices-init | cpio -o -H newc 2>/dev/null) \
		>>"$WORK/root.img"
}

make_disk() # name: 4 MiB of label and noise, 4 MiB of nothing
{
	img=$WORK/$1.img
	{ printf 'SERAI-DISK %s\n' "$1"; cat /dev/urandom; } 2>/dev/null |
		head -c 4194304 >"$img"
	truncate -s 8388608 "$img"
}

check_disk() # test, disk
{
	want=$(head -c 4194304 "$WORK/$2.img" | sha256sum | cut -d' ' -f1)
	got=$(tail -c 4194304 "$WORK/$2.img" | sha256sum | cut -d' ' -f1)
	grep -q "DEVTEST read $2 $want" "$log"
	verdict "$1-$2-read" $? "expected sum $want, got: $(grep -a \
		"DEVTEST read $2" "$log")"
	[ "$want" = "$got" ]
	verdict "$1-$2-write" $? "expected the second half to be $want, got $got"
}

run() # machine, cpus
{
	t=devices-$1-$2
	log=$WORK/$t.log
	disks="nvme virtio usb"
	nic=e1000e
	args="-device nvme,drive=nvme,serial=n1
		-device virtio-blk-pci,drive=virtio
		-device qemu-xhci -device usb-storage,drive=usb"
	if [ "$1" = q35 ]; then
		disks="$disks ahci"
		args="$args -device ide-hd,drive=ahci,bus=ide.0"
	else
		disks="$disks ide ahci"
		nic=${PC_NIC:-e1000} # has a level-triggered line only
		args="$args -device ide-hd,drive=ide,bus=ide.0
			-device ahci,id=sata -device ide-hd,drive=ahci,bus=sata.0"
	fi
	n=0
	for d in $disks; do
		make_disk "$d"
		args="$args -drive file=$WORK/$d.img,format=raw,if=none,id=$d"
		n=$((n + 1))
	done
	# QEMU 7.2 with a thread for each CPU may take one's access to its APIC
	# for one to a device whose BAR another is sizing, and abort.
	# shellcheck disable=SC2086
	timeout "$TIMEOUT" qemu-system-x86_64 -accel tcg,thread=single \
		-cpu Nehalem -M "$1" \
		-smp "$2" -m 1024 -display none -no-reboot -monitor none \
		-serial "file:$log" -kernel "$hv" \
		-append "console=com1 com1=115200 dom0_mem=640M loglvl=all" \
		-initrd "$B/dom0-vmlinux console=hvc0 rdinit=/devices-init devtest_disks=$n,$WORK/root.img" \
		-netdev user,id=n0,net=10.0.2.0/24,restrict=on \
		-device "$nic,netdev=n0" \
		-netdev user,id=n1,net=10.0.3.0/24,restrict=on \
		-device virtio-net-pci,netdev=n1 $args 2>"$log.qemu"
	rc=$?
	grep -aq "DEVTEST done" "$log"
	verdict "$t-finished" $? "the end was not reached: $(tail -n 1 "$log")"
	[ $rc -eq 0 ]
	verdict "$t-poweroff" $? "expected QEMU to exit with 0, got $rc"
	for d in $disks; do
		check_disk "$t" "$d"
	done
	for d in "$nic" virtio_net; do
		grep -aq "DEVTEST ping $d ok" "$log"
		verdict "$t-ping-$d" $? "$(grep -a "DEVTEST ping $d" "$log")"
	done
	grep -aq "DEVTEST cpus $2" "$log"
	verdict "$t-cpus" $? "expected $2, got: $(grep -a "DEVTEST cpus" "$log")"
	grep -aq "DEVTEST done" "$log" && ! grep -aq "DEVTEST complaint" "$log"
	verdict "$t-no-complaints" $? "$(grep -a -m1 complaint "$log")"
}

make_root
for c in ${ONLY:-q35-1 pc-1 q35-4}; do
	run "${c%-*}" "${c#*-}"
done
exit $failed
