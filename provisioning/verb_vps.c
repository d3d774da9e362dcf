/*
 * verb_vps.c - the verbs that change a VPS (brain.h).
 *
 * Each writes what is wanted, lets recon.c go after it, and makes the client
 * wait (wait.c) unless it does not want to.
 */
#include "brain.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CREATE_TIMEOUT_S	600
#define TIMEOUT_S		300

#define ARGS	struct brain *b, struct client *c, \
		const struct msg_request *req, cJSON **result, struct err *err

static int find(struct brain *b, const struct msg_request *req,
		struct store_vps *v, struct err *err)
{
	uint64_t id;
	int rc = store_vps_find(b->store, msg_request_text(req, "name"), &id,
				err);

	return rc ? rc : store_vps_get(b->store, id, v, err);
}

static int show_now(struct brain *b, uint64_t id, cJSON **result,
		    struct err *err)
{
	char ref[24];

	snprintf(ref, sizeof(ref), "%llu", (unsigned long long)id);
	return store_show_json(b->store, STORE_VPS, ref, NULL, result, err);
}

/* Set things going; answer now with --no-wait, else when @goal is reached. */
static int pursue(struct brain *b, struct client *c,
		  const struct msg_request *req, uint64_t id, enum goal goal,
		  uint64_t timeout_s, cJSON **result, struct err *err)
{
	uint64_t timeout = msg_request_number(req, "timeout", timeout_s);
	struct vm *vm = recon_vm(b, id, true);
	int rc = 0;

	vm->retry_at = 0;
	c->vps_id = id;
	c->since = brain_ms();
	if (msg_request_text(req, "no-wait")) {
		rc = show_now(b, id, result, err);
	} else {
		c->goal = goal;
		c->deadline = c->since + (int64_t)timeout * 1000;
	}
	/* May answer the client at once. */
	recon_kick(b, id);
	return rc;
}

static bool wants_own_kernel(const struct msg_request *req)
{
	const char *boot = msg_request_text(req, "boot");

	return boot && strcmp(boot, STORE_BOOT_OWN) == 0;
}

int verb_create(ARGS)
{
	struct store_sale sale = {
		.name = msg_request_text(req, "name"),
		.customer = msg_request_text(req, "customer"),
		.plan = msg_request_text(req, "plan"),
		.template = msg_request_text(req, "template"),
		.version = msg_request_text(req, "version"),
		.pool = msg_request_text(req, "pool"),
		.request_id = msg_request_text(req, "request-id"),
		.ssh_keys = msg_request_text(req, "key"),
		.own_kernel = wants_own_kernel(req),
	};
	struct store_vps v;
	struct vm *vm;
	uint64_t id;
	bool again;
	int rc = store_vps_create(b->store, &sale, &b->capacity, brain_now(),
				  &id, &again, err);

	if (rc == -EDQUOT) {
		b->next_host = 0;	/* somebody may make room meanwhile */
	}
	if (rc) {
		return rc;
	}
	vm = recon_vm(b, id, true);
	if (!again) {
		/* Ids are never used twice: the host has nothing of it. */
		vm->known = true;
		vm->touched = ++b->sequence;
	}
	if (again && store_vps_get(b->store, id, &v, err) == 0 &&
	    v.row.desired != VM_RUNNING) {
		return show_now(b, id, result, err);
	}
	c->new_sale = true;
	return pursue(b, c, req, id, GOAL_SSH, CREATE_TIMEOUT_S, result, err);
}

/* -EBUSY while it is being made or removed. */
static int check_sold(const struct store_vps *v, struct err *err)
{
	if (v->row.desired == VM_ABSENT) {
		return err_set(err, -EBUSY, "name: VPS '%s' is being removed",
			       v->name);
	}
	if (v->row.phase != VM_PHASE_SOLD) {
		return err_set(err, -EBUSY, "name: VPS '%s' is still being "
			       "made", v->name);
	}
	return 0;
}

int verb_start(ARGS)
{
	const char *boot = msg_request_text(req, "boot");
	struct store_vps v;
	int rc = find(b, req, &v, err);

	if (rc == 0) {
		rc = check_sold(&v, err);
	}
	if (rc == 0 && boot && wants_own_kernel(req) != v.own_kernel) {
		rc = v.row.domid ?
			err_set(err, -EBUSY, "boot: VPS '%s' must be stopped "
				"to change it", v.name) :
			store_vps_set_boot(b->store, v.id, boot, brain_now(),
					   err);
	}
	if (rc == 0 && !(v.row.desired == VM_RUNNING && v.row.domid)) {
		rc = store_vps_set_desired(b->store, v.id, VM_RUNNING,
					   "start", brain_now(), err);
	}
	return rc ? rc : pursue(b, c, req, v.id, GOAL_SSH, TIMEOUT_S, result,
				err);
}

int verb_stop(ARGS)
{
	struct store_vps v;
	int rc = find(b, req, &v, err);

	if (rc == 0) {
		rc = check_sold(&v, err);
	}
	if (rc == 0 && v.row.desired != VM_STOPPED) {
		rc = store_vps_set_desired(b->store, v.id, VM_STOPPED, "stop",
					   brain_now(), err);
	}
	if (rc) {
		return rc;
	}
	recon_vm(b, v.id, true)->force = msg_request_text(req, "force");
	return pursue(b, c, req, v.id, GOAL_STOPPED, TIMEOUT_S, result, err);
}

int verb_reboot(ARGS)
{
	struct store_vps v;
	int rc = find(b, req, &v, err);

	if (rc == 0) {
		rc = check_sold(&v, err);
	}
	if (rc == 0 && (v.row.desired != VM_RUNNING || !v.row.domid)) {
		rc = err_set(err, -EBUSY, "name: VPS '%s' is not running",
			     v.name);
	}
	if (rc == 0 && v.row.ending == VM_ENDING_NONE) {
		rc = store_vps_ending(b->store, v.id, VM_ENDING_REBOOT,
				      brain_now(), err);
	}
	if (rc) {
		return rc;
	}
	c->not_domid = v.row.domid;
	recon_vm(b, v.id, true)->force = msg_request_text(req, "force");
	return pursue(b, c, req, v.id, GOAL_SSH, TIMEOUT_S, result, err);
}

int verb_destroy(ARGS)
{
	struct store_vps v;
	int rc = find(b, req, &v, err);

	if (rc == 0 && v.row.desired != VM_ABSENT) {
		rc = store_vps_set_desired(b->store, v.id, VM_ABSENT,
					   "destroy", brain_now(), err);
	}
	return rc ? rc : pursue(b, c, req, v.id, GOAL_GONE, TIMEOUT_S, result,
				err);
}

int verb_resize(ARGS)
{
	struct store_vps v;
	int rc = find(b, req, &v, err);

	(void)c;
	if (rc == 0) {
		rc = check_sold(&v, err);
	}
	if (rc == 0) {
		rc = store_vps_resize(b->store, v.id,
				      msg_request_text(req, "plan"),
				      &b->capacity, brain_now(), err);
	}
	if (rc) {
		return rc;
	}
	brain_wake_hooks(b);
	return show_now(b, v.id, result, err);
}
