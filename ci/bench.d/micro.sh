#!/bin/sh
# title: Basic operations of Linux
# unit: instructions per operation
# Group 1: Linux measures itself (micro.c) on the bare machine, in dom0 and in
# a guest; both hypervisors with their default mitigations and without.  The
# kernel has none (mitigations=off): only what lies beneath differs.
set -eu
cd "$(dirname "$0")/../.."
. ci/bench.d/lib.sh
# shellcheck disable=SC2154 # of lib.sh
work=$bench_dir/micro
mkdir -p "$work"
bench_micro_root "$work/root"
bench_host_root "$work/host"

# One CPU: on it, runs repeat exactly. Only the semaphore between two needs two,
# with which bare Linux does not start under -icount (QEMU 7.2).

# bare - "NAME COST" on the bare machine
bare() {
	bench_lines UB "$work/bare.console" \
		bench_bare "$work/root.gz" "" -m 1024
}

# measure serai|xen MODE - "dom0 NAME COST", "domU NAME COST"
measure() {
	bench_lines UB "$work/$1.$2.console" \
		bench_hv "$1" "dom0_mem=640M $(bench_args "$2")" \
		"$work/host.gz" "" -m 1024 || return
	bench_lines UB "$work/$1.$2.two.console" \
		bench_hv "$1" "dom0_mem=640M $(bench_args "$2")" \
		"$work/host.gz" bench=semaphore -m 1024 -smp 2
}

sources=ci/bench.d/micro.c
bench_kept micro.bare "$sources" bare >"$work/bare"
for mode in ${MODES:-default off}; do
	measure serai "$mode" >"$work/serai.$mode"
	bench_kept "micro.xen.$mode" "$sources" measure xen "$mode" \
		>"$work/xen.$mode"
done

bench_begin micro
for mode in ${MODES:-default off}; do
	for where in dom0 domU; do
		bench_heading "$where, $(bench_mode "$mode")"
		for hv in xen serai; do
			sed -n "s/^$where //p" "$work/$hv.$mode" >"$work/$hv"
		done
		bench_join "$work/bare" "$work/xen" "$work/serai"
	done
done
