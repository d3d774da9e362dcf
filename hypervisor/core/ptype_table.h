/*
 * ptype_table.h - the entries of a page table and the references they hold;
 * shared by ptype.c (whole tables) and pt_update.c (single entries).
 */
#ifndef CORE_PTYPE_TABLE_H
#define CORE_PTYPE_TABLE_H

#include "core/frame.h"
#include "core/ptype.h"

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
int l1e_get(struct domain *d, struct domain *pg, uint64_t e);
/* Drop them; e may be anything that was once written to an L1 table. */
void l1e_put(uint64_t e);

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
