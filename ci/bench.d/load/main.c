/*
 * load: a guest that does nothing but need a CPU, for ci/bench.d/shares.sh.
 *
 * Its command line says how:
 *	busy	spins; every second of the TSC prints
 *		"LOAD second rounds", the rounds of ROUND instructions it did
 *	io	sleeps until a timer, works for WORK_NS, sleeps again, and
 *		prints "WAKE ns" for how late after the timer it ran, each time
 *	call	prints "CALL ns" of an empty hypercall, then sleeps
 *	yield	gives up the CPU again and again
 *	switch	the same; prints "SWITCH ns", half of what it costs to be back:
 *		beside one that yields, a hypercall and a switch of vCPUs
 */
#include "guest.h"
#include "rounds.h"

const char guest_subject[] = "load";

#define SECOND	1000000000ul
#define SLEEP_NS 7000000ul
#define WORK_NS 200000ul
#define WAKES	300
#define CALLS	20000u

/* The system's time in ns: the same in all guests. */
static uint64_t now(void)
{
	volatile struct vcpu_time_info *t = &shared_info->vcpu_info[0].time;
	uint32_t version;
	uint64_t delta, ns;

	do {
		version = t->version;
		__asm__ volatile("" ::: "memory");
		delta = rdtsc() - t->tsc_timestamp;
		delta = t->tsc_shift < 0 ? delta >> -t->tsc_shift :
					   delta << t->tsc_shift;
		ns = t->system_time +
		     (uint64_t)((unsigned __int128)delta *
					t->tsc_to_system_mul >>
				32);
		__asm__ volatile("" ::: "memory");
	} while ((version & 1) || version != t->version);
	return ns;
}

static void busy(void)
{
	uint64_t second = rdtsc() / TSC_SECOND, was, rounds;

	for (;;) {
		was = second;
		rounds = spin_second(&second);
		guest_printf("LOAD %lu %lu\n", was, rounds);
	}
}

static bool on_event(struct trap_regs *r)
{
	struct vcpu_info *v = &shared_info->vcpu_info[0];
	unsigned int i;

	(void)r;
	v->evtchn_upcall_pending = 0;
	v->evtchn_pending_sel = 0;
	for (i = 0; i < 64; i++) {
		__atomic_store_n(&shared_info->evtchn_pending[i], 0,
				 __ATOMIC_SEQ_CST);
	}
	return true;
}

static void block_until(uint64_t deadline)
{
	struct vcpu_set_singleshot_timer s = { .timeout_abs_ns = deadline };

	hypercall_vcpu(VCPUOP_set_singleshot_timer, 0, &s);
	while (now() < deadline) {
		hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_block, NULL);
	}
}

static void io(void)
{
	struct evtchn_bind_virq bind = { .virq = VIRQ_TIMER };
	static uint32_t late[WAKES];
	uint64_t deadline, end;
	unsigned int i;

	hypercall_op(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, &bind);
	shared_info->evtchn_mask[bind.port / 64] &= ~(1ul << bind.port % 64);
	block_until(now() + 2 * SECOND); /* until the others are up */
	for (i = 0; i < WAKES; i++) {
		deadline = now() + SLEEP_NS;
		block_until(deadline);
		end = now();
		late[i] = (uint32_t)(end - deadline);
		end += WORK_NS;
		while (now() < end) {
			spin_round();
		}
	}
	for (i = 0; i < WAKES; i++) {
		guest_printf("WAKE %u\n", late[i]);
	}
}

static void call(void)
{
	uint64_t t = now();
	unsigned int i;

	for (i = 0; i < CALLS; i++) {
		hypercall2(__HYPERVISOR_xen_version, XENVER_version, 0);
	}
	guest_printf("CALL %lu\n", (now() - t) / CALLS);
}

static void yield(unsigned int times)
{
	unsigned int i;

	for (i = 0; i < times; i++) {
		hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
	}
}

static void switch_cost(void)
{
	uint64_t t;

	yield(CALLS / 10); /* until both are here */
	t = now();
	yield(CALLS);
	guest_printf("SWITCH %lu\n", (now() - t) / (2 * CALLS));
}

void guest_main(void)
{
	const char *how = (const char *)start_info->cmd_line;

	if (guest_map_shared()) {
		return;
	}
	/* Who blocks is open to events, also to those that nobody asked for. */
	event_hook = on_event;
	if (!strcmp(how, "busy")) {
		busy();
	} else if (!strcmp(how, "io")) {
		io();
	} else if (!strcmp(how, "yield")) {
		for (;;) {
			yield(CALLS);
		}
	} else if (!strcmp(how, "switch")) {
		switch_cost();
	} else {
		call();
	}
	guest_printf("LOAD-END\n");
	for (;;) {
		hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_block, NULL);
	}
}
