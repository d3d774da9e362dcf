# shellcheck shell=sh
# lib.sh - what the benchmark groups share; sourced from the top folder.
#
# A group writes $B/bench/GROUP.tsv: a header line "name bare xen serai"
# (tabs between), then a line per row.  "-" is a value that does not exist,
# such as a hypercall's cost on the bare machine.  A line "# TEXT" is a
# heading for the rows after it.

B=${B:-$PWD/build}
bench_dir=$B/bench
# With these both hypervisors run without mitigations.
# shellcheck disable=SC2034 # the groups use it
BENCH_OFF="xpti=off spec-ctrl=off"

# bench_qemu OPTION... - a machine that counts instructions, console on stdout.
# Ends when the machine turns itself off, or after BENCH_LIMIT seconds.
bench_qemu() {
	timeout "${BENCH_LIMIT:-1500}" nice qemu-system-x86_64 \
		-accel tcg,thread=single -icount shift=0,sleep=off \
		-cpu Nehalem -nographic -no-reboot -net none "$@" \
		</dev/null 2>&1 | tr -d '\r'
}

# bench_hv IMAGE "HYPERVISOR ARGS" INITRD "KERNEL ARGS" [OPTION...] - dom0 on a
# hypervisor; the kernel itself has no mitigations, so only hypervisors differ,
# and does not randomise addresses, which decide how many tables a process has.
bench_hv() {
	_image=$1 _hv=$2 _initrd=$3 _kernel=$4
	shift 4
	bench_qemu -kernel "$_image" -append "console=com1 com1=115200 $_hv" \
		-initrd "$B/dom0-vmlinux console=hvc0 quiet mitigations=off norandmaps $_kernel,$_initrd" \
		"$@"
}

# bench_bare INITRD "KERNEL ARGS" [OPTION...] - the same kernel without one.
bench_bare() {
	_initrd=$1 _kernel=$2
	shift 2
	bench_qemu -kernel "$B/dom0-vmlinux" -initrd "$_initrd" \
		-append "console=ttyS0 quiet mitigations=off norandmaps $_kernel" "$@"
}

bench_begin() { # GROUP
	bench_tsv=$bench_dir/$1.tsv
	printf 'name\tbare\txen\tserai\n' >"$bench_tsv"
}

bench_heading() { # TEXT
	echo "# $1" >>"$bench_tsv"
}

# bench_row NAME BARE XEN SERAI
bench_row() {
	printf '%s\t%s\t%s\t%s\n' "$@" >>"$bench_tsv"
}

# bench_join BARE XEN SERAI - a row for each line "NAME VALUE" of file SERAI;
# what another file has not is "-", and so is everything of a file /dev/null.
bench_join() {
	awk -v OFS='\t' '
	FILENAME == ARGV[1] { bare[$1] = $2; next }
	FILENAME == ARGV[2] { xen[$1] = $2; next }
	{ print $1, $1 in bare ? bare[$1] : "-", $1 in xen ? xen[$1] : "-", $2 }
	' "$@" >>"$bench_tsv"
}

# bench_micro_root TREE - TREE.gz: an initrd whose first process is micro.c.
bench_micro_root() {
	rm -rf "$1"
	mkdir -p "$1/dev" "$1/proc"
	gcc -O2 -static -pthread -o "$1/init" ci/bench.d/micro.c
	(cd "$1" && find . | cpio -o -H newc --quiet) | gzip >"$1.gz"
}

# bench_tools_root TREE - the Xen tools of dom0's root, and a folder bench.
bench_tools_root() {
	rm -rf "$1"
	mkdir -p "$1"
	zstd -qdc "$B/dom0-root.img" | (cd "$1" && cpio -idm --quiet)
	(
		cd "$1" || exit
		rm -rf init usr/share usr/lib/grub etc/ssl
		find usr/lib/modules -name '*.ko' ! -path '*/drivers/xen/*' \
			-delete
		mkdir bench
	)
}

# bench_pack TREE - TREE.gz, an initrd.
bench_pack() {
	(cd "$1" && find . | cpio -o -H newc --quiet) | zstd -q1 >"$1.gz"
}

# bench_host_root TREE - TREE.gz: these tools with micro-host as first
# process, which measures dom0 and then a guest.
bench_host_root() {
	bench_tools_root "$1"
	bench_micro_root "$1/bench/micro"
	mv "$1/bench/micro.gz" "$1/bench/guest.gz"
	cp "$B/dom0-vmlinux" "$1/bench/vmlinux"
	cp ci/bench.d/micro-host "$1/init"
	bench_pack "$1"
}

# bench_load_root TREE - TREE.gz: likewise with shares-host and its guest.
bench_load_root() {
	make --no-print-directory -C hypervisor/test/guest O="$B" \
		"$B/guest/load.elf"
	bench_tools_root "$1"
	cp "$B/guest/load.elf" "$1/bench/"
	cp ci/bench.d/shares-host "$1/init"
	bench_pack "$1"
}
