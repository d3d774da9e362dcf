/*
 * calls.c - preloaded into a tool in dom0: counts the hypercalls that it and
 * what it starts make through privcmd, and which of them failed, and prints
 * "calls: PROGRAM NUMBER.COMMAND TIMES FAILED" at its end.  At its beginning
 * the tool, not what it starts, executes the mark that begins a phase in
 * exits.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <xen/xen.h>

struct privcmd_hypercall {
	uint64_t op, arg[5];
};
#define PRIVCMD_HYPERCALL                                                      \
	_IOC(_IOC_NONE, 'P', 0, sizeof(struct privcmd_hypercall))
#define CALLS	 64
#define COMMANDS 128

static unsigned int times[CALLS][COMMANDS], failed[CALLS][COMMANDS];
static pid_t self;

/* The command is the first argument, or the first word that it points to; of a
 * multicall, by which libxenctrl makes memory_op, the entry's. */
static void count(const struct privcmd_hypercall *h, bool bad)
{
	const struct multicall_entry *m = (void *)h->arg[0];
	uint64_t op = h->op, cmd = h->arg[0];

	if (op == __HYPERVISOR_multicall) {
		op = m->op;
		cmd = m->args[0];
		bad = (int64_t)m->result < 0;
	} else if (op == __HYPERVISOR_domctl || op == __HYPERVISOR_sysctl) {
		cmd = *(uint32_t *)h->arg[0];
	}
	times[op % CALLS][cmd % COMMANDS]++;
	failed[op % CALLS][cmd % COMMANDS] += bad;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;
	int rc;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	rc = (int)syscall(SYS_ioctl, fd, request, arg);
	if (request == PRIVCMD_HYPERCALL) {
		count(arg, rc < 0);
	}
	return rc;
}

__attribute__((constructor)) static void begin(void)
{
	self = getpid();
	if (!getenv("CALLS_STARTED")) {
		setenv("CALLS_STARTED", "1", 1);
		__asm__ volatile("nopl 0x5e7a1002(%%rax)" ::: "memory");
	}
}

__attribute__((destructor)) static void end(void)
{
	for (unsigned int nr = 0; nr < CALLS && getpid() == self; nr++) {
		for (unsigned int cmd = 0; cmd < COMMANDS; cmd++) {
			if (times[nr][cmd]) {
				fprintf(stderr, "calls: %s %u.%u %u %u\n",
					program_invocation_short_name, nr, cmd,
					times[nr][cmd], failed[nr][cmd]);
			}
		}
	}
}
