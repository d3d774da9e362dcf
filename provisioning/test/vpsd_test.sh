#!/bin/sh
# vpsd_test.sh BIN_DIR LOG_DIR - vpsd and vps on a fake host (test/fake.h).
#
# BIN_DIR has vps, vpsd-fake and banner, built with ASan and UBSan.  Runs in a
# network namespace of its own, where all guests' addresses are local and one
# program greets on port 22.
set -u

if [ "${VPSD_TEST_INSIDE:-}" != yes ]; then
	VPSD_TEST_INSIDE=yes exec unshare -n "$0" "$@"
fi

bin=$1
log_dir=$2
work=$(mktemp -d)
vpsd_pid=
banner_pid=
test_name=

finish()
{
	[ -z "$vpsd_pid" ] || kill -9 "$vpsd_pid" 2>/dev/null
	[ -z "$banner_pid" ] || kill "$banner_pid" 2>/dev/null
	umount "$work/full" 2>/dev/null
	sleep 0.2
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

vps()
{
	timeout 60 "$bin/vps" "$@"
}

bad()
{
	failed=1
	echo "FAIL vpsd: $test_name: $*; log $log"
}

# expect STATUS TEXT COMMAND...: exit status, and text in what it says
expect()
{
	want=$1
	text=$2
	shift 2
	output=$("$@" 2>&1 </dev/null)
	got=$?
	[ "$got" = "$want" ] ||
		bad "$*: expected status $want, got $got: $output"
	case $output in
	*"$text"*) ;;
	*) bad "$*: expected '$text', got '$output'" ;;
	esac
}

# until_true SECONDS COMMAND...
until_true()
{
	left=$(($1 * 10))
	shift
	while ! "$@" >/dev/null 2>&1; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		sleep 0.1
	done
}

# Its port is free when this returns: the next one can have it.
stop_banner()
{
	kill "$banner_pid"
	wait "$banner_pid"
	banner_pid=
}

start_banner() # [SECONDS_BEFORE_GREETING]
{
	"$bin/banner" "${1:-0}" >"$work/banner" 2>&1 &
	banner_pid=$!
	until_true 30 grep -q listening "$work/banner" ||
		bad "expected a banner on port 22"
}

start_vpsd()
{
	"$bin/vpsd-fake" --state "$work/state" --run "$work/run" \
		--templates "$work/templates" 2>>"$log" &
	vpsd_pid=$!
	until_true 30 vps host || bad "vpsd: expected it to answer"
}

# stop_vpsd TERM|KILL: as init does it, or as a test of ours
stop_vpsd()
{
	kill "-$1" "$vpsd_pid" 2>/dev/null
	wait "$vpsd_pid" 2>/dev/null
	vpsd_pid=
}

# survives N COMMAND...: a vpsd that ends after its N-th change since its
# start is told this.  True when it got through without that.
survives()
{
	stop_vpsd TERM
	export SERAI_CRASH_AT="$1"
	shift
	"$bin/vpsd-fake" --state "$work/state" --run "$work/run" \
		--templates "$work/templates" 2>>"$log" &
	vpsd_pid=$!
	unset SERAI_CRASH_AT
	# It may already end before it answers.
	until_true 30 sh -c "'$bin/vps' host || ! kill -0 $vpsd_pid"
	if "$@" >/dev/null 2>&1; then
		stop_vpsd KILL
		return 0
	fi
	wait "$vpsd_pid"
	vpsd_pid=
	return 1
}

ssh_key='ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGNo8mXfLQTUmc1hAeqw7cyVOwLpIX/AeOkk8bPkoVQ/ me'

# A new host with a customer, two plans and eight addresses to sell.
fresh()
{
	[ -z "$vpsd_pid" ] || stop_vpsd TERM
	rm -rf "$work/state" "$work/run" "$work/fake"
	mkdir -p "$work/fake"
	log=$log_dir/$test_name.log
	: >"$log"
	start_vpsd
	vps customer add acme --external-id w-1 >/dev/null
	vps plan add small --vcpus 1 --ram 128M --disk 256M >/dev/null
	vps plan add large --vcpus 2 --ram 2G --disk 90G >/dev/null
	vps pool add v4 --range 10.0.2.50-10.0.2.58 --prefix 24 \
		--gateway 10.0.2.2 --reserve 10.0.2.53 >/dev/null
}

create()
{
	name=$1
	shift
	vps create "$name" --customer acme --plan small --template busybox \
		--key "$work/key.pub" "$@"
}

field()
{
	vps show "$1" --json | sed -n "s/.*\"$2\":[^0-9a-z\"-]*\"\{0,1\}\([^\",]*\).*/\1/p"
}

is_running()
{
	[ "$(field "$1" status)" = running ]
}

is_status()
{
	[ "$(field "$1" status)" = "$2" ]
}

# Rows, domains, volumes and rules must tell the same story.
check_world()
{
	rows=$(vps list --json | sed -n 's/.*"id":[^0-9]*\([0-9]*\).*/\1/p' |
		sort)
	disks=$(cd "$work/fake/disk" && find . -name 'v-*' | tr -dc '0-9\n' |
		sort)
	nets=$(cd "$work/fake/net" && find . -type f | tr -dc '0-9\n' | sort)
	doms=$(cd "$work/fake/dom" && find . -type f ! -name '.*' |
		tr -dc '0-9\n' | sort)
	[ "$rows" = "$disks" ] ||
		bad "expected volumes of VPS '$rows', got '$disks'"
	[ "$rows" = "$nets" ] || bad "expected rules of '$rows', got '$nets'"
	running=$(vps list --json | tr -d '\n\t ' | tr '{' '\n' |
		grep '"status":"running"' | sed 's/.*"id":\([0-9]*\).*/\1/' |
		sort)
	[ "$running" = "$doms" ] ||
		bad "expected domains of '$running', got '$doms'"
}

run()
{
	test_name=$1
	failed=0
	"$1"
	if grep -q -e 'ERROR: AddressSanitizer' -e 'runtime error' "$log"; then
		bad "expected no sanitizer report"
	fi
	[ "$failed" = 1 ] || echo "ok vpsd: $1"
}

here=$(dirname "$0")
# shellcheck source=test/vpsd_sale_cases.sh
. "$here/vpsd_sale_cases.sh"
# shellcheck source=test/vpsd_life_cases.sh
. "$here/vpsd_life_cases.sh"
# shellcheck source=test/vpsd_crash_cases.sh
. "$here/vpsd_crash_cases.sh"

mkdir -p "$log_dir" "$work/templates" "$work/full"
echo "$ssh_key" >"$work/key.pub"
printf '%s\n' format=1 name=busybox version=1.0 description=small \
	min_disk_mib=32 min_ram_mib=32 kernel=kernel 'cmdline=root=/dev/xvda' \
	default_user=root arch=amd64 >"$work/templates/busybox-1.0.tar.zst"
export SERAI_FAKE_DIR="$work/fake" SERAI_SOCKET="$work/run/vpsd.sock"
export ASAN_OPTIONS=detect_leaks=0
ip link set lo up
ip route add local 10.0.2.0/24 dev lo
start_banner

# shellcheck disable=SC2154 # set in vpsd_*_cases.sh
for case in ${VPSD_CASES:-$sale_cases $life_cases $crash_cases}; do
	run "$case"
done
