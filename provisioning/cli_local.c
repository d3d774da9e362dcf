/*
 * cli_local.c - verbs that need the operator's terminal (cli.h).
 */
#include "cli.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
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

int cli_local_script(const struct cli *cli, struct err *err)
{
	for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
		const char *first = scripts[i].args[0];
		const char *second = scripts[i].args[1];

		if (strcmp(cli->verb->name, scripts[i].verb) != 0) {
			continue;
		}
		/* Without an argument the list ends earlier. */
		execl(scripts[i].path, scripts[i].path,
		      first ? text_of(cli, first) : NULL,
		      second ? text_of(cli, second) : NULL, (char *)NULL);
		return err_set(err, -EIO,
			       "%s: %s", scripts[i].path, strerror(errno));
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
