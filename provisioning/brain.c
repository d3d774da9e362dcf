/*
 * brain.c - the loop (brain.h).
 */
#include "brain.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#define SAMPLE_MS	60000	/* read counters; look even if not told to */
#define TICK_MS		30000	/* at the latest; timers below are coarse */

int64_t brain_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t brain_now(void)
{
	return (int64_t)time(NULL);
}

void brain_log(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "vpsd: %s\n", text);
}

uint32_t brain_ask(struct brain *b, struct hands_request *req,
		   const char *keys)
{
	struct iovec iov[2] = {
		{ .iov_base = req, .iov_len = sizeof(*req) },
		{ .iov_base = (void *)(uintptr_t)keys,
		  .iov_len = keys ? strlen(keys) : 0 },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	/* Tags wrap around after years; 0 means something else. */
	req->tag = ++b->next_tag ? b->next_tag : ++b->next_tag;
	req->keys_len = (uint32_t)iov[1].iov_len;
	req->guest.ssh_keys = NULL;
	while (sendmsg(b->hands_fd, &msg, MSG_NOSIGNAL) < 0) {
		if (errno != EINTR) {
			b->quit = true;
			break;
		}
	}
	return req->tag;
}

void brain_set_host(struct brain *b, const struct hands_host *host)
{
	b->host = *host;
	b->capacity.ram_mib = host->xl.ram_free_mib + host->xl.ram_vps_mib;
	b->capacity.disk_mib = host->disk_total_mib * b->disk_percent / 100;
}

void brain_wake_hooks(struct brain *b)
{
	struct hands_request req = { .op = HANDS_READY };

	brain_ask(b, &req, NULL);
}

static void ask_world(struct brain *b, bool full)
{
	struct hands_request req = { .op = HANDS_WORLD, .full = full };

	b->world_busy = true;
	b->world_wanted = false;
	b->world_sequence = b->sequence;
	brain_ask(b, &req, NULL);
}

static void timers(struct brain *b)
{
	int64_t now = brain_ms();

	b->world_wanted = b->world_wanted || now >= b->next_sample;
	if (now >= b->next_host) {
		struct hands_request req = { .op = HANDS_HOST };

		brain_ask(b, &req, NULL);
		b->next_host = now + SAMPLE_MS;
	}
	if (b->world_wanted && !b->world_busy) {
		bool full = now >= b->next_sample;

		if (full) {
			b->next_sample = now + SAMPLE_MS;
		}
		ask_world(b, full);
	}
}

static void take_reply(struct brain *b)
{
	static _Alignas(16) char buffer[HANDS_REPLY_MAX];
	struct hands_reply *reply = (struct hands_reply *)buffer;
	ssize_t len = recv(b->hands_fd, buffer, sizeof(buffer), 0);

	if (len < 0 && errno == EINTR) {
		return;
	}
	if (len < (ssize_t)sizeof(*reply)) {
		b->quit = true;
		return;
	}
	if (reply->tag == HANDS_TAG_CHANGED) {
		b->world_wanted = true;
		return;
	}
	switch (reply->op) {
	case HANDS_WORLD:
		b->world_busy = false;
		recon_world(b, reply, (const struct hands_world *)(reply + 1),
			    false);
		break;
	case HANDS_HOST:
	case HANDS_TEMPLATE_IMPORT:
	case HANDS_TEMPLATE_REMOVE:
		wait_reply(b, reply);
		break;
	default:
		recon_reply(b, reply);
		break;
	}
}

/* Fill @fds with the two fixed ones, clients, and probes; the count. */
static nfds_t gather(struct brain *b, struct pollfd **fds)
{
	nfds_t count = 2;

	for (struct client *c = b->clients; c; c = c->next) {
		count++;
	}
	for (struct vm *vm = b->vms; vm; vm = vm->next) {
		count += vm->probe_fd >= 0;
	}
	*fds = realloc(*fds, count * sizeof(**fds));
	if (!*fds) {
		abort();
	}
	(*fds)[0] = (struct pollfd){ .fd = b->hands_fd, .events = POLLIN };
	(*fds)[1] = (struct pollfd){ .fd = b->listen_fd, .events = POLLIN };
	count = 2;
	for (struct client *c = b->clients; c; c = c->next) {
		short events = c->out_sent < c->out_len ? POLLOUT : 0;

		(*fds)[count++] = (struct pollfd){ c->fd, events | POLLIN, 0 };
	}
	for (struct vm *vm = b->vms; vm; vm = vm->next) {
		if (vm->probe_fd >= 0) {
			(*fds)[count++] = (struct pollfd){ vm->probe_fd,
							   POLLIN, 0 };
		}
	}
	return count;
}

static void serve_client(struct brain *b, struct client *c, short events)
{
	if (events & POLLOUT) {
		client_writable(c);
	}
	if (events & (POLLIN | POLLHUP | POLLERR)) {
		client_readable(b, c);
	}
}

/* Lists may have grown at their heads since gather(): match by descriptor. */
static void serve(struct brain *b, const struct pollfd *fds, nfds_t count)
{
	for (nfds_t i = 2; i < count; i++) {
		struct client *c;
		struct vm *vm;

		if (!fds[i].revents) {
			continue;
		}
		for (c = b->clients; c && c->fd != fds[i].fd; c = c->next) {
		}
		if (c) {
			serve_client(b, c, fds[i].revents);
			continue;
		}
		for (vm = b->vms; vm && vm->probe_fd != fds[i].fd;
		     vm = vm->next) {
		}
		if (vm) {
			probe_ready(b, vm);
		}
	}
	if (fds[0].revents) {
		take_reply(b);
	}
	if (fds[1].revents) {
		client_accept(b);
	}
}

int brain_run(struct brain *b)
{
	struct pollfd *fds = NULL;

	brain_wake_hooks(b);
	while (!b->quit) {
		int64_t wait = recon_tick(b, wait_tick(b, TICK_MS));
		nfds_t count;

		timers(b);
		client_sweep(b);
		count = gather(b, &fds);
		if (poll(fds, count, wait < 0 ? 0 : (int)wait) < 0) {
			if (errno == EINTR) {
				continue;
			}
			break;
		}
		serve(b, fds, count);
	}
	free(fds);
	return b->quit ? 0 : -errno;
}
