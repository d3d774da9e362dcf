# vpsd_life_cases.sh - cases of vpsd_test.sh: guests, clients and hooks that
# behave as they like.
# shellcheck shell=sh disable=SC2154,SC2034,SC2016,SC2317

life_cases="guests_end deaf_guests time_outs slow_greeting hooks_hear
	many_at_once any_bytes clients_hang_up"

guest_does()
{
	domid=$(cut -d' ' -f1 "$work/fake/dom/$id")
	echo "$domid $1 128" >"$work/fake/dom/$id"
}

new_domain()
{
	now=$(vps list --json | tr -d "\n\t ")
	case $now in
	*'"status":"running"'*'"domid":'"$domid",*) return 1 ;;
	*'"status":"running"'*) return 0 ;;
	esac
	return 1
}

guests_end()
{
	fresh
	expect 0 '' create web1
	id=$(field web1 id)
	guest_does reboot
	until_true 20 new_domain || bad "reboot: expected a new domain"
	guest_does crash
	until_true 20 new_domain || bad "crash: expected a new domain"
	guest_does crash
	until_true 20 new_domain || bad "second crash: expected a new domain"
	expect 0 'crash 2 in a row, restart in 2 s' vps events web1
	guest_does poweroff
	until_true 20 is_status web1 stopped ||
		bad "poweroff: expected stopped, got $(field web1 status)"
	check_world
	expect 0 '' vps start web1
	# As `xl destroy` does it behind vpsd's back.
	domid=$(field web1 domid)
	rm "$work/fake/dom/$id"
	until_true 20 new_domain || bad "disappeared: expected a new domain"
	# While vpsd is away.
	stop_vpsd KILL
	guest_does crash
	start_vpsd
	until_true 20 new_domain || bad "crash meanwhile: expected new domain"
	check_world
}

deaf_guests()
{
	fresh
	expect 0 '' create web1
	touch "$work/fake/dom/.deaf"
	expect 124 'shutting down' vps stop web1 --timeout 1
	expect 0 'stopped' vps stop web1 --force --timeout 20
	check_world
	# The opposite: it is down before the answer to "shut down" comes.
	rm "$work/fake/dom/.deaf"
	mkdir -p "$work/fake/slow"
	echo 1500 >"$work/fake/slow/shutdown-answer"
	expect 0 'running' vps start web1
	expect 0 'stopped' vps stop web1 --timeout 30
	check_world
}

time_outs()
{
	fresh
	stop_banner
	expect 124 'waiting for SSH' create web1 --timeout 6
	is_running web1 || bad "expected it to be kept"
	expect 0 'creating' create web2 --no-wait
	start_banner
	until_true 20 is_running web2 || bad "expected web2 running"
	check_world
}

# What takes a connection is given time for its greeting, and is not asked
# again and again.
slow_greeting()
{
	fresh
	stop_banner
	start_banner 5
	expect 0 'running' create web1 --timeout 20
	[ "$(grep -c connection "$work/banner")" = 1 ] ||
		bad "expected one connection, got $(cat "$work/banner")"
	stop_banner
	start_banner
}

hooks_hear()
{
	fresh
	mkdir -p "$work/state/hooks"
	cat >"$work/state/hooks/tee" <<-END
		#!/bin/sh
		cat >>"$work/heard"
	END
	chmod 755 "$work/state/hooks/tee"
	expect 0 '' create web1
	expect 0 '' vps destroy web1
	until_true 30 grep -q '"type":"destroyed"' "$work/heard" ||
		bad "expected destroyed, got $(cat "$work/heard" 2>&1)"
	types=$(sed 's/.*"type":"\([a-z_]*\)".*/\1/' "$work/heard" |
		grep -v usage | tr '\n' ' ')
	[ "$types" = "created started stopped destroyed " ] ||
		bad "expected created started stopped destroyed, got $types"
	expect 0 '' vps hook list --state delivered
}

all_running()
{
	[ "$(vps list --json | grep -c '"status":[^a-z]*running')" = "$1" ] &&
		[ "$(find "$work/fake/dom" -name '[0-9]*' | wc -l)" = "$1" ]
}

# More than vpsd works on at once, as after a boot of the host.
many_at_once()
{
	fresh
	vps pool add more --range 10.0.2.100-10.0.2.120 --prefix 24 \
		--gateway 10.0.2.2 >/dev/null
	mkdir -p "$work/fake/slow"
	echo 200 >"$work/fake/slow/start"
	i=0
	while i=$((i + 1)) && [ "$i" -le 20 ]; do
		expect 0 'creating' create "w$i" --no-wait
	done
	until_true 60 all_running 20 ||
		bad "expected 20 running, got $(vps list; vps events)"
	check_world
	stop_vpsd KILL
	rm "$work"/fake/dom/[0-9]*
	start_vpsd
	until_true 60 all_running 20 ||
		bad "expected 20 running again, got $(vps list)"
	check_world
}

# raw: standard input to the socket, the answer to standard output
raw()
{
	timeout 10 socat -t 5 - "UNIX-CONNECT:$SERAI_SOCKET"
}

any_bytes()
{
	fresh
	head -c 100000 /dev/urandom | raw >/dev/null
	head -c 200000 /dev/zero | tr '\0' 'a' | raw >"$work/out"
	grep -q 'longer than' "$work/out" ||
		bad "long line: expected an error, got $(cat "$work/out")"
	printf '{"verb":"list"\0}\n' | raw | grep -q '"code":2' ||
		bad "NUL: expected code 2"
	printf '\n' | raw | grep -q 'not JSON' || bad "expected: not JSON"
	awk 'BEGIN { for (i = 0; i < 30000; i++) printf "["; print "" }' |
		raw | grep -q '"code":2' || bad "nesting: expected code 2"
	printf '{"verb":"list"}\n{"verb":"list"}\n' | raw |
		grep -c result | grep -qx 1 || bad "expected one answer"
	expect 0 '' vps list
}

clients_hang_up()
{
	fresh
	mkdir -p "$work/fake/slow"
	echo 1000 >"$work/fake/slow/copy"
	"$bin/vps" create web1 --customer acme --plan small \
		--template busybox --key "$work/key.pub" >/dev/null 2>&1 &
	client=$!
	until_true 10 grep -q 'copy 1' "$work/fake/log"
	kill -9 "$client"
	wait "$client" 2>/dev/null
	until_true 20 is_running web1 || bad "expected the sale to go on"
	i=0
	while [ "$i" -lt 50 ]; do
		printf '{"verb":' | timeout 1 socat -u - \
			"UNIX-CONNECT:$SERAI_SOCKET"
		i=$((i + 1))
	done
	expect 0 'web1' vps list
	check_world
}
