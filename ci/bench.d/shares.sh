#!/bin/sh
# title: Shares of one CPU
# unit: per cent of the CPU, got in the guest; wake-up latency in ns
# Groups 2 and 5: guests that count what they can do in each second (load/).
# The bare machine is one that does as many rounds as it executes instructions.
set -eu
cd "$(dirname "$0")/../.."
. ci/bench.d/lib.sh
work=$bench_dir/shares
mkdir -p "$work"
bench_load_root "$work/host"
: "${EXPERIMENTS:=alone+oneidle+two+weights+caps+nine+ten+wake}"

for hv in ${HYPERVISORS:-serai xen}; do
	image=$B/hypervisor.elf
	[ "$hv" = serai ] || image=$B/xen.elf
	bench_hv "$image" "dom0_mem=512M" "$work/host.gz" \
		"bench=$EXPERIMENTS" -m 1024 >"$work/$hv.console"
done

# shares CONSOLE - "NAME PERCENT" of each guest and experiment: the mean over
# the seconds in which all of its guests ran from the first to the last.
shares() {
	sed -n 's/^.*SHARE //p' "$1" | awk '
	$3 == "LOAD" {
		k = $1 SUBSEP $2
		if (!(k in first)) {
			first[k] = $4
			guests[$1] = guests[$1] " " $2
			if (!($1 in seen)) { seen[$1] = 1; order[++n] = $1 }
		}
		last[k] = $4
		rounds[k, $4] = $5
	}
	$3 == "WAKE" { print $4 > wakes }
	END {
		for (e = 1; e <= n; e++) {
			name = order[e]
			m = split(guests[name], g, " ")
			from = 0; to = 1e9
			for (i = 1; i <= m; i++) {
				k = name SUBSEP g[i]
				if (first[k] + 1 > from) from = first[k] + 1
				if (last[k] < to) to = last[k]
			}
			total = 0
			for (i = 1; i <= m; i++) {
				sum = 0
				for (s = from; s <= to; s++)
					sum += rounds[name, g[i], s]
				if (to < from) continue
				# 27 instructions besides the round itself
				share = sum / (to - from + 1) / alone()
				total += share
				print name "-" g[i], share * 100
			}
			if (m > 1) print name "-total", total * 100
		}
	}
	function alone() { return per_second }
	' per_second="$2" wakes="$1.wakes" -
}
# What one guest alone does in a second on ours is the unit for both.
unit=$(sed -n 's/^.*SHARE alone g1 LOAD [0-9]* //p' "$work/serai.console" |
	sort -n | tail -n 1)
bench_begin shares
for hv in serai xen; do
	[ -e "$work/$hv.console" ] || continue
	shares "$work/$hv.console" "$unit" >"$work/$hv"
	[ ! -s "$work/$hv.console.wakes" ] || for p in 50 99 100; do
		sort -n "$work/$hv.console.wakes" | awk -v p="$p" '
			{ v[NR] = $1 }
			END { i = int((NR * p + 99) / 100)
				print "wake-latency-p" p "-ns", v[i] }'
	done >>"$work/$hv"
done
awk '{ print $1, 100 }' "$work/serai" | grep alone >"$work/bare" || :
bench_join "$work/bare" "$work/xen" "$work/serai"
