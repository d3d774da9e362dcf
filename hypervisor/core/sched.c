/*
 * sched.c - who runs where: proportional shares by virtual time.
 *
 * A vCPU's virtual time is the time it has run, scaled by the inverse of its
 * weight (credit.h).  Of those that may run, the one with the least is always
 * due: then the shares of all that stay runnable follow their weights.  Time
 * is debited by timestamps; there is no tick that a guest could sleep
 * through.
 *
 * Each CPU has a queue of its own, ordered by virtual time.  When it chooses,
 * it also looks at the head of every other queue, without locks, and takes
 * one over that is due by more than STEAL_MARGIN before its own: so the
 * shares hold across CPUs (three vCPUs on two CPUs get two thirds each), and
 * an idle CPU finds work.
 *
 * A queue's clock is the least virtual time among those that compete there;
 * it never runs backwards.  A vCPU that wakes joins at the clock of the
 * furthest CPU it may use.  One that cannot use all that its weight entitles
 * it to (it has just one CPU) falls behind in virtual time, which hurts
 * nobody: it is always due on its CPU, and no other queue's clock waits.
 *
 * States of a vCPU:
 *	asleep	 not queued, not running
 *	parked	 runnable, but its domain's cap is used up for now
 *	queued	 on the run queue of v->cpu
 *	running	 sched_cpu.curr of v->cpu; never queued
 * v->running is x86's: set from loading a vCPU's registers until they are
 * saved again, so a vCPU that was just preempted is still running.  Nobody
 * else is given such a one, but should it happen, x86 waits.
 *
 * While nobody waits anywhere, a CPU has no slice timer: tickless.
 */
#include "core/sched.h"
#include "core/domain.h"
#include "core/pvclock.h"
#include "core/sched_queue.h"
#include "include/upcall.h"

/* In virtual time of the default weight. */
#define WAKE_MARGIN  100000ULL
#define STEAL_MARGIN 200000ULL
/*
 * When nobody has woken up for so long, all that there is to gain by short
 * turns is precision: they may take ROUND_NS until one is due again, in real
 * time.
 */
#define STEADY_NS 50000000LL
#define ROUND_NS  3000000ULL

/* Hints, changed atomically and read by all. */
static cpumask_t idle_cpus;	/* have nothing to run */
static cpumask_t tickless_cpus; /* run one vCPU without a slice */
/* port_now() when somebody last woke up, to a millisecond or so. */
static uint64_t changed_at;

static void hint_set(cpumask_t *mask, unsigned int cpu, bool on)
{
	cpumask_t bit = 1ULL << cpu;

	if (on == !(READ_ONCE(*mask) & bit)) {
		if (on) {
			__atomic_fetch_or(mask, bit, __ATOMIC_SEQ_CST);
		} else {
			__atomic_fetch_and(mask, ~bit, __ATOMIC_SEQ_CST);
		}
	}
}

/* --- where to run --------------------------------------------------------- */

/* The virtual time at which v would compete. */
static uint64_t clock_for(const struct vcpu *v)
{
	cpumask_t mask = queue_allowed(v);
	uint64_t best = READ_ONCE(sched_cpus[__builtin_ctzll(mask)].clock),
		 clock;

	for (mask &= mask - 1; mask; mask &= mask - 1) {
		clock = READ_ONCE(sched_cpus[__builtin_ctzll(mask)].clock);
		if (!best || vtime_before(best, clock)) {
			best = clock;
		}
	}
	return best ? best : CLOCK_START;
}

static cpumask_t idle_for(const struct vcpu *v)
{
	return queue_allowed(v) & READ_ONCE(idle_cpus);
}

/*
 * An idle CPU if there is one, its last one first; else where the vCPU that
 * runs is furthest ahead, and so the first to go.  Looks without locks: a
 * stale answer costs time, not correctness.
 */
static unsigned int choose_cpu(const struct vcpu *v)
{
	cpumask_t mask = queue_allowed(v), soft = mask & v->sched.soft_affinity;
	cpumask_t idle = idle_for(v);
	unsigned int best, cpu;
	uint64_t best_vtime, vt;

	if (idle) {
		if (idle & soft) {
			idle &= soft;
		}
		return idle >> v->cpu & 1 ? v->cpu
					  : (unsigned int)__builtin_ctzll(idle);
	}
	if (soft) {
		mask = soft;
	}
	best = mask >> v->cpu & 1 ? v->cpu
				  : (unsigned int)__builtin_ctzll(mask);
	best_vtime = READ_ONCE(sched_cpus[best].curr_vtime) + WAKE_MARGIN;
	for (; mask; mask &= mask - 1) {
		cpu = (unsigned int)__builtin_ctzll(mask);
		vt = READ_ONCE(sched_cpus[cpu].curr_vtime);
		if (vtime_before(best_vtime, vt)) {
			best_vtime = vt;
			best = cpu;
		}
	}
	return best;
}

/*
 * Move a vCPU that is neither queued nor running.  Its own CPU's lock is
 * held, and exchanged for that of the CPU it ends up on: the caller has to
 * look at everything again.
 */
static struct sched_cpu *migrate(struct sched_cpu *from, struct vcpu *v,
				 unsigned int cpu)
{
	struct sched_cpu *to = &sched_cpus[cpu];

	if (to == from) {
		return from;
	}
	spin_unlock(&from->lock);
	spin_lock(from < to ? &from->lock : &to->lock);
	spin_lock(from < to ? &to->lock : &from->lock);
	if (&sched_cpus[v->cpu] != from || v->sched.queued || from->curr == v ||
	    v->running) {
		spin_unlock(&from->lock);
		spin_unlock(&to->lock);
		return queue_lock_of(v);
	}
	v->cpu = (uint16_t)cpu;
	spin_unlock(&from->lock);
	return to;
}

/* Someone waits: CPUs that run without a slice must share again. */
static void wake_tickless(const struct vcpu *v)
{
	cpumask_t mask = queue_allowed(v) & READ_ONCE(tickless_cpus);

	for (; mask; mask &= mask - 1) {
		queue_resched(&sched_cpus[__builtin_ctzll(mask)]);
	}
}

/* A vCPU has to wait here while another CPU has nothing to do? */
static void offer_to_idle(const struct vcpu *v)
{
	cpumask_t mask = idle_for(v);

	if (mask) {
		port_kick_cpu((unsigned int)__builtin_ctzll(mask));
	}
}

/* --- sleeping and waking -------------------------------------------------- */

static bool is_due(const struct sched_cpu *c, const struct vcpu *v)
{
	return vtime_before(v->sched.vtime + WAKE_MARGIN,
			    c->curr->sched.vtime);
}

void sched_set_notifying(bool on)
{
	sched_cpus[port_cpu()].notifying = on;
}

/*
 * May curr go on until then?  Two that wake each other, such as a sender and
 * its receiver, get something done between two switches: who has just got the
 * CPU and itself wakes another keeps it for the rate limit.  Whomever a timer
 * or a device wakes does not wait for it, if it is the first for so long: else
 * who sleeps for microseconds would have the others spend their turns on
 * switching.
 */
static bool is_limited(struct sched_cpu *c, uint64_t now, uint64_t *until)
{
	uint64_t at = c->pushed_at;

	if (at <= now) {
		at += sched_ratelimit_ns;
	}
	if (c->notifying && queue_number(c) == port_cpu()) {
		at = MAX(at, c->chosen_at + sched_ratelimit_ns);
	}
	*until = c->pushed_at = MAX(at, now);
	return at > now;
}

/* Seldom written, for all CPUs read it. */
static void note_change(uint64_t now)
{
	if (now - READ_ONCE(changed_at) > SLICE_NS) {
		WRITE_ONCE(changed_at, now);
	}
}

/* Runnable, and not chosen: v waits for its turn. */
static void wait_turn(struct sched_cpu *c, struct vcpu *v, uint64_t now)
{
	struct timer *t = &v->domain->sched.bucket_timer;
	uint64_t again = credit_wait(v, c->clock, now);

	queue_add(c, v);
	if (again && (!t->queued || again < t->deadline)) {
		timer_set(t, again);
	}
}

static bool can_wake(const struct sched_cpu *c, const struct vcpu *v)
{
	return vcpu_runnable(v) && !v->sched.queued && !v->sched.parked &&
	       c->curr != v;
}

static void join(struct vcpu *v, bool was_parked)
{
	struct sched_cpu *c = queue_lock_of(v);
	uint64_t until, now;
	bool due;

	if (!can_wake(c, v)) {
		goto out;
	}
	/* Not saved yet: only its own CPU may take it up again. */
	if (!v->running) {
		c = migrate(c, v,
			    was_parked && !idle_for(v) ? v->cpu
						       : choose_cpu(v));
		if (!can_wake(c, v)) {
			goto out;
		}
	}
	queue_setup(c);
	now = port_now();
	note_change(now);
	queue_account(c, now);
	credit_join(v, clock_for(v), was_parked);
	vcpu_set_runstate(v, RUNSTATE_runnable, now);
	wait_turn(c, v, now);
	due = !c->curr || is_due(c, v);
	if (due && c->curr && is_limited(c, now, &until)) {
		if (!c->slice.queued || until < c->slice.deadline) {
			timer_set(&c->slice, until);
		}
	} else if (due || READ_ONCE(tickless_cpus) >> queue_number(c) & 1) {
		queue_resched(c);
	}
	if (!due) {
		wake_tickless(v);
	}
out:
	spin_unlock(&c->lock);
}

void sched_wake(struct vcpu *v)
{
	join(v, false);
}

static int state_when_off(const struct vcpu *v)
{
	if (vcpu_runnable(v)) {
		return RUNSTATE_runnable;
	}
	return READ_ONCE(v->pause_flags) & (VPF_BLOCKED | VPF_POLLING)
		       ? RUNSTATE_blocked
		       : RUNSTATE_offline;
}

void sched_sleep(struct vcpu *v)
{
	struct sched_cpu *c = queue_lock_of(v);

	if (vcpu_runnable(v)) {
		goto out;
	}
	if (v->sched.queued) {
		queue_remove(c, v);
		vcpu_set_runstate(v, state_when_off(v), port_now());
	} else if (c->curr == v) {
		queue_resched(c);
	}
	v->sched.parked = false;
out:
	spin_unlock(&c->lock);
}

void sched_yield(struct vcpu *v)
{
	struct sched_cpu *c = queue_lock_of(v);
	struct vcpu *head = queue_first(c);

	if (c->curr == v && head) {
		queue_account(c, port_now());
		/* Just behind the next one, which costs what it was due. */
		if (vtime_before(v->sched.vtime, head->sched.vtime + 1)) {
			v->sched.vtime = head->sched.vtime + 1;
		}
		queue_resched(c);
	}
	spin_unlock(&c->lock);
}

/* The bucket is fuller: some go on, or before others. */
static void bucket_filled(void *arg)
{
	struct domain *d = arg;
	struct sched_cpu *c;
	struct vcpu *v;
	unsigned int i;
	bool was;

	for (i = 0; i < d->vcpu_count; i++) {
		v = d->vcpu[i];
		if (!v) {
			continue;
		}
		c = queue_lock_of(v);
		was = v->sched.parked;
		v->sched.parked = false;
		if (v->sched.queued) {
			queue_account(c, port_now());
			queue_remove(c, v);
			wait_turn(c, v, port_now());
			if (!c->curr || is_due(c, v)) {
				queue_resched(c);
			}
		}
		spin_unlock(&c->lock);
		if (was) {
			join(v, true);
		}
	}
}

/* --- choosing ------------------------------------------------------------- */

static struct vcpu *pick_due(struct sched_cpu *c, unsigned int self)
{
	struct vcpu *own = queue_first(c), *v;
	struct list_head *pos;

	/* Its affinity may have changed while it waited or ran. */
	list_for_each(pos, &c->queue) {
		own = queue_unit(pos);
		if (queue_allowed(own) >> self & 1) {
			break;
		}
		own = NULL;
	}
	if (READ_ONCE(sched_waiting)) {
		v = queue_steal(self, own ? own->sched.vtime - STEAL_MARGIN
					: NOBODY);
		if (v) {
			return v;
		}
	}
	if (own) {
		queue_remove(c, own);
	}
	return own;
}

static void park(struct vcpu *v, uint64_t until, uint64_t now)
{
	struct timer *t = &v->domain->sched.bucket_timer;

	v->sched.parked = true;
	vcpu_set_runstate(v, RUNSTATE_runnable, now);
	if (!t->queued || t->deadline != until) {
		timer_set(t, until);
	}
}

/* Whom to run, and for how long at most. */
static struct vcpu *pick(struct sched_cpu *c, unsigned int self, uint64_t now,
			 uint64_t *turn)
{
	struct vcpu *v;
	uint64_t until;

	while ((v = pick_due(c, self)) != NULL) {
		*turn = credit_budget(v, now, &until);
		if (*turn) {
			break;
		}
		park(v, until, now);
	}
	return v;
}

static void slice_over(void *arg)
{
	queue_resched(arg);
}

/*
 * How long may curr run before others have their turn?  How urgent a capped
 * one is has to be looked at often.
 */
static uint64_t turn_length(const struct sched_cpu *c, uint64_t now)
{
	if (!c->queued || !c->curr || c->curr->domain->sched.rate ||
	    (int64_t)(now - READ_ONCE(changed_at)) < STEADY_NS) {
		return SLICE_NS;
	}
	return MAX(SLICE_NS, ROUND_NS / c->queued);
}

static void set_slice(struct sched_cpu *c, unsigned int self, uint64_t now,
		      uint64_t budget)
{
	bool alone = !c->queued && !READ_ONCE(sched_waiting);
	uint64_t turn = alone ? budget : MIN(budget, turn_length(c, now));

	if (!c->slice.fn) {
		timer_init(&c->slice, slice_over, c, self);
	}
	hint_set(&tickless_cpus, self, c->curr && alone);
	hint_set(&idle_cpus, self, !c->curr);
	if (c->curr && turn != UNLIMITED_NS) {
		timer_set(&c->slice, now + turn);
	} else if (c->slice.queued) {
		timer_stop(&c->slice);
	}
}

/* curr leaves the CPU; back on the queue if it can run. */
static struct vcpu *put_back(struct sched_cpu *c, uint64_t now)
{
	struct vcpu *v = c->curr;

	c->curr = NULL;
	if (!v) {
		c->idle_ns += now - c->idle_since;
	} else if (vcpu_runnable(v)) {
		wait_turn(c, v, now);
	}
	return v;
}

static void take_up(struct sched_cpu *c, struct vcpu *v, uint64_t now)
{
	c->curr = v;
	if (!v) {
		c->idle_since = now;
		return;
	}
	v->sched.last_start = now;
	WRITE_ONCE(c->curr_vtime, v->sched.vtime);
	if (vtime_before(c->clock, v->sched.vtime) && !c->queued) {
		WRITE_ONCE(c->clock, v->sched.vtime);
	}
}

struct vcpu *upcall_schedule(void)
{
	unsigned int self = port_cpu();
	struct sched_cpu *c = &sched_cpus[self];
	struct vcpu *prev, *next;
	uint64_t now, turn = 0;

	timer_rearm();
	if (c->curr && !READ_ONCE(c->resched) && vcpu_runnable(c->curr)) {
		return c->curr;
	}
	spin_lock(&c->lock);
	queue_setup(c);
	now = port_now();
	WRITE_ONCE(c->resched, false);
	queue_account(c, now);
	prev = put_back(c, now);
	next = pick(c, self, now, &turn);
	take_up(c, next, now);
	set_slice(c, self, now, turn);
	if (prev != next) {
		if (prev && !prev->sched.parked) {
			vcpu_set_runstate(prev, state_when_off(prev), now);
		}
		if (next) {
			c->chosen_at = now;
			vcpu_set_runstate(next, RUNSTATE_running, now);
		}
	}
	if (c->queued) {
		/* Whoever waits here may be due elsewhere. */
		offer_to_idle(queue_first(c));
		if (READ_ONCE(tickless_cpus)) {
			wake_tickless(queue_first(c));
		}
	}
	spin_unlock(&c->lock);
	if (prev && prev != next) {
		vcpu_publish_runstate(prev); /* its memory is still loaded */
	}
	return next;
}

/* Its affinity has left this CPU while it ran. */
static void requeue(struct vcpu *v)
{
	struct sched_cpu *c = queue_lock_of(v);

	if (v->sched.queued) {
		queue_remove(c, v);
	}
	spin_unlock(&c->lock);
	sched_wake(v);
}

void upcall_switched(struct vcpu *prev)
{
	struct sched_cpu *c = &sched_cpus[port_cpu()];

	/* Someone idle may have passed it over while it was being saved. */
	if (prev && prev->sched.queued) {
		if (queue_allowed(prev) >> prev->cpu & 1) {
			offer_to_idle(prev);
		} else {
			requeue(prev);
		}
	}
	if (c->curr) {
		vcpu_publish_runstate(c->curr);
		pvclock_publish(c->curr);
	}
}

void sched_domain_init(struct domain *d)
{
	credit_domain_init(d);
	timer_init(&d->sched.bucket_timer, bucket_filled, d, port_cpu());
}

void sched_domain_fini(struct domain *d)
{
	timer_stop(&d->sched.bucket_timer);
}

void sched_vcpu_init(struct vcpu *v)
{
	list_init(&v->sched.run_node);
	v->sched.hard_affinity = v->sched.soft_affinity = ~0ULL;
	v->cpu = (uint16_t)choose_cpu(v);
	v->sched.vtime = clock_for(v);
}
