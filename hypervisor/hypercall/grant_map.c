/*
 * grant_map.c - map a granted frame into the caller's page tables, and out
 * again.
 *
 * The entry is found by the caller's virtual address, or is named by its
 * machine address (GNTMAP_contains_pte).  Installing goes through the same
 * function as any mmu_update, with the granter as the owner of the frame.
 */
#include "core/gnttab.h"
#include "core/pt_update.h"
#include "core/pte.h"
#include "core/ptype.h"
#include "hypercall/grant.h"
#include "hypercall/walk.h"

#define AVAIL_SHIFT 9 /* the three software bits of an entry */

/* Where `addr` says; NULL if there is no such L1 entry of the caller's.
 * *table has a reference.  Caller holds mmu_lock. */
static uint64_t *find_entry(struct hc *hc, uint64_t addr, bool is_pte,
			    struct frame **table)
{
	struct frame *f;
	uint64_t *p;
	mfn_t m;

	if (is_pte) {
		m = MFN(addr >> PAGE_SHIFT);
		if (addr % sizeof(*p) || !frame_valid(m)) {
			return NULL;
		}
		p = (uint64_t *)((uint8_t *)frame_ptr(m) + addr % PAGE_SIZE);
	} else {
		if (!gva_range_ok(GVA(addr), PAGE_SIZE) ||
		    !gva_is_canonical(GVA(addr))) {
			return NULL;
		}
		p = walk_l1e(hc->v->pv.cr3, GVA(addr), &m);
		if (!p) {
			return NULL;
		}
	}
	f = frame_of(m);
	if (!frame_get(f, hc->d)) {
		return NULL;
	}
	if (!pt_is_valid(f, FT_L1)) {
		frame_put(f);
		return NULL;
	}
	*table = f;
	return p;
}

static uint64_t make_entry(mfn_t m, uint32_t flags)
{
	uint64_t e = m.v << PAGE_SHIFT | PTE_PRESENT | PTE_USER |
		     PTE_ACCESSED | PTE_DIRTY;

	if (!(flags & GNTMAP_readonly)) {
		e |= PTE_WRITE;
	}
	return e | (uint64_t)(flags >> _GNTMAP_guest_avail0 & 7) << AVAIL_SHIFT;
}

static int16_t install(struct hc *hc, struct domain *rd, mfn_t m,
		       uint64_t addr, uint32_t flags)
{
	int16_t st = GNTST_general_error;
	struct frame *table;
	uint64_t *p, old;

	spin_lock(&hc->d->mmu_lock);
	p = find_entry(hc, addr, flags & GNTMAP_contains_pte, &table);
	if (p) {
		if (pt_update_l1(hc->d, rd, p, make_entry(m, flags), PT_SET,
				 &old) == 0) {
			st = GNTST_okay;
		}
		frame_put(table);
	}
	spin_unlock(&hc->d->mmu_lock);
	return st;
}

/*
 * May the entry e go for a use of frame m?  Entries are not tied to handles,
 * so one that can write must not stay behind when the last writer's handle
 * is given up in exchange for a read-only entry.
 */
static bool entry_fits(uint64_t e, mfn_t m, const struct grant_track *k,
		       bool mixed)
{
	bool entry_writes = e & PTE_WRITE, use_writes;

	use_writes = !(k->flags & GNTMAP_readonly);
	return (e & PTE_PRESENT) && mfn_eq(pte_mfn(e), m) &&
	       (entry_writes == use_writes || (use_writes && !mixed));
}

/*
 * Replace the entry at addr, if it is one of k's frame, by `val`, which must
 * be of another: it would be a mapping without a use.
 */
static int16_t remove_entry(struct hc *hc, struct domain *rd,
			    const struct grant_track *k, uint64_t addr,
			    uint64_t val)
{
	bool mixed = false;
	int16_t st = GNTST_general_error;
	struct frame *table;
	uint64_t *p, old;
	mfn_t m;

	spin_lock(&hc->d->mmu_lock);
	/* Not sooner: what is mapped now has been counted. */
	m = gnttab_use_frame(rd, k->ref, &mixed);
	p = find_entry(hc, addr, k->flags & GNTMAP_contains_pte, &table);
	if (p) {
		if (entry_fits(READ_ONCE(*p), m, k, mixed) &&
		    !mfn_eq(pte_mfn(val), m) &&
		    pt_update_l1(hc->d, hc->d, p, val, PT_SET, &old) == 0) {
			st = GNTST_okay;
		}
		frame_put(table);
	}
	spin_unlock(&hc->d->mmu_lock);
	return st;
}

static int16_t map_from(struct hc *hc, struct domain *rd,
			struct gnttab_map_grant_ref *op)
{
	bool readonly = op->flags & GNTMAP_readonly;
	struct grant_track k = {
		.ref = op->ref,
		.granter = rd->id,
		.flags = (uint16_t)op->flags,
	};
	uint32_t handle;
	int16_t st;
	bool last;
	mfn_t m;

	st = gnttab_use_begin(rd, op->ref, hc->d->id, readonly, &m);
	if (st != GNTST_okay) {
		return st;
	}
	handle = gnttab_track_add(hc->d, k);
	if (handle == GNTTAB_TRACK_NONE) {
		gnttab_use_end(rd, op->ref, readonly);
		return GNTST_no_device_space;
	}
	if (op->flags & GNTMAP_host_map) {
		st = install(hc, rd, m, op->host_addr, op->flags);
	}
	if (st != GNTST_okay) {
		/* False: a hostile vCPU has unmapped the handle already. */
		if (gnttab_track_take(hc->d, handle, &k,
				      op->flags & GNTTAB_KINDS, &last)) {
			gnttab_use_end(rd, op->ref, readonly);
		}
		return st;
	}
	op->handle = handle;
	op->dev_bus_addr = m.v << PAGE_SHIFT;
	return GNTST_okay;
}

long grant_map(struct hc *hc, void *arg)
{
	struct gnttab_map_grant_ref *op = arg;
	struct domain *rd;

	op->handle = ~0u;
	if (!(op->flags & GNTTAB_KINDS)) {
		op->status = GNTST_bad_gntref;
		return 0;
	}
	rd = domain_get_by_id(op->dom == DOMID_SELF ? hc->d->id : op->dom);
	if (!rd) {
		op->status = GNTST_bad_domain;
		return 0;
	}
	op->status = map_from(hc, rd, op);
	domain_put(rd);
	return 0;
}

/* --- unmapping ------------------------------------------------------------- */

/* A handle whose mapping is gone, and whose use ends after the flush. */
struct ending {
	struct domain *rd; /* NULL: nothing to do */
	uint32_t ref;
	bool readonly;
};

/*
 * Take `parts` of a handle away; the host mapping is replaced by `val`.
 * What is then due is left in *e.
 */
static int16_t unmap_parts(struct hc *hc, uint32_t handle, uint64_t addr,
			   uint16_t parts, uint64_t val, struct ending *e)
{
	struct grant_track k;
	struct domain *rd;
	int16_t st;
	bool last;

	if (!gnttab_track_get(hc->d, handle, &k)) {
		return GNTST_bad_handle;
	}
	parts &= k.flags;
	rd = domain_get_by_id(k.granter);
	if (!rd) {
		return GNTST_bad_handle; /* another vCPU was faster */
	}
	st = GNTST_okay;
	if (parts & GNTMAP_host_map) {
		st = remove_entry(hc, rd, &k, addr, val);
	}
	if (st == GNTST_okay && parts &&
	    !gnttab_track_take(hc->d, handle, &k, parts, &last)) {
		st = GNTST_bad_handle;
	}
	if (st == GNTST_okay && parts && last) {
		*e = (struct ending){ rd, k.ref, k.flags & GNTMAP_readonly };
	} else {
		domain_put(rd);
	}
	return st;
}

static void end_uses(struct hc *hc, struct ending *e, size_t n)
{
	size_t i;

	/* Not before no CPU of ours can write to the frames any more. */
	port_flush_tlb(hc->d->running_cpus, FLUSH_TLB, GVA(0));
	for (i = 0; i < n; i++) {
		if (e[i].rd) {
			gnttab_use_end(e[i].rd, e[i].ref, e[i].readonly);
			domain_put(e[i].rd);
		}
	}
}

void grant_unmap(struct hc *hc, struct gnttab_unmap_grant_ref *op, size_t n)
{
	struct ending e[GRANT_BATCH] = { { 0 } };
	uint16_t parts;
	size_t i;

	for (i = 0; i < n; i++) {
		parts = (op[i].host_addr ? GNTMAP_host_map : 0) |
			(op[i].dev_bus_addr ? GNTMAP_device_map : 0);
		op[i].status = unmap_parts(hc, op[i].handle, op[i].host_addr,
					   parts, 0, &e[i]);
	}
	end_uses(hc, e, n);
}

/* The entry at new_addr into *val; and make it empty? */
static int16_t read_entry(struct hc *hc, uint64_t new_addr, bool empty,
			  uint64_t *val)
{
	int16_t st = GNTST_general_error;
	struct frame *table;
	uint64_t *p, old;

	spin_lock(&hc->d->mmu_lock);
	p = find_entry(hc, new_addr, false, &table);
	if (p) {
		*val = READ_ONCE(*p);
		if ((*val & PTE_PRESENT) &&
		    (!empty ||
		     pt_update_l1(hc->d, hc->d, p, 0, PT_SET, &old) == 0)) {
			st = GNTST_okay;
		}
		frame_put(table);
	}
	spin_unlock(&hc->d->mmu_lock);
	return st;
}

static int16_t replace_one(struct hc *hc, struct gnttab_unmap_and_replace *op,
			   struct ending *e)
{
	uint64_t val = 0;
	int16_t st;

	if (op->new_addr) {
		st = read_entry(hc, op->new_addr, false, &val);
		if (st != GNTST_okay) {
			return st;
		}
	}
	st = unmap_parts(hc, op->handle, op->host_addr, GNTMAP_host_map, val,
			 e);
	if (st == GNTST_okay && op->new_addr) {
		st = read_entry(hc, op->new_addr, true, &val);
	}
	return st;
}

void grant_unmap_and_replace(struct hc *hc,
			     struct gnttab_unmap_and_replace *op, size_t n)
{
	struct ending e[GRANT_BATCH] = { { 0 } };
	size_t i;

	for (i = 0; i < n; i++) {
		op[i].status = replace_one(hc, &op[i], &e[i]);
	}
	end_uses(hc, e, n);
}
