/*
 * micro.c - Linux's basic operations, measured by a process of its own: what
 * each costs in nanoseconds of the guest's clock, which under QEMU's -icount
 * are instructions (ci/bench).  Prints a line "UB name cost" for each.
 *
 *   micro [NAME...]   those named, or every one that needs one CPU only
 *
 * As the first process it turns the machine off at its end; the kernel hands
 * it what follows "--" on its command line.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096

/*
 * What profile.c counts lies between the first two, for the benchmark that
 * the third ends: NOPs with a displacement that nothing else has.
 */
#define MARK_BEGIN() __asm__ volatile("nopl 0x5e7a1001(%%rax)" ::: "memory")
#define MARK_END()   __asm__ volatile("nopl 0x5e7a1000(%%rax)" ::: "memory")

#define MARK_NEXT()  __asm__ volatile("nopl 0x5e7a1002(%%rax)" ::: "memory")

static double started;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void begin(void)
{
	started = now();
	MARK_BEGIN();
}

static double end(void)
{
	MARK_END();
	return now() - started;
}

static void report(const char *name, double total, long count)
{
	MARK_NEXT();
	printf("UB %s %.1f\n", name, total / (double)count);
	fflush(stdout);
}

static void must(bool ok)
{
	if (!ok) {
		printf("UB failed 0\n");
		_exit(1);
	}
}

static void null_syscall(const char *name)
{
	const long n = 20000;

	begin();
	for (long i = 0; i < n; i++) {
		syscall(SYS_getppid);
	}
	report(name, end(), n);
}

static void on_signal(int nr)
{
	(void)nr;
}

static void signal_self(const char *name)
{
	const long n = 2000;

	signal(SIGUSR1, on_signal);
	begin();
	for (long i = 0; i < n; i++) {
		raise(SIGUSR1);
	}
	report(name, end(), n);
}

static char *map(size_t pages)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED);
	/* One fault a page, also where huge pages are on. */
	madvise(p, pages * PAGE, MADV_NOHUGEPAGE);
	return p;
}

/* Touch each page once, and unmap. */
static void anonymous_fault(const char *name)
{
	const size_t pages = 2048;
	double total = 0;

	for (int round = 0; round < 4; round++) {
		char *p = map(pages);

		begin();
		for (size_t i = 0; i < pages; i++) {
			p[i * PAGE] = 1;
		}
		munmap(p, pages * PAGE);
		total += end();
	}
	report(name, total, 4 * (long)pages);
}

/* Read each page of a file in memory; the kernel maps 16 at a fault. */
static void file_fault(const char *name)
{
	const size_t pages = 1024;
	volatile char sink;
	double total = 0;
	char buf[PAGE];
	int fd = open("/bench.tmp", O_RDWR | O_CREAT, 0600);

	memset(buf, 1, sizeof(buf));
	for (size_t i = 0; i < pages; i++) {
		must(write(fd, buf, sizeof(buf)) == sizeof(buf));
	}
	for (int round = 0; round < 4; round++) {
		char *p = mmap(NULL, pages * PAGE, PROT_READ, MAP_SHARED, fd,
			       0);

		must(p != MAP_FAILED);
		begin();
		for (size_t i = 0; i < pages; i++) {
			sink = p[i * PAGE];
			(void)sink;
		}
		munmap(p, pages * PAGE);
		total += end();
	}
	report(name, total, 4 * (long)pages);
	close(fd);
	unlink("/bench.tmp");
}

/* A mapping comes, is used once, and goes. */
static void mmap_munmap(const char *name)
{
	const long n = 1000;

	begin();
	for (long i = 0; i < n; i++) {
		char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		*p = 1;
		munmap(p, PAGE);
	}
	report(name, end(), n);
}

static void mprotect_twice(const char *name)
{
	const long n = 500;
	const size_t size = 16 * PAGE;
	char *p = map(16);

	memset(p, 1, size);
	begin();
	for (long i = 0; i < n; i++) {
		mprotect(p, size, PROT_READ);
		mprotect(p, size, PROT_READ | PROT_WRITE);
	}
	report(name, end(), n);
}

static void fork_exit_wait(const char *name)
{
	const long n = 100;

	begin();
	for (long i = 0; i < n; i++) {
		pid_t pid = fork();

		if (!pid) {
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
	report(name, end(), n);
}

static void vfork_exec(const char *name)
{
	const long n = 40;

	begin();
	for (long i = 0; i < n; i++) {
		pid_t pid = vfork();

		if (!pid) {
			execl("/proc/self/exe", "micro", "exit", (char *)NULL);
			_exit(1);
		}
		waitpid(pid, NULL, 0);
	}
	report(name, end(), n);
}

static void pass(int in, int out)
{
	char c = 0;

	must(write(out, &c, 1) == 1 && read(in, &c, 1) == 1);
}

/* A byte goes round a ring of processes; what one hop costs. */
static void ring(const char *name, int processes)
{
	const long n = 4000 / processes;
	int fd[17][2];

	for (int i = 0; i < processes; i++) {
		must(!pipe(fd[i]));
	}
	for (int i = 1; i < processes; i++) {
		char c;

		if (fork()) {
			continue;
		}
		/* The ring ends when its last writer, the parent, is gone. */
		for (int k = 0; k < processes; k++) {
			if (k != i) {
				close(fd[k][1]);
			}
		}
		while (read(fd[i - 1][0], &c, 1) == 1 && c == 0 &&
		       write(fd[i][1], &c, 1) == 1) {
		}
		(void)!write(fd[i][1], "q", 1);
		_exit(0);
	}
	pass(fd[processes - 1][0], fd[0][1]);
	begin();
	for (long i = 0; i < n; i++) {
		pass(fd[processes - 1][0], fd[0][1]);
	}
	report(name, end(), n * processes);
	must(write(fd[0][1], "q", 1) == 1);
	for (int i = 0; i < processes; i++) {
		close(fd[i][0]);
		close(fd[i][1]);
		waitpid(-1, NULL, 0);
	}
}

static void switch_2(const char *name)
{
	ring(name, 2);
}

static void switch_8(const char *name)
{
	ring(name, 8);
}

static void switch_16(const char *name)
{
	ring(name, 16);
}

static sem_t there, back;
#define SEM_HOPS 2000

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	must(!sched_setaffinity(0, sizeof(set), &set));
}

static void *answer(void *arg)
{
	(void)arg;
	run_on(1);
	for (int i = 0; i <= SEM_HOPS; i++) {
		sem_wait(&there);
		sem_post(&back);
	}
	return NULL;
}

/* Wake a thread on the other vCPU and sleep until it wakes us. */
static void semaphore(const char *name)
{
	pthread_t thread;

	sem_init(&there, 0, 0);
	sem_init(&back, 0, 0);
	run_on(0);
	must(!pthread_create(&thread, NULL, answer, NULL));
	for (int i = 0; i <= SEM_HOPS; i++) {
		if (i == 1) {
			begin();
		}
		sem_post(&there);
		sem_wait(&back);
	}
	report(name, end(), 2 * SEM_HOPS);
	pthread_join(thread, NULL);
}

static void floating_point(const char *name)
{
	const long n = 1000000;
	volatile double d = 1.0;

	begin();
	for (long i = 0; i < n; i++) {
		d = d * 1.0000001 + 0.5;
	}
	report(name, end(), n);
}

/* For profile.sh: the kernel's symbols, which no file holds. */
static void kallsyms(const char *name)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	char line[256], type, symbol[128], addr[32];

	(void)name;
	must(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%31s %c %127s", addr, &type, symbol) == 3 &&
		    strchr("tTwW", type)) {
			printf("KS %s %s\n", addr, symbol);
		}
	}
	fclose(f);
}

static const struct {
	const char *name;
	void (*run)(const char *name);
	bool asked_only;
} benchmarks[] = {
	{ "null-syscall", null_syscall, false },
	{ "signal", signal_self, false },
	{ "anonymous-fault", anonymous_fault, false },
	{ "file-fault", file_fault, false },
	{ "mmap-munmap", mmap_munmap, false },
	{ "mprotect-16-twice", mprotect_twice, false },
	{ "fork-exit-wait", fork_exit_wait, false },
	{ "vfork-exec", vfork_exec, false },
	{ "pipe-hop", switch_2, false },
	{ "switch-8", switch_8, false },
	{ "switch-16", switch_16, false },
	{ "floating-point", floating_point, false },
	{ "semaphore", semaphore, true },
	{ "kallsyms", kallsyms, true },
};
#define COUNT (sizeof(benchmarks) / sizeof(benchmarks[0]))

static bool asked(int argc, char **argv, const char *name)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], name)) {
			return true;
		}
	}
	return false;
}

int main(int argc, char **argv)
{
	bool first = getpid() == 1;

	if (asked(argc, argv, "exit")) {
		_exit(0); /* what vfork_exec() starts */
	}
	if (first) {
		(void)!syscall(SYS_mount, "proc", "/proc", "proc", 0, NULL);
	}
	for (size_t i = 0; i < COUNT; i++) {
		if (argc > 1 ? asked(argc, argv, benchmarks[i].name) :
			       !benchmarks[i].asked_only) {
			benchmarks[i].run(benchmarks[i].name);
		}
	}
	printf("BENCH-END\n");
	fflush(stdout);
	if (first) {
		reboot(RB_POWER_OFF);
	}
	return 0;
}
