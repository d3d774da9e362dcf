#!/bin/sh
# Disk, network and console of guests under load (lab.d/devices): checksums over
# the network, after a crash, and of a busy console.
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=ci/qemu.sh
. "$here/qemu.sh"
# shellcheck source=ci/lab.sh
. "$here/lab.sh"
lab_test devices 1024 1
