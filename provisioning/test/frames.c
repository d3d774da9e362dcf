/*
 * frames.c - sends honest and forged Ethernet frames, and looks for them.
 *
 *	frames send IFACE KEY=VALUE...	send every case once, then the end mark
 *	frames listen IFACE SECONDS	print "seen NAME" until the end mark
 *	frames judge WHERE FILE MODE	compare FILE (a listener's output)
 *	frames list			names of all cases
 *
 * Keys: mac ip4 ip6 (the sender's own), vmac vip4 vip6 (the neighbour whose
 * addresses are stolen), hmac hip4 hip6 (the host).  WHERE: host or neighbour.
 * MODE: filtered (honest frames must be there, forged ones must not), bad
 * (only the second half), open (no filter: all must be there, which proves
 * that the test would see a forged frame).
 *
 * The cases are in frames_case.c.  Used in network namespaces (net_test.sh) and
 * inside real guests (ci/system), so it is linked statically.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "frames.h"

static void die(const char *what)
{
	fprintf(stderr, "frames: %s: %s\n", what,
		errno ? strerror(errno) : "bad argument");
	exit(2);
}

static void derive_ll(struct who *w)
{
	const uint8_t ll[16] = {0xfe, 0x80, 0, 0, 0, 0, 0, 0,
				w->mac[0] ^ 2, w->mac[1], w->mac[2], 0xff,
				0xfe, w->mac[3], w->mac[4], w->mac[5]};

	memcpy(w->ll, ll, 16);
}

static void parse_key(const char *arg)
{
	struct who *w = &me;
	uint8_t *m;

	errno = 0;
	if (arg[0] == 'v' || arg[0] == 'h') {
		w = arg[0] == 'v' ? &vic : &host;
		arg++;
	}
	m = w->mac;
	if (!strncmp(arg, "mac=", 4)) {
		if (sscanf(arg + 4, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", m, m + 1,
			   m + 2, m + 3, m + 4, m + 5) != 6) {
			die(arg);
		}
		derive_ll(w);
	} else if (!strncmp(arg, "ip4=", 4)) {
		if (inet_pton(AF_INET, arg + 4, w->ip4) != 1) {
			die(arg);
		}
	} else if (strncmp(arg, "ip6=", 4) ||
		   inet_pton(AF_INET6, arg + 4, w->ip6) != 1) {
		die(arg);
	}
}

static int open_raw(const char *iface)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_ALL)};
	int room = 1 << 20;
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));

	at.sll_ifindex = (int)if_nametoindex(iface);
	if (fd < 0 || !at.sll_ifindex ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at))) {
		die(iface);
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	return fd;
}

/*
 * Frames that one CPU sends stay in order; each CPU has a backlog of its own,
 * and a sender that is moved before the end mark lets the mark overtake.
 */
static void stay_on_one_cpu(void)
{
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	if (sched_setaffinity(0, sizeof(here), &here)) {
		die("sched_setaffinity");
	}
}

static int do_send(const char *iface)
{
	int fd = open_raw(iface);
	struct frame f;

	stay_on_one_cpu();
	for (size_t i = 0; i <= frames_count; i++) {
		frames_build(&f, i);
		if (send(fd, f.b, f.len, 0) != (ssize_t)f.len) {
			die(iface);
		}
	}
	close(fd);
	return 0;
}

static int do_listen(const char *iface, int seconds)
{
	int fd = open_raw(iface);
	time_t end = time(NULL) + seconds;
	bool marked = false;
	const char *name;
	char buf[2048];
	ssize_t n;

	puts("listening");
	fflush(stdout);
	while (time(NULL) < end) {
		struct pollfd pfd = {.fd = fd, .events = POLLIN};

		if (poll(&pfd, 1, 500) <= 0) {
			if (marked) {
				break;
			}
			continue;
		}
		n = recv(fd, buf, sizeof(buf), 0);
		name = n > 0 ? frames_recognise(buf, (size_t)n) : NULL;
		if (!name) {
			continue;
		}
		printf("seen %s\n", name);
		fflush(stdout);
		if (!strcmp(name, "end") && !marked) {
			/* A shaper's timer may run on any CPU: look a little
			 * longer, but not as long as others go on talking. */
			marked = true;
			end = time(NULL) + 3;
		}
	}
	if (marked) {
		return 0;
	}
	fprintf(stderr, "frames: no end mark on %s in time\n", iface);
	return 1;
}

/* One unicast case reaches only one of the two listeners. */
static bool reaches(const char *name, const char *where)
{
	bool at_host = !strcmp(where, "host");

	if (strstr(name, "unicast_to_host")) {
		return at_host;
	}
	return !strstr(name, "unicast") || !at_host;
}

static int do_judge(const char *where, const char *file, const char *mode)
{
	static char text[65536];
	char line[96];
	FILE *f = fopen(file, "r");
	int failed = 0;

	if (!f) {
		die(file);
	}
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	if (!strstr(text, "seen end\n")) {
		printf("FAIL antispoof %s: expected the end mark in %s, got "
		       "none\n", where, file);
		return 1;
	}
	for (size_t i = 0; i < frames_count; i++) {
		const struct frames_case *c = &frames_cases[i];
		bool open = !strcmp(mode, "open"), seen, want;

		snprintf(line, sizeof(line), "seen %s\n", c->name);
		seen = strstr(text, line) != NULL;
		want = (c->honest || open) && reaches(c->name, where);
		if (c->honest && !strcmp(mode, "bad")) {
			continue;
		}
		if (seen == want) {
			printf("ok antispoof %s %s %s\n", mode, where, c->name);
		} else {
			printf("FAIL antispoof %s %s %s: expected %s, got %s; "
			       "see %s\n", mode, where, c->name,
			       want ? "arrival" : "nothing",
			       seen ? "it" : "nothing", file);
			failed = 1;
		}
	}
	return failed;
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "judge")) {
		return do_judge(argv[2], argv[3], argv[4]);
	}
	if (argc == 4 && !strcmp(argv[1], "listen")) {
		return do_listen(argv[2], atoi(argv[3]));
	}
	if (argc >= 3 && !strcmp(argv[1], "send")) {
		for (int i = 3; i < argc; i++) {
			parse_key(argv[i]);
		}
		return do_send(argv[2]);
	}
	if (argc == 2 && !strcmp(argv[1], "list")) {
		for (size_t i = 0; i < frames_count; i++) {
			printf("%s %s\n",
			       frames_cases[i].honest ? "good" : "bad",
			       frames_cases[i].name);
		}
		return 0;
	}
	fputs("usage: frames send|listen|judge|list ...\n", stderr);
	return 2;
}
