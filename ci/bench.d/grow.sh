#!/bin/sh
# title: Cost as the number of guests grows
# unit: instructions; creating and destroying to 10 ms of the guest's clock
# Group 6, and of group 3 what needs no file system: small guests (load/),
# created one after the other and then asleep.
set -eu
cd "$(dirname "$0")/../.."
. ci/bench.d/lib.sh
# shellcheck disable=SC2154 # of lib.sh
work=$bench_dir/grow
mkdir -p "$work"
bench_load_root "$work/host"
for hv in ${HYPERVISORS:-serai xen}; do
	image=$B/hypervisor.elf
	[ "$hv" = serai ] || image=$B/xen.elf
	bench_hv "$image" "dom0_mem=768M" "$work/host.gz" "bench=grow" \
		-m 3072 >"$work/$hv.console"
	sed -n 's/^.*COST //p' "$work/$hv.console" >"$work/$hv"
done
bench_begin grow
bench_join /dev/null "$work/xen" "$work/serai"
