#!/bin/sh
# Hostile guest kernels beside a working neighbour (lab.d/isolation): on one CPU
# that they share, and on two.
set -u
here=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=ci/qemu.sh
. "$here/qemu.sh"
# shellcheck source=ci/lab.sh
. "$here/lab.sh"
LAB_SET="${LAB_SET:-} KERNELS='$(cd "$here/../hypervisor/test/guest" &&
	echo */main.c | sed 's,/main.c,,g; s/hostile \| storm//g')'"
lab_count isolation 768 1 guest
LAB_SET="FROM=4 UNTIL=4"
lab_count isolation 768 2 guest
