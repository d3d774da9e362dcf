/*
 * micro.c - the first process of a Linux that measures itself: what a basic
 * operation costs, in nanoseconds of the guest's clock. Under QEMU's -icount
 * that is instructions (ci/bench). Prints "UB name cost" and turns off.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void report(const char *name, double total, long count)
{
	printf("UB %s %.1f\n", name, total / (double)count);
	fflush(stdout);
}

static void null_syscall(void)
{
	const long n = 20000;
	double t = now();

	for (long i = 0; i < n; i++) {
		syscall(SYS_getppid);
	}
	report("null-syscall", now() - t, n);
}

static char *map(size_t pages)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		_exit(1);
	}
	/* One fault a page, also where huge pages are on. */
	madvise(p, pages * PAGE, MADV_NOHUGEPAGE);
	return p;
}

static void anonymous_fault(void)
{
	const size_t pages = 2048;
	double total = 0;

	for (int round = 0; round < 4; round++) {
		char *p = map(pages);
		double t = now();

		for (size_t i = 0; i < pages; i++) {
			p[i * PAGE] = 1;
		}
		munmap(p, pages * PAGE);
		total += now() - t;
	}
	report("anonymous-fault", total, 4 * (long)pages);
}

static void fork_exit_wait(void)
{
	const long n = 100;
	double t = now();

	for (long i = 0; i < n; i++) {
		pid_t pid = fork();

		if (!pid) {
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
	report("fork-exit-wait", now() - t, n);
}

static void vfork_exec(void)
{
	const long n = 40;
	double t = now();

	for (long i = 0; i < n; i++) {
		pid_t pid = vfork();

		if (!pid) {
			execl("/init", "init", "exit", (char *)NULL);
			_exit(1);
		}
		waitpid(pid, NULL, 0);
	}
	report("vfork-exec", now() - t, n);
}

static void bounce_byte(int out, int in)
{
	char c = 0;

	if (write(out, &c, 1) != 1 || read(in, &c, 1) != 1) {
		_exit(1);
	}
}

static void pipe_hop(void)
{
	const long n = 2000;
	int there[2], back[2];
	double t;

	if (pipe(there) || pipe(back)) {
		_exit(1);
	}
	if (!fork()) {
		char c;

		while (read(there[0], &c, 1) == 1 && write(back[1], &c, 1) == 1) {
		}
		_exit(0);
	}
	bounce_byte(there[1], back[0]);
	t = now();
	for (long i = 0; i < n; i++) {
		bounce_byte(there[1], back[0]);
	}
	report("pipe-hop", now() - t, 2 * n);
}

static void mprotect_twice(void)
{
	const long n = 500;
	const size_t size = 16 * PAGE;
	char *p = map(16);
	double t;

	memset(p, 1, size);
	t = now();
	for (long i = 0; i < n; i++) {
		mprotect(p, size, PROT_READ);
		mprotect(p, size, PROT_READ | PROT_WRITE);
	}
	report("mprotect-16-twice", now() - t, n);
}

static void floating_point(void)
{
	const long n = 1000000;
	volatile double d = 1.0;
	double t = now();

	for (long i = 0; i < n; i++) {
		d = d * 1.0000001 + 0.5;
	}
	report("floating-point", now() - t, n);
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		_exit(0); /* what vfork_exec() starts */
	}
	null_syscall();
	anonymous_fault();
	fork_exit_wait();
	vfork_exec();
	pipe_hop();
	mprotect_twice();
	floating_point();
	reboot(RB_POWER_OFF);
	return 0;
}
