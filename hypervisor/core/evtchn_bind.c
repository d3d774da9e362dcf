/* evtchn_bind.c - what a port is bound to, and closing it. See evtchn.h. */
#include "core/evtchn_table.h"
#include "core/pirq.h"
#include "include/errno.h"
#include "include/port.h"
#include "lib/string.h"

static void lock_pair(struct domain *a, struct domain *b)
{
	if (a->id <= b->id) {
		spin_lock(&a->event_lock);
		if (a != b) {
			spin_lock(&b->event_lock);
		}
	} else {
		spin_lock(&b->event_lock);
		spin_lock(&a->event_lock);
	}
}

static void unlock_pair(struct domain *a, struct domain *b)
{
	spin_unlock(&a->event_lock);
	if (a != b) {
		spin_unlock(&b->event_lock);
	}
}

static struct vcpu *vcpu_of(const struct domain *d, uint32_t id)
{
	if (id >= d->vcpu_count) {
		return NULL;
	}
	return d->vcpu[index_nospec(id, MAX_VCPUS)];
}

int evtchn_alloc_unbound(struct domain *d, domid_t remote, uint32_t *port)
{
	struct evtchn *c;
	int rc;

	spin_lock(&d->event_lock);
	rc = evtchn_port_alloc(d, port, &c);
	if (rc == 0) {
		c->what = remote;
		evtchn_port_use(d, c, EVTCHNSTAT_unbound, 0);
	}
	spin_unlock(&d->event_lock);
	return rc;
}

int evtchn_bind_interdomain(struct domain *d, struct domain *rd,
			    uint32_t remote_port, uint32_t *port)
{
	struct evtchn *c, *rc;
	int ret;

	lock_pair(d, rd);
	ret = evtchn_port_alloc(d, port, &c);
	if (ret) {
		goto out;
	}
	rc = evtchn_find(rd, remote_port);
	if (!rc || rc->state != EVTCHNSTAT_unbound || rc->what != d->id ||
	    rd->is_dying) {
		ret = -EINVAL;
		goto out;
	}
	c->remote = rd;
	c->remote_port = remote_port;
	evtchn_port_use(d, c, EVTCHNSTAT_interdomain, 0);
	rc->remote = d;
	rc->remote_port = *port;
	rc->state = EVTCHNSTAT_interdomain;
	/* The other end may have rung before we were here. */
	evtchn_set_pending(d, 0, *port);
out:
	unlock_pair(d, rd);
	return ret;
}

int evtchn_bind_virq(struct domain *d, uint32_t virq, uint32_t vcpu,
		     uint32_t *port)
{
	struct evtchn *c;
	struct vcpu *v;
	int rc;

	if (virq >= NR_VIRQS || (evtchn_virq_is_global(virq) && vcpu != 0)) {
		return -EINVAL;
	}
	virq = (uint32_t)index_nospec(virq, NR_VIRQS);
	v = vcpu_of(d, vcpu);
	if (!v) {
		return -ENOENT;
	}
	spin_lock(&d->event_lock);
	if (v->virq_port[virq]) {
		rc = -EEXIST;
		goto out;
	}
	rc = evtchn_port_alloc(d, port, &c);
	if (rc) {
		goto out;
	}
	c->what = (uint16_t)virq;
	evtchn_port_use(d, c, EVTCHNSTAT_virq, vcpu);
	spin_lock(&v->virq_lock);
	v->virq_port[virq] = *port;
	spin_unlock(&v->virq_lock);
out:
	spin_unlock(&d->event_lock);
	return rc;
}

int evtchn_bind_ipi(struct domain *d, uint32_t vcpu, uint32_t *port)
{
	struct evtchn *c;
	int rc;

	if (!vcpu_of(d, vcpu)) {
		return -ENOENT;
	}
	spin_lock(&d->event_lock);
	rc = evtchn_port_alloc(d, port, &c);
	if (rc == 0) {
		evtchn_port_use(d, c, EVTCHNSTAT_ipi, vcpu);
	}
	spin_unlock(&d->event_lock);
	return rc;
}

int evtchn_bind_pirq(struct domain *d, uint32_t pirq, bool shareable,
		     uint32_t *port)
{
	struct evtchn *c;
	int rc;

	spin_lock(&d->event_lock);
	rc = evtchn_port_alloc(d, port, &c);
	if (rc) {
		goto out;
	}
	/* Before the interrupt may come: upcall_pirq() takes no lock. */
	c->what = (uint16_t)pirq;
	c->vcpu = 0;
	rc = pirq_bind(d, pirq, *port, shareable);
	if (rc) {
		memset(c, 0, sizeof(*c));
		goto out;
	}
	evtchn_port_use(d, c, EVTCHNSTAT_pirq, 0);
out:
	spin_unlock(&d->event_lock);
	return rc;
}

int evtchn_bind_vcpu(struct domain *d, uint32_t port, uint32_t vcpu)
{
	struct vcpu *v = vcpu_of(d, vcpu);
	struct evtchn *c;
	int rc = 0;

	if (!v) {
		return -ENOENT;
	}
	spin_lock(&d->event_lock);
	c = evtchn_find_used(d, port);
	if (!c || c->state == EVTCHNSTAT_ipi ||
	    (c->state == EVTCHNSTAT_virq && !evtchn_virq_is_global(c->what))) {
		rc = -EINVAL;
		goto out;
	}
	c->vcpu = v->id;
	if (c->state == EVTCHNSTAT_pirq) {
		/* A hint: the interrupt should arrive where it is handled. */
		port_pirq_set_affinity(d, c->what, v->cpu);
	}
out:
	spin_unlock(&d->event_lock);
	return rc;
}

/* --- closing
 * ------------------------------------------------------------------ */

static void close_virq(struct domain *d, struct evtchn *c, uint32_t port)
{
	struct vcpu *v;
	unsigned int i;

	/* Global ones are filed under vCPU 0 wherever they are notified. */
	for (i = 0; i < d->vcpu_count; i++) {
		v = d->vcpu[i];
		if (v && v->virq_port[c->what] == port) {
			spin_lock(&v->virq_lock);
			v->virq_port[c->what] = 0;
			spin_unlock(&v->virq_lock);
		}
	}
}

/* The peer becomes UNBOUND again, waiting for d.  Both locks are held. */
static void close_pair(struct domain *d, struct evtchn *c)
{
	struct evtchn *rc = evtchn_find(c->remote, c->remote_port);

	rc->state = EVTCHNSTAT_unbound;
	rc->remote = NULL;
	rc->remote_port = 0;
	rc->what = d->id;
}

/*
 * The peer's lock may have to be taken first, so look who it is, take both,
 * and look again.
 */
static struct domain *lock_for_close(struct domain *d, uint32_t port)
{
	struct domain *rd = NULL, *now;
	struct evtchn *c;

	for (;;) {
		lock_pair(d, rd ? rd : d);
		c = evtchn_find(d, port);
		now = c && c->state == EVTCHNSTAT_interdomain ? c->remote
							      : NULL;
		if (!now || now == rd || (!rd && now == d)) {
			return rd ? rd : d;
		}
		now = now == d ? NULL : now;
		if (now) {
			domain_get(now);
		}
		unlock_pair(d, rd ? rd : d);
		if (rd) {
			domain_put(rd);
		}
		rd = now;
	}
}

int evtchn_close(struct domain *d, uint32_t port)
{
	struct domain *rd = lock_for_close(d, port);
	struct evtchn *c = evtchn_find_used(d, port);
	int rc = 0;

	if (!c) {
		rc = -EINVAL;
		goto out;
	}
	switch (c->state) {
	case EVTCHNSTAT_interdomain:
		close_pair(d, c);
		break;
	case EVTCHNSTAT_virq:
		close_virq(d, c, port);
		break;
	case EVTCHNSTAT_pirq:
		pirq_unbind(d, c->what);
		break;
	default:
		break;
	}
	evtchn_port_free(d, c, port);
out:
	unlock_pair(d, rd);
	if (rd != d) {
		domain_put(rd);
	}
	return rc;
}

int evtchn_close_all(struct domain *d, uint32_t *port)
{
	unsigned int closed = 0;

	for (; *port < EVTCHN_PORTS; (*port)++) {
		if (!d->evtchn->bucket[*port / EVTCHN_PER_BUCKET]) {
			*port |= EVTCHN_PER_BUCKET - 1;
			continue;
		}
		if (evtchn_close(d, *port)) {
			continue; /* was not in use */
		}
		/* Some progress first: a reset starts over each time. */
		if (++closed % 16 == 0 && port_should_yield()) {
			(*port)++;
			return -ERESTART;
		}
	}
	return 0;
}
