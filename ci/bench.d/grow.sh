#!/bin/sh
# title: Cost as the number of guests grows
# unit: instructions; creating and destroying to 10 ms of the machine's clock
# Group 6: small guests (load/, 16 MiB), created one after the other; each
# counts what a hypercall costs and then sleeps. Beside them two that yield to
# each other show what a switch of vCPUs does.
set -eu
cd "$(dirname "$0")/../.."
. ci/bench.d/lib.sh
# shellcheck disable=SC2154 # of lib.sh
work=$bench_dir/grow
mkdir -p "$work"
bench_load_root "$work/host"

# measure serai|xen - "NAME NS"
measure() {
	bench_hv "$(bench_image "$1")" dom0_mem=768M "$work/host.gz" \
		bench=grow -m 3072 >"$work/$1.console"
	bench_whole "$work/$1.console" || return
	sed -n 's/^.*COST //p' "$work/$1.console"
}
sources="ci/bench.d/load/main.c ci/bench.d/load/rounds.h"
measure serai >"$work/serai"
bench_kept grow.xen "$sources" measure xen >"$work/xen"
bench_begin grow
bench_join /dev/null "$work/xen" "$work/serai"
