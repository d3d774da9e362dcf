/* domctl.h - the operations of domctl, by subject; table in domctl.c. */
#ifndef HYPERCALL_DOMCTL_H
#define HYPERCALL_DOMCTL_H

#include "hypercall/hc.h"

/*
 * d is the domain named, with a reference; NULL for createdomain.  Results go
 * into op, which is copied out if 0 is returned.  -ERESTART: again.
 */
typedef long domctl_fn(struct hc *hc, struct domain *d, struct xen_domctl *op);

/* domctl_life.c: create, stop, limits */
domctl_fn domctl_createdomain, domctl_destroydomain, domctl_pausedomain,
	domctl_unpausedomain, domctl_resumedomain, domctl_getdomaininfo,
	domctl_max_vcpus, domctl_max_mem, domctl_setdomainhandle,
	domctl_settimeoffset, domctl_sendtrigger, domctl_hypercall_init,
	domctl_scheduler_op;
/* domctl_vcpu.c: contexts, affinity */
domctl_fn domctl_setvcpucontext, domctl_getvcpucontext, domctl_getvcpuinfo,
	domctl_setvcpuaffinity, domctl_getvcpuaffinity,
	domctl_set_ext_vcpucontext, domctl_get_ext_vcpucontext,
	domctl_getvcpuextstate, domctl_setvcpuextstate, domctl_get_vcpu_msrs,
	domctl_set_vcpu_msrs;
/* domctl_state.c: memory types, clocks, policies, permissions */
domctl_fn domctl_getpageframeinfo3, domctl_settscinfo, domctl_gettscinfo,
	domctl_set_address_size, domctl_get_address_size,
	domctl_get_cpu_policy, domctl_set_cpu_policy, domctl_setnodeaffinity,
	domctl_getnodeaffinity, domctl_permission, domctl_set_virq_handler,
	domctl_not_built_in;

#endif
