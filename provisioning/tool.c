/*
 * tool.c - run a system program and wait for it.
 *
 * One poll loop feeds standard input and drains standard output and error, so
 * that no side can block the other.  No locks, no state kept between calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tool.h"

#define TIMEOUT_S 120
#define SAID_MAX  512

/* LVM complains about descriptors that libxl's or our parent left open. */
static const char *const environment[] = {
	"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
	"LC_ALL=C",
	"HOME=/",
	"LVM_SUPPRESS_FD_WARNINGS=1",
	NULL,
};

enum { IN, OUT, ERR, PIPES };

struct run {
	const struct tool *tool;
	int fd[PIPES];		/* our ends; -1 = closed */
	size_t fed, got;
	bool too_much;
	char said[SAID_MAX];	/* the tail of standard error */
	size_t said_len;
};

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000L + ts.tv_nsec / 1000000L;
}

static void close_end(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
	}
	*fd = -1;
}

static int spawn_child(const struct tool *tool, const int theirs[PIPES],
		       pid_t *pid)
{
	posix_spawn_file_actions_t acts;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int rc;

	rc = posix_spawn_file_actions_init(&acts);
	if (rc) {
		return -rc;
	}
	rc = posix_spawnattr_init(&attr);
	if (rc) {
		goto out_acts;
	}
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	/* Own group: a time-out also reaches what the program started. */
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF |
						POSIX_SPAWN_SETPGROUP);
	for (int i = 0; i < PIPES && !rc; i++) {
		rc = posix_spawn_file_actions_adddup2(&acts, theirs[i], i);
	}
	if (!rc) {
		rc = posix_spawn_file_actions_addclosefrom_np(&acts, 3);
	}
	if (!rc) {
		rc = posix_spawnp(pid, tool->argv[0], &acts, &attr,
				  (char *const *)tool->argv,
				  (char *const *)environment);
	}
	posix_spawnattr_destroy(&attr);
out_acts:
	posix_spawn_file_actions_destroy(&acts);
	return -rc;
}

static void feed(struct run *run)
{
	const char *text = run->tool->input;
	size_t left = strlen(text) - run->fed;
	ssize_t n = write(run->fd[IN], text + run->fed, left);

	if (n > 0) {
		run->fed += (size_t)n;
	}
	/* A program that stops reading early says why on standard error. */
	if ((n < 0 && errno != EAGAIN && errno != EINTR) ||
	    run->fed == strlen(text)) {
		close_end(&run->fd[IN]);
	}
}

static void drain_out(struct run *run)
{
	const struct tool *tool = run->tool;
	char spare[4096];
	bool keep = tool->output && run->got + 1 < tool->output_size;
	char *to = keep ? tool->output + run->got : spare;
	size_t room = keep ? tool->output_size - 1 - run->got : sizeof(spare);
	ssize_t n = read(run->fd[OUT], to, room);

	if (n > 0 && keep) {
		run->got += (size_t)n;
	} else if (n > 0 && tool->output) {
		run->too_much = true;
	} else if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		close_end(&run->fd[OUT]);
	}
}

static void drain_err(struct run *run)
{
	char part[SAID_MAX / 2];
	size_t over;
	ssize_t n = read(run->fd[ERR], part, sizeof(part));

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		close_end(&run->fd[ERR]);
	}
	if (n <= 0) {
		return;
	}
	if (run->said_len + (size_t)n >= sizeof(run->said)) {
		over = run->said_len + (size_t)n + 1 - sizeof(run->said);
		memmove(run->said, run->said + over, run->said_len - over);
		run->said_len -= over;
	}
	memcpy(run->said + run->said_len, part, (size_t)n);
	run->said_len += (size_t)n;
	run->said[run->said_len] = '\0';
}

/* Returns 0 when both outputs are closed, -ETIMEDOUT when time is over. */
static int pump(struct run *run, long deadline)
{
	void (*const serve[PIPES])(struct run *) = {feed, drain_out, drain_err};

	while (run->fd[OUT] >= 0 || run->fd[ERR] >= 0) {
		struct pollfd pfd[PIPES] = {
			{.fd = run->fd[IN], .events = POLLOUT},
			{.fd = run->fd[OUT], .events = POLLIN},
			{.fd = run->fd[ERR], .events = POLLIN},
		};
		long left = deadline - now_ms();

		if (left <= 0) {
			return -ETIMEDOUT;
		}
		if (poll(pfd, PIPES, (int)left) < 0 && errno != EINTR) {
			return -errno;
		}
		for (int i = 0; i < PIPES; i++) {
			if (run->fd[i] >= 0 && pfd[i].revents) {
				serve[i](run);
			}
		}
	}
	return 0;
}

static int reap(pid_t pid, long deadline, int *status)
{
	struct timespec tick = {0, 2000000};

	/* Outputs are closed, so the end is near: a coarse look is enough. */
	while (waitpid(pid, status, WNOHANG) == 0) {
		if (now_ms() >= deadline) {
			return -ETIMEDOUT;
		}
		nanosleep(&tick, NULL);
	}
	return 0;
}

/* The last non-empty line of what the program said. */
static const char *last_line(char *said)
{
	size_t len = strlen(said);
	char *line;

	while (len > 0 && (said[len - 1] == '\n' || said[len - 1] == ' ')) {
		said[--len] = '\0';
	}
	line = strrchr(said, '\n');
	line = line ? line + 1 : said;
	return line + strspn(line, " \t");
}

static int wait_end(struct run *run, pid_t pid, struct err *err)
{
	unsigned int secs = run->tool->timeout_s;
	long deadline = now_ms() + 1000L * (secs ? secs : TIMEOUT_S);
	const char *name = run->tool->argv[0];
	int status = 0;
	int rc = pump(run, deadline);

	if (!rc) {
		rc = reap(pid, deadline, &status);
	}
	if (rc) {
		kill(-pid, SIGKILL);
		waitpid(pid, &status, 0);
		return err_set(err, rc, "%s did not end in time and was killed",
			       name);
	}
	if (!WIFEXITED(status)) {
		return err_set(err, -ECHILD, "%s died by signal %d", name,
			       WTERMSIG(status));
	}
	if (WEXITSTATUS(status)) {
		return err_set(err, WEXITSTATUS(status), "%s: %s", name,
			       run->said_len ? last_line(run->said)
					     : "failed without a word");
	}
	if (run->too_much) {
		return err_set(err, -E2BIG, "%s said more than expected", name);
	}
	return 0;
}

/* Both ends of all pipes, ours non-blocking; /dev/null where unwanted. */
static int open_pipes(struct run *run, int theirs[PIPES])
{
	for (int i = 0; i < PIPES; i++) {
		int p[2];

		if (i == IN && !run->tool->input) {
			theirs[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
			if (theirs[i] < 0) {
				return -errno;
			}
			continue;
		}
		if (pipe2(p, O_CLOEXEC)) {
			return -errno;
		}
		theirs[i] = i == IN ? p[0] : p[1];
		run->fd[i] = i == IN ? p[1] : p[0];
		if (fcntl(run->fd[i], F_SETFL, O_NONBLOCK)) {
			return -errno;
		}
	}
	return 0;
}

int tool_run(const struct tool *tool, struct err *err)
{
	struct run run = {.tool = tool, .fd = {-1, -1, -1}};
	int theirs[PIPES] = {-1, -1, -1};
	struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
	pid_t pid = -1;
	int rc;

	rc = open_pipes(&run, theirs);
	if (!rc) {
		rc = spawn_child(tool, theirs, &pid);
	}
	for (int i = 0; i < PIPES; i++) {
		close_end(&theirs[i]);
	}
	if (rc) {
		err_set(err, rc, "cannot start %s: %s", tool->argv[0],
			strerror(-rc));
	} else {
		/* The program may end before it has read all its input. */
		sigaction(SIGPIPE, &ignore, &before);
		rc = wait_end(&run, pid, err);
		sigaction(SIGPIPE, &before, NULL);
	}
	for (int i = 0; i < PIPES; i++) {
		close_end(&run.fd[i]);
	}
	if (tool->output && tool->output_size) {
		tool->output[run.got] = '\0';
	}
	return rc;
}

int tool_must(const struct tool *tool, struct err *err)
{
	int rc = tool_run(tool, err);

	return rc > 0 ? -EIO : rc;
}
