/*
 * vm.c - see vm.h.
 */
#include "vm.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* Steps that take a recorded domain down, each preceded by its note. */
static enum vm_step end_domain(const struct vm_row *row,
			       const struct vm_world *world)
{
	switch (world->domain) {
	case VM_DOMAIN_DYING:
		return VM_WAIT_DEATH;
	case VM_DOMAIN_RUNNING:
		return row->ending == VM_ENDING_NONE && row->domid ?
			VM_NOTE_STOP : VM_SHUTDOWN;
	default:
		return row->ending == VM_ENDING_NONE && row->domid ?
			VM_NOTE_STOP : VM_DESTROY;
	}
}

static enum vm_step next_absent(const struct vm_row *row,
				const struct vm_world *world)
{
	switch (world->domain) {
	case VM_DOMAIN_NONE:
		return row->domid ? VM_NOTE_GONE : VM_REMOVE;
	case VM_DOMAIN_DYING:
		return VM_WAIT_DEATH;
	default:
		/* Its disk goes too, so it need not be asked nicely. */
		return row->ending == VM_ENDING_NONE && row->domid ?
			VM_NOTE_STOP : VM_DESTROY;
	}
}

static enum vm_step next_stopped(const struct vm_row *row,
				 const struct vm_world *world)
{
	if (world->domain != VM_DOMAIN_NONE) {
		return end_domain(row, world);
	}
	return row->domid ? VM_NOTE_GONE : VM_NOTHING;
}

static enum vm_step next_running(const struct vm_row *row,
				 const struct vm_world *world, int64_t now)
{
	bool recorded = row->domid && row->domid == world->domid;

	switch (world->domain) {
	case VM_DOMAIN_NONE:
		if (row->domid) {
			return VM_NOTE_GONE;
		}
		return row->restart_at > now ? VM_WAIT_START : VM_START;
	case VM_DOMAIN_PAUSED:
		if (!row->domid) {
			return VM_DESTROY;
		}
		/* The operator paused it: none of our business. */
		/* fall through */
	case VM_DOMAIN_RUNNING:
		if (row->domid && !recorded) {
			return VM_NOTE_GONE;
		}
		if (!recorded) {
			return VM_ADOPT;
		}
		return row->ending == VM_ENDING_NONE ? VM_NOTHING :
						       VM_SHUTDOWN;
	case VM_DOMAIN_DYING:
		return VM_WAIT_DEATH;
	case VM_DOMAIN_POWEROFF:
	case VM_DOMAIN_REBOOT:
	case VM_DOMAIN_CRASH:
		break;
	}
	if (!recorded && row->domid) {
		return VM_NOTE_GONE;
	}
	if (!recorded) {
		/* It came and went while nobody looked: billing sees both. */
		return VM_ADOPT;
	}
	if (row->ending != VM_ENDING_NONE) {
		return VM_DESTROY;
	}
	if (world->domain == VM_DOMAIN_POWEROFF) {
		return VM_NOTE_POWEROFF;
	}
	return world->domain == VM_DOMAIN_REBOOT ? VM_NOTE_REBOOT :
						   VM_NOTE_CRASH;
}

enum vm_step vm_next(const struct vm_row *row, const struct vm_world *world,
		     int64_t now)
{
	if (row->desired == VM_ABSENT) {
		return next_absent(row, world);
	}
	if (row->phase == VM_PHASE_NEW) {
		return VM_COPY_DISK;
	}
	if (row->phase == VM_PHASE_DISK) {
		return VM_CUSTOMIZE;
	}
	if (row->desired == VM_STOPPED) {
		return next_stopped(row, world);
	}
	return next_running(row, world, now);
}

int64_t vm_backoff(uint64_t count)
{
	if (count < 1) {
		return 0;
	}
	return count > 9 ? 300 : 1 << (count - 1);
}

static const char *const desired_texts[] = {
	[VM_RUNNING] = "running",
	[VM_STOPPED] = "stopped",
	[VM_ABSENT] = "absent",
};

static const char *const phase_texts[] = {
	[VM_PHASE_NEW] = "new",
	[VM_PHASE_DISK] = "disk",
	[VM_PHASE_READY] = "ready",
	[VM_PHASE_SOLD] = "sold",
};

static const char *const ending_texts[] = {
	[VM_ENDING_NONE] = "",
	[VM_ENDING_STOP] = "stop",
	[VM_ENDING_POWEROFF] = "poweroff",
	[VM_ENDING_REBOOT] = "reboot",
	[VM_ENDING_CRASH] = "crash",
};

#define COUNT(a)	(sizeof(a) / sizeof(*(a)))

const char *vm_desired_text(enum vm_desired desired)
{
	return desired_texts[desired];
}

const char *vm_phase_text(enum vm_phase phase)
{
	return phase_texts[phase];
}

const char *vm_ending_text(enum vm_ending ending)
{
	return ending_texts[ending];
}

static int text_index(const char *const *texts, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(texts[i], text) == 0) {
			return (int)i;
		}
	}
	return -EINVAL;
}

int vm_row_parse(struct vm_row *row, const char *desired, const char *phase,
		 const char *ending)
{
	int d = text_index(desired_texts, COUNT(desired_texts), desired);
	int p = text_index(phase_texts, COUNT(phase_texts), phase);
	int e = text_index(ending_texts, COUNT(ending_texts), ending);

	if (d < 0 || p < 0 || e < 0) {
		return -EINVAL;
	}
	row->desired = (enum vm_desired)d;
	row->phase = (enum vm_phase)p;
	row->ending = (enum vm_ending)e;
	return 0;
}
