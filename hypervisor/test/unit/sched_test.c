/*
 * sched_test.c - the scheduler on a virtual clock: shares against the exact
 * answer, caps, sleepers, cheats, latency.
 */
#include "core/credit.h"
#include "test/unit/world.h"

#include <stdlib.h>

#define MS 1000000ULL
#define S  1000000000ULL
#define N  24

static struct domain *dom[N];
static unsigned int count;
static uint64_t ran[N]; /* sched_runtime() at the start of a window */

static unsigned int switches;

static void count_switch(unsigned int cpu, struct vcpu *next)
{
	(void)cpu;
	(void)next;
	switches++;
}

static struct vcpu *add(unsigned int weight, unsigned int cap)
{
	struct domain *d = world_domain((domid_t)(count + 1), 1);

	CHECK_EQ(sched_set_params(d, weight, cap), 0);
	dom[count++] = d;
	world_start(d);
	return d->vcpu[0];
}

static void window_start(void)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		ran[i] = sched_runtime(dom[i]->vcpu[0]);
	}
}

static uint64_t used(unsigned int i)
{
	return sched_runtime(dom[i]->vcpu[0]) - ran[i];
}

/* What each busy vCPU should get of `cpus` CPUs, by filling up. */
static void ideal(unsigned int cpus, double *share)
{
	double left = cpus, weights, limit[N];
	bool full[N] = { false }, again = true;
	unsigned int i;

	for (i = 0; i < count; i++) {
		limit[i] = dom[i]->sched.cap && dom[i]->sched.cap < 100 ?
				   dom[i]->sched.cap / 100.0 :
				   1.0;
	}
	while (again) {
		again = false;
		weights = 0;
		for (i = 0; i < count; i++) {
			weights += full[i] ? 0 : dom[i]->sched.weight;
		}
		for (i = 0; i < count; i++) {
			if (full[i]) {
				continue;
			}
			share[i] = left * dom[i]->sched.weight / weights;
			if (share[i] >= limit[i]) {
				full[i] = true;
				share[i] = limit[i];
				left -= limit[i];
				again = true;
				break;
			}
		}
	}
}

/* All are busy: each gets its share of every second, within `tolerance`. */
static void check_shares(unsigned int cpus, unsigned int seconds,
			 double tolerance)
{
	double share[N], got;
	unsigned int i;

	ideal(cpus, share);
	fake_advance(S / 2); /* to settle in */
	while (seconds--) {
		window_start();
		fake_advance(S);
		for (i = 0; i < count; i++) {
			got = (double)used(i) / S;
			if (got < share[i] - tolerance ||
			    got > share[i] + tolerance) {
				test_fail(__FILE__, __LINE__,
					  "vCPU %u of %u on %u CPUs, weight "
					  "%u cap %u: expected %.4f, got %.4f",
					  i, count, cpus, dom[i]->sched.weight,
					  dom[i]->sched.cap, share[i], got);
			}
		}
		sched_audit();
	}
}

TEST(sched_two_on_one_cpu_share_evenly)
{
	fake_set_cpus(1);
	add(256, 0);
	add(256, 0);
	check_shares(1, 5, 0.005);
}

TEST(sched_one_alone_has_all_and_no_tick)
{
	unsigned int kicks;

	fake_set_cpus(1);
	add(256, 0);
	fake_advance(10 * MS);
	kicks = fake_kicks[0];
	CHECK_EQ(fake_deadline[0], 0);
	window_start();
	fake_advance(S);
	CHECK_EQ(used(0), S);
	CHECK_EQ(fake_deadline[0], 0);
	CHECK_EQ(fake_kicks[0], kicks);
	/* The other gone, it has all again at once. */
	add(256, 0);
	fake_advance(S);
	domain_pause_by_controller(dom[1]);
	window_start();
	fake_advance(S);
	CHECK(used(0) >= S - 3 * MS);
	CHECK_EQ(fake_deadline[0], 0);
}

TEST(sched_weights_one_two_four)
{
	fake_set_cpus(1);
	add(256, 0);
	add(512, 0);
	add(1024, 0);
	check_shares(1, 5, 0.005);
}

TEST(sched_ten_get_a_tenth)
{
	unsigned int i;

	fake_set_cpus(1);
	for (i = 0; i < 10; i++) {
		add(256, 0);
	}
	check_shares(1, 5, 0.005);
}

TEST(sched_three_on_two_cpus)
{
	fake_set_cpus(2);
	add(256, 0);
	add(256, 0);
	add(256, 0);
	check_shares(2, 5, 0.005);
}

/* Its weight entitles it to more than one CPU: it gets one, whole. */
TEST(sched_weight_beyond_one_cpu)
{
	fake_set_cpus(2);
	add(4096, 0);
	add(256, 0);
	add(256, 0);
	add(256, 0);
	check_shares(2, 5, 0.005);
}

TEST(sched_caps)
{
	fake_set_cpus(2);
	add(256, 10);
	add(256, 25);
	add(256, 50);
	add(256, 0);
	check_shares(2, 5, 0.005);
}

/* A cap costs few switches: of 80 % as of 10 %, alone on its CPU. */
TEST(sched_cap_alone)
{
	static const unsigned int cap[] = { 10, 50, 80, 99 };
	unsigned int i;

	fake_set_cpus(1);
	add(256, cap[0]);
	fake_switch_hook = count_switch;
	for (i = 0; i < 4; i++) {
		CHECK_EQ(sched_set_params(dom[0], 256, cap[i]), 0);
		switches = 0;
		check_shares(1, 2, 0.003);
		CHECK(switches < 1500); /* in 2.5 seconds */
	}
}

/* A change takes effect at once. */
TEST(sched_weight_and_cap_change_while_running)
{
	fake_set_cpus(1);
	add(256, 0);
	add(256, 0);
	check_shares(1, 2, 0.005);
	CHECK_EQ(sched_set_params(dom[0], 768, 0), 0);
	check_shares(1, 2, 0.005);
	CHECK_EQ(sched_set_params(dom[0], 768, 20), 0);
	check_shares(1, 2, 0.005);
	CHECK_EQ(sched_set_params(dom[0], 0, 20), -EINVAL);
	CHECK_EQ(sched_set_params(dom[0], 65536, 0), -EINVAL);
}

/* In no second does a capped guest get more than its cap and one burst. */
TEST(sched_cap_is_never_exceeded)
{
	unsigned int i;

	fake_set_cpus(2);
	add(1024, 10);
	add(256, 25);
	for (i = 0; i < 40; i++) {
		window_start();
		fake_advance(S);
		CHECK(used(0) <= S / 10 + CREDIT_BURST_NS + MS / 10);
		CHECK(used(1) <= S / 4 + CREDIT_BURST_NS + MS / 10);
		fake_advance(3 * MS + i);
	}
}

static void go_to_sleep(struct vcpu *v)
{
	fake_cpu = v->cpu;
	vcpu_flags_set(v, VPF_BLOCKED);
	sched_sleep(v);
	fake_settle();
}

static void wake_up(struct vcpu *v)
{
	vcpu_flags_clear(v, VPF_BLOCKED);
	sched_wake(v);
	fake_settle();
}

/* Sleeps whenever it has run `on`, for `off`; gains nothing by it. */
static void check_cheat(uint64_t on, uint64_t off, double most)
{
	uint64_t woken = 0, started, end;
	struct vcpu *v;

	fake_set_cpus(1);
	v = add(256, 0);
	add(256, 0);
	fake_advance(S / 2);
	window_start();
	end = fake_time + 4 * S;
	started = sched_runtime(v);
	while (fake_time < end) {
		fake_advance(MS / 20);
		if (!(v->pause_flags & VPF_BLOCKED)) {
			if (sched_runtime(v) - started >= on) {
				go_to_sleep(v);
				woken = fake_time + off;
			}
		} else if (fake_time >= woken) {
			wake_up(v);
			started = sched_runtime(v);
		}
	}
	if ((double)used(0) / (4 * S) > most) {
		test_fail(__FILE__, __LINE__,
			  "runs %llu ns, sleeps %llu ns: expected at most "
			  "%.3f, got %.3f",
			  (unsigned long long)on, (unsigned long long)off,
			  most, (double)used(0) / (4 * S));
	}
	/* And who stays awake loses nothing that the other did not use. */
	CHECK((double)used(1) / (4 * S) >= 1 - most - 0.001);
}

TEST(sched_sleeping_before_the_slice_ends_gains_nothing)
{
	check_cheat(1900000, 100000, 0.505);
}

TEST(sched_sleeping_shortly_and_often_gains_nothing)
{
	check_cheat(300000, 50000, 0.505);
}

TEST(sched_sleeping_long_gains_nothing)
{
	check_cheat(12 * MS, 9 * MS, 0.505);
}

TEST(sched_yield_gives_way)
{
	uint64_t last = 0;
	unsigned int i;
	struct vcpu *v;

	fake_set_cpus(1);
	v = add(256, 0);
	add(256, 0);
	fake_advance(S / 2);
	window_start();
	for (i = 0; i < 20000; i++) {
		fake_advance(MS / 20);
		fake_cpu = 0;
		if (v->running && sched_runtime(v) > last) {
			last = sched_runtime(v);
			sched_yield(v);
		}
	}
	/* It yields all the time and still is not starved. */
	CHECK(used(0) > S / 100);
	CHECK(used(1) > S / 2 - 10 * MS);
}

/* Turns are long while nobody wakes up, for then only switches count. */
TEST(sched_long_turns_while_steady)
{
	unsigned int i;
	struct vcpu *v;

	fake_switch_hook = count_switch;
	fake_set_cpus(1);
	v = add(256, 0);
	add(256, 0);
	add(256, 0);
	go_to_sleep(v);
	fake_advance(S / 10);
	switches = 0;
	fake_advance(S);
	CHECK(switches < 400);
	switches = 0;
	for (i = 0; i < 100; i++) {
		fake_advance(10 * MS);
		wake_up(v);
		go_to_sleep(v);
	}
	CHECK(switches > 900);
}

/* An I/O-bound guest beside nine busy ones runs as soon as it wakes. */
TEST(sched_wakes_fast_beside_busy_ones)
{
	uint64_t woken, worst = 0;
	unsigned int i;
	struct vcpu *v;

	fake_set_cpus(1);
	v = add(256, 0);
	for (i = 0; i < 9; i++) {
		add(256, 0);
	}
	go_to_sleep(v);
	fake_advance(S / 2);
	for (i = 0; i < 500; i++) {
		fake_advance(5 * MS);
		woken = fake_time;
		wake_up(v);
		while (!v->running) {
			fake_advance(MS / 100);
		}
		worst = MAX(worst, fake_time - woken);
		fake_advance(MS / 5); /* its work */
		go_to_sleep(v);
	}
	CHECK(worst <= MS / 10);
}

/*
 * a has just got the CPU. How long b, who is due, waits when it is woken: by
 * the vCPU that runs on `cpu`, or by a timer or a device there.
 */
static uint64_t wait_beside(struct vcpu *a, struct vcpu *b, unsigned int cpu,
			    bool notified)
{
	uint64_t woken;

	go_to_sleep(b);
	go_to_sleep(a);
	fake_advance(10 * MS);
	wake_up(a);
	fake_advance(MS / 10);
	CHECK(a->running);
	b->sched.vtime = a->sched.vtime - 10 * MS;
	woken = fake_time;
	fake_cpu = cpu;
	sched_set_notifying(notified);
	vcpu_flags_clear(b, VPF_BLOCKED);
	sched_wake(b);
	sched_set_notifying(false);
	fake_settle();
	while (!b->running && fake_time < woken + 5 * MS) {
		fake_advance(MS / 100);
	}
	return fake_time - woken;
}

/* Who has just got the CPU and wakes another keeps it so long, no longer. */
TEST(sched_rate_limit_is_for_who_wakes_another)
{
	static const unsigned int limits[] = { 200, 700 };
	struct vcpu *a, *b;
	unsigned int i;
	uint64_t waited;

	fake_set_cpus(1);
	a = add(256, 0);
	b = add(256, 0);
	CHECK_EQ(sched_get_ratelimit(), 200); /* if nothing is said */
	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		CHECK_EQ(sched_set_ratelimit(limits[i]), 0);
		waited = wait_beside(a, b, 0, true) + MS / 10;
		CHECK(waited >= limits[i] * 1000);
		CHECK(waited <= limits[i] * 1000 + MS / 10);
		/* By a timer or a device: at once. */
		CHECK(wait_beside(a, b, 0, false) <= MS / 100);
	}
	CHECK_EQ(sched_set_ratelimit(0), 0);
	CHECK(wait_beside(a, b, 0, true) <= MS / 100);
	CHECK_EQ(sched_set_ratelimit(200), 0);
}

/*
 * Guests that sleep for microseconds would take the CPU from a busy one each
 * time: what the switches cost is the busy one's loss.
 */
TEST(sched_naps_take_the_cpu_seldom)
{
	struct vcpu *v[3];
	uint64_t end, woken[3], worst = 0;
	unsigned int i;

	fake_set_cpus(1);
	fake_switch_hook = count_switch;
	add(256, 0);
	for (i = 0; i < ARRAY_SIZE(v); i++) {
		v[i] = add(256, 0);
		woken[i] = 0;
		go_to_sleep(v[i]);
	}
	fake_advance(S / 10);
	switches = 0;
	for (end = fake_time + S; fake_time < end;) {
		for (i = 0; i < ARRAY_SIZE(v); i++) {
			if (v[i]->running) {
				worst = MAX(worst, fake_time - woken[i]);
				go_to_sleep(v[i]);
			} else if (v[i]->pause_flags & VPF_BLOCKED) {
				woken[i] = fake_time;
				wake_up(v[i]);
			}
		}
		fake_advance(MS / 200);
	}
	/* All of them in a row, and back, at each end of the rate limit. */
	CHECK(switches <= 5000 * (ARRAY_SIZE(v) + 1) + 100);
	CHECK(switches > 1000);
	CHECK(worst < MS / 2);
}

/* Nor does it hold where the one who wakes runs on another CPU. */
TEST(sched_rate_limit_is_of_the_cpu_that_wakes)
{
	struct vcpu *a, *b;

	fake_set_cpus(2);
	a = add(256, 0);
	b = add(256, 0);
	CHECK_EQ(sched_set_affinity(a, 2, 2), 0);
	CHECK_EQ(sched_set_affinity(b, 2, 2), 0);
	CHECK(wait_beside(a, b, 0, true) <= MS / 100);
	CHECK(b->running);
}

TEST(sched_affinity_is_kept)
{
	unsigned int i;

	fake_set_cpus(4);
	for (i = 0; i < 6; i++) {
		struct vcpu *v = add(256, 0);

		CHECK_EQ(sched_set_affinity(v, 1u << (i % 2), ~0ULL), 0);
	}
	fake_settle();
	for (i = 0; i < 200; i++) {
		fake_advance(3 * MS);
		CHECK(!fake_current[2] && !fake_current[3]);
		CHECK(fake_current[0] && fake_current[1]);
		CHECK_EQ((fake_current[0]->domain->id - 1) % 2, 0);
		CHECK_EQ((fake_current[1]->domain->id - 1) % 2, 1);
	}
	/* Freed again, they spread. */
	for (i = 0; i < 6; i++) {
		CHECK_EQ(sched_set_affinity(dom[i]->vcpu[0], ~0ULL, ~0ULL), 0);
	}
	check_shares(4, 2, 0.005);
	CHECK_EQ(sched_set_affinity(dom[0]->vcpu[0], 1ULL << 40, 1), -EINVAL);
}

/* Two slow CPUs of pinned vCPUs do not distort what a free one gets. */
TEST(sched_pinned_laggards_do_not_starve_others)
{
	unsigned int i;

	fake_set_cpus(2);
	for (i = 0; i < 6; i++) {
		CHECK_EQ(sched_set_affinity(add(256, 0), 2, ~0ULL), 0);
	}
	add(256, 0);
	add(256, 0);
	fake_advance(S);
	window_start();
	fake_advance(S);
	for (i = 0; i < 6; i++) {
		CHECK(used(i) > S / 6 - 10 * MS);
	}
	CHECK(used(6) + used(7) > S - 10 * MS);
	CHECK(used(6) > S / 2 - 10 * MS && used(7) > S / 2 - 10 * MS);
}

/* Sleepers, wakers, pauses, caps in any order: no invariant breaks. */
TEST(sched_random_games)
{
	unsigned int i, step;
	struct vcpu *v;

	fake_set_cpus(3);
	for (i = 0; i < 10; i++) {
		add(64u << i % 5, i % 3 ? 0 : 30);
	}
	srand(3);
	for (step = 0; step < 20000; step++) {
		v = dom[rand() % 10]->vcpu[0];
		switch (rand() % 8) {
		case 0:
			go_to_sleep(v);
			break;
		case 1:
		case 2:
			wake_up(v);
			break;
		case 3:
			fake_cpu = 2;
			sched_set_affinity(v, 1u + (unsigned int)rand() % 7,
					   ~0ULL);
			break;
		case 4:
			sched_set_params(v->domain,
					 1 + (unsigned int)rand() % 1000,
					 rand() % 3 ? 0 : 20);
			break;
		case 5:
			sched_yield(v);
			break;
		default:
			fake_advance((uint64_t)rand() % (3 * MS));
			break;
		}
		fake_settle();
		sched_audit();
		/* Nobody waits for a CPU that is idle and may run it. */
		for (i = 0; i < 10; i++) {
			v = dom[i]->vcpu[0];
			if (v->sched.queued && !fake_current[v->cpu]) {
				CHECK(!(v->sched.hard_affinity >> v->cpu & 1));
			}
		}
	}
	for (i = 0; i < 10; i++) {
		world_kill(dom[i]);
	}
	sched_audit();
}
