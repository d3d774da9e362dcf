#!/bin/sh
# A blank disk becomes a server's: refusals, preparation, boot from it by BIOS
# and by UEFI, what survives a reboot, another image, and the plug pulled during
# a create.
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=ci/qemu.sh
. "$here/qemu.sh"

vm_test="host init"
vm_prepare host-init
vm_memory=1152
disk=$vm_dir/server.img
other=$vm_dir/other.img
truncate -s 8G "$disk"
truncate -s 64M "$other"
mke2fs -q -F -t ext4 -L FILLED "$other"
drives="-drive if=none,id=d0,format=raw,cache=unsafe,file=$disk
	-device virtio-blk-pci,drive=d0,serial=SERAI0001,bootindex=1"

# shellcheck disable=SC2086
vm_start -cdrom "$B/serai.iso" -boot d $drives \
	-drive "if=none,id=d1,format=raw,file=$other" \
	-device virtio-blk-pci,drive=d1
vm_wait_line SERAI-DOM0-UP 500
vm_wait_ssh
target=$(dom0 'for f in /sys/block/vd*/serial; do
	[ "$(cat $f)" != SERAI0001 ] || echo "/dev/$(echo $f | cut -d/ -f4)"
	done' </dev/null)
[ "$target" ] || vm_die "expected a disk with serial number SERAI0001"
filled=$(dom0 'blkid -t LABEL=FILLED -o device' </dev/null | head -n 1)

# The same image, but for its version, as an ISO of its own.
next_image() {
	mkdir -p "$vm_dir/next/boot" "$vm_dir/next/etc/serai"
	cp "$B/hypervisor.elf" "$B/dom0-vmlinux" "$vm_dir/next/boot/"
	echo next | tee "$vm_dir/next/boot/version" \
		>"$vm_dir/next/etc/serai/version"
	cp "$B/dom0-root.img" "$vm_dir/next/boot/"
	# The kernel looks for the next archive at a multiple of four.
	truncate -s %4 "$vm_dir/next/boot/dom0-root.img"
	(cd "$vm_dir/next" && find etc | cpio -o -H newc --quiet -R 0:0) \
		>>"$vm_dir/next/boot/dom0-root.img"
	xorriso -as mkisofs -quiet -R -V SERAI-NEXT -o "$vm_dir/next.iso" \
		"$vm_dir/next" >/dev/null 2>&1
	rm -rf "$vm_dir/next"
}

# refusal NAME CODE PATTERN COMMAND
refusal() {
	text=$(dom0 "$4" </dev/null 2>&1)
	check "host init: $1: exit code" "$2" "$?"
	check_match "host init: $1: says why" "$3" "$text"
}
refusal "no such disk" 3 "no block device" "vps host init /dev/nothing"
refusal "a disk with a file system" 4 "not blank" \
	"vps host init $filled"
refusal "a wrong serial number" 2 "serial" "vps host init $target XYZ"
check "host init: the refused disk is as it was" clean \
	"$(e2fsck -fn "$other" >/dev/null 2>&1 && echo clean)"

dom0 "vps host init $target" </dev/null >"$vm_dir/init.log" 2>&1
check "host init: prepares a blank disk" 0 "$?"
cat "$vm_dir/init.log"
refusal "a disk that was prepared" 4 "(not blank|volume group)" \
	"vps host init $target"
vm_poweroff 240

# From the disk alone, by BIOS.
next_image
# shellcheck disable=SC2086
vm_start $drives -drive \
	"if=none,id=next,format=raw,readonly=on,file=$vm_dir/next.iso" \
	-device virtio-blk-pci,drive=next,serial=NEXT
vm_wait_up 500
echo "ok host init: the disk boots by BIOS"
check "host init: state is on the disk" no \
	"$(dom0 'test -e /run/serai/volatile && echo yes || echo no' </dev/null)"
check "host init: thin pool is there" serai/pool \
	"$(dom0 'lvs --noheadings -o vg_name,lv_name serai/pool' </dev/null |
		tr -s ' ' | sed 's/^ //; s/ $//; s/ /\//')"
vm_catalogue 160M 256M || vm_die "expected a catalogue"
ssh-keygen -q -t ed25519 -N '' -C acme -f "$vm_dir/acme"
dom0_put "$vm_dir/acme.pub" /state/acme.pub
create="vps create web1 --customer acme --plan small --template busybox \
	--key /state/acme.pub --timeout 400"
DOM0_TIMEOUT=500 dom0 "$create" </dev/null
check "host init: a VPS on a thin volume" 0 "$?"
guest "$vm_dir/acme" 'echo kept >/root/kept; sync' </dev/null
dom0 "vps host upgrade \$(blkid -t LABEL=SERAI-NEXT -o device)" </dev/null
check "host init: takes another image" 0 "$?"
hostkey=$(dom0 cat /state/ssh/ssh_host_ed25519_key.pub </dev/null)

# The plug, during the next create; then by UEFI.
dom0 "$(echo "$create" | sed s/web1/web2/)" </dev/null >/dev/null 2>&1 &
vm_wait 120 "web2 in the database" dom0 vps show web2 </dev/null
vm_kill
sleep 1
# shellcheck disable=SC2046,SC2086
vm_start $(vm_uefi) $drives
vm_wait_up 500
echo "ok host init: the disk boots by UEFI, after a power cut"
check "host init: it is the other image" next \
	"$(dom0 cat /etc/serai/version </dev/null)"
check "host init: host keys survive" "$hostkey" \
	"$(dom0 cat /state/ssh/ssh_host_ed25519_key.pub </dev/null)"
vm_wait 400 "web1 to be started again" guest "$vm_dir/acme" true </dev/null
echo "ok host init: a sold VPS starts again after a power cut"
check "host init: its files survive" kept \
	"$(guest "$vm_dir/acme" cat /root/kept </dev/null)"
# web2 is either there and running or was undone: nothing in between.
vm_wait 400 "web2 to be running or gone" dom0 \
	'vps list --json | grep -vq "\"creating\""' </dev/null
sold=$(dom0 'vps list -q' </dev/null | sort | tr '\n' ' ')
volumes=$(dom0 'lvs --noheadings -o lv_name serai' </dev/null |
	grep -c '^ *v-')
check "host init: as many volumes as VPSs ($sold)" \
	"$(echo "$sold" | wc -w)" "$volumes"
vm_poweroff 300
echo "ok host init: turns itself off with guests running"
rm -f "$vm_dir/next.iso" "$disk"
