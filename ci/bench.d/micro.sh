#!/bin/sh
# title: Basic operations of Linux
# unit: instructions (group 1)
# Linux measures itself (micro.c) as dom0's first process, on the bare machine
# and on both hypervisors, with their default mitigations.
set -eu
cd "$(dirname "$0")/../.."
. ci/bench.d/lib.sh
root=$bench_dir/micro.root
rm -rf "$root"
mkdir -p "$root/dev" "$root/proc"
gcc -O2 -static -o "$root/init" ci/bench.d/micro.c
(cd "$root" && find . | cpio -o -H newc --quiet) | gzip >"$root.gz"

results() { # NAME: the lines of stdin
	sed -n 's/^.*UB //p' >"$bench_dir/micro.$1"
}
bench_bare "$root.gz" "" -m 768 | results bare
bench_hv "$B/xen.elf" "" "$root.gz" "" -m 768 | results xen
bench_hv "$B/hypervisor.elf" "" "$root.gz" "" -m 768 | results serai
bench_begin micro
bench_heading "dom0, default mitigations"
bench_join "$bench_dir/micro.bare" "$bench_dir/micro.xen" \
	"$bench_dir/micro.serai"
