/* domctl_life.c - a domain's beginning, limits and end. */
#include "core/heap.h"
#include "core/hypercall_page.h"
#include "core/ptype.h"
#include "core/pvclock.h"
#include "core/sched.h"
#include "hypercall/ctl.h"
#include "hypercall/domctl.h"
#include "include/nospec.h"
#include "lib/string.h"

#define GRANT_FRAMES_DEFAULT 64
#define TRACK_FRAMES_DEFAULT 1024
#define NS_PER_S	     1000000000LL

static bool config_ok(const struct xen_domctl_createdomain *c)
{
	const uint32_t flags = XEN_DOMCTL_CDF_xs_domain |
			       XEN_DOMCTL_CDF_s3_integrity;

	return !(c->flags & ~flags) && c->iommu_opts == 0 &&
	       c->max_vcpus > 0 && c->max_vcpus <= MAX_VCPUS &&
	       c->vmtrace_size == 0 && c->arch.emulation_flags == 0 &&
	       !(c->arch.misc_flags & ~XEN_X86_MSR_RELAXED) &&
	       (c->grant_opts & XEN_DOMCTL_GRANT_version_mask) == 1;
}

/* The next id in turn, so that an old one is not soon used again. */
static int create_any(const struct xen_domctl_createdomain *c,
		      struct domain **out)
{
	static domid_t last;
	unsigned int tries;
	int rc = -EEXIST;

	for (tries = 0; rc == -EEXIST && tries < DOMID_MAX_GUEST; tries++) {
		last = last >= DOMID_MAX_GUEST ? 1 : (domid_t)(last + 1);
		rc = domain_create(last, c, false, out);
	}
	return rc;
}

long domctl_createdomain(struct hc *hc, struct domain *none,
			 struct xen_domctl *op)
{
	struct xen_domctl_createdomain *c = &op->u.createdomain;
	struct domain *d;
	int rc;

	(void)hc;
	(void)none;
	if (!config_ok(c)) {
		return -EINVAL;
	}
	if (c->cpupool_id != 0) {
		return -ENOENT;
	}
	if (c->max_grant_frames < 0) {
		c->max_grant_frames = GRANT_FRAMES_DEFAULT;
	}
	if (c->max_maptrack_frames < 0) {
		c->max_maptrack_frames = TRACK_FRAMES_DEFAULT;
	}
	if (op->domain > 0 && op->domain <= DOMID_MAX_GUEST) {
		rc = domain_create(op->domain, c, false, &d);
	} else {
		rc = create_any(c, &d);
	}
	if (rc) {
		return rc;
	}
	op->domain = d->id;
	return 0;
}

long domctl_destroydomain(struct hc *hc, struct domain *d,
			  struct xen_domctl *op)
{
	(void)op;
	if (d == hc->d || d->privileged) {
		return -EINVAL;
	}
	return domain_kill(d);
}

long domctl_pausedomain(struct hc *hc, struct domain *d, struct xen_domctl *op)
{
	(void)op;
	if (d == hc->d) {
		return -EINVAL;
	}
	domain_pause_by_controller(d);
	return 0;
}

long domctl_unpausedomain(struct hc *hc, struct domain *d,
			  struct xen_domctl *op)
{
	(void)hc;
	(void)op;
	return domain_unpause_by_controller(d);
}

long domctl_resumedomain(struct hc *hc, struct domain *d,
			 struct xen_domctl *op)
{
	(void)op;
	if (d == hc->d) {
		return -EINVAL;
	}
	domain_resume(d);
	return 0;
}

long domctl_getdomaininfo(struct hc *hc, struct domain *d,
			  struct xen_domctl *op)
{
	(void)hc;
	ctl_domain_info(d, &op->u.getdomaininfo);
	op->domain = d->id;
	return 0;
}

/* The number was given at creation; now they are made. */
long domctl_max_vcpus(struct hc *hc, struct domain *d, struct xen_domctl *op)
{
	unsigned int i;
	int rc = 0;

	(void)hc;
	if (op->u.max_vcpus.max != d->vcpu_count || d->is_dying) {
		return -EINVAL;
	}
	for (i = 0; rc == 0 && i < d->vcpu_count; i++) {
		if (!d->vcpu[i]) {
			rc = vcpu_create(d, i);
		}
	}
	return rc;
}

/* Below what it has is legal: it can then only shrink. */
long domctl_max_mem(struct hc *hc, struct domain *d, struct xen_domctl *op)
{
	uint64_t pages = op->u.max_mem.max_memkb >> (PAGE_SHIFT - 10);

	(void)hc;
	spin_lock(&d->page_lock);
	d->max_pages = (uint32_t)MIN(pages, (uint64_t)UINT32_MAX);
	spin_unlock(&d->page_lock);
	return 0;
}

long domctl_setdomainhandle(struct hc *hc, struct domain *d,
			    struct xen_domctl *op)
{
	(void)hc;
	memcpy(d->handle, op->u.setdomainhandle.handle, sizeof(d->handle));
	return 0;
}

long domctl_settimeoffset(struct hc *hc, struct domain *d,
			  struct xen_domctl *op)
{
	(void)hc;
	if (d->is_dying) {
		return -EINVAL;
	}
	d->time_offset_ns = (uint64_t)op->u.settimeoffset.time_offset_seconds *
			    (uint64_t)NS_PER_S;
	pvclock_publish_wallclock(d);
	return 0;
}

long domctl_sendtrigger(struct hc *hc, struct domain *d, struct xen_domctl *op)
{
	uint32_t id = op->u.sendtrigger.vcpu;
	struct vcpu *v;

	(void)hc;
	if (id >= d->vcpu_count) {
		return -ESRCH;
	}
	v = d->vcpu[index_nospec(id, MAX_VCPUS)];
	if (!v || d->is_dying) {
		return -ESRCH;
	}
	/* Power buttons and the like are for HVM. */
	if (op->u.sendtrigger.trigger != XEN_DOMCTL_SENDTRIGGER_NMI) {
		return -EINVAL;
	}
	vcpu_send_nmi(v);
	return 0;
}

long domctl_hypercall_init(struct hc *hc, struct domain *d,
			   struct xen_domctl *op)
{
	mfn_t m = MFN(op->u.hypercall_init.gmfn);

	(void)hc;
	if (!frame_valid(m)) {
		return -EACCES;
	}
	if (ptype_get_frame(m, FT_WRITABLE, d)) {
		return -EACCES;
	}
	hypercall_page_fill(frame_ptr(m));
	ptype_put_frame(m, false);
	return 0;
}

/* credit2's parameters are ours: weight and cap. */
long domctl_scheduler_op(struct hc *hc, struct domain *d,
			 struct xen_domctl *op)
{
	struct xen_domctl_scheduler_op *s = &op->u.scheduler_op;

	(void)hc;
	if (s->sched_id != XEN_SCHEDULER_CREDIT2) {
		return -EINVAL;
	}
	switch (s->cmd) {
	case XEN_DOMCTL_SCHEDOP_putinfo:
		return sched_set_params(d, s->u.credit2.weight,
					s->u.credit2.cap);
	case XEN_DOMCTL_SCHEDOP_getinfo:
		s->u.credit2.weight = d->sched.weight;
		s->u.credit2.cap = d->sched.cap;
		return 0;
	default:
		return -EINVAL;
	}
}
