#!/bin/sh
# block_test.sh LOG_DIR - the block hotplug script with real loop devices, and
# dom0's mixture of busybox and util-linux where busybox is installed.
# Prints ok/FAIL lines.  Needs root.
set -eu

if [ "${BLOCK_TEST_INSIDE:-}" != yes ]; then
	BLOCK_TEST_INSIDE=yes exec unshare -m --propagation private "$0" "$@"
fi

here=$(cd "$(dirname "$0")/.." && pwd)
log=$1
store=/run/xenstore
mkdir -p "$log"
mount -t tmpfs none /run
mkdir -p /run/fakebin $store
for tool in xenstore-read xenstore-write xenstore-rm; do
	ln -s "$here/test/fake-xenstore" /run/fakebin/$tool
done
PATH=/run/fakebin:$PATH:/usr/sbin:/sbin
export PATH

equal()
{
	if [ "$2" = "$3" ]; then
		echo "ok block $1"
	else
		echo "FAIL block $1: expected '$2', got '$3'; logs in $log"
	fi
}

# new_disk N FILE MODE
new_disk()
{
	mkdir -p "$store/be/$1"
	echo "$2" >"$store/be/$1/params"
	echo "$3" >"$store/be/$1/mode"
}

hotplug()
{
	XENBUS_PATH=be/$2 "$here/hotplug/block-serai" "$1" \
		>>"$log/block.log" 2>&1 && echo yes || echo failed
}

key()
{
	cat "$store/be/$1/$2" 2>/dev/null || echo none
}

backing()
{
	cat "/sys/block/${1#/dev/}/loop/backing_file" 2>/dev/null || echo none
}

# A file that is in use is waited for; here the clock stands still.
mkdir -p /run/nowait
printf '#!/bin/sh\n' >/run/nowait/sleep
chmod 755 /run/nowait/sleep
hotplug_now()
{
	PATH=/run/nowait:$PATH hotplug "$@"
}

# A file has one writer or any number of readers.
run_sharing()
{
	truncate -s 1M /run/c.img
	new_disk 1 /run/c.img r
	new_disk 2 /run/c.img r
	new_disk 3 /run/c.img w
	equal "$1: a reader" yes "$(hotplug_now add 1)"
	dev=$(key 1 physical-device-path)
	equal "$1: a second reader" yes "$(hotplug_now add 2)"
	equal "$1: a writer beside readers" failed "$(hotplug_now add 3)"
	equal "$1: is told who is in the way" \
		"block-serai: /run/c.img is in use by $dev" \
		"$(key 3 hotplug-error)"
	hotplug remove 1 >/dev/null
	equal "$1: the other reader keeps its device" /run/c.img \
		"$(backing "$(key 2 physical-device-path)")"
	equal "$1: a writer beside one reader" failed \
		"$(hotplug_now add 3)"
	hotplug remove 2 >/dev/null
	equal "$1: a writer alone" yes "$(hotplug_now add 3)"
	equal "$1: a reader beside a writer" failed \
		"$(hotplug_now add 1)"
	new_disk 4 /run/c.img w
	equal "$1: a second writer" failed "$(hotplug_now add 4)"
	hotplug remove 3 >/dev/null
	# Four writers at once: one gets it.
	for n in 5 6 7 8; do
		new_disk $n /run/c.img w
		hotplug_now add $n >"/run/$n.said" &
	done
	wait
	equal "$1: four writers at a time" 1 \
		"$(cat /run/?.said | grep -c yes)"
	equal "$1: four writers, one device" 1 \
		"$(cat /sys/block/loop*/loop/backing_file |
			grep -cx /run/c.img)"
	for n in 5 6 7 8; do
		hotplug remove $n >/dev/null
	done
	rm -rf "$store/be"
}

run_all()
{
	truncate -s 1M /run/a.img /run/b.img
	new_disk 1 /run/a.img w
	new_disk 2 /run/b.img r
	equal "$1: add a file" yes "$(hotplug add 1)"
	equal "$1: add a read-only file" yes "$(hotplug add 2)"
	dev=$(key 1 physical-device-path)
	dev2=$(key 2 physical-device-path)
	equal "$1: file is behind the loop device" /run/a.img "$(backing "$dev")"
	equal "$1: device number" "$(stat -L -c %t:%T "$dev")" \
		"$(key 1 physical-device)"
	equal "$1: connected" connected "$(key 1 hotplug-status)"
	equal "$1: writable" 0 "$(cat "/sys/block/${dev#/dev/}/ro")"
	equal "$1: read-only" 1 "$(cat "/sys/block/${dev2#/dev/}/ro")"
	# A block device goes through as it is.
	new_disk 3 "$dev" w
	equal "$1: add a block device" yes "$(hotplug add 3)"
	equal "$1: block device as it is" "$dev" "$(key 3 physical-device-path)"
	new_disk 4 /run/none.img w
	equal "$1: no such file" failed "$(hotplug add 4)"
	equal "$1: no such file: status" error "$(key 4 hotplug-status)"
	# Rebooting: the old self lets go while the new one waits.
	new_disk 5 /run/b.img w
	(sleep 0.5; hotplug remove 2 >/dev/null) &
	equal "$1: waits for the previous self" yes "$(hotplug add 5)"
	wait
	equal "$1: remove" yes "$(hotplug remove 1)"
	equal "$1: removed" none "$(backing "$dev")"
	equal "$1: remove again" yes "$(hotplug remove 1)"
	hotplug remove 5 >/dev/null
	# Four at a time must get four devices.
	for n in 6 7 8 9; do
		truncate -s 1M /run/$n.img
		new_disk $n /run/$n.img w
		hotplug add $n >/dev/null &
	done
	wait
	equal "$1: four at a time" "/run/6.img /run/7.img /run/8.img /run/9.img" \
		"$(for n in 6 7 8 9; do
			backing "$(key $n physical-device-path)"
		done | tr '\n' ' ' | sed 's/ $//')"
	for n in 6 7 8 9; do
		hotplug remove $n >/dev/null
	done
	rm -rf "$store/be"
}

run_all gnu
run_sharing gnu
if busybox true 2>/dev/null; then
	for tool in stat readlink sleep; do
		ln -s "$(command -v busybox)" /run/fakebin/$tool
	done
	run_all busybox
	run_sharing busybox
else
	echo "ok block busybox: skipped, not installed"
fi
