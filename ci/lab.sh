# shellcheck shell=sh disable=SC2154,SC2034,SC2119,SC2120
# lab.sh - guests on either hypervisor, booted straight from -kernel.
# Sourced by system tests after qemu.sh.
#
# The laboratory disk, mounted at /run/lab in dom0, has a guest kernel with a
# shell on its console (lab.d/init, lab.d/dom0) and our PV test kernels.

# lab_tree - $vm_dir/lab/disk: the guest and its kernel, the test kernels and a
# file system with $lab_programs.
lab_tree() {
	_tree=$vm_dir/lab
	_here=${here:?}
	rm -rf "$_tree"
	mkdir -p "$_tree/disk/guest"
	tar -C "$_tree" -xf "$(ls "$B"/templates/busybox-*.tar.zst)" \
		kernel initrd
	mv "$_tree/kernel" "$_tree/disk/kernel"
	mkdir "$_tree/initrd.d"
	(cd "$_tree/initrd.d" && gzip -dc ../initrd | cpio --quiet -id)
	cp "$_here/lab.d/init" "$_tree/initrd.d/init"
	chmod 755 "$_tree/initrd.d/init"
	(cd "$_tree/initrd.d" && find . | LC_ALL=C sort |
		cpio --quiet -o -H newc -R 0:0) >"$_tree/disk/initrd"
	make -s -C "$_here/../hypervisor/test/guest" O="$B" all \
		"$B/guest/load.elf" >/dev/null &&
		cp "$B"/guest/*.elf "$_tree/disk/guest/" || return 1
	gcc -O2 -shared -fPIC -o "$_tree/disk/calls.so" \
		"$_here/lab.d/calls.c" || return 1
	# shellcheck disable=SC2086 # words
	[ -z "${lab_programs:-}" ] || lab_tools $lab_programs
}

# lab_tools PROGRAM... - a file system for guests, with these programs of this
# machine and their libraries.
lab_tools() {
	mkdir -p "$vm_dir/lab/tools/bin" "$vm_dir/lab/tools/lib"
	for _program; do
		cp "$(command -v "$_program")" "$vm_dir/lab/tools/bin/"
		ldd "$(command -v "$_program")" | grep -o "/[^ ]*" |
			xargs cp -L -t "$vm_dir/lab/tools/lib"
	done
	mke2fs -q -F -t ext2 -m 0 -d "$vm_dir/lab/tools" \
		"$vm_dir/lab/disk/tools.img" 128M
}

# lab_build - $vm_dir/lab.img out of it.
lab_build() {
	lab_tree || return 1
	rm -f "$vm_dir/lab.img"
	mke2fs -q -F -t ext2 -m 0 -L LAB -d "$_tree/disk" "$vm_dir/lab.img" \
		"${lab_programs:+2}96M"
	rm -rf "$_tree"
}

# lab_start serai|xen [HYPERVISOR-OPTION...] - boot, up to dom0's shell.
# Further QEMU options in $lab_qemu. /run/scratch is a disk of its own: dom0 has
# no memory for what is saved.
lab_start() {
	truncate -s 0 "$vm_dir/scratch.img"
	truncate -s 4G "$vm_dir/scratch.img"
	mke2fs -q -F -t ext4 -E lazy_itable_init=1 -L SCRATCH "$vm_dir/scratch.img"
	_hv=$B/hypervisor.elf
	[ "$1" = serai ] || _hv=$B/xen.elf
	shift
	# With more than 3 GiB dom0 has bounce buffers of 64 MiB.
	_dom0=384M
	[ "$vm_memory" -le 3072 ] || _dom0=640M
	# shellcheck disable=SC2086
	vm_start -kernel "$_hv" \
		-append "console=com1 com1=115200 dom0_mem=${lab_dom0:-$_dom0} $*" \
		-initrd "$B/dom0-vmlinux console=hvc0 rootfstype=ramfs,$B/dom0-root.img" \
		-drive "if=none,id=lab,format=raw,readonly=on,file=$vm_dir/lab.img" \
		-device virtio-blk-pci,drive=lab \
		-drive "if=virtio,format=raw,cache=unsafe,file=$vm_dir/scratch.img" \
		${lab_qemu:-}
	vm_wait_up
	# shellcheck disable=SC2016 # dom0 expands
	dom0 'mkdir -p /run/lab /run/scratch
		mount -t ext2 -o ro "$(findfs LABEL=LAB)" /run/lab &&
		mount -t ext4 "$(findfs LABEL=SCRATCH)" /run/scratch' </dev/null ||
		vm_die "expected the laboratory disk in dom0"
	dom0_put "${here:?}/lab.d/dom0" /run/lab-functions
}

# lab_sh - the shell script on stdin, in dom0, with lab.d/dom0's functions.
lab_sh() {
	{
		echo ". /run/lab-functions"
		cat
	} | DOM0_TIMEOUT=${1:-900} dom0 'cat >/run/script; sh /run/script </dev/null'
}

# lab_test SCRIPT MIB CPUS - a test that is lab.d/SCRIPT: its result lines, and
# that the hypervisor (HYPERVISOR=serai or xen) and dom0 came through it. Ours
# counts all its books afterwards.
lab_test() {
	vm_test=$1
	vm_memory=$2
	vm_cpus=$3
	vm_prepare "lab-$1"
	lab_build || vm_die "expected the laboratory disk to be built"
	lab_start "${HYPERVISOR:-serai}"
	{
		echo "LAB_TEST=$1 ${LAB_SET:-}"
		cat "$here/lab.d/$1"
	} | lab_sh "${LAB_LIMIT:-900}"
	check "$1: the script ends well" 0 "$?"
	if [ "${HYPERVISOR:-serai}" = serai ]; then
		check "$1: all reference counts are right" 1 "$(dom0 \
			'xl debug-keys A; xl dmesg | grep -c "audit: no mismatch"' \
			</dev/null)"
	fi
	vm_poweroff
	check "$1: no complaint of the hypervisor" 0 "$(grep -acE \
		'hypervisor fault|panic|double fault' "$vm_dir/console.log")"
}

# lab_count SCRIPT MIB CPUS [FILE...] - likewise on a machine that counts
# instructions: each is a nanosecond of its clock, so what lab.d/SCRIPT measures
# does not depend on this machine. It has no network and no disk (waiting for
# them would be time that is made up): FILEs of the laboratory disk are in
# dom0's RAM. All that the script prints is left in $vm_dir/out.
lab_count() {
	vm_test="$1 on $3 CPUs" _script=$1
	vm_dir=$B/log/lab-$1-$3-${HYPERVISOR:-serai}
	_root=$vm_dir/root _machine="-m $2 -smp $3"
	_hv=$B/hypervisor.elf
	[ "${HYPERVISOR:-serai}" = serai ] || _hv=$B/xen.elf
	shift 3
	rm -rf "$vm_dir"
	mkdir -p "$_root/lab" "$_root/etc"
	lab_tree || vm_die "expected the laboratory to be built"
	(cd "$vm_dir/lab/disk" && cp -R "$@" "$_root/lab/")
	rm -rf "$vm_dir/lab"
	cp "$here/lab.d/dom0" "$_root/lab/functions"
	{
		echo "LAB_TEST='$vm_test' ${LAB_SET:-}"
		echo ". /run/lab-functions"
		cat "$here/lab.d/$_script"
	} >"$_root/lab/script"
	cp "$here/lab.d/count" "$_root/lab/count"
	sed '/serai\/console/d' "$here/../dom0-image/overlay/etc/inittab" \
		>"$_root/etc/inittab"
	echo "::once:/bin/sh /lab/count" >>"$_root/etc/inittab"
	# The kernel looks for the next archive at a multiple of four.
	cp "$B/dom0-root.img" "$vm_dir/root.img"
	truncate -s %4 "$vm_dir/root.img"
	(cd "$_root" && find . | cpio -o -H newc --quiet -R 0:0 | zstd -q1) \
		>>"$vm_dir/root.img"
	rm -rf "$_root"
	# shellcheck disable=SC2086 # words
	timeout "${LAB_LIMIT:-900}" nice qemu-system-x86_64 $_machine \
		-accel tcg,thread=single -icount shift=0,sleep=off \
		-cpu "$CPU" -nographic -no-reboot -net none -kernel "$_hv" \
		-append "console=com1 com1=115200 dom0_mem=${lab_dom0:-512M}" \
		-initrd "$B/dom0-vmlinux console=hvc0 quiet rootfstype=ramfs serai.net=10.0.2.15/24 serai.wait=1,$vm_dir/root.img" \
		${lab_qemu:-} \
		</dev/null >"$vm_dir/console.log" 2>&1
	sed -i "s/\r*$//" "$vm_dir/console.log"
	sed -n 's/^.*LAB: //p' "$vm_dir/console.log" >"$vm_dir/out"
	cat "$vm_dir/out"
	check "$vm_test: the script ends well" 0 \
		"$(sed -n 's/^.*LAB-END //p' "$vm_dir/console.log")"
	[ "${HYPERVISOR:-serai}" = xen ] ||
		check "$vm_test: all reference counts are right" 1 \
			"$(sed -n "s/^.*LAB-AUDIT //p" "$vm_dir/console.log")"
	check "$vm_test: no complaint of the hypervisor" 0 "$(
		grep -av "LAB: " "$vm_dir/console.log" |
			grep -cE "hypervisor fault|panic|double fault")"
}
