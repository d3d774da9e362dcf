/*
 * vm.h - the life of a VPS, as a pure function.
 *
 * A VPS row says what is wanted (desired) and what was done for good
 * (phase); the host says what is there (domain).  vm_next() compares them
 * and answers with the one next step; doing it, recording it and asking
 * again until the answer is VM_NOTHING is all of reconciliation, after a
 * create, a crash, a kill -9 or a reboot alike.
 *
 *	NEW --copy disk--> DISK --write config--> READY --start--> SOLD
 *	any, desired ABSENT --destroy domain, remove--> (row deleted)
 *
 * Steps on the host are idempotent.  A step that ends a domain is announced
 * in the row (ending) before it is taken, so that after a kill between the
 * two nobody mistakes a wanted end for a crash.
 */
#ifndef SERAI_VM_H
#define SERAI_VM_H

#include <stdbool.h>
#include <stdint.h>

enum vm_desired {
	VM_RUNNING,
	VM_STOPPED,
	VM_ABSENT,
};

enum vm_phase {
	VM_PHASE_NEW,
	VM_PHASE_DISK,
	VM_PHASE_READY,
	VM_PHASE_SOLD,
};

enum vm_ending {
	VM_ENDING_NONE,
	VM_ENDING_STOP,		/* the operator stops it */
	VM_ENDING_POWEROFF,	/* the guest turned itself off */
	VM_ENDING_REBOOT,	/* the guest or the operator reboots it */
	VM_ENDING_CRASH,
};

enum vm_domain {
	VM_DOMAIN_NONE,
	VM_DOMAIN_PAUSED,	/* still being built, or left half-built */
	VM_DOMAIN_RUNNING,
	VM_DOMAIN_POWEROFF,	/* shut down, not destroyed yet */
	VM_DOMAIN_REBOOT,	/* likewise, and wants to come back */
	VM_DOMAIN_CRASH,
	VM_DOMAIN_DYING,
};

/* The part of a row that decides. */
struct vm_row {
	enum vm_desired desired;
	enum vm_phase phase;
	enum vm_ending ending;
	uint64_t domid;		/* recorded as started; 0 none */
	int64_t restart_at;	/* not before; 0 any time */
};

/* What the host shows. */
struct vm_world {
	enum vm_domain domain;
	uint64_t domid;
};

enum vm_step {
	VM_NOTHING,		/* it is as it should be, or time must pass */
	VM_WAIT_START,		/* nothing until restart_at */
	VM_WAIT_DEATH,		/* the hypervisor is taking the domain down */
	/* on the host */
	VM_COPY_DISK,
	VM_CUSTOMIZE,
	VM_START,
	VM_SHUTDOWN,		/* ask the guest; later VM_DESTROY */
	VM_DESTROY,
	VM_REMOVE,		/* disk and network */
	/* in the database only */
	VM_ADOPT,		/* record a running domain as started */
	VM_NOTE_STOP,		/* record the ending: ... */
	VM_NOTE_POWEROFF,
	VM_NOTE_REBOOT,
	VM_NOTE_CRASH,
	VM_NOTE_GONE,		/* record that the domain is gone */
};

/** The next step.  @now in seconds. */
enum vm_step vm_next(const struct vm_row *row, const struct vm_world *world,
		     int64_t now);

/**
 * Seconds to wait before the @count-th restart in a row (from 1):
 * 1, 2, 4, ... at most 300.
 */
int64_t vm_backoff(uint64_t count);

/* A VPS that ran this long before a crash starts a new count. */
#define VM_CRASH_FORGET_S	600

/* Texts of the database and back; -EINVAL. */
const char *vm_desired_text(enum vm_desired desired);
const char *vm_phase_text(enum vm_phase phase);
const char *vm_ending_text(enum vm_ending ending);
int vm_row_parse(struct vm_row *row, const char *desired, const char *phase,
		 const char *ending);

#endif
