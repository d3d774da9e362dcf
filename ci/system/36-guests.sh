#!/bin/sh
# What a customer and an operator do to running guests (lab.d/guests): SMP, CPU
# hot-plug, balloon under pressure, pause, save and restore, reboot, crash.
set -u
# With XSAVE, which Nehalem has not: what is saved includes its state.
CPU=${CPU:-max,-smap}
here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=ci/qemu.sh
. "$here/qemu.sh"
# shellcheck source=ci/lab.sh
. "$here/lab.sh"
lab_test guests 1024 2
