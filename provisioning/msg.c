/*
 * msg.c - see msg.h.  cJSON parses; the table in spec.c decides.
 */
#include "msg.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void msg_request_free(struct msg_request *req)
{
	for (int i = 0; i < SPEC_ARGS_MAX; i++) {
		free(req->text[i]);
		req->text[i] = NULL;
	}
}

/* Take one member of "args". */
static int take_arg(struct msg_request *req, const cJSON *item,
		    struct err *err)
{
	const char *name = item->string ? item->string : "";
	int i = spec_arg_index(req->verb, name);
	const struct spec_arg *arg;

	if (i < 0) {
		return err_set(err, -EINVAL, "%.40s: no such argument of '%s'",
			       name, req->verb->name);
	}
	arg = &req->verb->args[i];
	if (req->text[i]) {
		return err_set(err, -EINVAL, "%s: given twice", arg->name);
	}
	if (arg->type == SPEC_SWITCH) {
		if (!cJSON_IsBool(item)) {
			return err_set(err, -EINVAL, "%s: must be true or "
				       "false", arg->name);
		}
		if (cJSON_IsFalse(item)) {
			return 0;
		}
	} else if (!cJSON_IsString(item)) {
		return err_set(err, -EINVAL, "%s: must be a string", arg->name);
	} else {
		int rc = spec_check(arg, item->valuestring, &req->number[i],
				    err);

		if (rc) {
			return rc;
		}
	}
	req->text[i] = strdup(cJSON_IsString(item) ? item->valuestring : "");
	return req->text[i] ? 0 : err_set(err, -ENOMEM, "out of memory");
}

static int take_request(struct msg_request *req, const cJSON *json,
			struct err *err)
{
	const cJSON *verb = cJSON_GetObjectItemCaseSensitive(json, "verb");
	const cJSON *args = cJSON_GetObjectItemCaseSensitive(json, "args");
	const cJSON *item;
	int rc;

	if (!cJSON_IsObject(json) || !cJSON_IsString(verb)) {
		return err_set(err, -EINVAL, "request: must be an object with "
			       "a string 'verb'");
	}
	req->verb = spec_find(verb->valuestring);
	if (!req->verb) {
		return err_set(err, -EINVAL, "verb: '%.40s' is not known",
			       verb->valuestring);
	}
	if (args && !cJSON_IsObject(args)) {
		return err_set(err, -EINVAL, "args: must be an object");
	}
	cJSON_ArrayForEach(item, args) {
		rc = take_arg(req, item, err);
		if (rc) {
			return rc;
		}
	}
	for (int i = 0; i < SPEC_ARGS_MAX && req->verb->args[i].name; i++) {
		if (req->verb->args[i].required && !req->text[i]) {
			return err_set(err, -EINVAL, "%s: is required (%s)",
				       req->verb->args[i].name,
				       req->verb->args[i].help);
		}
	}
	return 0;
}

int msg_request_parse(struct msg_request *req, const char *line, size_t len,
		      struct err *err)
{
	cJSON *json;
	int rc;

	*req = (struct msg_request){ .verb = NULL };
	/* An embedded NUL would let text differ from what was checked. */
	if (len > MSG_REQUEST_MAX || memchr(line, '\0', len)) {
		return err_set(err, -EINVAL, "request: must be one line of at "
			       "most %d bytes without NUL", MSG_REQUEST_MAX);
	}
	json = cJSON_ParseWithLength(line, len);
	if (!json) {
		return err_set(err, -EINVAL, "request: is not JSON");
	}
	rc = take_request(req, json, err);
	cJSON_Delete(json);
	if (rc) {
		msg_request_free(req);
	}
	return rc;
}

const char *msg_request_text(const struct msg_request *req, const char *name)
{
	int i = spec_arg_index(req->verb, name);

	return i < 0 ? NULL : req->text[i];
}

uint64_t msg_request_number(const struct msg_request *req, const char *name,
			    uint64_t otherwise)
{
	int i = spec_arg_index(req->verb, name);

	return i < 0 || !req->text[i] ? otherwise : req->number[i];
}

enum msg_code msg_code_of(int rc)
{
	switch (rc) {
	case 0:
		return MSG_OK;
	case -EINVAL:
		return MSG_USAGE;
	case -ENOENT:
		return MSG_NOT_FOUND;
	case -EEXIST:
	case -EBUSY:
		return MSG_CONFLICT;
	case -EDQUOT:
		return MSG_NO_CAPACITY;
	case -ETIMEDOUT:
		return MSG_TIMEOUT;
	case -EINPROGRESS:
		return MSG_PARTLY;
	default:
		return MSG_FAILED;
	}
}
