/*
 * clock_test.c - the arithmetic behind port_now() and the deadlines.
 * uses: x86/clock_scale.c
 */
#include "test/unit/test.h"
#include "x86/time.h"

static const uint64_t frequencies[] = {
	1000,	    1193182,	 100000000,  999999999,	 1000000000,
	1000000001, 2000000000,	 2394454000, 3999999999, 5100000000ULL,
};
#define NS_PER_S 1000000000ULL

TEST(clock_scale_is_within_a_millionth)
{
	for (unsigned int i = 0; i < 10; i++) {
		uint64_t hz = frequencies[i];
		struct tsc_scale s = scale_for_hz(hz);
		uint64_t hour = scale_ticks(s, hz * 3600);
		uint64_t want = 3600 * NS_PER_S;
		uint64_t error = hour > want ? hour - want : want - hour;

		CHECK(s.mul >= 0x7fffffff);
		CHECK(error < want / 1000000);
	}
}

TEST(clock_scale_never_goes_back)
{
	struct tsc_scale s = scale_for_hz(2394454000);
	uint64_t last = 0;

	for (uint64_t t = 0; t < 100000; t++) {
		uint64_t ns = scale_ticks(s, t);

		CHECK(ns >= last);
		last = ns;
	}
	/* ten years of uptime still count upwards */
	CHECK(scale_ticks(s, 2394454000ULL * 315360000) > 300000000 * NS_PER_S);
}

TEST(clock_deadline_and_back)
{
	for (unsigned int i = 1; i < 10; i++) {
		uint64_t inv = scale_inverse(frequencies[i]);
		struct tsc_scale s = scale_for_hz(frequencies[i]);

		for (uint64_t ns = 1000000; ns < 1ULL << 50; ns *= 7) {
			uint64_t back = scale_ticks(s, scale_ns(inv, ns));
			uint64_t error = back > ns ? back - ns : ns - back;

			/* a tick, and a millionth */
			CHECK(error <= NS_PER_S / frequencies[i] + 2 +
					       ns / 500000);
		}
	}
}

/* A guest may ask for any deadline: none may come back as one in the past. */
TEST(clock_far_deadlines_stay_far)
{
	for (unsigned int i = 1; i < 10; i++) {
		uint64_t inv = scale_inverse(frequencies[i]);
		uint64_t year = scale_ns(inv, 31536000ULL * NS_PER_S);

		for (unsigned int bit = 55; bit < 64; bit++) {
			uint64_t ns = 1ULL << bit, ticks;

			for (unsigned int part = 0; part < 8; part++) {
				ticks = scale_ns(inv, ns | ns / 8 * part);
				CHECK(ticks >= year / 8);
				/* and what is added to it has room */
				CHECK(ticks < 1ULL << 60);
			}
		}
	}
}

TEST(clock_measure)
{
	CHECK_EQ(scale_measure(25000000, 2500000, 100000000), 1000000000);
	CHECK_EQ(scale_measure(59861350, 89488, 3579545), 2394470723);
	CHECK_EQ(scale_measure(1000, 0, 100), 0);
	CHECK_EQ(scale_measure(0, 100, 100), 0);
}

TEST(clock_date)
{
	CHECK_EQ(scale_date(1970, 1, 1, 0, 0, 0), 0);
	CHECK_EQ(scale_date(2000, 2, 29, 12, 0, 0), 951825600);
	CHECK_EQ(scale_date(2000, 3, 1, 0, 0, 0), 951868800);
	CHECK_EQ(scale_date(2026, 11, 21, 7, 2, 46), 1795244566);
	CHECK_EQ(scale_date(2100, 3, 1, 0, 0, 0), 4107542400);
}
