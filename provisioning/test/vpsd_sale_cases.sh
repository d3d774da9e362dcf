# vpsd_sale_cases.sh - cases of vpsd_test.sh: what is asked of vps, its answers
# and exit codes.
# shellcheck shell=sh disable=SC2154,SC2034,SC2016,SC2317

sale_cases="sale bad_input sizes_and_plans addresses_race requests_repeat
	failures_are_undone templates_come_and_go lists own_kernel"

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
	expect 2 "-x: no such flag of 'vps show'" vps show -x
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
	expect 2 'dns: is longer than' vps pool add p --range 10.9.0.1-10.9.0.2 \
		--prefix 24 --gateway 10.9.0.9 --dns "$(printf '2001:db8:1:2:3:4:5:%04d,' 6 7 8 9)::1"
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
	# A full disk is no empty list; what was changed stays changed.
	expect 1 'cannot write the answer: No space' sh -c \
		"'$bin/vps' list >/dev/full"
	expect 1 'cannot write the answer' sh -c "'$bin/vps' hook records >/dev/full"
	expect 6 'cannot write the answer' sh -c \
		"'$bin/vps' customer add c2 >/dev/full"
	expect 0 'c2' vps customer show c2 --socket="$SERAI_SOCKET"
	expect 0 'web1' vps usage
	sqlite3 "$work/state/serai.db" \
		"UPDATE vps SET last_error = '$(printf %0200d 7) end'"
	expect 0 "$(printf %0200d 7) end" vps show web1
	[ "$(vps show nobody --json 2>/dev/null | grep -c '"code":[^0-9]*3')" \
		= 1 ] || bad "expected the error as JSON"
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
	expect 0 '' create web0
	expect 0 '' vps stop web0
	expect 2 "boot: template 'busybox' has no kernel of its own" \
		vps start web0 --boot own-kernel
	expect 0 'template' vps start web0 --boot template
	expect 0 '' vps destroy web0
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
