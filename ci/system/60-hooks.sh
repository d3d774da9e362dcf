#!/bin/sh
# 60-hooks.sh - a VPS's life as the billing hooks see it: sold, used, crashed,
# stopped, destroyed, on the appliance itself, with the shipped hooks.
#
# shellcheck disable=SC2016,SC2119 # dom0 expands; no arguments is the default
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=ci/qemu.sh
. "$here/qemu.sh"
vm_test=60-hooks

# The types in dom0's ledger, in their order.
ledger() {
	dom0 'cat /state/ledger/*.csv | grep -v ^id, | cut -d, -f3 | xargs' \
		</dev/null
}
ledger_is() {
	[ "$(ledger)" = "$1" ]
}

vm_prepare hooks
# A receiver for http-post: plain HTTP is allowed inside dom0 only.
gcc -O1 -static -o "$vm_dir/http-server" \
	"$here/../billing-hooks/test/http-server.c" ||
	vm_die "expected http-server to compile"
vm_start -cdrom "$B/serai.iso" -boot d
vm_wait_up
vm_catalogue 96M 96M || vm_die "expected a catalogue"
ssh-keygen -q -t ed25519 -N '' -C acme -f "$vm_dir/acme"
tar -C "$vm_dir" -cf - acme.pub http-server | dom0 "tar -C /tmp -xf -" ||
	vm_die "expected the key and the receiver in dom0"
dom0 sh -s <<'END' || vm_die "expected the hooks to be enabled"
set -e
mkdir -p /state/hooks /state/secrets /tmp/http
umask 077
head -c 24 /dev/urandom | base64 >/state/secrets/http-post
umask 022
chmod 755 /tmp/http-server
setsid /tmp/http-server /tmp/http 503 200 200 200 200 200 200 200 200 200 \
	>/dev/null 2>&1 &
while [ ! -s /tmp/http/port ]; do sleep 1; done
cat >/state/hooks.conf <<CONF
http-post.URL = http://127.0.0.1:$(cat /tmp/http/port)/
http-post.backoff = 1
CONF
printf '#!/bin/sh\nexec sleep 1000\n' >/state/hooks/hangs.new
chmod 755 /state/hooks/hangs.new
mv /state/hooks/hangs.new /state/hooks/hangs
ln -s /usr/share/serai/hooks/* /state/hooks/
END

dom0 vps create web1 --customer acme --plan small --template busybox \
	--key /tmp/acme.pub </dev/null
check "hooks: a sale beside a hook that hangs" 0 $?
vm_wait 30 "the sale in the ledger" ledger_is "created started"
check "hooks: the ledger has the sale" "created started" "$(ledger)"

# Traffic and CPU time that the bill must show.
guest "$vm_dir/acme" 'dd if=/dev/zero bs=1000 count=300 2>/dev/null' |
	wc -c >"$vm_dir/received"
check "hooks: 300,000 bytes from the guest" 300000 "$(cat "$vm_dir/received")"
guest "$vm_dir/acme" 'echo c >/proc/sysrq-trigger' >/dev/null 2>&1
life="created started crashed started"
vm_wait 120 "the crash and the restart in the ledger" ledger_is "$life"
check "hooks: a crash and the restart" "$life" "$(ledger)"

dom0 vps destroy web1 --yes </dev/null
life="$life stopped usage destroyed"
vm_wait 60 "the end in the ledger" ledger_is "$life"
check "hooks: the whole life is in the ledger, in order" "$life" "$(ledger)"
dom0 'cat /state/ledger/*.csv' </dev/null >"$vm_dir/ledger.csv"
bill=$(grep ',usage,' "$vm_dir/ledger.csv" | cut -d, -f13-17)
check_match "hooks: the bill has CPU time" '^([1-9][0-9]*|0\.[0-9]*[1-9])' \
	"$bill"
check "hooks: the bill has at least the bytes that came out" yes \
	"$([ "${bill##*,}" -ge 300000 ] && echo yes || echo "$bill")"
check "hooks: with the customer's external id" 7 \
	"$(grep -c ',acme,4711,1,web1,small,' "$vm_dir/ledger.csv")"

posted() {
	dom0 'for b in /tmp/http/body.*; do cat $b; echo; done' </dev/null |
		sed 's/.*"type":"\([a-z]*\)".*/\1/' | xargs
}
posted_is() {
	[ "$(posted)" = "$1" ]
}
tries=20
until posted_is "created $life" || [ "$tries" -eq 0 ]; do
	tries=$((tries - 1))
	sleep 3
done
# Why, if it is not so: the log keeps what the list says.
dom0 vps hook list </dev/null
check "hooks: http-post has it too, the first one twice because of its 503" \
	"created $life" "$(posted)"
check "hooks: what waits behind the one that hangs" 7 "$(dom0 \
	'vps hook list --json' </dev/null | grep -c '"hook":.*"hangs"')"
dom0 'vps hook records | DIRECTORY=/tmp/again serai-hook-replay \
	/usr/share/serai/hooks/csv-ledger &&
	cmp /tmp/again/*.csv /state/ledger/*.csv' </dev/null
check "hooks: the replay makes the same ledger" 0 $?
