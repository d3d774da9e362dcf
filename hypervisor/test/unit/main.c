/* main.c - runs the tests of one program; see test.h. */
#include "test/unit/test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct test *tests, **tests_end = &tests;
static jmp_buf out;
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
	longjmp(out, 1);
}

int main(int argc, char **argv)
{
	static int failed;
	static struct test *t;

	for (t = tests; t; t = t->next) {
		if (argc > 1 && strcmp(argv[1], t->name) != 0) {
			continue;
		}
		current = t->name;
		fake_reset();
		if (setjmp(out) == 0) {
			t->fn();
			printf("ok %s\n", t->name);
		} else {
			failed = 1;
		}
		fflush(stdout);
	}
	return failed;
}
