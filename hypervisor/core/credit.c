/*
 * credit.c - see credit.h.
 *
 * A cap is a budget of time that all vCPUs of the domain share: cap per cent
 * of CAP_PERIOD_NS, given anew each period.  What was overdrawn is taken off
 * the next one, so that the average holds however many CPUs it ran on; what
 * was not used is kept up to CARRY_NS, so that who had to wait for a CPU at
 * the end of a period still gets what it was sold.
 *
 * Lock: d->sched.lock for the budget; a CPU's run-queue lock is held outside.
 */
#include "core/credit.h"
#include "core/sched.h"

/* Shorter turns cost more in switching than they gain. */
#define TURN_MIN_NS 50000ULL
#define CARRY_NS    SLICE_NS
/* A joiner is at most this many slices of its own ahead of the others. */
#define AHEAD_SLICES 4u

uint64_t credit_scale(const struct vcpu *v, uint64_t ns)
{
	return ns * SCHED_WEIGHT_DEFAULT / v->domain->sched.weight;
}

void credit_join(struct vcpu *v, uint64_t clock, bool was_parked)
{
	uint64_t back = was_parked ? 2 * SLICE_NS : WAKE_CREDIT_NS;
	uint64_t floor = clock - credit_scale(v, back);
	uint64_t ceiling = clock + credit_scale(v, AHEAD_SLICES * SLICE_NS);

	if (vtime_before(v->sched.vtime, floor)) {
		v->sched.vtime = floor;
	}
	if (vtime_before(ceiling, v->sched.vtime)) {
		v->sched.vtime = ceiling;
	}
}

void credit_account(struct vcpu *v, uint64_t now)
{
	struct sched_domain *s = &v->domain->sched;
	uint64_t ran = now - v->sched.last_start;

	v->sched.last_start = now;
	v->sched.vtime += credit_scale(v, ran);
	v->sched.runtime_ns += ran;
	if (s->cap) {
		spin_lock(&s->lock);
		s->budget -= (int64_t)ran;
		spin_unlock(&s->lock);
	}
}

static int64_t quota(const struct sched_domain *s)
{
	return (int64_t)(CAP_PERIOD_NS * s->cap / 100);
}

/* Caller holds s->lock. */
static void refill(struct sched_domain *s, uint64_t now)
{
	uint64_t periods = (now - s->period_start) / CAP_PERIOD_NS;
	int64_t q = quota(s);

	if (periods == 0) {
		return;
	}
	s->period_start += periods * CAP_PERIOD_NS;
	if (periods > 1000 ||
	    s->budget + (int64_t)(periods - 1) * q > (int64_t)CARRY_NS) {
		s->budget = q + (int64_t)CARRY_NS;
	} else {
		s->budget += (int64_t)periods * q;
	}
}

uint64_t credit_budget(struct vcpu *v, uint64_t now, uint64_t *until)
{
	struct sched_domain *s = &v->domain->sched;
	uint64_t turn;

	if (!s->cap) {
		return SLICE_NS;
	}
	spin_lock(&s->lock);
	refill(s, now);
	*until = s->period_start + CAP_PERIOD_NS;
	turn = s->budget > 0 ? (uint64_t)s->budget : 0;
	spin_unlock(&s->lock);
	if (turn == 0) {
		return 0;
	}
	return MIN(MAX(turn, TURN_MIN_NS), SLICE_NS);
}

bool credit_can_wait(struct vcpu *v, uint64_t now)
{
	struct sched_domain *s = &v->domain->sched;
	int64_t left;

	if (!s->cap) {
		return false;
	}
	spin_lock(&s->lock);
	refill(s, now);
	left = (int64_t)(s->period_start + CAP_PERIOD_NS - now) - s->budget;
	spin_unlock(&s->lock);
	return left > (int64_t)SLICE_NS / 2;
}

void credit_domain_init(struct domain *d)
{
	d->sched.weight = SCHED_WEIGHT_DEFAULT;
	d->sched.cap = 0;
}

void credit_set(struct domain *d, uint16_t weight, uint16_t cap, uint64_t now)
{
	struct sched_domain *s = &d->sched;

	spin_lock(&s->lock);
	s->weight = weight;
	s->cap = cap;
	s->period_start = now;
	s->budget = quota(s);
	spin_unlock(&s->lock);
}
