/*
 * cli.h - the parts of `vps`, the command line.
 *
 * vps.c finds the verb and talks to vpsd; cli_args.c makes the request;
 * cli_show.c shows the answer; cli_local.c does what needs the terminal.
 */
#ifndef SERAI_CLI_H
#define SERAI_CLI_H

#include <stdbool.h>

#include "err.h"
#include "msg.h"
#include "spec.h"

struct cJSON;

struct cli {
	const struct spec_verb *verb;
	const char *noun;		/* "pool" of `vps pool --help`, or NULL */
	struct cJSON *args;		/* of the request */
	const char *socket;
	bool json;			/* for programs */
	bool quiet;			/* no progress; lists: names only */
	bool help;
};

/**
 * Parse the words after the program's name.  -EINVAL with a line.
 * With cli->help set, nothing else needs to be right.
 */
int cli_args_parse(struct cli *cli, int argc, char **argv, struct err *err);

/** Help for the verb, for the verbs of the noun, or for all. */
void cli_args_help(const struct cli *cli);

/** For shell completion: verbs, or the flags of @verb. */
void cli_args_words(const struct spec_verb *verb);

/** Print a result as the verb's table, text or JSON. */
void cli_show(const struct cli *cli, const struct cJSON *result);

/** `vps console` of domain @domid.  Returns only on failure. */
int cli_local_console(unsigned int domid, struct err *err);

/** Run the verb if it is a script: its exit status, or -ENOENT: it is none. */
int cli_local_script(const struct cli *cli, struct err *err);

/** May this be destroyed?  Without --yes, not from a terminal. */
int cli_local_confirm(const struct cli *cli, struct err *err);

#endif
