/* event.c - event_channel_op: event channels for guests; see core/evtchn.h. */
#include "core/access.h"
#include "core/evtchn.h"
#include "hypercall/hc.h"

static long alloc_unbound(struct hc *hc, void *arg)
{
	struct evtchn_alloc_unbound *op = arg;
	domid_t remote = op->remote_dom;
	struct domain *d;
	long rc;

	/* The toolstack makes ports on a guest's behalf. */
	rc = access_get_domain(hc->d, op->dom, &d);
	if (rc) {
		return rc;
	}
	if (remote == DOMID_SELF) {
		remote = hc->d->id;
	}
	rc = evtchn_alloc_unbound(d, remote, &op->port);
	domain_put(d);
	return rc;
}

static long bind_interdomain(struct hc *hc, void *arg)
{
	struct evtchn_bind_interdomain *op = arg;
	domid_t remote = op->remote_dom;
	struct domain *rd;
	long rc;

	/* Any domain may be named: its port says who may bind to it. */
	rd = domain_get_by_id(remote == DOMID_SELF ? hc->d->id : remote);
	if (!rd) {
		return -ESRCH;
	}
	rc = evtchn_bind_interdomain(hc->d, rd, op->remote_port,
				     &op->local_port);
	domain_put(rd);
	return rc;
}

static long bind_virq(struct hc *hc, void *arg)
{
	struct evtchn_bind_virq *op = arg;

	return evtchn_bind_virq(hc->d, op->virq, op->vcpu, &op->port);
}

/*
 * Linux calls this for every vCPU it brings up, once per kind of IPI, so a
 * guest that fails here hangs at "Bringing up secondary CPUs".
 */
static long bind_ipi(struct hc *hc, void *arg)
{
	struct evtchn_bind_ipi *op = arg;

	return evtchn_bind_ipi(hc->d, op->vcpu, &op->port);
}

static long bind_pirq(struct hc *hc, void *arg)
{
	struct evtchn_bind_pirq *op = arg;

	return evtchn_bind_pirq(hc->d, op->pirq,
				op->flags & BIND_PIRQ__WILL_SHARE, &op->port);
}

static long close_port(struct hc *hc, void *arg)
{
	struct evtchn_close *op = arg;

	return evtchn_close(hc->d, op->port);
}

static long send(struct hc *hc, void *arg)
{
	struct evtchn_send *op = arg;

	return evtchn_send(hc->d, op->port);
}

static long status(struct hc *hc, void *arg)
{
	struct evtchn_status *op = arg;
	struct domain *d;
	long rc;

	rc = access_get_domain(hc->d, op->dom, &d);
	if (rc) {
		return rc;
	}
	rc = evtchn_status(d, op);
	domain_put(d);
	return rc;
}

static long bind_vcpu(struct hc *hc, void *arg)
{
	struct evtchn_bind_vcpu *op = arg;

	return evtchn_bind_vcpu(hc->d, op->port, op->vcpu);
}

static long unmask(struct hc *hc, void *arg)
{
	struct evtchn_unmask *op = arg;

	return evtchn_unmask(hc->d, op->port);
}

/*
 * Closing 4096 ports takes a while: an interrupted reset starts over, past
 * ports that are closed already, so no progress has to be kept.
 */
static long reset(struct hc *hc, void *arg)
{
	struct evtchn_reset *op = arg;
	uint32_t port = 0;
	struct domain *d;
	long rc;

	rc = access_get_domain(hc->d, op->dom, &d);
	if (rc) {
		return rc;
	}
	rc = evtchn_close_all(d, &port);
	domain_put(d);
	return rc;
}

#define OP(cmd, func, type, d)                                                 \
	[cmd] = { .fn = (func), .size = sizeof(struct evtchn_##type),          \
		  .dir = (d), .who = HC_ANY }

/* FIFO's init_control, expand_array and set_priority are -ENOSYS: Linux then
 * takes the 2-level interface. */
static const struct hc_op ops[] = {
	OP(EVTCHNOP_bind_interdomain, bind_interdomain, bind_interdomain,
	   HC_IN | HC_OUT),
	OP(EVTCHNOP_bind_virq, bind_virq, bind_virq, HC_IN | HC_OUT),
	OP(EVTCHNOP_bind_pirq, bind_pirq, bind_pirq, HC_IN | HC_OUT),
	OP(EVTCHNOP_close, close_port, close, HC_IN),
	OP(EVTCHNOP_send, send, send, HC_IN),
	OP(EVTCHNOP_status, status, status, HC_IN | HC_OUT),
	OP(EVTCHNOP_alloc_unbound, alloc_unbound, alloc_unbound,
	   HC_IN | HC_OUT),
	OP(EVTCHNOP_bind_ipi, bind_ipi, bind_ipi, HC_IN | HC_OUT),
	OP(EVTCHNOP_bind_vcpu, bind_vcpu, bind_vcpu, HC_IN),
	OP(EVTCHNOP_unmask, unmask, unmask, HC_IN),
	OP(EVTCHNOP_reset, reset, reset, HC_IN),
};

long hc_event_channel_op(struct hc *hc)
{
	return hc_call_op(hc, ops, ARRAY_SIZE(ops), (unsigned int)hc->arg[0],
			  GVA(hc->arg[1]));
}
