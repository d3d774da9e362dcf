/* evtchn.c - ringing: see evtchn.h. */
#include "core/evtchn_table.h"
#include "core/pirq.h"
#include "core/sched.h"
#include "include/errno.h"
#include "include/port.h"
#include "include/upcall.h"

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
void evtchn_set_pending(struct domain *d, uint32_t vcpu, uint32_t port)
{
	struct shared_info *s = d->shared_info;
	struct vcpu *v = d->vcpu[vcpu];
	unsigned long bit = 1UL << (port % 64), word = port / 64;

	if (__atomic_fetch_or(&s->evtchn_pending[word], bit, __ATOMIC_SEQ_CST) &
	    bit) {
		return;
	}
	if (!v) {
		return; /* the toolstack has not made its vCPUs yet */
	}
	if (!(__atomic_load_n(&s->evtchn_mask[word], __ATOMIC_SEQ_CST) & bit) &&
	    !(__atomic_fetch_or(&v->info->evtchn_pending_sel, 1UL << word,
				__ATOMIC_SEQ_CST) &
	      (1UL << word))) {
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
			       __ATOMIC_SEQ_CST) >>
		       (port % 64) &
	       1;
}

int evtchn_send(struct domain *d, uint32_t port)
{
	struct evtchn *c, *rc;
	int ret = 0;

	spin_lock(&d->event_lock);
	c = evtchn_find(d, port);
	if (!c) {
		ret = -EINVAL;
		goto out;
	}
	switch (c->state) {
	case EVTCHNSTAT_interdomain:
		/* Our lock keeps the pair, so remote and its port stand. */
		rc = evtchn_find(c->remote, c->remote_port);
		sched_set_notifying(true);
		evtchn_set_pending(c->remote, READ_ONCE(rc->vcpu),
				   c->remote_port);
		sched_set_notifying(false);
		break;
	case EVTCHNSTAT_ipi:
		evtchn_set_pending(d, c->vcpu, port);
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
	c = evtchn_find_used(d, port);
	if (!c) {
		spin_unlock(&d->event_lock);
		return -EINVAL;
	}
	v = d->vcpu[c->vcpu];
	if (v &&
	    (__atomic_fetch_and(&s->evtchn_mask[word], ~bit, __ATOMIC_SEQ_CST) &
	     bit) &&
	    (__atomic_load_n(&s->evtchn_pending[word], __ATOMIC_SEQ_CST) &
	     bit) &&
	    !(__atomic_fetch_or(&v->info->evtchn_pending_sel, 1UL << word,
				__ATOMIC_SEQ_CST) &
	      (1UL << word))) {
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
		c = evtchn_find(d, port);
		evtchn_set_pending(d, READ_ONCE(c->vcpu), port);
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
	struct evtchn *c = port ? evtchn_find(d, port) : NULL;

	if (c) {
		evtchn_set_pending(d, READ_ONCE(c->vcpu), port);
	}
}
