# vpsd_cases.sh - the cases of vpsd_test.sh, which see for what they use.
# shellcheck shell=sh disable=SC2154,SC2034,SC2016,SC2317

cases="sale bad_input sizes_and_plans addresses_race requests_repeat
	failures_are_undone guests_end orphans_go second_vpsd kill_create
	kill_destroy kill_stop any_bytes clients_hang_up full_state
	deaf_guests time_outs hooks_hear templates_come_and_go lists many_at_once
	own_kernel slow_greeting"

sale()
{
	fresh
	expect 0 'running' create web1
	expect 0 '10.0.2.50' vps show web1
	id=$(field web1 id)
	grep -q "custom web1 .* 10.0.2.50" "$work/fake/disk/v-$id" ||
		bad "expected name and address in the disk"
	grep -q "ssh-ed25519" "$work/fake/disk/v-$id" ||
		bad "expected the key in the disk"
	# Rules before the domain: nothing may pass before they hold.
	[ "$(grep -n '^net' "$work/fake/log" | head -1 | cut -d: -f1)" -lt \
		"$(grep -n '^start' "$work/fake/log" | head -1 | cut -d: -f1)" \
		] || bad "expected rules before the start"
	check_world
	expect 0 'stopped' vps stop web1
	check_world
	expect 0 'running' vps start "$id"
	expect 0 'running' vps reboot web1
	expect 0 'running' vps start web1
	expect 0 'destroyed' vps destroy web1
	check_world
	expect 3 "VPS: 'web1' is not known" vps show web1
}

bad_input()
{
	fresh
	expect 0 '' create web1
	before=$(vps events --json | cksum)
	expect 2 'See vps --help' vps
	expect 2 'no such verb' vps fly
	expect 2 'which verb' vps plan
	expect 2 'name: is required' vps show
	expect 2 'one word too many' vps show a b
	expect 2 '--x: no such flag' vps show a --x
	expect 2 "name: 'Web' is not a name" create Web
	expect 2 'not only digits' create 123
	expect 4 "name: VPS 'web1' exists already" create web1
	expect 3 "customer: 'no'" vps create w --customer no --plan small \
		--template busybox --key "$work/key.pub"
	expect 3 "plan: 'no'" vps create w --customer acme --plan no \
		--template busybox --key "$work/key.pub"
	expect 3 "template: 'no'" vps create w --customer acme --plan small \
		--template no --key "$work/key.pub"
	expect 2 'key: ' vps create w --customer acme --plan small \
		--template busybox --key /nonexistent
	echo '-----BEGIN OPENSSH PRIVATE KEY-----' >"$work/key"
	expect 2 'private key' vps create w --customer acme --plan small \
		--template busybox --key "$work/key"
	head -c 100 /dev/urandom >"$work/key"
	expect 2 'key: ' vps create w --customer acme --plan small \
		--template busybox --key "$work/key"
	expect 2 'is required' vps create w --customer acme --plan small \
		--template busybox
	expect 4 "overlaps pool 'v4'" vps pool add p --range \
		10.0.2.58-10.0.2.60 --prefix 24 --gateway 10.0.2.2
	expect 2 'range: ' vps pool add p --range 10.0.2.60 --prefix 24 \
		--gateway 10.0.2.2
	expect 2 'vcpus' vps plan add p --vcpus 0 --ram 1G --disk 1G
	expect 4 'exists' vps customer add acme
	expect 4 'used by 1 VPS' vps plan remove small
	expect 4 'used by 1 VPS' vps template remove busybox
	expect 4 'used by 1 VPS' vps customer remove acme
	expect 2 'done by the client' sh -c \
		'echo "{\"verb\":\"console\",\"args\":{\"name\":\"a\"}}" |
		timeout 5 socat -t 3 - "UNIX-CONNECT:$SERAI_SOCKET" |
		grep "done by" &&
		exit 2'
	# On a terminal, which script(1) makes one.
	script -qec "'$bin/vps' destroy web1" /dev/null >"$work/out" 2>&1
	[ "$?" = 2 ] || bad "destroy on a terminal: expected status 2"
	grep -q 'yes: is required' "$work/out" ||
		bad "destroy on a terminal: expected a hint, got" \
			"$(cat "$work/out")"
	[ "$before" = "$(vps events --json | cksum)" ] ||
		bad "expected no trace, got $(vps events)"
	check_world
}

sizes_and_plans()
{
	fresh
	echo 500 >"$work/fake/ram"
	stop_vpsd TERM
	start_vpsd
	expect 5 'RAM: 2052 MiB needed' vps create w --customer acme \
		--plan large --template busybox --key "$work/key.pub"
	echo 9000 >"$work/fake/ram"
	stop_vpsd TERM
	start_vpsd
	expect 0 '' vps create w1 --customer acme --plan large \
		--template busybox --key "$work/key.pub"
	expect 5 'disk: 92160 MiB needed' vps create w2 --customer acme \
		--plan large --template busybox --key "$work/key.pub"
	expect 0 '' vps plan add tiny --vcpus 1 --ram 16M --disk 256M
	expect 2 "template 'busybox' needs 32" vps create w2 --customer acme \
		--plan tiny --template busybox --key "$work/key.pub"
	expect 0 '' create w3
	expect 4 'must be stopped' vps resize w3 --plan small
	expect 0 '' vps stop w3
	expect 0 '' vps plan add medium --vcpus 2 --ram 256M --disk 512M
	expect 0 'medium' vps resize w3 --plan medium
	expect 2 'smaller disk' vps resize w3 --plan small
	expect 0 '' vps start w3
	check_world
}

# Ten at once for eight addresses: eight get one, two are told why.
addresses_race()
{
	fresh
	for i in 1 2 3 4 5 6 7 8 9 10; do
		(
			create "w$i" >"$work/out$i" 2>&1
			echo "$?" >"$work/rc$i"
		) &
		pids="${pids:-} $!"
	done
	# shellcheck disable=SC2086
	wait $pids
	pids=
	[ "$(cat "$work"/rc? "$work"/rc10 | grep -cx 0)" = 8 ] ||
		bad "expected 8 of 10 to succeed, got $(cat "$work"/rc*)"
	[ "$(cat "$work"/rc? "$work"/rc10 | grep -cx 5)" = 2 ] ||
		bad "expected 2 with status 5"
	[ "$(cat "$work"/out* | grep -c 'no free IPv4 address')" = 2 ] ||
		bad "expected 2 to say why"
	[ "$(vps list --json | grep ipv4 | sort -u | wc -l)" = 8 ] ||
		bad "expected 8 different addresses"
	if vps list --json | grep -q '10\.0\.2\.53'; then
		bad "expected the reserved address not to be sold"
	fi
	check_world
	rm -f "$work"/rc* "$work"/out*
}

requests_repeat()
{
	fresh
	expect 0 '' create web1 --request-id r1
	first=$(field web1 uuid)
	expect 0 "$first" create web1 --request-id r1
	expect 4 'request-id' create web2 --request-id r1
	stop_vpsd KILL
	start_vpsd
	expect 0 "$first" create web1 --request-id r1
	[ "$(vps list --quiet | wc -l)" = 1 ] || bad "expected one VPS"
	check_world
}

failures_are_undone()
{
	fresh
	mkdir -p "$work/fake/fail"
	for step in copy customize start; do
		echo "no $step today" >"$work/fake/fail/$step"
		expect 1 "no $step today" create web1 --request-id "r-$step"
		expect 3 'not known' vps show web1
		check_world
		rm "$work/fake/fail/$step"
		expect 0 '' create web1 --request-id "r-$step"
		expect 0 '' vps destroy web1
	done
	# A VPS that was sold is kept, and tried again.
	expect 0 '' create web1
	expect 0 '' vps stop web1
	echo 'not now' >"$work/fake/fail/start"
	expect 1 'not now' vps start web1
	rm "$work/fake/fail/start"
	until_true 20 is_running web1 || bad "expected it to start again"
	echo 'not now' >"$work/fake/fail/remove"
	expect 124 'goes on by itself' vps destroy web1 --timeout 1
	expect 4 'being removed' vps start web1
	rm "$work/fake/fail/remove"
	until_true 20 sh -c "! '$bin/vps' show web1" ||
		bad "expected it to be removed in the end"
	check_world
}

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

# What belongs to no VPS is removed, what belongs to one is put back.
orphans_go()
{
	fresh
	expect 0 '' create web1
	stop_vpsd KILL
	echo '99 running 128' >"$work/fake/dom/77"
	echo x >"$work/fake/disk/v-78"
	echo x >"$work/fake/net/79"
	echo x >"$work/fake/disk/t-ghost-1.0"
	start_vpsd
	orphans_are_gone()
	{
		[ ! -e "$work/fake/dom/77" ] && [ ! -e "$work/fake/disk/v-78" ] &&
			[ ! -e "$work/fake/net/79" ] &&
			[ ! -e "$work/fake/disk/t-ghost-1.0" ]
	}
	until_true 20 orphans_are_gone ||
		bad "expected orphans gone, got $(ls "$work"/fake/*)"
	is_running web1 || bad "expected web1 untouched"
	check_world
}

second_vpsd()
{
	fresh
	timeout 20 "$bin/vpsd-fake" --state "$work/state" --run "$work/run" \
		--templates "$work/templates" >"$work/out" 2>&1
	[ "$?" = 4 ] || bad "expected status 4"
	grep -q 'another vpsd is running' "$work/out" ||
		bad "expected a reason, got $(cat "$work/out")"
	expect 0 '' create web1
	# A killed one leaves an operation behind: the next waits for it.
	mkdir -p "$work/fake/slow"
	echo 3000 >"$work/fake/slow/copy"
	create web2 >/dev/null 2>&1 &
	client=$!
	until_true 10 grep -q 'copy 2' "$work/fake/log"
	rm "$work/fake/slow/copy"
	stop_vpsd KILL
	wait "$client"
	[ "$?" = 6 ] || bad "client: expected status 6"
	start_vpsd
	until_true 20 is_running web2 || bad "expected web2 to be finished"
	[ "$(grep -c '^copy 2' "$work/fake/log")" -le 2 ] ||
		bad "expected no more than two tries of the copy"
	check_world
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

# settled COMMAND...: true within 30 s, and world and rows agree
settled()
{
	start_vpsd
	until_true 30 "$@" || bad "killed after change $n: expected $*," \
		"got $(vps list; vps events)"
	check_world
}

gone()
{
	! vps show "$1"
}

# Sold, or never heard of; nothing between.
sold_or_gone()
{
	is_running "$1" || gone "$1" 2>/dev/null
}

# The matrices: n = 1, 2, ... until the verb gets through unharmed.
kill_create()
{
	n=0
	while n=$((n + 1)); do
		fresh
		survives "$n" create web && break
		settled sold_or_gone web
		[ "$(vps events | grep -c " created ")" = \
			"$(vps list --quiet | wc -l)" ] ||
			bad "change $n: expected a sale for each VPS, got" \
				"$(vps events)"
	done
	[ "$n" -gt 4 ] || bad "expected at least 4 changes, got $n"
	no_crashes
}

no_crashes()
{
	[ -n "$vpsd_pid" ] || start_vpsd
	if vps events | grep crashed >"$work/out"; then
		bad "expected no crash, got $(cat "$work/out")"
	fi
}

kill_destroy()
{
	n=0
	while n=$((n + 1)); do
		fresh
		create web >/dev/null
		survives "$n" vps destroy web && break
		settled sold_or_gone web
		gone web >/dev/null 2>&1 || vps destroy web >/dev/null ||
			bad "change $n: expected destroy to work at last"
		[ "$(vps pool list --json | grep -c "\"sold\":[^0-9]*0")" = \
			1 ] || bad "change $n: expected all addresses back"
	done
	[ "$n" -gt 3 ] || bad "expected at least 3 changes, got $n"
	no_crashes
}

running_or_stopped()
{
	is_running web || is_status web stopped
}

kill_stop()
{
	fresh
	create web >/dev/null
	for verb in stop start reboot; do
		n=0
		while n=$((n + 1)); do
			[ "$verb" = start ] || vps start web >/dev/null
			[ "$verb" != start ] || vps stop web >/dev/null
			survives "$n" vps "$verb" web && start_vpsd && break
			settled running_or_stopped
		done
		[ "$n" -gt 2 ] || bad "expected more changes than $n"
	done
	no_crashes
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

# The state on a disk of its own that fills up.
full_state()
{
	fresh
	stop_vpsd TERM
	rm -rf "$work/state"
	mkdir -p "$work/state"
	if ! mount -t tmpfs -o size=2m none "$work/state" 2>/dev/null; then
		echo "(full_state: no tmpfs can be mounted here)"
		start_vpsd
		return
	fi
	start_vpsd
	vps customer add acme >/dev/null
	vps plan add small --vcpus 1 --ram 128M --disk 256M >/dev/null
	vps pool add v4 --range 10.0.2.50-10.0.2.58 --prefix 24 \
		--gateway 10.0.2.2 >/dev/null
	dd if=/dev/zero of="$work/state/fill" bs=4k >/dev/null 2>&1
	rc=0
	i=0
	while [ "$rc" = 0 ] && [ "$i" -lt 200 ]; do
		vps customer add "customer$i" >"$work/out" 2>&1
		rc=$?
		i=$((i + 1))
	done
	[ "$rc" = 1 ] || bad "expected status 1, got $rc: $(cat "$work/out")"
	grep -q 'state partition is full' "$work/out" ||
		bad "expected a reason, got $(cat "$work/out")"
	expect 1 'state partition is full' create web1
	rm "$work/state/fill"
	expect 3 '' vps show web1
	expect 0 '' create web1
	check_world
	stop_vpsd TERM
	umount "$work/state"
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
	expect 124 'waiting for SSH' create web1 --timeout 2
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

boots_from()
{
	grep -q "$1" "$work/fake/dom/.kernel-$(field web1 id)" ||
		bad "expected a kernel like $1, got $(
			cat "$work/fake/dom/.kernel-$(field web1 id)")"
}

own_kernel()
{
	fresh
	expect 2 "boot: 'x' is not one of template|own-kernel" \
		create web1 --boot x
	expect 2 "boot: template 'busybox' has no kernel of its own" \
		create web1 --boot own-kernel
	{
		sed 's/^version=.*/version=2.0/' \
			"$work/templates/busybox-1.0.tar.zst"
		echo own_kernel=yes
	} >"$work/busybox-2.0.tar.zst"
	expect 0 '2.0' vps template import "$work/busybox-2.0.tar.zst"
	expect 0 'own-kernel' create web1 --boot own-kernel --request-id r1
	boots_from grub-x86_64-xen
	expect 0 'own-kernel' create web1 --boot own-kernel --request-id r1
	expect 4 'request-id' create web1 --request-id r1
	expect 0 'running' vps start web1 --boot own-kernel
	expect 4 'must be stopped' vps start web1 --boot template
	expect 0 'stopped' vps stop web1
	expect 0 'template' vps start web1 --boot template
	boots_from busybox-2.0
	stop_vpsd KILL
	start_vpsd
	[ "$(field web1 boot)" = template ] || bad "expected it to be kept"
	check_world
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

templates_come_and_go()
{
	fresh
	sed 's/^version=.*/version=2.0/' "$work/templates/busybox-1.0.tar.zst" \
		>"$work/busybox-2.0.tar.zst"
	expect 0 '2.0' vps template import "$work/busybox-2.0.tar.zst"
	expect 4 'exists' vps template import "$work/busybox-2.0.tar.zst"
	expect 2 'version: is required' vps template remove busybox
	expect 0 '' create web1
	[ "$(field web1 template_version)" = 2.0 ] ||
		bad "expected the newest version"
	expect 4 'used by' vps template remove busybox --version 2.0
	expect 0 '' vps template remove busybox --version 1.0
	[ ! -e "$work/fake/disk/t-busybox-1.0" ] ||
		bad "expected the volume gone"
	echo 'no' >"$work/bad.tar.zst"
	expect 2 '' vps template import "$work/bad.tar.zst"
	expect 2 'file' vps template import "$work/nonexistent"
	sed "s/^version=.*/version=3.0/" "$work/busybox-2.0.tar.zst" \
		>"$work/busybox-3.0.tar.zst"
	n=0
	while n=$((n + 1)); do
		survives "$n" vps template import "$work/busybox-3.0.tar.zst" &&
			break
		start_vpsd
		vps template remove busybox --version 3.0 >/dev/null 2>&1
	done
	start_vpsd
	expect 0 "3.0" vps template show busybox
	check_world
}

lists()
{
	fresh
	for noun in customer plan pool template; do
		vps "$noun" list --json | head -c 1 | grep -q '\[' ||
			bad "$noun list: expected an array"
	done
	[ "$(vps list --json | tr -d '\n')" = '[]' ] ||
		bad "expected [], got $(vps list --json)"
	expect 0 '' create web1
	[ "$(vps show web1 --quiet)" = web1 ] || bad "expected the name only"
	expect 0 "pool add" vps pool --help
	! vps pool --help | grep -q "plan add" || bad "expected pool verbs only"
	if vps list | grep -q ' $'; then
		bad "expected no trailing blanks"
	fi
	expect 0 '"sold":' vps host --json
	expect 0 'web1' vps usage
	[ "$(vps show nobody --json 2>/dev/null | grep -c '"code":[^0-9]*3')" \
		= 1 ] || bad "expected the error as JSON"
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

all_running()
{
	[ "$(vps list --json | grep -c '"status":[^a-z]*running')" = "$1" ] &&
		[ "$(find "$work/fake/dom" -name '[0-9]*' | wc -l)" = "$1" ]
}
