#!/bin/sh
# Storms beside a working neighbour, on one CPU that they share, and on two; and
# what every test kernel does as a guest (lab.d/isolation, lab.d/hostile).
set -u
here=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=ci/qemu.sh
. "$here/qemu.sh"
# shellcheck source=ci/lab.sh
. "$here/lab.sh"
lab_count isolation 768 1 guest
lab_count isolation 768 2 guest
LAB_SET="KERNELS='$(cd "$here/../hypervisor/test/guest" &&
	echo */main.c | sed 's,/main.c,,g; s/hostile \| storm//g')'"
lab_count hostile 768 1 guest
