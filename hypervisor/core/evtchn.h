/*
 * evtchn.h - event channels: one-bit doorbells between domains and CPUs.
 *
 * A port indexes the owning domain's table and is in exactly one state:
 *
 *	CLOSED --alloc_unbound--> UNBOUND --bind_interdomain--> INTERDOMAIN
 *	       --bind_ipi-------> IPI         <--the other end closes--
 *	       --bind_virq------> VIRQ
 *	       --bind_pirq------> PIRQ	(close() returns any to CLOSED)
 *
 * The two ends of an INTERDOMAIN pair name each other.  Only the 2-level
 * interface of shared_info is offered; FIFO calls get -ENOSYS.
 *
 * Locking: each function takes d->event_lock itself; a pair is changed under
 * both domains' locks, the lower id first, so either lock alone keeps it.
 * v->virq_port[] is changed under event_lock and virq_lock, read under either.
 * Context: hypercall, timer or interrupt, never NMI.
 */
#ifndef CORE_EVTCHN_H
#define CORE_EVTCHN_H

#include "include/abi.h"
#include "include/types.h"

struct domain;
struct vcpu;

#define EVTCHN_PORTS	  4096u /* shared_info's 64 words of 64 bits */
#define EVTCHN_PER_BUCKET 128u

struct evtchn {
	struct domain *remote; /* INTERDOMAIN */
	uint32_t remote_port;  /* INTERDOMAIN */
	uint16_t what;	       /* UNBOUND: domid; PIRQ; VIRQ: number */
	uint16_t vcpu;	       /* whom to notify */
	uint8_t state;	       /* EVTCHNSTAT_* */
};

struct evtchn_table {
	struct evtchn *bucket[EVTCHN_PORTS / EVTCHN_PER_BUCKET];
	uint32_t lowest_free; /* no port below is free */
	uint32_t used;	      /* ports not CLOSED */
	uint32_t limit;	      /* ports it may have; <= EVTCHN_PORTS */
};

/* Ports up to max_port may be used.  0 or -ENOMEM. */
int evtchn_init(struct domain *d, uint32_t max_port);
/* All ports must be closed. */
void evtchn_fini(struct domain *d);
/*
 * Close every port from *port on, preemptibly: 0, or -ERESTART with *port
 * where to go on.  EVTCHNOP_reset and teardown.
 */
int evtchn_close_all(struct domain *d, uint32_t *port);

/*
 * Take the lowest free port; port 0 is never handed out.  All of these
 * return 0, -ENOSPC (table full), -ENOMEM, and:
 */
int evtchn_alloc_unbound(struct domain *d, domid_t remote, uint32_t *port);
/* -EINVAL: rd's port is not UNBOUND for d. */
int evtchn_bind_interdomain(struct domain *d, struct domain *rd,
			    uint32_t remote_port, uint32_t *port);
/* -EINVAL: no such VIRQ, or a global one not on vCPU 0; -ENOENT: no such
 * vCPU; -EEXIST: bound already. */
int evtchn_bind_virq(struct domain *d, uint32_t virq, uint32_t vcpu,
		     uint32_t *port);
/* -ENOENT: no such vCPU. */
int evtchn_bind_ipi(struct domain *d, uint32_t vcpu, uint32_t *port);
/* As pirq_bind(). */
int evtchn_bind_pirq(struct domain *d, uint32_t pirq, bool shareable,
		     uint32_t *port);

/* -EINVAL: not a port in use. */
int evtchn_close(struct domain *d, uint32_t port);
/* Ring it: 0 (also when the other end is not there), -EINVAL. */
int evtchn_send(struct domain *d, uint32_t port);
/* -EINVAL: not a port; its kind stays with its vCPU; -ENOENT: no vCPU. */
int evtchn_bind_vcpu(struct domain *d, uint32_t port, uint32_t vcpu);
/* Clear the mask, deliver what waited for it.  -EINVAL: not a port. */
int evtchn_unmask(struct domain *d, uint32_t port);
/* Fill *st for st->port of d.  -EINVAL: not a port. */
int evtchn_status(struct domain *d, struct evtchn_status *st);

bool evtchn_virq_is_global(uint32_t virq);
/* A VIRQ for v; a global one for whom d bound it.  Unbound: nothing. */
void evtchn_raise_virq(struct vcpu *v, uint32_t virq);
void evtchn_raise_domain_virq(struct domain *d, uint32_t virq);

/* Is the port pending in shared_info?  For SCHEDOP_poll; any port number. */
bool evtchn_is_pending(const struct domain *d, uint32_t port);

/* Assert every invariant above; tests call it after each step. */
void evtchn_audit(struct domain *d);

#endif
