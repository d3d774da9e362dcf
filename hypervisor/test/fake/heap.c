/*
 * heap.c - the allocator of host tests.  The linker's --wrap puts these
 * before core's own functions: small objects come from the C library, so
 * that ASan sees every overflow and leak, and any allocation can be made to
 * fail.
 */
#include "test/fake/fake.h"
#include "core/frame.h"
#include "core/heap.h"

#include <stdlib.h>
#include <string.h>

void fake_port_reset(void);
bool fake_alloc_fails(void);

void *__wrap_mem_alloc(size_t n);
void __wrap_mem_free(void *p);
mfn_t __real_heap_alloc(unsigned int order, unsigned int flags);
mfn_t __wrap_heap_alloc(unsigned int order, unsigned int flags);
void *__real_heap_alloc_page(void);
void *__wrap_heap_alloc_page(void);

static long objects;

void *__wrap_mem_alloc(size_t n)
{
	void *p;

	if (fake_alloc_fails() || n > 1024 * 1024) {
		return NULL;
	}
	p = aligned_alloc(16, ALIGN_UP(n ? n : 1, 16));
	memset(p, 0, n);
	objects++;
	return p;
}

void __wrap_mem_free(void *p)
{
	if (p) {
		objects--;
	}
	free(p);
}

mfn_t __wrap_heap_alloc(unsigned int order, unsigned int flags)
{
	return fake_alloc_fails() ? MFN_NONE : __real_heap_alloc(order, flags);
}

void *__wrap_heap_alloc_page(void)
{
	return fake_alloc_fails() ? NULL : __real_heap_alloc_page();
}

long fake_objects_out(void)
{
	return objects;
}
