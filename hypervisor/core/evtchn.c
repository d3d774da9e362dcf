/* evtchn.c - see evtchn.h. */
#include "core/evtchn.h"
#include "core/domain.h"
#include "core/heap.h"
#include "core/pirq.h"
#include "include/errno.h"
#include "include/log.h"
#include "include/nospec.h"
#include "include/port.h"
#include "include/upcall.h"
#include "lib/string.h"

#define BUCKET_BYTES (EVTCHN_PER_BUCKET * sizeof(struct evtchn))

/* --- the table --------------------------------------------------------- */

/* NULL: out of range, or never used.  The channel may be CLOSED. */
static struct evtchn *find(const struct domain *d, uint32_t port)
{
	struct evtchn *b;

	if (port >= EVTCHN_PORTS) {
		return NULL;
	}
	port = (uint32_t)index_nospec(port, EVTCHN_PORTS);
	b = d->evtchn->bucket[port / EVTCHN_PER_BUCKET];
	return b ? &b[port % EVTCHN_PER_BUCKET] : NULL;
}

static struct evtchn *find_used(const struct domain *d, uint32_t port)
{
	struct evtchn *c = find(d, port);

	return c && c->state != EVTCHNSTAT_closed ? c : NULL;
}

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

/* Reserve the lowest free port.  Caller holds event_lock, sets the state. */
static int port_alloc(struct domain *d, uint32_t *out, struct evtchn **chn)
{
	struct evtchn_table *t = d->evtchn;
	uint32_t p;
	struct evtchn **b;

	if (d->is_dying) {
		return -EINVAL;
	}
	for (p = t->lowest_free; p < t->limit; p++) {
		if (!find_used(d, p)) {
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

static void port_use(struct domain *d, struct evtchn *c, uint8_t state,
		     uint32_t vcpu)
{
	c->vcpu = (uint16_t)vcpu;
	c->state = state;
	d->evtchn->used++;
}

/* Caller holds event_lock; links to others are already cut. */
static void port_free(struct domain *d, struct evtchn *c, uint32_t port)
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

/* --- delivery ------------------------------------------------------------ */

static void mark_events_pending(struct vcpu *v)
{
	if (__atomic_exchange_n(&v->info->evtchn_upcall_pending, 1,
				__ATOMIC_SEQ_CST) == 0) {
		vcpu_wake(v);
	}
}

static void wake_pollers(struct domain *d, uint32_t port)
{
	struct vcpu *v;
	uint64_t bits;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(d->polling); i++) {
		bits = __atomic_load_n(&d->polling[i], __ATOMIC_SEQ_CST);
		for (; bits; bits &= bits - 1) {
			v = d->vcpu[i * 64 +
				    (unsigned int)__builtin_ctzll(bits)];
			if (!v->poll_port || v->poll_port == port) {
				vcpu_end_poll(v);
			}
		}
	}
}

/*
 * The 2-level rules: pending bit, then, unless masked, the selector bit of
 * its word, then the vCPU's upcall flag.  Each step only on a 0 -> 1 change:
 * the guest clears them in the opposite order.
 */
static void set_pending(struct domain *d, uint32_t vcpu, uint32_t port)
{
	struct shared_info *s = d->shared_info;
	struct vcpu *v = d->vcpu[vcpu];
	unsigned long bit = 1UL << (port % 64), word = port / 64;

	if (__atomic_fetch_or(&s->evtchn_pending[word], bit,
			      __ATOMIC_SEQ_CST) & bit) {
		return;
	}
	if (!v) {
		return; /* the toolstack has not made its vCPUs yet */
	}
	if (!(__atomic_load_n(&s->evtchn_mask[word], __ATOMIC_SEQ_CST) & bit) &&
	    !(__atomic_fetch_or(&v->info->evtchn_pending_sel, 1UL << word,
				__ATOMIC_SEQ_CST) & (1UL << word))) {
		mark_events_pending(v);
	}
	wake_pollers(d, port);
}

bool evtchn_is_pending(const struct domain *d, uint32_t port)
{
	uint64_t word;

	if (port >= EVTCHN_PORTS) {
		return false;
	}
	word = index_nospec(port / 64, EVTCHN_PORTS / 64);
	return __atomic_load_n(&d->shared_info->evtchn_pending[word],
			       __ATOMIC_SEQ_CST) >> (port % 64) & 1;
}

int evtchn_send(struct domain *d, uint32_t port)
{
	struct evtchn *c, *rc;
	int ret = 0;

	spin_lock(&d->event_lock);
	c = find(d, port);
	if (!c) {
		ret = -EINVAL;
		goto out;
	}
	switch (c->state) {
	case EVTCHNSTAT_interdomain:
		/* Our lock keeps the pair, so remote and its port stand. */
		rc = find(c->remote, c->remote_port);
		set_pending(c->remote, READ_ONCE(rc->vcpu), c->remote_port);
		break;
	case EVTCHNSTAT_ipi:
		set_pending(d, c->vcpu, port);
		break;
	case EVTCHNSTAT_unbound:
		break; /* nobody there yet: the event is lost */
	default:
		ret = -EINVAL;
		break;
	}
out:
	spin_unlock(&d->event_lock);
	return ret;
}

int evtchn_unmask(struct domain *d, uint32_t port)
{
	struct shared_info *s = d->shared_info;
	unsigned long bit = 1UL << (port % 64), word = port / 64;
	struct evtchn *c;
	struct vcpu *v;

	spin_lock(&d->event_lock);
	c = find_used(d, port);
	if (!c) {
		spin_unlock(&d->event_lock);
		return -EINVAL;
	}
	v = d->vcpu[c->vcpu];
	if (v &&
	    (__atomic_fetch_and(&s->evtchn_mask[word], ~bit,
				__ATOMIC_SEQ_CST) & bit) &&
	    (__atomic_load_n(&s->evtchn_pending[word], __ATOMIC_SEQ_CST) &
	     bit) &&
	    !(__atomic_fetch_or(&v->info->evtchn_pending_sel, 1UL << word,
				__ATOMIC_SEQ_CST) & (1UL << word))) {
		mark_events_pending(v);
	}
	spin_unlock(&d->event_lock);
	return 0;
}

bool evtchn_virq_is_global(uint32_t virq)
{
	switch (virq) {
	case VIRQ_TIMER:
	case VIRQ_DEBUG:
	case VIRQ_XENOPROF:
	case VIRQ_XENPMU:
		return false;
	default:
		return true;
	}
}

void evtchn_raise_virq(struct vcpu *v, uint32_t virq)
{
	struct domain *d = v->domain;
	struct evtchn *c;
	uint32_t port;

	spin_lock(&v->virq_lock);
	port = v->virq_port[virq];
	if (port) {
		c = find(d, port);
		set_pending(d, READ_ONCE(c->vcpu), port);
	}
	spin_unlock(&v->virq_lock);
}

void evtchn_raise_domain_virq(struct domain *d, uint32_t virq)
{
	if (d && d->vcpu[0]) {
		evtchn_raise_virq(d->vcpu[0], virq);
	}
}

void upcall_pirq(struct domain *d, unsigned int pirq)
{
	uint32_t port = pirq_port(d, pirq);
	struct evtchn *c = port ? find(d, port) : NULL;

	if (c) {
		set_pending(d, READ_ONCE(c->vcpu), port);
	}
}

/* --- binding ---------------------------------------------------------------- */

int evtchn_alloc_unbound(struct domain *d, domid_t remote, uint32_t *port)
{
	struct evtchn *c;
	int rc;

	spin_lock(&d->event_lock);
	rc = port_alloc(d, port, &c);
	if (rc == 0) {
		c->what = remote;
		port_use(d, c, EVTCHNSTAT_unbound, 0);
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
	ret = port_alloc(d, port, &c);
	if (ret) {
		goto out;
	}
	rc = find(rd, remote_port);
	if (!rc || rc->state != EVTCHNSTAT_unbound || rc->what != d->id ||
	    rd->is_dying) {
		ret = -EINVAL;
		goto out;
	}
	c->remote = rd;
	c->remote_port = remote_port;
	port_use(d, c, EVTCHNSTAT_interdomain, 0);
	rc->remote = d;
	rc->remote_port = *port;
	rc->state = EVTCHNSTAT_interdomain;
	/* The other end may have rung before we were here. */
	set_pending(d, 0, *port);
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
	rc = port_alloc(d, port, &c);
	if (rc) {
		goto out;
	}
	c->what = (uint16_t)virq;
	port_use(d, c, EVTCHNSTAT_virq, vcpu);
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
	rc = port_alloc(d, port, &c);
	if (rc == 0) {
		port_use(d, c, EVTCHNSTAT_ipi, vcpu);
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
	rc = port_alloc(d, port, &c);
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
	port_use(d, c, EVTCHNSTAT_pirq, 0);
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
	c = find_used(d, port);
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

/* --- closing ------------------------------------------------------------------ */

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
	struct evtchn *rc = find(c->remote, c->remote_port);

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
		c = find(d, port);
		now = c && c->state == EVTCHNSTAT_interdomain ? c->remote :
								NULL;
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
	struct evtchn *c = find_used(d, port);
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
	port_free(d, c, port);
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

int evtchn_status(struct domain *d, struct evtchn_status *st)
{
	struct evtchn *c;

	if (st->port >= EVTCHN_PORTS) {
		return -EINVAL;
	}
	spin_lock(&d->event_lock);
	c = find(d, st->port);
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

/* --- audit ------------------------------------------------------------------- */

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
		rc = find(c->remote, c->remote_port);
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
		c = find_used(d, p);
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
			c = p ? find(d, p) : NULL;
			BUG_UNLESS(!p || (c->state == EVTCHNSTAT_virq &&
					  c->what == virq));
		}
	}
}
