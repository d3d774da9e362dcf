/* timer_test.c - core/timer.c against a plain list. */
#include "test/unit/test.h"
#include "core/timer.h"

#include <stdlib.h>
#include <string.h>

#define N 200

static struct timer t[N];
static uint64_t due[N]; /* model: 0: idle */
static unsigned int fired[N];
static uint64_t last_fired;

static void fire(void *arg)
{
	struct timer *self = arg;
	size_t i = (size_t)(self - t);

	CHECK(due[i] && due[i] <= fake_time);
	CHECK(due[i] >= last_fired);
	last_fired = due[i];
	due[i] = 0;
	fired[i]++;
}

static void init(void)
{
	size_t i;

	for (i = 0; i < N; i++) {
		timer_init(&t[i], fire, &t[i], (unsigned int)i % FAKE_CPUS);
	}
}

/* Deadlines of one CPU come in order; none is lost, none comes early. */
TEST(timer_random_against_model)
{
	unsigned int step, i, cpu;
	uint64_t now;

	init();
	srand(7);
	for (step = 0; step < 20000; step++) {
		i = (unsigned int)rand() % N;
		switch (rand() % 4) {
		case 0:
		case 1:
			due[i] = fake_time + (uint64_t)rand() % 5000;
			timer_set(&t[i], due[i]);
			break;
		case 2:
			timer_stop(&t[i]);
			due[i] = 0;
			break;
		default:
			timer_migrate(&t[i], (unsigned int)rand() % FAKE_CPUS);
			break;
		}
		if (step % 16) {
			continue;
		}
		fake_time += (uint64_t)rand() % 3000;
		for (cpu = 0; cpu < FAKE_CPUS; cpu++) {
			fake_cpu = cpu;
			last_fired = 0;
			timer_run();
		}
		fake_cpu = 0;
		now = fake_time;
		for (i = 0; i < N; i++) {
			CHECK(!due[i] || due[i] > now);
			CHECK_EQ(t[i].queued, due[i] != 0);
		}
	}
}

TEST(timer_arms_the_hardware_for_the_first)
{
	fake_settle();
	init();
	due[0] = fake_time + 1000;
	timer_set(&t[0], due[0]);
	CHECK_EQ(fake_deadline[0], due[0]);
	timer_set(&t[4], fake_time + 500); /* the same CPU, earlier */
	CHECK_EQ(fake_deadline[0], fake_time + 500);
	/* Another CPU's queue: that CPU is told. */
	timer_set(&t[1], fake_time + 10);
	CHECK_EQ(fake_kicks[1], 1);
	fake_cpu = 1;
	timer_rearm();
	CHECK_EQ(fake_deadline[1], fake_time + 10);
}

static void fire_again(void *arg)
{
	struct timer *self = arg;

	if (++fired[0] < 5) {
		timer_set(self, self->deadline + 100);
	}
}

TEST(timer_may_set_itself_again)
{
	timer_init(&t[0], fire_again, &t[0], 0);
	timer_set(&t[0], fake_time + 100);
	fake_advance(10000);
	CHECK_EQ(fired[0], 5);
	CHECK(!t[0].queued);
}

static void fire_and_stop(void *arg)
{
	timer_stop(arg);
	fired[0]++;
}

TEST(timer_may_stop_itself)
{
	timer_init(&t[0], fire_and_stop, &t[0], 0);
	timer_set(&t[0], fake_time);
	fake_advance(10);
	CHECK_EQ(fired[0], 1);
}
