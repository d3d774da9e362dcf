/*
 * stress.c - what 16-dom0.sh runs in dom0: stress SECONDS DIRECTORY.
 * One worker per CPU forks, maps, protects, copies on write, executes, and
 * writes and reads files, and compares every byte that it reads with what it
 * wrote. Prints "stress: N rounds, M errors"; exit code 1 if M is not 0 or N is.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
#define PAGES 256
#define SIZE (PAGES * PAGE)

struct tally {
	unsigned long rounds, errors;
};

static uint64_t word_of(uint64_t seed, size_t i)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15ull + i;

	x ^= x >> 29;
	return x * 0xbf58476d1ce4e5b9ull;
}

static void fill(uint64_t *p, uint64_t seed, size_t bytes)
{
	for (size_t i = 0; i < bytes / sizeof(*p); i++) {
		p[i] = word_of(seed, i);
	}
}

static int differs(const uint64_t *p, uint64_t seed, size_t bytes)
{
	for (size_t i = 0; i < bytes / sizeof(*p); i++) {
		if (p[i] != word_of(seed, i)) {
			return 1;
		}
	}
	return 0;
}

/* The child's writes are its own; the parent's pages stay what they were. */
static int copy_on_write(uint64_t *p, uint64_t seed)
{
	int status;
	pid_t pid = fork();

	if (pid < 0) {
		return 1;
	}
	if (!pid) {
		int bad = differs(p, seed, SIZE);

		fill(p, seed + 1, SIZE);
		_exit(bad || differs(p, seed + 1, SIZE));
	}
	fill(p, seed + 2, SIZE / 2);
	if (waitpid(pid, &status, 0) != pid || status) {
		return 1;
	}
	return differs(p, seed + 2, SIZE / 2);
}

static int memory(uint64_t seed)
{
	uint64_t *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int bad;

	if (p == MAP_FAILED) {
		return 1;
	}
	fill(p, seed, SIZE);
	bad = mprotect(p, SIZE, PROT_READ) || differs(p, seed, SIZE) ||
	      mprotect(p, SIZE, PROT_READ | PROT_WRITE) ||
	      copy_on_write(p, seed);
	p = mremap(p, SIZE, 2 * SIZE, MREMAP_MAYMOVE);
	if (p == MAP_FAILED) {
		return 1;
	}
	bad |= differs(p, seed + 2, SIZE / 2);
	return munmap(p, 2 * SIZE) || bad;
}

static int file(const char *directory, uint64_t seed)
{
	static uint64_t data[SIZE / 8];
	char path[256];
	int fd, bad;

	snprintf(path, sizeof(path), "%s/stress.%d", directory, getpid());
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0) {
		return 1;
	}
	fill(data, seed, SIZE);
	bad = write(fd, data, SIZE) != SIZE;
	memset(data, 0, SIZE);
	bad |= pread(fd, data, SIZE, 0) != SIZE || differs(data, seed, SIZE);
	close(fd);
	return unlink(path) || bad;
}

static int execute(const char *self)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		execl(self, self, (char *)NULL);
		_exit(99);
	}
	return pid < 0 || waitpid(pid, &status, 0) != pid ||
	       !WIFEXITED(status) || WEXITSTATUS(status) != 2;
}

static void work(struct tally *t, int worker, time_t end, char **argv)
{
	while (time(NULL) < end) {
		uint64_t seed = t->rounds * 64 + (uint64_t)worker;

		t->errors += (unsigned long)memory(seed);
		t->errors += (unsigned long)file(argv[2], seed);
		t->errors += (unsigned long)execute(argv[0]);
		t->rounds++;
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned long rounds = 0, errors = 0;
	struct tally *t;
	time_t end;

	if (argc != 3) {
		return 2; /* what execute() starts ends here */
	}
	end = time(NULL) + atoi(argv[1]);
	t = mmap(NULL, (size_t)n * sizeof(*t), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (t == MAP_FAILED) {
		return 1;
	}
	for (int i = 0; i < n; i++) {
		if (!fork()) {
			work(&t[i], i, end, argv);
		}
	}
	for (int status; wait(&status) > 0;) {
		errors += status != 0;
	}
	for (long i = 0; i < n; i++) {
		rounds += t[i].rounds;
		errors += t[i].errors + !t[i].rounds;
	}
	printf("stress: %lu rounds, %lu errors\n", rounds, errors);
	return errors || !rounds;
}
