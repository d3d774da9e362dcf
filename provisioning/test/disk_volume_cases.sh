# disk_volume_cases.sh - cases of disk_test.sh: a good package becomes a
# template, the template becomes VPSs, and what goes wrong beneath them.
# shellcheck shell=sh disable=SC2154,SC2034

test_import()
{
	fresh_pkg
	pack
	equal "import tells the manifest" "tpl 1.0 admin 32 32 1" \
		"$(disk import "$work/p.tar.zst")"
	equal "template is listed" "template tpl 1.0 32" "$(disk list)"
	check "template's file system is clean" clean t-tpl-1.0
	mkdir "$work/dump"
	debugfs -R "rdump / $work/dump" "$(where t-tpl-1.0)" 2>/dev/null
	describe "$work/root" | grep -v ' [pbc] ' >"$log/want"
	# rdump loses the upper mode bits
	chmod 1777 "$work/dump/tmp"
	chmod u+s "$work/dump/usr/bin/big" "$work/dump/usr/bin/also-big"
	describe "$work/dump" >"$log/got"
	equal "set-user-id bit" "Mode:04755 User:0 Group:0 " \
		"$(stat_in t-tpl-1.0 /usr/bin/big)"
	equal "sticky bit" "Mode:01777 User:0 Group:0 " \
		"$(stat_in t-tpl-1.0 /tmp)"
	check "same names, modes, owners, links" \
		diff "$log/want" "$log/got"
	check "same contents" diff -r --no-dereference --exclude=lost+found \
		--exclude=dev "$work/root" "$work/dump"
	equal "hard link is one file" 2 \
		"$(debugfs -R 'stat /usr/bin/big' "$(where t-tpl-1.0)" \
			2>/dev/null | sed -n 's/.*Links: \([0-9]*\).*/\1/p')"
	equal "device node" "05:01" \
		"$(debugfs -R 'stat /dev/console' "$(where t-tpl-1.0)" \
			2>/dev/null |
			sed -n 's/.*Device.*: \([0-9]*:[0-9]*\) .*/\1/p')"
	equal "device node with large numbers" "259:70000" \
		"$(debugfs -R 'stat /dev/far' "$(where t-tpl-1.0)" \
			2>/dev/null |
			sed -n 's/.*Device.*: \([0-9]*:[0-9]*\) .*/\1/p')"
	before=$(traces)
	refuse "import again" EEXIST "there already" \
		disk import "$work/p.tar.zst"
	equal "import again changes nothing" "$before" "$(traces)"
	check "manifest can be read back" disk load tpl 1.0
	equal "kernel and initrd" "$state/templates/tpl-1.0/kernel $state/templates/tpl-1.0/initrd" \
		"$(disk boot tpl 1.0)"
	refuse "load of no template" ENOENT "no template" disk load tpl 9
	refuse "bad template name" EINVAL "bad name" disk load ../x 9
}

test_create()
{
	check "create" disk create 7 tpl 1.0 100
	check "created file system is clean" clean v-7
	equal "file system fills the sold disk" 25600 \
		"$(dumpe2fs -h "$(where v-7)" 2>/dev/null |
			awk '/^Block count/ {print $3}')"
	check "create again" disk create 7 tpl 1.0 100
	equal "both are listed" "template tpl 1.0 32 vps 7 100" \
		"$(disk list | sort | tr '\n' ' ' | sed 's/ $//')"
	refuse "smaller than the template" EINVAL "at least 32" \
		disk create 8 tpl 1.0 31
	refuse "create from no template" ENOENT "no volume" \
		disk create 8 nope 1.0 100
	check "create without growing" disk create 8 tpl 1.0 32
	check "not grown, clean" clean v-8
	refuse "shrink" EINVAL "cannot shrink" disk grow 7 99
	check "grow" disk grow 7 104
	equal "path" "$(where v-7)" "$(disk path 7)"
	refuse "path of nothing" ENOENT "" disk path 99
	check "remove" disk remove 8
	check "remove again" disk remove 8
	equal "removed" "vps 7 104" "$(disk list | grep vps)"
}

test_customize()
{
	keys='ssh-ed25519 AAAA a
ssh-ed25519 BBBB b
'
	check "customize" disk customize 7 web1 admin "$keys"
	check "customized file system is clean" clean v-7
	equal "hostname" web1 "$(cat_in v-7 /etc/hostname)"
	check "hosts" sh -c "debugfs -R 'cat /etc/hosts' '$(where v-7)' \
		2>/dev/null | grep -q '^127.0.1.1.*web1$'"
	equal "resolv.conf replaces a link" \
		"nameserver 10.0.2.3 nameserver 2001:db8::3 " \
		"$(cat_in v-7 /etc/resolv.conf | tr '\n' ' ')"
	cat_in v-7 /etc/serai/network >"$work/network"
	# shellcheck disable=SC1091 # what the guest does with it
	equal "network file can be read by sh" \
		"10.0.2.50/24 10.0.2.2 2001:db8::50/64 10.0.2.3 2001:db8::3" \
		"$(. "$work/network" &&
			echo "$ADDRESS4/$PREFIX4 $GATEWAY4 $ADDRESS6/$PREFIX6 $DNS")"
	equal "keys of root" "$keys" "$(cat_in v-7 /root/.ssh/authorized_keys)
"
	equal "keys of the user" "$keys" \
		"$(cat_in v-7 /home/admin/.ssh/authorized_keys)
"
	equal "modes of root's keys" "Mode:0600 User:0 Group:0 " \
		"$(stat_in v-7 /root/.ssh/authorized_keys)"
	equal "modes of the user's keys" "Mode:0600 User:1000 Group:1001 " \
		"$(stat_in v-7 /home/admin/.ssh/authorized_keys)"
	equal "modes of the user's directory" "Mode:0700 User:1000 Group:1001 " \
		"$(stat_in v-7 /home/admin/.ssh)"
	check "customize again" disk customize 7 web2 admin "$keys"
	equal "second hostname" web2 "$(cat_in v-7 /etc/hostname)"
	check "clean after the second time" clean v-7
	refuse "user that the image has not" EINVAL "no user nobody" \
		disk customize 7 web1 nobody "$keys"
	refuse "hostname that is shell code" EINVAL "hostname" \
		disk customize 7 'a;reboot' admin "$keys"
	# Left unclean by the refused one above: must be repaired, not trusted.
	check "customize after one that was cut short" \
		disk customize 7 web1 admin "$keys"
	check "clean after the repair" clean v-7
	debugfs -w -R 'ssv mtime 20240101000000' "$(where v-7)" 2>/dev/null
	refuse "never write into what a guest has mounted" EBUSY mounted \
		disk customize 7 web1 admin "$keys"
}

test_image()
{
	fresh_pkg
	rm "$work/pkg/root.tar"
	truncate -s 24M "$work/pkg/root.img"
	mke2fs -q -F -t ext4 -d "$work/root" "$work/pkg/root.img"
	manifest img 2.0 48 >"$work/pkg/manifest"
	pack
	check "import of root.img" disk import "$work/p.tar.zst"
	check "root.img is clean" clean t-img-2.0
	check "create from root.img" disk create 30 img 2.0 64
	check "customize from root.img" disk customize 30 web1 admin "k
"
	check "copy of root.img is clean" clean v-30
	equal "copy of root.img fills the disk" 67108864 \
		"$(dumpe2fs -h "$(where v-30)" 2>/dev/null | awk \
			'/^Block count/ {n=$3} /^Block size/ {print n*$3}')"
	check "remove copy" disk remove 30
	check "remove template" disk template-remove img 2.0
	check "remove template again" disk template-remove img 2.0
}

# cut SECONDS COMMAND...: kill -9 it after that long
cut_after()
{
	timeout -s KILL "$1" "$bin/disk_ctl" "$state" "$vg" "$2" "$3" "$4" \
		"$5" "$6" >/dev/null 2>&1 || :
}

test_power_cut()
{
	fresh_pkg
	manifest cut 1.0 32 >"$work/pkg/manifest"
	pack
	for t in $cuts; do
		timeout -s KILL "$t" "$bin/disk_ctl" "$state" "$vg" import \
			"$work/p.tar.zst" >/dev/null 2>&1 || :
		if disk list | grep -q 'template cut'; then
			check "import killed after $t s: whole" clean t-cut-1.0
			check "remove after $t s" disk template-remove cut 1.0
		fi
		cut_after "$t" create 40 tpl 1.0 64
		if disk list | grep -q 'vps 40 '; then
			check "create killed after $t s: whole" clean v-40
		fi
		check "create after one killed after $t s" \
			disk create 40 tpl 1.0 64
		cut_after "$t" customize 40 web9 admin key
		check "customize after one killed after $t s" \
			disk customize 40 web9 admin key
		check "clean after all that" clean v-40
		check "remove after all that" disk remove 40
	done
	check "remove left-overs" disk stale
	equal "no left-overs" "" "$(traces | grep tmp- || :)"
	check "import after all that" disk import "$work/p.tar.zst"
	check "remove template after all that" disk template-remove cut 1.0
}

test_full()
{
	[ "$vg" = - ] || return 0
	mkdir -p "$work/small"
	mount -t tmpfs -o size=6m none "$work/small"
	state=$work/small
	fresh_pkg
	pack
	refuse "full state partition" ENOSPC "" disk import "$work/p.tar.zst"
	equal "full state partition: no trace" "" \
		"$(find "$work/small" -mindepth 2)"
	state=$work/state
	umount "$work/small"
}

# What templates, kernels and the database take cannot be sold; what VPSs have
# written was sold already.
test_capacity()
{
	# shellcheck disable=SC2046 # three numbers
	set -- $(disk capacity)
	if [ "$vg" != - ]; then
		pool=$(lvs --noheadings --units m --nosuffix -o lv_size \
			"$vg/pool" | sed "s/^ *//; s/\..*//")
		equal "templates are not for sale" yes \
			"$([ "$1" -lt "$pool" ] &&
				[ "$1" -gt $((pool - 40)) ] && echo yes ||
				echo "$1 of $pool")"
		return 0
	fi
	mkdir -p "$work/small"
	mount -t tmpfs -o size=100m none "$work/small"
	state=$work/small
	disk probe >/dev/null
	equal "capacity of an empty disk" "100 0 100" "$(disk capacity)"
	dd if=/dev/zero of="$state/disks/v-1.img" bs=1M count=20 2>/dev/null
	equal "what VPSs wrote was sold" "100 20 80" "$(disk capacity)"
	dd if=/dev/zero of="$state/templates/kernel" bs=1M count=10 \
		2>/dev/null
	dd if=/dev/zero of="$state/disks/t-a-1.img" bs=1M count=30 \
		2>/dev/null
	equal "templates are not for sale" "60 60 40" "$(disk capacity)"
	state=$work/state
	umount "$work/small"
}

test_busy()
{
	[ "$vg" = - ] || return 0
	check "create to be used" disk create 50 tpl 1.0 32
	loop=$(losetup --show -f "$(where v-50)")
	refuse "remove while in use" EBUSY "in use" disk remove 50
	losetup -d "$loop"
	tries=0
	until disk remove 50; do
		tries=$((tries + 1))
		[ $tries -lt 50 ] || break
		sleep 0.1
	done
	equal "remove after use" "" "$(disk list | grep 'vps 50' || :)"
}
