#!/bin/sh
# Our PV test kernels as dom0 on our hypervisor and on genuine Xen: the same
# verdicts (hypervisor/test/guest/run prints a line for each).
set -u
here=$(cd "$(dirname "$0")/../.." && pwd)
B=${B:-$here/build}

if ! make -C "$here/hypervisor" O="$B" >"$B/log/hypervisor.log" 2>&1; then
	echo "FAIL guest-kernels: expected the hypervisor to build" \
		"(log: $B/log/hypervisor.log)"
	exit 1
fi
# There, HYPERVISOR is the image's path.
exec env -u HYPERVISOR O="$B" "$here/hypervisor/test/guest/run"
