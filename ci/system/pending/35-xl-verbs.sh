#!/bin/sh
# shellcheck disable=SC2119
# Every verb of xl in dom0 (lab.d/xl-verbs), on our hypervisor and on genuine
# Xen: the same output, line by line, but for what is listed here.
set -u
here=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=ci/qemu.sh
. "$here/qemu.sh"
# shellcheck source=ci/lab.sh
. "$here/lab.sh"

# What differs, and why:
#   info       who it is; no HVM, no IOMMU, no grant version 2, the command line
#   info-n     genuine Xen sees QEMU's sockets
#   debug-keys genuine Xen has other keys
may_differ() {
	grep -vE '^info: (virt_caps|hw_caps|total_memory|xen_(major|minor|extra|version|caps|commandline|changeset)|cc_|build_id)'
}

lab_build
vm_memory=1024
vm_cpus=2
for hv in serai xen; do
	vm_test="xl verbs: $hv"
	vm_prepare "xl-verbs-$hv"
	lab_start "$hv"
	lab_sh <"$here/lab.d/xl-verbs" >"$vm_dir/verbs" 2>&1
	check "$vm_test: the script ends well" 0 "$?"
	may_differ <"$vm_dir/verbs" >"$B/log/xl-verbs-$hv.out"
	vm_poweroff
done
diff "$B/log/xl-verbs-xen.out" "$B/log/xl-verbs-serai.out" \
	>"$B/log/xl-verbs.diff"
# One result for each verb.
cut -d: -f1 "$B/log/xl-verbs-xen.out" | sort -u | while read -r verb; do
	if ! grep -q "^[<>] $verb: " "$B/log/xl-verbs.diff"; then
		echo "ok xl verbs: $verb is as on genuine Xen"
	else
		echo "FAIL xl verbs: $verb: expected what genuine Xen prints," \
			"got $(grep -m1 "^> $verb: " "$B/log/xl-verbs.diff")" \
			"(log: $B/log/xl-verbs.diff)"
	fi
done
