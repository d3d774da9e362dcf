/*
 * hands.c - the privileged process's loop (see hands.h).
 *
 * It only receives, checks, forks and reaps; so nothing it does blocks, and
 * an operation that dies takes nothing along.  SIGCHLD arrives through a
 * signalfd.  Children inherit the lock file, which keeps a next vpsd out
 * until the last operation of this one has ended.
 */
#include "hands.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hook.h"
#include "orphan.h"

#define CHILDREN_MAX	64
#define RESPAWN_S	5

enum helper {
	HELPER_WATCH,
	HELPER_HOOKS,
	HELPER_COUNT,
};

struct child {
	pid_t pid;
	uint32_t tag, op;
};

struct hands {
	const struct hands_config *config;
	int fd;				/* to the brain */
	int signal_fd;
	int stop_pipe[2];		/* end of file tells helpers to stop */
	int watch_pipe[2];		/* a byte: some domain changed */
	int wake_pipe[2];		/* a byte: hooks have work */
	sigset_t old_mask;
	struct child children[CHILDREN_MAX];
	struct { pid_t pid; time_t not_before; } helpers[HELPER_COUNT];
	bool ready;			/* the database is there */
};

static void send_reply(int fd, const struct hands_reply *reply,
		       const void *entries)
{
	size_t size = reply->op == HANDS_TEMPLATES ?
		sizeof(struct hands_template) : sizeof(struct hands_world);
	struct iovec iov[2] = {
		{ .iov_base = (void *)(uintptr_t)reply,
		  .iov_len = sizeof(*reply) },
		{ .iov_base = (void *)(uintptr_t)entries,
		  .iov_len = entries ? reply->count * size : 0 },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	/* A brain that is gone learns the result from the world later. */
	while (sendmsg(fd, &msg, MSG_NOSIGNAL) < 0 && errno == EINTR) {
	}
}

static void send_failure(int fd, uint32_t tag, uint32_t op, const char *text)
{
	struct hands_reply reply = { .tag = tag, .op = op, .rc = -EIO };

	err_set(&reply.err, 0, "%s", text);
	send_reply(fd, &reply, NULL);
}

/* In the child: libxl and the tools expect ordinary signals. */
static void restore_signals(const struct hands *h)
{
	signal(SIGPIPE, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_SETMASK, &h->old_mask, NULL);
}

static void run_child(struct hands *h, const struct hands_request *req,
		      const char *keys)
{
	struct hands_reply *reply = calloc(1, sizeof(*reply));
	void *entries = NULL;

	restore_signals(h);
	if (!reply) {
		_exit(1);
	}
	hands_do(h->config, req, keys, reply, &entries);
	reply->tag = req->tag;
	reply->op = req->op;
	send_reply(h->fd, reply, entries);
	_exit(0);
}

static struct child *free_child(struct hands *h)
{
	for (int i = 0; i < CHILDREN_MAX; i++) {
		if (!h->children[i].pid) {
			return &h->children[i];
		}
	}
	return NULL;
}

static void helper_body(struct hands *h, enum helper which)
{
	struct err err = { "" };
	int rc;

	restore_signals(h);
	close(h->fd);
	close(h->stop_pipe[1]);
	if (which == HELPER_WATCH) {
		rc = xl_watch(h->watch_pipe[1], &err);
	} else {
		char hooks[DISK_PATH_MAX], conf[DISK_PATH_MAX];

		snprintf(hooks, sizeof(hooks), "%s/hooks",
			 h->config->state_dir);
		snprintf(conf, sizeof(conf), "%s/hooks.conf",
			 h->config->state_dir);
		rc = hook_dispatch_run(h->config->db_path, hooks, conf,
				       h->stop_pipe[0], h->wake_pipe[0], &err);
	}
	if (rc) {
		fprintf(stderr, "vpsd: helper: %s\n", err.text);
	}
	_exit(rc ? 1 : 0);
}

static void start_helper(struct hands *h, enum helper which)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		if (which == HELPER_WATCH) {
			/*
			 * It waits for the xenstore only: an orphan would keep
			 * the lock.
			 */
			if (!orphan_prevent(parent)) {
				_exit(0);
			}
		}
		helper_body(h, which);
	}
	h->helpers[which].pid = pid > 0 ? pid : 0;
	h->helpers[which].not_before = time(NULL) + RESPAWN_S;
}

static void keep_helpers(struct hands *h)
{
	for (int i = 0; i < HELPER_COUNT; i++) {
		if (h->ready && !h->helpers[i].pid &&
		    time(NULL) >= h->helpers[i].not_before) {
			start_helper(h, (enum helper)i);
		}
	}
}

/* false: the brain is gone. */
static bool take_request(struct hands *h)
{
	static _Alignas(16) char buffer[HANDS_REQUEST_MAX + 1];
	struct hands_request *req = (struct hands_request *)buffer;
	ssize_t len = recv(h->fd, buffer, HANDS_REQUEST_MAX, 0);
	struct err err = { "" };
	struct child *child;
	pid_t pid;

	if (len <= 0) {
		return len < 0 && errno == EINTR;
	}
	buffer[len] = '\0';
	if (hands_check(req, (size_t)len, &err) != 0) {
		fprintf(stderr, "vpsd: privileged side %s\n", err.text);
		/* Whoever waits for this tag learns it by its operation. */
		if ((size_t)len >= sizeof(*req)) {
			send_failure(h->fd, req->tag, req->op, err.text);
		}
		return true;
	}
	req->guest.ssh_keys = NULL;
	if (req->op == HANDS_READY) {
		h->ready = true;
		(void)!write(h->wake_pipe[1], "k", 1);
		return true;
	}
	child = free_child(h);
	pid = child ? fork() : -1;
	if (pid == 0) {
		run_child(h, req, buffer + sizeof(*req));
	}
	if (pid < 0) {
		send_failure(h->fd, req->tag, req->op,
			     "too many operations at once");
		return true;
	}
	*child = (struct child){ pid, req->tag, req->op };
	return true;
}

static void reap(struct hands *h)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	(void)!read(h->signal_fd, &info, sizeof(info));
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < HELPER_COUNT; i++) {
			if (h->helpers[i].pid == pid) {
				h->helpers[i].pid = 0;
			}
		}
		for (int i = 0; i < CHILDREN_MAX; i++) {
			struct child *c = &h->children[i];

			if (c->pid != pid) {
				continue;
			}
			if (!WIFEXITED(status) || WEXITSTATUS(status)) {
				send_failure(h->fd, c->tag, c->op,
					     "the operation was killed");
			}
			c->pid = 0;
		}
	}
}

static int set_up(struct hands *h)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &mask, &h->old_mask);
	h->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (h->signal_fd < 0 || pipe2(h->stop_pipe, O_CLOEXEC) ||
	    pipe2(h->watch_pipe, O_CLOEXEC | O_NONBLOCK) ||
	    pipe2(h->wake_pipe, O_CLOEXEC | O_NONBLOCK)) {
		return -errno;
	}
	return 0;
}

/* Some domain changed; several changes at once are one. */
static void pass_change(struct hands *h)
{
	struct hands_reply reply = { .tag = HANDS_TAG_CHANGED };
	char bytes[64];

	while (read(h->watch_pipe[0], bytes, sizeof(bytes)) > 0) {
	}
	send_reply(h->fd, &reply, NULL);
}

int hands_run(const struct hands_config *config, int fd)
{
	struct hands h = { .config = config, .fd = fd };
	struct pollfd fds[3];
	int rc = set_up(&h);

	if (rc) {
		return rc;
	}
	for (;;) {
		fds[0] = (struct pollfd){ .fd = fd, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = h.signal_fd, .events = POLLIN };
		fds[2] = (struct pollfd){ .fd = h.watch_pipe[0],
					  .events = POLLIN };
		if (poll(fds, 3, 1000) < 0 && errno != EINTR) {
			return -errno;
		}
		if (fds[1].revents) {
			reap(&h);
		}
		if (fds[2].revents) {
			pass_change(&h);
		}
		if (fds[0].revents && !take_request(&h)) {
			break;
		}
		keep_helpers(&h);
	}
	/* Closing the pipe ends the dispatcher; operations run out. */
	close(h.stop_pipe[1]);
	if (h.helpers[HELPER_WATCH].pid) {
		kill(h.helpers[HELPER_WATCH].pid, SIGKILL);
	}
	while (wait(NULL) > 0 || errno == EINTR) {
	}
	return 0;
}
