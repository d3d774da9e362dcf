/*
 * hook_conf.h - STATE/hooks.conf: how hooks are run, and their settings.
 *
 * Lines "HOOK.key = value"; "*" as HOOK means all.  Lowercase keys are the
 * dispatcher's (struct hook_settings), UPPERCASE ones become environment
 * variables of the hook.  "#" begins a comment at the start of a line or
 * after white space.  The later of two lines wins; a line for one hook beats
 * a line for all, wherever it stands.  Documented in billing-hooks/README.md.
 */
#ifndef SERAI_HOOK_CONF_H
#define SERAI_HOOK_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

#define HOOK_NAME_MAX		63	/* letters of a hook's name */
#define HOOK_CONF_MAX		(64 * 1024)
#define HOOK_PARALLEL_MAX	16

struct hook_settings {
	unsigned int timeout_s;		/* 1..3600, then it is killed */
	unsigned int attempts;		/* 1..100, then it is dead */
	unsigned int backoff_s;		/* 1..3600, after the first failure */
	unsigned int parallel;		/* 1..HOOK_PARALLEL_MAX processes */
};

struct hook_conf;

/** Letters, digits, "-" and "_", at most HOOK_NAME_MAX of them. */
bool hook_name_valid(const char *name);

/**
 * Parse @length bytes at @text.  -EINVAL names the line and what is allowed;
 * *conf is then NULL.
 */
int hook_conf_parse(struct hook_conf **conf, const char *text, size_t length,
		    struct err *err);

/** Parse file @path; one that does not exist is an empty one. */
int hook_conf_load(struct hook_conf **conf, const char *path, struct err *err);

/** The settings of @hook, what is not set being the documented default. */
void hook_conf_settings(const struct hook_conf *conf, const char *hook,
			struct hook_settings *settings);

/**
 * "KEY=value" strings of @hook, up to @max, into @env; they live as long as
 * @conf does.  Returns their number.
 */
size_t hook_conf_env(const struct hook_conf *conf, const char *hook,
		     char **env, size_t max);

void hook_conf_free(struct hook_conf *conf);

#endif
