/* domctl_vcpu.c - the vCPUs of a domain: contexts, affinity, state. */
#include "core/heap.h"
#include "core/sched.h"
#include "core/teardown.h"
#include "hypercall/context.h"
#include "hypercall/ctl.h"
#include "hypercall/domctl.h"
#include "include/nospec.h"
#include "lib/string.h"

static struct vcpu *vcpu_of(struct domain *d, uint32_t id)
{
	return id < d->vcpu_count ? d->vcpu[index_nospec(id, MAX_VCPUS)] :
				    NULL;
}

/* --- contexts ------------------------------------------------------------ */

static long take_context(struct vcpu *v, gva_t from)
{
	struct vcpu_guest_context *c = mem_alloc(sizeof(*c));
	long rc;

	if (!c) {
		return -ENOMEM;
	}
	rc = -EFAULT;
	if (port_copy_from_guest(c, from, sizeof(*c)) == 0) {
		rc = context_set(v, c, true);
	}
	if (rc == 0) {
		if (c->flags & VGCF_online) {
			vcpu_up(v);
		} else {
			vcpu_down(v);
		}
	}
	mem_free(c);
	return rc;
}

long domctl_setvcpucontext(struct hc *hc, struct domain *d,
			   struct xen_domctl *op)
{
	struct vcpu *v = vcpu_of(d, op->u.vcpucontext.vcpu);
	gva_t from = GVA_OF(op->u.vcpucontext.ctxt);
	long rc;

	if (!v || d == hc->d || d->is_dying) {
		return -EINVAL;
	}
	domain_pause(d);
	if (from.v) {
		rc = take_context(v, from);
	} else {
		vcpu_down(v);
		rc = teardown_vcpu_state(v);
	}
	domain_unpause(d);
	return rc;
}

long domctl_getvcpucontext(struct hc *hc, struct domain *d,
			   struct xen_domctl *op)
{
	struct vcpu *v = vcpu_of(d, op->u.vcpucontext.vcpu);
	struct vcpu_guest_context *c;
	long rc;

	if (!v || v == hc->v) {
		return -EINVAL;
	}
	if (!v->initialised) {
		return -ENODATA;
	}
	c = mem_alloc(sizeof(*c));
	if (!c) {
		return -ENOMEM;
	}
	vcpu_pause_sync(v);
	context_get(v, c);
	vcpu_unpause(v);
	rc = port_copy_to_guest(GVA_OF(op->u.vcpucontext.ctxt), c,
				sizeof(*c)) ?
		     -EFAULT :
		     0;
	mem_free(c);
	return rc;
}

long domctl_set_ext_vcpucontext(struct hc *hc, struct domain *d,
				struct xen_domctl *op)
{
	struct xen_domctl_ext_vcpucontext *e = &op->u.ext_vcpucontext;
	struct vcpu *v = vcpu_of(d, e->vcpu);

	if (!v) {
		return -ESRCH;
	}
	if (v == hc->v ||
	    e->size < offsetof(struct xen_domctl_ext_vcpucontext, mcg_cap) ||
	    !gva_is_canonical(GVA(e->syscall32_callback_eip)) ||
	    !gva_is_canonical(GVA(e->sysenter_callback_eip))) {
		return -EINVAL;
	}
	vcpu_pause_sync(v);
	v->pv.syscall32 = (struct pv_callback){ e->syscall32_callback_eip,
						e->syscall32_disables_events };
	v->pv.sysenter = (struct pv_callback){ e->sysenter_callback_eip,
					       e->sysenter_disables_events };
	vcpu_unpause(v);
	return 0;
}

long domctl_get_ext_vcpucontext(struct hc *hc, struct domain *d,
				struct xen_domctl *op)
{
	struct xen_domctl_ext_vcpucontext *e = &op->u.ext_vcpucontext;
	uint32_t id = e->vcpu;
	struct vcpu *v = vcpu_of(d, id);

	(void)hc;
	if (!v) {
		return -ESRCH;
	}
	memset(e, 0, sizeof(*e));
	e->vcpu = id;
	e->size = sizeof(*e);
	e->syscall32_callback_eip = v->pv.syscall32.address;
	e->syscall32_disables_events = v->pv.syscall32.mask_events;
	e->syscall32_callback_cs = FLAT_USER_CS32;
	e->sysenter_callback_eip = v->pv.sysenter.address;
	e->sysenter_disables_events = v->pv.sysenter.mask_events;
	e->sysenter_callback_cs = FLAT_KERNEL_CS;
	return 0;
}

/*
 * What the FPU has beyond the FXSAVE image of the context, as genuine Xen lays
 * it out: XCR0, the features ever in it, the image of XSAVE.
 */
struct xstate {
	uint64_t xcr0, xcr0_accum;
	uint8_t image[];
};

/* 0: a CPU without XSAVE. */
static uint64_t xstate_size(uint64_t xcr0)
{
	uint32_t image = port_xstate_size(xcr0);

	return image ? sizeof(struct xstate) + image : 0;
}

static long copy_xstate(struct vcpu *v, gva_t to, uint64_t size)
{
	struct xstate *x = mem_alloc(size);
	long rc;

	if (!x) {
		return -ENOMEM;
	}
	memset(x, 0, size);
	vcpu_pause_sync(v);
	x->xcr0 = x->xcr0_accum = port_vcpu_xcr0(v);
	/* It may have become less since the size was asked for. */
	port_vcpu_get_xstate(v, x->image,
			     MIN(size - sizeof(*x), port_xstate_size(x->xcr0)));
	vcpu_unpause(v);
	rc = port_copy_to_guest(to, x, size) ? -EFAULT : 0;
	mem_free(x);
	return rc;
}

/* With no buffer: how large it has to be. */
long domctl_getvcpuextstate(struct hc *hc, struct domain *d,
			    struct xen_domctl *op)
{
	struct xen_domctl_vcpuextstate *e = &op->u.vcpuextstate;
	struct vcpu *v = vcpu_of(d, e->vcpu);
	uint64_t size;

	if (!v) {
		return -ESRCH;
	}
	if (v == hc->v) {
		return -EINVAL;
	}
	size = xstate_size(port_vcpu_xcr0(v));
	if (e->buffer.p && size) {
		if (e->size < size) {
			return -EINVAL;
		}
		e->size = size;
		return copy_xstate(v, GVA_OF(e->buffer), size);
	}
	e->size = size;
	e->xfeature_mask = size ? port_xcr0_mask() : 0;
	return 0;
}

long domctl_setvcpuextstate(struct hc *hc, struct domain *d,
			    struct xen_domctl *op)
{
	struct xen_domctl_vcpuextstate *e = &op->u.vcpuextstate;
	struct vcpu *v = vcpu_of(d, e->vcpu);
	struct xstate *x;
	uint64_t size;
	long rc;

	if (!v) {
		return -ESRCH;
	}
	/* Nothing, or nothing but its header: as it was saved without XSAVE. */
	if (e->size == 0 || e->size == sizeof(*x)) {
		return 0;
	}
	size = xstate_size(port_xcr0_mask());
	if (v == hc->v || e->size < sizeof(*x) || e->size > size) {
		return -EINVAL;
	}
	x = mem_alloc(size);
	if (!x) {
		return -ENOMEM;
	}
	memset(x, 0, size);
	rc = -EFAULT;
	if (port_copy_from_guest(x, GVA_OF(e->buffer), e->size) == 0) {
		vcpu_pause_sync(v);
		rc = e->size < xstate_size(x->xcr0) ?
			     -EINVAL :
			     port_vcpu_set_xstate(v, x->xcr0, x->image);
		vcpu_unpause(v);
	}
	mem_free(x);
	return rc;
}

/* No MSR of a PV guest lives outside of its context. */
long domctl_get_vcpu_msrs(struct hc *hc, struct domain *d,
			  struct xen_domctl *op)
{
	(void)hc;
	if (!vcpu_of(d, op->u.vcpu_msrs.vcpu)) {
		return -EINVAL;
	}
	op->u.vcpu_msrs.msr_count = 0;
	return 0;
}

long domctl_set_vcpu_msrs(struct hc *hc, struct domain *d,
			  struct xen_domctl *op)
{
	(void)hc;
	if (!vcpu_of(d, op->u.vcpu_msrs.vcpu)) {
		return -EINVAL;
	}
	return op->u.vcpu_msrs.msr_count ? -EINVAL : 0;
}

/* --- where they run -------------------------------------------------------- */

long domctl_getvcpuinfo(struct hc *hc, struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_getvcpuinfo *i = &op->u.getvcpuinfo;
	struct vcpu *v = vcpu_of(d, i->vcpu);

	(void)hc;
	if (i->vcpu >= d->vcpu_count) {
		return -EINVAL;
	}
	if (!v) {
		return -ESRCH;
	}
	i->online = !(v->pause_flags & VPF_DOWN);
	i->blocked = (v->pause_flags & VPF_BLOCKED) != 0;
	i->running = sched_is_on_cpu(v);
	i->cpu_time = sched_runtime(v);
	i->cpu = v->cpu;
	return 0;
}

long domctl_setvcpuaffinity(struct hc *hc, struct domain *d,
			    struct xen_domctl *op)
{
	struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
	struct vcpu *v = vcpu_of(d, a->vcpu);
	cpumask_t hard, soft, online = port_cpus_online();
	int rc = 0;

	(void)hc;
	if (!v) {
		return a->vcpu >= d->vcpu_count ? -EINVAL : -ESRCH;
	}
	if (!(a->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT))) {
		return -EINVAL;
	}
	hard = v->sched.hard_affinity;
	soft = v->sched.soft_affinity;
	if (a->flags & XEN_VCPUAFFINITY_HARD) {
		rc = ctl_read_cpus(&a->cpumap_hard, &hard);
	}
	if (rc == 0 && (a->flags & XEN_VCPUAFFINITY_SOFT)) {
		rc = ctl_read_cpus(&a->cpumap_soft, &soft);
	}
	if (rc == 0) {
		rc = sched_set_affinity(v, hard, soft);
	}
	/* Back goes what will be in effect. */
	if (rc == 0 && (a->flags & XEN_VCPUAFFINITY_HARD)) {
		rc = ctl_write_cpus(&a->cpumap_hard, hard & online);
	}
	if (rc == 0 && (a->flags & XEN_VCPUAFFINITY_SOFT)) {
		rc = ctl_write_cpus(&a->cpumap_soft, soft & hard & online);
	}
	return rc;
}

long domctl_getvcpuaffinity(struct hc *hc, struct domain *d,
			    struct xen_domctl *op)
{
	struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
	struct vcpu *v = vcpu_of(d, a->vcpu);
	int rc = 0;

	(void)hc;
	if (!v) {
		return a->vcpu >= d->vcpu_count ? -EINVAL : -ESRCH;
	}
	if (!(a->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT))) {
		return -EINVAL;
	}
	if (a->flags & XEN_VCPUAFFINITY_HARD) {
		rc = ctl_write_cpus(&a->cpumap_hard, v->sched.hard_affinity);
	}
	if (rc == 0 && (a->flags & XEN_VCPUAFFINITY_SOFT)) {
		rc = ctl_write_cpus(&a->cpumap_soft, v->sched.soft_affinity);
	}
	return rc;
}
