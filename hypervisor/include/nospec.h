/*
 * nospec.h - an index from a guest, made safe under speculation.
 *
 * index_nospec(i, n) is i when i < n and 0 otherwise, computed without a
 * branch, so that a mispredicted bounds check cannot read past a table
 * (Spectre v1).  Use it on every guest index after its bounds check.
 */
#ifndef INCLUDE_NOSPEC_H
#define INCLUDE_NOSPEC_H

#include <stdint.h>

static inline uint64_t index_nospec(uint64_t i, uint64_t n)
{
	uint64_t mask;

#ifdef __x86_64__
	__asm__ volatile("cmp %2, %1; sbb %0, %0"
			 : "=r"(mask)
			 : "r"(i), "r"(n)
			 : "cc");
#else
	mask = -(uint64_t)(i < n);
#endif
	return i & mask;
}

#endif
