/*
 * sysctl.c - the toolstack's questions about the machine as a whole.
 *
 * For the privileged domain only (table.c).  The version is pinned to that of
 * the 4.17 tools; any other gets -EACCES, as they expect.  What is not here
 * answers -ENOSYS or -EOPNOTSUPP as genuine Xen does without that feature.
 */
#include "hypercall/sysctl.h"
#include "core/debugkey.h"
#include "core/log.h"
#include "core/sched.h"
#include "hypercall/ctl.h"
#include "include/nospec.h"

_Static_assert(XEN_SYSCTL_INTERFACE_VERSION == 0x15, "tools of Xen 4.17");

#define READ_CHUNK 256u

static long readconsole(struct hc *hc, struct xen_sysctl *op)
{
	struct xen_sysctl_readconsole *p = &op->u.readconsole;
	uint32_t pos = p->incremental ? p->index : log_oldest(), done = 0;
	char buf[READ_CHUNK];
	size_t n;

	(void)hc;
	while (done < p->count) {
		n = log_read(&pos, buf, MIN(READ_CHUNK, p->count - done));
		if (n == 0) {
			break;
		}
		if (port_copy_to_guest(gva_add(GVA_OF(p->buffer), done), buf,
				       n)) {
			return -EFAULT;
		}
		done += (uint32_t)n;
	}
	p->count = done;
	p->index = pos;
	if (p->clear) {
		log_clear();
	}
	return 0;
}

static long sched_id(struct hc *hc, struct xen_sysctl *op)
{
	(void)hc;
	op->u.sched_id.sched_id = XEN_SCHEDULER_CREDIT2;
	return 0;
}

static long getdomaininfolist(struct hc *hc, struct xen_sysctl *op)
{
	struct xen_sysctl_getdomaininfolist *p = &op->u.getdomaininfolist;
	struct xen_domctl_getdomaininfo info;
	unsigned int next = p->first_domain;
	uint32_t n = 0;
	struct domain *d;
	long rc = 0;

	(void)hc;
	while (rc == 0 && n < p->max_domains) {
		d = domain_get_next(next);
		if (!d) {
			break;
		}
		ctl_domain_info(d, &info);
		next = d->id + 1u;
		domain_put(d);
		if (port_copy_to_guest(gva_add(GVA_OF(p->buffer),
					       n * sizeof(info)),
				       &info, sizeof(info))) {
			rc = -EFAULT;
		}
		n++;
	}
	p->num_domains = n;
	return rc;
}

/* The one pool, 0, has all CPUs and all domains. */
static long pool_info(struct xen_sysctl_cpupool_op *p)
{
	struct domain *d;
	unsigned int id = 0;

	if (p->cpupool_id != 0 && p->cpupool_id != XEN_SYSCTL_CPUPOOL_PAR_ANY) {
		return -ENOENT;
	}
	p->cpupool_id = 0;
	p->sched_id = XEN_SCHEDULER_CREDIT2;
	p->n_dom = 0;
	while ((d = domain_get_next(id)) != NULL) {
		id = d->id + 1u;
		p->n_dom++;
		domain_put(d);
	}
	return ctl_write_cpus(&p->cpumap, port_cpus_online());
}

static long cpupool_op(struct hc *hc, struct xen_sysctl *op)
{
	struct xen_sysctl_cpupool_op *p = &op->u.cpupool_op;

	(void)hc;
	switch (p->op) {
	case XEN_SYSCTL_CPUPOOL_OP_INFO:
		/* "The first from this id on": beyond 0 there is none. */
		return pool_info(p);
	case XEN_SYSCTL_CPUPOOL_OP_FREEINFO:
		return ctl_write_cpus(&p->cpumap, 0);
	case XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN:
		return p->cpupool_id == 0 ? 0 : -ENOENT;
	default:
		return -EOPNOTSUPP;
	}
}

static long scheduler_op(struct hc *hc, struct xen_sysctl *op)
{
	struct xen_sysctl_scheduler_op *p = &op->u.scheduler_op;

	(void)hc;
	if (p->cpupool_id != 0) {
		return -ESRCH;
	}
	if (p->sched_id != XEN_SCHEDULER_CREDIT2) {
		return -EINVAL;
	}
	switch (p->cmd) {
	case XEN_SYSCTL_SCHEDOP_getinfo:
		p->u.sched_credit2.ratelimit_us = sched_get_ratelimit();
		return 0;
	case XEN_SYSCTL_SCHEDOP_putinfo:
		return sched_set_ratelimit(p->u.sched_credit2.ratelimit_us);
	default:
		return -EINVAL;
	}
}

static long debug_keys(struct hc *hc, struct xen_sysctl *op)
{
	struct xen_sysctl_debug_keys *p = &op->u.debug_keys;
	uint32_t i, n = MIN(p->nr_keys, 64u);
	char key;

	(void)hc;
	for (i = 0; i < n; i++) {
		if (port_copy_from_guest(&key, gva_add(GVA_OF(p->keys), i),
					 1)) {
			return -EFAULT;
		}
		debugkey_handle(key);
	}
	return 0;
}

static sysctl_fn *const ops[] = {
	[XEN_SYSCTL_readconsole] = readconsole,
	[XEN_SYSCTL_physinfo] = sysctl_physinfo,
	[XEN_SYSCTL_sched_id] = sched_id,
	[XEN_SYSCTL_getdomaininfolist] = getdomaininfolist,
	[XEN_SYSCTL_debug_keys] = debug_keys,
	[XEN_SYSCTL_getcpuinfo] = sysctl_getcpuinfo,
	[XEN_SYSCTL_availheap] = sysctl_availheap,
	[XEN_SYSCTL_cputopoinfo] = sysctl_cputopoinfo,
	[XEN_SYSCTL_numainfo] = sysctl_numainfo,
	[XEN_SYSCTL_cpupool_op] = cpupool_op,
	[XEN_SYSCTL_scheduler_op] = scheduler_op,
	[XEN_SYSCTL_pcitopoinfo] = sysctl_pcitopoinfo,
	[XEN_SYSCTL_get_cpu_levelling_caps] = sysctl_get_cpu_levelling_caps,
	[XEN_SYSCTL_get_cpu_featureset] = sysctl_get_cpu_featureset,
	[XEN_SYSCTL_get_cpu_policy] = sysctl_get_cpu_policy,
};

long hc_sysctl(struct hc *hc)
{
	gva_t at = GVA(hc->arg[0]);
	struct xen_sysctl op;
	long rc;

	if (port_copy_from_guest(&op, at, sizeof(op))) {
		return -EFAULT;
	}
	if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION) {
		return -EACCES;
	}
	if (op.cmd >= ARRAY_SIZE(ops) || !ops[op.cmd]) {
		return -ENOSYS;
	}
	if (port_probe_guest_write(at, sizeof(op))) {
		return -EFAULT;
	}
	rc = ops[index_nospec(op.cmd, ARRAY_SIZE(ops))](hc, &op);
	/* -ENOBUFS too tells how much there would have been. */
	if ((rc == 0 || rc == -ENOBUFS) &&
	    port_copy_to_guest(at, &op, sizeof(op))) {
		return -EFAULT;
	}
	return rc;
}
