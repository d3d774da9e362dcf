/*
 * probe.c - does port 22 answer?  (brain.h)
 *
 * A sale is done when the customer can log in, and the nearest thing that
 * can be seen from outside is an SSH server's greeting.  Tried only while
 * somebody waits for it.
 */
#include "brain.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define AGAIN_MS	200	/* between tries */
#define CONNECT_MS	3000	/* for a connection */
#define GREETING_MS	60000	/* for the greeting, once connected */

void probe_stop(struct vm *vm)
{
	if (vm->probe_fd >= 0) {
		close(vm->probe_fd);
		vm->probe_fd = -1;
		vm->probe_greets = false;
	}
}

/* A guest that has taken the connection may be slow, not dead: hold on. */
static bool is_connected(int fd)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);

	return fd >= 0 && getpeername(fd, (struct sockaddr *)&peer, &len) == 0;
}

static int begin_connect(const struct guest_config *g, uint16_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons(port) };
	const struct sockaddr *to = (const struct sockaddr *)&v6;
	socklen_t len = sizeof(v6);
	int family = AF_INET6, fd, r;

	if (g->address4[0]) {
		inet_pton(AF_INET, g->address4, &v4.sin_addr);
		to = (const struct sockaddr *)&v4;
		len = sizeof(v4);
		family = AF_INET;
	} else {
		inet_pton(AF_INET6, g->address6, &v6.sin6_addr);
	}
	fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -1;
	}
	r = connect(fd, to, len);
	if (r < 0 && errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

int64_t probe_tick(struct brain *b, struct vm *vm, const struct store_vps *v)
{
	int64_t now = brain_ms();

	if (vm->world.domain != VM_DOMAIN_RUNNING ||
	    vm->ssh_domid == vm->world.domid) {
		probe_stop(vm);
		return 1000;
	}
	if (now >= vm->probe_at && !vm->probe_greets &&
	    is_connected(vm->probe_fd)) {
		vm->probe_greets = true;
		vm->probe_at = now + GREETING_MS;
	} else if (now >= vm->probe_at) {
		probe_stop(vm);
		vm->probe_fd = begin_connect(&v->guest, b->ssh_port);
		vm->probe_at = now + (vm->probe_fd < 0 ? AGAIN_MS : CONNECT_MS);
	}
	return vm->probe_at - now;
}

void probe_ready(struct brain *b, struct vm *vm)
{
	char greeting[4];
	ssize_t len = recv(vm->probe_fd, greeting, sizeof(greeting), 0);

	if (len < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	probe_stop(vm);
	vm->probe_at = brain_ms() + AGAIN_MS;
	if (len == sizeof(greeting) && memcmp(greeting, "SSH-", 4) == 0) {
		vm->ssh_domid = vm->world.domid;
		wait_notify(b, vm->id);
	}
}
