/*
 * check.h - the smallest test runner: functions that CHECK() things.
 *
 *	static void test_x(void) { CHECK_INT(f(1), 2); }
 *	int main(void) { RUN(test_x); return check_end(); }
 *
 * Prints "ok FILE: test_x", or one "FAIL FILE: test_x: LINE: expected..." per
 * check that failed.
 */
#ifndef SERAI_TEST_CHECK_H
#define SERAI_TEST_CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *check_test;
static int check_failed_here;
static int check_failed;

#define CHECK_FAIL(...)                                                       \
	do {                                                                  \
		check_failed_here++;                                          \
		printf("FAIL %s: %s: line %d: ", CHECK_SUITE, check_test,     \
		       __LINE__);                                             \
		printf(__VA_ARGS__);                                          \
		printf("\n");                                                 \
	} while (0)

#define CHECK(what)                                                           \
	do {                                                                  \
		if (!(what)) {                                                \
			CHECK_FAIL("expected %s, got false", #what);          \
		}                                                             \
	} while (0)

#define CHECK_INT(got, want)                                                  \
	do {                                                                  \
		long long check_got = (long long)(got);                       \
		long long check_want = (long long)(want);                     \
		if (check_got != check_want) {                                \
			CHECK_FAIL("%s: expected %lld, got %lld", #got,       \
				   check_want, check_got);                    \
		}                                                             \
	} while (0)

#define CHECK_TEXT(got, want)                                                 \
	do {                                                                  \
		const char *check_got = (got);                                \
		const char *check_want = (want);                              \
		if (strcmp(check_got, check_want) != 0) {                     \
			CHECK_FAIL("%s: expected \"%s\", got \"%s\"", #got,   \
				   check_want, check_got);                    \
		}                                                             \
	} while (0)

/* @part must occur in @got. */
#define CHECK_HAS(got, part)                                                  \
	do {                                                                  \
		const char *check_got = (got);                                \
		if (!strstr(check_got, part)) {                               \
			CHECK_FAIL("%s: expected ...%s..., got \"%s\"", #got, \
				   part, check_got);                          \
		}                                                             \
	} while (0)

#define RUN(test)                                                             \
	do {                                                                  \
		check_test = #test;                                           \
		check_failed_here = 0;                                        \
		test();                                                       \
		if (check_failed_here == 0) {                                 \
			printf("ok %s: %s\n", CHECK_SUITE, check_test);       \
		}                                                             \
		check_failed += check_failed_here;                            \
		fflush(stdout);                                               \
	} while (0)

static inline int check_end(void)
{
	return check_failed != 0;
}

#endif
