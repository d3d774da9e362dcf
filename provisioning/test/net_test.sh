#!/bin/sh
# net_test.sh BIN_DIR LOG_DIR - anti-spoofing, rates, counters and the hotplug
# script for real, in network namespaces: veth pairs stand for vifs, a
# namespace for each guest, the outer one for the host with its bridge.
#
# Prints ok/FAIL lines.  Needs root; everything vanishes with the namespaces.
set -eu

if [ "${NET_TEST_INSIDE:-}" != yes ]; then
	NET_TEST_INSIDE=yes exec unshare -m -n --propagation private "$0" "$@"
fi

here=$(cd "$(dirname "$0")/.." && pwd)
bin=$1
log=$2
ip4_1=10.0.2.50 ip4_2=10.0.2.51 ip4_h=10.0.2.15
ip6_1=2001:db8::50 ip6_2=2001:db8::51 ip6_h=2001:db8::15
mac_1=00:16:3e:00:00:01 mac_2=00:16:3e:00:00:02
mac_h=02:00:00:00:00:15

# What an earlier run left would be taken for what this one waits for.
rm -rf "$log"
mkdir -p "$log"
mount -t tmpfs none /run
mount -t sysfs none /sys
FAKE_XENSTORE=/run/xenstore
mkdir -p /run/fakebin $FAKE_XENSTORE
for tool in xenstore-read xenstore-write xenstore-rm; do
	ln -s "$here/test/fake-xenstore" /run/fakebin/$tool
done
PATH=/run/fakebin:$PATH
export PATH

ok()
{
	echo "ok net $*"
}

fail()
{
	echo "FAIL net $*; logs in $log"
}

check()
{
	what=$1
	shift
	if "$@" >>"$log/commands.log" 2>&1; then
		ok "$what"
	else
		fail "$what: expected success of '$*', got an error"
	fi
}

refuse()
{
	what=$1
	shift
	if "$@" >>"$log/commands.log" 2>&1; then
		fail "$what: expected '$*' to fail, got success"
	else
		ok "$what"
	fi
}

equal()
{
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		fail "$1: expected '$2', got '$3'"
	fi
}

between()
{
	if [ "$3" -ge "$2" ] && [ "$3" -le "$4" ]; then
		ok "$1"
	else
		fail "$1: expected $2 to $4, got $3"
	fi
}

in_guest()
{
	n=$1
	shift
	ip netns exec "g$n" "$@"
}

# new_vif N: the kernel side of a guest's start, before hotplug
new_vif()
{
	mac='' ip4='' ip6=''
	eval "mac=\$mac_$1 ip4=\$ip4_$1 ip6=\$ip6_$1"
	ip link add "vif$1.0" type veth peer name eth0 netns "g$1"
	# Netback's interfaces segment for themselves; so must these.
	in_guest "$1" ip link set eth0 address "$mac"
	in_guest "$1" sysctl -q net.ipv6.conf.eth0.accept_dad=0
	in_guest "$1" ip addr add "$ip4/24" dev eth0
	in_guest "$1" ip addr add "$ip6/64" dev eth0
	in_guest "$1" ip link set eth0 up
	xs=backend/vif/$1/0
	mkdir -p "$FAKE_XENSTORE/$xs"
	echo "vps$1" >"$FAKE_XENSTORE/$xs/vifname"
	echo br0 >"$FAKE_XENSTORE/$xs/bridge"
	echo "$mac" >"$FAKE_XENSTORE/$xs/mac"
}

hotplug()
{
	XENBUS_PATH=backend/vif/$2/0 vif=vif$2.0 "$here/hotplug/vif-serai" \
		"$1" type_if=vif
}

apply()
{
	mac='' ip4='' ip6=''
	eval "mac=\$mac_$1 ip4=\$ip4_$1 ip6=\$ip6_$1"
	"$bin/net_ctl" apply "$1" "$mac" "$ip4" "$ip6" "$2" "$3"
}

wait_for()
{
	tries=0
	until "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		if [ $tries -gt 600 ]; then
			fail "setup: waited 60 s in vain for '$*'"
			exit 1
		fi
		sleep 0.1
	done
}

# frames NAME: guest 1 sends everything, guest 2 and the host listen
frames()
{
	in_guest 2 "$bin/frames" listen eth0 120 >"$log/$1-neighbour" &
	listener=$!
	"$bin/frames" listen br0 120 >"$log/$1-host" &
	listener2=$!
	wait_for grep -q listening "$log/$1-neighbour"
	wait_for grep -q listening "$log/$1-host"
	in_guest 1 "$bin/frames" send eth0 \
		mac=$mac_1 ip4=$ip4_1 ip6=$ip6_1 \
		vmac=$mac_2 vip4=$ip4_2 vip6=$ip6_2 \
		hmac=$mac_h hip4=$ip4_h hip6=$ip6_h
	wait $listener || :
	wait $listener2 || :
	"$bin/frames" judge neighbour "$log/$1-neighbour" "$2" || :
	"$bin/frames" judge host "$log/$1-host" "$2" || :
}

status()
{
	cat "$FAKE_XENSTORE/backend/vif/$1/0/hotplug-status" 2>/dev/null ||
		echo none
}

# ms COMMAND: how long it takes, in milliseconds
ms()
{
	start=$(date +%s%N)
	"$@" >>"$log/commands.log" 2>&1 || echo "failed: $*" >>"$log/commands.log"
	echo $((($(date +%s%N) - start) / 1000000))
}

setup()
{
	ip link set lo up
	ip link add br0 type bridge mcast_snooping 0
	ip link set br0 address $mac_h
	sysctl -q net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.br0.accept_dad=0
	ip addr add $ip4_h/24 dev br0
	ip addr add $ip6_h/64 dev br0
	ip link set br0 up
	for n in 1 2; do
		ip netns add g$n
		in_guest $n ip link set lo up
		new_vif "$n"
	done
}

test_open()
{
	for n in 1 2; do
		ip link set vif$n.0 master br0 up
	done
	wait_for in_guest 1 ping -c 1 -W 1 $ip4_2
	frames open open
	for n in 1 2; do
		ip link set vif$n.0 nomaster down
	done
}

test_no_rules()
{
	refuse "no rules, no network" hotplug online 1
	equal "no rules: xenstore says error" error "$(status 1)"
	equal "no rules: not on the bridge" "" "$(ls /sys/class/net/br0/brif)"
}

test_filtered()
{
	check "rules before the interface" apply 1 0 0
	check "rules of the neighbour" apply 2 0 0
	equal "rules are listed" "1 2" "$("$bin/net_ctl" list | sort |
		tr '\n' ' ' | sed 's/ $//')"
	check "hotplug online 1" hotplug online 1
	check "hotplug online 2" hotplug online 2
	equal "hotplug says connected" connected "$(status 1)"
	equal "hotplug renamed and attached" "vps1 vps2" \
		"$(cd /sys/class/net/br0/brif && echo *)"
	wait_for in_guest 1 ping -c 1 -W 1 $ip4_2
	check "IPv4 to the neighbour" in_guest 1 ping -c 1 -W 10 $ip4_2
	check "IPv4 to the host" in_guest 1 ping -c 1 -W 10 $ip4_h
	check "IPv4 from the host" ping -c 1 -W 10 $ip4_1
	check "IPv6 to the neighbour" in_guest 1 ping -c 1 -W 10 $ip6_2
	check "IPv6 to the host" in_guest 1 ping -c 1 -W 10 $ip6_h
	check "IPv6 from the host" ping -c 1 -W 10 $ip6_1
	check "large fragmented ping" in_guest 1 ping -c 1 -W 10 -s 5000 $ip4_2
	check "large fragmented ping, IPv6" \
		in_guest 1 ping -c 1 -W 10 -s 5000 $ip6_2
	frames filtered filtered
	# The kernel's own duplicate detection and discovery must get through.
	in_guest 1 ip neigh flush dev eth0
	check "IPv6 after forgetting neighbours" \
		in_guest 1 ping -c 1 -W 10 $ip6_2
}

# From outside everything reaches a guest but router advertisements.
test_from_outside()
{
	in_guest 1 "$bin/frames" listen eth0 120 >"$log/outside" &
	listener=$!
	wait_for grep -q listening "$log/outside"
	"$bin/frames" send br0 mac=$mac_h ip4=$ip4_h ip6=$ip6_h \
		vmac=$mac_1 vip4=$ip4_1 vip6=$ip6_1 \
		hmac=$mac_h hip4=$ip4_h hip6=$ip6_h
	wait $listener || :
	for frame in ip4 ip6 arp_request ns na; do
		check "from outside: $frame" grep -qx "seen $frame" \
			"$log/outside"
	done
	for frame in ra ra_as_host; do
		refuse "from outside: $frame" grep -qx "seen $frame" \
			"$log/outside"
	done
}

# What a thief would really do: put the victim's address on its own interface.
test_theft()
{
	in_guest 1 ip addr add $ip4_2/24 dev eth0
	in_guest 1 ip addr add $ip6_2/64 dev eth0 nodad
	ip neigh flush dev br0
	in_guest 1 arping -U -c 2 -w 2 -I eth0 $ip4_2 >/dev/null 2>&1 || :
	check "stolen address: host still reaches its owner, IPv4" \
		ping -c 1 -W 10 $ip4_2
	equal "stolen address: host knows the owner's MAC, IPv4" $mac_2 \
		"$(ip neigh show $ip4_2 dev br0 | awk '{print $3}')"
	check "stolen address: host still reaches its owner, IPv6" \
		ping -c 1 -W 10 $ip6_2
	equal "stolen address: host knows the owner's MAC, IPv6" $mac_2 \
		"$(ip neigh show $ip6_2 dev br0 | awk '{print $3}')"
	refuse "stolen source address gets no answer" \
		in_guest 1 ping -c 1 -W 1 -I $ip4_2 $ip4_h
	in_guest 1 ip addr del $ip4_2/24 dev eth0
	in_guest 1 ip addr del $ip6_2/64 dev eth0
}

# counters RX|TX of guest N
counter()
{
	"$bin/net_ctl" counters "$2" | cut -d ' ' -f "$1"
}

test_counters()
{
	rx=$(counter 1 1)
	tx=$(counter 2 1)
	in_guest 1 ping -q -c 10 -i 0.05 -W 2 -s 972 $ip4_2 >/dev/null
	# 10 x (972 + 28) bytes each way, and perhaps a little ARP
	between "bytes from the guest are counted" 10000 \
		$(($(counter 2 1) - tx)) 10500
	between "bytes to the guest are counted" 10000 \
		$(($(counter 1 1) - rx)) 10500
}

test_reboot()
{
	before=$(counter 2 1)
	check "hotplug offline" hotplug offline 1
	ip link del vps1
	between "counters without an interface" "$before" \
		"$(counter 2 1)" $((before + 2000))
	new_vif 1
	check "hotplug online after a reboot" hotplug online 1
	wait_for in_guest 1 ping -c 1 -W 1 $ip4_2
	between "counters kept across a reboot" "$before" \
		"$(counter 2 1)" $((before + 5000))
	frames reboot filtered
}

# The old interface lingers a moment while the rebooted guest's comes up.
test_slow_old_vif()
{
	in_guest 1 ip link del eth0
	new_vif 1
	ip link add vps1 type veth peer name linger
	(sleep 1; ip link del vps1) &
	killer=$!
	check "hotplug waits for the old interface" hotplug online 1
	wait $killer
	check "network after the wait" in_guest 1 ping -c 1 -W 5 $ip4_2
}

# Slower than libxl's patience: told to go on, not connected until all is done.
test_slow_hotplug()
{
	hotplug offline 1
	in_guest 1 ip link del eth0
	new_vif 1
	rm -f "$FAKE_XENSTORE/backend/vif/1/0/hotplug-status"
	cat >/run/fakebin/nft <<-'END'
		#!/bin/sh
		until [ -e /run/go ]; do sleep 0.1; done
		exec /usr/sbin/nft "$@"
	END
	chmod 755 /run/fakebin/nft
	(sleep 60; touch /run/go) >/dev/null 2>&1 &
	rescue=$!
	VIF_PATIENCE=1 hotplug online 1 >>"$log/commands.log" 2>&1
	equal "slow hotplug: libxl need not wait" no \
		"$([ -e /run/go ] && echo yes || echo no)"
	kill $rescue
	equal "slow hotplug: not connected yet" none "$(status 1)"
	equal "slow hotplug: not attached yet" vps2 \
		"$(ls /sys/class/net/br0/brif)"
	touch /run/go
	wait_for grep -q connected "$FAKE_XENSTORE/backend/vif/1/0/hotplug-status"
	rm /run/fakebin/nft
	check "slow hotplug: network at last" in_guest 1 ping -c 1 -W 5 $ip4_2
}

test_first_packet()
{
	hotplug offline 1
	in_guest 1 ip link del eth0
	new_vif 1
	in_guest 2 "$bin/frames" listen eth0 120 >"$log/first-neighbour" &
	listener=$!
	wait_for grep -q listening "$log/first-neighbour"
	# Forged frames in an endless stream while the interface comes up.
	in_guest 1 sh -c "until [ -e /run/stop ]; do '$bin/frames' send eth0 \
		mac=$mac_1 ip4=$ip4_1 ip6=$ip6_1 \
		vmac=$mac_2 vip4=$ip4_2 vip6=$ip6_2 hmac=$mac_h \
		hip4=$ip4_h hip6=$ip6_h 2>/dev/null; done" &
	flood=$!
	check "hotplug online under a flood" hotplug online 1
	wait $listener || :
	touch /run/stop
	wait $flood || :
	"$bin/frames" judge neighbour "$log/first-neighbour" bad |
		sed 's/antispoof bad/antispoof first packets/'
}

# transfer FROM TO BYTES: TCP between guests through both vifs
receive()
{
	in_guest "$2" socat -u TCP4-LISTEN:7000,reuseaddr OPEN:/dev/null &
	server=$!
	to=''
	eval "to=\$ip4_$2"
	wait_for in_guest "$2" sh -c "ss -ltn | grep -q :7000"
	head -c "$3" /dev/zero | in_guest "$1" socat -u - "TCP4:$to:7000"
	wait $server
}

test_rates()
{
	# 8 Mbit/s is 1 MB/s: 4 MB take 4 s, less the burst.  The bounds are
	# wide because other programs may keep this machine busy.
	check "plan change on a live interface" apply 1 8000 0
	t=$(ms receive 2 1 4000000)
	between "rate limit to the guest, ms for 4 MB at 8 Mbit/s" \
		3500 "$t" 12000
	t=$(ms receive 1 2 16000000)
	between "no limit the other way, ms" 0 "$t" 12000
	check "plan change to a limit from the guest" apply 1 0 8000
	# nft's bucket holds the first second's worth besides the burst.
	t=$(ms receive 1 2 6000000)
	between "rate limit from the guest, ms for 6 MB at 8 Mbit/s" \
		4500 "$t" 20000
	t=$(ms receive 2 1 16000000)
	between "no limit to the guest any more, ms" 0 "$t" 12000
	equal "netback is told the rate" 50000,50000 \
		"$(cat $FAKE_XENSTORE/backend/vif/1/0/rate)"
	frames rates filtered
}

test_remove()
{
	check "remove rules" "$bin/net_ctl" remove 1
	check "remove rules again" "$bin/net_ctl" remove 1
	check "remove rules of the neighbour" "$bin/net_ctl" remove 2
	equal "nothing listed" "" "$("$bin/net_ctl" list)"
	equal "nothing left in nftables" "table netdev serai { }" \
		"$(nft list table netdev serai | tr -s '\n\t ' ' ' |
			sed 's/ $//')"
	equal "removed guests are off the bridge" "" \
		"$(ls /sys/class/net/br0/brif)"
	equal "no files left" "" "$(ls /run/serai/vif)"
}

# Rules bound to another interface under the same name must not be in the way.
test_stale_chains()
{
	hotplug offline 1
	in_guest 1 ip link del eth0
	ip link add vps1 type veth peer name stale
	apply 1 0 0
	ip link set vps1 name other
	new_vif 1
	check "hotplug over stale chains" hotplug online 1
	check "network over stale chains" in_guest 1 ping -c 1 -W 5 $ip4_2
	frames stale filtered
	ip link del other
}

test_bad_arguments()
{
	for mac in 01:16:3e:00:00:01 00:00:00:00:00:00 00:16:3e:00:00 \
		'00:16:3e:00:00:0"'; do
		refuse "bad mac $mac" "$bin/net_ctl" apply 9 "$mac" - - 0 0
	done
	for addr in 0.0.0.0 224.0.0.1 127.0.0.1 300.1.1.1 '10.0.0.1; flush'; do
		refuse "bad ipv4 $addr" "$bin/net_ctl" apply 9 $mac_1 "$addr" \
			- 0 0
	done
	for addr in :: ::1 fe80::1 ff02::1 ::ffff:10.0.0.1 'x'; do
		refuse "bad ipv6 $addr" "$bin/net_ctl" apply 9 $mac_1 - "$addr" \
			0 0
	done
	refuse "id 0" "$bin/net_ctl" apply 0 $mac_1 - - 0 0
	equal "nothing made by refused rules" "" "$("$bin/net_ctl" list)"
}

setup
test_open
test_no_rules
test_filtered
test_from_outside
test_theft
test_counters
test_reboot
test_slow_old_vif
test_stale_chains
test_slow_hotplug
test_first_packet
test_rates
test_remove
test_bad_arguments
