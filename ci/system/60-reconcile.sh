#!/bin/sh
# 60-reconcile.sh - on the real appliance: ten creates at once for eight free
# addresses; then kill -9 of vpsd after each change of the database within a
# create and within a destroy. After each, database, domains, volumes, nft
# rules, loop devices and addresses must agree (kill9-dom0 world).
#
# The same matrix with a fake host, and with every fault, is in
# provisioning/test/vpsd_test.sh; here nothing is fake.
# Programs for other shells are in single quotes.
# shellcheck disable=SC2016
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=ci/qemu.sh
. "$here/../qemu.sh"


# Ten at once, in dom0; prints "STATUS LAST-LINE" for each.
ten_creates()
{
	dom0 'for n in 0 1 2 3 4 5 6 7 8 9; do
		(
			vps -q create "w$n" --customer acme --plan small \
				--template busybox --key /tmp/a.pub \
				--no-wait >"/tmp/out$n" 2>&1
			echo "$? $(tail -n 1 "/tmp/out$n")" >"/tmp/result$n"
		) &
	done
	wait
	cat /tmp/result?' </dev/null
}

all_running()
{
	[ "$(dom0 "vps list" </dev/null | grep -c ' running ')" -eq 8 ]
}

all_gone()
{
	[ -z "$(dom0 "vps list --quiet" </dev/null)" ]
}

test_ten()
{
	ten_creates >"$vm_dir/ten"
	check "ten creates: exactly eight succeed" 8 \
		"$(grep -c '^0 ' "$vm_dir/ten")"
	check "ten creates: two have no capacity" 2 \
		"$(grep -c '^5 ' "$vm_dir/ten")"
	check "ten creates: both say that addresses are missing" 2 \
		"$(grep '^5 ' "$vm_dir/ten" | grep -ci 'address')"
	vm_wait 400 "all eight to run" all_running
	dom0 /tmp/kill9-dom0 world "eight of ten" </dev/null
	check "ten creates: eight different addresses" 8 \
		"$(dom0 "vps list" </dev/null | grep -o '10\.0\.2\.5[0-9]' |
			sort -u | wc -l)"
	dom0 'for n in $(vps list --quiet); do
		vps -q destroy "$n" --yes &
	done; wait' </dev/null
	vm_wait 300 "all eight to be gone" all_gone
	dom0 /tmp/kill9-dom0 world "all destroyed" </dev/null
}

vm_prepare reconcile
vm_memory=1600
ssh-keygen -q -t ed25519 -N '' -C a -f "$vm_dir/a"
truncate -s 2G "$vm_dir/disk"
vm_start -cdrom "$B/serai.iso" -boot d \
	-drive "if=none,id=disk,format=raw,file=$vm_dir/disk,cache=unsafe" \
	-device virtio-blk-pci,drive=disk,serial=SERAI1
vm_wait_up 600
dom0_put "$vm_dir/a.pub" /tmp/a.pub
dom0 'cat >/tmp/kill9-dom0 && chmod 755 /tmp/kill9-dom0' <"$here/kill9-dom0"
dom0 /tmp/kill9-dom0 volume_group </dev/null ||
	vm_die "cannot make a volume group, or vpsd does not use it"
dom0 "vps -q customer add acme &&
	vps -q plan add small --vcpus 1 --ram 96M --disk 32M &&
	vps -q pool add v4 --range 10.0.2.50-10.0.2.57 --prefix 24 \
		--gateway 10.0.2.2" </dev/null || vm_die "cannot make the catalogue"
test_ten
dom0 /tmp/kill9-dom0 setup </dev/null
# All of them: KILLS="$(seq 30)", ten minutes more.
# shellcheck disable=SC2116,SC2086 # lines to words
DOM0_TIMEOUT=1500 dom0 "/tmp/kill9-dom0 matrix $(echo ${KILLS:-3 5})" </dev/null |
	sed '/^FAIL/s|$| (console: '"$vm_dir"'/console.log)|'
dom0 'cat /run/log/vpsd.log; vps events' >"$vm_dir/vpsd.log" 2>&1 </dev/null
vm_poweroff 150
rm -f "$vm_dir/disk"
