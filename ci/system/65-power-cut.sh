#!/bin/sh
# 65-power-cut.sh - an appliance with a disk of its own: the plug is pulled in
# the middle of a sale, twice, and each time everything that was sold before
# comes back by itself, and what was being sold is there whole or not at all.
#
# QEMU is killed with SIGKILL: what dom0 had not flushed is lost. What the
# virtual disk had taken survives, as with a disk that keeps its promises.
# Programs for other shells are in single quotes.
# shellcheck disable=SC2016
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=ci/qemu.sh
. "$here/../qemu.sh"

start()
{
	vm_start -cdrom "$B/serai.iso" -boot d \
		-drive "if=virtio,format=raw,file=$vm_dir/state,cache=writeback" \
		-drive "if=none,id=disk,format=raw,file=$vm_dir/disk,cache=writeback" \
		-device virtio-blk-pci,drive=disk,serial=SERAI1
	vm_wait_up 600
	dom0 'cat >/tmp/kill9-dom0 && chmod 755 /tmp/kill9-dom0' \
		<"$here/kill9-dom0"
	dom0_put "$vm_dir/a.pub" /tmp/a.pub
}

# settled NAME: running or unknown
settled()
{
	DOM0_TIMEOUT=60 dom0 "vps show $1 >/tmp/show 2>&1; s=\$?
		[ \$s -eq 3 ] || grep -q '^status *running' /tmp/show" </dev/null
}

# cut NAME LINE: sell NAME, pull the plug when the sale says LINE
cut()
{
	dom0 "vps create $1 --customer acme --plan small --template busybox \
		--key /tmp/a.pub" >"$vm_dir/sale-$1" 2>&1 </dev/null &
	seller=$!
	vm_wait 200 "the sale to say '$2'" grep -q "$2" "$vm_dir/sale-$1"
	vm_kill
	wait $seller
	check "cut at '$2': the sale had not ended" "" \
		"$(grep '^elapsed' "$vm_dir/sale-$1")"
	start
	vm_wait 400 "web1 to answer again after the cut at '$2'" \
		guest "$vm_dir/a" true </dev/null
	check "cut at '$2': web1 is back by itself" "web1 kept" \
		"$(guest "$vm_dir/a" 'echo $(hostname) $(cat /root/kept)' \
			</dev/null)"
	vm_wait 400 "$1 to be whole or gone" settled "$1"
	dom0 "/tmp/kill9-dom0 world 'cut at $2'" </dev/null
	# Whatever became of it, its name and address are free after this.
	dom0 "vps -q destroy $1 --yes" </dev/null >/dev/null 2>&1
	dom0 "vps -q create again --customer acme --plan small \
		--template busybox --key /tmp/a.pub --no-wait" </dev/null ||
		echo "FAIL cut at '$2': expected to sell again, got an error"
	vm_wait 400 "the second sale" settled again
	dom0 "vps -q destroy again --yes" </dev/null
}

vm_prepare power-cut
ssh-keygen -q -t ed25519 -N '' -C a -f "$vm_dir/a"
truncate -s 512M "$vm_dir/state"
mke2fs -q -F -t ext4 -L SERAI-STATE "$vm_dir/state"
truncate -s 2G "$vm_dir/disk"
start
dom0 /tmp/kill9-dom0 volume_group </dev/null >/dev/null ||
	vm_die "cannot make a volume group, or vpsd does not use it"
dom0 "vps -q customer add acme &&
	vps -q plan add small --vcpus 1 --ram 96M --disk 64M &&
	vps -q pool add v4 --range 10.0.2.50-10.0.2.51 --prefix 24 \
		--gateway 10.0.2.2" </dev/null || vm_die "cannot make the catalogue"
dom0 "vps -q create web1 --customer acme --plan small --template busybox \
	--key /tmp/a.pub" </dev/null
check "sale on a volume group" 0 $?
guest "$vm_dir/a" 'echo kept >/root/kept; sync' </dev/null
check_match "disks are thin volumes" 'v-1 ' \
	"$(dom0 lvs --noheadings -o lv_name serai </dev/null)"
cut web2 "copying the template"
cut web3 "starting"
vm_poweroff 150
rm -f "$vm_dir/disk" "$vm_dir/state"
