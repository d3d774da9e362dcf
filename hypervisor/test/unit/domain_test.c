/* domain_test.c - birth, pauses, shutdown and death of domains. */
#include "test/unit/world.h"
#include "core/console.h"
#include "core/log.h"
#include "core/pvclock.h"
#include "hypercall/ctl.h"
#include "hypercall/domctl.h"

#include <stdlib.h>

/* What must be the same before and after a domain's whole life. */
struct books {
	uint64_t frames;
	long objects;
};

static struct books take_books(void)
{
	return (struct books){ heap_free_frames(), fake_objects_out() };
}

static void check_books(struct books b)
{
	CHECK_EQ(heap_free_frames(), b.frames);
	CHECK_EQ(fake_objects_out(), b.objects);
}

TEST(domain_create_survives_any_allocation_failure)
{
	struct books b = take_books();
	struct domain *d;
	long n;
	int rc;

	for (n = 0;; n++) {
		d = NULL;
		fake_fail_alloc_at(n);
		rc = world_try_domain(3, 40, &d);
		fake_fail_alloc_at(-1);
		if (rc == 0) {
			break;
		}
		CHECK_EQ(rc, -ENOMEM);
		if (d) {
			world_kill(d); /* died at one of its vCPUs */
		}
		CHECK(domain_get_by_id(3) == NULL);
		check_books(b);
	}
	CHECK(n > 40);
	world_kill(d);
	check_books(b);
}

/* A toolstack's way in: nothing of it may be left when the domain is gone. */
TEST(domain_made_by_domctl_leaves_nothing)
{
	struct books b = take_books();
	struct xen_domctl op = {
		.cmd = XEN_DOMCTL_createdomain,
		.domain = 9,
		.u.createdomain = {
			.max_vcpus = 1,
			.max_evtchn_port = -1,
			.max_grant_frames = 4,
			.max_maptrack_frames = 4,
			.grant_opts = XEN_DOMCTL_GRANT_version(1),
		},
	};
	struct hc hc = { 0 };
	struct domain *d;

	CHECK_EQ(domctl_createdomain(&hc, NULL, &op), 0);
	d = domain_get_by_id(9);
	CHECK(d != NULL && d->policy != NULL);
	domain_put(d);
	world_kill(d);
	check_books(b);
}

TEST(domain_ids_are_unique_and_ordered)
{
	struct domain *d, *x;

	world_domain(7, 1);
	world_domain(3, 1);
	d = world_domain(5, 1);
	CHECK_EQ(world_try_domain(5, 1, &x), -EEXIST);
	CHECK_EQ(world_try_domain(DOMID_MAX_GUEST + 1, 1, &x), -EINVAL);
	CHECK_EQ(world_try_domain(6, 0, &x), -EINVAL);
	CHECK_EQ(world_try_domain(6, MAX_VCPUS + 1, &x), -EINVAL);
	x = domain_get_next(4);
	CHECK(x == d);
	domain_put(x);
	x = domain_get_next(6);
	CHECK_EQ(x->id, 7);
	domain_put(x);
	CHECK(domain_get_next(8) == NULL);
	CHECK(domain_get_by_id(4) == NULL);
}

/* With memory, page tables, ports, a grant; interrupted wherever it can be. */
TEST(domain_kill_yields_anywhere_and_returns_all)
{
	struct books b = take_books();
	struct domain *d;
	uint32_t port;
	mfn_t m;
	long n;
	int i;

	for (n = 0;; n++) {
		d = world_domain(1, 2);
		for (i = 0; i < 40; i++) {
			CHECK_EQ(domain_frames_alloc(d, 0, 0, &m), 0);
			CHECK_EQ(evtchn_bind_ipi(d, 0, &port), 0);
		}
		CHECK_EQ(gnttab_grow(d, 2), 0);
		console_write(d, "half a line", 11);
		world_start(d);
		fake_yield_at(n);
		world_kill(d);
		check_books(b);
		if (!fake_yielded()) {
			break;
		}
	}
	CHECK(n > 10);
}

TEST(domain_outlives_its_end_while_referenced)
{
	struct books b = take_books();
	struct domain *d = world_domain(1, 1), *x;

	domain_get(d);
	world_kill(d);
	x = domain_get_by_id(1);
	CHECK(x == d && x->is_dying);
	CHECK_EQ(world_try_domain(1, 1, &x), -EEXIST);
	domain_put(d);
	domain_put(d);
	CHECK(domain_get_by_id(1) == NULL);
	check_books(b);
}

static struct domain *growing;

/* Another CPU of the toolstack's had begun to grow its table. */
static void grow_meanwhile(void)
{
	struct spinlock queue = growing->gnttab->lock;

	growing->gnttab->lock = (struct spinlock){ 0 };
	growing->is_dying = false;
	CHECK_EQ(gnttab_grow(growing, 1), 0);
	growing->is_dying = true;
	queue.owner++;
	growing->gnttab->lock = queue;
}

/* What is being given to it is there before it is taken away. */
TEST(domain_kill_waits_for_a_growing_grant_table)
{
	struct books b = take_books();

	growing = world_domain(1, 1);
	spin_lock(&growing->gnttab->lock);
	fake_relax_hook = grow_meanwhile;
	world_kill(growing);
	CHECK(!fake_relax_hook);
	check_books(b);
}

TEST(domain_pause_nests_and_waits)
{
	struct domain *d = world_domain(1, 2);

	world_start(d);
	CHECK(d->vcpu[0]->running && d->vcpu[1]->running);
	domain_pause(d);
	/* It has waited for the CPUs to let go of them. */
	CHECK(!sched_is_on_cpu(d->vcpu[1]));
	domain_pause(d);
	domain_unpause(d);
	fake_settle();
	CHECK(!d->vcpu[0]->running);
	domain_unpause(d);
	fake_settle();
	CHECK(d->vcpu[0]->running && d->vcpu[1]->running);
	/* The toolstack's pause does not nest. */
	domain_pause_by_controller(d);
	domain_pause_by_controller(d);
	CHECK_EQ(domain_unpause_by_controller(d), 0);
	CHECK_EQ(domain_unpause_by_controller(d), -EINVAL);
	CHECK_EQ(d->pause_count, 0);
	domain_audit(d);
	sched_audit();
}

/* libxc clears the shared page when it builds a guest, and that page is where
 * Linux learns the date: on 1970-01-01 no certificate is valid. */
TEST(domain_knows_the_date_when_it_starts)
{
	struct domain *dom0, *d;

	fake_reset();
	dom0 = world_domain(0, 1);
	port_set_wallclock(1795244565000000007ULL);
	d = world_domain(1, 1);
	memset(d->shared_info, 0, PAGE_SIZE);
	CHECK_EQ(domain_unpause_by_controller(d), 0);
	CHECK_EQ(d->shared_info->wc_sec, 1795244565);
	CHECK_EQ(d->shared_info->wc_nsec, 7);
	CHECK_EQ(d->shared_info->wc_version & 1, 0);
	world_kill(d);
	world_kill(dom0);
}

static struct domain *ending;

static void end_meanwhile(void)
{
	struct spinlock queue = ending->page_lock;

	ending->page_lock = (struct spinlock){ 0 };
	world_kill(ending);
	queue.owner++;
	ending->page_lock = queue;
}

/* Its shared page may be somebody else's by the time the date is written. */
TEST(domain_is_told_no_date_after_its_end)
{
	struct shared_info *page;

	ending = world_domain(1, 1);
	page = ending->shared_info;
	domain_get(ending);
	spin_lock(&ending->page_lock);
	fake_relax_hook = end_meanwhile;
	pvclock_publish_wallclock(ending);
	CHECK(!fake_relax_hook);
	CHECK(!ending->shared_info);
	CHECK_EQ(page->wc_version, 0);
	domain_put(ending);
}

static uint32_t reason_shown(struct domain *d)
{
	struct xen_domctl_getdomaininfo info;

	ctl_domain_info(d, &info);
	return info.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
}

TEST(domain_shutdown_tells_dom0_and_resumes)
{
	struct domain *dom0 = world_domain(0, 1), *d = world_domain(1, 2);
	uint32_t port;

	world_start(dom0);
	CHECK_EQ(evtchn_bind_virq(dom0, VIRQ_DOM_EXC, 0, &port), 0);
	world_start(d);
	CHECK_EQ(reason_shown(d), 255); /* as Xen says "none" */
	domain_shutdown(d, SHUTDOWN_suspend);
	domain_shutdown(d, SHUTDOWN_crash); /* the first reason counts */
	fake_settle();
	CHECK(!d->vcpu[0]->running && !d->vcpu[1]->running);
	CHECK_EQ(reason_shown(d), SHUTDOWN_suspend);
	CHECK(evtchn_is_pending(dom0, port));
	domain_audit(d);
	domain_resume(d);
	fake_settle();
	CHECK(d->vcpu[0]->running && !d->is_shut_down);
	CHECK_EQ(reason_shown(d), 255);
	CHECK_EQ(d->pause_count, 0);
	upcall_domain_crash(d, "a test");
	CHECK_EQ(d->shutdown_code, SHUTDOWN_crash);
}

TEST(domain_console_lines_are_prefixed_and_harmless)
{
	struct domain *dom0 = world_domain(0, 1), *d = world_domain(4, 1);

	console_write(d, "one\ntw", 6);
	CHECK(strstr(fake_console, "(XEN) d4 one\n") != NULL);
	CHECK(strstr(fake_console, "tw") == NULL);
	console_write(d, "o\x1b[2J\r\n", 7);
	CHECK(strstr(fake_console, "(XEN) d4 two[2J\n") != NULL);
	console_write(dom0, "raw\x1b", 4);
	CHECK(strstr(fake_console, "raw\x1b") != NULL);
}

TEST(domain_console_storm_is_cut)
{
	struct domain *d = world_domain(4, 1);
	int i;

	for (i = 0; i < 5000; i++) {
		console_write(d, "spam spam spam\n", 15);
	}
	CHECK(fake_console_len < 2000);
	fake_time += 10000000000ULL;
	console_write(d, "later\n", 6);
	CHECK(strstr(fake_console, "suppressed") != NULL);
	CHECK(strstr(fake_console, "d4 later") != NULL);
}

TEST(domain_console_input_goes_to_dom0)
{
	struct domain *dom0 = world_domain(0, 1);
	uint32_t port;
	char buf[8];

	CHECK_EQ(evtchn_bind_virq(dom0, VIRQ_CONSOLE, 0, &port), 0);
	fake_console_input("abcdef");
	upcall_console_input();
	CHECK(evtchn_is_pending(dom0, port));
	CHECK_EQ(console_read(buf, 4), 4);
	CHECK(memcmp(buf, "abcd", 4) == 0);
	CHECK_EQ(console_read(buf, 8), 2);
	CHECK_EQ(console_read(buf, 8), 0);
}

TEST(log_ring_keeps_the_last_bytes)
{
	char buf[LOG_RING_SIZE + 10];
	uint32_t pos = log_oldest(), i;
	size_t n;

	printk("first\n");
	n = log_read(&pos, buf, sizeof(buf));
	CHECK(n == 12 && memcmp(buf, "(XEN) first\n", 12) == 0);
	CHECK_EQ(log_read(&pos, buf, sizeof(buf)), 0);
	for (i = 0; i < 3000; i++) {
		printk("line %u\n", i);
	}
	/* Reads from before the oldest byte start at the oldest. */
	n = log_read(&pos, buf, sizeof(buf));
	CHECK_EQ(n, LOG_RING_SIZE);
	CHECK(memcmp(buf + n - 10, "line 2999\n", 10) == 0);
	log_clear();
	pos = 0; /* xl dmesg asks "incrementally" from there */
	CHECK_EQ(log_read(&pos, buf, sizeof(buf)), 0);
	log_set_levels(LOG_LEVEL_ERR, LOG_LEVEL_ERR);
	printk(LOG_WARN "not this\n");
	printk(LOG_ERR "but this\n");
	n = log_read(&pos, buf, sizeof(buf));
	CHECK(n == 15 && memcmp(buf, "(XEN) but this\n", 15) == 0);
}

/* As libxc saves and restores it: the size first, then image for image. */
TEST(domain_extended_state_of_a_vcpu)
{
	struct domain *dom0 = world_domain(0, 1), *a = world_domain(1, 1);
	struct hc hc = { .v = dom0->vcpu[0], .d = dom0 };
	struct xen_domctl op = { 0 };
	struct xen_domctl_vcpuextstate *e = &op.u.vcpuextstate;
	uint64_t *buf = fake_guest(0);

	world_start(dom0);
	fake_cpu = dom0->vcpu[0]->cpu;
	fake_pv.xcr0 = 7;
	memset(fake_pv.xstate, 0xa5, sizeof(fake_pv.xstate));
	CHECK_EQ(domctl_getvcpuextstate(&hc, a, &op), 0);
	CHECK_EQ(e->size, 16 + 832);
	CHECK_EQ(e->xfeature_mask, 7);
	e->buffer.p = (uint64_t *)fake_gva(0).v;
	e->size = 16 + 831;
	CHECK_EQ(domctl_getvcpuextstate(&hc, a, &op), -EINVAL);
	e->size = 16 + 832;
	CHECK_EQ(domctl_getvcpuextstate(&hc, a, &op), 0);
	CHECK_EQ(buf[0], 7);
	CHECK_EQ(buf[1], 7);
	CHECK_EQ(buf[105], 0xa5a5a5a5a5a5a5a5);
	memset(&fake_pv, 0, sizeof(fake_pv));
	CHECK_EQ(domctl_setvcpuextstate(&hc, a, &op), 0);
	CHECK_EQ(fake_pv.xcr0, 7);
	CHECK_EQ(fake_pv.xstate[831], 0xa5);
	/* Shorter than its features, longer than all, of nobody, unreadable. */
	e->size = 16 + 576;
	CHECK_EQ(domctl_setvcpuextstate(&hc, a, &op), -EINVAL);
	e->size = 16 + 833;
	CHECK_EQ(domctl_setvcpuextstate(&hc, a, &op), -EINVAL);
	e->size = 8;
	CHECK_EQ(domctl_setvcpuextstate(&hc, a, &op), -EINVAL);
	e->size = 16 + 832;
	buf[0] = 8;
	CHECK_EQ(domctl_setvcpuextstate(&hc, a, &op), -EINVAL);
	fake_guest_hole(0, true);
	CHECK_EQ(domctl_setvcpuextstate(&hc, a, &op), -EFAULT);
	CHECK_EQ(domctl_setvcpuextstate(&hc, dom0, &op), -EINVAL);
	e->vcpu = 1;
	CHECK_EQ(domctl_setvcpuextstate(&hc, a, &op), -ESRCH);
	CHECK_EQ(domctl_getvcpuextstate(&hc, a, &op), -ESRCH);
	/* A CPU without XSAVE has none. */
	e->vcpu = 0;
	fake_pv.no_xsave = true;
	CHECK_EQ(domctl_getvcpuextstate(&hc, a, &op), 0);
	CHECK_EQ(e->size, 0);
	CHECK_EQ(domctl_setvcpuextstate(&hc, a, &op), 0);
}
