/*
 * credit.c - see credit.h.
 *
 * A cap is a bucket of time that all vCPUs of the domain share: it fills at
 * cap per cent of a CPU, exactly, and holds at most CREDIT_BURST_NS.  Whoever
 * runs empties it; empty, the domain is parked until there is some again.  So
 * in no window, however long, is the cap exceeded by more than one burst, and
 * who had to wait for a CPU still gets what it was sold.
 *
 * How full the bucket is also says how urgent the domain is: a full one loses
 * what it was sold if it waits, an empty one does not.  Therefore the virtual
 * time of one that is held by its cap runs faster than its weight says, by
 * `haste`, so that it keeps pace with the others' while it gets just its cap:
 * it leaves the CPU to those who cannot catch up later, such as an uncapped
 * vCPU that is entitled to a whole one.  The right haste depends on who else
 * wants these CPUs.  Nobody computes it: it is controlled, like the speed of
 * an engine, to hold the bucket half full.  It rises while the bucket is
 * emptier, sinks while it is fuller (the integral part), and one whose bucket
 * is full always competes with its plain weight (the proportional part).  If
 * it waits until the bucket is nearly full, what haste has cost it so far is
 * forgotten, too.
 *
 * Lock: d->sched.lock for the bucket; a CPU's run-queue lock is held outside.
 */
#include "core/credit.h"
#include "core/sched.h"
#include "include/compiler.h"

/* Shorter turns cost more in switching than they gain. */
#define TURN_MIN_NS 50000
/* The bucket counts per cent of ns, so that no rounding adds up. */
#define FULL   ((int64_t)CREDIT_BURST_NS * 100)
/*
 * Whoever is parked waits this long, but for a quarter at least and no more
 * than for half of the bucket: the fewer switches, the less is lost.
 */
#define PARK_NS 10000000
/* In ns: fills any bucket, and no product with it overflows. */
#define AGES (1LL << 40)
/* More in the bucket is soon lost. */
#define URGENT (FULL / 4 * 3)
/* Ratios of weights beyond that are not made up for. */
#define HASTE_MAX 64
#define ONE	  1024 /* of haste, pace and level */
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

/*
 * What has come since the last time, and what v has run meanwhile.  In one
 * step: what was used has made room.  Caller holds s->lock.
 */
static void refill(struct sched_domain *s, uint64_t now, uint64_t ran)
{
	int64_t ns = MIN((int64_t)(now - s->filled_at), AGES);

	/* Another CPU's clock may be a little ahead. */
	if (ns > 0) {
		s->filled_at = now;
		s->bucket += ns * s->rate;
	}
	s->bucket = MIN(s->bucket - (int64_t)ran * 100, FULL);
}

/*
 * How fast virtual time shall go, in 1/ONE, for one who is chosen, or else is
 * parked, with the bucket at that level.  Caller holds s->lock.
 */
static uint32_t pace(struct sched_domain *s, int64_t level)
{
	int32_t l = (int32_t)(MAX(level, 0) * ONE / FULL);
	int32_t haste = (int32_t)s->haste;

	haste += haste * (ONE / 2 - l) / ONE / 8;
	s->haste = (uint32_t)MIN(MAX(haste, ONE), HASTE_MAX * ONE);
	return (uint32_t)MAX((int32_t)s->haste * 2 / ONE * (ONE - l), ONE);
}

void credit_account(struct vcpu *v, uint64_t now)
{
	struct sched_domain *s = &v->domain->sched;
	uint64_t ran = now - v->sched.last_start;
	uint64_t vran = credit_scale(v, ran);

	v->sched.last_start = now;
	v->sched.runtime_ns += ran;
	v->sched.fair += vran;
	if (s->rate) {
		vran = vran * MAX(v->sched.pace, ONE) / ONE;
		spin_lock(&s->lock);
		refill(s, now, ran);
		spin_unlock(&s->lock);
	}
	v->sched.vtime += vran;
}

static int64_t resume_level(unsigned int rate)
{
	return MIN(MAX((int64_t)PARK_NS * rate, FULL / 4), FULL / 2);
}

/* The only vCPU sees the bucket fill while it runs; one of several does not. */
static uint64_t time_to_empty(const struct domain *d, unsigned int rate,
			      int64_t level)
{
	if (d->vcpu_count == 1) {
		return (uint64_t)(level / (100 - (int64_t)rate));
	}
	return MIN((uint64_t)level / 100, SLICE_NS);
}

uint64_t credit_budget(struct vcpu *v, uint64_t now, uint64_t *until)
{
	struct sched_domain *s = &v->domain->sched;
	/* Read once: what is divided by must not become 0 meanwhile. */
	unsigned int rate = READ_ONCE(s->rate);
	int64_t left;

	if (!rate) {
		return UNLIMITED_NS;
	}
	spin_lock(&s->lock);
	refill(s, now, 0);
	left = s->bucket;
	v->sched.pace = pace(s, left);
	*until = now + (uint64_t)((resume_level(rate) - left) / rate);
	spin_unlock(&s->lock);
	if (left <= 0) {
		return 0;
	}
	return MAX(time_to_empty(v->domain, rate, left), TURN_MIN_NS);
}

/* What it would have used by its weight alone, as near to the others as vtime. */
static uint64_t fair_vtime(const struct vcpu *v, uint64_t clock)
{
	uint64_t floor = clock - credit_scale(v, WAKE_CREDIT_NS);

	return vtime_before(v->sched.fair, floor) ? floor : v->sched.fair;
}

uint64_t credit_wait(struct vcpu *v, uint64_t clock, uint64_t now)
{
	struct sched_domain *s = &v->domain->sched;
	unsigned int rate = READ_ONCE(s->rate); /* once, as above */
	int64_t level;
	uint64_t fair;

	if (!rate) {
		return 0;
	}
	spin_lock(&s->lock);
	refill(s, now, 0);
	level = s->bucket;
	spin_unlock(&s->lock);
	if (level < URGENT) {
		return now + (uint64_t)((URGENT - level) / rate) + 1;
	}
	fair = fair_vtime(v, clock);
	if (vtime_before(fair, v->sched.vtime)) {
		v->sched.vtime = fair;
	}
	v->sched.fair = v->sched.vtime;
	return 0;
}

void credit_domain_init(struct domain *d)
{
	d->sched.weight = SCHED_WEIGHT_DEFAULT;
}

void credit_set(struct domain *d, uint16_t weight, uint16_t cap, uint64_t now)
{
	struct sched_domain *s = &d->sched;

	spin_lock(&s->lock);
	s->weight = weight;
	s->cap = cap;
	/* Each vCPU gets one CPU at most anyway. */
	s->rate = cap < 100 * d->vcpu_count ? cap : 0;
	s->filled_at = now;
	s->bucket = FULL / 4;
	s->haste = ONE;
	spin_unlock(&s->lock);
}
