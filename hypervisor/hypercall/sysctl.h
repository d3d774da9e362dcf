/* sysctl.h - the operations of sysctl, by subject; table in sysctl.c. */
#ifndef HYPERCALL_SYSCTL_H
#define HYPERCALL_SYSCTL_H

#include "hypercall/hc.h"

typedef long sysctl_fn(struct hc *hc, struct xen_sysctl *op);

/* sysctl_info.c: the machine */
sysctl_fn sysctl_physinfo, sysctl_cputopoinfo, sysctl_numainfo,
	sysctl_pcitopoinfo, sysctl_getcpuinfo, sysctl_availheap,
	sysctl_get_cpu_featureset, sysctl_get_cpu_policy,
	sysctl_get_cpu_levelling_caps;

#endif
