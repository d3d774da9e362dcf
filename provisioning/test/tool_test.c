/*
 * tool_test.c - tool.c against real programs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tool.h"

static void check(const char *name, int ok, const char *expected, int rc,
		  const char *text)
{
	if (ok) {
		printf("ok tool %s\n", name);
	} else {
		printf("FAIL tool %s: expected %s, got %d '%.80s'\n", name,
		       expected, rc, text);
	}
}

static char out[1 << 20];

static int run(const char *const *argv, const char *input, unsigned int secs,
	       struct err *err)
{
	const struct tool tool = {
		.argv = argv, .input = input, .output = out,
		.output_size = sizeof(out), .timeout_s = secs,
	};

	memset(err, 0, sizeof(*err));
	return tool_run(&tool, err);
}

#define RUN(input, secs, ...)                                                  \
	run((const char *const[]){__VA_ARGS__, NULL}, input, secs, &err)

int main(void)
{
	static char big[500001];
	time_t start;
	struct err err;
	int rc;

	rc = RUN(NULL, 5, "echo", "a b", "$HOME");
	check("arguments are not looked at by a shell",
	      rc == 0 && !strcmp(out, "a b $HOME\n"), "0 'a b $HOME'", rc, out);
	rc = RUN("text", 5, "cat");
	check("input", rc == 0 && !strcmp(out, "text"), "0 'text'", rc, out);
	memset(big, 'x', sizeof(big) - 1);
	rc = RUN(big, 20, "cat");
	check("more than a pipe holds, both ways",
	      rc == 0 && strlen(out) == sizeof(big) - 1, "500000 bytes", rc,
	      "");
	rc = RUN(big, 5, "true");
	check("input that nobody reads", rc == 0, "0", rc, err.text);
	rc = RUN(NULL, 5, "sh", "-c", "echo one >&2; echo two >&2; exit 7");
	check("exit status and last line", rc == 7 &&
	      !strcmp(err.text, "sh: two"), "7 'sh: two'", rc, err.text);
	rc = RUN(NULL, 5, "sh", "-c", "kill -9 $$");
	check("death by signal", rc == -ECHILD, "-ECHILD", rc, err.text);
	rc = RUN(NULL, 5, "/no/such/program");
	check("not installed", rc == -ENOENT, "-ENOENT", rc, err.text);
	start = time(NULL);
	rc = RUN(NULL, 1, "sh", "-c", "sleep 30 & sleep 30");
	check("time-out", rc == -ETIMEDOUT && time(NULL) - start < 10,
	      "-ETIMEDOUT in about a second", rc, err.text);
	rc = RUN(NULL, 20, "head", "-c", "2000000", "/dev/zero");
	check("too much output", rc == -E2BIG, "-E2BIG", rc, err.text);
	setenv("SECRET", "1", 1);
	rc = RUN(NULL, 5, "env");
	check("nothing of our environment", rc == 0 && !strstr(out, "SECRET"),
	      "no SECRET", rc, out);
	rc = RUN(NULL, 5, "sh", "-c", "ls /proc/self/fd | wc -l");
	check("no open descriptors but three and ls's own",
	      rc == 0 && atoi(out) == 4, "4", rc, out);
	return 0;
}
