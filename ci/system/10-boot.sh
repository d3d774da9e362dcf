#!/bin/sh
# The same ISO boots by BIOS from CD, by UEFI from CD, and as a USB stick.
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=ci/qemu.sh
. "$here/qemu.sh"

# boot NAME QEMU-OPTION... - to the console line and an operator's login.
boot() {
	vm_test="boot: $1"
	name=$1
	shift
	vm_prepare "boot-$name"
	# shellcheck disable=SC2046
	[ "$name" != uefi-cd ] || set -- $(vm_uefi) "$@"
	vm_start "$@"
	vm_wait_line SERAI-DOM0-UP 500
	echo "ok boot: $name reaches dom0"
	vm_wait_ssh
	echo "ok boot: $name lets the operator in by SSH"
}

boot bios-cd -cdrom "$B/serai.iso" -boot d
check_match "boot: dom0 says that nothing survives" \
	"^STATE IS IN RAM ONLY" "$(dom0 /usr/lib/serai/summary </dev/null)"
check "boot: the console says so too" yes "$(grep -aq \
	'Nothing will survive a reboot' "$vm_dir/console.log" && echo yes)"
check "boot: a password opens nothing" no "$(dom0 sshd -T </dev/null |
	sed -n 's/^passwordauthentication //p')"
check "boot: xenstored and xenconsoled run" 2 "$(dom0 \
	'pidof xenstored xenconsoled | wc -w' </dev/null)"
used=$(dom0 free </dev/null | awk '/^Mem:/ { print int($3 / 1024) }')
root=$(dom0 du -smx / </dev/null | cut -f1)
echo "dom0: $used MiB used, RAM root $root MiB"
check "boot: at least 48 MiB of dom0's 384 are available" yes "$(dom0 free \
	</dev/null | awk '/^Mem:/ { print ($7 > 49152 ? "yes" : $7 " KiB") }')"
check "boot: xenconsoled is started again when it dies" yes "$(dom0 '
	old=$(pidof xenconsoled); kill -9 $old
	for i in 1 2 3 4 5 6 7 8 9 10; do
		new=$(pidof xenconsoled)
		[ "$new" ] && [ "$new" != "$old" ] && echo yes && break
		sleep 2
	done' </dev/null)"
# A console that cannot keep its terminal is started over and over.
check "boot: consoles start once" 2 \
	"$(dom0 'ps | grep -c "[b]ash -l"' </dev/null)"
vm_poweroff
echo "ok boot: poweroff turns the machine off"

boot uefi-cd -cdrom "$B/serai.iso"
check "boot: dom0 finds the ACPI tables that UEFI has" yes \
	"$(dom0 'dmesg | grep -q "ACPI: RSDP" && echo yes' </dev/null)"
vm_kill

boot bios-usb -drive "if=none,id=stick,format=raw,readonly=on,file=$B/serai.iso" \
	-device qemu-xhci -device usb-storage,drive=stick,bootindex=0
vm_kill
