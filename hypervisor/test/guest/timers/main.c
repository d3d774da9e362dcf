/*
 * timers: the guest's clock page and its two timers, blocking and polling.
 */
#include "guest.h"

const char guest_subject[] = "timers";

#define MS 1000000ul

static unsigned int ticks;
static uint64_t tick_time;
static unsigned int timer_port;

static void equal(const char *name, int64_t expected, int64_t got)
{
	VERDICT(name, expected == got, "expected %ld, got %ld", expected, got);
}

static bool on_event(struct trap_regs *r)
{
	struct vcpu_info *v = &shared_info->vcpu_info[0];

	(void)r;
	v->evtchn_upcall_pending = 0;
	v->evtchn_pending_sel = 0;
	if (__atomic_fetch_and(&shared_info->evtchn_pending[timer_port / 64],
			       ~(1ul << timer_port % 64), __ATOMIC_SEQ_CST) >>
		    (timer_port % 64) & 1) {
		ticks++;
		tick_time = guest_now();
	}
	return true;
}

static int block(void)
{
	return (int)hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_block, NULL);
}

/* Sleep until a tick has come; other wake-ups do not count. */
static void wait_tick(void)
{
	unsigned int before = ticks, i;

	for (i = 0; i < 50 && ticks == before; i++) {
		shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
		block();
	}
	shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
}

/* The periodic timer does not wake a blocked vCPU on genuine Xen. */
static void spin_tick(void)
{
	uint64_t end = guest_now() + 1000 * MS;
	unsigned int before = ticks;

	while (READ(ticks) == before && guest_now() < end) {
		shared_info->vcpu_info[0].evtchn_upcall_mask = 0;
		__asm__ volatile("" ::: "memory");
		hypercall2(__HYPERVISOR_xen_version, 0, 0);
	}
	shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
}

static int set_singleshot(uint64_t at, uint32_t flags)
{
	struct vcpu_set_singleshot_timer s = { .timeout_abs_ns = at,
					       .flags = flags };

	return (int)hypercall_vcpu(VCPUOP_set_singleshot_timer, 0, &s);
}

static void clock(void)
{
	uint64_t a = guest_now(), b, i, back = 0, secs;

	for (i = 0; i < 100000; i++) {
		b = guest_now();
		back += b < a;
		a = b;
	}
	equal("never-backwards", 0, (int64_t)back);
	secs = shared_info->wc_sec + guest_now() / 1000000000;
	VERDICT("wall-clock", secs > 1700000000ul && secs < 4000000000ul,
		"got %lu", secs);
	VERDICT("even-version",
		(shared_info->vcpu_info[0].time.version & 1) == 0, "odd");
	VERDICT("tsc-rate", shared_info->vcpu_info[0].time.tsc_to_system_mul,
		"multiplier is 0");
}

static void singleshot(void)
{
	uint64_t at;

	equal("stop-periodic", 0,
	      hypercall_vcpu(VCPUOP_stop_periodic_timer, 0, NULL));
	/* forget what came before: a vCPU starts with a period of 10 ms */
	shared_info->vcpu_info[0].evtchn_upcall_mask = 0;
	hypercall2(__HYPERVISOR_xen_version, 0, 0);
	shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
	ticks = 0;
	at = guest_now() + 20 * MS;
	equal("set", 0, set_singleshot(at, 0));
	wait_tick();
	equal("one-tick", 1, ticks);
	VERDICT("not-early", tick_time + MS / 10 >= at,
		"%lu ns before its time", at - tick_time);
	/* Generous: with QEMU on a busy machine, both hypervisors are late. */
	VERDICT("not-late", tick_time < at + 1000 * MS, "%lu ns late",
		tick_time - at);
	at = guest_now() + 30 * MS;
	set_singleshot(at, 0);
	equal("stop", 0,
	      hypercall_vcpu(VCPUOP_stop_singleshot_timer, 0, NULL));
	while (guest_now() < at + 10 * MS) {
	}
	equal("stopped-does-not-fire", 0,
	      shared_info->evtchn_pending[timer_port / 64] >>
			      (timer_port % 64) &
		      1);
	equal("past-is-taken", 0, set_singleshot(guest_now() - MS, 0));
	wait_tick();
	equal("past-fires-at-once", 2, ticks);
	equal("bad-vcpu", -2,
	      hypercall_vcpu(VCPUOP_stop_singleshot_timer, 500, NULL));
}

static void timer_op(void)
{
	uint64_t at = guest_now() + 10 * MS;

	equal("set-timer-op", 0, hypercall1(__HYPERVISOR_set_timer_op, at));
	wait_tick();
	equal("timer-op-fires", 3, ticks);
	VERDICT("timer-op-not-early", tick_time + MS / 10 >= at, "early");
	equal("timer-op-off", 0, hypercall1(__HYPERVISOR_set_timer_op, 0));
}

static void periodic(void)
{
	struct vcpu_set_periodic_timer p = { .period_ns = 10 * MS };
	uint64_t start = guest_now();
	unsigned int i;

	ticks = 0;
	equal("set-periodic", 0,
	      hypercall_vcpu(VCPUOP_set_periodic_timer, 0, &p));
	for (i = 0; i < 5; i++) {
		spin_tick();
	}
	VERDICT("five-periods", guest_now() - start >= 40 * MS, "%lu ns for 5 x 10 ms",
		guest_now() - start);
	equal("periodic-stop", 0,
	      hypercall_vcpu(VCPUOP_stop_periodic_timer, 0, NULL));
	p.period_ns = 1000;
	equal("period-too-short", -22,
	      hypercall_vcpu(VCPUOP_set_periodic_timer, 0, &p));
}

static void polling(void)
{
	struct evtchn_bind_ipi ipi = { .vcpu = 0 };
	struct sched_poll poll = { .nr_ports = 1 };
	evtchn_port_t port;
	uint64_t start;

	hypercall_op(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, &ipi);
	port = ipi.port;
	set_xen_guest_handle(poll.ports, &port);
	shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
	shared_info->vcpu_info[0].evtchn_upcall_pending = 0;
	start = guest_now();
	poll.timeout = start + 20 * MS;
	equal("poll-times-out", 0,
	      hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll));
	VERDICT("poll-took-its-time", guest_now() - start >= 19 * MS, "%lu ns",
		guest_now() - start);
	shared_info->evtchn_pending[port / 64] |= 1ul << (port % 64);
	poll.timeout = guest_now() + 1000 * MS;
	start = guest_now();
	equal("poll-pending", 0,
	      hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll));
	VERDICT("poll-pending-returns-at-once", guest_now() - start < 500 * MS,
		"%lu ns", guest_now() - start);
	poll.nr_ports = 200;
	equal("poll-too-many", -22,
	      hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll));
	port = 1u << 20;
	poll.nr_ports = 1;
	equal("poll-bad-port", -22,
	      hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll));
	equal("yield", 0,
	      hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL));
}

void guest_main(void)
{
	struct evtchn_bind_virq virq = { .virq = VIRQ_TIMER, .vcpu = 0 };
	struct vcpu_runstate_info rs;

	equal("map-shared-info", 0, guest_map_shared());
	event_hook = on_event;
	equal("bind-timer", 0,
	      hypercall_op(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq,
			   &virq));
	timer_port = virq.port;
	shared_info->evtchn_mask[timer_port / 64] &= ~(1ul << timer_port % 64);
	clock();
	singleshot();
	timer_op();
	periodic();
	polling();
	equal("runstate", 0,
	      hypercall_vcpu(VCPUOP_get_runstate_info, 0, &rs));
	equal("running", RUNSTATE_running, rs.state);
	VERDICT("was-blocked", rs.time[RUNSTATE_blocked] > 30 * MS,
		"%lu ns blocked", rs.time[RUNSTATE_blocked]);
}
