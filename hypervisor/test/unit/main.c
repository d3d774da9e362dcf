/*
 * main.c - runs the tests of one program, each in a process of its own: one
 * that crashes spoils no other, and all state is fresh.  See test.h.
 */
#include "test/unit/test.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_CHECK 3 /* a test that has said why it failed */

static struct test *tests, **tests_end = &tests;
static const char *current;

void test_register(struct test *t)
{
	*tests_end = t;
	tests_end = &t->next;
}

void test_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	printf("FAIL %s: %s:%d: ", current, file, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	_exit(EXIT_CHECK);
}

static int run(struct test *t)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		current = t->name;
		fake_reset();
		t->fn();
		printf("ok %s\n", t->name);
		fflush(stdout);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("fork");
		exit(2);
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		return 0;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CHECK) {
		return 1;
	}
	/* ASan, UBSan, port_panic(): the reason is on stderr. */
	printf("FAIL %s: expected to end, got wait status 0x%x; see stderr\n",
	       t->name, (unsigned int)status);
	return 1;
}

int main(int argc, char **argv)
{
	struct test *t;
	int failed = 0;

	for (t = tests; t; t = t->next) {
		if (argc == 1 || strcmp(argv[1], t->name) == 0) {
			failed |= run(t);
		}
	}
	return failed;
}
