# vpsd_crash_cases.sh - cases of vpsd_test.sh: vpsd is killed, finds what does
# not belong, or has no room left.
# shellcheck shell=sh disable=SC2154,SC2034,SC2016,SC2317

crash_cases="orphans_go foreign_disks other_storage cleaning_fails
	refused_request second_vpsd kill_create kill_destroy kill_stop full_state"

# What belongs to no VPS any more is removed, what belongs to one is put back.
# Domains of others may look like ours by chance: no id was ever that high.
orphans_go()
{
	fresh
	expect 0 '' create web1
	expect 0 '' create web2
	expect 0 '' vps destroy web2
	stop_vpsd KILL
	echo '99 running 128' >"$work/fake/dom/2"
	echo x >"$work/fake/disk/v-2"
	echo x >"$work/fake/net/2"
	echo x >"$work/fake/disk/t-ghost-1.0"
	echo '98 running 128' >"$work/fake/dom/77"
	start_vpsd
	orphans_are_gone()
	{
		[ ! -e "$work/fake/dom/2" ] && [ ! -e "$work/fake/disk/v-2" ] &&
			[ ! -e "$work/fake/net/2" ] &&
			[ ! -e "$work/fake/disk/t-ghost-1.0" ]
	}
	until_true 20 orphans_are_gone ||
		bad "expected orphans gone, got $(ls "$work"/fake/*)"
	is_running web1 || bad "expected web1 untouched"
	rm "$work/fake/dom/77" || bad "expected no harm to a domain of others"
	check_world
}

# The state partition is damaged, or an old copy of the database was put back:
# disks that it does not know are customers', not left-overs.
foreign_disks()
{
	fresh
	expect 0 '' create web1
	stop_vpsd TERM
	cp -r "$work/fake" "$work/before"
	rm -r "$work/state"
	mkdir "$work/state"
	rm "$work"/fake/dom/[0-9]* # the host was restarted, too
	: >"$work/fake/log"
	expect 0 'disks of VPSs that this database never had (up to v-1)' \
		timeout 60 "$bin/vpsd-fake" --state "$work/state" \
		--run "$work/run" --templates "$work/templates"
	diff -r "$work/before/disk" "$work/fake/disk" >"$work/out" ||
		bad "expected disks and templates untouched, got" \
			"$(cat "$work/out")"
	! grep -e clean -e remove "$work/fake/log" >"$work/out" ||
		bad "expected no cleaning, got $(cat "$work/out")"
	rm -r "$work/before"
}

# The volume group did not come up: nothing must be sold from files meanwhile.
other_storage()
{
	was_lvm="UPDATE setting SET value = 'lvm' WHERE key = 'storage'"
	fresh
	expect 0 '' create web1
	stop_vpsd TERM
	sqlite3 "$work/state/serai.db" "$was_lvm"
	expect 0 'the volume group is not there' timeout 60 "$bin/vpsd-fake" \
		--state "$work/state" --run "$work/run" \
		--templates "$work/templates"
	sqlite3 "$work/state/serai.db" \
		"UPDATE setting SET value = 'files' WHERE key = 'storage'"
	start_vpsd
	is_running web1 || bad "expected web1 untouched"
	expect 0 '' vps destroy web1
	stop_vpsd TERM
	sqlite3 "$work/state/serai.db" "$was_lvm"
	start_vpsd
	expect 0 '' create web1
	check_world
}

# What cannot be cleaned up now is no reason to leave the VPSs alone.
cleaning_fails()
{
	fresh
	mkdir -p "$work/fake/fail"
	echo 'the volume is in use' >"$work/fake/fail/template-remove"
	echo 'lvs failed' >"$work/fake/fail/clean"
	sed "s/^version=.*/version=2.0/" "$work/templates/busybox-1.0.tar.zst" \
		>"$work/busybox-2.0.tar.zst"
	expect 0 2.0 vps template import "$work/busybox-2.0.tar.zst"
	expect 1 'the volume is in use' vps template remove busybox --version 1.0
	stop_vpsd TERM
	echo x >"$work/fake/disk/t-ghost-1.0"
	start_vpsd
	expect 0 'running' create web1
	stop_vpsd TERM
	rm -r "$work/fake/fail"
	start_vpsd
	if [ -e "$work/fake/disk/t-busybox-1.0" ] ||
		[ -e "$work/fake/disk/t-ghost-1.0" ]; then
		bad "expected both removed at last"
	fi
	check_world
}

# The privileged side does not take everything that a database may hold.
refused_request()
{
	fresh
	stop_vpsd TERM
	sqlite3 "$work/state/serai.db" "UPDATE template SET cmdline = char(7)"
	start_vpsd
	expect 1 'refused: cmdline' create web1 --timeout 20
	expect 3 'not known' vps show web1
	check_world
}

second_vpsd()
{
	fresh
	timeout 60 "$bin/vpsd-fake" --state "$work/state" --run "$work/run" \
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
