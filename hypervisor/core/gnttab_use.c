/* gnttab_use.c - what is granted, to whom, and in use; see gnttab.h. */
#include "core/domain.h"
#include "core/frame.h"
#include "core/gnttab.h"
#include "core/ptype.h"
#include "include/compiler.h"
#include "include/log.h"
#include "include/nospec.h"

struct entry {
	grant_entry_v1_t *shared; /* NULL: the granter is dead */
	struct grant_active *active;
};

/* Caller holds t->lock. */
static bool find(struct gnttab *t, uint32_t ref, struct entry *e)
{
	uint32_t n = t->frames * GNTTAB_PER_FRAME;
	grant_entry_v1_t *page;

	if (ref >= n) {
		return false;
	}
	ref = (uint32_t)index_nospec(ref, n);
	page = t->shared[ref / GNTTAB_PER_FRAME];
	e->shared = page ? &page[ref % GNTTAB_PER_FRAME] : NULL;
	e->active = &t->active[ref / GNTTAB_PER_FRAME][ref % GNTTAB_PER_FRAME];
	return true;
}

static bool in_use(const struct grant_active *a)
{
	return a->readers || a->writers;
}

/*
 * Check type and domid and set the use bits in one step: the guest may
 * change the entry at any moment, but then gets what it last wrote.
 */
static int16_t mark(grant_entry_v1_t *e, domid_t user, bool readonly)
{
	uint32_t *word = (uint32_t *)(void *)e, old, new;
	uint16_t flags;

	old = __atomic_load_n(word, __ATOMIC_ACQUIRE);
	do {
		flags = (uint16_t)old;
		if ((flags & GTF_type_mask) != GTF_permit_access ||
		    (domid_t)(old >> 16) != user) {
			return GNTST_general_error;
		}
		if (!readonly && (flags & GTF_readonly)) {
			return GNTST_general_error;
		}
		new = old | GTF_reading | (readonly ? 0 : GTF_writing);
	} while (!__atomic_compare_exchange_n(word, &old, new, false,
					      __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE));
	return GNTST_okay;
}

/* Take the bits away that no remaining use needs. */
static void unmark(struct entry *e)
{
	uint16_t gone = 0;

	if (!e->active->writers) {
		gone |= GTF_writing;
		if (!e->active->readers) {
			gone |= GTF_reading;
		}
	}
	if (gone && e->shared) {
		__atomic_fetch_and(&e->shared->flags, (uint16_t)~gone,
				   __ATOMIC_RELEASE);
	}
}

static int16_t take_frame(struct domain *rd, mfn_t m, bool readonly)
{
	struct frame *f;

	if (!frame_valid(m)) {
		return GNTST_bad_page;
	}
	f = frame_of(m);
	if (!frame_get(f, rd)) {
		return GNTST_bad_page;
	}
	if (!readonly && ptype_get(f, FT_WRITABLE)) {
		frame_put(f);
		return GNTST_general_error;
	}
	return GNTST_okay;
}

int16_t gnttab_use_begin(struct domain *rd, uint32_t ref, domid_t user,
			 bool readonly, mfn_t *out)
{
	struct gnttab *t = rd->gnttab;
	struct grant_active *a;
	struct entry e;
	int16_t st;
	mfn_t m;

	spin_lock(&t->lock);
	if (!find(t, ref, &e) || !e.shared) {
		st = GNTST_bad_gntref;
		goto out;
	}
	a = e.active;
	if (in_use(a) && a->user != user) {
		st = GNTST_general_error;
		goto out;
	}
	st = mark(e.shared, user, readonly);
	if (st != GNTST_okay) {
		goto out;
	}
	m = in_use(a) ? a->mfn : MFN(READ_ONCE(e.shared->frame));
	st = take_frame(rd, m, readonly);
	if (st != GNTST_okay) {
		unmark(&e);
		goto out;
	}
	a->mfn = m;
	a->user = user;
	a->readers += readonly;
	a->writers += !readonly;
	*out = m;
out:
	spin_unlock(&t->lock);
	return st;
}

void gnttab_use_end(struct domain *rd, uint32_t ref, bool readonly)
{
	struct gnttab *t = rd->gnttab;
	struct entry e;
	struct frame *f;

	spin_lock(&t->lock);
	BUG_UNLESS(find(t, ref, &e));
	BUG_UNLESS(readonly ? e.active->readers : e.active->writers);
	f = frame_of(e.active->mfn);
	e.active->readers -= readonly;
	e.active->writers -= !readonly;
	unmark(&e);
	spin_unlock(&t->lock);
	if (!readonly) {
		ptype_drop(f);
	}
	frame_put(f);
}

mfn_t gnttab_use_frame(struct domain *rd, uint32_t ref, bool *mixed)
{
	struct gnttab *t = rd->gnttab;
	mfn_t m = MFN_NONE;
	struct entry e;

	spin_lock(&t->lock);
	if (find(t, ref, &e) && in_use(e.active)) {
		m = e.active->mfn;
		*mixed = e.active->readers && e.active->writers;
	}
	spin_unlock(&t->lock);
	return m;
}

int16_t gnttab_swap(struct domain *d, uint32_t a, uint32_t b)
{
	struct gnttab *t = d->gnttab;
	int16_t st = GNTST_okay;
	struct entry x, y;
	grant_entry_v1_t tmp;

	spin_lock(&t->lock);
	if (!find(t, a, &x) || !find(t, b, &y) || !x.shared || !y.shared) {
		st = GNTST_bad_gntref;
	} else if (in_use(x.active) || in_use(y.active)) {
		st = GNTST_eagain;
	} else if (a != b) {
		tmp = *x.shared;
		*x.shared = *y.shared;
		*y.shared = tmp;
	}
	spin_unlock(&t->lock);
	return st;
}

void gnttab_audit(struct domain *d)
{
	struct gnttab *t = d->gnttab;
	struct grant_active *a;
	struct frame *f;
	uint32_t i;

	for (i = 0; i < t->frames * GNTTAB_PER_FRAME; i++) {
		a = &t->active[i / GNTTAB_PER_FRAME][i % GNTTAB_PER_FRAME];
		if (!in_use(a)) {
			continue;
		}
		f = frame_of(a->mfn);
		BUG_UNLESS(f->owner == d);
		BUG_UNLESS((f->count & FC_COUNT_MASK) >=
			   (uint64_t)a->readers + a->writers);
		BUG_UNLESS(!a->writers ||
			   ((f->type & FT_MASK) == FT_WRITABLE &&
			    (f->type & FT_COUNT_MASK) >= a->writers));
	}
}
