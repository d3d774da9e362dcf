/* string.c - see string.h.  `rep` forms: short, fast, and the same on every CPU. */
#include "lib/string.h"
#include <stdint.h>

void *memcpy(void *restrict d, const void *restrict s, size_t n)
{
	void *ret = d;

	size_t words = n / 8;

	n %= 8;
	__asm__ volatile("rep movsq"
			 : "+D"(d), "+S"(s), "+c"(words)
			 :
			 : "memory");
	__asm__ volatile("rep movsb"
			 : "+D"(d), "+S"(s), "+c"(n)
			 :
			 : "memory");
	return ret;
}

void *memmove(void *d, const void *s, size_t n)
{
	uint8_t *dst = d;
	const uint8_t *src = s;

	if (dst <= src || dst >= src + n) {
		return memcpy(d, s, n);
	}
	while (n--) {
		dst[n] = src[n];
	}
	return d;
}

void *memset(void *d, int c, size_t n)
{
	uint64_t fill = (uint8_t)c * 0x0101010101010101ULL;
	size_t words = n / 8;
	void *ret = d;

	n %= 8;
	__asm__ volatile("rep stosq"
			 : "+D"(d), "+c"(words)
			 : "a"(fill)
			 : "memory");
	__asm__ volatile("rep stosb"
			 : "+D"(d), "+c"(n)
			 : "a"(fill)
			 : "memory");
	return ret;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;

	for (; n; n--, x++, y++) {
		if (*x != *y) {
			return *x - *y;
		}
	}
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n]) {
		n++;
	}
	return n;
}

size_t strnlen(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && s[i]) {
		i++;
	}
	return i;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++) {
		if (*a != *b) {
			return (uint8_t)*a - (uint8_t)*b;
		}
		if (!*a) {
			break;
		}
	}
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, (size_t)-1);
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c) {
			return (char *)(uintptr_t)s;
		}
		if (!*s) {
			return NULL;
		}
	}
}
