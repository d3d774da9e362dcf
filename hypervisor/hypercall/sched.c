/* sched.c - sched_op: yield, block, poll, shut down, watchdog. */
#include "core/sched.h"
#include "core/access.h"
#include "core/evtchn.h"
#include "hypercall/hc.h"

#define POLL_PORTS_MAX 128
#define NS_PER_S       1000000000ULL

static long yield(struct hc *hc, void *arg)
{
	(void)arg;
	sched_yield(hc->v);
	return 0;
}

static long block(struct hc *hc, void *arg)
{
	(void)arg;
	vcpu_block(hc->v);
	return 0;
}

/*
 * A suspend is a shutdown that may be resumed: the call then returns 0, or
 * the 1 that the toolstack puts into the saved registers.
 */
static long shut_down(struct hc *hc, void *arg)
{
	struct sched_shutdown *op = arg;

	if (op->reason > SHUTDOWN_MAX) {
		return -EINVAL;
	}
	domain_shutdown(hc->d, (uint8_t)op->reason);
	return 0;
}

/* Latch a reason without stopping: the guest is about to crash itself. */
static long shutdown_code(struct hc *hc, void *arg)
{
	struct sched_shutdown *op = arg;

	if (op->reason > SHUTDOWN_MAX) {
		return -EINVAL;
	}
	hc->d->shutdown_code = (uint8_t)op->reason;
	return 0;
}

static bool any_pending(const struct domain *d, const evtchn_port_t *ports,
			unsigned int n)
{
	while (n--) {
		if (evtchn_is_pending(d, ports[n])) {
			return true;
		}
	}
	return false;
}

static long poll(struct hc *hc, void *arg)
{
	struct sched_poll *op = arg;
	evtchn_port_t ports[POLL_PORTS_MAX];
	unsigned int i;

	if (op->nr_ports > POLL_PORTS_MAX) {
		return -EINVAL;
	}
	if (port_copy_from_guest(ports, GVA_OF(op->ports),
				 op->nr_ports * sizeof(ports[0]))) {
		return -EFAULT;
	}
	for (i = 0; i < op->nr_ports; i++) {
		if (ports[i] >= EVTCHN_PORTS) {
			return -EINVAL;
		}
	}
	if (any_pending(hc->d, ports, op->nr_ports)) {
		return 0;
	}
	vcpu_poll(hc->v, op->nr_ports == 1 ? ports[0] : 0, op->timeout);
	/* Rung before we were on the list of pollers: nobody woke us. */
	if (any_pending(hc->d, ports, op->nr_ports) ||
	    (op->timeout && op->timeout <= port_now())) {
		vcpu_end_poll(hc->v);
	}
	return 0;
}

static long remote_shutdown(struct hc *hc, void *arg)
{
	struct sched_remote_shutdown *op = arg;
	struct domain *d;
	long rc;

	if (op->reason > SHUTDOWN_MAX) {
		return -EINVAL;
	}
	rc = access_get_domain(hc->d, op->domain_id, &d);
	if (rc) {
		return rc;
	}
	domain_shutdown(d, (uint8_t)op->reason);
	domain_put(d);
	return 0;
}

/* id 0: a new one; its number is returned.  timeout 0: stop it. */
static long watchdog(struct hc *hc, void *arg)
{
	struct sched_watchdog *op = arg;
	struct domain *d = hc->d;
	uint32_t id = op->id;
	long rc = 0;

	if (id > DOMAIN_WATCHDOGS) {
		return -EINVAL;
	}
	spin_lock(&d->page_lock);
	if (id == 0) {
		if (op->timeout == 0) {
			rc = -EINVAL;
			goto out;
		}
		while (id < DOMAIN_WATCHDOGS && d->watchdog_used >> id & 1) {
			id++;
		}
		if (id++ == DOMAIN_WATCHDOGS) {
			rc = -ENOSPC;
			goto out;
		}
		d->watchdog_used |= 1u << (id - 1);
		rc = id;
	} else if (!(d->watchdog_used >> (id - 1) & 1)) {
		rc = -EINVAL;
		goto out;
	}
	if (op->timeout) {
		timer_set(&d->watchdog[id - 1],
			  port_now() + op->timeout * NS_PER_S);
	} else {
		d->watchdog_used &= ~(1u << (id - 1));
		timer_stop(&d->watchdog[id - 1]);
	}
out:
	spin_unlock(&d->page_lock);
	return rc;
}

#define OP(cmd, func, bytes, w)                                                \
	[cmd] = { .fn = (func), .size = (bytes), .dir = HC_IN, .who = (w) }

static const struct hc_op ops[] = {
	OP(SCHEDOP_yield, yield, 0, HC_ANY),
	OP(SCHEDOP_block, block, 0, HC_ANY),
	OP(SCHEDOP_shutdown, shut_down, sizeof(struct sched_shutdown), HC_ANY),
	OP(SCHEDOP_poll, poll, sizeof(struct sched_poll), HC_ANY),
	OP(SCHEDOP_remote_shutdown, remote_shutdown,
	   sizeof(struct sched_remote_shutdown), HC_DOM0),
	OP(SCHEDOP_shutdown_code, shutdown_code, sizeof(struct sched_shutdown),
	   HC_ANY),
	OP(SCHEDOP_watchdog, watchdog, sizeof(struct sched_watchdog), HC_ANY),
};

long hc_sched_op(struct hc *hc)
{
	return hc_call_op(hc, ops, ARRAY_SIZE(ops), (unsigned int)hc->arg[0],
			  GVA(hc->arg[1]));
}
