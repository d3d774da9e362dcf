/*
 * vps.c - the operator's command line: one request to vpsd, one answer.
 */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

#define SOCKET	"/run/serai/vpsd.sock"

static int complain(const struct cli *cli, enum msg_code code,
		    const char *text)
{
	fprintf(stderr, "vps: %s\n", text);
	if (cli->json) {
		cJSON *json = cJSON_CreateObject();
		cJSON *error = cJSON_AddObjectToObject(json, "error");
		char *out;

		cJSON_AddNumberToObject(error, "code", code);
		cJSON_AddStringToObject(error, "text", text);
		out = cJSON_Print(json);
		printf("%s\n", out ? out : "{}");
		cJSON_free(out);
		cJSON_Delete(json);
	}
	return (int)code;
}

static int send_request(const struct cli *cli, const struct spec_verb *verb,
			const cJSON *args, FILE **answers, struct err *err)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cJSON *json;
	size_t len;
	char *text;
	bool sent;

	if (strlen(cli->socket) >= sizeof(to.sun_path)) {
		return err_set(err, -EINVAL, "socket: path is too long");
	}
	strcpy(to.sun_path, cli->socket);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		return err_set(err, -errno, "cannot reach vpsd at %s: %s (its "
			       "log is /run/log/vpsd.log)",
			       cli->socket, strerror(errno));
	}
	json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "verb", verb->name);
	cJSON_AddItemToObject(json, "args", cJSON_Duplicate(args, true));
	text = cJSON_PrintUnformatted(json);
	cJSON_Delete(json);
	*answers = fdopen(fd, "r+");
	if (!text || !*answers) {
		return err_set(err, -ENOMEM, "out of memory");
	}
	/* The line's end takes the place of the text's. */
	len = strlen(text);
	text[len] = '\n';
	sent = send(fd, text, len + 1, MSG_NOSIGNAL) == (ssize_t)len + 1;
	cJSON_free(text);
	return sent ? 0 : err_set(err, -EIO, "vpsd hung up");
}

static double elapsed(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - since->tv_sec) +
	       (double)(now.tv_nsec - since->tv_nsec) / 1e9;
}

/*
 * Read answer lines until the last one.  Returns the exit status; with
 * MSG_OK *result is the answer.
 */
static int read_answers(const struct cli *cli, const struct spec_verb *verb,
			FILE *answers, cJSON **result)
{
	struct timespec since;
	char *line = NULL;
	size_t size = 0;
	int code = -1;

	clock_gettime(CLOCK_MONOTONIC, &since);
	while (code < 0 && getline(&line, &size, answers) > 0) {
		cJSON *json = cJSON_Parse(line);
		const cJSON *progress, *error;

		progress = cJSON_GetObjectItemCaseSensitive(json, "progress");
		error = cJSON_GetObjectItemCaseSensitive(json, "error");
		*result = cJSON_DetachItemFromObjectCaseSensitive(json,
								  "result");
		if (*result) {
			code = MSG_OK;
		} else if (error) {
			const char *text = cJSON_GetStringValue(
				cJSON_GetObjectItemCaseSensitive(error,
								 "text"));
			const cJSON *number =
				cJSON_GetObjectItemCaseSensitive(error, "code");

			code = cJSON_IsNumber(number) && number->valueint > 0 ?
				number->valueint : MSG_FAILED;
			complain(cli, (enum msg_code)code,
				 text ? text : "failed");
		} else if (cJSON_IsString(progress) && !cli->quiet) {
			fprintf(stderr, "[%6.1f s] %s\n", elapsed(&since),
				progress->valuestring);
		}
		cJSON_Delete(json);
	}
	free(line);
	if (code >= 0) {
		return code;
	}
	if (verb->changes) {
		return complain(cli, MSG_PARTLY, "vpsd went away before it "
				"answered; it finishes what was begun when it "
				"is back (see vps show, vps events)");
	}
	return complain(cli, MSG_FAILED, "vpsd went away before it "
			"answered (its log is /run/log/vpsd.log)");
}

static int ask(const struct cli *cli, const struct spec_verb *verb,
	       cJSON **result)
{
	struct err err = { "" };
	FILE *answers = NULL;
	int code;

	if (send_request(cli, verb, cli->args, &answers, &err) != 0) {
		return complain(cli, MSG_FAILED, err.text);
	}
	code = read_answers(cli, verb, answers, result);
	fclose(answers);
	return code;
}

/* By the domain: others on this host may have the same name. */
static int console(const struct cli *cli)
{
	struct err err = { "" };
	const cJSON *domid;
	cJSON *vps = NULL;
	int code = ask(cli, spec_find("show"), &vps);

	if (code) {
		return code;
	}
	domid = cJSON_GetObjectItemCaseSensitive(vps, "domid");
	if (!cJSON_IsNumber(domid) || domid->valueint == 0) {
		err_set(&err, -EBUSY, "name: the VPS is not running");
		return complain(cli, MSG_CONFLICT, err.text);
	}
	cli_local_console((unsigned int)domid->valueint, &err);
	return complain(cli, MSG_FAILED, err.text);
}

/*
 * Print each record as it was stored, and move "after" to the last number.
 * Returns how many there were.
 */
static int print_records(const struct cli *cli, const cJSON *page)
{
	const cJSON *row, *id = NULL;
	char after[32];

	cJSON_ArrayForEach(row, page) {
		const char *record = cJSON_GetStringValue(
			cJSON_GetObjectItemCaseSensitive(row, "record"));

		id = cJSON_GetObjectItemCaseSensitive(row, "id");
		printf("%s\n", record ? record : "");
	}
	if (cJSON_IsNumber(id)) {
		cJSON_DeleteItemFromObjectCaseSensitive(cli->args, "after");
		snprintf(after, sizeof(after), "%.0f", id->valuedouble);
		cJSON_AddStringToObject(cli->args, "after", after);
	}
	return cJSON_GetArraySize(page);
}

/* 90 days of records do not fit into one answer: page by page. */
static int records(const struct cli *cli)
{
	cJSON *page = NULL;
	int code, count;

	do {
		code = ask(cli, cli->verb, &page);
		count = code == MSG_OK ? print_records(cli, page) : 0;
		cJSON_Delete(page);
		page = NULL;
	} while (count > 0);
	return code;
}

static int run(struct cli *cli)
{
	struct err err = { "" };
	cJSON *result = NULL;
	int code;

	code = cli_local_script(cli, &err);
	if (code > 0) {
		return complain(cli, (enum msg_code)code, err.text);
	}
	if (code == 0) {
		if (cli->json) {
			cli_show(cli, cli->args);
		}
		return MSG_OK;
	}
	if (strcmp(cli->verb->name, "console") == 0) {
		return console(cli);
	}
	if (strcmp(cli->verb->name, "hook records") == 0) {
		return records(cli);
	}
	if (strcmp(cli->verb->name, "destroy") == 0 &&
	    cli_local_confirm(cli, &err) != 0) {
		return complain(cli, MSG_USAGE, err.text);
	}
	code = ask(cli, cli->verb, &result);
	if (code == MSG_OK) {
		cli_show(cli, result);
	}
	cJSON_Delete(result);
	return code;
}

/* What could not be written is no answer: @code, or why not. */
static int check_output(const struct cli *cli, int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout)) {
		return code;
	}
	fprintf(stderr, "vps: cannot write the answer: %s\n", strerror(errno));
	if (code) {
		return code;
	}
	return cli->verb && cli->verb->changes ? MSG_PARTLY : MSG_FAILED;
}

int main(int argc, char **argv)
{
	const char *socket_path = getenv("SERAI_SOCKET");
	struct cli cli = { .socket = socket_path ? socket_path : SOCKET };
	struct err err = { "" };
	int rc;

	if (argc >= 2 && strcmp(argv[1], "--words") == 0) {
		cli_args_words(argc > 2 ? spec_find(argv[2]) : NULL);
		return 0;
	}
	rc = cli_args_parse(&cli, argc - 1, argv + 1, &err);
	if (rc) {
		return complain(&cli, MSG_USAGE, err.text);
	}
	if (cli.help) {
		cli_args_help(&cli);
		return check_output(&cli, 0);
	}
	rc = check_output(&cli, run(&cli));
	cJSON_Delete(cli.args);
	return rc;
}
