/*
 * client.c - connections to the socket (brain.h, msg.h).
 *
 * A client may send anything, at any pace, and hang up at any time: the
 * worst that comes of it is an error line to itself.  One request per
 * connection; what was begun goes on when its client is gone.
 */
#include "brain.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX	256
#define READ_MS		30000	/* to send its request */
#define DRAIN_MS	1000

void client_accept(struct brain *b)
{
	int fd = accept4(b->listen_fd, NULL, NULL,
			 SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct client *c;
	int count = 0;

	if (fd < 0) {
		return;
	}
	for (c = b->clients; c; c = c->next) {
		count++;
	}
	c = count < CLIENTS_MAX ? calloc(1, sizeof(*c)) : NULL;
	if (!c) {
		close(fd);
		return;
	}
	c->fd = fd;
	c->since = brain_ms();
	c->deadline = c->since + READ_MS;
	c->next = b->clients;
	b->clients = c;
}

/* Append a line to what will be sent. */
static void put_line(struct client *c, cJSON *json)
{
	char *text = json ? cJSON_PrintUnformatted(json) : NULL;
	size_t len = text ? strlen(text) : 0;
	char *more = text ? realloc(c->out, c->out_len + len + 1) : NULL;

	cJSON_Delete(json);
	if (!more) {
		c->gone = true;
	} else {
		c->out = more;
		memcpy(c->out + c->out_len, text, len);
		c->out_len += len;
		c->out[c->out_len++] = '\n';
	}
	cJSON_free(text);
	client_writable(c);
}

void client_result(struct client *c, cJSON *result)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddItemToObject(json, "result", result);
	c->goal = GOAL_NONE;
	c->done = true;
	put_line(c, json);
}

void client_error(struct client *c, enum msg_code code, const char *text)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *error = cJSON_AddObjectToObject(json, "error");

	cJSON_AddNumberToObject(error, "code", code);
	cJSON_AddStringToObject(error, "text", text);
	c->goal = GOAL_NONE;
	c->done = true;
	put_line(c, json);
}

void client_progress(struct client *c, const char *text)
{
	cJSON *json;

	if (strcmp(c->progress, text) == 0 || strlen(text) >=
						      sizeof(c->progress)) {
		return;
	}
	strcpy(c->progress, text);
	json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "progress", text);
	put_line(c, json);
}

static void handle(struct brain *b, struct client *c, size_t len)
{
	struct err err = { "" };
	struct msg_request req;
	cJSON *result = NULL;
	int rc;

	c->deadline = 0;
	rc = msg_request_parse(&req, c->in, len, &err);
	free(c->in);
	c->in = NULL;
	if (rc) {
		client_error(c, msg_code_of(rc), err.text);
		return;
	}
	rc = verb_run(b, c, &req, &result, &err);
	msg_request_free(&req);
	if (rc) {
		client_error(c, msg_code_of(rc), err.text);
	} else if (result) {
		client_result(c, result);
	}
}

void client_readable(struct brain *b, struct client *c)
{
	char buffer[4096];
	ssize_t len = recv(c->fd, buffer, sizeof(buffer), 0);
	char *more, *end;

	if (len < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	if (len <= 0) {
		c->gone = true;
		return;
	}
	if (c->done || c->goal != GOAL_NONE) {
		return;	/* one request only; the rest is thrown away */
	}
	if (c->in_len + (size_t)len > MSG_REQUEST_MAX) {
		client_error(c, MSG_USAGE, "request: longer than 65536 bytes");
		return;
	}
	more = realloc(c->in, c->in_len + (size_t)len);
	if (!more) {
		c->gone = true;
		return;
	}
	c->in = more;
	memcpy(c->in + c->in_len, buffer, (size_t)len);
	c->in_len += (size_t)len;
	end = memchr(c->in, '\n', c->in_len);
	if (end) {
		handle(b, c, (size_t)(end - c->in));
	}
}

void client_writable(struct client *c)
{
	while (!c->gone && c->out_sent < c->out_len) {
		ssize_t len = send(c->fd, c->out + c->out_sent,
				   c->out_len - c->out_sent, MSG_NOSIGNAL);

		if (len < 0 && errno == EINTR) {
			continue;
		}
		if (len < 0 && errno == EAGAIN) {
			return;
		}
		if (len < 0) {
			c->gone = true;
			return;
		}
		c->out_sent += (size_t)len;
	}
}

/*
 * Closing while the client still sends would throw away what it has not
 * read of the answer, so its end is awaited, for a second.
 */
static bool is_through(struct client *c)
{
	if (c->gone || !c->done || c->out_sent < c->out_len) {
		return c->gone;
	}
	if (!c->drain_until) {
		shutdown(c->fd, SHUT_WR);
		c->drain_until = brain_ms() + DRAIN_MS;
	}
	return brain_ms() >= c->drain_until;
}

void client_sweep(struct brain *b)
{
	for (struct client **at = &b->clients; *at;) {
		struct client *c = *at;

		if (!is_through(c)) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		close(c->fd);
		free(c->in);
		free(c->out);
		free(c);
	}
}
