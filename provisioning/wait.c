/*
 * wait.c - clients that wait for a VPS to become something (brain.h).
 */
#include "brain.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

bool wait_for_ssh(const struct brain *b, uint64_t id)
{
	for (const struct client *c = b->clients; c; c = c->next) {
		if (c->goal == GOAL_SSH && c->vps_id == id && !c->gone) {
			return true;
		}
	}
	return false;
}

static void show(struct brain *b, struct client *c)
{
	struct err err = { "" };
	struct cJSON *json;
	char ref[24];
	int rc;

	snprintf(ref, sizeof(ref), "%llu", (unsigned long long)c->vps_id);
	rc = store_show_json(b->store, STORE_VPS, ref, NULL, &json, &err);
	if (rc) {
		client_error(c, msg_code_of(rc), err.text);
		return;
	}
	/* How long it took, for people and for measurements. */
	cJSON_AddNumberToObject(json, "elapsed_ms",
				(double)(brain_ms() - c->since));
	client_result(c, json);
}

static const char *progress_of(const struct store_vps *v, const struct vm *vm)
{
	if (v->row.desired == VM_ABSENT) {
		return "removing";
	}
	switch (v->row.phase) {
	case VM_PHASE_NEW:
		return "copying the template";
	case VM_PHASE_DISK:
		return "writing its configuration";
	default:
		break;
	}
	if (v->row.ending != VM_ENDING_NONE || (v->row.domid &&
						v->row.desired == VM_STOPPED)) {
		return "shutting down";
	}
	return vm->world.domain == VM_DOMAIN_RUNNING ? "waiting for SSH" :
						       "starting";
}

static void gone(struct brain *b, struct client *c, const struct vm *vm)
{
	cJSON *json;

	(void)b;
	if (c->goal != GOAL_GONE) {
		client_error(c, MSG_FAILED, vm && vm->fault[0] ? vm->fault :
			     "the VPS was destroyed meanwhile");
		return;
	}
	json = cJSON_CreateObject();
	cJSON_AddNumberToObject(json, "id", (double)c->vps_id);
	cJSON_AddStringToObject(json, "status", "destroyed");
	client_result(c, json);
}

static bool reached(const struct client *c, const struct store_vps *v,
		    const struct vm *vm)
{
	switch (c->goal) {
	case GOAL_SSH:
		return v->row.phase == VM_PHASE_SOLD &&
		       v->row.ending == VM_ENDING_NONE && v->row.domid &&
		       v->row.domid == vm->ssh_domid &&
		       v->row.domid != c->not_domid;
	case GOAL_STOPPED:
		return v->row.domid == 0 &&
		       vm->world.domain == VM_DOMAIN_NONE;
	default:
		return false;
	}
}

/* Another client's wish, or the guest's own end, makes ours impossible. */
static const char *hopeless(const struct client *c, const struct store_vps *v)
{
	if (c->goal == GOAL_SSH && v->row.desired == VM_STOPPED) {
		return "the VPS was stopped meanwhile";
	}
	if (c->goal == GOAL_STOPPED && v->row.desired == VM_RUNNING) {
		return "the VPS was started meanwhile";
	}
	if (c->goal == GOAL_SSH && v->row.phase == VM_PHASE_SOLD &&
	    v->row.desired == VM_RUNNING && v->last_error[0] &&
	    v->row.restart_at) {
		return v->last_error;
	}
	return NULL;
}

static void check(struct brain *b, struct client *c)
{
	struct vm *vm = recon_vm(b, c->vps_id, false);
	struct store_vps v;
	const char *text;
	int rc = store_vps_get(b->store, c->vps_id, &v, NULL);

	if (rc == -ENOENT) {
		gone(b, c, vm);
		return;
	}
	if (rc || !vm) {
		return;
	}
	if (reached(c, &v, vm)) {
		show(b, c);
		return;
	}
	text = hopeless(c, &v);
	if (text) {
		client_error(c, c->new_sale ? MSG_PARTLY : MSG_FAILED, text);
		return;
	}
	client_progress(c, progress_of(&v, vm));
}

void wait_notify(struct brain *b, uint64_t id)
{
	for (struct client *c = b->clients; c; c = c->next) {
		if (c->vps_id == id && c->goal != GOAL_NONE &&
		    c->goal != GOAL_HANDS) {
			check(b, c);
		}
	}
}

int64_t wait_tick(struct brain *b, int64_t limit)
{
	int64_t now = brain_ms();

	for (struct client *c = b->clients; c; c = c->next) {
		char text[160];

		if (c->done && limit > 1000) {
			limit = 1000;	/* client_sweep() waits for its end */
		}
		if (c->done || !c->deadline) {
			continue;
		}
		if (now >= c->deadline && c->goal == GOAL_NONE) {
			client_error(c, MSG_USAGE, "request: did not arrive in "
				     "time");
		} else if (now >= c->deadline) {
			snprintf(text, sizeof(text), "timed out after %lld s "
				 "while %s; it goes on by itself",
				 (long long)(now - c->since) / 1000,
				 c->progress[0] ? c->progress : "working");
			client_error(c, MSG_TIMEOUT, text);
		} else if (c->deadline - now < limit) {
			limit = c->deadline - now;
		}
	}
	return limit;
}

/*
 * What an answer means for the store, whether or not the client that asked
 * is still there.
 */
static int settle(struct brain *b, const struct hands_reply *reply,
		  struct err *err)
{
	const struct disk_template *tpl = &reply->u.tpl;
	struct hands_request undo = { .op = HANDS_TEMPLATE_REMOVE };
	int rc = reply->rc;

	*err = reply->err;
	if (reply->op == HANDS_TEMPLATE_IMPORT) {
		b->importing = false;
	}
	if (rc) {
		return rc;
	}
	if (reply->op == HANDS_HOST) {
		brain_set_host(b, &reply->u.host);
		return 0;
	}
	/* There is more disk to sell, or less. */
	b->next_host = 0;
	if (reply->op == HANDS_TEMPLATE_IMPORT) {
		rc = store_template_add(b->store, tpl, brain_now(), err);
		if (rc) {
			memcpy(undo.template, tpl->name, DISK_NAME_MAX);
			memcpy(undo.version, tpl->version, DISK_NAME_MAX);
			brain_ask(b, &undo, NULL);
		}
	} else if (reply->op == HANDS_TEMPLATE_REMOVE) {
		rc = store_template_forget(b->store, tpl->name, tpl->version,
					   err);
	}
	return rc;
}

static void answer(struct brain *b, struct client *c,
		   const struct hands_reply *reply, int rc, struct err *err)
{
	const struct disk_template *tpl = &reply->u.tpl;
	struct cJSON *json = NULL;

	if (rc == 0 && reply->op == HANDS_HOST) {
		json = host_json(b, err);
		rc = json ? 0 : -EIO;
	} else if (rc == 0 && reply->op == HANDS_TEMPLATE_IMPORT) {
		rc = store_show_json(b->store, STORE_TEMPLATE, tpl->name,
				     tpl->version, &json, err);
	} else if (rc == 0) {
		json = cJSON_CreateObject();
	}
	if (rc) {
		client_error(c, msg_code_of(rc), err->text);
	} else {
		client_result(c, json);
	}
}

void wait_reply(struct brain *b, const struct hands_reply *reply)
{
	struct err err;
	int rc = settle(b, reply, &err);

	for (struct client *c = b->clients; c; c = c->next) {
		if (c->goal == GOAL_HANDS && c->tag == reply->tag) {
			answer(b, c, reply, rc, &err);
			return;
		}
	}
}
