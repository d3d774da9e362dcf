#!/bin/sh
# Twenty guests in a row on a machine of 4 GiB (lab.d/twenty).
set -u
here=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=ci/qemu.sh
. "$here/qemu.sh"
# shellcheck source=ci/lab.sh
. "$here/lab.sh"
lab_dom0=640M
lab_count twenty 4096 1 kernel initrd
