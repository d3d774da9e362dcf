/* pool_test.c - small objects: alignment, zeroes, no overlap, no leak. */
#include "test/unit/test.h"
#include "core/heap.h"

#include <stdlib.h>
#include <string.h>

/* The allocator itself, not the C library's that other tests run on. */
void *__real_mem_alloc(size_t n);
void __real_mem_free(void *p);

#define OBJECTS 600

static bool is_filled(const uint8_t *p, uint8_t with, size_t n)
{
	while (n--) {
		if (*p++ != with) {
			return false;
		}
	}
	return true;
}

TEST(pool_random_objects)
{
	static struct {
		uint8_t *p;
		size_t n;
	} live[OBJECTS];
	uint64_t before = heap_free_frames();
	unsigned int i, step;
	size_t n;

	srand(2);
	memset(live, 0, sizeof(live));
	for (step = 0; step < 60000; step++) {
		i = (unsigned int)rand() % OBJECTS;
		if (live[i].p) {
			/* Nobody else wrote into it. */
			CHECK(is_filled(live[i].p, (uint8_t)i, live[i].n));
			__real_mem_free(live[i].p);
			live[i].p = NULL;
			continue;
		}
		n = (size_t)rand() % (rand() % 10 ? 2100 : 20000) + 1;
		live[i].p = __real_mem_alloc(n);
		live[i].n = n;
		CHECK(live[i].p != NULL);
		CHECK_EQ((uintptr_t)live[i].p & 15, 0);
		CHECK(is_filled(live[i].p, 0, n));
		memset(live[i].p, (int)i, n);
	}
	for (i = 0; i < OBJECTS; i++) {
		__real_mem_free(live[i].p);
	}
	CHECK_EQ(heap_free_frames(), before);
}

TEST(pool_limits)
{
	void *p = __real_mem_alloc(1024 * 1024);

	CHECK(p != NULL);
	__real_mem_free(p);
	CHECK(__real_mem_alloc(1024 * 1024 + 1) == NULL);
	p = __real_mem_alloc(0);
	CHECK(p != NULL);
	__real_mem_free(p);
	__real_mem_free(NULL);
}

TEST(pool_without_memory)
{
	uint64_t before;
	void *p;

	while (!mfn_eq(heap_alloc(0, 0), MFN_NONE)) {
	}
	before = heap_free_frames();
	CHECK(__real_mem_alloc(100) == NULL);
	CHECK(__real_mem_alloc(100000) == NULL);
	heap_free(MFN(77), 0);
	p = __real_mem_alloc(100);
	CHECK(p != NULL);
	__real_mem_free(p);
	CHECK_EQ(heap_free_frames(), before + 1);
}
