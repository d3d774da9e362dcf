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

# bench_qemu OPTION... - a machine that counts instructions (BENCH_ACCEL: another
# one), console on stdout. Ends when the machine turns itself off, or after BENCH_LIMIT seconds.
bench_qemu() {
	# shellcheck disable=SC2086 # several words
	timeout "${BENCH_LIMIT:-1500}" nice qemu-system-x86_64 \
		${BENCH_ACCEL:--accel tcg,thread=single -icount shift=0,sleep=off} \
		-cpu Nehalem -nographic -no-reboot -net none "$@" \
		</dev/null 2>&1 | stdbuf -oL tr -d '\r'
}

# bench_hv serai|xen "HYPERVISOR ARGS" INITRD "KERNEL ARGS" [OPTION...] - dom0 on a
# hypervisor; the kernel itself has no mitigations, so only hypervisors differ,
# and does not randomise addresses, which decide how many tables a process has.
bench_hv() {
	_image=$(bench_image "$1") _hv=$2 _initrd=$3 _kernel=$4
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

# bench_image serai|xen
bench_image() {
	case $1 in
	serai) echo "$B/hypervisor.elf" ;;
	*) echo "$B/xen.elf" ;;
	esac
}

# bench_args default|off - for the hypervisor
bench_args() {
	[ "$1" = default ] || echo "$BENCH_OFF"
}

# bench_mode default|off - in words
bench_mode() {
	if [ "$1" = default ]; then
		echo "default mitigations"
	else
		echo "no mitigations"
	fi
}

# bench_lines TAG CONSOLE COMMAND... - runs COMMAND, a machine, with its console
# in a file; what follows the word TAG in its lines, if it came to its end.
bench_lines() {
	_tag=$1 _console=$2
	shift 2
	"$@" >"$_console"
	grep -q BENCH-END "$_console" || {
		echo "expected a run to its end, got less: $_console" >&2
		return 1
	}
	sed -n "s/^.*\\<$_tag \\([A-Za-z0-9]\\)/\\1/p" "$_console"
}

# bench_kept NAME "SOURCES" COMMAND... - what COMMAND prints. It measures what
# is not ours, which changes only with Debian's packages and with SOURCES, the
# programs that do the work: so bench.d/kept/NAME keeps it, with the date.
bench_kept() {
	_kept=ci/bench.d/kept/$1
	# shellcheck disable=SC2086 # several files
	_key=$(cat "$B/xen.elf" "$B/dom0-vmlinux" $2 | cksum | tr ' ' -)
	shift 2
	if ! grep -qs "^# $_key" "$_kept"; then
		mkdir -p ci/bench.d/kept
		"$@" >"$_kept.tmp" || return
		{
			echo "# $_key, $(date -u +%F): $*"
			cat "$_kept.tmp"
		} >"$_kept"
		rm "$_kept.tmp"
	fi
	grep -v '^#' "$_kept"
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
# "_" is a blank; what another file has not is "-", and so is everything of a file /dev/null.
bench_join() {
	awk -v OFS='\t' '
	FILENAME == ARGV[1] { bare[$1] = $2; next }
	FILENAME == ARGV[2] { xen[$1] = $2; next }
	{
		name = $1
		gsub(/_/, " ", name)
		print name, $1 in bare ? bare[$1] : "-", \
			$1 in xen ? xen[$1] : "-", $2
	}
	' "$@" >>"$bench_tsv"
}

# bench_columns GROUP "SOURCES" BARE - the table of a group with one heading, of
# its `measure serai` and, kept or measured, `measure xen`; BARE as above.
bench_columns() {
	measure serai >"$bench_dir/$1/serai"
	bench_kept "$1.xen" "$2" measure xen >"$bench_dir/$1/xen"
	bench_begin "$1"
	bench_join "$3" "$bench_dir/$1/xen" "$bench_dir/$1/serai"
}

# bench_micro_root TREE - TREE.gz: an initrd whose first process is micro.c.
bench_micro_root() {
	rm -rf "$1"
	mkdir -p "$1/dev" "$1/proc"
	gcc -O2 -static -pthread -o "$1/init" ci/bench.d/micro.c
	bench_pack "$1"
}

# bench_bare_root TREE - TREE.gz: likewise bare.c, a busy process a CPU.
bench_bare_root() {
	rm -rf "$1"
	mkdir -p "$1/dev"
	gcc -O2 -static -o "$1/init" ci/bench.d/bare.c
	bench_pack "$1"
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
			! -name 'xen-*back.ko' ! -name loop.ko \
			! -name bridge.ko ! -name stp.ko ! -name llc.ko -delete
		mkdir bench
	)
	cp ci/bench.d/host-start "$1/bench/"
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
	rm -f "$B/guest/load.elf"
	make --no-print-directory -C hypervisor/test/guest O="$B" \
		"$B/guest/load.elf"
	bench_tools_root "$1"
	cp "$B/guest/load.elf" "$1/bench/"
	gcc -O2 -static -o "$1/bench/apart-init" ci/bench.d/apart-init.c
	cp ci/bench.d/shares-host "$1/init"
	bench_pack "$1"
}
