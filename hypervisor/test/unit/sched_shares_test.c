/*
 * sched_shares_test.c - shares in every one-second window, for random sets of
 * weights, caps, sleepers and CPUs, against the exact answer: max-min fair by
 * weight, where nobody gets more than its cap, than one CPU, or than a
 * sleeper asks for.
 */
#include "core/credit.h"
#include "test/unit/world.h"

#include <stdlib.h>
#include <string.h>

#define MS	1000000ULL
#define S	1000000000ULL
#define N	20
#define STEP	(MS / 20)
#define SAMPLE	(50 * MS)
#define SAMPLES 70
#define WINDOW	((unsigned int)(S / SAMPLE))
#define SETS	25

static struct load {
	struct domain *d;
	uint64_t on, off; /* runs for so long, sleeps for so long; 0: busy */
	uint64_t wakes, slept_at; /* when it wakes (0: awake); its runtime */
	uint64_t used[SAMPLES + 1];
} load[N];
static unsigned int count;

static struct load *add(unsigned int weight, unsigned int cap)
{
	struct load *l = &load[count++];

	l->d = world_domain((domid_t)count, 1);
	CHECK_EQ(sched_set_params(l->d, weight, cap), 0);
	world_start(l->d);
	return l;
}

static void play(struct load *l)
{
	struct vcpu *v = l->d->vcpu[0];

	if (!l->off) {
		return;
	}
	if (l->wakes) {
		if (fake_time >= l->wakes) {
			l->wakes = 0;
			vcpu_flags_clear(v, VPF_BLOCKED);
			sched_wake(v);
			fake_settle();
		}
	} else if (sched_runtime(v) - l->slept_at >= l->on) {
		l->slept_at = sched_runtime(v);
		l->wakes = fake_time + l->off;
		fake_cpu = v->cpu;
		vcpu_flags_set(v, VPF_BLOCKED);
		sched_sleep(v);
		fake_settle();
	}
}

static void play_all(uint64_t ns)
{
	uint64_t end = fake_time + ns;
	bool sleepers = false;
	unsigned int i;

	for (i = 0; i < count; i++) {
		sleepers |= load[i].off != 0;
	}
	while (fake_time < end) {
		fake_advance(sleepers ? STEP : ns);
		for (i = 0; i < count; i++) {
			play(&load[i]);
		}
	}
}

/* Fill up: share[] of `left` CPUs, nobody above his limit[]. */
static void fill(double left, const double *limit, double *share)
{
	bool full[N] = {false}, again = true;
	double weights;
	unsigned int i;

	while (again) {
		again = false;
		weights = 0;
		for (i = 0; i < count; i++) {
			weights += full[i] ? 0 : load[i].d->sched.weight;
		}
		for (i = 0; i < count && !again; i++) {
			if (full[i]) {
				continue;
			}
			share[i] = left * load[i].d->sched.weight / weights;
			if (share[i] >= limit[i]) {
				full[i] = again = true;
				share[i] = limit[i];
				left -= limit[i];
			}
		}
	}
}

static double got(unsigned int i, unsigned int sample)
{
	return (double)(load[i].used[sample] - load[i].used[sample - WINDOW]) /
	       S;
}

static void check_window(unsigned int cpus, unsigned int sample)
{
	double limit[N] = {0}, most[N], share[N], asked, g;
	unsigned int i;

	for (i = 0; i < count; i++) {
		limit[i] = load[i].d->sched.cap
				   ? MIN(load[i].d->sched.cap / 100.0, 1.0)
				   : 1.0;
	}
	for (i = 0; i < count; i++) {
		most[i] = limit[i];
		if (load[i].off) {
			limit[i] = MIN(limit[i], got(i, sample));
		}
	}
	/* What a sleeper would get if it stayed awake... */
	for (i = 0; i < count; i++) {
		if (load[i].off) {
			asked = limit[i];
			limit[i] = most[i];
			fill(cpus, limit, share);
			most[i] = share[i];
			limit[i] = asked;
		}
	}
	/* ... and what it leaves to the others. */
	fill(cpus, limit, share);
	for (i = 0; i < count; i++) {
		g = got(i, sample);
		if (g > (load[i].off ? most[i] : share[i]) + 0.005 ||
		    (!load[i].off && g < share[i] - 0.005)) {
			test_fail(__FILE__, __LINE__,
				  "vCPU %u of %u on %u CPUs, weight %u cap %u "
				  "sleeps %u us: expected %.4f, got %.4f",
				  i, count, cpus, load[i].d->sched.weight,
				  load[i].d->sched.cap,
				  (unsigned int)(load[i].off / 1000),
				  load[i].off ? most[i] : share[i], g);
		}
	}
}

/*
 * Caps and sleepers together: who is awake changes what the capped ones leave
 * to the others, so the second's mean has no one answer.  But at each instant
 * a busy one's share lies between that beside sleepers that never sleep, and
 * that beside none; so does the mean.  One that has a cap may miss a
 * little of it when who is awake changes faster than credit.c learns.
 */
static void check_bounds(unsigned int cpus, unsigned int sample)
{
	double limit[N] = {0}, least[N], most[N], g;
	unsigned int i, cap;

	for (i = 0; i < count; i++) {
		cap = load[i].d->sched.cap;
		limit[i] = cap ? cap / 100.0 : 1.0;
	}
	fill(cpus, limit, least);
	for (i = 0; i < count; i++) {
		limit[i] = load[i].off ? 0 : limit[i];
	}
	fill(cpus, limit, most);
	for (i = 0; i < count; i++) {
		g = got(i, sample);
		if (load[i].d->sched.cap) {
			least[i] *= 0.95;
		}
		if (!load[i].off &&
		    (g < least[i] - 0.005 || g > most[i] + 0.005)) {
			test_fail(__FILE__, __LINE__,
				  "vCPU %u of %u on %u CPUs, weight %u cap %u: "
				  "expected %.4f to %.4f, got %.4f",
				  i, count, cpus, load[i].d->sched.weight,
				  load[i].d->sched.cap, least[i], most[i], g);
		}
	}
}

static void check_shares(unsigned int cpus,
			 void (*check)(unsigned int, unsigned int))
{
	unsigned int i, s;

	play_all(S / 2); /* to settle in */
	for (s = 0; s <= SAMPLES; s++) {
		for (i = 0; i < count; i++) {
			load[i].used[s] = sched_runtime(load[i].d->vcpu[0]);
		}
		if (s >= WINDOW) {
			check(cpus, s);
		}
		play_all(SAMPLE);
		sched_audit();
	}
}

static unsigned int pick(unsigned int n)
{
	return (unsigned int)rand() % n;
}

static void random_set(bool capped, unsigned int sleepers)
{
	static const unsigned int caps[] = {0, 0, 0, 10, 25, 50, 80, 100};
	unsigned int n, weight, cpus;
	struct load *l;

	cpus = 1 + pick(FAKE_CPUS);
	fake_cpu = 0;
	fake_set_cpus(cpus);
	for (n = cpus + pick(8); n; n--) {
		weight = 64u << pick(5);
		add(weight, capped ? caps[pick(8)] : 0);
	}
	for (n = sleepers ? 1 + pick(sleepers) : 0; n; n--) {
		l = add(64u << pick(5), 0);
		l->on = 200000 + pick(12000000);
		l->off = 100000 + pick(20000000);
	}
	check_shares(cpus, capped && sleepers ? check_bounds : check_window);
	for (n = 0; n < count; n++) {
		domain_pause_by_controller(load[n].d);
	}
	fake_settle();
	for (n = 0; n < count; n++) {
		world_kill(load[n].d);
	}
}

/* SEED=n of the environment tries other sets. */
static void random_sets(bool capped, unsigned int sleepers)
{
	const char *env = getenv("SEED");
	unsigned int seed = env ? (unsigned int)atoi(env) : 1, i;

	for (i = 0; i < SETS; i++) {
		srand(seed + i);
		memset(load, 0, sizeof(load));
		count = 0;
		random_set(capped, sleepers);
	}
}

TEST(shares_of_random_weights)
{
	random_sets(false, 0);
}
TEST(shares_of_random_caps)
{
	random_sets(true, 0);
}
TEST(shares_of_random_sleepers)
{
	random_sets(false, 4);
}
TEST(shares_of_random_caps_and_sleepers)
{
	random_sets(true, 4);
}
