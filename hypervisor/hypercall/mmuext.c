/*
 * mmuext.c - pins, page-table roots, TLB and cache flushes, LDT.
 *
 * Linux switches address spaces with NEW_BASEPTR + NEW_USER_BASEPTR, both on
 * pinned tables: there the two counts go up, the two old ones down, and no
 * table is looked at.
 */
#include "core/access.h"
#include "core/domain_frames.h"
#include "core/pt_update.h"
#include "core/ptype.h"
#include "hypercall/hc.h"
#include "hypercall/mmu.h"
#include "include/nospec.h"
#include "lib/string.h"

/* One operation; `pg` is the domain that foreigndom names. */
typedef long op_fn(struct hc *hc, struct domain *pg,
		   const struct mmuext_op *op);

static struct frame *frame_get_of(struct domain *pg, uint64_t mfn)
{
	struct frame *f = frame_lookup(MFN(mfn));

	return f && frame_get(f, pg) ? f : NULL;
}

/* --- pins ----------------------------------------------------------------- */

static const uint64_t pin_type[] = {
	[MMUEXT_PIN_L1_TABLE] = FT_L1,
	[MMUEXT_PIN_L2_TABLE] = FT_L2,
	[MMUEXT_PIN_L3_TABLE] = FT_L3,
	[MMUEXT_PIN_L4_TABLE] = FT_L4,
};

/*
 * The toolstack pins the tables of guests it builds or restores, so `pg` may
 * be another domain; its lock is the one that counts.
 */
static long op_pin(struct hc *hc, struct domain *pg,
		   const struct mmuext_op *op)
{
	struct frame *f = frame_get_of(pg, op->arg1.mfn);
	long rc;

	(void)hc;
	if (!f) {
		return -EINVAL;
	}
	spin_lock(&pg->mmu_lock);
	rc = ptype_drain(pg, true);
	/* Destruction looks for pins once; later ones would stay for ever. */
	if (rc == 0 && pg->is_dying) {
		rc = -EINVAL;
	}
	if (rc == 0) {
		rc = ptype_pin(f, pin_type[op->cmd & 3]);
	}
	spin_unlock(&pg->mmu_lock);
	frame_put(f);
	return rc == -EBUSY ? -EINVAL : rc;
}

static long op_unpin(struct hc *hc, struct domain *pg,
		     const struct mmuext_op *op)
{
	struct frame *f = frame_get_of(pg, op->arg1.mfn);
	long rc;

	(void)hc;
	if (!f) {
		return -EINVAL;
	}
	spin_lock(&pg->mmu_lock);
	rc = ptype_drain(pg, true);
	if (rc == 0) {
		rc = ptype_unpin(f);
		/* What is left is done before the next operation. */
		(void)ptype_drain(pg, true);
	}
	spin_unlock(&pg->mmu_lock);
	frame_put(f);
	return rc;
}

/* --- roots ---------------------------------------------------------------- */

/*
 * The usual case of ptype_get_frame(): the new root is validated already.
 * Its type cannot change under the lock, and who holds it as a root or pin
 * holds a general reference, so both counts are known to be above 0.
 */
static bool root_get_fast(const struct domain *d, mfn_t m)
{
	struct frame *f = frame_lookup(m);

	if (!f || f->owner != d || !pt_is_valid(f, FT_L4)) {
		return false;
	}
	__atomic_fetch_add(&f->count, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&f->type, 1, __ATOMIC_RELAXED);
	return true;
}

/* Likewise for the old one, when it stays someone's root or pinned. */
static bool root_put_fast(mfn_t m)
{
	struct frame *f = frame_of(m);

	if ((READ_ONCE(f->type) & FT_COUNT_MASK) < 2) {
		return false;
	}
	__atomic_fetch_sub(&f->type, 1, __ATOMIC_RELAXED);
	__atomic_fetch_sub(&f->count, 1, __ATOMIC_RELEASE);
	return true;
}

static long root_set(struct hc *hc, mfn_t *root, mfn_t new)
{
	struct domain *d = hc->d;
	mfn_t old = *root;
	long rc;

	spin_lock(&d->mmu_lock);
	rc = d->pt_work ? ptype_drain(d, true) : 0;
	if (rc == 0 && new.v && !root_get_fast(d, new)) {
		rc = ptype_get_frame(new, FT_L4, d);
	}
	if (rc) {
		spin_unlock(&d->mmu_lock);
		return rc == -EBUSY ? -EINVAL : rc;
	}
	*root = new;
	/* The CPU leaves the old root before its reference goes. */
	port_vcpu_load_cr3(hc->v);
	if (old.v && !root_put_fast(old)) {
		(void)ptype_put_frame(old, true);
	}
	spin_unlock(&d->mmu_lock);
	return 0;
}

static long op_new_baseptr(struct hc *hc, struct domain *pg,
			   const struct mmuext_op *op)
{
	struct vcpu *v = hc->v;
	long rc;

	if (pg != hc->d || op->arg1.mfn == 0) {
		return -EINVAL;
	}
	if (mfn_eq(v->pv.cr3, MFN(op->arg1.mfn))) {
		port_vcpu_load_cr3(v); /* as a cr3 load would: a flush */
		return 0;
	}
	rc = root_set(hc, &v->pv.cr3, MFN(op->arg1.mfn));
	if (rc == 0 && v->pv.ldt_entries) {
		/* The LDT is found through the page tables. */
		port_vcpu_load_ldt(v);
	}
	return rc;
}

static long op_new_user_baseptr(struct hc *hc, struct domain *pg,
				const struct mmuext_op *op)
{
	if (pg != hc->d) {
		return -EINVAL;
	}
	if (mfn_eq(hc->v->pv.user_cr3, MFN(op->arg1.mfn))) {
		return 0;
	}
	return root_set(hc, &hc->v->pv.user_cr3, MFN(op->arg1.mfn));
}

/* --- flushes -------------------------------------------------------------- */

static long op_flush_local(struct hc *hc, struct domain *pg,
			   const struct mmuext_op *op)
{
	(void)hc;
	(void)pg;
	if (op->cmd == MMUEXT_TLB_FLUSH_LOCAL) {
		port_flush_tlb(1ULL << port_cpu(), FLUSH_TLB, GVA(0));
	} else if (gva_range_ok(GVA(op->arg1.linear_addr), 1)) {
		port_flush_tlb(1ULL << port_cpu(), FLUSH_VA,
			       GVA(op->arg1.linear_addr));
	}
	return 0;
}

static long flush_cpus(cpumask_t cpus, bool all, gva_t va)
{
	if (all) {
		port_flush_tlb(cpus, FLUSH_TLB, GVA(0));
	} else if (gva_range_ok(va, 1)) {
		port_flush_tlb(cpus, FLUSH_VA, va);
	}
	return 0;
}

static long op_flush_multi(struct hc *hc, struct domain *pg,
			   const struct mmuext_op *op)
{
	cpumask_t cpus;
	int rc = mmu_vcpus_to_cpus(hc, GVA_OF(op->arg2.vcpumask), &cpus);

	(void)pg;
	if (rc) {
		return rc;
	}
	return flush_cpus(cpus, op->cmd == MMUEXT_TLB_FLUSH_MULTI,
			  GVA(op->arg1.linear_addr));
}

static long op_flush_all(struct hc *hc, struct domain *pg,
			 const struct mmuext_op *op)
{
	(void)pg;
	return flush_cpus(__atomic_load_n(&hc->d->running_cpus,
					  __ATOMIC_RELAXED),
			  op->cmd == MMUEXT_TLB_FLUSH_ALL,
			  GVA(op->arg1.linear_addr));
}

/* Flushing caches slows down every neighbour: only who has devices may. */
static long op_flush_cache(struct hc *hc, struct domain *pg,
			   const struct mmuext_op *op)
{
	(void)pg;
	if (!hc->d->privileged) {
		return -EACCES;
	}
	port_flush_cache(op->cmd == MMUEXT_FLUSH_CACHE_GLOBAL);
	return 0;
}

/* --- the rest ------------------------------------------------------------- */

static long op_set_ldt(struct hc *hc, struct domain *pg,
		       const struct mmuext_op *op)
{
	uint64_t base = op->arg1.linear_addr;
	unsigned int n = op->arg2.nr_ents;
	struct vcpu *v = hc->v;

	if (pg != hc->d || (base & (PAGE_SIZE - 1)) || n > 8192 ||
	    (n && !gva_range_ok(GVA(base), n * 8ULL)) ||
	    !gva_is_canonical(GVA(base))) {
		return -EINVAL;
	}
	if (v->pv.ldt_entries == n && (n == 0 || v->pv.ldt_base == base)) {
		return 0;
	}
	v->pv.ldt_base = base;
	v->pv.ldt_entries = n;
	port_vcpu_load_ldt(v);
	return 0;
}

/* A page as the guest may write it, or NULL. */
static struct frame *writable_get(struct domain *d, uint64_t mfn)
{
	struct frame *f = frame_get_of(d, mfn);

	if (f && ptype_get_writable(f) != 0) {
		frame_put(f);
		f = NULL;
	}
	return f;
}

static long op_clear_page(struct hc *hc, struct domain *pg,
			  const struct mmuext_op *op)
{
	struct frame *f = writable_get(pg, op->arg1.mfn);

	(void)hc;
	if (!f) {
		return -EINVAL;
	}
	memset(frame_ptr(frame_mfn(f)), 0, PAGE_SIZE);
	ptype_drop(f);
	frame_put(f);
	return 0;
}

static long op_copy_page(struct hc *hc, struct domain *pg,
			 const struct mmuext_op *op)
{
	struct frame *src = frame_get_of(pg, op->arg2.src_mfn), *dst;

	(void)hc;
	if (!src) {
		return -EINVAL;
	}
	dst = writable_get(pg, op->arg1.mfn);
	if (!dst) {
		frame_put(src);
		return -EINVAL;
	}
	memmove(frame_ptr(frame_mfn(dst)), frame_ptr(frame_mfn(src)),
		PAGE_SIZE);
	ptype_drop(dst);
	frame_put(dst);
	frame_put(src);
	return 0;
}

/* Superpages in guests: never. */
static long op_super(struct hc *hc, struct domain *pg,
		     const struct mmuext_op *op)
{
	(void)hc;
	(void)pg;
	(void)op;
	return -EOPNOTSUPP;
}

static op_fn *const ops[] = {
	[MMUEXT_PIN_L1_TABLE] = op_pin,
	[MMUEXT_PIN_L2_TABLE] = op_pin,
	[MMUEXT_PIN_L3_TABLE] = op_pin,
	[MMUEXT_PIN_L4_TABLE] = op_pin,
	[MMUEXT_UNPIN_TABLE] = op_unpin,
	[MMUEXT_NEW_BASEPTR] = op_new_baseptr,
	[MMUEXT_TLB_FLUSH_LOCAL] = op_flush_local,
	[MMUEXT_INVLPG_LOCAL] = op_flush_local,
	[MMUEXT_TLB_FLUSH_MULTI] = op_flush_multi,
	[MMUEXT_INVLPG_MULTI] = op_flush_multi,
	[MMUEXT_TLB_FLUSH_ALL] = op_flush_all,
	[MMUEXT_INVLPG_ALL] = op_flush_all,
	[MMUEXT_FLUSH_CACHE] = op_flush_cache,
	[MMUEXT_SET_LDT] = op_set_ldt,
	[MMUEXT_NEW_USER_BASEPTR] = op_new_user_baseptr,
	[MMUEXT_CLEAR_PAGE] = op_clear_page,
	[MMUEXT_COPY_PAGE] = op_copy_page,
	[MMUEXT_FLUSH_CACHE_GLOBAL] = op_flush_cache,
	[MMUEXT_MARK_SUPER] = op_super,
	[MMUEXT_UNMARK_SUPER] = op_super,
};

static long do_op(struct hc *hc, struct domain *pg, const struct mmuext_op *op)
{
	op_fn *fn;

	if (op->cmd >= ARRAY_SIZE(ops)) {
		return -ENOSYS;
	}
	fn = ops[index_nospec(op->cmd, ARRAY_SIZE(ops))];
	return fn ? fn(hc, pg, op) : -ENOSYS;
}

static long do_batch(struct hc *hc, struct domain *pg,
		     const struct mmu_batch *b, uint64_t *done)
{
	struct mmuext_op op;
	uint64_t i;
	long rc = 0;

	for (i = 0; i < b->count; i++) {
		if (i && port_should_yield()) {
			rc = -ERESTART;
			break;
		}
		if (port_copy_from_guest(&op,
					 GVA(hc->arg[0] + i * sizeof(op)),
					 sizeof(op)) != 0) {
			rc = -EFAULT;
			break;
		}
		rc = do_op(hc, pg, &op);
		if (rc) {
			break;
		}
	}
	*done = i;
	return rc;
}

/* One operation on oneself that needs no report: most calls. */
static long do_single(struct hc *hc)
{
	struct mmuext_op op;

	if (port_copy_from_guest(&op, GVA(hc->arg[0]), sizeof(op)) != 0) {
		return -EFAULT;
	}
	return do_op(hc, hc->d, &op);
}

long hc_mmuext_op(struct hc *hc)
{
	struct domain *pg;
	struct mmu_batch b;
	uint64_t done = 0;
	long rc;

	if (likely(hc->arg[1] == 1 && hc->arg[3] == DOMID_SELF &&
		   hc->arg[2] == 0)) {
		return do_single(hc);
	}
	rc = mmu_batch_begin(hc, &b);
	if (rc) {
		return rc;
	}
	rc = mmu_get_owner(hc, (domid_t)hc->arg[3], &pg);
	if (rc) {
		return rc;
	}
	rc = do_batch(hc, pg, &b, &done);
	domain_put(pg);
	return mmu_batch_end(hc, &b, done, sizeof(struct mmuext_op), rc);
}
