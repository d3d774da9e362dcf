#!/bin/sh
# title: Cost as the number of guests grows
# unit: instructions; creating and destroying in thousands of them
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

# measure serai|xen - "NAME COST"
measure() {
	bench_lines COST "$work/$1.console" \
		bench_hv "$1" dom0_mem=768M "$work/host.gz" \
		"bench=${GROW:-grow1+grow10+grow50+grow100}" -m 3072 \
		>"$work/lines" || return
	sort -s -t _ -k 1,1 "$work/lines"
}
bench_columns grow "ci/bench.d/load/main.c ci/bench.d/load/rounds.h" /dev/null
