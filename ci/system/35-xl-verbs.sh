#!/bin/sh
# Every verb of xl in dom0 (lab.d/xl-verbs): the same output, line by line, that
# genuine Xen gave, but for what is listed here. That is kept in
# lab.d/xl-verbs.xen;
#	HYPERVISOR=xen RECORD=1 ci/system/35-xl-verbs.sh
# makes it again, and HYPERVISOR=xen alone tests the record.
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=ci/qemu.sh
. "$here/qemu.sh"
# shellcheck source=ci/lab.sh
. "$here/lab.sh"

# What differs, and why:
#   info       who it is and what dom0's kernel is; no HVM, no IOMMU, no grant
#              version 2, the command line
#   set-parameters  ours has no hypfs: options are the boot loader's
#   sched-credit2  ours lets who wakes up have the CPU at once, unless told
#              otherwise; the rate limit is of another kind, 200 us (1000)
may_differ() {
	grep -vE '^info: (release|version|virt_caps|xen_(extra|version|commandline|changeset|caps|minor|major)|cc_|build_id|xend_)|^(set-parameters: |sched-credit2(-default)?: Cpupool )'
}

record=$here/lab.d/xl-verbs.xen
lab_dom0=640M
# Nothing of it depends on when it happened, nor on the speed of this machine.
LAB_LIMIT=1800 lab_count xl-verbs 1536 1 guest kernel initrd >"$B/log/xl-verbs.out"
grep -aE '^(ok|FAIL) ' "$B/log/xl-verbs.out"
grep -avE '^(ok|FAIL) ' "$vm_dir/out" | may_differ >"$vm_dir/verbs"
if [ "${RECORD:-}" ]; then
	cp "$vm_dir/verbs" "$record"
	exit
fi
diff "$record" "$vm_dir/verbs" >"$vm_dir/diff"
# One result for each verb.
cut -d: -f1 "$record" | sort -u | while read -r verb; do
	if ! grep -q "^[<>] $verb: " "$vm_dir/diff"; then
		echo "ok xl verbs: $verb is as on genuine Xen"
	else
		echo "FAIL xl verbs: $verb: expected what genuine Xen prints," \
			"got $(grep -m1 "^> $verb: " "$vm_dir/diff")" \
			"(log: $vm_dir/diff)"
	fi
done
