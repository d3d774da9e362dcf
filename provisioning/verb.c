/*
 * verb.c - from a request to what is done about it (brain.h): the table, and
 * the verbs that only look something up or keep the catalogue.
 */
#include "brain.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hook.h"
#include "store_hook.h"

#define ARGS	struct brain *b, struct client *c, \
		const struct msg_request *req, cJSON **result, struct err *err

static const char *text(const struct msg_request *req, const char *name)
{
	return msg_request_text(req, name);
}

static int show_new(struct brain *b, enum store_kind kind, const char *name,
		    cJSON **result, struct err *err)
{
	return store_show_json(b->store, kind, name, NULL, result, err);
}

static int customer_add(ARGS)
{
	const char *external_id = text(req, "external-id");
	int rc = store_customer_add(b->store, text(req, "name"),
				    external_id ? external_id : "",
				    brain_now(), err);

	(void)c;
	return rc ? rc : show_new(b, STORE_CUSTOMER, text(req, "name"), result,
				  err);
}

static int plan_add(ARGS)
{
	struct store_plan plan = {
		.name = text(req, "name"),
		.vcpus = msg_request_number(req, "vcpus", 1),
		.weight = msg_request_number(req, "weight", 256),
		.cap = msg_request_number(req, "cap", 0),
		.ram_mib = msg_request_number(req, "ram", 0),
		.disk_mib = msg_request_number(req, "disk", 0),
		.rate_in_kbit = msg_request_number(req, "rate-in", 0),
		.rate_out_kbit = msg_request_number(req, "rate-out", 0),
	};
	int rc = store_plan_add(b->store, &plan, brain_now(), err);

	(void)c;
	return rc ? rc : show_new(b, STORE_PLAN, plan.name, result, err);
}

/* "A-B" was checked by spec.c, but the lengths matter here. */
static int parse_range(const char *range, struct store_pool *pool)
{
	char first[ADDR_TEXT_MAX] = "";
	const char *dash = strchr(range, '-');
	size_t len = dash ? (size_t)(dash - range) : sizeof(first);

	if (len >= sizeof(first)) {
		return -EINVAL;
	}
	memcpy(first, range, len);
	return addr_parse(&pool->first, first) ||
	       addr_parse(&pool->last, dash + 1) ? -EINVAL : 0;
}

static int pool_add(ARGS)
{
	char dns[128] = "";
	struct store_pool pool = {
		.name = text(req, "name"),
		.prefix = (unsigned int)msg_request_number(req, "prefix", 0),
		.dns = dns,
		.reserved = text(req, "reserve"),
	};
	const char *given = text(req, "dns");
	int rc;

	(void)c;
	if (given && strlen(given) >= sizeof(dns) / 2) {
		return err_set(err, -EINVAL, "dns: is longer than %zu "
			       "characters; give fewer servers",
			       sizeof(dns) / 2 - 1);
	}
	snprintf(dns, sizeof(dns), "%s", given ? given : "");
	for (char *at = dns; *at; at++) {
		*at = *at == ',' ? ' ' : *at;
	}
	if (parse_range(text(req, "range"), &pool) ||
	    addr_parse(&pool.gateway, text(req, "gateway"))) {
		return err_set(err, -EINVAL, "range: is not FIRST-LAST");
	}
	rc = store_pool_add(b->store, &pool, brain_now(), err);
	return rc ? rc : show_new(b, STORE_POOL, pool.name, result, err);
}

/* The nouns of "NOUN list|show|remove". */
static enum store_kind kind_of(const struct msg_request *req)
{
	static const struct {
		const char *noun;
		enum store_kind kind;
	} nouns[] = {
		{ "customer ", STORE_CUSTOMER },
		{ "plan ", STORE_PLAN },
		{ "pool ", STORE_POOL },
		{ "template ", STORE_TEMPLATE },
	};

	for (size_t i = 0; i < sizeof(nouns) / sizeof(*nouns); i++) {
		if (strncmp(req->verb->name, nouns[i].noun,
			    strlen(nouns[i].noun)) == 0) {
			return nouns[i].kind;
		}
	}
	return STORE_VPS;
}

static int any_list(ARGS)
{
	(void)c;
	return store_list_json(b->store, kind_of(req), NULL,
			       text(req, "customer"), result, err);
}

static int any_show(ARGS)
{
	(void)c;
	return store_show_json(b->store, kind_of(req), text(req, "name"),
			       text(req, "version"), result, err);
}

static int any_remove(ARGS)
{
	int rc = store_remove(b->store, kind_of(req), text(req, "name"), err);

	(void)c;
	*result = rc ? NULL : cJSON_CreateObject();
	return rc;
}

/* The hands' answer goes to the client (wait.c). */
static int wait_for_hands(struct brain *b, struct client *c,
			  struct hands_request *req)
{
	c->goal = GOAL_HANDS;
	c->tag = brain_ask(b, req, NULL);
	return 0;
}

static int template_import(ARGS)
{
	struct hands_request ask = { .op = HANDS_TEMPLATE_IMPORT };

	(void)result;
	if (b->importing) {
		return err_set(err, -EBUSY, "file: another import is running");
	}
	b->importing = true;
	snprintf(ask.path, sizeof(ask.path), "%s", text(req, "file"));
	client_progress(c, "importing");
	return wait_for_hands(b, c, &ask);
}

static int template_remove(ARGS)
{
	struct hands_request ask = { .op = HANDS_TEMPLATE_REMOVE };
	int rc = store_template_remove(b->store, text(req, "name"),
				       text(req, "version"), ask.template,
				       ask.version, err);

	(void)result;
	return rc ? rc : wait_for_hands(b, c, &ask);
}

static int host(ARGS)
{
	struct hands_request ask = { .op = HANDS_HOST };

	(void)req;
	(void)result;
	(void)err;
	return wait_for_hands(b, c, &ask);
}

static int events(ARGS)
{
	(void)c;
	return store_events_json(b->store, text(req, "name"),
				 msg_request_number(req, "limit", 50), result,
				 err);
}

static int usage(ARGS)
{
	uint64_t id;
	int rc = text(req, "name") ?
		store_vps_find(b->store, text(req, "name"), &id, err) : 0;

	(void)c;
	return rc ? rc : usage_json(b->store, text(req, "name"), result, err);
}

static int hook_list(ARGS)
{
	(void)c;
	return store_hook_list_json(b->store, text(req, "state"),
				    msg_request_number(req, "limit", 50),
				    result, err);
}

static int hook_records(ARGS)
{
	(void)c;
	return store_hook_records_json(b->store,
				       msg_request_number(req, "after", 0),
				       msg_request_number(req, "limit", 500),
				       result, err);
}

static int hook_retry(ARGS)
{
	uint64_t id = msg_request_number(req, "id", 0), count;
	int rc;

	(void)c;
	if (!id == !text(req, "all")) {
		return err_set(err, -EINVAL, "id: give a delivery's number or "
			       "--all");
	}
	rc = store_hook_retry(b->store, (int64_t)id, &count, err);
	if (rc) {
		return rc;
	}
	brain_wake_hooks(b);
	*result = cJSON_CreateObject();
	cJSON_AddNumberToObject(*result, "retried", (double)count);
	return 0;
}

/* The client does these itself: it is root, and has the terminal. */
static int not_here(ARGS)
{
	(void)b;
	(void)c;
	(void)result;
	return err_set(err, -EINVAL, "verb: '%s' is done by the client",
		       req->verb->name);
}

static const struct {
	const char *name;
	int (*run)(ARGS);
} verbs[] = {
	{ "customer add", customer_add },
	{ "customer list", any_list },
	{ "customer show", any_show },
	{ "customer remove", any_remove },
	{ "plan add", plan_add },
	{ "plan list", any_list },
	{ "plan show", any_show },
	{ "plan remove", any_remove },
	{ "pool add", pool_add },
	{ "pool list", any_list },
	{ "pool show", any_show },
	{ "pool remove", any_remove },
	{ "template import", template_import },
	{ "template list", any_list },
	{ "template show", any_show },
	{ "template remove", template_remove },
	{ "create", verb_create },
	{ "list", any_list },
	{ "show", any_show },
	{ "start", verb_start },
	{ "stop", verb_stop },
	{ "reboot", verb_reboot },
	{ "destroy", verb_destroy },
	{ "resize", verb_resize },
	{ "console", not_here },
	{ "events", events },
	{ "usage", usage },
	{ "host", host },
	{ "host init", not_here },
	{ "host upgrade", not_here },
	{ "host rollback", not_here },
	{ "hook list", hook_list },
	{ "hook records", hook_records },
	{ "hook retry", hook_retry },
};

int verb_run(ARGS)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (strcmp(verbs[i].name, req->verb->name) == 0) {
			return verbs[i].run(b, c, req, result, err);
		}
	}
	return err_set(err, -EINVAL, "verb: '%s' is not known",
		       req->verb->name);
}
