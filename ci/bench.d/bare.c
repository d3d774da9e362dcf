/*
 * bare.c - first process on the bare machine for shares.sh: what it counts of
 * load/rounds.h in a second, as "SHARE alone g1 LOAD second rounds".
 */
#include <stdio.h>
#include <sys/reboot.h>

#include "load/rounds.h"

int main(void)
{
	uint64_t second = rdtsc() / TSC_SECOND;

	for (int i = 0; i < 4; i++) {
		printf("SHARE alone g1 LOAD %d %lu\n", i, spin_second(&second));
		fflush(stdout);
	}
	printf("BENCH-END\n");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 0;
}
