#!/bin/sh
# 50-antispoof.sh - two customers on the appliance: one tries to take the
# other's, and the host's, addresses from inside its VPS.
#
# Every forged frame of provisioning/test/frames_case.c is sent from the first VPS;
# the second VPS and dom0 look for it. At the end the filter is opened on
# purpose and all frames must arrive: so the test sees what it looks for.
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=ci/qemu.sh
. "$here/../qemu.sh"

ip6_1=fd00:5e::50 ip6_2=fd00:5e::51 ip6_h=fd00:5e::15

build_frames()
{
	cc -std=c11 -D_GNU_SOURCE -O1 -static \
		"$here/../../provisioning/test/frames.c" \
		"$here/../../provisioning/test/frames_case.c" -o "$vm_dir/frames" ||
		vm_die "cannot build frames.c"
}

sell()
{
	dom0_put "$vm_dir/$1.pub" "/tmp/$1.pub"
	dom0 vps -q create "$1" --customer acme --plan small \
		--template busybox --key "/tmp/$1.pub" "$2" </dev/null ||
		vm_die "cannot sell $1"
}


# QEMU's user network aborts on frames it does not expect, on the honest ARP
# probe from 0.0.0.0 for one. So from here on only TCP and dom0's own ARP leave
# the machine; the two who look for forged frames are on this side.
hush_uplink()
{
	uplink=$(dom0 ls /sys/class/net/br0/brif </dev/null | grep -v '^vps')
	cat >"$vm_dir/hush.nft" <<-END
		add table netdev hush
		add chain netdev hush out { type filter hook egress device "$uplink" priority 0; policy drop; }
		add rule netdev hush out ip protocol tcp accept
		add rule netdev hush out ether saddr $mac_h arp saddr ip 10.0.2.15 accept
	END
	dom0 nft -f - <"$vm_dir/hush.nft" || vm_die "cannot hush the uplink"
}

# attack RUN MODE: send everything from a, look from b and from dom0
attack()
{
	GUEST_TIMEOUT=330 guest2 "$vm_dir/b" /tmp/frames listen eth0 300 \
		>"$vm_dir/$1-neighbour" 2>&1 </dev/null &
	listener=$!
	dom0 /tmp/frames listen br0 300 >"$vm_dir/$1-host" 2>&1 </dev/null &
	listener2=$!
	vm_wait 120 "the neighbour to listen" \
		grep -q listening "$vm_dir/$1-neighbour"
	vm_wait 120 "dom0 to listen" grep -q listening "$vm_dir/$1-host"
	guest "$vm_dir/a" /tmp/frames send eth0 "mac=$mac_a" ip4=10.0.2.50 \
		"ip6=$ip6_1" "vmac=$mac_b" vip4=10.0.2.51 "vip6=$ip6_2" \
		"hmac=$mac_h" hip4=10.0.2.15 "hip6=$ip6_h" </dev/null
	wait $listener $listener2
	"$vm_dir/frames" judge neighbour "$vm_dir/$1-neighbour" "$2"
	"$vm_dir/frames" judge host "$vm_dir/$1-host" "$2"
}

# The plain way to steal an address: just configure it.
test_theft()
{
	guest "$vm_dir/a" "ip addr add 10.0.2.51/24 dev eth0;
		ip -6 addr add $ip6_2/64 dev eth0 2>/dev/null" </dev/null
	dom0 "ip neigh flush dev br0; ping -c 2 -W 5 10.0.2.51;
		ping -6 -c 2 -W 5 $ip6_2" >"$vm_dir/theft" 2>&1 </dev/null
	check "theft: dom0 knows the owner of the IPv4 address" "$mac_b" \
		"$(dom0 ip neigh show 10.0.2.51 dev br0 </dev/null |
			awk '{print $3}')"
	check "theft: dom0 knows the owner of the IPv6 address" "$mac_b" \
		"$(dom0 ip -6 neigh show "$ip6_2" dev br0 </dev/null |
			awk '{print $3}')"
	check "theft: the owner's SSH still answers at its address" b \
		"$(guest2 "$vm_dir/b" hostname </dev/null)"
	guest "$vm_dir/a" "ip addr del 10.0.2.51/24 dev eth0;
		ip -6 addr del $ip6_2/64 dev eth0 2>/dev/null" </dev/null
}

# bad_count ID: packets refused
bad_count()
{
	dom0 nft list counter netdev serai "vps$1_bad" </dev/null |
		sed -n 's/.*packets \([0-9]*\) .*/\1/p'
}

test_counters()
{
	bad=$(bad_count "$id_a")
	check "forged frames are counted" yes \
		"$([ "${bad:-0}" -ge 40 ] && echo yes || echo "$bad")"
	check "none of them counted for the honest one" "$bad_b" \
		"$(bad_count "$id_b")"
}

open_filter()
{
	# Forged sources would move the neighbour's address to this port.
	dom0 ip link set "vps$id_a" type bridge_slave learning off </dev/null
	for chain in in ip6; do
		echo "flush chain netdev serai vps${id_a}_$chain"
	done >"$vm_dir/open.nft"
	echo "add rule netdev serai vps${id_a}_in accept" >>"$vm_dir/open.nft"
	echo "flush chain netdev serai vps${id_b}_out" >>"$vm_dir/open.nft"
	dom0 nft -f - <"$vm_dir/open.nft"
}

vm_prepare antispoof
vm_config "net=10.0.2.15/24,10.0.2.2" "net6=$ip6_h/64" \
	"key=$(cat "$vm_dir/operator.pub")"
build_frames
for name in a b; do
	ssh-keygen -q -t ed25519 -N '' -C $name -f "$vm_dir/$name"
done
vm_start -cdrom "$B/serai.iso" -boot d
vm_wait_up 600
vm_catalogue 96M 64M || vm_die "cannot make the catalogue"
dom0 "vps -q pool add v6 --range $ip6_1-fd00:5e::59 --prefix 64 \
	--gateway fd00:5e::2" </dev/null || vm_die "cannot make the IPv6 pool"
sell a --no-wait
sell b --no-wait
vm_wait 600 "SSH into a" guest "$vm_dir/a" true </dev/null
vm_wait 600 "SSH into b" guest2 "$vm_dir/b" true </dev/null
id_a=$(dom0 "sed -n 's/.*device \"vps\([0-9]*\)\" .*/\1/p' \
	\$(grep -l 10.0.2.50 /run/serai/vif/*.nft) | head -n 1" </dev/null)
id_b=$(dom0 "sed -n 's/.*device \"vps\([0-9]*\)\" .*/\1/p' \
	\$(grep -l 10.0.2.51 /run/serai/vif/*.nft) | head -n 1" </dev/null)
mac_a=$(guest "$vm_dir/a" cat /sys/class/net/eth0/address </dev/null)
mac_b=$(guest2 "$vm_dir/b" cat /sys/class/net/eth0/address </dev/null)
mac_h=$(dom0 cat /sys/class/net/br0/address </dev/null)
check_match "two VPSs, two MAC addresses" '^(..:){5}.. (..:){5}..$' \
	"$mac_a $mac_b"
guest "$vm_dir/a" 'cat >/tmp/frames && chmod 755 /tmp/frames' <"$vm_dir/frames"
guest2 "$vm_dir/b" 'cat >/tmp/frames && chmod 755 /tmp/frames' \
	<"$vm_dir/frames"
dom0 'cat >/tmp/frames && chmod 755 /tmp/frames' <"$vm_dir/frames"

hush_uplink
bad_b=$(bad_count "$id_b")
attack filtered filtered
test_theft
test_counters
open_filter
attack open open
vm_poweroff 150
