/*
 * ptype_table.h - the entries of a page table and the references they hold;
 * shared by ptype.c (whole tables) and pt_update.c (single entries).
 */
#ifndef CORE_PTYPE_TABLE_H
#define CORE_PTYPE_TABLE_H

#include "core/frame.h"
#include "core/pte.h"
#include "core/ptype.h"
#include "include/errno.h"

static inline bool ptype_is_table(uint64_t type)
{
	return type >= FT_L1 && type <= FT_L4;
}

static inline unsigned int ptype_level(uint64_t type)
{
	return (unsigned int)(type >> 60);
}

static inline uint64_t ptype_of_level(unsigned int level)
{
	return (uint64_t)level << 60;
}

/*
 * References for a present L1 entry of d's table that names a frame of `pg`
 * (d itself, another domain, domain_io or domain_xen).  0, -EINVAL.
 */
int l1e_get_mmio(struct domain *d, struct domain *pg, uint64_t e);
static inline int l1e_get(struct domain *d, struct domain *pg, uint64_t e)
{
	struct frame *f = frame_lookup(pte_mfn(e));

	if (unlikely(!f)) {
		return l1e_get_mmio(d, pg, e);
	}
	if (unlikely(!frame_get(f, pg))) {
		return -EINVAL;
	}
	/* THE invariant is enforced here: fails for a table or descriptors. */
	if ((e & PTE_WRITE) && ptype_get_writable(f) != 0) {
		frame_put(f);
		return -EINVAL;
	}
	return 0;
}
/* Drop them; e may be anything that was once written to an L1 table. */
static inline void l1e_put(uint64_t e)
{
	struct frame *f;

	if (!(e & PTE_PRESENT)) {
		return;
	}
	f = frame_lookup(pte_mfn(e));
	if (unlikely(!f)) {
		return;
	}
	if (e & PTE_WRITE) {
		ptype_drop(f);
	}
	frame_put(f);
}

/*
 * References for a present entry of d's table of `level` (2..4).  Validates
 * the child: 0, -EINVAL, -EBUSY, -ENOMEM, -ERESTART.
 */
int table_entry_get(struct domain *d, unsigned int level, uint64_t e);
void table_entry_put(uint64_t e);

/*
 * Check entries [f->progress, 512) and take their references; f->progress
 * counts those that hold.  0, -ERESTART, or why entry f->progress is bad.
 */
int table_validate(struct domain *d, struct frame *f, unsigned int level);
/*
 * Drop entries [0, f->progress), last first.  False: preempted, f->progress
 * are left.  Caller holds the owner's mmu_lock.
 */
bool table_invalidate(struct frame *f, unsigned int level, bool preemptible);

/* Are all descriptors of this frame harmless?  Adjusts them. */
int segdesc_validate(struct frame *f);

#endif
