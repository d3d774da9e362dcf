/*
 * hook_run.c - starts a hook, watches it, kills it.
 *
 * The order at the end matters: the process group is killed while its leader
 * is still a zombie.  Until the zombie is reaped, the kernel gives its number
 * to nobody else, so no stranger can be hit.
 */
#include "hook_run.h"
#include "orphan.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOCK_FD		3	/* where a hook finds the lock's descriptor */

static int write_all(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t w = write(fd, text, length);

		if (w < 0) {
			return -errno;
		}
		text += w;
		length -= (size_t)w;
	}
	return 0;
}

/* A read-only memory file with @record and a line end, or -errno. */
static int make_input(const char *record)
{
	int fd = memfd_create("record", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int rc;

	if (fd < 0) {
		return -errno;
	}
	rc = write_all(fd, record, strlen(record));
	if (rc == 0) {
		rc = write_all(fd, "\n", 1);
	}
	if (rc == 0 &&
	    (fcntl(fd, F_ADD_SEALS,
		   F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) ||
	     lseek(fd, 0, SEEK_SET) != 0)) {
		rc = -errno;
	}
	if (rc != 0) {
		close(fd);
		return rc;
	}
	return fd;
}

static void reset_signals(void)
{
	sigset_t none;
	int i;

	for (i = 1; i < NSIG; i++) {
		signal(i, SIG_DFL);	/* fails for some; no matter */
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the new process: never returns. */
static void become_hook(const struct hook_task *task, pid_t parent, int in,
			int err_fd)
{
	static const struct rlimit no_core = { 0, 0 };
	char *argv[] = { (char *)task->path, NULL };
	int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	setsid();
	reset_signals();
	if (!orphan_prevent(parent)) {
		_exit(126);
	}
	setrlimit(RLIMIT_CORE, &no_core);
	setpriority(PRIO_PROCESS, 0, 10);
	if (chdir("/") != 0 || null_fd < 0 || dup2(in, 0) < 0 ||
	    dup2(null_fd, 1) < 0 || dup2(err_fd, 2) < 0) {
		_exit(126);
	}
	if (task->lock_fd >= 0) {
		if (dup2(task->lock_fd, LOCK_FD) < 0) {
			_exit(126);
		}
		/* dup2() onto itself keeps the flag that would close it. */
		fcntl(LOCK_FD, F_SETFD, 0);
	}
	close_range(task->lock_fd >= 0 ? LOCK_FD + 1 : LOCK_FD, ~0U, 0);
	execve(task->path, argv, task->env);
	dprintf(2, "cannot run it: %s\n", strerror(errno));
	_exit(127);
}

int hook_run_start(struct hook_run *run, const struct hook_task *task,
		   struct err *err)
{
	struct hook_run new = { .deadline_ms = task->deadline_ms };
	pid_t parent = getpid();
	int in = make_input(task->record);
	int pipe_fds[2];
	int rc;

	if (in < 0) {
		return err_set(err, in, "memory file: %s", strerror(-in));
	}
	if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) != 0) {
		rc = err_set(err, -errno, "pipe: %s", strerror(errno));
		goto out_input;
	}
	/* Only our end must not wait; the hook expects ordinary writes. */
	fcntl(pipe_fds[1], F_SETFL, 0);
	new.err_fd = pipe_fds[0];
	new.pid = fork();
	if (new.pid == 0) {
		become_hook(task, parent, in, pipe_fds[1]);
	}
	if (new.pid < 0) {
		rc = err_set(err, -errno, "fork: %s", strerror(errno));
		goto out_pipe;
	}
	new.pid_fd = pidfd_open(new.pid, 0);
	if (new.pid_fd < 0) {
		rc = err_set(err, -errno, "pidfd_open: %s", strerror(errno));
		goto out_child;
	}
	close(pipe_fds[1]);
	close(in);
	*run = new;
	return 0;

out_child:
	kill(new.pid, SIGKILL);
	waitpid(new.pid, NULL, 0);
out_pipe:
	close(pipe_fds[0]);
	close(pipe_fds[1]);
out_input:
	close(in);
	return rc;
}

/* Keep the last non-empty line of what comes, as far as it fits. */
static void take_text(struct hook_run *run, const char *text, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (text[i] == '\n' || text[i] == '\r') {
			run->err_length = sizeof(run->err_line);
			continue;
		}
		if (run->err_length == sizeof(run->err_line)) {
			run->err_length = 0;	/* a new line begins */
		}
		if (run->err_length < sizeof(run->err_line) - 1) {
			run->err_line[run->err_length++] =
			    c < 0x20 || c > 0x7e ? '?' : (char)c;
			run->err_line[run->err_length] = '\0';
		}
	}
}

/* A little at a time: a flood must not keep the dispatcher from the rest. */
static void read_stderr(struct hook_run *run)
{
	char text[16 * 1024];
	ssize_t r;
	int i;

	for (i = 0; run->err_fd >= 0 && i < 4; i++) {
		r = read(run->err_fd, text, sizeof(text));
		if (r > 0) {
			run->err_total += (size_t)r;
			take_text(run, text, (size_t)r);
		} else if (r == 0 || (errno != EAGAIN && errno != EINTR)) {
			close(run->err_fd);
			run->err_fd = -1;
		} else {
			return;
		}
	}
}

static void kill_group(const struct hook_run *run)
{
	kill(-run->pid, SIGKILL);
	/* Before its setsid() the group does not exist yet. */
	kill(run->pid, SIGKILL);
}

/* Everything is killed and known; say what came of it and let go. */
static int finish(struct hook_run *run, int status, struct err *err)
{
	const char *text = run->err_line[0] ? run->err_line : "(no message)";
	int rc = -EIO;

	if (run->timed_out) {
		err_set(err, rc, "timed out and was killed; %s", text);
	} else if (run->flooded) {
		err_set(err, rc, "killed: more than 1 MiB on stderr; %s", text);
	} else if (WIFSIGNALED(status)) {
		err_set(err, rc, "killed by signal %d; %s", WTERMSIG(status),
			text);
	} else if (WEXITSTATUS(status) != 0) {
		err_set(err, rc, "exit status %d; %s", WEXITSTATUS(status),
			text);
	} else {
		rc = 0;
	}
	if (run->err_fd >= 0) {
		close(run->err_fd);
	}
	close(run->pid_fd);
	memset(run, 0, sizeof(*run));
	return rc;
}

bool hook_run_step(struct hook_run *run, int64_t now_ms, int *result,
		   struct err *err)
{
	siginfo_t info = { 0 };
	int status = 0;

	read_stderr(run);
	if (run->err_total > HOOK_STDERR_MAX && !run->flooded) {
		run->flooded = true;
		kill_group(run);
	}
	if (waitid(P_PID, (id_t)run->pid, &info,
		   WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) {
		if (now_ms >= run->deadline_ms && !run->timed_out) {
			run->timed_out = true;
			kill_group(run);
		}
		return false;
	}
	kill_group(run);
	waitpid(run->pid, &status, 0);
	read_stderr(run);
	*result = finish(run, status, err);
	return true;
}

void hook_run_kill(struct hook_run *run)
{
	int status = 0;

	kill_group(run);
	waitpid(run->pid, &status, 0);
	finish(run, status, NULL);
}
