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

here=$(dirname "$0")
# shellcheck source=test/disk_volume_cases.sh
. "$here/disk_volume_cases.sh"
# shellcheck source=test/disk_package_cases.sh
. "$here/disk_package_cases.sh"

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
