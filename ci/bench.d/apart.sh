#!/bin/sh
# title: Two busy guests on separate CPUs
# unit: per cent of the instructions a CPU executes that are its guest's own work
# The part of group 2 that -icount cannot show (QEMU 7.2 lets the first of two
# busy CPUs keep the other from running): a machine with two CPUs at their own
# pace, and a plugin (apart.c) that counts what each executes in 20 seconds and
# how much of that is the loop of load/. The bare machine: a process on each.
set -eu
cd "$(dirname "$0")/../.."
. ci/bench.d/lib.sh
# shellcheck disable=SC2154 # of lib.sh
work=$bench_dir/apart
mkdir -p "$work"
bench_load_root "$work/host"
rm -rf "$work/root"
mkdir -p "$work/root/dev"
cp "$work/host/bench/apart-init" "$work/root/init"
bench_pack "$work/root"
gcc -O2 -shared -fPIC -o "$work/apart.so" ci/bench.d/apart.c

# machine NAME COMMAND... - "CPU_n PER-CENT" of what it runs
machine() {
	_name=$1
	shift
	rm -f "$work/$_name.count"
	PLUGIN_OUT=$work/$_name.count BENCH_ACCEL="-accel tcg" \
		bench_lines SHARE "$work/$_name.console" \
		"$@" -m 1024 -smp 2 -plugin "$work/apart.so" >/dev/null
	awk '{ printf "CPU_%d %.3f\n", $1, $3 / $2 * 100; n++ }
		END { exit n != 2 }' "$work/$_name.count"
}

# measure bare|serai|xen
measure() {
	if [ "$1" = bare ]; then
		machine bare bench_bare "$work/root.gz" ""
	else
		machine "$1" bench_hv "$1" dom0_mem=512M "$work/host.gz" \
			bench=apart
	fi
}

sources="ci/bench.d/load/rounds.h ci/bench.d/apart-init.c ci/bench.d/apart.c"
bench_kept apart.bare "$sources" measure bare >"$work/bare"
bench_columns apart "$sources ci/bench.d/load/main.c" "$work/bare"
