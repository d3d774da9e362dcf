/*
 * apart-init.c - for apart.sh.
 *
 *   apart-init begin | end   tells the plugin (apart.c) so
 *   apart-init               first process on the bare machine: a busy process
 *			      on each of two CPUs, begin, SECONDS later end, off
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "load/rounds.h"

#define CPUS	2
#define SETTLE	5 /* seconds */
#define SECONDS 20

static void begin(void)
{
	__asm__ volatile("nopl 0x5e7a1001(%%rax)" ::: "memory");
}

static void end(void)
{
	__asm__ volatile("nopl 0x5e7a1000(%%rax)" ::: "memory");
}

static void work(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	for (;;) {
		spin_round();
	}
}

static void bare(void)
{
	for (int i = 0; i < CPUS; i++) {
		if (fork() == 0) {
			work(i);
		}
	}
	sleep(SETTLE);
	begin();
	sleep(SECONDS);
	end();
	printf("BENCH-END\n");
	fflush(stdout);
	reboot(RB_POWER_OFF);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		bare();
	} else if (!strcmp(argv[1], "begin")) {
		begin();
	} else {
		end();
	}
	return 0;
}
