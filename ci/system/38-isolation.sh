#!/bin/sh
# Storms of a hostile kernel beside a working neighbour (lab.d/isolation), on a
# CPU that they share, on a machine that counts instructions.
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=ci/qemu.sh
. "$here/qemu.sh"
# shellcheck source=ci/lab.sh
. "$here/lab.sh"
LAB_LIMIT=1500 lab_count isolation 768 1 guest
