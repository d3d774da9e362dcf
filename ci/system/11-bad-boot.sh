#!/bin/sh
# 11-bad-boot - what the operator reads when our hypervisor cannot start dom0:
# what is wrong, on the serial line, and the machine stops there.
set -u
B=${B:-$(cd "$(dirname "$0")/../.." && pwd)/build}
work=$B/log/bad-boot
rm -rf "$work"
mkdir -p "$work"
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null' EXIT

make -C "$(dirname "$0")/../../hypervisor" O="$B" >"$work/make.log" 2>&1 || {
	echo "FAIL bad boot: expected the hypervisor to build ($work/make.log)"
	exit 1
}

# wait_for PATTERN FILE - a minute; fails, too, when the machine has ended.
wait_for() {
	for _ in $(seq 240); do
		grep -aqE "$1" "$2" 2>/dev/null && return 0
		kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.25
	done
	return 1
}

# refuses NAME PATTERN MIB OPTIONS INITRD - the machine says it, and halts.
refuses() {
	log=$work/$1.log
	timeout 120 qemu-system-x86_64 -accel tcg -cpu Nehalem -m "$3" \
		-display none -no-reboot -net none -serial "file:$log" \
		-kernel "$B/hypervisor.elf" -append "console=com1 $4" \
		${5:+-initrd "$5"} </dev/null >"$log.qemu" 2>&1 &
	pid=$!
	if wait_for "$2" "$log" && wait_for "$end" "$log"; then
		echo "ok bad boot: $1"
	else
		echo "FAIL bad boot: $1: expected '$2' and '$end'," \
			"got: $(tail -n 1 "$log" | tr -cd ' -~') (log: $log)"
	fi
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	pid=
}

head -c 5000000 "$B/dom0-vmlinux" >"$work/truncated"
head -c 100000 /dev/urandom >"$work/noise"
both=$B/dom0-vmlinux,$B/dom0-root.img
end='The machine stops here'
refuses no-modules 'boot loader gave no dom0 kernel' 256 ''
refuses truncated-kernel 'kernel refused: truncated ELF' 256 '' \
	"$work/truncated"
refuses not-pv 'kernel refused: no Xen ELF notes' 256 '' "$B/hypervisor.elf"
refuses noise 'kernel refused: neither an ELF' 256 '' "$work/noise"
refuses little-dom0 'dom0: 20 MiB of memory are too few' 256 dom0_mem=20M \
	"$both"
refuses little-memory 'Not enough memory' 100 '' "$both"
# Not fatal, but said: the operator mistyped.
end='Starting dom0'
refuses unknown-option 'command line: nonsense: unknown option' 512 nonsense=3 "$both"
refuses bad-value 'command line: dom0_mem: bad value' 512 dom0_mem=lots "$both"
