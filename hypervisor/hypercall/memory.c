/*
 * memory.c - memory_op: a domain's reservation grows and shrinks (balloon,
 * builder, restore), and what there is to know about it.
 */
#include "hypercall/memory.h"
#include "core/access.h"
#include "core/domain_frames.h"
#include "core/heap.h"
#include "core/m2p.h"
#include "core/ptype.h"
#include "include/nospec.h"

unsigned int memory_heap_flags(unsigned int mem_flags)
{
	unsigned int bits = XENMEMF_get_address_bits(mem_flags);

	return bits ? HEAP_BITS(bits) : 0;
}

unsigned int memory_order_max(const struct domain *d)
{
	return d->privileged ? MEMORY_ORDER_DOM0 : MEMORY_ORDER_GUEST;
}

/* --- growing and shrinking ----------------------------------------------- */

struct resize {
	struct domain *d;
	struct xen_memory_reservation r;
	unsigned long cmd;
};

static gva_t extent_gva(const struct resize *z, uint64_t i)
{
	return GVA((uint64_t)(uintptr_t)z->r.extent_start.p +
		   i * sizeof(xen_pfn_t));
}

/* 0 done; 1 cannot go on, an ordinary shortage; -EFAULT and the like. */
static int extent_grow(const struct resize *z, uint64_t i)
{
	bool populate = z->cmd == XENMEM_populate_physmap;
	bool list = z->r.extent_start.p != NULL;
	unsigned int order = z->r.extent_order;
	xen_pfn_t gfn = 0;
	uint64_t k;
	mfn_t m;

	if (populate && port_copy_from_guest(&gfn, extent_gva(z, i),
					     sizeof(gfn)) != 0) {
		return -EFAULT;
	}
	/* Before memory is given that nobody would learn about. */
	if (list &&
	    port_probe_guest_write(extent_gva(z, i), sizeof(gfn)) != 0) {
		return -EFAULT;
	}
	if (domain_frames_alloc(z->d, order, memory_heap_flags(z->r.mem_flags),
				&m) != 0) {
		return 1;
	}
	for (k = 0; populate && k < 1ULL << order; k++) {
		m2p_set(mfn_add(m, k), gfn + k);
	}
	return list && port_copy_to_guest(extent_gva(z, i), &m.v,
					  sizeof(m.v)) != 0 ?
		       -EFAULT :
		       0;
}

static bool frame_release(struct domain *d, uint64_t mfn)
{
	struct frame *f = frame_lookup(MFN(mfn));
	bool ok;

	if (!f || !frame_get(f, d)) {
		return false;
	}
	/* Shared pages (shared_info) have no such reference to give up. */
	ok = frame_drop_allocated(f);
	if (ok) {
		m2p_set(MFN(mfn), M2P_INVALID);
	}
	frame_put(f);
	return ok;
}

static int extent_shrink(const struct resize *z, uint64_t i)
{
	xen_pfn_t mfn;
	uint64_t k;

	if (port_copy_from_guest(&mfn, extent_gva(z, i), sizeof(mfn)) != 0) {
		return -EFAULT;
	}
	for (k = 0; k < 1ULL << z->r.extent_order; k++) {
		if (!frame_release(z->d, mfn + k)) {
			return 1;
		}
	}
	return 0;
}

/* Extents [start, nr): the number done in all. */
static long resize_extents(struct hc *hc, struct resize *z, uint64_t start)
{
	uint64_t i;
	int rc;

	for (i = start; i < z->r.nr_extents; i++) {
		if (i != start && port_should_yield()) {
			hc->arg[0] = z->cmd | (i << MEMORY_EXTENT_SHIFT);
			return -ERESTART;
		}
		rc = z->cmd == XENMEM_decrease_reservation ?
			     extent_shrink(z, i) :
			     extent_grow(z, i);
		if (rc) {
			break;
		}
	}
	return (long)i;
}

static long resize(struct hc *hc, unsigned long cmd, gva_t arg)
{
	uint64_t start = hc->arg[0] >> MEMORY_EXTENT_SHIFT;
	struct resize z = { .cmd = cmd };
	long rc;

	/* These calls answer how many extents they did; none, to nonsense
	 * and for domains that are not there or not the caller's to name.
	 * A count must survive the trip through arg[0]. */
	if (port_copy_from_guest(&z.r, arg, sizeof(z.r)) != 0 ||
	    z.r.nr_extents > ~0UL >> MEMORY_EXTENT_SHIFT ||
	    start >= z.r.nr_extents ||
	    z.r.extent_order > memory_order_max(hc->d) ||
	    (!z.r.extent_start.p && cmd != XENMEM_increase_reservation)) {
		return (long)start;
	}
	rc = access_get_domain(hc->d, z.r.domid, &z.d);
	if (rc) {
		return (long)start;
	}
	rc = resize_extents(hc, &z, start);
	domain_put(z.d);
	return rc;
}

static long increase(struct hc *hc, gva_t arg)
{
	return resize(hc, XENMEM_increase_reservation, arg);
}

static long decrease(struct hc *hc, gva_t arg)
{
	struct domain *d = hc->d;

	/* Page tables still being taken apart would keep their pages. */
	if (READ_ONCE(d->pt_work)) {
		int rc;

		spin_lock(&d->mmu_lock);
		rc = ptype_drain(d, true);
		spin_unlock(&d->mmu_lock);
		if (rc) {
			return rc;
		}
	}
	return resize(hc, XENMEM_decrease_reservation, arg);
}

static long populate(struct hc *hc, gva_t arg)
{
	return resize(hc, XENMEM_populate_physmap, arg);
}

/* --- questions ------------------------------------------------------------ */

static long maximum_ram_page(struct hc *hc, gva_t arg)
{
	(void)hc;
	(void)arg;
	return (long)frame_max;
}

/* The domain named in a xen_memory_domain; -EFAULT, -EPERM, -ESRCH. */
static int named_domain(struct hc *hc, gva_t arg, struct domain **d)
{
	struct xen_memory_domain md;

	if (port_copy_from_guest(&md, arg, sizeof(md)) != 0) {
		return -EFAULT;
	}
	return access_get_domain(hc->d, md.domid, d);
}

static long current_reservation(struct hc *hc, gva_t arg)
{
	struct domain *d;
	long rc = named_domain(hc, arg, &d);

	if (rc == 0) {
		rc = READ_ONCE(d->tot_pages);
		domain_put(d);
	}
	return rc;
}

static long maximum_reservation(struct hc *hc, gva_t arg)
{
	struct domain *d;
	long rc = named_domain(hc, arg, &d);

	if (rc == 0) {
		rc = READ_ONCE(d->max_pages);
		domain_put(d);
	}
	return rc;
}

/*
 * The guest says in its shared info page how long its frame list is; saving
 * a domain starts with this.
 */
static long maximum_gpfn(struct hc *hc, gva_t arg)
{
	struct domain *d;
	long rc = named_domain(hc, arg, &d);

	if (rc == 0) {
		rc = d->shared_info ?
			     (long)READ_ONCE(d->shared_info->arch.max_pfn) :
			     0;
		rc = MAX(rc, 1L) - 1;
		domain_put(d);
	}
	return rc;
}

static long claim_pages(struct hc *hc, gva_t arg)
{
	struct xen_memory_reservation r;
	struct domain *d;
	long rc;

	if (!hc->d->privileged) {
		return -EPERM;
	}
	if (port_copy_from_guest(&r, arg, sizeof(r)) != 0) {
		return -EFAULT;
	}
	if (r.extent_start.p || r.extent_order || r.mem_flags) {
		return -EINVAL;
	}
	rc = access_get_domain(hc->d, r.domid, &d);
	if (rc == 0) {
		rc = domain_claim(d, r.nr_extents);
		domain_put(d);
	}
	return rc;
}

/* --- what paravirtual guests do not have ---------------------------------- */

/* Frames have no place of their own in a guest that sees machine memory. */
static long add_to_physmap(struct hc *hc, gva_t arg)
{
	(void)hc;
	(void)arg;
	return -EACCES;
}

static long remove_from_physmap(struct hc *hc, gva_t arg)
{
	(void)hc;
	(void)arg;
	return -EACCES;
}

/* Toolstacks know what to do without: save refuses on any other answer. */
static long not_supported(struct hc *hc, gva_t arg)
{
	(void)hc;
	(void)arg;
	return -EOPNOTSUPP;
}

typedef long memory_fn(struct hc *hc, gva_t arg);

static memory_fn *const ops[] = {
	[XENMEM_increase_reservation] = increase,
	[XENMEM_decrease_reservation] = decrease,
	[XENMEM_maximum_ram_page] = maximum_ram_page,
	[XENMEM_current_reservation] = current_reservation,
	[XENMEM_maximum_reservation] = maximum_reservation,
	[XENMEM_machphys_mfn_list] = memory_machphys_mfn_list,
	[XENMEM_populate_physmap] = populate,
	[XENMEM_add_to_physmap] = add_to_physmap,
	[XENMEM_memory_map] = memory_map_get,
	[XENMEM_machine_memory_map] = memory_map_machine,
	[XENMEM_exchange] = memory_exchange,
	[XENMEM_machphys_mapping] = memory_machphys_mapping,
	[XENMEM_set_memory_map] = memory_map_set,
	[XENMEM_maximum_gpfn] = maximum_gpfn,
	[XENMEM_remove_from_physmap] = remove_from_physmap,
	[XENMEM_access_op] = not_supported,
	[XENMEM_add_to_physmap_batch] = add_to_physmap,
	[XENMEM_claim_pages] = claim_pages,
	[XENMEM_get_vnumainfo] = not_supported,
	[XENMEM_acquire_resource] = not_supported,
};

long hc_memory_op(struct hc *hc)
{
	uint64_t cmd = hc->arg[0] & MEMORY_CMD_MASK;
	memory_fn *fn = NULL;

	if (cmd < ARRAY_SIZE(ops)) {
		fn = ops[index_nospec(cmd, ARRAY_SIZE(ops))];
	}
	return fn ? fn(hc, GVA(hc->arg[1])) : -ENOSYS;
}
