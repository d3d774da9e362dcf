/*
 * timer.h - deadlines, one queue per physical CPU.
 *
 * A timer is idle or queued on one CPU.  The callback runs in softirq context
 * on that CPU, after the timer became idle (it may set itself again).
 * Deadlines are port_now() nanoseconds.  A zeroed queue is an empty one, so
 * there is nothing to initialise per CPU.
 */
#ifndef CORE_TIMER_H
#define CORE_TIMER_H

#include "include/types.h"

struct timer {
	uint64_t deadline;
	void (*fn)(void *arg);
	void *arg;
	/* Place in its CPU's pairing heap; timer.c's own. */
	struct timer *child, *next, *prev;
	bool queued;
	uint16_t cpu;
};

void timer_init(struct timer *t, void (*fn)(void *), void *arg,
		unsigned int cpu);
/* (Re)arm; a deadline in the past fires as soon as softirqs run. */
void timer_set(struct timer *t, uint64_t deadline);
/* After return the callback is neither queued nor running. */
void timer_stop(struct timer *t);
void timer_migrate(struct timer *t, unsigned int cpu);
/* Run what is due on this CPU, re-arm the hardware.  From upcall_timer(). */
void timer_run(void);
/* Another CPU queued something here: re-arm.  From upcall_schedule(). */
void timer_rearm(void);

#endif
