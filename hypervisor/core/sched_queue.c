/* sched_queue.c - see sched_queue.h. */
#include "core/sched_queue.h"

struct sched_cpu sched_cpus[MAX_CPUS];
uint32_t sched_waiting;
uint64_t sched_ratelimit_ns = 200000;

/* --- locking ------------------------------------------------------------- */

struct sched_cpu *queue_lock_of(struct vcpu *v)
{
	struct sched_cpu *c;
	unsigned int cpu;

	for (;;) {
		cpu = __atomic_load_n(&v->cpu, __ATOMIC_RELAXED);
		c = &sched_cpus[cpu];
		spin_lock(&c->lock);
		if (v->cpu == cpu) {
			return c;
		}
		spin_unlock(&c->lock);
	}
}

void queue_setup(struct sched_cpu *c)
{
	if (!c->queue.next) {
		list_init(&c->queue);
		c->clock = CLOCK_START;
		c->steal_vtime = NOBODY;
		c->idle_since = port_now();
	}
}

cpumask_t queue_allowed(const struct vcpu *v)
{
	cpumask_t mask = v->sched.hard_affinity & port_cpus_online();

	return mask ? mask : port_cpus_online();
}

/* --- the queue ------------------------------------------------------------- */

static void publish_head(struct sched_cpu *c)
{
	struct list_head *pos;
	uint64_t head = NOBODY;

	list_for_each(pos, &c->queue) {
		if (queue_unit(pos)->sched.movable) {
			head = queue_unit(pos)->sched.vtime;
			break;
		}
	}
	WRITE_ONCE(c->steal_vtime, head);
}

void queue_add(struct sched_cpu *c, struct vcpu *v)
{
	struct list_head *pos = c->queue.prev;
	cpumask_t mask = queue_allowed(v);

	/* From the back: a vCPU that has just run belongs there. */
	while (pos != &c->queue &&
	       vtime_before(v->sched.vtime, queue_unit(pos)->sched.vtime)) {
		pos = pos->prev;
	}
	list_add(&v->sched.run_node, pos);
	v->sched.queued = true;
	v->sched.movable = (mask & (mask - 1)) != 0;
	c->queued++;
	if (v->sched.movable) {
		__atomic_fetch_add(&sched_waiting, 1, __ATOMIC_SEQ_CST);
		publish_head(c);
	}
}

void queue_remove(struct sched_cpu *c, struct vcpu *v)
{
	list_del(&v->sched.run_node);
	v->sched.queued = false;
	c->queued--;
	if (v->sched.movable) {
		__atomic_fetch_sub(&sched_waiting, 1, __ATOMIC_SEQ_CST);
		publish_head(c);
	}
}

/* --- those of other CPUs --------------------------------------------------- */

/* The CPU whose head is due first, before `limit`; NULL: none. */
static struct sched_cpu *earliest_other(unsigned int self, uint64_t limit)
{
	cpumask_t left = port_cpus_online() & ~(1ULL << self);
	struct sched_cpu *best = NULL, *o;
	uint64_t vt, best_vtime = limit;

	for (; left; left &= left - 1) {
		o = &sched_cpus[__builtin_ctzll(left)];
		vt = READ_ONCE(o->steal_vtime);
		if (!o->queue.next || vt == NOBODY) {
			continue;
		}
		if (best_vtime == NOBODY || vtime_before(vt, best_vtime)) {
			best_vtime = vt;
			best = o;
		}
	}
	return best;
}

struct vcpu *queue_steal(unsigned int self, uint64_t limit)
{
	struct sched_cpu *o = earliest_other(self, limit);
	struct list_head *pos;
	struct vcpu *v;

	if (!o || !spin_trylock(&o->lock)) {
		return NULL;
	}
	list_for_each(pos, &o->queue) {
		v = queue_unit(pos);
		if (limit != NOBODY && !vtime_before(v->sched.vtime, limit)) {
			break;
		}
		if (!v->running && (queue_allowed(v) >> self & 1)) {
			queue_remove(o, v);
			v->cpu = (uint16_t)self;
			spin_unlock(&o->lock);
			return v;
		}
	}
	spin_unlock(&o->lock);
	return NULL;
}

/* --- accounting ------------------------------------------------------------ */

/* Debit curr up to now, and let the clock follow. */
void queue_account(struct sched_cpu *c, uint64_t now)
{
	struct vcpu *v = c->curr, *head = queue_first(c);
	uint64_t least;

	if (v) {
		credit_account(v, now);
	}
	if (!v && !head) {
		return;
	}
	least = v ? v->sched.vtime : head->sched.vtime;
	if (v && head && vtime_before(head->sched.vtime, least)) {
		least = head->sched.vtime;
	}
	if (vtime_before(c->clock, least)) {
		WRITE_ONCE(c->clock, least);
	}
}

void queue_resched(struct sched_cpu *c)
{
	WRITE_ONCE(c->resched, true);
	port_kick_cpu(queue_number(c));
}
