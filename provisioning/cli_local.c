/*
 * cli_local.c - verbs that need the operator's terminal (cli.h).
 */
#include "cli.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HOST_INIT	"/usr/lib/serai/host-init"

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

int cli_local_host_init(const struct cli *cli, struct err *err)
{
	/* Without "again" the list ends earlier. */
	execl(HOST_INIT, HOST_INIT, text_of(cli, "disk"),
	      text_of(cli, "again"), (char *)NULL);
	return err_set(err, -errno, "%s: %s", HOST_INIT, strerror(errno));
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
