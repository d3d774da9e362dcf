/*
 * clock.c - time and CPUs of the fake machine: what x86/exit.c does, on a
 * clock that jumps from one deadline to the next.
 */
#include "test/fake/fake.h"
#include "core/domain.h"
#include "include/log.h"
#include "include/upcall.h"

#include <string.h>

struct vcpu *fake_current[MAX_CPUS];
void (*fake_switch_hook)(unsigned int cpu, struct vcpu *next);
void (*fake_relax_hook)(void);

void fake_clock_reset(void); /* machine.c calls it in fake_reset() */

void fake_clock_reset(void)
{
	unsigned int cpu;

	memset(fake_current, 0, sizeof(fake_current));
	fake_switch_hook = NULL;
	fake_relax_hook = NULL;
	/* A CPU that comes up asks the scheduler for work. */
	for (cpu = 0; cpu < MAX_CPUS; cpu++) {
		fake_kicks[cpu] = 1;
	}
}

static void schedule_on(unsigned int cpu)
{
	struct vcpu *prev = fake_current[cpu], *next;

	fake_cpu = cpu;
	next = upcall_schedule();
	if (next == prev) {
		return;
	}
	if (prev) {
		prev->running = false;
	}
	fake_current[cpu] = next;
	if (next) {
		next->running = true;
	}
	upcall_switched(prev);
	if (fake_switch_hook) {
		fake_switch_hook(cpu, next);
	}
}

static bool settle_once(unsigned int except)
{
	cpumask_t left = port_cpus_online();
	unsigned int self = fake_cpu, cpu;
	bool any = false;

	for (; left; left &= left - 1) {
		cpu = (unsigned int)__builtin_ctzll(left);
		if (cpu != except && fake_kicks[cpu]) {
			fake_kicks[cpu] = 0;
			schedule_on(cpu);
			any = true;
		}
	}
	fake_cpu = self;
	return any;
}

void fake_settle(void)
{
	unsigned int rounds = 0;

	while (settle_once(~0u)) {
		if (++rounds > 10000) {
			port_panic("CPUs kick each other for ever");
		}
	}
}

/* One CPU waits: the others go on meanwhile. */
void port_relax(void)
{
	void (*hook)(void) = fake_relax_hook;

	if (hook) {
		fake_relax_hook = NULL;
		hook();
		return;
	}
	if (!settle_once(fake_cpu)) {
		port_panic("a lock is held by its own taker, or a wait "
			   "cannot end");
	}
}

/* The CPU whose deadline is the next, not after `end`; or -1. */
static int next_deadline(uint64_t end)
{
	cpumask_t left = port_cpus_online();
	int best = -1;

	for (; left; left &= left - 1) {
		int cpu = __builtin_ctzll(left);

		if (fake_deadline[cpu] && fake_deadline[cpu] <= end &&
		    (best < 0 || fake_deadline[cpu] < fake_deadline[best])) {
			best = cpu;
		}
	}
	return best;
}

void fake_advance(uint64_t ns)
{
	uint64_t end = fake_time + ns;
	unsigned int self = fake_cpu;
	int cpu;

	fake_settle();
	while ((cpu = next_deadline(end)) >= 0) {
		fake_time = MAX(fake_time, fake_deadline[cpu]);
		fake_deadline[cpu] = 0;
		fake_cpu = (unsigned int)cpu;
		upcall_timer();
		schedule_on((unsigned int)cpu);
		fake_settle();
	}
	fake_time = end;
	fake_cpu = self;
}
