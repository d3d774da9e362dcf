/*
 * record.c - reads and checks one event record.
 */
#define _GNU_SOURCE
#include "record.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * The three strings that every hook uses go into file names, CSV cells and
 * HTTP headers, so nothing that could mean something there is let in.
 */
static const char *plain_string(const cJSON *json, const char *key)
{
	const char *text =
	    cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key));
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_:.";
	size_t length = text ? strlen(text) : 0;

	if (length == 0 || length > 64 || strspn(text, allowed) != length) {
		return NULL;
	}
	return text;
}

static int check(struct record *record, const char **why)
{
	const cJSON *v =
	    cJSON_GetObjectItemCaseSensitive(record->json, "v");

	if (!cJSON_IsObject(record->json)) {
		*why = "not a JSON object";
		return -EINVAL;
	}
	if (!cJSON_IsNumber(v) || v->valueint != 1) {
		*why = "\"v\" is not 1: this hook knows contract version 1";
		return -EINVAL;
	}
	record->id = plain_string(record->json, "id");
	record->type = plain_string(record->json, "type");
	record->time = plain_string(record->json, "time");
	if (!record->id || !record->type || !record->time) {
		*why = "\"id\", \"type\" or \"time\" missing or malformed";
		return -EINVAL;
	}
	return 0;
}

int record_parse(struct record *record, const char *text, size_t length,
		 const char **why)
{
	int rc;

	memset(record, 0, sizeof(*record));
	while (length > 0 && (text[length - 1] == '\n' ||
			      text[length - 1] == '\r')) {
		length--;
	}
	record->text = strndup(text, length);
	if (!record->text) {
		*why = "out of memory";
		return -ENOMEM;
	}
	record->length = strlen(record->text);
	if (record->length != length) {
		*why = "contains a zero byte";
		rc = -EINVAL;
		goto out;
	}
	record->json = cJSON_ParseWithOpts(record->text, NULL, 1);
	rc = check(record, why);
	if (rc == 0) {
		return 0;
	}
out:
	record_free(record);
	return rc;
}

int record_read(struct record *record, int fd, const char **why)
{
	char *text = malloc(RECORD_MAX + 1);
	size_t length = 0;
	ssize_t r = 0;
	int rc;

	if (!text) {
		*why = "out of memory";
		return -ENOMEM;
	}
	do {
		r = read(fd, text + length, RECORD_MAX + 1 - length);
		length += r > 0 ? (size_t)r : 0;
	} while ((r > 0 && length <= RECORD_MAX) || (r < 0 && errno == EINTR));
	if (r < 0) {
		rc = -errno;
		*why = "cannot read it";
	} else if (length > RECORD_MAX) {
		rc = -EMSGSIZE;
		*why = "longer than 64 KiB";
	} else {
		rc = record_parse(record, text, length, why);
	}
	free(text);
	return rc;
}

void record_free(struct record *record)
{
	cJSON_Delete(record->json);
	free(record->text);
	memset(record, 0, sizeof(*record));
}
