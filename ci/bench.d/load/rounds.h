/*
 * rounds.h - the work of a busy guest (main.c) and of a process on the bare
 * machine (bare.c), so that both count the same.  Under -icount the TSC
 * counts nanoseconds everywhere.
 */
#ifndef LOAD_ROUNDS_H
#define LOAD_ROUNDS_H

#include <stdint.h>

#define TSC_SECOND 1000000000ul
#define ROUND	   20000 /* instructions */

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

static inline void spin_round(void)
{
	uint64_t n = ROUND / 2;

	__asm__ volatile("1: dec %0\n jnz 1b" : "+r"(n) : : "cc");
}

/* Spin until the next second of the TSC begins: how many rounds. */
static inline uint64_t spin_second(uint64_t *second)
{
	uint64_t rounds = 0, t;

	for (;;) {
		spin_round();
		rounds++;
		t = rdtsc() / TSC_SECOND;
		if (t != *second) {
			*second = t;
			return rounds;
		}
	}
}

#endif
