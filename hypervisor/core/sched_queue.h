/*
 * sched_queue.h - the CPUs' run queues: what sched.c, which chooses, and
 * sched_ctl.c, which is asked and told, share.  See sched.c.
 */
#ifndef CORE_SCHED_QUEUE_H
#define CORE_SCHED_QUEUE_H

#include "core/credit.h"
#include "core/timer.h"
#include "core/vcpu.h"
#include "include/compiler.h"
#include "include/port.h"
#include "lib/list.h"
#include "lib/spinlock.h"

/* Room below the first clock for those behind it. */
#define CLOCK_START (1ULL << 40)
#define NOBODY	    (~0ULL)

struct sched_cpu {
	struct spinlock lock;
	struct list_head queue; /* by virtual time; NULL next: not set up */
	unsigned int queued;
	struct vcpu *curr;
	uint64_t clock;
	uint64_t steal_vtime; /* of the first that may move; or NOBODY */
	uint64_t curr_vtime;  /* curr's when it was chosen */
	uint64_t chosen_at;   /* port_now() then */
	uint64_t pushed_at;   /* when a waker last took it from curr, or will */
	struct timer slice;
	uint64_t idle_since; /* port_now(), while curr == NULL */
	uint64_t idle_ns;
	bool resched;	/* the choice has to be made again */
	bool notifying; /* curr wakes another domain: this CPU's own word */
} __aligned(64);

extern struct sched_cpu sched_cpus[MAX_CPUS];
extern uint32_t sched_waiting; /* queued vCPUs that may move; atomic */
extern uint64_t sched_ratelimit_ns; /* see is_limited() in sched.c */

static inline unsigned int queue_number(const struct sched_cpu *c)
{
	return (unsigned int)(c - sched_cpus);
}

static inline struct vcpu *queue_unit(struct list_head *pos)
{
	return container_of(pos, struct vcpu, sched.run_node);
}

static inline struct vcpu *queue_first(struct sched_cpu *c)
{
	return list_empty(&c->queue) ? NULL : queue_unit(c->queue.next);
}

/* Where v may run: never empty. */
cpumask_t queue_allowed(const struct vcpu *v);
/* Lock the queue of v->cpu, which changes only under that lock. */
struct sched_cpu *queue_lock_of(struct vcpu *v);
void queue_setup(struct sched_cpu *c);
/* The lock is held for all of these. */
void queue_add(struct sched_cpu *c, struct vcpu *v);
void queue_remove(struct sched_cpu *c, struct vcpu *v);
/*
 * Take over a vCPU that waits for another CPU and is due before `limit`
 * (NOBODY: any); NULL: there is none, or its queue is busy.  Locks by itself;
 * the caller holds at most its own CPU's lock.
 */
struct vcpu *queue_steal(unsigned int self, uint64_t limit);
/* Debit curr up to now, and let the clock follow. */
void queue_account(struct sched_cpu *c, uint64_t now);
/* Make that CPU choose again soon. */
void queue_resched(struct sched_cpu *c);

#endif
