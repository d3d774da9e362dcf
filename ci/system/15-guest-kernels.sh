#!/bin/sh
# Our PV test kernels as dom0 on our hypervisor and on genuine Xen: the same
# verdicts (hypervisor/test/guest/run prints a line for each). All of them on
# an Intel CPU, and those that CPUs differ in on an AMD one.
set -u
here=$(cd "$(dirname "$0")/../.." && pwd)
B=${B:-$here/build}
run=$here/hypervisor/test/guest/run

if ! make -C "$here/hypervisor" O="$B" >"$B/log/hypervisor.log" 2>&1; then
	echo "FAIL guest-kernels: expected the hypervisor to build" \
		"(log: $B/log/hypervisor.log)"
	exit 1
fi
# There, HYPERVISOR is the image's path.
env -u HYPERVISOR O="$B" "$run"
status=$?
# QEMU's TCG breaks PV kernels with SMAP.
env O="$B/amd" HYPERVISOR="$B/hypervisor.elf" XEN="$B/xen/xen.elf" \
	CPU=EPYC,-smap "$run" cpuid debug exceptions fpu mmu runstate usermode \
	>"$B/log/guest-kernels-amd.log"
status=$((status | $?))
sed 's/^\(ok\|FAIL\) guest /&on AMD: /' "$B/log/guest-kernels-amd.log"
exit "$status"
