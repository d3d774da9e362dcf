/* pirq.c - see pirq.h. */
#include "core/pirq.h"
#include "core/domain.h"
#include "core/heap.h"
#include "core/ptype.h"
#include "include/compiler.h"
#include "include/errno.h"
#include "include/nospec.h"
#include "include/port.h"

int pirq_table_init(struct domain *d)
{
	d->pirq = mem_alloc(sizeof(*d->pirq));
	if (!d->pirq) {
		return -ENOMEM;
	}
	d->pirq->eoi_mfn = MFN_NONE;
	return 0;
}

void pirq_table_fini(struct domain *d)
{
	mem_free(d->pirq);
	d->pirq = NULL;
}

/* The guest's hint which PIRQs want an EOI hypercall. */
static void publish_eoi(struct domain *d, uint32_t pirq)
{
	mfn_t m = d->pirq->eoi_mfn;
	uint64_t *bits;

	if (mfn_eq(m, MFN_NONE)) {
		return;
	}
	bits = frame_ptr(m);
	if (port_pirq_needs_eoi(d, pirq)) {
		__atomic_fetch_or(&bits[pirq / 64], 1ULL << (pirq % 64),
				  __ATOMIC_RELAXED);
	} else {
		__atomic_fetch_and(&bits[pirq / 64], ~(1ULL << (pirq % 64)),
				   __ATOMIC_RELAXED);
	}
}

int pirq_bind(struct domain *d, uint32_t pirq, uint32_t port, bool shareable)
{
	struct pirq_table *t = d->pirq;
	int rc;

	if (!t || pirq >= PIRQ_COUNT) {
		return -EINVAL;
	}
	pirq = (uint32_t)index_nospec(pirq, PIRQ_COUNT);
	if (t->port[pirq]) {
		return -EEXIST;
	}
	/* The first interrupt may come before startup returns. */
	WRITE_ONCE(t->port[pirq], port);
	rc = port_pirq_startup(d, pirq, shareable);
	if (rc) {
		WRITE_ONCE(t->port[pirq], 0);
		return rc;
	}
	publish_eoi(d, pirq);
	return 0;
}

void pirq_unbind(struct domain *d, uint32_t pirq)
{
	port_pirq_shutdown(d, pirq);
	WRITE_ONCE(d->pirq->port[pirq], 0);
}

uint32_t pirq_port(const struct domain *d, uint32_t pirq)
{
	if (!d->pirq || pirq >= PIRQ_COUNT) {
		return 0;
	}
	return READ_ONCE(d->pirq->port[index_nospec(pirq, PIRQ_COUNT)]);
}

int pirq_set_eoi_page(struct domain *d, mfn_t m, bool auto_unmask)
{
	struct pirq_table *t = d->pirq;
	uint32_t i;
	int rc = 0;

	if (!t || !frame_valid(m)) {
		return -EINVAL;
	}
	spin_lock(&d->event_lock);
	if (!mfn_eq(t->eoi_mfn, MFN_NONE)) {
		rc = -EBUSY;
		goto out;
	}
	if (ptype_get_frame(m, FT_WRITABLE, d)) {
		rc = -EINVAL;
		goto out;
	}
	t->eoi_mfn = m;
	t->eoi_auto_unmask = auto_unmask;
	for (i = 0; i < PIRQ_COUNT; i++) {
		publish_eoi(d, i);
	}
out:
	spin_unlock(&d->event_lock);
	return rc;
}
