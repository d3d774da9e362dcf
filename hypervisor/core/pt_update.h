/*
 * pt_update.h - change one entry of a validated page table.
 *
 * New references are taken before the entry is written and old ones dropped
 * after; if anything is wrong nothing has changed.  The caller holds the
 * table owner's mmu_lock.
 */
#ifndef CORE_PT_UPDATE_H
#define CORE_PT_UPDATE_H

#include "core/frame.h"
#include "include/types.h"

struct domain;

enum pt_mode {
	PT_SET,	    /* replace, whatever is there */
	PT_KEEP_AD, /* replace, but accessed and dirty stay set if they are */
	PT_IF_OLD,  /* replace only if it is *old now; else -EAGAIN */
};

/*
 * L1 entry *p of d's table becomes val, which may name frames of `pg`.
 * *old: in for PT_IF_OLD; out: what was there.  0, -EINVAL, -EAGAIN.
 */
int pt_update_l1(struct domain *d, struct domain *pg, uint64_t *p,
		 uint64_t val, enum pt_mode mode, uint64_t *old);

/*
 * Entry `slot` of d's table t of level 2..4.  0, -EINVAL, -EBUSY, -ENOMEM,
 * or -ERESTART: call again with the same arguments.
 */
int pt_update_table(struct domain *d, struct frame *t, unsigned int slot,
		    uint64_t val, enum pt_mode mode);

/* Whatever level the table has; `p` points into it. */
int pt_update(struct domain *d, struct domain *pg, struct frame *t,
	      uint64_t *p, uint64_t val, enum pt_mode mode);

/* Is f a validated table of this type right now? */
static inline bool pt_is_valid(const struct frame *f, uint64_t type)
{
	return (READ_ONCE(f->type) & (FT_MASK | FT_VALIDATED)) ==
	       (type | FT_VALIDATED);
}

#endif
