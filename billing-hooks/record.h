/*
 * record.h - one event as a hook receives it: contract v1, see record.md.
 *
 * Shared by the hooks written in C.  A record is one JSON object of at most
 * RECORD_MAX bytes.  Nothing here trusts it: the same bytes may come from
 * vpsd, from the replay tool, or from a file somebody has edited.
 */
#ifndef HOOKS_RECORD_H
#define HOOKS_RECORD_H

#include <stddef.h>

#define RECORD_MAX	(64 * 1024)

struct cJSON;

struct record {
	char *text;		/* as it was read, 0-terminated */
	size_t length;		/* of text, without the final newline */
	struct cJSON *json;	/* the object */
	const char *id;		/* these point into json */
	const char *type;
	const char *time;
};

/**
 * Read file descriptor @fd to its end into @record.
 * Returns 0, -EMSGSIZE (more than RECORD_MAX bytes) or another -errno; then,
 * and when record_parse() refuses it, *why says what is wrong.
 */
int record_read(struct record *record, int fd, const char **why);

/**
 * Parse @length bytes at @text.  Checks what every record has: "v" is 1; id,
 * type and time are non-empty strings of letters, digits and "-_:.".
 * Returns 0 or -EINVAL or -ENOMEM.
 */
int record_parse(struct record *record, const char *text, size_t length,
		 const char **why);

void record_free(struct record *record);

#endif
