/*
 * io.c - network, disk and a program's work, as devices.sh measures them in
 * guests, in dom0 and on the bare machine. Prints "IO NAME COST", in
 * nanoseconds of the machine's clock (under -icount: instructions).
 *
 *   io serve              answer the next two everywhere, for good
 *   io stream NAME ADDR   send bytes: the cost of a KiB
 *   io hop NAME ADDR      a byte there and back again: the cost of one way
 *   io disk NAME DEVICE   sequential and random, past the cache
 *   io run NAME PROGRAM ARGUMENT...
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PORT	     5001
#define STREAM_KIB   (32 * 1024)
#define HOPS	     2000
#define CHUNK	     (128 * 1024)
#define DISK_MIB     32
#define RANDOM_READS 2000
#define PAGE	     4096

static char buf[CHUNK] __attribute__((aligned(PAGE)));

static void must(bool ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void report(const char *name, const char *what, double began, long n)
{
	printf("IO %s%s %.1f\n", name, what, (now() - began) / (double)n);
	fflush(stdout);
}

static int tcp_socket(struct sockaddr_in *a, const char *address)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	must(fd >= 0, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	*a = (struct sockaddr_in){ .sin_family = AF_INET,
				   .sin_port = htons(PORT) };
	must(inet_pton(AF_INET, address, &a->sin_addr) == 1, address);
	return fd;
}

static int tcp_connect(const char *address, char mode)
{
	struct sockaddr_in a;
	int fd = tcp_socket(&a, address), tries = 0;

	/* Whoever answers may still be starting. */
	while (connect(fd, (struct sockaddr *)&a, sizeof(a))) {
		must(++tries < 300, "connect");
		close(fd);
		usleep(100000);
		fd = tcp_socket(&a, address);
	}
	must(write(fd, &mode, 1) == 1, "write");
	return fd;
}

/* 'h': each byte goes back. 's': one byte goes back when all have come. */
static void answer(int fd)
{
	char mode;
	ssize_t n;

	must(read(fd, &mode, 1) == 1, "read");
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		must(mode != 'h' || write(fd, buf, (size_t)n) == n, "write");
	}
	must(mode == 'h' || write(fd, buf, 1) == 1, "write");
	close(fd);
}

static void serve(void)
{
	struct sockaddr_in a;
	int s = tcp_socket(&a, "0.0.0.0"), fd, one = 1;

	must(!bind(s, (struct sockaddr *)&a, sizeof(a)) && !listen(s, 4),
	     "listen");
	for (;;) {
		fd = accept(s, NULL, NULL);
		must(fd >= 0, "accept");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		answer(fd);
	}
}

static void stream(const char *name, const char *address)
{
	int fd = tcp_connect(address, 's');
	double began;

	for (int round = 0; round < 2; round++) {
		/* The first megabytes open the window. */
		long kib = round ? STREAM_KIB : STREAM_KIB / 8;

		if (round) {
			fd = tcp_connect(address, 's');
		}
		began = now();
		for (long i = 0; i < kib; i += 64) {
			for (ssize_t n, done = 0; done < 65536; done += n) {
				n = write(fd, buf, (size_t)(65536 - done));
				must(n > 0, "write");
			}
		}
		shutdown(fd, SHUT_WR);
		must(read(fd, buf, 1) == 1, "read");
		if (round) {
			report(name, "", began, kib);
		}
		close(fd);
	}
}

static void hop(const char *name, const char *address)
{
	int fd = tcp_connect(address, 'h');
	double began = 0;

	for (int i = -100; i < HOPS; i++) {
		if (i == 0) {
			began = now();
		}
		must(write(fd, buf, 1) == 1 && read(fd, buf, 1) == 1, "hop");
	}
	report(name, "", began, 2 * HOPS);
	close(fd);
}

static void disk(const char *name, const char *device)
{
	int fd = open(device, O_RDWR | O_DIRECT);
	const long chunks = DISK_MIB * 1024L * 1024 / CHUNK;
	const unsigned long pages = DISK_MIB * 1024UL * 1024 / PAGE;
	unsigned long at = 1;
	double began;

	must(fd >= 0, device);
	for (int writing = 1; writing >= 0; writing--) {
		began = now();
		for (long i = 0; i < chunks; i++) {
			must((writing ? pwrite(fd, buf, CHUNK, i * CHUNK) :
					pread(fd, buf, CHUNK, i * CHUNK)) ==
				     CHUNK,
			     "sequential");
		}
		report(name, writing ? "-write-KiB" : "-read-KiB", began,
		       DISK_MIB * 1024L);
		began = now();
		for (int i = 0; i < RANDOM_READS; i++) {
			off_t offset;

			at = at * 6364136223846793005UL + 1442695040888963407UL;
			offset = (off_t)((at >> 33) % pages * PAGE);
			must((writing ? pwrite(fd, buf, PAGE, offset) :
					pread(fd, buf, PAGE, offset)) == PAGE,
			     "random");
		}
		report(name, writing ? "-random-write" : "-random-read", began,
		       RANDOM_READS);
	}
	close(fd);
}

static void run(const char *name, char **argv)
{
	double began = now();
	pid_t pid = vfork();
	int status;

	if (!pid) {
		execv(argv[0], argv);
		_exit(127);
	}
	must(waitpid(pid, &status, 0) == pid && status == 0, argv[0]);
	report(name, "", began, 1);
}

int main(int argc, char **argv)
{
	must(argc >= 2, "io VERB");
	if (!strcmp(argv[1], "serve")) {
		serve();
	}
	must(argc >= 4, "io VERB NAME WHAT");
	if (!strcmp(argv[1], "stream")) {
		stream(argv[2], argv[3]);
	} else if (!strcmp(argv[1], "hop")) {
		hop(argv[2], argv[3]);
	} else if (!strcmp(argv[1], "disk")) {
		disk(argv[2], argv[3]);
	} else {
		run(argv[2], argv + 3);
	}
	return 0;
}
