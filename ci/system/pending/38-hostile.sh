#!/bin/sh
# Every test kernel as a guest, and kernels of random calls, beside a neighbour
# that goes on (lab.d/hostile).
set -u
here=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=ci/qemu.sh
. "$here/qemu.sh"
# shellcheck source=ci/lab.sh
. "$here/lab.sh"
LAB_SET="KERNELS='$(cd "$here/../hypervisor/test/guest" &&
	echo */main.c | sed 's,/main.c,,g; s/hostile \| storm//g')'"
LAB_LIMIT=1500 lab_count hostile 768 1 guest
