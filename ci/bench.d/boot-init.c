/*
 * boot-init.c - the first process of life.sh's kernels: in dom0 says the TSC
 * and turns the machine off; in a guest ("stay") says that it is there.
 */
#include <stdio.h>
#include <sys/reboot.h>
#include <unistd.h>
#include <x86intrin.h>

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		printf("GUEST-UP\n");
		fflush(stdout);
		for (;;) {
			pause();
		}
	}
	printf("BOOT user %llu\n", __rdtsc());
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 0;
}
