/*
 * sched.h - which vCPU runs where, and for how long.  See sched.c.
 *
 * Locks: one per CPU, each guarding its run queue and the `sched` part of
 * the vCPUs whose v->cpu it is.  Two are taken in CPU order.
 */
#ifndef CORE_SCHED_H
#define CORE_SCHED_H

#include "include/types.h"

struct domain;
struct vcpu;

#define SCHED_WEIGHT_DEFAULT 256
#define SCHED_WEIGHT_MAX     65535

void sched_domain_init(struct domain *d);
/* Its vCPUs no longer run. */
void sched_domain_fini(struct domain *d);
/* Choose a first CPU.  v starts asleep. */
void sched_vcpu_init(struct vcpu *v);
/* v no longer runs; take it off all queues. */
void sched_vcpu_fini(struct vcpu *v);

/* v may have become runnable / have ceased to be.  Any CPU. */
void sched_wake(struct vcpu *v);
void sched_sleep(struct vcpu *v);
/* The current v lets others of its CPU go first, once. */
void sched_yield(struct vcpu *v);

/* 0, -EINVAL: hard has no CPU that is online. */
int sched_set_affinity(struct vcpu *v, cpumask_t hard, cpumask_t soft);
/* weight 1..SCHED_WEIGHT_MAX, cap in per cent of a CPU or 0.  0, -EINVAL. */
int sched_set_params(struct domain *d, unsigned int weight, unsigned int cap);

/*
 * Whom this CPU wakes until it is set to false again is woken by what the
 * current vCPU says to another domain, and not by a timer or a device.
 */
void sched_set_notifying(bool on);
/*
 * How long a vCPU runs before one that it wakes so may preempt it, and the time
 * between two preemptions by whom timers and devices wake, in microseconds (0:
 * at once); `xl sched-credit2 -s -r`.  0, -EINVAL.
 */
unsigned int sched_get_ratelimit(void);
int sched_set_ratelimit(unsigned int us);

/* Nanoseconds v has spent on a CPU until now. */
uint64_t sched_runtime(struct vcpu *v);
/* Nanoseconds that `cpu` has had nothing to run. */
uint64_t sched_idle_time(unsigned int cpu);
/* Is v chosen by a CPU, or its state not yet saved? */
bool sched_is_on_cpu(const struct vcpu *v);
/* Whom `cpu` runs; NULL: idle.  May be old news at once. */
struct vcpu *sched_current(unsigned int cpu);

void sched_audit(void);

#endif
