#!/bin/sh
# title: Waking up beside nine busy guests
# unit: nanoseconds from a timer until the guest that sleeps on it runs
# Group 5: one guest sleeps 7 ms and works 0.2 ms, 300 times, on the one CPU
# that nine others keep busy (load/).
set -eu
cd "$(dirname "$0")/../.."
. ci/bench.d/lib.sh
# shellcheck disable=SC2154 # of lib.sh
work=$bench_dir/wake
mkdir -p "$work"
bench_load_root "$work/host"

# measure serai|xen - "NAME NS"
measure() {
	bench_lines WAKE "$work/$1.console" \
		bench_hv "$1" dom0_mem=512M "$work/host.gz" \
		bench=wake -m 1024 | sort -n | awk '
		function percentile(p) {
			return v[int((n * p + 99) / 100)]
		}
		{ v[++n] = $1 }
		END {
			if (n != 300) exit 1
			print "median", percentile(50)
			print "90th_percentile", percentile(90)
			print "99th_percentile", percentile(99)
			print "worst_of_300", v[n]
		}'
}
bench_columns wake "ci/bench.d/load/main.c ci/bench.d/load/rounds.h" /dev/null
