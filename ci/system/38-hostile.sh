#!/bin/sh
# Test kernels as unprivileged guests, one full of roots and kernels of random
# calls, beside a neighbour that goes on (lab.d/hostile), on a machine that
# counts instructions. Others with KERNELS="NAME...", more seeds with UNTIL=N.
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=ci/qemu.sh
. "$here/qemu.sh"
# shellcheck source=ci/lab.sh
. "$here/lab.sh"
LAB_SET="UNTIL=${UNTIL:-2} KERNELS='${KERNELS:-descriptors errors evtchn \
exceptions grants mmu}'"
LAB_LIMIT=1500 lab_count hostile 768 1 guest
