/*
 * spec.h - every verb, every argument, and what each may be.
 *
 * One table serves the client (usage, parsing, shell completion) and the
 * daemon (validation): the client's checks are for a quick answer, the
 * daemon's are the ones that count.  All values travel as text.
 * Pure functions; no state.
 */
#ifndef SERAI_SPEC_H
#define SERAI_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define SPEC_ARGS_MAX	12
#define SPEC_KEYS_MAX	16384	/* bytes of authorized_keys text */
#define SPEC_NAME_MAX	63	/* a hostname label, RFC 1123 */

enum spec_type {
	SPEC_NONE,
	SPEC_NAME,	/* a new name: hostname label, not only digits */
	SPEC_REF,	/* the name or the number of something */
	SPEC_TEXT,	/* printable text up to 128 bytes */
	SPEC_COUNT,	/* integer within min..max */
	SPEC_SIZE,	/* MiB; suffix M, G or T; within min..max */
	SPEC_RATE,	/* kbit/s; suffix k, M or G (powers of 1000) */
	SPEC_ADDR,	/* IPv4 or IPv6 address */
	SPEC_ADDRS,	/* addresses separated by commas */
	SPEC_RANGE,	/* ADDRESS-ADDRESS */
	SPEC_KEYS,	/* authorized_keys lines (client: a file's name) */
	SPEC_PATH,	/* absolute path (client: made absolute) */
	SPEC_TOKEN,	/* 1-64 of [A-Za-z0-9._:-] */
	SPEC_VERSION,	/* template version */
	SPEC_CHOICE,	/* one of `choices` */
	SPEC_SWITCH,	/* present or not */
};

struct spec_arg {
	const char *name;	/* flag without "--", or positional's name */
	enum spec_type type;
	bool required;
	bool positional;
	uint64_t min, max;	/* SPEC_COUNT, SPEC_SIZE, SPEC_RATE */
	const char *choices;	/* SPEC_CHOICE: words separated by "|" */
	const char *help;
};

struct spec_verb {
	const char *name;	/* "create", "plan add" */
	const char *help;
	bool changes;		/* may have changed something when cut off */
	struct spec_arg args[SPEC_ARGS_MAX];
};

/** All verbs; the last has a NULL name. */
extern const struct spec_verb spec_verbs[];

/** Find by name; NULL. */
const struct spec_verb *spec_find(const char *name);

/** Index of argument @name in @verb, or -ENOENT. */
int spec_arg_index(const struct spec_verb *verb, const char *name);

/**
 * Check @text against @arg; *number gets the value of the numeric types.
 * -EINVAL with a line that names the field and what is allowed.
 */
int spec_check(const struct spec_arg *arg, const char *text, uint64_t *number,
	       struct err *err);

/** A hostname label that is not a number; used by the privileged side too. */
bool spec_name_valid(const char *text);

/** A template version: [0-9A-Za-z][0-9A-Za-z.+~_]*, at most 63 bytes. */
bool spec_version_valid(const char *text);

/**
 * Check authorized_keys text @text: at least one key, each line a known type
 * followed by base64 that really holds that type.  -EINVAL; private keys are
 * told apart in the message.
 */
int spec_keys_check(const char *text, struct err *err);

#endif
