/* evtchn_table.c - ports: taken, given back, described, counted. See evtchn.h.
 */
#include "core/evtchn_table.h"
#include "core/heap.h"
#include "core/pirq.h"
#include "include/errno.h"
#include "include/log.h"
#include "include/port.h"
#include "lib/string.h"

#define BUCKET_BYTES (EVTCHN_PER_BUCKET * sizeof(struct evtchn))
int evtchn_init(struct domain *d, uint32_t max_port)
{
	d->evtchn = mem_alloc(sizeof(*d->evtchn));
	if (!d->evtchn) {
		return -ENOMEM;
	}
	d->evtchn->lowest_free = 1;
	d->evtchn->limit = MIN(max_port, EVTCHN_PORTS - 1) + 1;
	return 0;
}

void evtchn_fini(struct domain *d)
{
	size_t i;

	if (!d->evtchn) {
		return;
	}
	for (i = 0; i < ARRAY_SIZE(d->evtchn->bucket); i++) {
		mem_free(d->evtchn->bucket[i]);
	}
	mem_free(d->evtchn);
	d->evtchn = NULL;
}

int evtchn_port_alloc(struct domain *d, uint32_t *out, struct evtchn **chn)
{
	struct evtchn_table *t = d->evtchn;
	uint32_t p;
	struct evtchn **b;

	if (d->is_dying) {
		return -EINVAL;
	}
	for (p = t->lowest_free; p < t->limit; p++) {
		if (!evtchn_find_used(d, p)) {
			break;
		}
	}
	t->lowest_free = p;
	if (p >= t->limit) {
		return -ENOSPC;
	}
	b = &t->bucket[p / EVTCHN_PER_BUCKET];
	if (!*b) {
		*b = mem_alloc(BUCKET_BYTES);
		if (!*b) {
			return -ENOMEM;
		}
	}
	*chn = &(*b)[p % EVTCHN_PER_BUCKET];
	*out = p;
	return 0;
}

void evtchn_port_use(struct domain *d, struct evtchn *c, uint8_t state,
		     uint32_t vcpu)
{
	c->vcpu = (uint16_t)vcpu;
	c->state = state;
	d->evtchn->used++;
}

void evtchn_port_free(struct domain *d, struct evtchn *c, uint32_t port)
{
	/* A stale bit would ring whoever binds the port next. */
	__atomic_fetch_and(&d->shared_info->evtchn_pending[port / 64],
			   ~(1UL << (port % 64)), __ATOMIC_RELAXED);
	memset(c, 0, sizeof(*c));
	d->evtchn->used--;
	if (port < d->evtchn->lowest_free) {
		d->evtchn->lowest_free = port;
	}
}
int evtchn_status(struct domain *d, struct evtchn_status *st)
{
	struct evtchn *c;

	if (st->port >= EVTCHN_PORTS) {
		return -EINVAL;
	}
	spin_lock(&d->event_lock);
	c = evtchn_find(d, st->port);
	st->status = c ? c->state : EVTCHNSTAT_closed;
	st->vcpu = c ? c->vcpu : 0;
	memset(&st->u, 0, sizeof(st->u));
	switch (st->status) {
	case EVTCHNSTAT_unbound:
		st->u.unbound.dom = c->what;
		break;
	case EVTCHNSTAT_interdomain:
		st->u.interdomain.dom = c->remote->id;
		st->u.interdomain.port = c->remote_port;
		break;
	case EVTCHNSTAT_pirq:
		st->u.pirq = c->what;
		break;
	case EVTCHNSTAT_virq:
		st->u.virq = c->what;
		break;
	default:
		break;
	}
	spin_unlock(&d->event_lock);
	return 0;
}

/* --- audit ---------------------------------------------------------------- */

static void audit_port(struct domain *d, struct evtchn *c, uint32_t port)
{
	struct evtchn *rc;
	struct vcpu *v;

	BUG_UNLESS(port != 0);
	BUG_UNLESS(c->vcpu < d->vcpu_count || c->vcpu == 0);
	BUG_UNLESS(port >= d->evtchn->lowest_free || port == 0 ||
		   c->state != EVTCHNSTAT_closed);
	switch (c->state) {
	case EVTCHNSTAT_interdomain:
		rc = evtchn_find(c->remote, c->remote_port);
		BUG_UNLESS(rc && rc->state == EVTCHNSTAT_interdomain);
		BUG_UNLESS(rc->remote == d && rc->remote_port == port);
		break;
	case EVTCHNSTAT_virq:
		v = d->vcpu[evtchn_virq_is_global(c->what) ? 0 : c->vcpu];
		BUG_UNLESS(v && v->virq_port[c->what] == port);
		break;
	case EVTCHNSTAT_pirq:
		BUG_UNLESS(pirq_port(d, c->what) == port);
		break;
	default:
		break;
	}
}

void evtchn_audit(struct domain *d)
{
	uint32_t p, used = 0;
	struct evtchn *c;
	unsigned int i, virq;

	for (p = 0; p < EVTCHN_PORTS; p++) {
		c = evtchn_find_used(d, p);
		if (c) {
			used++;
			audit_port(d, c, p);
		} else {
			BUG_UNLESS(p == 0 || p >= d->evtchn->lowest_free);
		}
		if (!d->evtchn->bucket[p / EVTCHN_PER_BUCKET]) {
			p |= EVTCHN_PER_BUCKET - 1;
		}
	}
	BUG_UNLESS(used == d->evtchn->used);
	for (i = 0; i < d->vcpu_count; i++) {
		for (virq = 0; d->vcpu[i] && virq < NR_VIRQS; virq++) {
			p = d->vcpu[i]->virq_port[virq];
			c = p ? evtchn_find(d, p) : NULL;
			BUG_UNLESS(!p || (c->state == EVTCHNSTAT_virq &&
					  c->what == virq));
		}
	}
}
