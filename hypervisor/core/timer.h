/*
 * timer.h - deadlines, one queue per physical CPU.
 *
 * A timer is idle or queued on one CPU.  The callback runs in softirq context
 * on that CPU, after the timer became idle (it may set itself again).
 * Deadlines are port_now() nanoseconds.
 */
#ifndef CORE_TIMER_H
#define CORE_TIMER_H

#include "include/types.h"

struct timer {
	uint64_t deadline;
	void (*fn)(void *arg);
	void *arg;
	uint32_t heap_index; /* 0: idle; else 1 + place in the queue */
	uint16_t cpu;
};

/* Per-CPU queues for CPUs 0..n-1; start-up, may be called once per CPU. */
int timer_cpu_init(unsigned int cpu);
void timer_init(struct timer *t, void (*fn)(void *), void *arg,
		unsigned int cpu);
/* (Re)arm; a deadline in the past fires as soon as softirqs run. */
void timer_set(struct timer *t, uint64_t deadline);
/* After return the callback is neither queued nor running. */
void timer_stop(struct timer *t);
void timer_migrate(struct timer *t, unsigned int cpu);
/* Run what is due on this CPU, re-arm the hardware.  From upcall_timer(). */
void timer_run(void);

#endif
