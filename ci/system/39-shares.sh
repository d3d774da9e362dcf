#!/bin/sh
# 39-shares.sh - two guests of weights 1:2 on one CPU of our hypervisor get a
# third and two thirds of it, within 1 %, each second. Under -icount, so the
# load of this machine does not matter.
set -eu
cd "$(dirname "$0")/../.."
B=${B:-$PWD/build}
export B
. ci/bench.d/lib.sh
work=$B/log/shares
mkdir -p "$work"
bench_load_root "$work/host" >"$work/build.log" 2>&1
BENCH_LIMIT=600 bench_hv serai "dom0_mem=512M" \
	"$work/host.gz" "bench=third" -m 1024 >"$work/console"
sed -n 's/^.*SHARE third g[12] LOAD //p' "$work/console" |
	awk -v file="$work/console" '
	{ n[$1]++; sum[$1] += $2; if ($2 > most[$1]) most[$1] = $2 }
	END {
		for (s in n) {
			# Not the seconds in which one of them was not there.
			if (n[s] < 2 || s == first || !(s - 1 in n) ||
				!(s + 1 in n) || n[s - 1] < 2 || n[s + 1] < 2)
				continue
			seen++
			share = most[s] / sum[s] * 100
			if (share < 66 || share > 67.4) {
				bad = bad " " share
			}
		}
		name = "shares: weights 1:2 give a third and two thirds"
		if (!seen || bad)
			print "FAIL " name ": expected 66.7 % in each second, " \
				"got" (bad ? bad : " no second") " (" file ")"
		else
			print "ok " name " (" seen " seconds)"
	}'
