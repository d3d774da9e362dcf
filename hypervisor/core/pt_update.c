/*
 * pt_update.c - see pt_update.h.
 *
 * Only the CPU changes an entry behind our back, and only its accessed and
 * dirty bits: everyone else holds the mmu_lock.  So the decision what to do
 * may be made from one read, and the write must be atomic.
 */
#include "core/pt_update.h"
#include "core/domain.h"
#include "core/pte.h"
#include "core/ptype_table.h"
#include "include/compiler.h"
#include "include/errno.h"

/*
 * Write the entry, which was `cur` a moment ago, as mode says.  False:
 * PT_IF_OLD and it has changed.
 */
static inline bool entry_swap(uint64_t *p, uint64_t cur, uint64_t val,
			      enum pt_mode mode, uint64_t *old)
{
	if (mode == PT_SET) {
		*old = __atomic_exchange_n(p, val, __ATOMIC_ACQ_REL);
		return true;
	}
	if (mode == PT_IF_OLD) {
		return __atomic_compare_exchange_n(p, old, val, false,
						   __ATOMIC_ACQ_REL,
						   __ATOMIC_RELAXED);
	}
	while (!__atomic_compare_exchange_n(
		p, &cur, val | (cur & (PTE_ACCESSED | PTE_DIRTY)), false,
		__ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
	}
	*old = cur;
	return true;
}

static __noinline int drop_and_return(struct frame *f, int rc)
{
	ptype_drop(f);
	return rc;
}

/* The entry is to name another page, or none, or its page otherwise. */
static __noinline int update_l1_other(struct domain *d, struct domain *pg,
				      uint64_t *p, uint64_t val,
				      enum pt_mode mode, uint64_t *old)
{
	uint64_t cur = READ_ONCE(*p);
	int rc;

	if (unlikely(!pte_allowed(1, val, d->privileged))) {
		return -EINVAL;
	}
	if (val & PTE_PRESENT) {
		rc = l1e_get(d, pg, val);
		if (rc) {
			return rc;
		}
	}
	if (!entry_swap(p, cur, val, mode, old)) {
		l1e_put(val);
		return -EAGAIN;
	}
	l1e_put(*old);
	return 0;
}

/* The entry is to be empty: munmap() and exit() do this page by page. */
static __noinline int clear_l1(uint64_t *p, uint64_t *old)
{
	uint64_t e = __atomic_exchange_n(p, 0, __ATOMIC_ACQ_REL);

	*old = e;
	l1e_put(e);
	return 0;
}

/*
 * What stays here is without calls, for it is what mprotect() and fork() do
 * thousands of times: the same page, perhaps with another right to write it.
 * The entry was allowed then, so it is now, and the general reference moves
 * from the old to the new.
 */
int pt_update_l1(struct domain *d, struct domain *pg, uint64_t *p,
		 uint64_t val, enum pt_mode mode, uint64_t *old)
{
	uint64_t cur = READ_ONCE(*p), diff;
	struct frame *f;

	val = pte_adjust(val);
	diff = (cur ^ val) & ~PTE_L1_SAFE;
	if (!(val & PTE_PRESENT) || (diff & ~PTE_WRITE)) {
		if (val == 0 && mode == PT_SET) {
			return clear_l1(p, old);
		}
		return update_l1_other(d, pg, p, val, mode, old);
	}
	if (diff == 0) {
		return entry_swap(p, cur, val, mode, old) ? 0 : -EAGAIN;
	}
	f = frame_lookup(pte_mfn(val));
	if (cur & PTE_WRITE) {
		/* Less than before, whoever owns the page. */
		if (unlikely(!entry_swap(p, cur, val, mode, old))) {
			return -EAGAIN;
		}
		if (unlikely(f && !ptype_drop_quick(f))) {
			return drop_and_return(f, 0);
		}
		return 0;
	}
	/* Our reference keeps the owner of the page as it is. */
	if (unlikely(!f || READ_ONCE(f->owner) != pg ||
		     !ptype_get_writable_quick(f))) {
		return update_l1_other(d, pg, p, val, mode, old);
	}
	if (unlikely(!entry_swap(p, cur, val, mode, old))) {
		return drop_and_return(f, -EAGAIN);
	}
	return 0;
}

int pt_update_table(struct domain *d, struct frame *t, unsigned int slot,
		    uint64_t val, enum pt_mode mode)
{
	unsigned int level = ptype_level(READ_ONCE(t->type) & FT_MASK);
	uint64_t *p = (uint64_t *)frame_ptr(frame_mfn(t)) + slot;
	uint64_t cur = READ_ONCE(*p), old = 0;
	bool same;
	int rc;

	val = pte_adjust(val);
	if (!pte_slot_is_guests(level, slot) ||
	    !pte_allowed(level, val, d->privileged)) {
		return -EINVAL;
	}
	same = (cur & val & PTE_PRESENT) &&
	       !((cur ^ val) & ~PTE_TABLE_SAFE);
	if ((val & PTE_PRESENT) && !same) {
		rc = table_entry_get(d, level, val);
		if (rc) {
			return rc;
		}
	}
	entry_swap(p, cur, val, mode, &old);
	if (level == 4) {
		port_root_update(frame_mfn(t), slot, READ_ONCE(*p));
	}
	if ((old & PTE_PRESENT) && !same) {
		table_entry_put(old);
	}
	return 0;
}

int pt_update(struct domain *d, struct domain *pg, struct frame *t,
	      uint64_t *p, uint64_t val, enum pt_mode mode)
{
	uint64_t type = READ_ONCE(t->type), old = 0;
	unsigned int slot;

	if (likely(pt_is_valid(t, FT_L1))) {
		return pt_update_l1(d, pg, p, val, mode, &old);
	}
	if (ptype_is_table(type & FT_MASK) && (type & FT_COUNT_MASK)) {
		if (!(type & FT_VALIDATED)) {
			return -EINVAL;
		}
		slot = (unsigned int)(((uintptr_t)p & (PAGE_SIZE - 1)) /
				      sizeof(*p));
		return pt_update_table(d, t, slot, val, mode);
	}
	/* Not a table: any other page that the guest may write. */
	if (ptype_get(t, FT_WRITABLE) != 0) {
		return -EINVAL;
	}
	WRITE_ONCE(*p, val);
	ptype_drop(t);
	return 0;
}
