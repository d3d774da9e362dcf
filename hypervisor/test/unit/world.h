/*
 * world.h - whole domains for tests: dom0 and guests as the toolstack makes
 * them, hypercalls as their vCPUs issue them, everything given back at the
 * end.
 */
#ifndef TEST_UNIT_WORLD_H
#define TEST_UNIT_WORLD_H

#include "core/domain.h"
#include "core/domain_frames.h"
#include "core/evtchn.h"
#include "core/gnttab.h"
#include "core/heap.h"
#include "core/ptype.h"
#include "core/sched.h"
#include "hypercall/hc.h"
#include "include/upcall.h"
#include "test/unit/test.h"

#include <string.h>

static inline int world_try_domain(domid_t id, unsigned int vcpus,
				   struct domain **out)
{
	struct xen_domctl_createdomain cfg = {
		.max_vcpus = vcpus,
		.max_evtchn_port = 4095,
		.max_grant_frames = 4,
		.max_maptrack_frames = 4,
	};
	unsigned int i;
	int rc = domain_create(id, &cfg, id == 0, out);

	if (rc) {
		return rc;
	}
	(*out)->max_pages = 2048;
	for (i = 0; i < vcpus; i++) {
		rc = vcpu_create(*out, i);
		if (rc) {
			return rc;
		}
		(*out)->vcpu[i]->initialised = true;
	}
	return 0;
}

static inline struct domain *world_domain(domid_t id, unsigned int vcpus)
{
	struct domain *d = NULL;

	CHECK_EQ(world_try_domain(id, vcpus, &d), 0);
	return d;
}

/* All its vCPUs up and running. */
static inline void world_start(struct domain *d)
{
	unsigned int i;

	for (i = 0; i < d->vcpu_count; i++) {
		vcpu_up(d->vcpu[i]);
	}
	domain_unpause_by_controller(d);
	fake_settle();
}

/* By a toolstack on the last CPU, which runs no guest of these tests. */
static inline void world_kill(struct domain *d)
{
	unsigned int self = fake_cpu;
	int rc;

	fake_cpu = FAKE_CPUS - 1;
	while ((rc = domain_kill(d)) == -ERESTART) {
	}
	CHECK_EQ(rc, 0);
	fake_cpu = self;
}

/*
 * v executes a hypercall through the dispatcher, again until it is through;
 * the guest's registers survive, as they do in a real one.
 */
static inline long world_call(struct vcpu *v, unsigned int nr, uint64_t a0,
			      uint64_t a1, uint64_t a2, uint64_t a3)
{
	struct cpu_user_regs *r = port_vcpu_regs(v);
	uint64_t rip = r->rip;
	unsigned int n;

	r->rdi = a0;
	r->rsi = a1;
	r->rdx = a2;
	r->r10 = a3;
	r->r8 = 0;
	for (n = 0; n < 100000; n++) {
		r->rax = nr;
		r->rip = rip + 2;
		upcall_hypercall(v, port_vcpu_regs(v));
		if (r->rip != rip) {
			r->rip = rip;
			return (long)r->rax;
		}
	}
	CHECK(!"a hypercall that ends");
	return 0;
}

#endif
