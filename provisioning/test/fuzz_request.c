/*
 * fuzz_request.c - any bytes as a request on vpsd's socket, and as a message
 * to its privileged side.  What passes must pass again: a value that was
 * accepted is within its own limits.
 */
#include <stdlib.h>
#include <string.h>

#include "hands.h"
#include "msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_accepted(const struct msg_request *req)
{
	uint64_t number;

	for (int i = 0; i < SPEC_ARGS_MAX && req->verb->args[i].name; i++) {
		const struct spec_arg *arg = &req->verb->args[i];

		if (arg->required && !req->text[i]) {
			abort();
		}
		if (req->text[i] && arg->type != SPEC_SWITCH &&
		    spec_check(arg, req->text[i], &number, NULL) != 0) {
			abort();
		}
	}
}

/* The message must be aligned and as long as it says. */
static void check_hands(const uint8_t *data, size_t size)
{
	void *copy = malloc(size ? size : 1);
	struct err err;

	memcpy(copy, data, size);
	hands_check(copy, size, &err);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hands_request req = { .op = size ? data[0] : 0 };
	struct msg_request parsed;
	struct err err;

	if (msg_request_parse(&parsed, (const char *)data, size, &err) == 0) {
		check_accepted(&parsed);
		msg_request_free(&parsed);
	}
	check_hands(data, size);
	/* Fields beyond a short input stay 0. */
	memcpy(&req, data, size < sizeof(req) ? size : sizeof(req));
	req.keys_len = 0;
	hands_check(&req, sizeof(req), &err);
	return 0;
}
