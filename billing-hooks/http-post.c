/*
 * http-post - a hook that POSTs every event to a billing system's URL.
 *
 * Environment (set in /state/hooks.conf as "http-post.URL = ..."):
 *   URL          https://..., or http:// to this machine's loopback only
 *   SECRET_FILE  file with the shared secret, mode 0600
 *                (default /state/secrets/http-post)
 *   TIMEOUT      seconds for the whole request, 1 to 300 (default 20)
 *   CA_FILE      certificates to trust instead of the system's
 *
 * The body is the record, byte for byte.  Headers:
 *   Content-Type: application/json
 *   Serai-Event-Id, Serai-Event-Type
 *   Serai-Signature: t=UNIXTIME,v1=HEX   (HMAC-SHA256 of "UNIXTIME.BODY")
 *
 * Exit status: 0 for an answer 200-299; 1 for everything else: vpsd tries
 * again.  Redirections are not followed: a signed record goes to the URL that
 * the operator wrote and nowhere else.
 */
#define _GNU_SOURCE
#include "record.h"
#include "secret.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_SECRET_FILE	"/state/secrets/http-post"
#define DEFAULT_TIMEOUT		20

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "http-post: %s: %s\n", what, why);
	return 1;
}

/* Unencrypted HTTP would show customers' data to every router on the way. */
static bool host_is_loopback(const char *host)
{
	return strcmp(host, "127.0.0.1") == 0 || strcmp(host, "[::1]") == 0 ||
	       strcmp(host, "localhost") == 0;
}

static const char *check_url(const char *text)
{
	const char *why = "must be https:// and a host";
	CURLU *url = curl_url();
	char *scheme = NULL;
	char *host = NULL;

	if (url && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
	    curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	    curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
		if (strcmp(scheme, "https") == 0) {
			why = NULL;
		} else if (strcmp(scheme, "http") == 0) {
			why = host_is_loopback(host)
				  ? NULL
				  : "http:// is allowed to 127.0.0.1, ::1 and "
				    "localhost only; use https://";
		}
	}
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(url);
	return why;
}

static long read_timeout(void)
{
	const char *text = getenv("TIMEOUT");
	char *end;
	long seconds;

	if (!text) {
		return DEFAULT_TIMEOUT;
	}
	errno = 0;
	seconds = strtol(text, &end, 10);
	if (errno || end == text || *end || seconds < 1 || seconds > 300) {
		return -1;
	}
	return seconds;
}

/* The answer's body is of no interest; taking it keeps it off stdout. */
static size_t discard(char *data, size_t size, size_t count, void *arg)
{
	(void)data;
	(void)arg;
	return size * count;
}

static bool add_header(struct curl_slist **list, const char *name,
		       const char *value)
{
	char line[256];
	struct curl_slist *longer;

	snprintf(line, sizeof(line), "%s: %s", name, value);
	longer = curl_slist_append(*list, line);
	if (longer) {
		*list = longer;
	}
	return longer != NULL;
}

static struct curl_slist *make_headers(const struct record *record,
				       const struct secret *secret)
{
	struct curl_slist *list = NULL;
	long long now = (long long)time(NULL);
	char hex[SECRET_HEX];
	char signature[128];

	if (secret_sign(secret, now, record->text, record->length, hex) != 0) {
		return NULL;
	}
	snprintf(signature, sizeof(signature), "t=%lld,v1=%s", now, hex);
	if (!add_header(&list, "Content-Type", "application/json") ||
	    !add_header(&list, "Serai-Event-Id", record->id) ||
	    !add_header(&list, "Serai-Event-Type", record->type) ||
	    !add_header(&list, "Serai-Signature", signature) ||
	    /* No "100 Continue" round trip for a body this small. */
	    !add_header(&list, "Expect", "")) {
		curl_slist_free_all(list);
		return NULL;
	}
	return list;
}

static int post(CURL *curl, const char *url, const struct record *record,
		struct curl_slist *headers, long timeout)
{
	char error[CURL_ERROR_SIZE] = "";
	const char *ca_file = getenv("CA_FILE");
	char status[64];
	long code = 0;
	CURLcode rc;

	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, timeout);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "serai-http-post/1");
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)record->length);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, record->text);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, discard);
	if (ca_file) {
		curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file);
	}
	rc = curl_easy_perform(curl);
	if (rc != CURLE_OK) {
		return fail(url, error[0] ? error : curl_easy_strerror(rc));
	}
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
	if (code < 200 || code > 299) {
		snprintf(status, sizeof(status), "answered HTTP %ld", code);
		return fail(url, status);
	}
	return 0;
}

static int send_record(const char *url, const struct record *record,
		       const struct secret *secret, long timeout)
{
	struct curl_slist *headers = make_headers(record, secret);
	CURL *curl = curl_easy_init();
	int rc;

	if (headers && curl) {
		rc = post(curl, url, record, headers, timeout);
	} else {
		rc = fail("start", "out of memory");
	}
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	return rc;
}

int main(void)
{
	const char *url = getenv("URL");
	const char *secret_file = getenv("SECRET_FILE");
	long timeout = read_timeout();
	const char *why = NULL;
	struct record record;
	struct secret secret;
	int rc;

	if (!url) {
		return fail("URL", "not set; add \"http-post.URL = https://...\""
				   " to /state/hooks.conf");
	}
	if (timeout < 0) {
		return fail("TIMEOUT", "must be 1 to 300 seconds");
	}
	if (!secret_file) {
		secret_file = DEFAULT_SECRET_FILE;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	why = check_url(url);
	if (why) {
		return fail("URL", why);
	}
	if (secret_read(&secret, secret_file, &why) != 0) {
		return fail(secret_file, why);
	}
	if (record_read(&record, STDIN_FILENO, &why) != 0) {
		secret_wipe(&secret);
		return fail("record", why);
	}
	rc = send_record(url, &record, &secret, timeout);
	secret_wipe(&secret);
	record_free(&record);
	curl_global_cleanup();
	return rc;
}
