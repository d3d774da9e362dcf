#!/bin/sh
# No path gets longer unnoticed: some of the micro-benchmarks, in dom0 and in
# a guest, must not cost more instructions than ci/bench.d/ceilings says and
# 2 %.  A change that shortens a path lowers its number there.  "off" is dom0
# without mitigations: CPUs without Meltdown take these paths.
set -u
cd "$(dirname "$0")/../.." || exit 1
. ci/bench.d/lib.sh
work=$bench_dir/ceilings
mkdir -p "$work"
names=null-syscall+anonymous-fault+mprotect-16-twice+fork-exit-wait+pipe-hop

make -C hypervisor O="$B" >"$work/build.log" 2>&1 || {
	echo "FAIL ceilings: expected the hypervisor to build" \
		"(log: $work/build.log)"
	exit 1
}
bench_host_root "$work/host"
BENCH_LIMIT=600
bench_hv serai "dom0_mem=640M" "$work/host.gz" "bench=$names" \
	-m 1024 >"$work/console"
bench_micro_root "$work/root"
bench_hv serai "$BENCH_OFF" "$work/root.gz" \
	"-- null-syscall anonymous-fault" -m 768 >"$work/console.off"
rm -rf "$work/host" "$work/host.gz"
{
	sed -n 's/^.*UB \(dom[0U] \)/\1/p' "$work/console"
	sed -n 's/^.*UB \([a-z]\)/off \1/p' "$work/console.off"
} >"$work/costs"

# Columns of the file: where, name, instructions.
grep -v '^#' ci/bench.d/ceilings | while read -r where name ceiling; do
	cost=$(sed -n "s/^$where $name //p" "$work/costs")
	if [ -z "$cost" ]; then
		echo "FAIL ceilings: $where $name: expected a result, got none" \
			"(consoles: $work/console*)"
	elif awk "BEGIN { exit !($cost <= $ceiling * 1.02) }"; then
		echo "ok ceilings: $where $name"
	else
		echo "FAIL ceilings: $where $name: expected at most $ceiling" \
			"instructions and 2 %, got $cost" \
			"(consoles: $work/console*)"
	fi
done
