/*
 * test.h - a test program: TEST(name) { ... CHECK(cond); ... }
 *
 * Each unit/NAME_test.c becomes one program, linked with the fake port and
 * with whatever it uses of core/, hypercall/ and lib/.  A line
 *	 * uses: x86/acpi.c boot/elf.c
 * in its opening comment adds files of other layers that run on the host.
 * Before each test the machine is fresh: fake_reset().
 */
#ifndef TEST_UNIT_TEST_H
#define TEST_UNIT_TEST_H

#include "test/fake/fake.h"

#include <stdbool.h>

struct test {
	const char *name;
	void (*fn)(void);
	struct test *next;
};

void test_register(struct test *t);
void test_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define TEST(id)                                                               \
	static void test_##id(void);                                           \
	__attribute__((constructor)) static void register_##id(void)           \
	{                                                                      \
		static struct test test_ = { #id, test_##id, NULL };           \
		test_register(&test_);                                         \
	}                                                                      \
	static void test_##id(void)

/* A failed check ends its test. */
#define CHECK(cond)                                                            \
	do {                                                                   \
		if (!(cond)) {                                                 \
			test_fail(__FILE__, __LINE__, "expected %s", #cond);   \
		}                                                              \
	} while (0)

#define CHECK_EQ(got, want)                                                    \
	do {                                                                   \
		long long got_ = (long long)(got), want_ = (long long)(want);  \
		if (got_ != want_) {                                           \
			test_fail(__FILE__, __LINE__,                          \
				  "%s: expected %lld (0x%llx), got %lld "      \
				  "(0x%llx)",                                  \
				  #got, want_, want_, got_, got_);             \
		}                                                              \
	} while (0)

#endif
