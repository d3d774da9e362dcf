/* clock_scale.c - arithmetic of clocks; see time.h.  Also on the host. */
#include "x86/time.h"

#define NS_PER_S 1000000000ULL

struct tsc_scale scale_for_hz(uint64_t hz)
{
	struct tsc_scale s = { 0, 0 };

	if (hz == 0) {
		return s;
	}
	/* Into (1e9, 2e9], so that mul has 31 or 32 significant bits. */
	while (hz > 2 * NS_PER_S) {
		hz >>= 1;
		s.shift--;
	}
	while (hz <= NS_PER_S) {
		hz <<= 1;
		s.shift++;
	}
	s.mul = (uint32_t)((NS_PER_S << 32) / hz);
	return s;
}

uint64_t scale_ticks(struct tsc_scale s, uint64_t ticks)
{
	ticks = s.shift < 0 ? ticks >> -s.shift : ticks << s.shift;
	return (uint64_t)(((unsigned __int128)ticks * s.mul) >> 32);
}

uint64_t scale_inverse(uint64_t hz)
{
	return (hz / NS_PER_S << 32) + ((hz % NS_PER_S) << 32) / NS_PER_S;
}

uint64_t scale_ns(uint64_t inverse, uint64_t ns)
{
	/* 52 days, which no product here overflows; a timer looks again then. */
	ns = MIN(ns, 1ULL << 52);
	return (uint64_t)(((unsigned __int128)ns * inverse) >> 32);
}

uint64_t scale_measure(uint64_t d_tsc, uint64_t d_ref, uint64_t ref_hz)
{
	uint64_t whole, rest;

	if (d_ref == 0) {
		return 0;
	}
	/* d_tsc * ref_hz / d_ref in two steps that fit into 64 bits. */
	whole = d_tsc / d_ref;
	rest = d_tsc % d_ref;
	return whole * ref_hz + rest * ref_hz / d_ref;
}

uint64_t scale_date(unsigned int year, unsigned int month, unsigned int day,
		    unsigned int hour, unsigned int min, unsigned int sec)
{
	/* Count from March, so that a leap day is a year's last. */
	uint64_t y = month <= 2 ? year - 1 : year;
	uint64_t m = month <= 2 ? month + 9 : month - 3;
	uint64_t days = y * 365 + y / 4 - y / 100 + y / 400 +
			(m * 153 + 2) / 5 + day - 1;

	return ((days - 719468) * 24 + hour) * 3600 + min * 60 + sec;
}
