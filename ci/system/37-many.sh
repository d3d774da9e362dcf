#!/bin/sh
# Domains made and destroyed again and again (lab.d/many): nothing is lost.
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=ci/qemu.sh
. "$here/qemu.sh"
# shellcheck source=ci/lab.sh
. "$here/lab.sh"
lab_test many 768 1
