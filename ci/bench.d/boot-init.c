/* boot-init.c - dom0's first process for boot.sh: says its TSC, turns off. */
#include <stdio.h>
#include <sys/reboot.h>
#include <x86intrin.h>

int main(void)
{
	printf("BOOT user %llu\n", __rdtsc());
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 0;
}
