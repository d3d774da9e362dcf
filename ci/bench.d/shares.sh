#!/bin/sh
# title: Shares of a CPU
# unit: per cent of what one process does on the bare machine's one CPU
# Group 2: guests that count what they can do in each second (load/), dom0
# idle beside them. The bare machine's column is one process's own count, and for
# more than one the share that was asked for.
set -eu
cd "$(dirname "$0")/../.."
. ci/bench.d/lib.sh
# shellcheck disable=SC2154 # of lib.sh
work=$bench_dir/shares
mkdir -p "$work"
bench_load_root "$work/host"
bench_bare_root "$work/root"

# bare - "EXPERIMENT GUEST LINE" of the bare machine
bare() {
	bench_lines SHARE "$work/bare.console" \
		bench_bare "$work/root.gz" "" -m 1024
}

# measure serai|xen MODE - the same
measure() {
	bench_lines SHARE "$work/$1.$2.console" \
		bench_hv "$1" "dom0_mem=512M $(bench_args "$2")" \
		"$work/host.gz" \
		"bench=alone+oneidle+two+weights+caps+nine+ten" -m 1024
}

# shares UNIT - "NAME PERCENT" out of such lines: the mean over the seconds
# in which all guests of an experiment ran from the first to the last, where
# UNIT rounds a second are 100 %. Of many guests the least, the most and all.
shares() {
	awk -v unit="$1" -v OFS='\t' '
	$3 == "LOAD" {
		k = $1 SUBSEP $2
		if (!($1 in guests)) order[++n] = $1
		if (!(k in first)) {
			first[k] = $4
			guests[$1] = guests[$1] " " $2
		}
		last[k] = $4
		rounds[k, $4] = $5
	}
	END {
		split("10 25 50", cap, " ")
		split("1 2 4", weight, " ")
		for (e = 1; e <= n; e++)
			experiment(order[e])
	}
	function experiment(name,   m, g, i, s, from, to, all, least, most) {
		m = split(guests[name], g, " ")
		to = 1e9
		for (i = 1; i <= m; i++) {
			k = name SUBSEP g[i]
			if (first[k] + 1 > from) from = first[k] + 1
			if (last[k] < to) to = last[k]
		}
		if (to < from) {
			print "no whole second of " name > "/dev/stderr"
			exit 1
		}
		least = 1e9
		for (i = 1; i <= m; i++) {
			sum = 0
			for (s = from; s <= to; s++)
				sum += rounds[name, g[i], s]
			got[i] = sum / (to - from + 1) / unit * 100
			all += got[i]
			if (got[i] < least) least = got[i]
			if (got[i] > most) most = got[i]
		}
		if (name == "alone") {
			print "one_guest_alone", all
		} else if (name == "oneidle") {
			print "one_guest_beside_an_idle_one", all
		} else if (name == "weights") {
			for (i = 1; i <= m; i++)
				print "weight_" weight[i] "_of_1:2:4", got[i]
			print "weights_1:2:4,_together", all
		} else if (name == "caps") {
			for (i = 1; i <= m; i++)
				print "cap_" cap[i] "_%", got[i]
		} else {
			print name "_guests:_the_least", least
			print name "_guests:_the_most", most
			print name "_guests_together", all
		}
	}'
}

sources="ci/bench.d/load/main.c ci/bench.d/load/rounds.h"
bench_kept shares.bare "ci/bench.d/load/rounds.h ci/bench.d/bare.c" bare \
	>"$work/bare.lines"
unit=$(awk '$1 == "alone" && $4 { sum += $5; n++ } END { print sum / n }' \
	"$work/bare.lines")
for mode in ${MODES:-default off}; do
	measure serai "$mode" >"$work/serai.$mode"
	bench_kept "shares.xen.$mode" "$sources" measure xen "$mode" \
		>"$work/xen.$mode"
done

bench_begin shares
shares "$unit" <"$work/bare.lines" >"$work/bare"
cat >>"$work/bare" <<END
one_guest_beside_an_idle_one 100
two_guests:_the_least 50
two_guests:_the_most 50
two_guests_together 100
weight_1_of_1:2:4 14.29
weight_2_of_1:2:4 28.57
weight_4_of_1:2:4 57.14
weights_1:2:4,_together 100
cap_10_% 10
cap_25_% 25
cap_50_% 50
nine_guests:_the_least 11.11
nine_guests:_the_most 11.11
nine_guests_together 100
ten_guests:_the_least 10
ten_guests:_the_most 10
ten_guests_together 100
END
for mode in ${MODES:-default off}; do
	bench_heading "$(bench_mode "$mode")"
	for hv in xen serai; do
		shares "$unit" <"$work/$hv.$mode" >"$work/$hv"
	done
	bench_join "$work/bare" "$work/xen" "$work/serai"
done
