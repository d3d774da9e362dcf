#!/bin/sh
# profile.sh [-o serai|xen|bare] [-a "HYPERVISOR ARGS"] NAME... - where the
# instructions of micro-benchmarks (micro.c) go, in dom0: instructions per
# operation, calls per operation, function of the hypervisor (hv:) or of Linux.
# Functions of genuine Xen and of processes have no names.  Names in micro.c's
# order; the reports stay in $B/bench/profile/.
set -eu
cd "$(dirname "$0")/../.."
. ci/bench.d/lib.sh
on=serai
args=
while getopts o:a: option; do
	case $option in
	o) on=$OPTARG ;;
	a) args=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
work=$bench_dir/profile
mkdir -p "$work"
bench_micro_root "$work/root"
gcc -O2 -shared -fPIC -o "$work/profile.so" ci/bench.d/profile.c

# Linux's symbols: no file has them, but a kernel that runs (not randomised).
if ! [ -s "$work/kernel.sym" ]; then
	bench_bare "$work/root.gz" "nokaslr -- kallsyms" -m 768 |
		sed -n 's/^.*KS \([0-9a-f]\{16\}\) \(.*\)/\1 A \2/p' \
			>"$work/kernel.sym"
fi
{
	nm "$B/hypervisor.elf" | sed -n 's/ [tT] / A hv:/p'
	echo "ffff810000010000 A hv:entry-area"
} >"$work/hv.sym"

export PLUGIN_OUT="$work/blocks"
rm -f "$PLUGIN_OUT"
if [ "$on" = bare ]; then
	bench_bare "$work/root.gz" "nokaslr -- $*" -m 768 \
		-plugin "$work/profile.so"
else
	bench_hv "$on" "$args" "$work/root.gz" "-- $*" -m 768 \
		-plugin "$work/profile.so"
fi >"$work/console"

# report NAME RUN - symbols and blocks in one order: a block belongs to the
# last symbol before it.  Shares of the blocks, scaled to the measured cost.
report() {
	sed -n "s/^$2 \([^ ]*\)/\1 B/p" "$PLUGIN_OUT" >"$work/run"
	cost=$(sed -n "s/^.*UB $1 //p" "$work/console")
	{
		cat "$work/kernel.sym" "$work/run"
		[ "$on" != serai ] || cat "$work/hv.sym"
	} | LC_ALL=C sort | awk -v cost="$cost" '
	$2 == "A" { name = $3; start = $1; next }
	{
		f = name
		if ($1 < "0000800000000000") f = "(process)"
		else if ($1 < "ffff8300" && name !~ /^hv:/) f = "(hypervisor)"
		n[f] += $3 * $4
		total += $3 * $4
		if ($1 == start) calls[f] += $4
		whose = f ~ /^hv:|hypervisor/ ? "hypervisor" : \
			f == "(process)" ? "processes" : "Linux"
		n["all of " whose] += $3 * $4
	}
	END {
		for (f in n)
			printf "%10.0f %8.1f %s\n", n[f] * cost / total, \
				calls[f] * cost / total, f
	}' | sort -rn >"$work/$1.$on"
	echo "$1 on $on: $cost instructions"
	head -n "${PROFILE_LINES:-40}" "$work/$1.$on"
}
run=0
for name; do
	report "$name" "$run"
	run=$((run + 1))
done
