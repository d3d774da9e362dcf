/*
 * cli_args.c - from words to a request, by the table in spec.c (cli.h).
 */
#include "cli.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Is @verb one of the NOUN ... ones? */
static bool under(const char *noun, const struct spec_verb *verb)
{
	size_t len = strlen(noun);

	return strncmp(verb->name, noun, len) == 0 && verb->name[len] == ' ';
}

/* "plan add" before "plan": the longest verb that the words begin with. */
static int find_verb(struct cli *cli, char **words, int count,
		     struct err *err)
{
	char two[128];

	if (count >= 2) {
		snprintf(two, sizeof(two), "%.50s %.50s", words[0], words[1]);
		cli->verb = spec_find(two);
		if (cli->verb) {
			return 2;
		}
	}
	cli->verb = count >= 1 ? spec_find(words[0]) : NULL;
	if (cli->verb) {
		return 1;
	}
	if (count == 0 && cli->help) {
		return 0;
	}
	if (count == 0) {
		return err_set(err, -EINVAL, "what to do? See vps --help");
	}
	for (const struct spec_verb *v = spec_verbs; v->name; v++) {
		if (!under(words[0], v)) {
			continue;
		}
		cli->noun = words[0];
		return cli->help ? 0 :
			err_set(err, -EINVAL, "%s: which verb? Like '%s'; see "
				"vps %s --help", words[0], v->name, words[0]);
	}
	return err_set(err, -EINVAL, "%.40s: no such verb; see vps --help",
		       words[0]);
}

/* As other systems end their lines; sshd would take it for the key. */
static void drop_returns(char *text)
{
	char *to = text;

	for (; *text; text++) {
		if (*text != '\r') {
			*to++ = *text;
		}
	}
	*to = '\0';
}

/* All of a key file, or standard input for "-". */
static int read_keys(const char *path, char *out, size_t size,
		     struct err *err)
{
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : 0;
	size_t used = 0;
	ssize_t len;

	if (fd < 0) {
		return err_set(err, -EINVAL, "key: %s: %s", path,
			       strerror(errno));
	}
	while ((len = read(fd, out + used, size - 1 - used)) > 0) {
		used += (size_t)len;
	}
	if (fd > 0) {
		close(fd);
	}
	if (len < 0) {
		return err_set(err, -EINVAL, "key: %s: %s", path,
			       strerror(errno));
	}
	out[used] = '\0';
	if (strlen(out) != used || used == size - 1) {
		return err_set(err, -EINVAL, "key: %s: is no text file of at "
			       "most %d bytes", path, SPEC_KEYS_MAX);
	}
	drop_returns(out);
	return 0;
}

static int add_value(struct cli *cli, const struct spec_arg *arg,
		     const char *value, struct err *err)
{
	static char keys[SPEC_KEYS_MAX + 2];
	char path[PATH_MAX * 2], dir[PATH_MAX];
	uint64_t number;
	int rc = 0;

	if (cJSON_GetObjectItemCaseSensitive(cli->args, arg->name)) {
		return err_set(err, -EINVAL, "%s: given twice", arg->name);
	}
	if (arg->type == SPEC_KEYS) {
		rc = read_keys(value, keys, sizeof(keys), err);
		value = keys;
	} else if (arg->type == SPEC_PATH && value[0] != '/' && value[0] &&
		   getcwd(dir, sizeof(dir))) {
		snprintf(path, sizeof(path), "%s/%s", dir, value);
		value = path;
	}
	if (rc == 0) {
		rc = spec_check(arg, value, &number, err);
	}
	if (rc == 0) {
		cJSON_AddStringToObject(cli->args, arg->name, value);
	}
	return rc;
}

/* The next positional argument that has no value yet. */
static const struct spec_arg *next_positional(const struct cli *cli)
{
	const struct spec_arg *arg = cli->verb->args;

	for (int i = 0; i < SPEC_ARGS_MAX && arg[i].name; i++) {
		if (arg[i].positional &&
		    !cJSON_GetObjectItemCaseSensitive(cli->args,
						      arg[i].name)) {
			return &arg[i];
		}
	}
	return NULL;
}

/* "--flag", "--flag=value" or "--flag value"; words used, or -EINVAL. */
static int take_flag(struct cli *cli, char **words, int count,
		     struct err *err)
{
	const char *equals = strchr(words[0], '=');
	const struct spec_arg *arg;
	char name[64];
	int i, rc;

	snprintf(name, sizeof(name), "%.*s",
		 equals ? (int)(equals - words[0] - 2) : 60, words[0] + 2);
	i = spec_arg_index(cli->verb, name);
	arg = i < 0 ? NULL : &cli->verb->args[i];
	if (!arg || arg->positional) {
		return err_set(err, -EINVAL, "--%s: no such flag of 'vps %s'",
			       name, cli->verb->name);
	}
	if (arg->type == SPEC_SWITCH) {
		if (equals) {
			return err_set(err, -EINVAL, "%s: takes no value",
				       name);
		}
		cJSON_DeleteItemFromObjectCaseSensitive(cli->args, name);
		cJSON_AddTrueToObject(cli->args, name);
		return 1;
	}
	if (!equals && count < 2) {
		return err_set(err, -EINVAL, "%s: needs a value (%s)", name,
			       arg->help);
	}
	rc = add_value(cli, arg, equals ? equals + 1 : words[1], err);
	return rc ? rc : equals ? 1 : 2;
}

static int take_words(struct cli *cli, char **words, int count,
		      struct err *err)
{
	bool flags = true;

	for (int i = 0; i < count;) {
		const struct spec_arg *arg;
		int used;

		if (flags && strcmp(words[i], "--") == 0) {
			flags = false;
			i++;
			continue;
		}
		if (flags && strncmp(words[i], "--", 2) == 0) {
			used = take_flag(cli, words + i, count - i, err);
			if (used < 0) {
				return used;
			}
			i += used;
			continue;
		}
		if (flags && words[i][0] == '-') {
			return err_set(err, -EINVAL, "%.60s: no such flag of 'vps "
				       "%s'", words[i], cli->verb->name);
		}
		arg = next_positional(cli);
		if (!arg) {
			return err_set(err, -EINVAL, "%.60s: one word too many"
				       " for 'vps %s'", words[i],
				       cli->verb->name);
		}
		used = add_value(cli, arg, words[i], err);
		if (used < 0) {
			return used;
		}
		i++;
	}
	for (int i = 0; i < SPEC_ARGS_MAX && cli->verb->args[i].name; i++) {
		const struct spec_arg *arg = &cli->verb->args[i];

		if (arg->required &&
		    !cJSON_GetObjectItemCaseSensitive(cli->args, arg->name)) {
			return err_set(err, -EINVAL, "%s%s: is required (%s)",
				       arg->positional ? "" : "--", arg->name,
				       arg->help);
		}
	}
	return 0;
}

/* Take out what every verb knows; what is left moves up. */
static int take_common(struct cli *cli, int count, char **words,
		       struct err *err)
{
	int kept = 0;

	for (int i = 0; i < count; i++) {
		if (strcmp(words[i], "--") == 0) {
			for (; i < count; i++) {
				words[kept++] = words[i];
			}
		} else if (strcmp(words[i], "--json") == 0) {
			cli->json = true;
		} else if (strcmp(words[i], "--quiet") == 0 ||
			   strcmp(words[i], "-q") == 0) {
			cli->quiet = true;
		} else if (strcmp(words[i], "--help") == 0 ||
			   strcmp(words[i], "-h") == 0) {
			cli->help = true;
		} else if (strncmp(words[i], "--socket=", 9) == 0) {
			cli->socket = words[i] + 9;
		} else if (strcmp(words[i], "--socket") == 0) {
			if (++i == count) {
				return err_set(err, -EINVAL,
					       "socket: needs a path");
			}
			cli->socket = words[i];
		} else {
			words[kept++] = words[i];
		}
	}
	return kept;
}

int cli_args_parse(struct cli *cli, int argc, char **argv, struct err *err)
{
	int count = take_common(cli, argc, argv, err), used;

	if (count < 0) {
		return count;
	}
	if (count > 0 && strcmp(argv[0], "help") == 0) {
		cli->help = true;
		argv++;
		count--;
	}
	used = find_verb(cli, argv, count, err);
	if (used < 0 || cli->help) {
		return used < 0 ? used : 0;
	}
	cli->args = cJSON_CreateObject();
	return take_words(cli, argv + used, count - used, err);
}

static const char first_sale[] =
	"A first sale:\n"
	"  vps customer add acme\n"
	"  vps plan add small --vcpus 1 --ram 512M --disk 10G\n"
	"  vps pool add v4 --range 192.0.2.10-192.0.2.99 --prefix 24 \\\n"
	"      --gateway 192.0.2.1\n"
	"  vps create web1 --customer acme --plan small --template busybox \\\n"
	"      --key acme.pub\n";

static const char *const type_words[] = {
	[SPEC_NAME] = "NAME", [SPEC_REF] = "NAME|ID", [SPEC_TEXT] = "TEXT",
	[SPEC_COUNT] = "N", [SPEC_SIZE] = "SIZE", [SPEC_RATE] = "RATE",
	[SPEC_ADDR] = "ADDRESS", [SPEC_ADDRS] = "ADDRESS,...",
	[SPEC_RANGE] = "FIRST-LAST", [SPEC_KEYS] = "FILE",
	[SPEC_PATH] = "PATH", [SPEC_TOKEN] = "TOKEN",
	[SPEC_VERSION] = "VERSION", [SPEC_SWITCH] = "",
};

/* What the user puts there, as man pages write it. */
static const char *upper(const char *text, char out[32])
{
	size_t len = 0;

	for (; text[len] && len < 31; len++) {
		out[len] = (char)toupper((unsigned char)text[len]);
	}
	out[len] = '\0';
	return out;
}

static void help_verb(const struct spec_verb *verb)
{
	const struct spec_arg *arg = verb->args;
	char name[32];

	printf("vps %s", verb->name);
	for (int i = 0; i < SPEC_ARGS_MAX && arg[i].name; i++) {
		if (arg[i].positional) {
			printf(arg[i].required ? " %s" : " [%s]",
			       upper(arg[i].name, name));
		}
	}
	printf(" [flags]: %s\n", verb->help);
	for (int i = 0; i < SPEC_ARGS_MAX && arg[i].name; i++) {
		char left[64];

		snprintf(left, sizeof(left), "%s%s %s",
			 arg[i].positional ? "" : "--",
			 arg[i].positional ? upper(arg[i].name, name) :
			 arg[i].name,
			 arg[i].positional ? "" :
			 arg[i].choices ? arg[i].choices :
			 type_words[arg[i].type]);
		printf("  %-28s %s%s\n", left, arg[i].help,
		       arg[i].required && !arg[i].positional ? " (required)" :
		       "");
	}
	printf("  %-28s %s\n", "--json", "for programs");
	printf("  %-28s %s\n", "--quiet, -q",
	       "no progress, and names only");
}

void cli_args_help(const struct cli *cli)
{
	if (cli->verb) {
		help_verb(cli->verb);
		return;
	}
	printf("vps VERB [NAME] [--flags]\n");
	for (const struct spec_verb *v = spec_verbs; v->name; v++) {
		if (!cli->noun || under(cli->noun, v)) {
			printf("  %-18s %s\n", v->name, v->help);
		}
	}
	printf("\nvps VERB --help shows a verb's flags, man vps everything.\n");
	if (!cli->noun) {
		fputs(first_sale, stdout);
	}
}

void cli_args_words(const struct spec_verb *verb)
{
	if (!verb) {
		for (const struct spec_verb *v = spec_verbs; v->name; v++) {
			printf("%s\n", v->name);
		}
		return;
	}
	for (int i = 0; i < SPEC_ARGS_MAX && verb->args[i].name; i++) {
		if (!verb->args[i].positional) {
			printf("--%s\n", verb->args[i].name);
		}
	}
	printf("--json\n--quiet\n--help\n");
}
