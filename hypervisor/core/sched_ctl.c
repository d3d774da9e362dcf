/* sched_ctl.c - what the toolstack and other modules ask of the scheduler. */
#include "core/domain.h"
#include "core/sched.h"
#include "core/sched_queue.h"
#include "include/errno.h"
#include "include/log.h"

#define RATELIMIT_MAX_US 500000u

void sched_vcpu_fini(struct vcpu *v)
{
	struct sched_cpu *c = queue_lock_of(v);

	BUG_UNLESS(c->curr != v);
	if (v->sched.queued) {
		queue_remove(c, v);
	}
	spin_unlock(&c->lock);
}

int sched_set_affinity(struct vcpu *v, cpumask_t hard, cpumask_t soft)
{
	struct sched_cpu *c;
	bool stays;

	if (!(hard & port_cpus_online())) {
		return -EINVAL;
	}
	c = queue_lock_of(v);
	v->sched.hard_affinity = hard;
	v->sched.soft_affinity = soft;
	stays = hard >> v->cpu & 1 && !v->sched.queued;
	spin_unlock(&c->lock);
	if (!stays) {
		/* Off, and on again where it now may be. */
		vcpu_pause_sync(v);
		vcpu_unpause(v);
	}
	return 0;
}

int sched_set_params(struct domain *d, unsigned int weight, unsigned int cap)
{
	struct sched_cpu *c;
	unsigned int i;

	if (weight == 0 || weight > SCHED_WEIGHT_MAX || cap > UINT16_MAX) {
		return -EINVAL;
	}
	/* What has been used so far was used at the old weight. */
	for (i = 0; i < d->vcpu_count; i++) {
		if (d->vcpu[i]) {
			c = queue_lock_of(d->vcpu[i]);
			queue_setup(c);
			queue_account(c, port_now());
			spin_unlock(&c->lock);
		}
	}
	credit_set(d, (uint16_t)weight, (uint16_t)cap, port_now());
	for (i = 0; i < d->vcpu_count; i++) {
		if (d->vcpu[i]) {
			c = queue_lock_of(d->vcpu[i]);
			if (c->curr == d->vcpu[i]) {
				queue_resched(c);
			}
			spin_unlock(&c->lock);
		}
	}
	return 0;
}

unsigned int sched_get_ratelimit(void)
{
	return (unsigned int)(sched_ratelimit_ns / 1000);
}

int sched_set_ratelimit(unsigned int us)
{
	if (us > RATELIMIT_MAX_US) {
		return -EINVAL;
	}
	sched_ratelimit_ns = us * 1000ULL;
	return 0;
}

uint64_t sched_runtime(struct vcpu *v)
{
	struct sched_cpu *c = queue_lock_of(v);
	uint64_t ns = v->sched.runtime_ns;

	if (c->curr == v) {
		ns += port_now() - v->sched.last_start;
	}
	spin_unlock(&c->lock);
	return ns;
}

uint64_t sched_idle_time(unsigned int cpu)
{
	struct sched_cpu *c = &sched_cpus[cpu];
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
	return READ_ONCE(sched_cpus[READ_ONCE(v->cpu)].curr) == v ||
	       __atomic_load_n(&v->running, __ATOMIC_ACQUIRE);
}

struct vcpu *sched_current(unsigned int cpu)
{
	return READ_ONCE(sched_cpus[cpu].curr);
}

void sched_audit(void)
{
	struct list_head *pos;
	struct sched_cpu *c;
	unsigned int n;
	uint32_t movable = 0;
	struct vcpu *v;
	uint64_t last;

	for (c = sched_cpus; c < sched_cpus + MAX_CPUS; c++) {
		if (!c->queue.next) {
			continue;
		}
		n = 0;
		last = 0;
		list_for_each(pos, &c->queue) {
			v = queue_unit(pos);
			BUG_UNLESS(v->sched.queued && v != c->curr);
			BUG_UNLESS(&sched_cpus[v->cpu] == c);
			BUG_UNLESS(!v->sched.parked && vcpu_runnable(v));
			BUG_UNLESS(n == 0 ||
				   !vtime_before(v->sched.vtime, last));
			last = v->sched.vtime;
			movable += v->sched.movable;
			n++;
		}
		BUG_UNLESS(n == c->queued);
		BUG_UNLESS(!c->curr || !c->curr->sched.queued);
	}
	BUG_UNLESS(movable == sched_waiting);
}
