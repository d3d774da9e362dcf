/*
 * evtchn_table.h - a domain's table of event channels, for evtchn*.c alone.
 * Callers hold event_lock, or know that the port cannot go.
 */
#ifndef CORE_EVTCHN_TABLE_H
#define CORE_EVTCHN_TABLE_H

#include "core/domain.h"
#include "core/evtchn.h"
#include "include/nospec.h"

/* NULL: out of range, or never used.  The channel may be CLOSED. */
static inline struct evtchn *evtchn_find(const struct domain *d, uint32_t port)
{
	struct evtchn *b;

	if (port >= EVTCHN_PORTS) {
		return NULL;
	}
	port = (uint32_t)index_nospec(port, EVTCHN_PORTS);
	b = d->evtchn->bucket[port / EVTCHN_PER_BUCKET];
	return b ? &b[port % EVTCHN_PER_BUCKET] : NULL;
}

static inline struct evtchn *evtchn_find_used(const struct domain *d,
					      uint32_t port)
{
	struct evtchn *c = evtchn_find(d, port);

	return c && c->state != EVTCHNSTAT_closed ? c : NULL;
}

/* Reserve the lowest free port: 0, -EINVAL (dying), -ENOSPC, -ENOMEM. */
int evtchn_port_alloc(struct domain *d, uint32_t *out, struct evtchn **chn);
void evtchn_port_use(struct domain *d, struct evtchn *c, uint8_t state,
		     uint32_t vcpu);
/* Links to others are already cut. */
void evtchn_port_free(struct domain *d, struct evtchn *c, uint32_t port);

/* Ring d's port: evtchn.c. */
void evtchn_set_pending(struct domain *d, uint32_t vcpu, uint32_t port);

#endif
