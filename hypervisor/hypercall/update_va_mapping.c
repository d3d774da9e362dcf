/*
 * update_va_mapping.c - change the L1 entry of a virtual address of the
 * current address space, and flush as asked, in one call.
 */
#include "core/access.h"
#include "core/pt_update.h"
#include "core/ptype.h"
#include "hypercall/hc.h"
#include "hypercall/mmu.h"
#include "hypercall/walk.h"

/* The CPUs that `flags` names: all of the guest's, this one, or a bitmap. */
static int flush_cpus(struct hc *hc, uint64_t flags, cpumask_t *cpus)
{
	uint64_t where = flags & ~UVMF_FLUSHTYPE_MASK;

	if (where == UVMF_LOCAL) {
		*cpus = 1ULL << port_cpu();
		return 0;
	}
	if (where == UVMF_ALL) {
		*cpus = __atomic_load_n(&hc->d->running_cpus,
					__ATOMIC_RELAXED);
		return 0;
	}
	return mmu_vcpus_to_cpus(hc, GVA(where), cpus);
}

static long flush(struct hc *hc, gva_t va, uint64_t flags)
{
	uint64_t type = flags & UVMF_FLUSHTYPE_MASK;
	cpumask_t cpus;
	int rc;

	if (type == UVMF_NONE) {
		return 0;
	}
	rc = flush_cpus(hc, flags, &cpus);
	if (rc) {
		return rc;
	}
	if (type == UVMF_TLB_FLUSH) {
		port_flush_tlb(cpus, FLUSH_TLB, GVA(0));
	} else if (type == UVMF_INVLPG) {
		port_flush_tlb(cpus, FLUSH_VA, va);
	} else {
		return -EINVAL;
	}
	return 0;
}

static long update(struct hc *hc, struct domain *pg)
{
	gva_t va = GVA(hc->arg[0]);
	struct domain *d = hc->d;
	uint64_t *p, old;
	long rc, rc_flush;
	mfn_t l1;

	spin_lock(&d->mmu_lock);
	rc = ptype_drain(d, true);
	if (rc == 0) {
		rc = -EINVAL;
		p = walk_l1e(hc->v->pv.cr3, va, &l1);
		if (p && pt_is_valid(frame_of(l1), FT_L1)) {
			rc = pt_update_l1(d, pg, p, hc->arg[1], PT_SET, &old);
		}
	}
	spin_unlock(&d->mmu_lock);
	if (rc == -ERESTART) {
		return rc;
	}
	rc_flush = flush(hc, va, hc->arg[2]);
	return rc ? rc : rc_flush;
}

long hc_update_va_mapping(struct hc *hc)
{
	return update(hc, hc->d);
}

long hc_update_va_mapping_otherdomain(struct hc *hc)
{
	struct domain *pg;
	long rc = mmu_get_owner(hc, (domid_t)hc->arg[3], &pg);

	if (rc) {
		return rc;
	}
	rc = update(hc, pg);
	domain_put(pg);
	return rc;
}
