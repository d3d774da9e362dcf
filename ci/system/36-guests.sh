#!/bin/sh
# What a customer and an operator do to running guests (lab.d/guests): SMP, CPU
# hot-plug, balloon under pressure, pause, save and restore, reboot, crash.
set -u
# With XSAVE, which Nehalem has not: what is saved includes its state.
# Genuine Xen in QEMU loses FS bases of dom0's processes where the CPU has
# FSGSBASE: two of some thousand crash.  Not seen on ours.
case ${HYPERVISOR:-serai} in
xen) CPU=${CPU:-max,-smap,-fsgsbase} ;;
*) CPU=${CPU:-max,-smap} ;;
esac
here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=ci/qemu.sh
. "$here/qemu.sh"
# shellcheck source=ci/lab.sh
. "$here/lab.sh"
lab_test guests 1024 2
