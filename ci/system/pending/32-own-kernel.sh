#!/bin/sh
# 32-own-kernel.sh - a VPS boots the kernel on its own disk (`vps create --boot
# own-kernel`): sale, login, a change that the customer makes to grub.cfg shows
# after a reboot, and back to the template's kernel with one word.
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=ci/qemu.sh
. "$here/../../qemu.sh"

vm_test="own-kernel"
vm_prepare own-kernel
vm_memory=1400
disk=$vm_dir/state.img
truncate -s 4G "$disk"
mke2fs -q -F -t ext4 -L SERAI-STATE "$disk"
vm_start -cdrom "$B/serai.iso" -boot d \
	-drive "if=virtio,format=raw,cache=unsafe,file=$disk"
vm_wait_up
vm_catalogue 512M 1200M || vm_die "expected a catalogue"
ssh-keygen -q -t ed25519 -N '' -C acme -f "$vm_dir/acme"
dom0_put "$vm_dir/acme.pub" /tmp/acme.pub
create="vps create web1 --customer acme --plan small --key /tmp/acme.pub \
	--boot own-kernel --timeout 600"
text=$(dom0 "$create --template busybox" </dev/null 2>&1)
check "own-kernel: a template without a kernel is refused" 2 "$?"
check_match "own-kernel: and why" "boot: .*no kernel of its own" "$text"

package=$(ls "$B"/templates/debian-12-*.tar.zst)
dom0_put "$package" "/state/${package##*/}"
dom0 "vps -q template import '/state/${package##*/}'" </dev/null ||
	vm_die "expected vps template import to succeed"
DOM0_TIMEOUT=650 dom0 "$create --template debian-12" </dev/null
check "own-kernel: vps create ends with 0" 0 "$?"
check "own-kernel: the customer logs in" web1 \
	"$(guest "$vm_dir/acme" hostname </dev/null)"
check "own-kernel: its kernel is the one on its disk" yes \
	"$(guest "$vm_dir/acme" '[ "$(readlink /boot/vmlinux)" = \
		"vmlinux-$(uname -r)" ] && echo yes' </dev/null)"

# What the customer writes counts: nothing of it comes from dom0.
guest "$vm_dir/acme" \
	"sed -i 's/ quiet/ quiet mine=1/' /boot/grub/grub.cfg; sync" </dev/null
dom0 "vps -q reboot web1 --timeout 500" </dev/null >/dev/null 2>&1
check "own-kernel: vps reboot succeeds" 0 "$?"
check_match "own-kernel: the command line is the customer's" " mine=1" \
	"$(guest "$vm_dir/acme" cat /proc/cmdline </dev/null)"
dom0 "vps -q stop web1 && vps -q start web1 --boot template --timeout 500" \
	</dev/null >/dev/null 2>&1
check "own-kernel: back to the template's kernel" 0 "$?"
check "own-kernel: its command line is the template's" \
	"$(sed -n 's/^cmdline=//p' \
		"$here/../../../templates/debian-12/manifest")" \
	"$(guest "$vm_dir/acme" cat /proc/cmdline </dev/null)"
dom0 "vps -q destroy web1 --yes" </dev/null >/dev/null 2>&1
vm_poweroff
rm -f "$disk"
