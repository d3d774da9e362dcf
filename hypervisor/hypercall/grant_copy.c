/*
 * grant_copy.c - copy between granted frames and the caller's own.
 *
 * netback's way to move packets: each end is a grant reference or a frame of
 * the caller's; both are held for just as long as the copy takes.
 */
#include "core/gnttab.h"
#include "core/ptype.h"
#include "hypercall/grant.h"
#include "lib/string.h"

/* One end of a copy, held. */
struct end {
	struct domain *rd; /* grant: the granter; NULL: the caller's frame */
	uint32_t ref;
	bool readonly;
	mfn_t mfn;
};

static int16_t hold_own(struct hc *hc, struct end *e, uint64_t gmfn)
{
	struct frame *f;

	e->mfn = MFN(gmfn);
	if (!frame_valid(e->mfn)) {
		return GNTST_bad_page;
	}
	f = frame_of(e->mfn);
	if (!frame_get(f, hc->d)) {
		return GNTST_bad_page;
	}
	if (!e->readonly && ptype_get(f, FT_WRITABLE)) {
		frame_put(f);
		return GNTST_bad_page;
	}
	return GNTST_okay;
}

static int16_t hold_grant(struct hc *hc, struct end *e, domid_t id,
			  uint32_t ref)
{
	int16_t st;

	e->rd = domain_get_by_id(id == DOMID_SELF ? hc->d->id : id);
	if (!e->rd) {
		return GNTST_bad_domain;
	}
	e->ref = ref;
	st = gnttab_use_begin(e->rd, ref, hc->d->id, e->readonly, &e->mfn);
	if (st != GNTST_okay) {
		domain_put(e->rd);
		e->rd = NULL;
	}
	return st;
}

static int16_t hold(struct hc *hc, struct end *e, bool is_grant, bool readonly,
		    domid_t id, uint32_t ref, uint64_t gmfn)
{
	struct domain *rd;

	e->rd = NULL;
	e->readonly = readonly;
	if (is_grant) {
		return hold_grant(hc, e, id, ref);
	}
	if (id != DOMID_SELF && id != hc->d->id) {
		rd = domain_get_by_id(id);
		if (!rd) {
			return GNTST_bad_domain;
		}
		domain_put(rd);
		return GNTST_permission_denied;
	}
	return hold_own(hc, e, gmfn);
}

static void let_go(struct end *e)
{
	struct frame *f;

	if (e->rd) {
		gnttab_use_end(e->rd, e->ref, e->readonly);
		domain_put(e->rd);
		return;
	}
	f = frame_of(e->mfn);
	if (!e->readonly) {
		ptype_drop(f);
	}
	frame_put(f);
}

static int16_t copy_one(struct hc *hc, const struct gnttab_copy *op)
{
	struct end src, dst;
	int16_t st;

	if (op->source.offset > PAGE_SIZE || op->dest.offset > PAGE_SIZE ||
	    op->len > PAGE_SIZE - op->source.offset ||
	    op->len > PAGE_SIZE - op->dest.offset) {
		return GNTST_bad_copy_arg;
	}
	st = hold(hc, &src, op->flags & GNTCOPY_source_gref, true,
		  op->source.domid, op->source.u.ref, op->source.u.gmfn);
	if (st != GNTST_okay) {
		return st;
	}
	st = hold(hc, &dst, op->flags & GNTCOPY_dest_gref, false,
		  op->dest.domid, op->dest.u.ref, op->dest.u.gmfn);
	if (st == GNTST_okay) {
		memmove((uint8_t *)frame_ptr(dst.mfn) + op->dest.offset,
			(uint8_t *)frame_ptr(src.mfn) + op->source.offset,
			op->len);
		let_go(&dst);
	}
	let_go(&src);
	return st;
}

long grant_copy(struct hc *hc, void *arg)
{
	struct gnttab_copy *op = arg;

	op->status = copy_one(hc, op);
	return 0;
}
