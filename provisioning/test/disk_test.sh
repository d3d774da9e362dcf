#!/bin/sh
# disk_test.sh BIN_DIR LOG_DIR [VG] - templates and volumes for real: imports
# packages, sells copies, writes into them; e2fsck and debugfs, which share no
# code path with ours, judge the results.
#
# With VG the LVM backend is tested (volume group with thin pool "pool").
# Prints ok/FAIL lines.  Needs root for device nodes and loop devices.
set -eu

bin=$1
log=$2
vg=${3:--}
kind='file'
cuts="0.005 0.01 0.02 0.04 0.08 0.16 0.3"
if [ "$vg" != - ]; then
	kind=lvm
	# lvm is slow, slower still where this runs (31-disk-lvm.sh)
	cuts="0.2 0.6 1.2 2.5"
fi

mkdir -p "$log"
work=$(mktemp -d "${TMPDIR:-/tmp}/serai-disk.XXXXXX")
trap 'rm -rf "$work"' EXIT
state=$work/state
mkdir -p "$state" "$work/pkg"
PATH=$PATH:/usr/sbin:/sbin

ok()
{
	echo "ok disk-$kind $*"
}

fail()
{
	echo "FAIL disk-$kind $*; logs in $log"
}

disk()
{
	echo "+ disk $*" >>"$log/disk.log"
	"$bin/disk_ctl" "$state" "$vg" "$@" 2>"$work/err" || {
		cat "$work/err" >>"$log/disk.log"
		return 1
	}
}

check()
{
	what=$1
	shift
	if "$@" >"$work/out" 2>&1; then
		ok "$what"
	else
		fail "$what: expected success of '$*', got" \
			"$(cat "$work/out" "$work/err" | tail -n 1)"
	fi
}

# refuse WHAT ERRNO PATTERN COMMAND...: must fail so, and in one line
refuse()
{
	what=$1 errno=$2 pattern=$3
	shift 3
	if "$@" >"$work/out"; then
		fail "$what: expected $errno, got success"
	elif ! grep -q "^$errno .*$pattern" "$work/err"; then
		fail "$what: expected $errno with '$pattern', got" \
			"$(head -n 3 "$work/err")"
	elif [ "$(wc -l <"$work/err")" -ne 1 ]; then
		fail "$what: expected one line, got $(cat "$work/err")"
	else
		ok "$what"
	fi
}

equal()
{
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		fail "$1: expected '$2', got '$3'"
	fi
}

# Everything that could be a trace of something.
traces()
{
	find "$state" | sort
	[ "$vg" = - ] || lvs --noheadings -o lv_name "$vg" | sort
}

# A tree with one of everything that a root file system has.
make_root()
{
	root=$1
	mkdir -p "$root/etc/ssh" "$root/root" "$root/usr/bin" "$root/dev" \
		"$root/home/admin" "$root/var/many" "$root/tmp"
	chmod 1777 "$root/tmp"
	chmod 700 "$root/root"
	ln -s usr/bin "$root/bin"
	echo template >"$root/etc/hostname"
	printf 'root:x:0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
	printf 'adm:x:7:7::/:/bin/sh\nadmin:x:1000:1001:A:/home/admin:/bin/sh\n' \
		>>"$root/etc/passwd"
	ln -s ../run/resolv.conf "$root/etc/resolv.conf"
	: >"$root/etc/empty"
	head -c 3000000 /dev/urandom >"$root/usr/bin/big"
	chmod 4755 "$root/usr/bin/big"
	ln "$root/usr/bin/big" "$root/usr/bin/also-big"
	truncate -s 5M "$root/usr/bin/holes"
	long=$(printf '%0200d' 0)
	ln -s "$long" "$root/usr/bin/long-link"
	mknod "$root/dev/console" c 5 1
	mknod "$root/dev/far" b 259 70000
	mkfifo "$root/dev/fifo"
	i=0
	while [ $i -lt 400 ]; do
		echo $i >"$root/var/many/a-file-with-a-rather-long-name-$i"
		i=$((i + 1))
	done
	chown -R 1000:1001 "$root/home/admin"
	chown 70000:80000 "$root/etc/empty"
	touch -d '2020-02-02 02:02:02 UTC' "$root/usr/bin/big"
}

manifest()
{
	cat <<-END
		format=1
		name=$1
		version=$2
		description=A test
		arch=amd64
		min_disk_mib=$3
		min_ram_mib=32
		kernel=kernel
		initrd=initrd
		cmdline=root=/dev/xvda ro
		default_user=admin
		test_banner=hello
	END
}

# Members manifest, kernel, initrd, root.tar in $work/pkg; nothing else.
fresh_pkg()
{
	rm -rf "$work/pkg"
	mkdir "$work/pkg"
	manifest tpl 1.0 32 >"$work/pkg/manifest"
	printf '\177ELF%01000d' 0 >"$work/pkg/kernel"
	echo initrd >"$work/pkg/initrd"
	cp "$work/root.tar" "$work/pkg/root.tar"
}

# pack: all of $work/pkg into $work/p.tar.zst
pack()
{
	tar -C "$work/pkg" -c . | zstd -q -f -o "$work/p.tar.zst"
}

# where VOLUME: something that e2fsck and debugfs can open
where()
{
	if [ "$vg" = - ]; then
		echo "$state/disks/$1.img"
	else
		echo "/dev/$vg/$1"
	fi
}

clean()
{
	e2fsck -f -n "$(where "$1")" >>"$log/e2fsck.log" 2>&1
}

cat_in()
{
	debugfs -R "cat $2" "$(where "$1")" 2>/dev/null
}

# "Mode: 0600 User: 0 Group: 0" of a path
stat_in()
{
	debugfs -R "stat $2" "$(where "$1")" 2>/dev/null | tr -s ' ' '\n' |
		awk '/^Mode:/ || /^User:/ || /^Group:/ {
			getline v; printf "%s%s ", $1, v }'
}

# One line for each object of a tree: what must survive the import.
describe()
{
	(cd "$1" && find . -path ./lost+found -prune -o \
		-printf '%p %y %m %U %G %l\n' | sort)
}

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

# evil NAME PATTERN: import of $work/evil.tar as root.tar must be refused
evil()
{
	fresh_pkg
	mv "$work/evil.tar" "$work/pkg/root.tar"
	manifest evil 1.0 32 >"$work/pkg/manifest"
	pack
	before=$(traces)
	refuse "root.tar: $1" EINVAL "$2" disk import "$work/p.tar.zst"
	equal "root.tar: $1: no trace" "$before" "$(traces)"
}

test_evil_tar()
{
	e=$work/evil
	mkdir "$e"
	echo pwned >"$e/file"
	ln -s / "$e/link"
	tar -C "$e" -cf "$work/evil.tar" --transform 's|^file|../file|' -P file
	evil "dot-dot path" "leaves the tree"
	[ $kind = file ] || return 0
	tar -C "$e" -cf "$work/evil.tar" --transform 's|^file|/etc/file|' -P file
	evil "absolute path" "absolute"
	tar -C "$e" -cf "$work/evil.tar" --transform 's|^file|link/file|' \
		link file
	evil "path through a link" "link"
	tar -C "$e" -cf "$work/evil.tar" file file
	evil "two of a name" "there already"
	tar -C "$e" -cf "$work/evil.tar" --transform 's|^file|no/dir/file|' file
	evil "file before its directory" "before its directory"
	mkdir -p "$e/etc/ssh"
	echo key >"$e/etc/ssh/ssh_host_ed25519_key"
	tar -C "$e" -cf "$work/evil.tar" etc
	evil "SSH host key" "host keys"
	tar -cf "$work/evil.tar" -T /dev/null
	evil "empty" "empty"
	head -c 50000 /dev/urandom >"$work/evil.tar"
	evil "noise" "corrupt archive"
	head -c 100000 "$work/root.tar" >"$work/evil.tar"
	evil "cut short" "root.tar"
	ln "$e/file" "$e/other"
	tar -C "$e" -cf "$work/evil.tar" file other
	tar -f "$work/evil.tar" --delete file
	evil "hard link to nothing" "link to nothing"
}

# A path in the image that would lead elsewhere if anybody followed it.
test_links_in_image()
{
	mkdir -p "$work/victim" "$work/l/etc" "$work/l/root"
	ln -s "$work/victim" "$work/l/root/.ssh"
	ln -s "$work/victim/hostname" "$work/l/etc/hostname"
	printf 'admin:x:1:1::/home/admin:/bin/sh\n' >"$work/l/etc/passwd"
	tar -C "$work/l" -cf "$work/pkg/root.tar" .
	manifest links 1.0 32 >"$work/pkg/manifest"
	pack
	check "import with links" disk import "$work/p.tar.zst"
	check "create with links" disk create 20 links 1.0 32
	refuse "a link as directory is not followed" ELOOP "symbolic link" \
		disk customize 20 web1 root "key
"
	equal "nothing was written outside" "" "$(ls "$work/victim")"
	check "remove with links" disk remove 20
	check "remove template with links" disk template-remove links 1.0
}

# bad NAME ERRNO PATTERN: import of $work/p.tar.zst is refused, no trace
bad()
{
	before=$(traces)
	refuse "package: $1" "$2" "$3" disk import "$work/p.tar.zst"
	equal "package: $1: no trace" "$before" "$(traces)"
}

# flip OFFSET: one bit of the archive
flip()
{
	pack
	byte=$(od -An -tu1 -j "$1" -N 1 "$work/p.tar.zst" | tr -d ' ')
	# shellcheck disable=SC2059 # the format is the byte
	printf "\\$(printf '%03o' $((byte ^ 1)))" |
		dd of="$work/p.tar.zst" bs=1 seek="$1" conv=notrunc 2>/dev/null
}

test_bad_packages()
{
	fresh_pkg
	manifest bad 1.0 32 >"$work/pkg/manifest"
	pack
	size=$(stat -c %s "$work/p.tar.zst")
	for at in 0 100 $((size / 3)) $((size / 2)) $((size - 1)); do
		flip "$at"
		bad "bit flipped at $at of $size" EINVAL "corrupt archive"
	done
	for len in 0 3 1000 $((size / 2)) $((size - 1)); do
		pack
		truncate -s "$len" "$work/p.tar.zst"
		bad "cut to $len of $size" EINVAL "corrupt archive"
	done
	head -c 100000 /dev/urandom >"$work/p.tar.zst"
	bad "noise" EINVAL "corrupt archive"
	head -c 100000 /dev/urandom | zstd -q -f -o "$work/p.tar.zst"
	bad "noise in zstd" EINVAL "corrupt archive"
	tar -C "$work/pkg" -cf "$work/p.tar.zst" .
	bad "not compressed" EINVAL "corrupt archive"
	refuse "package: a folder" EINVAL "is no file" disk import "$work"
	mkfifo "$work/pipe"
	refuse "package: a pipe" EINVAL "is no file" disk import "$work/pipe"
	rm "$work/p.tar.zst"
	bad "no such file" ENOENT "No such file"

	for member in manifest kernel root.tar; do
		fresh_pkg
		rm "$work/pkg/$member"
		pack
		bad "without $member" EINVAL "no member $member"
	done
	fresh_pkg
	rm "$work/pkg/initrd"
	manifest bad 1.0 32 >"$work/pkg/manifest"
	pack
	bad "without initrd" EINVAL "initrd"
	fresh_pkg
	echo x >"$work/pkg/extra"
	pack
	bad "with an unknown member" EINVAL "unexpected member 'extra'"
	fresh_pkg
	rm "$work/pkg/kernel"
	ln -s /etc/shadow "$work/pkg/kernel"
	pack
	bad "kernel is a link" EINVAL "not a plain file"
	fresh_pkg
	echo no >"$work/pkg/kernel"
	pack
	bad "kernel is no kernel" EINVAL "neither ELF nor bzImage"
	fresh_pkg
	manifest bad 1.0 8 >"$work/pkg/manifest"
	pack
	bad "root does not fit its min_disk_mib" ENOSPC "full"
	fresh_pkg
	truncate -s 33M "$work/pkg/root.img"
	rm "$work/pkg/root.tar"
	manifest bad 1.0 32 >"$work/pkg/manifest"
	pack
	bad "root.img larger than min_disk_mib" EINVAL "larger than min_disk"
	truncate -s 32M "$work/pkg/root.img"
	pack
	bad "root.img of zeros" EIO ""
	cp "$work/root.tar" "$work/pkg/root.tar"
	pack
	bad "both root.tar and root.img" EINVAL "both"
}

# wrong LINE PATTERN: manifest with LINE instead of that key's own
wrong()
{
	manifest m 1.0 32 | sed "/^${1%%=*}=/d" >"$work/m"
	[ "$1" = "${1%%=*}=" ] || printf '%s\n' "$1" >>"$work/m"
	refuse "manifest: '$1'" EINVAL "$2" disk manifest "$work/m"
}

test_manifest()
{
	manifest m 1.0 32 >"$work/m"
	check "manifest: good" disk manifest "$work/m"
	wrong "format=" "no format"
	wrong "format=2" "format must be 1"
	wrong "name=" "no name"
	wrong "name=../../etc" "name must be"
	wrong "name=A" "name must be"
	wrong "name=-a" "name must be"
	wrong "version=1-0" "version must be"
	wrong "version=.." "version must be"
	wrong "arch=arm64" "arch must be amd64"
	wrong "min_disk_mib=0" "min_disk_mib must be"
	wrong "min_disk_mib=-5" "min_disk_mib must be"
	wrong "min_disk_mib=99999999999999999999" "min_disk_mib must be"
	wrong "min_disk_mib=12x" "min_disk_mib must be"
	wrong "min_ram_mib=" "no min_ram_mib"
	wrong "kernel=/boot/vmlinuz" "kernel must be kernel"
	wrong "default_user=Root" "default_user must be"
	wrong "nonsense=1" "unknown key 'nonsense'"
	wrong "just words" "not key=value"
	wrong "cmdline=$(printf 'a\001b')" "cmdline must be"
	manifest m 1.0 32 >"$work/m"
	echo name=again >>"$work/m"
	refuse "manifest: key twice" EINVAL "given twice" disk manifest "$work/m"
	printf 'name=a\0b\n' >"$work/m"
	refuse "manifest: NUL byte" EINVAL "NUL" disk manifest "$work/m"
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

make_root "$work/root"
tar -C "$work/root" -cf "$work/root.tar" .
equal "backend" "$kind" "$(disk probe)"
test_import
test_create
test_customize
test_evil_tar
fresh_pkg
test_links_in_image
# Refused before a backend is asked for anything: once is enough.
if [ $kind = file ]; then
	test_bad_packages
	test_manifest
fi
test_image
test_power_cut
test_full
test_capacity
test_busy
check "remove the VPS" disk remove 7
check "remove the template" disk template-remove tpl 1.0
equal "nothing left" "" "$(disk list)"
