/*
 * memory_exchange.c - XENMEM_exchange: give pages back and get the same
 * number elsewhere: below 4 GiB, or contiguous.  Linux's swiotlb and every
 * coherent DMA buffer of dom0 come from here.
 *
 * It goes by chunks of 2^max(in order, out order) frames.  A chunk either
 * happens wholly or not at all, and nr_exchanged always says how many input
 * extents are gone: Linux stops with BUG if it disagrees with the result.
 * It is also where a preempted call goes on.
 */
#include "core/access.h"
#include "core/domain_frames.h"
#include "core/heap.h"
#include "core/m2p.h"
#include "hypercall/memory.h"

struct exchange {
	struct domain *d;
	struct xen_memory_exchange x;
	unsigned int chunk_order;
	mfn_t *in, *out; /* of one chunk: frames; first frames of extents */
	uint64_t in_count, out_count;
};

static gva_t list_gva(const struct xen_memory_reservation *r, uint64_t i)
{
	return GVA((uint64_t)(uintptr_t)r->extent_start.p +
		   i * sizeof(xen_pfn_t));
}

/* Everything that can be known to be wrong before starting. */
static int check(struct hc *hc, const struct xen_memory_exchange *x)
{
	const struct xen_memory_reservation *in = &x->in, *out = &x->out;
	unsigned int max = memory_order_max(hc->d);
	uint64_t n;

	if (in->extent_order > max || out->extent_order > max) {
		return -EPERM;
	}
	if (in->domid != out->domid || x->nr_exchanged > in->nr_extents ||
	    in->nr_extents > ~0UL >> 32 || out->nr_extents > ~0UL >> 32) {
		return -EINVAL;
	}
	n = in->nr_extents << in->extent_order;
	if (n != out->nr_extents << out->extent_order) {
		return -EINVAL;
	}
	/* Both lists end within what the caller may name. */
	if (!gva_range_ok(list_gva(in, 0), in->nr_extents * 8) ||
	    !gva_range_ok(list_gva(out, 0), out->nr_extents * 8)) {
		return -EFAULT;
	}
	/* Whole chunks, and a resumed call starts at one. */
	if (out->extent_order > in->extent_order &&
	    x->nr_exchanged %
		    (1UL << (out->extent_order - in->extent_order))) {
		return -EINVAL;
	}
	return 0;
}

/* Take the chunk's input frames from the domain; all or none. */
static int chunk_steal(struct exchange *e, uint64_t first)
{
	unsigned int order = e->x.in.extent_order;
	uint64_t n = 1ULL << order, extents = 1ULL << (e->chunk_order - order);
	uint64_t i, k;
	xen_pfn_t mfn;

	e->in_count = 0;
	for (i = 0; i < extents; i++) {
		if (port_copy_from_guest(&mfn, list_gva(&e->x.in, first + i),
					 sizeof(mfn)) != 0) {
			return -EFAULT;
		}
		for (k = 0; k < n; k++) {
			if (domain_frame_detach(e->d, MFN(mfn + k)) != 0) {
				return -EINVAL;
			}
			e->in[e->in_count++] = MFN(mfn + k);
		}
	}
	return 0;
}

/*
 * Give stolen frames back: what was there before fits again, unless dying.
 * They come back as of no type, so nobody may still walk one as a page table.
 */
static void chunk_unsteal(struct exchange *e)
{
	while (e->in_count) {
		mfn_t m = e->in[--e->in_count];

		tlbclock_flush_since(frame_of(m)->stamp);
		if (domain_frames_attach(e->d, m, 0, true) != 0) {
			heap_free(m, 0);
		}
	}
}

static int chunk_alloc(struct exchange *e)
{
	unsigned int order = e->x.out.extent_order;
	uint64_t extents = 1ULL << (e->chunk_order - order);
	mfn_t m;

	e->out_count = 0;
	while (e->out_count < extents) {
		m = heap_alloc(order, memory_heap_flags(e->x.out.mem_flags));
		if (mfn_eq(m, MFN_NONE)) {
			return -ENOMEM;
		}
		e->out[e->out_count++] = m;
	}
	return 0;
}

static void chunk_unalloc(struct exchange *e)
{
	while (e->out_count) {
		heap_free_untouched(e->out[--e->out_count],
				    e->x.out.extent_order);
	}
}

/* Frames change hands; only reporting to the guest can fail from here on. */
static int chunk_commit(struct exchange *e, uint64_t first_out)
{
	unsigned int order = e->x.out.extent_order;
	uint64_t i, k;
	xen_pfn_t gfn;
	int rc = 0;

	for (i = 0; i < e->in_count; i++) {
		m2p_set(e->in[i], M2P_INVALID);
		heap_free(e->in[i], 0);
	}
	for (i = 0; i < e->out_count; i++) {
		if (domain_frames_attach(e->d, e->out[i], order, true) != 0) {
			/* Dying. */
			heap_free_untouched(e->out[i], order);
			rc = -ENOMEM;
			continue;
		}
		if (port_copy_from_guest(&gfn, list_gva(&e->x.out,
							first_out + i),
					 sizeof(gfn)) != 0 ||
		    port_copy_to_guest(list_gva(&e->x.out, first_out + i),
				       &e->out[i].v, sizeof(gfn)) != 0) {
			rc = -EFAULT;
			continue;
		}
		for (k = 0; k < 1ULL << order; k++) {
			m2p_set(mfn_add(e->out[i], k), gfn + k);
		}
	}
	return rc;
}

/* One chunk; `done` input extents are exchanged already. */
static int chunk_exchange(struct exchange *e, uint64_t done)
{
	uint64_t frames = done << e->x.in.extent_order;
	uint64_t first_out = frames >> e->x.out.extent_order;
	uint64_t n_out = 1ULL << (e->chunk_order - e->x.out.extent_order);
	int rc;

	if (port_probe_guest_write(list_gva(&e->x.out, first_out),
				   n_out * sizeof(xen_pfn_t)) != 0) {
		return -EFAULT;
	}
	rc = chunk_alloc(e);
	if (rc) {
		goto undo_alloc;
	}
	rc = chunk_steal(e, done);
	if (rc) {
		goto undo_steal;
	}
	e->x.nr_exchanged += 1ULL << (e->chunk_order - e->x.in.extent_order);
	return chunk_commit(e, first_out);

undo_steal:
	chunk_unsteal(e);
undo_alloc:
	chunk_unalloc(e);
	return rc;
}

static long chunks(struct exchange *e, gva_t arg)
{
	struct xen_memory_exchange *x = &e->x;
	uint64_t first = x->nr_exchanged;
	long rc = 0;

	while (x->nr_exchanged < x->in.nr_extents) {
		if (x->nr_exchanged != first && port_should_yield()) {
			rc = -ERESTART;
			break;
		}
		rc = chunk_exchange(e, x->nr_exchanged);
		if (rc) {
			break;
		}
	}
	if (port_copy_to_guest(gva_add(arg, offsetof(struct xen_memory_exchange,
						     nr_exchanged)),
			       &x->nr_exchanged, sizeof(x->nr_exchanged))) {
		return -EFAULT;
	}
	return rc;
}

long memory_exchange(struct hc *hc, gva_t arg)
{
	struct exchange e;
	uint64_t n;
	long rc;

	if (port_copy_from_guest(&e.x, arg, sizeof(e.x)) != 0) {
		return -EFAULT;
	}
	rc = check(hc, &e.x);
	if (rc) {
		return rc;
	}
	rc = access_get_domain(hc->d, e.x.in.domid, &e.d);
	if (rc) {
		return rc;
	}
	e.chunk_order = MAX(e.x.in.extent_order, e.x.out.extent_order);
	n = 1ULL << e.chunk_order;
	e.in = mem_alloc(n * sizeof(*e.in));
	e.out = mem_alloc((n >> e.x.out.extent_order) * sizeof(*e.out));
	e.in_count = e.out_count = 0;
	rc = e.in && e.out ? chunks(&e, arg) : -ENOMEM;
	mem_free(e.out);
	mem_free(e.in);
	domain_put(e.d);
	return rc;
}
