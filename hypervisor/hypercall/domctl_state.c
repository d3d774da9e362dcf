/* domctl_state.c - page types, clocks, CPU policies, permissions. */
#include "core/frame.h"
#include "core/heap.h"
#include "hypercall/ctl.h"
#include "hypercall/domctl.h"
#include "include/compiler.h"

#define FRAMES_MAX 1024

/* --- page types: what save has to treat as page tables ------------------------ */

static uint64_t frame_kind(const struct domain *d, mfn_t m)
{
	uint64_t type, kind = XEN_DOMCTL_PFINFO_NOTAB;
	struct frame *f;

	if (!frame_valid(m)) {
		return XEN_DOMCTL_PFINFO_XTAB;
	}
	f = frame_of(m);
	if (!frame_get(f, d)) {
		return XEN_DOMCTL_PFINFO_XTAB;
	}
	type = READ_ONCE(f->type);
	frame_put(f);
	if (!(type & FT_VALIDATED)) {
		return kind;
	}
	switch (type & FT_MASK) {
	case FT_L1:
		kind = XEN_DOMCTL_PFINFO_L1TAB;
		break;
	case FT_L2:
		kind = XEN_DOMCTL_PFINFO_L2TAB;
		break;
	case FT_L3:
		kind = XEN_DOMCTL_PFINFO_L3TAB;
		break;
	case FT_L4:
		kind = XEN_DOMCTL_PFINFO_L4TAB;
		break;
	default:
		return kind;
	}
	return type & FT_PINNED ? kind | XEN_DOMCTL_PFINFO_LPINTAB : kind;
}

long domctl_getpageframeinfo3(struct hc *hc, struct domain *d,
			      struct xen_domctl *op)
{
	struct xen_domctl_getpageframeinfo3 *p = &op->u.getpageframeinfo3;
	uint64_t i, val;
	gva_t at;

	(void)hc;
	if (p->num > FRAMES_MAX) {
		return -E2BIG;
	}
	for (i = 0; i < p->num; i++) {
		at = gva_add(GVA_OF(p->array), i * sizeof(val));
		if (port_copy_from_guest(&val, at, sizeof(val))) {
			return -EFAULT;
		}
		val = frame_kind(d, MFN(val));
		if (port_copy_to_guest(at, &val, sizeof(val))) {
			return -EFAULT;
		}
	}
	return 0;
}

/* --- clocks ---------------------------------------------------------------------- */

/* Guests read the TSC itself in every mode; only the number is kept. */
long domctl_settscinfo(struct hc *hc, struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_tsc_info *t = &op->u.tsc_info;

	if (d == hc->d || t->tsc_mode > 3) {
		return -EINVAL;
	}
	d->tsc_mode = (uint8_t)t->tsc_mode;
	d->tsc_incarnation = t->incarnation;
	return 0;
}

long domctl_gettscinfo(struct hc *hc, struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_tsc_info *t = &op->u.tsc_info;

	(void)hc;
	t->tsc_mode = d->tsc_mode;
	t->gtsc_khz = (uint32_t)port_tsc_khz();
	t->incarnation = d->tsc_incarnation;
	t->elapsed_nsec = port_now();
	t->pad = 0;
	return 0;
}

/* --- what a guest is ---------------------------------------------------------------- */

long domctl_set_address_size(struct hc *hc, struct domain *d,
			     struct xen_domctl *op)
{
	(void)hc;
	(void)d;
	return op->u.address_size.size == 64 ? 0 : -EINVAL;
}

long domctl_get_address_size(struct hc *hc, struct domain *d,
			     struct xen_domctl *op)
{
	(void)hc;
	(void)d;
	op->u.address_size.size = 64;
	return 0;
}

long domctl_get_cpu_policy(struct hc *hc, struct domain *d,
			   struct xen_domctl *op)
{
	struct xen_domctl_cpu_policy *p = &op->u.cpu_policy;
	const struct domain_policy *from = d->policy;

	(void)hc;
	if (!from) {
		from = cpu_policy_system(XEN_SYSCTL_cpu_policy_pv_default);
	}
	return ctl_write_policy(from, GVA_OF(p->leaves), &p->nr_leaves,
				GVA_OF(p->msrs), &p->nr_msrs);
}

static int set_leaves(struct domain_policy *to, struct xen_domctl_cpu_policy *p)
{
	xen_cpuid_leaf_t leaf;
	xen_msr_entry_t msr;
	uint32_t i;
	int rc;

	for (i = 0; i < p->nr_leaves; i++) {
		if (port_copy_from_guest(&leaf,
					 gva_add(GVA_OF(p->leaves),
						 i * sizeof(leaf)),
					 sizeof(leaf))) {
			return -EFAULT;
		}
		rc = cpu_policy_set(to, &leaf);
		if (rc) {
			p->err_leaf = leaf.leaf;
			p->err_subleaf = leaf.subleaf;
			return rc;
		}
	}
	for (i = 0; i < p->nr_msrs; i++) {
		if (port_copy_from_guest(&msr,
					 gva_add(GVA_OF(p->msrs),
						 i * sizeof(msr)),
					 sizeof(msr))) {
			return -EFAULT;
		}
		rc = cpu_policy_set_msr(to, &msr);
		if (rc) {
			p->err_msr = msr.idx;
			return rc;
		}
	}
	return 0;
}

/* All or nothing: the leaves go into a copy first. */
long domctl_set_cpu_policy(struct hc *hc, struct domain *d,
			   struct xen_domctl *op)
{
	struct xen_domctl_cpu_policy *p = &op->u.cpu_policy;
	struct domain_policy *copy;
	int rc;

	(void)hc;
	if (!d->policy || !d->paused_by_controller || d->is_dying ||
	    (d->vcpu[0] && d->vcpu[0]->initialised)) {
		return -EEXIST;
	}
	if (p->nr_leaves > 4 * CPU_POLICY_LEAVES ||
	    p->nr_msrs > 4 * CPU_POLICY_MSRS) {
		return -E2BIG;
	}
	p->err_leaf = p->err_subleaf = p->err_msr = ~0u;
	copy = mem_alloc(sizeof(*copy));
	if (!copy) {
		return -ENOMEM;
	}
	*copy = *d->policy;
	rc = set_leaves(copy, p);
	if (rc == 0) {
		*d->policy = *copy;
	}
	mem_free(copy);
	return rc;
}

/* --- one node, no devices for guests -------------------------------------------------- */

long domctl_setnodeaffinity(struct hc *hc, struct domain *d,
			    struct xen_domctl *op)
{
	cpumask_t nodes;
	int rc;

	(void)hc;
	(void)d;
	rc = ctl_read_cpus(&op->u.nodeaffinity.nodemap, &nodes);
	return rc ? rc : nodes & 1 ? 0 : -EINVAL;
}

long domctl_getnodeaffinity(struct hc *hc, struct domain *d,
			    struct xen_domctl *op)
{
	(void)hc;
	(void)d;
	return ctl_write_cpus(&op->u.nodeaffinity.nodemap, 1);
}

/* Without an IOMMU no guest gets a device; taking away is always fine. */
long domctl_permission(struct hc *hc, struct domain *d, struct xen_domctl *op)
{
	bool allow = true;

	(void)hc;
	switch (op->cmd) {
	case XEN_DOMCTL_irq_permission:
		allow = op->u.irq_permission.allow_access;
		break;
	case XEN_DOMCTL_iomem_permission:
		allow = op->u.iomem_permission.allow_access;
		break;
	case XEN_DOMCTL_ioport_permission:
		allow = op->u.ioport_permission.allow_access;
		break;
	default:
		break;
	}
	return allow && !d->privileged ? -EOPNOTSUPP : 0;
}

/* The global VIRQs go to dom0. */
long domctl_set_virq_handler(struct hc *hc, struct domain *d,
			     struct xen_domctl *op)
{
	(void)hc;
	(void)op;
	return d->privileged ? 0 : -EOPNOTSUPP;
}

long domctl_not_built_in(struct hc *hc, struct domain *d,
			 struct xen_domctl *op)
{
	(void)hc;
	(void)d;
	(void)op;
	return -EOPNOTSUPP;
}
