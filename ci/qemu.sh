# shellcheck shell=sh
# qemu.sh - start an appliance in QEMU and talk to it. Sourced by the demo and
# by the system tests.
#
# One program runs one machine at a time. Everything it leaves is in $vm_dir
# (build/log/NAME): console.log, qemu.log, config.iso, keys, *.sock. Names that
# begin with vm_ are this file's. The machine is killed when the program ends.
#
# Network: QEMU's user network with restrict=on, so nothing leaves this host.
# dom0 is 10.0.2.15, customers get 10.0.2.50 to 10.0.2.59.

B=${B:-$(cd "$(dirname "$0")/.." && pwd)/build}
[ -d "$B" ] || B=$(cd "$(dirname "$0")/../.." && pwd)/build
ACCEL=${ACCEL:-tcg}
CPU=${CPU:-Nehalem}
vm_pid=
vm_dir=
vm_memory=1024
vm_cpus=1
vm_ssh="-q -F none -o BatchMode=yes -o StrictHostKeyChecking=no
	-o UserKnownHostsFile=/dev/null -o ConnectTimeout=20
	-o ServerAliveInterval=10 -o ServerAliveCountMax=6
	-o KexAlgorithms=curve25519-sha256"

vm_die() {
	echo "FAIL ${vm_test:-$(basename "$0")}: $*" \
		"(console: $vm_dir/console.log)"
	exit 1
}

# vm_prepare NAME - a fresh directory with an operator's key and a config medium.
vm_prepare() {
	vm_dir=$B/log/$1
	rm -rf "$vm_dir"
	mkdir -p "$vm_dir/config"
	ssh-keygen -q -t ed25519 -N '' -C operator -f "$vm_dir/operator"
	vm_config "net=10.0.2.15/24,10.0.2.2" \
		"key=$(cat "$vm_dir/operator.pub")"
	trap vm_end EXIT
	trap 'exit 130' INT TERM
}

# vm_config LINE... - write the medium labelled SERAI-CONF.
vm_config() {
	printf '%s\n' "$@" >"$vm_dir/config/serai.conf"
	xorriso -as mkisofs -quiet -V SERAI-CONF -o "$vm_dir/config.iso" \
		"$vm_dir/config" >/dev/null 2>&1
}

# A port of 127.0.0.1 that nobody listens on, from a range of this process.
vm_free_port() {
	_port=$((20000 + ($$ * 16 + $1) % 40000))
	while ss -Htln "sport = :$_port" | grep -q .; do
		_port=$((_port + 1))
	done
	echo "$_port"
}

# vm_start QEMU-OPTION... - boot. Sets vm_pid, vm_dom0_port, vm_guest_port
# (10.0.2.50) and vm_guest2_port (10.0.2.51).
vm_start() {
	vm_dom0_port=$(vm_free_port 0)
	vm_guest_port=$(vm_free_port 4)
	vm_guest2_port=$(vm_free_port 8)
	_fwd=hostfwd=tcp:127.0.0.1
	vm_disconnect
	qemu-system-x86_64 -accel "$ACCEL" -cpu "$CPU" -m "$vm_memory" \
		-smp "$vm_cpus" -display none -pidfile "$vm_dir/pid" \
		-chardev "socket,id=c0,path=$vm_dir/serial.sock,server=on,wait=off,logfile=$vm_dir/console.log,logappend=on" \
		-serial chardev:c0 \
		-monitor "unix:$vm_dir/monitor.sock,server=on,wait=off" \
		-netdev "user,id=n0,restrict=on,$_fwd:$vm_dom0_port-10.0.2.15:22,$_fwd:$vm_guest_port-10.0.2.50:22,$_fwd:$vm_guest2_port-10.0.2.51:22" \
		-device virtio-net-pci,netdev=n0,romfile= \
		-drive "if=none,id=conf,format=raw,readonly=on,file=$vm_dir/config.iso" \
		-device virtio-blk-pci,drive=conf \
		"$@" </dev/null >>"$vm_dir/qemu.log" 2>&1 &
	vm_pid=$!
	vm_mark=$(vm_lines)
}

vm_disconnect() {
	[ ! -e "$vm_dir/ssh.sock" ] || ssh -q -o "ControlPath=$vm_dir/ssh.sock" \
		-O exit root@127.0.0.1 2>/dev/null
	rm -f "$vm_dir/ssh.sock"
}

vm_lines() {
	[ -e "$vm_dir/console.log" ] && wc -l <"$vm_dir/console.log" || echo 0
}

vm_alive() {
	[ "$vm_pid" ] && kill -0 "$vm_pid" 2>/dev/null
}

# vm_wait_line PATTERN SECONDS - since the machine was started last.
vm_wait_line() {
	_end=$(($(date +%s) + $2))
	until tail -n "+$((vm_mark + 1))" "$vm_dir/console.log" 2>/dev/null |
		grep -aqE "$1"; do
		vm_alive || vm_die "expected '$1' on the console," \
			"but QEMU ended: $(tail -n 1 "$vm_dir/qemu.log")"
		[ "$(date +%s)" -lt "$_end" ] ||
			vm_die "expected '$1' on the console within $2 s," \
			"got: $(tail -n 1 "$vm_dir/console.log" |
				tr -cd ' -~')"
		sleep 0.5
	done
}

# vm_wait SECONDS WHAT COMMAND... - until it succeeds.
vm_wait() {
	_limit=$1
	_what=$2
	_stop=$(($(date +%s) + _limit))
	shift 2
	until "$@" >/dev/null 2>&1; do
		vm_alive || vm_die "waiting for $_what, but QEMU ended"
		[ "$(date +%s)" -lt "$_stop" ] ||
			vm_die "expected $_what within $_limit s"
		sleep 1
	done
}

# dom0 COMMAND - as the operator, in dom0. stdin is passed on. The commands of
# one boot share a connection: a key exchange is slow in an emulated machine.
dom0() {
	# shellcheck disable=SC2086
	timeout "${DOM0_TIMEOUT:-600}" ssh $vm_ssh -i "$vm_dir/operator" \
		-o ControlMaster=auto -o ControlPersist=600 \
		-o "ControlPath=$vm_dir/ssh.sock" \
		-p "$vm_dom0_port" root@127.0.0.1 "$@"
}

# dom0_put FILE PATH - copy a file into dom0.
dom0_put() {
	dom0 "cat >'$2'" <"$1"
}

# guest KEY COMMAND - as a customer, in the VPS with address 10.0.2.50;
# guest2 for 10.0.2.51.
guest() {
	_key=$1
	shift
	# shellcheck disable=SC2086
	timeout "${GUEST_TIMEOUT:-120}" ssh $vm_ssh -i "$_key" -p "$vm_guest_port" \
		root@127.0.0.1 "$@"
}
guest2() {
	_key=$1
	shift
	# shellcheck disable=SC2086
	timeout "${GUEST_TIMEOUT:-120}" ssh $vm_ssh -i "$_key" -p "$vm_guest2_port" \
		root@127.0.0.1 "$@"
}

# Until dom0 lets the operator in.
vm_wait_ssh() {
	vm_wait 400 "SSH into dom0" dom0 true </dev/null
}

# Until dom0 answers SSH and vpsd its socket.
vm_wait_up() {
	vm_wait_line SERAI-DOM0-UP "${1:-400}"
	vm_wait_ssh
	vm_wait 400 "vpsd to answer" dom0 vps host </dev/null
}

# vm_catalogue - one customer, plan and pool, as the tests and the demo sell.
vm_catalogue() {
	dom0 "vps -q customer add acme --external-id 4711 &&
		vps -q plan add small --vcpus 1 --ram ${1:-160M} \
			--disk ${2:-128M} &&
		vps -q pool add v4 --range 10.0.2.50-10.0.2.59 --prefix 24 \
			--gateway 10.0.2.2" </dev/null >/dev/null
}

# An orderly end: dom0 shuts its guests down and turns the machine off.
vm_poweroff() {
	dom0 poweroff </dev/null >/dev/null 2>&1
	_end=$(($(date +%s) + ${1:-150}))
	while vm_alive; do
		[ "$(date +%s)" -lt "$_end" ] ||
			vm_die "expected the machine to turn itself off" \
				"within ${1:-150} s"
		sleep 1
	done
	wait "$vm_pid" 2>/dev/null
	vm_pid=
}

# The plug.
vm_kill() {
	vm_disconnect
	[ -z "$vm_pid" ] || {
		kill -9 "$vm_pid" 2>/dev/null
		wait "$vm_pid" 2>/dev/null
	}
	vm_pid=
}

vm_end() {
	_status=$?
	vm_kill
	exit "$_status"
}

# vm_uefi - options for UEFI firmware, with variables of its own.
vm_uefi() {
	cp /usr/share/OVMF/OVMF_VARS_4M.fd "$vm_dir/vars.fd"
	echo "-drive if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd
		-drive if=pflash,format=raw,unit=1,file=$vm_dir/vars.fd"
}

# check NAME EXPECTED GOT - one result line.
check() {
	if [ "$2" = "$3" ]; then
		echo "ok $1"
	else
		echo "FAIL $1: expected '$2', got '$3'" \
			"(console: $vm_dir/console.log)"
	fi
}

# check_match NAME PATTERN TEXT - likewise, an extended regular expression.
check_match() {
	if printf '%s\n' "$3" | grep -qE "$2"; then
		echo "ok $1"
	else
		echo "FAIL $1: expected something like '$2'," \
			"got '$(printf '%s' "$3" | tail -n 3 | tr '\n' ' ')'" \
			"(console: $vm_dir/console.log)"
	fi
}
