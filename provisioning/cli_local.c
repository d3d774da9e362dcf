/*
 * cli_local.c - verbs that need the operator's terminal (cli.h).
 */
#include "cli.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
	const char *verb, *path, *args[2];
} scripts[] = {
	{ "host init", "/usr/lib/serai/host-init", { "disk", "again" } },
	{ "host upgrade", "/usr/lib/serai/host-upgrade", { "image", NULL } },
	{ "host rollback", "/usr/lib/serai/host-upgrade", { NULL, NULL } },
};

int cli_local_console(unsigned int domid, struct err *err)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", domid);
	execlp("xl", "xl", "console", text, (char *)NULL);
	return err_set(err, -errno, "xl: %s", strerror(errno));
}

static const char *text_of(const struct cli *cli, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(cli->args,
								     name));
}

/* In the child: standard error is what the parent reads. */
static void exec_script(const struct cli *cli, size_t i, int fd)
{
	const char *first = scripts[i].args[0], *second = scripts[i].args[1];

	dup2(fd, STDERR_FILENO);
	/* Without an argument the list ends earlier. */
	execl(scripts[i].path, scripts[i].path,
	      first ? text_of(cli, first) : NULL,
	      second ? text_of(cli, second) : NULL, (char *)NULL);
	fprintf(stderr, "vps: %s: %s\n", scripts[i].path, strerror(errno));
	_exit(MSG_FAILED);
}

/* What a script says is progress, but for "vps: TEXT", why it failed. */
static void pass_progress(const struct cli *cli, FILE *from, struct err *err)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, from) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "vps: ", 5) == 0) {
			err_set(err, 0, "%s", line + 5);
		} else if (!cli->quiet) {
			fprintf(stderr, "%s\n", line);
		}
	}
	free(line);
}

static int run_script(const struct cli *cli, size_t i, struct err *err)
{
	int fds[2], status;
	FILE *from;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) || (pid = fork()) < 0) {
		err_set(err, 0, "%s", strerror(errno));
		return MSG_FAILED;
	}
	if (pid == 0) {
		exec_script(cli, i, fds[1]);
	}
	close(fds[1]);
	from = fdopen(fds[0], "r");
	if (from) {
		pass_progress(cli, from, err);
		fclose(from);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : MSG_PARTLY;
}

int cli_local_script(const struct cli *cli, struct err *err)
{
	for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
		if (strcmp(cli->verb->name, scripts[i].verb) == 0) {
			err_set(err, 0, "%s failed", scripts[i].path);
			return run_script(cli, i, err);
		}
	}
	return -ENOENT;
}

int cli_local_confirm(const struct cli *cli, struct err *err)
{
	if (cJSON_GetObjectItemCaseSensitive(cli->args, "yes") ||
	    !isatty(STDIN_FILENO)) {
		return 0;
	}
	return err_set(err, -EINVAL, "yes: is required to destroy a VPS from a "
		       "terminal: its disk is lost for ever");
}
