#!/bin/sh
# Hostile guest kernels beside a working neighbour (lab.d/isolation).
set -u
here=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=ci/qemu.sh
. "$here/qemu.sh"
# shellcheck source=ci/lab.sh
. "$here/lab.sh"
lab_test isolation 768 2
