/*
 * sched.c - proportional shares by virtual time.
 *
 * Every runnable vCPU has a virtual time: nanoseconds it has run, scaled by
 * SCHED_WEIGHT_DEFAULT / weight.  A CPU runs the one of its queue whose
 * virtual time is least, for at most a slice, so the shares of vCPUs that
 * stay runnable follow their weights.  All time is debited by timestamps:
 * there is no tick that a guest could sleep through.
 *
 * A sleeper wakes with its own virtual time, but not more than WAKE_CREDIT_NS
 * behind the queue's clock, so that it gets the CPU at once if it has used
 * less than its share, yet cannot save up time.
 *
 * A queue's clock never runs backwards: it follows the least virtual time
 * among the running vCPU and the queued ones.  Virtual times are relative to
 * the clock of the CPU they are queued on; a vCPU that moves keeps its
 * distance from the clock.
 *
 * States of a vCPU:
 *	asleep	 not queued, not running
 *	queued	 on the run queue of v->cpu
 *	running	 sched_cpu.curr of v->cpu; never queued
 * v->running is x86's: set from loading a vCPU's registers until they are
 * saved again, so a vCPU that was just preempted is still running.  Nobody
 * else is given such a one, but should it happen, x86 waits.
 *
 * With nothing queued there is no slice timer: one vCPU alone runs tickless.
 */
#include "core/sched.h"
#include "core/domain.h"
#include "core/pvclock.h"
#include "core/timer.h"
#include "core/vcpu.h"
#include "include/compiler.h"
#include "include/errno.h"
#include "include/log.h"
#include "include/port.h"
#include "include/upcall.h"
#include "lib/list.h"

#define SLICE_NS	5000000ULL
#define WAKE_CREDIT_NS	1000000ULL
/* A woken vCPU preempts only if it is this far ahead. */
#define WAKE_MARGIN_NS	100000ULL
/* Room below the first clock for those behind it. */
#define CLOCK_START	(1ULL << 40)

static struct sched_cpu {
	struct spinlock lock;
	struct list_head queue; /* by virtual time; NULL next: not set up */
	unsigned int queued;
	struct vcpu *curr;
	uint64_t clock;	      /* virtual */
	uint64_t slice_end;   /* 0: curr may run on */
	uint64_t chosen_at;   /* when curr was put on the CPU */
	struct timer slice;
	uint64_t idle_since; /* port_now(), while curr == NULL */
	uint64_t idle_ns;
	bool resched; /* the choice has to be made again */
} __aligned(64) cpus[MAX_CPUS];

/* A vCPU that has just got a CPU keeps it for so long. */
static uint64_t ratelimit_ns;
#define RATELIMIT_MAX_US 500000u

/* --- locking ------------------------------------------------------------- */

static struct sched_cpu *lock_of(struct vcpu *v)
{
	struct sched_cpu *c;
	unsigned int cpu;

	for (;;) {
		cpu = __atomic_load_n(&v->cpu, __ATOMIC_RELAXED);
		c = &cpus[cpu];
		spin_lock(&c->lock);
		if (v->cpu == cpu) {
			return c;
		}
		spin_unlock(&c->lock);
	}
}

static void cpu_setup(struct sched_cpu *c)
{
	if (!c->queue.next) {
		list_init(&c->queue);
		c->clock = CLOCK_START;
		c->idle_since = port_now();
	}
}

static struct vcpu *first(struct sched_cpu *c)
{
	return list_empty(&c->queue) ?
		       NULL :
		       container_of(c->queue.next, struct vcpu, sched.run_node);
}

/* --- virtual time ---------------------------------------------------------- */

static uint64_t scale(const struct vcpu *v, uint64_t ns)
{
	return ns * SCHED_WEIGHT_DEFAULT / v->domain->sched.weight;
}

/* Debit curr for the time since it was last looked at. */
static void account(struct sched_cpu *c, uint64_t now)
{
	struct vcpu *v = c->curr, *head = first(c);
	uint64_t least;

	if (v) {
		v->sched.vtime += scale(v, now - v->sched.last_start);
		v->sched.runtime_ns += now - v->sched.last_start;
		v->sched.last_start = now;
	}
	if (!v && !head) {
		return;
	}
	least = v ? v->sched.vtime : head->sched.vtime;
	if (v && head) {
		least = MIN(least, head->sched.vtime);
	}
	c->clock = MAX(c->clock, least);
}

static void enqueue(struct sched_cpu *c, struct vcpu *v)
{
	struct list_head *pos = c->queue.prev;

	/* From the back: a vCPU that has just run belongs there. */
	while (pos != &c->queue &&
	       container_of(pos, struct vcpu, sched.run_node)->sched.vtime >
		       v->sched.vtime) {
		pos = pos->prev;
	}
	list_add(&v->sched.run_node, pos);
	v->sched.queued = true;
	c->queued++;
}

static void dequeue(struct sched_cpu *c, struct vcpu *v)
{
	list_del(&v->sched.run_node);
	v->sched.queued = false;
	c->queued--;
}

static void ask_resched(struct sched_cpu *c)
{
	c->resched = true;
	port_kick_cpu((unsigned int)(c - cpus));
}

/* --- where to run -------------------------------------------------------------- */

static cpumask_t allowed(const struct vcpu *v)
{
	cpumask_t mask = v->sched.hard_affinity & port_cpus_online();

	return mask ? mask : port_cpus_online();
}

/* An idle CPU if there is one, where it last ran first; else the shortest
 * queue.  Looks without locks: a stale answer costs time, not correctness. */
static unsigned int choose_cpu(const struct vcpu *v)
{
	cpumask_t mask = allowed(v), soft = mask & v->sched.soft_affinity;
	unsigned int best = v->cpu, cpu, load, best_load = ~0u;

	if (mask >> v->cpu & 1 && !READ_ONCE(cpus[v->cpu].curr) &&
	    !READ_ONCE(cpus[v->cpu].queued)) {
		return v->cpu;
	}
	for (; mask; mask &= mask - 1) {
		cpu = (unsigned int)__builtin_ctzll(mask);
		load = 4 * (READ_ONCE(cpus[cpu].queued) +
			    (READ_ONCE(cpus[cpu].curr) != NULL));
		load += cpu != v->cpu;
		load += soft && !(soft >> cpu & 1) ? 2 : 0;
		if (load < best_load) {
			best_load = load;
			best = cpu;
		}
	}
	return best;
}

static bool before(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) < 0;
}

/* What it may be behind of the queue's clock, at most. */
static void clamp_credit(struct vcpu *v, uint64_t clock)
{
	uint64_t floor = clock - scale(v, WAKE_CREDIT_NS);

	if (before(v->sched.vtime, floor)) {
		v->sched.vtime = floor;
	}
}

/*
 * Move a vCPU that is neither queued nor running.  Its own CPU's lock is
 * held, and exchanged for that of the CPU it ends up on: the caller has to
 * look at everything again.
 */
static struct sched_cpu *migrate(struct sched_cpu *from, struct vcpu *v,
				 unsigned int cpu)
{
	struct sched_cpu *to = &cpus[cpu];

	if (to == from) {
		return from;
	}
	spin_unlock(&from->lock);
	spin_lock(from < to ? &from->lock : &to->lock);
	spin_lock(from < to ? &to->lock : &from->lock);
	if (&cpus[v->cpu] != from || v->sched.queued || v->running) {
		spin_unlock(&from->lock);
		spin_unlock(&to->lock);
		return lock_of(v);
	}
	cpu_setup(to);
	clamp_credit(v, from->clock);
	v->sched.vtime += to->clock - from->clock;
	v->cpu = (uint16_t)cpu;
	spin_unlock(&from->lock);
	return to;
}

/* --- sleeping and waking ----------------------------------------------------------- */

static bool may_preempt(const struct sched_cpu *c, const struct vcpu *v)
{
	return before(v->sched.vtime + WAKE_MARGIN_NS, c->curr->sched.vtime) &&
	       port_now() - c->chosen_at >= ratelimit_ns;
}

void sched_wake(struct vcpu *v)
{
	struct sched_cpu *c = lock_of(v);
	unsigned int cpu;

	if (!vcpu_runnable(v) || v->sched.queued || c->curr == v) {
		goto out;
	}
	/* Not saved yet: only its own CPU may take it up again. */
	if (!v->running) {
		cpu = choose_cpu(v);
		c = migrate(c, v, cpu);
		if (!vcpu_runnable(v) || v->sched.queued || c->curr == v) {
			goto out;
		}
	}
	cpu_setup(c);
	account(c, port_now());
	clamp_credit(v, c->clock);
	vcpu_set_runstate(v, RUNSTATE_runnable, port_now());
	enqueue(c, v);
	if (!c->curr || may_preempt(c, v)) {
		ask_resched(c);
	} else if (!c->slice_end) {
		ask_resched(c); /* it ran tickless: give it a slice */
	}
out:
	spin_unlock(&c->lock);
}

void sched_sleep(struct vcpu *v)
{
	struct sched_cpu *c = lock_of(v);

	if (vcpu_runnable(v)) {
		goto out;
	}
	if (v->sched.queued) {
		dequeue(c, v);
		vcpu_set_runstate(v, v->pause_flags & VPF_BLOCKED ?
				  RUNSTATE_blocked : RUNSTATE_offline,
				  port_now());
	} else if (c->curr == v) {
		ask_resched(c);
	}
out:
	spin_unlock(&c->lock);
}

void sched_yield(struct vcpu *v)
{
	struct sched_cpu *c = lock_of(v);
	struct vcpu *head = first(c);

	if (c->curr == v && head) {
		account(c, port_now());
		/* Behind the next one, and no further: it keeps its share. */
		if (before(v->sched.vtime, head->sched.vtime + 1)) {
			v->sched.vtime = head->sched.vtime + 1;
		}
		c->slice_end = 0;
		ask_resched(c);
	}
	spin_unlock(&c->lock);
}

/* --- choosing ---------------------------------------------------------------------- */

/* An idle CPU takes a waiting vCPU from the longest queue it may. */
static struct vcpu *steal(struct sched_cpu *c, unsigned int self)
{
	cpumask_t left = port_cpus_online() & ~(1ULL << self);
	struct sched_cpu *o;
	struct list_head *pos;
	struct vcpu *v;
	unsigned int cpu;

	for (; left; left &= left - 1) {
		cpu = (unsigned int)__builtin_ctzll(left);
		o = &cpus[cpu];
		if (!READ_ONCE(o->queued) || !spin_trylock(&o->lock)) {
			continue;
		}
		list_for_each(pos, &o->queue) {
			v = container_of(pos, struct vcpu, sched.run_node);
			if (v->running || !(allowed(v) >> self & 1)) {
				continue;
			}
			dequeue(o, v);
			clamp_credit(v, o->clock);
			v->sched.vtime += c->clock - o->clock;
			v->cpu = (uint16_t)self;
			spin_unlock(&o->lock);
			return v;
		}
		spin_unlock(&o->lock);
	}
	return NULL;
}

static void slice_over(void *arg)
{
	struct sched_cpu *c = arg;

	c->resched = true;
	port_kick_cpu((unsigned int)(c - cpus));
}

/* curr leaves the CPU or stays; back on the queue if it can run. */
static void put_back(struct sched_cpu *c, uint64_t now)
{
	struct vcpu *v = c->curr;

	c->curr = NULL;
	if (!v) {
		c->idle_ns += now - c->idle_since;
		return;
	}
	if (vcpu_runnable(v)) {
		enqueue(c, v);
	}
}

static struct vcpu *pick(struct sched_cpu *c, unsigned int self)
{
	struct vcpu *v = first(c);

	if (!v) {
		return steal(c, self);
	}
	dequeue(c, v);
	return v;
}

static void set_slice(struct sched_cpu *c, unsigned int self, uint64_t now)
{
	if (!c->curr || !c->queued) {
		c->slice_end = 0;
		timer_stop(&c->slice);
		return;
	}
	if (!c->slice.fn) {
		timer_init(&c->slice, slice_over, c, self);
	}
	c->slice_end = now + SLICE_NS;
	timer_set(&c->slice, c->slice_end);
}

static void note_leaving(struct vcpu *v, uint64_t now)
{
	int state = RUNSTATE_offline;

	if (vcpu_runnable(v)) {
		state = RUNSTATE_runnable;
	} else if (READ_ONCE(v->pause_flags) & (VPF_BLOCKED | VPF_POLLING)) {
		state = RUNSTATE_blocked;
	}
	vcpu_set_runstate(v, state, now);
}

struct vcpu *upcall_schedule(void)
{
	unsigned int self = port_cpu();
	struct sched_cpu *c = &cpus[self];
	struct vcpu *prev, *next;
	uint64_t now;

	timer_rearm();
	if (c->curr && !READ_ONCE(c->resched) && vcpu_runnable(c->curr)) {
		return c->curr;
	}
	spin_lock(&c->lock);
	cpu_setup(c);
	now = port_now();
	c->resched = false;
	account(c, now);
	prev = c->curr;
	put_back(c, now);
	next = pick(c, self);
	c->curr = next;
	if (next) {
		next->sched.last_start = now;
	} else {
		c->idle_since = now;
	}
	set_slice(c, self, now);
	if (prev != next) {
		if (prev) {
			note_leaving(prev, now);
		}
		if (next) {
			c->chosen_at = now;
			vcpu_set_runstate(next, RUNSTATE_running, now);
		}
	}
	spin_unlock(&c->lock);
	if (prev && prev != next) {
		vcpu_publish_runstate(prev); /* its memory is still loaded */
	}
	return next;
}

/* A vCPU has to wait here while another CPU has nothing to do? */
static void offer_to_idle(struct vcpu *v)
{
	cpumask_t mask = allowed(v);
	unsigned int cpu;

	for (; mask; mask &= mask - 1) {
		cpu = (unsigned int)__builtin_ctzll(mask);
		if (!READ_ONCE(cpus[cpu].curr) &&
		    !READ_ONCE(cpus[cpu].queued)) {
			port_kick_cpu(cpu);
			return;
		}
	}
}

void upcall_switched(struct vcpu *prev)
{
	unsigned int self = port_cpu();
	struct sched_cpu *c = &cpus[self];

	if (prev && prev->sched.queued && c->curr) {
		offer_to_idle(prev);
	}
	if (c->curr) {
		vcpu_publish_runstate(c->curr);
		pvclock_publish(c->curr);
	}
}

/* --- the toolstack's side ------------------------------------------------ */

void sched_domain_init(struct domain *d)
{
	d->sched.weight = SCHED_WEIGHT_DEFAULT;
	d->sched.cap = 0;
}

void sched_vcpu_init(struct vcpu *v)
{
	struct sched_cpu *c;

	list_init(&v->sched.run_node);
	v->sched.hard_affinity = v->sched.soft_affinity = ~0ULL;
	v->cpu = (uint16_t)choose_cpu(v);
	c = lock_of(v);
	cpu_setup(c);
	v->sched.vtime = c->clock;
	spin_unlock(&c->lock);
}

void sched_vcpu_fini(struct vcpu *v)
{
	struct sched_cpu *c = lock_of(v);

	BUG_UNLESS(c->curr != v);
	if (v->sched.queued) {
		dequeue(c, v);
	}
	spin_unlock(&c->lock);
}

int sched_set_affinity(struct vcpu *v, cpumask_t hard, cpumask_t soft)
{
	struct sched_cpu *c;

	if (!(hard & port_cpus_online())) {
		return -EINVAL;
	}
	c = lock_of(v);
	v->sched.hard_affinity = hard;
	v->sched.soft_affinity = soft;
	if (hard >> v->cpu & 1) {
		spin_unlock(&c->lock);
		return 0;
	}
	spin_unlock(&c->lock);
	/* Off the CPU it may no longer use, and on again elsewhere. */
	vcpu_pause_sync(v);
	vcpu_unpause(v);
	return 0;
}

int sched_set_params(struct domain *d, unsigned int weight, unsigned int cap)
{
	if (weight == 0 || weight > SCHED_WEIGHT_MAX || cap > UINT16_MAX) {
		return -EINVAL;
	}
	d->sched.weight = (uint16_t)weight;
	d->sched.cap = (uint16_t)cap;
	return 0;
}

unsigned int sched_get_ratelimit(void)
{
	return (unsigned int)(ratelimit_ns / 1000);
}

int sched_set_ratelimit(unsigned int us)
{
	if (us > RATELIMIT_MAX_US) {
		return -EINVAL;
	}
	ratelimit_ns = us * 1000ULL;
	return 0;
}

uint64_t sched_runtime(struct vcpu *v)
{
	struct sched_cpu *c = lock_of(v);
	uint64_t ns = v->sched.runtime_ns;

	if (c->curr == v) {
		ns += port_now() - v->sched.last_start;
	}
	spin_unlock(&c->lock);
	return ns;
}

uint64_t sched_idle_time(unsigned int cpu)
{
	struct sched_cpu *c = &cpus[cpu];
	uint64_t ns;

	spin_lock(&c->lock);
	ns = c->idle_ns;
	if (!c->curr && c->queue.next) {
		ns += port_now() - c->idle_since;
	}
	spin_unlock(&c->lock);
	return ns;
}

bool sched_is_on_cpu(const struct vcpu *v)
{
	/* In this order: x86 sets running after curr, clears it after. */
	return READ_ONCE(cpus[READ_ONCE(v->cpu)].curr) == v ||
	       __atomic_load_n(&v->running, __ATOMIC_ACQUIRE);
}

struct vcpu *sched_current(unsigned int cpu)
{
	return READ_ONCE(cpus[cpu].curr);
}

void sched_audit(void)
{
	struct list_head *pos;
	struct sched_cpu *c;
	struct vcpu *v;
	unsigned int n;
	uint64_t last;

	for (c = cpus; c < cpus + MAX_CPUS; c++) {
		if (!c->queue.next) {
			continue;
		}
		n = 0;
		last = 0;
		list_for_each(pos, &c->queue) {
			v = container_of(pos, struct vcpu, sched.run_node);
			BUG_UNLESS(v->sched.queued && &cpus[v->cpu] == c);
			BUG_UNLESS(v != c->curr && v->sched.vtime >= last);
			last = v->sched.vtime;
			n++;
		}
		BUG_UNLESS(n == c->queued);
		BUG_UNLESS(!c->curr || !c->curr->sched.queued);
	}
}
