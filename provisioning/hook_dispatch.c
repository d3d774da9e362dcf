/*
 * hook_dispatch.c - the dispatcher's round (hook_dispatch.h).
 *
 * Why an event is never lost: its delivery is PENDING in the database until
 * the hook has said yes and that is committed.  Why it stays in order: a
 * delivery is due only if no earlier one of the same VPS is PENDING, and one
 * that is being tried is PENDING.
 */
#include "hook_dispatch.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "hook_conf.h"
#include "hook_dir.h"
#include "hook_run.h"
#include "store_hook.h"

#define SLOTS		(HOOKS_MAX * HOOK_PARALLEL_MAX)
#define ENV_MAX		64
#define PAUSE_MS	5000	/* after an error that is not the hook's */
#define PRUNE_MS	(3600 * 1000)

enum slot_state {
	SLOT_FREE,
	SLOT_RUNNING,
	SLOT_ENDED,
};

struct slot {
	enum slot_state state;
	char hook[HOOK_NAME_MAX + 1];
	struct hook_settings settings;
	struct hook_run run;
	int64_t delivery;
	uint64_t vps_id;
	uint64_t attempts;	/* failed ones, without this */
	int result;		/* of ENDED */
	struct err why;		/* of ENDED that failed */
};

struct hook_dispatch {
	struct store *store;
	const char *hooks_dir;
	const char *hooks_conf;
	int lock_fd;
	struct hook_conf *conf;
	struct stat conf_stat;	/* of the file that was read last */
	struct hook_dir dir;
	int64_t pause_until_ms;
	int64_t prune_at_ms;
	char last_log[256];
	struct slot slots[SLOTS];
};

/* The same trouble every second is one line, not 86,400 a day. */
static void report(struct hook_dispatch *d, const char *text)
{
	if (text[0] != '\0' && strcmp(text, d->last_log) != 0) {
		fprintf(stderr, "vpsd: hooks: %s\n", text);
		snprintf(d->last_log, sizeof(d->last_log), "%s", text);
	}
}

struct hook_dispatch *hook_dispatch_new(struct store *store,
					const char *hooks_dir,
					const char *hooks_conf, int lock_fd)
{
	struct hook_dispatch *d = calloc(1, sizeof(*d));

	if (!d || hook_conf_parse(&d->conf, "", 0, NULL) != 0) {
		free(d);
		return NULL;
	}
	d->store = store;
	d->hooks_dir = hooks_dir;
	d->hooks_conf = hooks_conf;
	d->lock_fd = lock_fd;
	return d;
}

/* A conf that is wrong changes nothing: the old one goes on. */
static void reload_conf(struct hook_dispatch *d)
{
	struct hook_conf *conf;
	struct stat st = { 0 };
	struct err err;

	if (stat(d->hooks_conf, &st) != 0 && errno != ENOENT) {
		return;
	}
	if (st.st_ino == d->conf_stat.st_ino &&
	    st.st_size == d->conf_stat.st_size &&
	    st.st_mtim.tv_sec == d->conf_stat.st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == d->conf_stat.st_mtim.tv_nsec) {
		return;
	}
	d->conf_stat = st;
	if (hook_conf_load(&conf, d->hooks_conf, &err) != 0) {
		report(d, err.text);
		return;
	}
	hook_conf_free(d->conf);
	d->conf = conf;
}

int64_t hook_dispatch_backoff(unsigned int first_s, uint64_t failed)
{
	int64_t wait = first_s;

	while (failed > 1 && wait < HOOK_BACKOFF_MAX_S) {
		wait *= 2;
		failed--;
	}
	return wait < HOOK_BACKOFF_MAX_S ? wait : HOOK_BACKOFF_MAX_S;
}

/* ENDED -> FREE, or it stays ENDED when the database cannot take it. */
static int record(struct hook_dispatch *d, struct slot *slot,
		  struct hook_clock now, struct err *err)
{
	uint64_t failed = slot->attempts + 1;
	bool dead = failed >= slot->settings.attempts;
	int rc;

	if (slot->result == 0) {
		rc = store_hook_delivered(d->store, slot->delivery, err);
	} else {
		rc = store_hook_failed(
			d->store, slot->delivery, slot->why.text,
			now.wall_s + hook_dispatch_backoff(
					     slot->settings.backoff_s, failed),
			dead, err);
	}
	if (rc != 0) {
		return rc;
	}
	if (slot->result != 0 && dead) {
		fprintf(stderr, "vpsd: hooks: %s: delivery %lld is dead: %s\n",
			slot->hook, (long long)slot->delivery,
			slot->why.text);
	}
	slot->state = SLOT_FREE;
	return 0;
}

static void harvest(struct hook_dispatch *d, struct hook_clock now)
{
	struct slot *slot;
	struct err err;

	for (slot = d->slots; slot < d->slots + SLOTS; slot++) {
		if (slot->state == SLOT_RUNNING &&
		    hook_run_step(&slot->run, now.mono_ms, &slot->result,
				  &slot->why)) {
			slot->state = SLOT_ENDED;
		}
		if (slot->state == SLOT_ENDED &&
		    now.mono_ms >= d->pause_until_ms &&
		    record(d, slot, now, &err) != 0) {
			report(d, err.text);
			d->pause_until_ms = now.mono_ms + PAUSE_MS;
		}
	}
}

static int fan_out(struct hook_dispatch *d, struct err *err)
{
	cJSON *names = cJSON_CreateArray();
	char *text;
	size_t i;
	int rc;

	for (i = 0; i < d->dir.count; i++) {
		cJSON_AddItemToArray(
			names, cJSON_CreateString(d->dir.hooks[i].name));
	}
	text = cJSON_PrintUnformatted(names);
	/* A list cut short by lack of memory would cost a hook its events. */
	if (!text || cJSON_GetArraySize(names) != (int)d->dir.count) {
		rc = err_set(err, -ENOMEM, "out of memory");
	} else {
		rc = store_hook_fan_out(d->store, text, err);
	}
	cJSON_free(text);
	cJSON_Delete(names);
	return rc;
}

#define OWN_MAX		8
#define OWN_SIZE	96

/* Environment of one run; the strings that are not conf's are in @own. */
struct run_env {
	char own[OWN_MAX][OWN_SIZE];
	size_t own_count;
	char *list[ENV_MAX + OWN_MAX + 1];
	size_t count;
};

static void add_env(struct run_env *env, const char *key, const char *value)
{
	size_t length = strlen(key);
	size_t i;

	/* The operator's PATH, LANG and HOME win over ours. */
	for (i = 0; i < env->count; i++) {
		if (strncmp(env->list[i], key, length) == 0 &&
		    env->list[i][length] == '=') {
			return;
		}
	}
	snprintf(env->own[env->own_count], OWN_SIZE, "%s=%s", key, value);
	env->list[env->count++] = env->own[env->own_count++];
	env->list[env->count] = NULL;
}

static void make_env(const struct hook_dispatch *d, const char *hook,
		     const struct hook_delivery *delivery,
		     struct run_env *env)
{
	char attempt[24];

	snprintf(attempt, sizeof(attempt), "%llu",
		 (unsigned long long)delivery->attempts + 1);
	env->own_count = 0;
	env->count = hook_conf_env(d->conf, hook, env->list, ENV_MAX);
	add_env(env, "PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
	add_env(env, "LANG", "C.UTF-8");
	add_env(env, "HOME", "/");
	add_env(env, "SERAI_HOOK_VERSION", "1");
	add_env(env, "SERAI_HOOK_NAME", hook);
	add_env(env, "SERAI_EVENT_ID", delivery->uuid);
	add_env(env, "SERAI_EVENT_TYPE", delivery->type);
	add_env(env, "SERAI_ATTEMPT", attempt);
}

static int start(struct hook_dispatch *d, struct slot *slot,
		 const char *hook, const struct hook_settings *settings,
		 const struct hook_delivery *delivery, struct hook_clock now,
		 struct err *err)
{
	char path[4096];
	struct run_env env;
	struct hook_task task = {
		.path = path,
		.record = delivery->payload,
		.env = env.list,
		.lock_fd = d->lock_fd,
		.deadline_ms = now.mono_ms + settings->timeout_s * 1000LL,
	};
	int rc;

	snprintf(path, sizeof(path), "%s/%s", d->hooks_dir, hook);
	make_env(d, hook, delivery, &env);
	rc = hook_run_start(&slot->run, &task, err);
	if (rc != 0) {
		return rc;
	}
	strcpy(slot->hook, hook);
	slot->settings = *settings;
	slot->delivery = delivery->id;
	slot->vps_id = delivery->vps_id;
	slot->attempts = delivery->attempts;
	slot->state = SLOT_RUNNING;
	return 0;
}

/* Slots that @hook uses; *tries whether one of them tries @delivery. */
static size_t slots_of(const struct hook_dispatch *d, const char *hook,
		       int64_t delivery, bool *tries)
{
	const struct slot *slot;
	size_t count = 0;

	*tries = false;
	for (slot = d->slots; slot < d->slots + SLOTS; slot++) {
		if (slot->state != SLOT_FREE &&
		    strcmp(slot->hook, hook) == 0) {
			count++;
			*tries = *tries || slot->delivery == delivery;
		}
	}
	return count;
}

static struct slot *free_slot(struct hook_dispatch *d)
{
	struct slot *slot = d->slots;

	while (slot->state != SLOT_FREE) {
		slot++;	/* there are as many as all hooks can use */
	}
	return slot;
}

/* Start what is due of one hook, as far as its limit goes. */
static int start_due(struct hook_dispatch *d, const char *hook,
		     struct hook_clock now, struct err *err)
{
	/* Those that are being tried are due too: room for as many others. */
	struct hook_delivery list[2 * HOOK_PARALLEL_MAX];
	struct hook_settings settings;
	bool tries;
	size_t count;
	size_t i;
	int rc;

	hook_conf_settings(d->conf, hook, &settings);
	if (slots_of(d, hook, 0, &tries) >= settings.parallel) {
		return 0;
	}
	rc = store_hook_due(d->store, hook, now.wall_s, HOOK_BACKOFF_MAX_S,
			    list, 2 * HOOK_PARALLEL_MAX, &count, err);
	if (rc != 0) {
		return rc;
	}
	for (i = 0; i < count; i++) {
		if (rc == 0 &&
		    slots_of(d, hook, list[i].id, &tries) <
			    settings.parallel &&
		    !tries) {
			rc = start(d, free_slot(d), hook, &settings, &list[i],
				   now, err);
		}
		free(list[i].payload);
	}
	return rc;
}

static int start_all(struct hook_dispatch *d, struct hook_clock now,
		     struct err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < d->dir.count; i++) {
		if (d->dir.hooks[i].trusted) {
			rc = start_due(d, d->dir.hooks[i].name, now, err);
		}
	}
	return rc;
}

void hook_dispatch_step(struct hook_dispatch *d, struct hook_clock now,
			bool stopping)
{
	struct err err = { "" };
	struct err warning;
	int rc;

	harvest(d, now);
	if (stopping || now.mono_ms < d->pause_until_ms) {
		return;
	}
	reload_conf(d);
	rc = hook_dir_scan(&d->dir, d->hooks_dir, &warning, &err);
	if (rc == 0) {
		report(d, warning.text);
		rc = fan_out(d, &err);
	}
	if (rc == 0) {
		rc = start_all(d, now, &err);
	}
	if (rc == 0 && now.mono_ms >= d->prune_at_ms) {
		rc = store_hook_prune(d->store, now.wall_s - HOOK_KEEP_S,
				      &err);
		d->prune_at_ms = now.mono_ms + PRUNE_MS;
	}
	if (rc != 0) {
		report(d, err.text);
		d->pause_until_ms = now.mono_ms + PAUSE_MS;
	}
}

static size_t count_state(const struct hook_dispatch *d,
			  enum slot_state state)
{
	const struct slot *slot;
	size_t count = 0;

	for (slot = d->slots; slot < d->slots + SLOTS; slot++) {
		count += slot->state == state;
	}
	return count;
}

size_t hook_dispatch_running(const struct hook_dispatch *d)
{
	return count_state(d, SLOT_RUNNING);
}

size_t hook_dispatch_unrecorded(const struct hook_dispatch *d)
{
	return count_state(d, SLOT_ENDED);
}

size_t hook_dispatch_poll(const struct hook_dispatch *d, int64_t mono_ms,
			  struct pollfd *fds, size_t max, int *ms)
{
	const struct slot *slot;
	size_t count = 0;
	int64_t left;

	for (slot = d->slots; slot < d->slots + SLOTS; slot++) {
		if (slot->state != SLOT_RUNNING) {
			continue;
		}
		left = slot->run.deadline_ms - mono_ms;
		if (left < *ms && !slot->run.timed_out) {
			*ms = left > 0 ? (int)left : 0;
		}
		if (count + 2 > max) {
			continue;
		}
		fds[count++] = (struct pollfd){ .fd = slot->run.pid_fd,
						.events = POLLIN };
		/* poll() passes over a negative descriptor. */
		fds[count++] = (struct pollfd){ .fd = slot->run.err_fd,
						.events = POLLIN };
	}
	return count;
}

void hook_dispatch_free(struct hook_dispatch *d)
{
	struct slot *slot;

	for (slot = d->slots; slot < d->slots + SLOTS; slot++) {
		if (slot->state == SLOT_RUNNING) {
			hook_run_kill(&slot->run);
		}
	}
	hook_conf_free(d->conf);
	free(d);
}
