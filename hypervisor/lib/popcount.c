/* popcount.c - what the compiler calls for __builtin_popcountll(). */
#include <stdint.h>

int __popcountdi2(uint64_t x);
int __popcountdi2(uint64_t x)
{
	int n = 0;

	for (; x; x &= x - 1) {
		n++;
	}
	return n;
}
