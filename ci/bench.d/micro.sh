#!/bin/sh
# title: Basic operations of Linux
# unit: instructions per operation
# Group 1: Linux measures itself (micro.c) on the bare machine, in dom0 and in
# a guest; both hypervisors with their default mitigations and without.  The
# kernel has none (mitigations=off): only what lies beneath differs.
set -eu
cd "$(dirname "$0")/../.."
. ci/bench.d/lib.sh
work=$bench_dir/micro
mkdir -p "$work"
bench_micro_root "$work/root"
bench_host_root "$work/host"

# Two CPUs only where two are needed: on one, runs repeat exactly.
bench_bare "$work/root.gz" "" -m 1024 |
	sed -n 's/^.*UB \([a-z]\)/\1/p' >"$work/bare"
bench_bare "$work/root.gz" "-- semaphore" -m 1024 -smp 2 |
	sed -n 's/^.*UB \([a-z]\)/\1/p' >>"$work/bare"

# measure NAME IMAGE "HYPERVISOR ARGS"
measure() {
	bench_hv "$2" "dom0_mem=640M $3" "$work/host.gz" "" -m 1024 \
		>"$work/$1.console"
	bench_hv "$2" "dom0_mem=640M $3" "$work/host.gz" "bench=semaphore" \
		-m 1024 -smp 2 >"$work/$1.smp.console"
	for where in dom0 domU; do
		cat "$work/$1.console" "$work/$1.smp.console" |
			sed -n "s/^.*UB $where //p" >"$work/$1.$where"
	done
}
bench_begin micro
for mode in default off; do
	args=
	heading="default mitigations"
	[ "$mode" = default ] || {
		args=$BENCH_OFF
		heading="no mitigations"
	}
	measure "serai.$mode" "$B/hypervisor.elf" "$args"
	measure "xen.$mode" "$B/xen.elf" "$args"
	for where in dom0 domU; do
		bench_heading "$where, $heading"
		bench_join "$work/bare" "$work/xen.$mode.$where" \
			"$work/serai.$mode.$where"
	done
done
