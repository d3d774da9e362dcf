/*
 * recon.c - make the host what the store says (brain.h, vm.h).
 *
 * For each VPS: ask vm_next() what to do, do it, ask again.  Steps in the
 * database are done at once; steps on the host go to the hands, one at a
 * time per VPS, and the answer comes back to recon_reply().  Nothing else
 * moves a VPS forward, so a create, a crash, a kill -9 and a boot all take
 * the same path.
 */
#include "brain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "hook.h"

#define GRACE_MS	60000	/* for a guest that was asked to stop */
#define DYING_MS	500	/* look again whether it is gone */
#define RETRY_MS	5000	/* after the store or a removal failed */
/*
 * At once: each takes up to 30 MiB of dom0, which has little (lvm locks its
 * memory, libxl unpacks a kernel).
 */
#define OPERATIONS_MAX	8
#define OPERATION_MIB	96	/* of all that dom0 has, for one of them */

struct vm *recon_vm(struct brain *b, uint64_t id, bool make)
{
	struct vm *vm;

	for (vm = b->vms; vm; vm = vm->next) {
		if (vm->id == id) {
			return vm;
		}
	}
	if (!make) {
		return NULL;
	}
	vm = calloc(1, sizeof(*vm));
	if (!vm) {
		abort();
	}
	vm->id = id;
	vm->probe_fd = -1;
	vm->wake_at = INT64_MAX;
	vm->next = b->vms;
	b->vms = vm;
	return vm;
}

static void drop_vm(struct brain *b, uint64_t id)
{
	for (struct vm **at = &b->vms; *at; at = &(*at)->next) {
		if ((*at)->id == id) {
			struct vm *vm = *at;

			*at = vm->next;
			probe_stop(vm);
			free(vm);
			return;
		}
	}
}

static void fill_request(struct hands_request *req, const struct store_vps *v)
{
	req->id = v->id;
	req->vcpus = v->vcpus;
	req->weight = v->weight;
	req->cap = v->cap;
	req->ram_mib = v->ram_mib;
	req->disk_mib = v->disk_mib;
	req->rate_in_kbit = v->rate_in_kbit;
	req->rate_out_kbit = v->rate_out_kbit;
	req->own_kernel = v->own_kernel;
	req->guest = v->guest;
	memcpy(req->name, v->name, sizeof(req->name));
	memcpy(req->uuid, v->uuid, sizeof(req->uuid));
	memcpy(req->template, v->template, sizeof(req->template));
	memcpy(req->version, v->version, sizeof(req->version));
	memcpy(req->cmdline, v->cmdline, sizeof(req->cmdline));
}

static unsigned int operations_max(void)
{
	struct sysinfo info;
	uint64_t fit;

	if (sysinfo(&info) != 0) {
		return 1;
	}
	fit = ((uint64_t)info.totalram * info.mem_unit >> 20) / OPERATION_MIB;
	return fit < 1 ? 1 : fit > OPERATIONS_MAX ? OPERATIONS_MAX :
		(unsigned int)fit;
}

static void begin(struct brain *b, struct vm *vm, const struct store_vps *v,
		  enum vm_step step, enum hands_op op)
{
	struct hands_request req = { .op = op };
	struct err err = { "" };
	char *keys = NULL;

	vm->queued = b->operations >= operations_max();
	if (vm->queued) {
		return;
	}
	fill_request(&req, v);
	if (op == HANDS_CUSTOMIZE && store_vps_keys(b->store, v->id, &keys,
						    &err) != 0) {
		brain_log("%s: %s", v->name, err.text);
		vm->retry_at = brain_ms() + RETRY_MS;
		return;
	}
	vm->busy = true;
	b->operations++;
	vm->step = step;
	vm->touched = ++b->sequence;
	vm->tag = brain_ask(b, &req, keys);
	free(keys);
}

/* Ask first; when time is up (or nobody wants to wait), pull the plug. */
static void shut_down(struct brain *b, struct vm *vm,
		      const struct store_vps *v)
{
	if (vm->force || (vm->shutdown_until &&
			  brain_ms() >= vm->shutdown_until)) {
		begin(b, vm, v, VM_DESTROY, HANDS_DESTROY);
	} else if (!vm->shutdown_until) {
		begin(b, vm, v, VM_SHUTDOWN, HANDS_SHUTDOWN);
		vm->shutdown_until = vm->busy ? brain_ms() + GRACE_MS : 0;
	}
}

/* The steps that are only in the database. */
static int note(struct brain *b, const struct vm *vm, uint64_t id,
		enum vm_step step, struct err *err)
{
	int64_t now = brain_now();

	switch (step) {
	case VM_ADOPT:
		return store_vps_started(b->store, id, vm->world.domid, now,
					 err);
	case VM_NOTE_STOP:
		return store_vps_ending(b->store, id, VM_ENDING_STOP, now,
					err);
	case VM_NOTE_POWEROFF:
		return store_vps_ending(b->store, id, VM_ENDING_POWEROFF, now,
					err);
	case VM_NOTE_REBOOT:
		return store_vps_ending(b->store, id, VM_ENDING_REBOOT, now,
					err);
	case VM_NOTE_CRASH:
		return store_vps_ending(b->store, id, VM_ENDING_CRASH, now,
					err);
	default:
		return store_vps_gone(b->store, id, now, err);
	}
}

/* One step; false when nothing more can be done now. */
static bool step_once(struct brain *b, struct vm *vm)
{
	struct store_vps v;
	struct err err = { "" };
	enum vm_step step;
	int rc = store_vps_get(b->store, vm->id, &v, &err);

	if (rc) {
		return false;
	}
	step = vm_next(&v.row, &vm->world, brain_now());
	switch (step) {
	case VM_NOTHING:
	case VM_WAIT_START:
	case VM_WAIT_DEATH:
		return false;
	case VM_COPY_DISK:
		begin(b, vm, &v, step, HANDS_COPY_DISK);
		return false;
	case VM_CUSTOMIZE:
		begin(b, vm, &v, step, HANDS_CUSTOMIZE);
		return false;
	case VM_START:
		begin(b, vm, &v, step, HANDS_START);
		return false;
	case VM_SHUTDOWN:
		shut_down(b, vm, &v);
		return false;
	case VM_DESTROY:
		begin(b, vm, &v, step, HANDS_DESTROY);
		return false;
	case VM_REMOVE:
		begin(b, vm, &v, step, HANDS_REMOVE);
		return false;
	default:
		break;
	}
	rc = note(b, vm, vm->id, step, &err);
	if (rc) {
		brain_log("%s: %s", v.name, err.text);
		vm->retry_at = brain_ms() + RETRY_MS;
		return false;
	}
	brain_wake_hooks(b);
	return true;
}

/* When does time alone make a difference to this VPS? */
static int64_t wake_at(struct brain *b, const struct vm *vm)
{
	int64_t now = brain_ms(), at = INT64_MAX, restart;
	struct store_vps v;

	if (vm->busy || store_vps_get(b->store, vm->id, &v, NULL) != 0) {
		return vm->busy ? INT64_MAX : now + RETRY_MS;
	}
	if (vm->retry_at > now) {
		at = vm->retry_at;
	}
	if (vm->shutdown_until && vm->shutdown_until < at) {
		at = vm->shutdown_until;
	}
	restart = now + (v.row.restart_at - brain_now()) * 1000;
	if (v.row.restart_at && v.row.desired == VM_RUNNING && !v.row.domid &&
	    restart < at) {
		at = restart > now ? restart : now + 1;
	}
	return at;
}

void recon_kick(struct brain *b, uint64_t id)
{
	struct vm *vm = recon_vm(b, id, true);

	if (!vm->known) {
		return;
	}
	if (brain_ms() >= vm->retry_at) {
		while (!vm->busy && step_once(b, vm)) {
		}
	}
	vm->wake_at = wake_at(b, vm);
	wait_notify(b, id);
}

void recon_kick_all(struct brain *b)
{
	struct err err = { "" };
	uint64_t *ids;
	size_t count;

	if (store_vps_ids(b->store, &ids, &count, &err) != 0) {
		brain_log("%s", err.text);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		recon_kick(b, ids[i]);
	}
	free(ids);
}

static void sample(struct brain *b, const struct hands_world *w)
{
	struct usage_sample s;
	struct err err = { "" };
	struct store_vps v;

	if (store_vps_get(b->store, w->vps_id, &v, NULL) != 0 ||
	    v.row.phase != VM_PHASE_SOLD) {
		return;
	}
	usage_sample_init(&s, w->vps_id);
	s.domid = w->domid;
	s.cpu_ns = w->cpu_ns;
	s.rx_bytes = w->rx_bytes;
	s.tx_bytes = w->tx_bytes;
	s.ram_mib = v.ram_mib;
	s.disk_mib = v.disk_mib;
	if (usage_record(b->store, &s, &err) != 0) {
		brain_log("usage of %s: %s", v.name, err.text);
	}
}

/* What an operation that succeeded means. */
static int succeeded(struct brain *b, struct vm *vm,
		     const struct hands_reply *reply, struct err *err)
{
	int64_t now = brain_now();
	int rc;

	switch (vm->step) {
	case VM_COPY_DISK:
		return store_vps_set_phase(b->store, vm->id, VM_PHASE_DISK,
					   now, err);
	case VM_CUSTOMIZE:
		return store_vps_set_phase(b->store, vm->id, VM_PHASE_READY,
					   now, err);
	case VM_START:
		vm->failures = 0;
		vm->shutdown_until = 0;
		vm->world.domain = VM_DOMAIN_RUNNING;
		vm->world.domid = reply->domid;
		/* Usage wants to see a domain as soon as it is there. */
		b->next_sample = 0;
		b->world_wanted = true;
		return 0;	/* VM_ADOPT records it */
	case VM_SHUTDOWN:
		/* It may have ended already: a busy VPS is not looked at. */
		b->world_wanted = true;
		return 0;
	case VM_DESTROY:
		sample(b, &reply->u.world);
		vm->world.domain = VM_DOMAIN_NONE;
		vm->shutdown_until = 0;
		vm->force = false;
		return 0;
	case VM_REMOVE:
		rc = store_vps_forget(b->store, vm->id, now, err);
		brain_wake_hooks(b);
		return rc;
	default:
		return 0;
	}
}

/* A step failed: a VPS that was never sold is undone, another tried again. */
static void failed(struct brain *b, struct vm *vm, const char *text)
{
	struct err err = { "" };
	struct store_vps v;
	int64_t now = brain_now(), delay;

	snprintf(vm->fault, sizeof(vm->fault), "%s", text);
	if (store_vps_get(b->store, vm->id, &v, &err) != 0) {
		return;
	}
	brain_log("%s: %s", v.name, text);
	if (vm->step == VM_DESTROY || vm->step == VM_REMOVE ||
	    vm->step == VM_SHUTDOWN) {
		/* VM_SHUTDOWN's deadline turns into VM_DESTROY by itself. */
		vm->retry_at = brain_ms() + RETRY_MS;
		return;
	}
	if (v.row.desired != VM_RUNNING) {
		return;
	}
	delay = vm_backoff(++vm->failures);
	if (store_vps_failed(b->store, vm->id, text, now + delay, now, &err) ||
	    (v.row.phase != VM_PHASE_SOLD &&
	     store_vps_set_desired(b->store, vm->id, VM_ABSENT, "undo the "
				   "sale that failed", now, &err) != 0)) {
		brain_log("%s: %s", v.name, err.text);
		vm->retry_at = brain_ms() + RETRY_MS;
	}
}

/* The one that waits for the longest is the one with the lowest id. */
static void start_queued(struct brain *b)
{
	struct vm *first;

	do {
		first = NULL;
		for (struct vm *vm = b->vms; vm; vm = vm->next) {
			if (vm->queued && (!first || vm->id < first->id)) {
				first = vm;
			}
		}
		if (first) {
			first->queued = false;
			recon_kick(b, first->id);
		}
	} while (first && b->operations < operations_max());
}

/* Orphans have no row: an operation on one just ends. */
void recon_reply(struct brain *b, const struct hands_reply *reply)
{
	struct vm *vm;
	struct err err = { "" };

	for (vm = b->vms; vm; vm = vm->next) {
		if (vm->busy && vm->tag == reply->tag) {
			break;
		}
	}
	if (!vm) {
		return;
	}
	vm->busy = false;
	b->operations--;
	vm->touched = ++b->sequence;
	if (reply->rc) {
		failed(b, vm, reply->err.text);
		/* It may have gone half-way. */
		b->world_wanted = true;
	} else if (succeeded(b, vm, reply, &err) != 0) {
		brain_log("%s", err.text);
		vm->retry_at = brain_ms() + RETRY_MS;
	}
	recon_kick(b, vm->id);
	if (store_vps_get(b->store, vm->id, &(struct store_vps){ 0 },
			  NULL) == -ENOENT) {
		wait_notify(b, vm->id);
		drop_vm(b, vm->id);
	}
	start_queued(b);
}

/*
 * Disk, rules or domain without a row: left over from a sale undone, unless no
 * VPS ever had that id: then it is a domain of others.
 */
static void remove_orphan(struct brain *b, const struct hands_world *w)
{
	uint64_t last_id;
	struct hands_request req = { .op = HANDS_REMOVE, .id = w->vps_id };

	if (store_vps_last_id(b->store, &last_id, NULL) != 0 ||
	    w->vps_id > last_id) {
		return;
	}
	brain_log("removing left-overs of VPS %llu",
		  (unsigned long long)w->vps_id);
	brain_ask(b, &req, NULL);
}

static const struct hands_world *find_entry(const struct hands_world *entries,
					    uint32_t count, uint64_t id)
{
	for (uint32_t i = 0; i < count; i++) {
		if (entries[i].vps_id == id) {
			return &entries[i];
		}
	}
	return NULL;
}

static void look_at(struct brain *b, const struct hands_world *w)
{
	struct vm *vm = recon_vm(b, w->vps_id, true);

	/* The picture is older than what we did ourselves: look again. */
	if (vm->busy || vm->touched > b->world_sequence) {
		b->world_wanted = b->world_wanted || !vm->busy;
		return;
	}
	vm->known = true;
	vm->world.domain = (enum vm_domain)w->domain;
	vm->world.domid = w->domid;
	if (vm->world.domain != VM_DOMAIN_RUNNING) {
		vm->ssh_domid = 0;
	}
}

static bool has_row(const uint64_t *ids, size_t count, uint64_t id)
{
	for (size_t i = 0; i < count; i++) {
		if (ids[i] == id) {
			return true;
		}
	}
	return false;
}

void recon_world(struct brain *b, const struct hands_reply *reply,
		 const struct hands_world *entries, bool first)
{
	struct err err = { "" };
	uint64_t *ids;
	size_t count;

	if (reply->rc) {
		brain_log("%s", reply->err.text);
		return;
	}
	if (store_vps_ids(b->store, &ids, &count, &err) != 0) {
		brain_log("%s", err.text);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct hands_world none = { .vps_id = ids[i] };
		const struct hands_world *w = find_entry(entries, reply->count,
							 ids[i]);

		look_at(b, w ? w : &none);
		if (reply->full) {
			sample(b, w ? w : &none);
		}
	}
	for (uint32_t i = 0; first && i < reply->count; i++) {
		if (!has_row(ids, count, entries[i].vps_id)) {
			remove_orphan(b, &entries[i]);
		}
	}
	free(ids);
	recon_kick_all(b);
}

/* One VPS; ms until it wants to be looked at again. */
static int64_t tick_vm(struct brain *b, struct vm *vm)
{
	int64_t now = brain_ms();
	struct store_vps v;

	if (now >= vm->wake_at) {
		recon_kick(b, vm->id);
	}
	if (vm->world.domain == VM_DOMAIN_DYING) {
		b->world_wanted = true;
		return DYING_MS;
	}
	if (!wait_for_ssh(b, vm->id)) {
		probe_stop(vm);
	} else if (store_vps_get(b->store, vm->id, &v, NULL) == 0) {
		return probe_tick(b, vm, &v);
	}
	return vm->wake_at > now ? vm->wake_at - now : 1;
}

int64_t recon_tick(struct brain *b, int64_t limit)
{
	for (struct vm *vm = b->vms; vm; vm = vm->next) {
		int64_t due = tick_vm(b, vm);

		limit = due < limit ? due : limit;
	}
	return limit;
}
