/* evtchn_test.c - event channels: every state, every refusal, random games. */
#include "test/unit/world.h"

#include <stdlib.h>

static struct domain *dom0, *a, *b;

static void setup(void)
{
	dom0 = world_domain(0, 2);
	a = world_domain(1, 2);
	b = world_domain(2, 2);
}

static bool pending(struct domain *d, uint32_t port)
{
	return evtchn_is_pending(d, port);
}

/* The guest's side of an upcall: which ports are due on v?  Takes one. */
static uint32_t take_event(struct vcpu *v)
{
	struct shared_info *s = v->domain->shared_info;
	unsigned long words, bits, w, p;

	v->info->evtchn_upcall_pending = 0;
	words = v->info->evtchn_pending_sel;
	for (; words; words &= words - 1) {
		w = (unsigned long)__builtin_ctzl(words);
		bits = s->evtchn_pending[w] & ~s->evtchn_mask[w];
		if (bits) {
			p = w * 64 + (unsigned long)__builtin_ctzl(bits);
			s->evtchn_pending[w] &= ~(1UL << (p % 64));
			v->info->evtchn_pending_sel = 0;
			return (uint32_t)p;
		}
	}
	v->info->evtchn_pending_sel = 0;
	return 0;
}

TEST(evtchn_interdomain_rings_both_ways)
{
	uint32_t pa, pb;

	setup();
	CHECK_EQ(evtchn_alloc_unbound(a, 2, &pa), 0);
	CHECK_EQ(evtchn_send(a, pa), 0); /* lost, not an error */
	CHECK_EQ(evtchn_bind_interdomain(b, a, pa, &pb), 0);
	/* The binder may have missed one: it gets it now. */
	CHECK_EQ(take_event(b->vcpu[0]), pb);
	CHECK_EQ(evtchn_send(a, pa), 0);
	CHECK(b->vcpu[0]->info->evtchn_upcall_pending);
	CHECK_EQ(take_event(b->vcpu[0]), pb);
	CHECK_EQ(evtchn_send(b, pb), 0);
	CHECK_EQ(take_event(a->vcpu[0]), pa);
	evtchn_audit(a);
	evtchn_audit(b);
	/* One end closes: the other waits again, for the same domain. */
	CHECK_EQ(evtchn_close(b, pb), 0);
	evtchn_audit(a);
	CHECK_EQ(evtchn_send(a, pa), 0);
	CHECK_EQ(evtchn_bind_interdomain(b, a, pa, &pb), 0);
	CHECK_EQ(evtchn_close(a, pa), 0);
	CHECK_EQ(evtchn_close(a, pa), -EINVAL);
	CHECK_EQ(evtchn_close(b, pb), 0);
}

TEST(evtchn_only_the_named_domain_binds)
{
	uint32_t pa, p;

	setup();
	CHECK_EQ(evtchn_alloc_unbound(a, 0, &pa), 0);
	CHECK_EQ(evtchn_bind_interdomain(b, a, pa, &p), -EINVAL);
	CHECK_EQ(evtchn_bind_interdomain(b, a, 0, &p), -EINVAL);
	CHECK_EQ(evtchn_bind_interdomain(b, a, 4096, &p), -EINVAL);
	CHECK_EQ(evtchn_bind_interdomain(b, a, ~0u, &p), -EINVAL);
	CHECK_EQ(evtchn_bind_interdomain(dom0, a, pa, &p), 0);
	CHECK_EQ(evtchn_bind_interdomain(dom0, a, pa, &p), -EINVAL);
	evtchn_audit(a);
	evtchn_audit(dom0);
}

TEST(evtchn_loopback_within_one_domain)
{
	uint32_t p1, p2;

	setup();
	CHECK_EQ(evtchn_alloc_unbound(a, 1, &p1), 0);
	CHECK_EQ(evtchn_bind_interdomain(a, a, p1, &p2), 0);
	take_event(a->vcpu[0]);
	CHECK_EQ(evtchn_send(a, p1), 0);
	CHECK_EQ(take_event(a->vcpu[0]), p2);
	evtchn_audit(a);
	CHECK_EQ(evtchn_close(a, p1), 0);
	evtchn_audit(a);
	CHECK_EQ(evtchn_close(a, p2), 0);
	CHECK_EQ(a->evtchn->used, 0);
}

TEST(evtchn_mask_holds_back_and_unmask_delivers)
{
	struct vcpu *v;
	uint32_t p;

	setup();
	v = a->vcpu[1];
	CHECK_EQ(evtchn_bind_ipi(a, 1, &p), 0);
	a->shared_info->evtchn_mask[0] = 1UL << p;
	CHECK_EQ(evtchn_send(a, p), 0);
	CHECK(pending(a, p));
	CHECK(!v->info->evtchn_upcall_pending);
	CHECK_EQ(v->info->evtchn_pending_sel, 0);
	CHECK_EQ(evtchn_unmask(a, p), 0);
	CHECK(v->info->evtchn_upcall_pending);
	CHECK_EQ(take_event(v), p);
	CHECK_EQ(evtchn_unmask(a, 77), -EINVAL);
	CHECK_EQ(evtchn_unmask(a, 5000), -EINVAL);
}

TEST(evtchn_virqs)
{
	uint32_t p, q;

	setup();
	CHECK_EQ(evtchn_bind_virq(a, VIRQ_TIMER, 1, &p), 0);
	CHECK_EQ(evtchn_bind_virq(a, VIRQ_TIMER, 1, &q), -EEXIST);
	CHECK_EQ(evtchn_bind_virq(a, VIRQ_TIMER, 2, &q), -ENOENT);
	CHECK_EQ(evtchn_bind_virq(a, VIRQ_DOM_EXC, 1, &q), -EINVAL);
	CHECK_EQ(evtchn_bind_virq(a, NR_VIRQS, 0, &q), -EINVAL);
	CHECK_EQ(evtchn_bind_virq(a, ~0u, 0, &q), -EINVAL);
	evtchn_raise_virq(a->vcpu[1], VIRQ_TIMER);
	CHECK_EQ(take_event(a->vcpu[1]), p);
	evtchn_raise_virq(a->vcpu[0], VIRQ_TIMER); /* unbound: nothing */
	CHECK(!a->vcpu[0]->info->evtchn_upcall_pending);
	/* Its vCPU is fixed; a global one's may be chosen. */
	CHECK_EQ(evtchn_bind_vcpu(a, p, 0), -EINVAL);
	CHECK_EQ(evtchn_bind_virq(a, VIRQ_CONSOLE, 0, &q), 0);
	CHECK_EQ(evtchn_bind_vcpu(a, q, 1), 0);
	evtchn_raise_domain_virq(a, VIRQ_CONSOLE);
	CHECK_EQ(take_event(a->vcpu[1]), q);
	evtchn_audit(a);
	CHECK_EQ(evtchn_close(a, p), 0);
	CHECK_EQ(evtchn_close(a, q), 0);
	evtchn_raise_domain_virq(a, VIRQ_CONSOLE);
	CHECK(!pending(a, q));
	CHECK_EQ(evtchn_bind_virq(a, VIRQ_TIMER, 1, &p), 0);
}

TEST(evtchn_pirqs_belong_to_dom0)
{
	uint32_t p, q;

	setup();
	CHECK_EQ(evtchn_bind_pirq(a, 9, false, &p), -EINVAL);
	CHECK_EQ(evtchn_bind_pirq(dom0, 9, false, &p), 0);
	CHECK_EQ(evtchn_bind_pirq(dom0, 9, false, &q), -EEXIST);
	CHECK_EQ(evtchn_bind_pirq(dom0, 1 << 20, false, &q), -EINVAL);
	upcall_pirq(dom0, 9);
	CHECK_EQ(take_event(dom0->vcpu[0]), p);
	CHECK_EQ(evtchn_bind_vcpu(dom0, p, 1), 0);
	upcall_pirq(dom0, 9);
	CHECK_EQ(take_event(dom0->vcpu[1]), p);
	upcall_pirq(dom0, 10);
	evtchn_audit(dom0);
	CHECK_EQ(evtchn_close(dom0, p), 0);
	CHECK_EQ(fake_pv.pirq_startup, 1);
	CHECK_EQ(fake_pv.pirq_shutdown, 1);
	upcall_pirq(dom0, 9);
	CHECK(!pending(dom0, p));
}

TEST(evtchn_table_fills_and_empties)
{
	uint32_t p, i, at = 0;

	setup();
	for (i = 1; i < EVTCHN_PORTS; i++) {
		CHECK_EQ(evtchn_bind_ipi(a, 0, &p), 0);
		CHECK_EQ(p, i);
	}
	CHECK_EQ(evtchn_bind_ipi(a, 0, &p), -ENOSPC);
	CHECK_EQ(evtchn_close(a, 100), 0);
	CHECK_EQ(evtchn_bind_ipi(a, 0, &p), 0);
	CHECK_EQ(p, 100);
	evtchn_audit(a);
	/* Yield wherever it can. */
	for (i = 0;; i++) {
		fake_yield_at(0);
		if (evtchn_close_all(a, &at) == 0) {
			break;
		}
		evtchn_audit(a);
	}
	CHECK(i > 10);
	CHECK_EQ(a->evtchn->used, 0);
}

TEST(evtchn_limit_of_the_toolstack)
{
	struct xen_domctl_createdomain cfg = { .max_vcpus = 1,
					       .max_evtchn_port = 3 };
	struct domain *d;
	uint32_t p;

	setup();
	CHECK_EQ(domain_create(9, &cfg, false, &d), 0);
	CHECK_EQ(vcpu_create(d, 0), 0);
	CHECK_EQ(evtchn_bind_ipi(d, 0, &p), 0);
	CHECK_EQ(evtchn_bind_ipi(d, 0, &p), 0);
	CHECK_EQ(evtchn_bind_ipi(d, 0, &p), 0);
	CHECK_EQ(p, 3);
	CHECK_EQ(evtchn_bind_ipi(d, 0, &p), -ENOSPC);
}

TEST(evtchn_wakes_blocked_and_polling)
{
	uint32_t p, q;
	struct vcpu *v;

	setup();
	world_start(a);
	v = a->vcpu[0];
	CHECK_EQ(evtchn_bind_ipi(a, 0, &p), 0);
	CHECK_EQ(evtchn_bind_ipi(a, 0, &q), 0);
	vcpu_block(v);
	fake_settle();
	CHECK(!v->running);
	CHECK_EQ(v->runstate.state, RUNSTATE_blocked);
	CHECK_EQ(evtchn_send(a, p), 0);
	fake_settle();
	CHECK(v->running);
	take_event(v);
	/* Polling wakes for its port, masked or not, and for no other. */
	a->shared_info->evtchn_mask[0] = ~0UL;
	vcpu_poll(v, q, 0);
	fake_settle();
	CHECK(!v->running);
	evtchn_send(a, p);
	fake_settle();
	CHECK(!v->running);
	evtchn_send(a, q);
	fake_settle();
	CHECK(v->running);
	/* And for its timeout. */
	a->shared_info->evtchn_pending[0] = 0;
	vcpu_poll(v, q, fake_time + 1000);
	fake_advance(900);
	CHECK(!v->running);
	fake_advance(200);
	CHECK(v->running);
}

TEST(evtchn_status_tells_all_states)
{
	struct evtchn_status st = { .port = 1 };
	uint32_t p, q;

	setup();
	CHECK_EQ(evtchn_status(a, &st), 0);
	CHECK_EQ(st.status, EVTCHNSTAT_closed);
	st.port = 4096;
	CHECK_EQ(evtchn_status(a, &st), -EINVAL);
	CHECK_EQ(evtchn_alloc_unbound(a, 2, &p), 0);
	st.port = p;
	CHECK_EQ(evtchn_status(a, &st), 0);
	CHECK_EQ(st.status, EVTCHNSTAT_unbound);
	CHECK_EQ(st.u.unbound.dom, 2);
	CHECK_EQ(evtchn_bind_interdomain(b, a, p, &q), 0);
	CHECK_EQ(evtchn_status(a, &st), 0);
	CHECK_EQ(st.status, EVTCHNSTAT_interdomain);
	CHECK_EQ(st.u.interdomain.dom, 2);
	CHECK_EQ(st.u.interdomain.port, q);
}

/* Whoever dies, the other end is told and nothing is left. */
TEST(evtchn_peer_dies)
{
	uint32_t p, q;

	setup();
	CHECK_EQ(evtchn_alloc_unbound(dom0, 1, &p), 0);
	CHECK_EQ(evtchn_bind_interdomain(a, dom0, p, &q), 0);
	world_kill(a);
	evtchn_audit(dom0);
	CHECK_EQ(evtchn_send(dom0, p), 0);
	CHECK(domain_get_by_id(1) == NULL);
	CHECK_EQ(evtchn_close(dom0, p), 0);
}

TEST(evtchn_random_games)
{
	struct domain *d[3], *x, *y;
	uint32_t port, step;

	setup();
	d[0] = dom0;
	d[1] = a;
	d[2] = b;
	srand(11);
	for (step = 0; step < 30000; step++) {
		x = d[rand() % 3];
		y = d[rand() % 3];
		port = (uint32_t)rand() % 24;
		fake_fail_alloc_at(rand() % 16 ? -1 : 0);
		switch (rand() % 11) {
		case 0:
			evtchn_alloc_unbound(x, y->id, &port);
			break;
		case 1:
		case 2:
			evtchn_bind_interdomain(x, y, port, &port);
			break;
		case 3:
			evtchn_bind_virq(x, (uint32_t)rand() % 26,
					 (uint32_t)rand() % 3, &port);
			break;
		case 4:
			evtchn_bind_ipi(x, (uint32_t)rand() % 3, &port);
			break;
		case 5:
			evtchn_bind_pirq(x, (uint32_t)rand() % 20, false,
					 &port);
			break;
		case 6:
		case 7:
			evtchn_close(x, port);
			break;
		case 8:
			evtchn_bind_vcpu(x, port, (uint32_t)rand() % 3);
			break;
		case 9:
			evtchn_unmask(x, port);
			break;
		default:
			evtchn_send(x, port);
			break;
		}
		if (step % 8 == 0) {
			evtchn_audit(dom0);
			evtchn_audit(a);
			evtchn_audit(b);
		}
	}
}
