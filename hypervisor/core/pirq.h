/*
 * pirq.h - physical interrupts that a domain (dom0) handles as events.
 *
 * A PIRQ number is 0..PIRQ_COUNT-1.  Below 16: the ISA IRQ of that number
 * (routed through the MADT's overrides); up to the last IO-APIC pin: the
 * GSI of that number; above: an MSI or MSI-X vector.
 *
 *	free --port_pirq_map_*--> mapped --pirq_bind--> bound to a port
 *	                          mapped <--pirq_unbind--
 *	free <--port_pirq_unmap-- mapped
 *
 * What is mapped is the hardware's business (x86/pirq.c, behind port.h);
 * this file knows the event channel and the guest's EOI page.
 *
 * Locks: d->event_lock for all but pirq_port(), which an interrupt reads.
 */
#ifndef CORE_PIRQ_H
#define CORE_PIRQ_H

#include "include/types.h"

struct domain;

#define PIRQ_COUNT 1024u

struct pirq_table {
	uint32_t port[PIRQ_COUNT]; /* event channel; 0: unbound */
	/* PHYSDEVOP_pirq_eoi_gmfn: bit n set: PIRQ n needs an EOI */
	mfn_t eoi_mfn;	      /* holds a writable reference; or MFN_NONE */
	bool eoi_auto_unmask; /* v1 of that call */
};

/* Give d (privileged) a table / take it away.  0 or -ENOMEM. */
int pirq_table_init(struct domain *d);
void pirq_table_fini(struct domain *d);

/*
 * EVTCHNOP_bind_pirq, after evtchn.c chose `port`: start the interrupt.
 * 0, -EINVAL (no table, out of range, not mapped), -EEXIST (bound already),
 * -EBUSY (the line cannot be shared).  Caller holds d->event_lock.
 */
int pirq_bind(struct domain *d, uint32_t pirq, uint32_t port, bool shareable);
/* The port is being closed.  Caller holds d->event_lock. */
void pirq_unbind(struct domain *d, uint32_t pirq);
/* The bound port, or 0.  upcall_pirq() and anyone. */
uint32_t pirq_port(const struct domain *d, uint32_t pirq);

/*
 * PHYSDEVOP_pirq_eoi_gmfn_v1/v2: share page m with the guest.
 * 0, -EBUSY (has one), -EINVAL (not its own writable page).
 */
int pirq_set_eoi_page(struct domain *d, mfn_t m, bool auto_unmask);

#endif
