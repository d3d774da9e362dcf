/*
 * vm_test.c - the state machine, over all states it can be in.
 *
 * A model of the host carries out each step; from every combination of row
 * and world the machine must come to rest, at rest the world must be what was
 * wanted, and a kill between any two steps must change nothing of that.
 */
#define CHECK_SUITE "vm"
#include "check.h"

#include <errno.h>

#include "vm.h"

struct model {
	struct vm_row row;
	struct vm_world world;
	uint64_t next_domid;
	int crashes, stops, starts, reboots;
	bool deleted;
};

static void note_gone(struct model *m)
{
	switch (m->row.ending) {
	case VM_ENDING_NONE:
	case VM_ENDING_CRASH:
		m->crashes += m->row.ending == VM_ENDING_NONE;
		break;
	case VM_ENDING_REBOOT:
		m->reboots++;
		break;
	default:
		m->stops++;
		break;
	}
	m->row.domid = 0;
	m->row.ending = VM_ENDING_NONE;
}

/* What store_*.c and the hands do. */
static void apply(struct model *m, enum vm_step step)
{
	switch (step) {
	case VM_COPY_DISK:
		m->row.phase = VM_PHASE_DISK;
		break;
	case VM_CUSTOMIZE:
		m->row.phase = VM_PHASE_READY;
		break;
	case VM_START:
		m->world.domain = VM_DOMAIN_RUNNING;
		m->world.domid = ++m->next_domid;
		break;
	case VM_SHUTDOWN:
		m->world.domain = VM_DOMAIN_POWEROFF;
		break;
	case VM_DESTROY:
		m->world.domain = VM_DOMAIN_NONE;
		m->world.domid = 0;
		break;
	case VM_REMOVE:
		m->deleted = true;
		break;
	case VM_ADOPT:
		m->row.domid = m->world.domid;
		m->row.phase = VM_PHASE_SOLD;
		m->row.ending = VM_ENDING_NONE;
		m->starts++;
		break;
	case VM_NOTE_STOP:
		m->row.ending = VM_ENDING_STOP;
		break;
	case VM_NOTE_POWEROFF:
		m->row.ending = VM_ENDING_POWEROFF;
		m->row.desired = VM_STOPPED;
		break;
	case VM_NOTE_REBOOT:
		m->row.ending = VM_ENDING_REBOOT;
		break;
	case VM_NOTE_CRASH:
		m->row.ending = VM_ENDING_CRASH;
		m->crashes++;
		break;
	case VM_NOTE_GONE:
		note_gone(m);
		break;
	case VM_WAIT_DEATH:
		m->world.domain = VM_DOMAIN_NONE;
		m->world.domid = 0;
		break;
	case VM_NOTHING:
	case VM_WAIT_START:
		break;
	}
}

/* Steps until it rests; -1 if it never does. */
static int settle(struct model *m)
{
	for (int i = 0; i < 20; i++) {
		enum vm_step step = vm_next(&m->row, &m->world, 100);

		if (m->deleted || step == VM_NOTHING ||
		    step == VM_WAIT_START) {
			return i;
		}
		apply(m, step);
	}
	return -1;
}

static bool as_wanted(const struct model *m)
{
	switch (m->row.desired) {
	case VM_ABSENT:
		return m->deleted && m->world.domain == VM_DOMAIN_NONE;
	case VM_STOPPED:
		return m->world.domain == VM_DOMAIN_NONE && !m->row.domid;
	case VM_RUNNING:
		break;
	}
	return (m->world.domain == VM_DOMAIN_RUNNING ||
		m->world.domain == VM_DOMAIN_PAUSED) &&
	       m->row.domid == m->world.domid &&
	       m->row.phase == VM_PHASE_SOLD;
}

/* Bits of @n choose a state; false when there is no such state. */
static bool state(int n, struct model *m)
{
	int domid = n / (3 * 4 * 5 * 7);

	*m = (struct model){ .next_domid = 10 };
	m->row.desired = (enum vm_desired)(n % 3);
	m->row.phase = (enum vm_phase)(n / 3 % 4);
	m->row.ending = (enum vm_ending)(n / 12 % 5);
	m->world.domain = (enum vm_domain)(n / 60 % 7);
	m->world.domid = m->world.domain == VM_DOMAIN_NONE ? 0 : 7;
	m->row.domid = domid == 0 ? 0 : domid == 1 ? 7 : 5;
	/* Before it is ready there is no domain; before sold, no record. */
	return (m->row.phase >= VM_PHASE_READY ||
		m->world.domain == VM_DOMAIN_NONE) &&
	       (m->row.phase == VM_PHASE_SOLD || !m->row.domid) &&
	       (m->row.domid || m->row.ending == VM_ENDING_NONE);
}

#define STATES	(3 * 4 * 5 * 7 * 3)

static void every_state_comes_to_what_was_wanted(void)
{
	struct model m;
	int seen = 0;

	for (int n = 0; n < STATES; n++) {
		int steps;

		if (!state(n, &m)) {
			continue;
		}
		seen++;
		steps = settle(&m);
		if (steps < 0 || !as_wanted(&m)) {
			CHECK_FAIL("state %d: expected rest as wanted, got "
				   "steps %d desired %d domain %d", n, steps,
				   m.row.desired, m.world.domain);
		}
	}
	CHECK(seen > 200);
}

/* The operator changes his mind after any number of steps. */
static void a_change_of_mind_is_followed(void)
{
	for (int from = 0; from < 3; from++) {
		for (int to = 0; to < 3; to++) {
			for (int after = 0; after < 8; after++) {
				struct model m = { .row.desired = VM_RUNNING };

				settle(&m);
				m.row.desired = (enum vm_desired)from;
				for (int i = 0; i < after && !m.deleted; i++) {
					apply(&m, vm_next(&m.row, &m.world,
							  100));
				}
				if (m.deleted) {
					continue;
				}
				m.row.desired = (enum vm_desired)to;
				if (settle(&m) < 0 || !as_wanted(&m)) {
					CHECK_FAIL("%d to %d after %d", from,
						   to, after);
				}
			}
		}
	}
}

static void guest_does(struct model *m, enum vm_domain what)
{
	*m = (struct model){ .row.desired = VM_RUNNING };
	settle(m);
	m->world.domain = what;
	settle(m);
}

static void guests_end_for_their_reasons(void)
{
	struct model m;

	guest_does(&m, VM_DOMAIN_POWEROFF);
	CHECK_INT(m.row.desired, VM_STOPPED);
	CHECK_INT(m.world.domain, VM_DOMAIN_NONE);
	CHECK_INT(m.stops, 1);
	CHECK_INT(m.crashes, 0);

	guest_does(&m, VM_DOMAIN_REBOOT);
	CHECK_INT(m.world.domain, VM_DOMAIN_RUNNING);
	CHECK_INT(m.reboots, 1);
	CHECK_INT(m.starts, 2);

	guest_does(&m, VM_DOMAIN_CRASH);
	CHECK_INT(m.world.domain, VM_DOMAIN_RUNNING);
	CHECK_INT(m.crashes, 1);
	CHECK_INT(m.starts, 2);

	guest_does(&m, VM_DOMAIN_NONE);		/* `xl destroy` behind our back */
	CHECK_INT(m.crashes, 1);
	CHECK_INT(m.starts, 2);
}

/* What is announced is not mistaken for a crash, wherever vpsd is killed. */
static void an_announced_end_is_no_crash(void)
{
	for (int kill_after = 0; kill_after < 6; kill_after++) {
		struct model m = { .row.desired = VM_RUNNING };

		settle(&m);
		m.row.desired = VM_STOPPED;
		for (int i = 0; i < kill_after; i++) {
			apply(&m, vm_next(&m.row, &m.world, 100));
		}
		/* The guest goes down while nobody looks. */
		if (m.row.ending != VM_ENDING_NONE) {
			m.world = (struct vm_world){ VM_DOMAIN_NONE, 0 };
		}
		settle(&m);
		CHECK_INT(m.crashes, 0);
		CHECK_INT(m.stops, 1);
	}
}

static void half_built_domains_are_destroyed(void)
{
	struct vm_row row = { VM_RUNNING, VM_PHASE_READY, VM_ENDING_NONE, 0,
			      0 };
	struct vm_world world = { VM_DOMAIN_PAUSED, 9 };

	CHECK_INT(vm_next(&row, &world, 0), VM_DESTROY);
}

static void restarts_wait(void)
{
	struct vm_row row = { VM_RUNNING, VM_PHASE_SOLD, VM_ENDING_NONE, 0,
			      50 };
	struct vm_world world = { VM_DOMAIN_NONE, 0 };

	CHECK_INT(vm_next(&row, &world, 49), VM_WAIT_START);
	CHECK_INT(vm_next(&row, &world, 50), VM_START);
	CHECK_INT(vm_backoff(0), 0);
	CHECK_INT(vm_backoff(1), 1);
	CHECK_INT(vm_backoff(2), 2);
	CHECK_INT(vm_backoff(9), 256);
	CHECK_INT(vm_backoff(10), 300);
	CHECK_INT(vm_backoff(UINT64_MAX), 300);
}

static void texts_go_there_and_back(void)
{
	struct vm_row row;

	for (int d = 0; d < 3; d++) {
		for (int p = 0; p < 4; p++) {
			for (int e = 0; e < 5; e++) {
				CHECK_INT(vm_row_parse(&row,
					vm_desired_text((enum vm_desired)d),
					vm_phase_text((enum vm_phase)p),
					vm_ending_text((enum vm_ending)e)), 0);
				CHECK_INT(row.desired, d);
				CHECK_INT(row.phase, p);
				CHECK_INT(row.ending, e);
			}
		}
	}
	CHECK_INT(vm_row_parse(&row, "x", "new", ""), -EINVAL);
}

int main(void)
{
	RUN(every_state_comes_to_what_was_wanted);
	RUN(a_change_of_mind_is_followed);
	RUN(guests_end_for_their_reasons);
	RUN(an_announced_end_is_no_crash);
	RUN(half_built_domains_are_destroyed);
	RUN(restarts_wait);
	RUN(texts_go_there_and_back);
	return check_end();
}
