/*
 * msg.h - what goes over the socket: one request line, then answer lines.
 *
 *	{"verb":"create","args":{"name":"web1","plan":"small",...}}
 *
 *	{"progress":"starting"}				(any number)
 *	{"result":...}			or
 *	{"error":{"code":5,"text":"no free IPv4 address..."}}
 *
 * code is the exit status of the client (design: 1 failed and nothing
 * changed, 2 usage, 3 not found, 4 conflict, 5 no capacity, 6 partly done,
 * 124 timed out).  Nothing a client sends may do more than get an error.
 */
#ifndef SERAI_MSG_H
#define SERAI_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "spec.h"

#define MSG_REQUEST_MAX	65536	/* bytes of a request line */

enum msg_code {
	MSG_OK = 0,
	MSG_FAILED = 1,
	MSG_USAGE = 2,
	MSG_NOT_FOUND = 3,
	MSG_CONFLICT = 4,
	MSG_NO_CAPACITY = 5,
	MSG_PARTLY = 6,
	MSG_TIMEOUT = 124,
};

/* A request whose every value passed its check. */
struct msg_request {
	const struct spec_verb *verb;
	char *text[SPEC_ARGS_MAX];		/* NULL: not given */
	uint64_t number[SPEC_ARGS_MAX];
};

/**
 * Parse and check @len bytes at @line.  On success the caller owns @req and
 * calls msg_request_free().  -EINVAL with a line that names the field.
 */
int msg_request_parse(struct msg_request *req, const char *line, size_t len,
		      struct err *err);

void msg_request_free(struct msg_request *req);

/** Value of argument @name, or NULL when it was not given. */
const char *msg_request_text(const struct msg_request *req, const char *name);

/** Number of argument @name, or @otherwise. */
uint64_t msg_request_number(const struct msg_request *req, const char *name,
			    uint64_t otherwise);

/** Exit status for a negative errno value. */
enum msg_code msg_code_of(int rc);

#endif
