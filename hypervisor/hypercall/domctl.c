/*
 * domctl.c - how the toolstack makes, looks at and ends domains.
 *
 * For the privileged domain only (table.c), one at a time (ctl_lock).  The
 * version is pinned to that of the 4.17 tools; any other gets -EACCES.
 */
#include "hypercall/domctl.h"
#include "hypercall/ctl.h"
#include "include/nospec.h"

_Static_assert(XEN_DOMCTL_INTERFACE_VERSION == 0x15, "tools of Xen 4.17");

static domctl_fn *const ops[] = {
	[XEN_DOMCTL_createdomain] = domctl_createdomain,
	[XEN_DOMCTL_destroydomain] = domctl_destroydomain,
	[XEN_DOMCTL_pausedomain] = domctl_pausedomain,
	[XEN_DOMCTL_unpausedomain] = domctl_unpausedomain,
	[XEN_DOMCTL_getdomaininfo] = domctl_getdomaininfo,
	[XEN_DOMCTL_setvcpuaffinity] = domctl_setvcpuaffinity,
	[XEN_DOMCTL_shadow_op] = domctl_not_built_in,
	[XEN_DOMCTL_max_mem] = domctl_max_mem,
	[XEN_DOMCTL_setvcpucontext] = domctl_setvcpucontext,
	[XEN_DOMCTL_getvcpucontext] = domctl_getvcpucontext,
	[XEN_DOMCTL_getvcpuinfo] = domctl_getvcpuinfo,
	[XEN_DOMCTL_max_vcpus] = domctl_max_vcpus,
	[XEN_DOMCTL_scheduler_op] = domctl_scheduler_op,
	[XEN_DOMCTL_setdomainhandle] = domctl_setdomainhandle,
	[XEN_DOMCTL_irq_permission] = domctl_permission,
	[XEN_DOMCTL_iomem_permission] = domctl_permission,
	[XEN_DOMCTL_ioport_permission] = domctl_permission,
	[XEN_DOMCTL_hypercall_init] = domctl_hypercall_init,
	[XEN_DOMCTL_settimeoffset] = domctl_settimeoffset,
	[XEN_DOMCTL_getvcpuaffinity] = domctl_getvcpuaffinity,
	[XEN_DOMCTL_resumedomain] = domctl_resumedomain,
	[XEN_DOMCTL_sendtrigger] = domctl_sendtrigger,
	[XEN_DOMCTL_set_address_size] = domctl_set_address_size,
	[XEN_DOMCTL_get_address_size] = domctl_get_address_size,
	[XEN_DOMCTL_set_ext_vcpucontext] = domctl_set_ext_vcpucontext,
	[XEN_DOMCTL_get_ext_vcpucontext] = domctl_get_ext_vcpucontext,
	[XEN_DOMCTL_gettscinfo] = domctl_gettscinfo,
	[XEN_DOMCTL_settscinfo] = domctl_settscinfo,
	[XEN_DOMCTL_getpageframeinfo3] = domctl_getpageframeinfo3,
	[XEN_DOMCTL_setvcpuextstate] = domctl_setvcpuextstate,
	[XEN_DOMCTL_getvcpuextstate] = domctl_getvcpuextstate,
	[XEN_DOMCTL_set_virq_handler] = domctl_set_virq_handler,
	[XEN_DOMCTL_setnodeaffinity] = domctl_setnodeaffinity,
	[XEN_DOMCTL_getnodeaffinity] = domctl_getnodeaffinity,
	[XEN_DOMCTL_get_vcpu_msrs] = domctl_get_vcpu_msrs,
	[XEN_DOMCTL_set_vcpu_msrs] = domctl_set_vcpu_msrs,
	[XEN_DOMCTL_setvnumainfo] = domctl_not_built_in,
	[XEN_DOMCTL_vm_event_op] = domctl_not_built_in,
	[XEN_DOMCTL_mem_sharing_op] = domctl_not_built_in,
	[XEN_DOMCTL_monitor_op] = domctl_not_built_in,
	[XEN_DOMCTL_soft_reset] = domctl_not_built_in,
	[XEN_DOMCTL_vmtrace_op] = domctl_not_built_in,
	[XEN_DOMCTL_get_cpu_policy] = domctl_get_cpu_policy,
	[XEN_DOMCTL_set_cpu_policy] = domctl_set_cpu_policy,
	[XEN_DOMCTL_get_paging_mempool_size] = domctl_not_built_in,
	[XEN_DOMCTL_set_paging_mempool_size] = domctl_not_built_in,
};

static long call(struct hc *hc, struct xen_domctl *op)
{
	struct domain *d = NULL;
	domctl_fn *fn;
	long rc;

	if (op->cmd >= ARRAY_SIZE(ops)) {
		return -ENOSYS;
	}
	fn = ops[index_nospec(op->cmd, ARRAY_SIZE(ops))];
	if (!fn) {
		return -ENOSYS;
	}
	if (op->cmd != XEN_DOMCTL_createdomain) {
		d = domain_get_by_id(op->domain);
		/* xenconsoled walks all domains so: the next one will do. */
		if (!d && op->cmd == XEN_DOMCTL_getdomaininfo) {
			d = domain_get_next(op->domain);
		}
		if (!d) {
			return -ESRCH;
		}
	}
	rc = fn(hc, d, op);
	if (d) {
		domain_put(d);
	}
	return rc;
}

long hc_domctl(struct hc *hc)
{
	gva_t at = GVA(hc->arg[0]);
	struct xen_domctl op;
	long rc;

	if (port_copy_from_guest(&op, at, sizeof(op))) {
		return -EFAULT;
	}
	if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION) {
		return -EACCES;
	}
	if (port_probe_guest_write(at, sizeof(op))) {
		return -EFAULT;
	}
	if (!ctl_lock()) {
		return -ERESTART;
	}
	rc = call(hc, &op);
	ctl_unlock();
	/* These errors too come with a number: how much, or what was wrong. */
	if ((rc == 0 || rc == -ENOBUFS || rc == -EINVAL) &&
	    port_copy_to_guest(at, &op, sizeof(op))) {
		rc = -EFAULT;
	}
	return rc;
}
