/*
 * ptype.c - transitions between the types of a frame.  See ptype.h for the
 * states, ptype_table.c for what validation means.
 *
 * Why a new type is published in two steps: the word first says "new type,
 * FT_LOCKED", which keeps everyone else out; then CPUs that may hold
 * translations from the old use are flushed, then the contents are checked,
 * and only then the lock bit goes.  In any other order a second CPU could use
 * the new type while a third still writes through the old (XSA-401).
 *
 * Locks: the owner's mmu_lock for tables and descriptor tables; FT_WRITABLE
 * goes by compare-and-swap alone, since mappings of another domain's frames
 * do not take its mmu_lock.
 */
#include "core/ptype.h"
#include "core/domain.h"
#include "core/domain_frames.h"
#include "core/ptype_table.h"
#include "core/tlbclock.h"
#include "include/errno.h"
#include "include/log.h"

static bool type_cas(struct frame *f, uint64_t *x, uint64_t nx)
{
	return __atomic_compare_exchange_n(&f->type, x, nx, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static void type_publish(struct frame *f, uint64_t x)
{
	__atomic_store_n(&f->type, x, __ATOMIC_RELEASE);
}

/* f has one type and one general reference to spare: the queue's. */
static void work_push(struct frame *f)
{
	struct domain *d = f->owner;

	f->work_next = d->pt_work;
	d->pt_work = (uint32_t)frame_mfn(f).v;
}

/* The caller holds a reference, so another cannot fail. */
static void frame_get_more(struct frame *f)
{
	bool ok = frame_get(f, NULL);

	BUG_UNLESS(ok);
}

/*
 * The contents of f are checked (rc 0), checked in part (-ERESTART) or wrong.
 * `resumed`: the state held references of its own from an earlier attempt.
 */
static int validation_end(struct frame *f, uint64_t type, bool resumed, int rc)
{
	if (rc == 0) {
		type_publish(f, type | FT_VALIDATED | 1);
	} else if (rc == -ERESTART) {
		if (!resumed) {
			frame_get_more(f);
		}
		type_publish(f, type | FT_PARTIAL | 1);
		return rc;
	} else if (ptype_is_table(type) && f->progress > 0) {
		if (!resumed) {
			frame_get_more(f);
		}
		type_publish(f, type | FT_DYING | 1);
		work_push(f);
		return rc;
	} else {
		type_publish(f, type);
	}
	if (resumed) {
		frame_put(f);
	}
	return rc;
}

/* f->type says type, FT_LOCKED and count 1; `old` is what it was before. */
static int validation_begin(struct frame *f, uint64_t type, uint64_t old)
{
	bool resumed = old & FT_PARTIAL;
	int rc = 0;

	if ((old & FT_MASK) != type) {
		tlbclock_flush_since(f->stamp);
	}
	if (ptype_is_table(type)) {
		if (!resumed) {
			f->progress = 0;
			f->companion = 0;
		}
		rc = table_validate(f->owner, f, ptype_level(type));
	} else if (type == FT_SEGDESC) {
		rc = segdesc_validate(f);
	}
	return validation_end(f, type, resumed, rc);
}

int ptype_get(struct frame *f, uint64_t type)
{
	uint64_t x = READ_ONCE(f->type), nx;

	for (;;) {
		if ((x & FT_COUNT_MASK) == 0) {
			if ((x == FT_WRITABLE || x == FT_NONE) &&
			    type == FT_WRITABLE) {
				/* Nothing to check, nothing to flush. */
				if (type_cas(f, &x, type | FT_VALIDATED | 1)) {
					return 0;
				}
				continue;
			}
			nx = type | FT_LOCKED | 1;
		} else if ((x & FT_MASK) != type) {
			return -EBUSY;
		} else if (x & FT_VALIDATED) {
			nx = x + 1;
		} else if (x & FT_LOCKED) {
			port_relax();
			x = READ_ONCE(f->type);
			continue;
		} else if (x & FT_PARTIAL) {
			nx = type | FT_LOCKED | 1;
		} else {
			return -EBUSY; /* FT_DYING */
		}
		if (type_cas(f, &x, nx)) {
			break;
		}
	}
	return nx & FT_LOCKED ? validation_begin(f, type, x) : 0;
}

/* Perhaps not the last: the caller lost a race, or our count is wrong. */
void ptype_drop_last(struct frame *f)
{
	uint64_t x = READ_ONCE(f->type), nx;
	bool last;

	do {
		BUG_UNLESS((x & FT_COUNT_MASK) != 0 && (x & FT_VALIDATED));
		last = (x & FT_COUNT_MASK) == 1;
		if (!last) {
			nx = x - 1;
		} else if (ptype_is_table(x & FT_MASK)) {
			nx = (x & FT_MASK) | FT_DYING | 1;
		} else {
			/* Before the count is seen as 0 by the next user. */
			frame_stamp(f);
			nx = x & FT_MASK;
		}
	} while (!type_cas(f, &x, nx));
	if (last && (nx & FT_DYING)) {
		if ((nx & FT_MASK) == FT_L4) {
			port_root_fini(f->owner, frame_mfn(f));
		}
		frame_get_more(f);
		work_push(f);
	}
}

int ptype_drain(struct domain *d, bool preemptible)
{
	struct frame *f;
	uint64_t type;

	while (d->pt_work) {
		f = frame_of(MFN(d->pt_work));
		d->pt_work = f->work_next;
		type = f->type & FT_MASK;
		if (!table_invalidate(f, ptype_level(type), preemptible)) {
			work_push(f);
			return -ERESTART;
		}
		f->companion = 0;
		frame_stamp(f);
		type_publish(f, type);
		frame_put(f);
		if (d->pt_work && preemptible && port_should_yield()) {
			return -ERESTART;
		}
	}
	return 0;
}

int ptype_put(struct frame *f, bool preemptible)
{
	bool table = ptype_is_table(READ_ONCE(f->type) & FT_MASK);

	ptype_drop(f);
	return table ? ptype_drain(f->owner, preemptible) : 0;
}

int ptype_put_resume(struct frame *f)
{
	return ptype_drain(f->owner, true);
}

int ptype_get_frame(mfn_t m, uint64_t type, struct domain *d)
{
	struct frame *f = frame_lookup(m);
	int rc;

	if (!f || !frame_get(f, d)) {
		return -EINVAL;
	}
	rc = ptype_get(f, type);
	if (rc) {
		frame_put(f);
	}
	return rc;
}

int ptype_put_frame(mfn_t m, bool preemptible)
{
	struct frame *f = frame_of(m);
	int rc = ptype_put(f, preemptible);

	frame_put(f);
	return rc;
}

int ptype_pin(struct frame *f, uint64_t type)
{
	uint64_t x;
	int rc = ptype_get(f, type);

	if (rc) {
		return rc;
	}
	frame_get_more(f);
	x = __atomic_fetch_or(&f->type, FT_PINNED, __ATOMIC_ACQ_REL);
	if (x & FT_PINNED) {
		ptype_drop(f);
		frame_put(f);
		return -EINVAL;
	}
	return 0;
}

int ptype_unpin(struct frame *f)
{
	uint64_t x = __atomic_fetch_and(&f->type, ~FT_PINNED, __ATOMIC_ACQ_REL);

	if (!(x & FT_PINNED)) {
		return -EINVAL;
	}
	ptype_drop(f);
	frame_put(f);
	return 0;
}

void ptype_abandon(struct frame *f)
{
	uint64_t x = READ_ONCE(f->type);

	/* Its state's own references become the queue's. */
	if ((x & FT_PARTIAL) && !(x & FT_LOCKED)) {
		type_publish(f, (x & FT_MASK) | FT_DYING | 1);
		work_push(f);
	}
}
