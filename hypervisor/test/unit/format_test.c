/* format_test.c - lib/format.c against the C library's printf. */
#include "test/unit/test.h"
#include "lib/format.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define SAME(...)                                                              \
	do {                                                                   \
		char a_[128], b_[128];                                         \
		size_t n_ = format(a_, sizeof(a_), __VA_ARGS__);               \
		CHECK_EQ(n_, snprintf(b_, sizeof(b_), __VA_ARGS__));           \
		CHECK(strcmp(a_, b_) == 0);                                    \
	} while (0)

TEST(format_numbers)
{
	SAME("%d %d %d", 0, INT_MAX, INT_MIN);
	SAME("%ld %ld", LONG_MAX, LONG_MIN);
	SAME("%u %lu %llu", UINT_MAX, ULONG_MAX, 1ULL << 63);
	SAME("%x %X %lx %016lx", 0xbeefu, 0xbeefu, 0x123456789abcUL, 1UL);
	SAME("%5d|%-5d|%05d|%5d", 42, 42, -42, -42);
	SAME("%*d %zu %hu", 6, 7, (size_t)9, (unsigned short)3);
}

TEST(format_strings)
{
	SAME("%s|%8s|%-8s|%.2s|%.*s", "abc", "abc", "abc", "abc", 1, "abc");
	SAME("%c%c%% %5c", 'a', 'b', 'c');
	SAME("plain");
	SAME("%p", (void *)0x1234);
}

TEST(format_truncates_and_terminates)
{
	char cut_off[] = "%";
	char buf[8];

	memset(buf, 'x', sizeof(buf));
	CHECK_EQ(format(buf, 5, "%s", "abcdefgh"), 8);
	CHECK(strcmp(buf, "abcd") == 0);
	CHECK_EQ(buf[5], 'x');
	CHECK_EQ(format(buf, 1, "%d", 77), 2);
	CHECK_EQ(buf[0], 0);
	/* not a literal, or the compiler would refuse it */
	CHECK_EQ(format(buf, sizeof(buf), cut_off), 0);
}
