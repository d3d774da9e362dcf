/*
 * pool.c - the hypervisor's own small objects.
 *
 * Up to 2016 bytes an object lives in a slab: a page with a header and equal
 * slots, whose free slots are chained.  A page with no object left goes back
 * to the heap.  Larger objects are blocks of pages; they alone are page
 * aligned, which is how mem_free() tells.
 *
 * Lock: one for all slabs, before the heap's.
 */
#include "core/frame.h"
#include "core/heap.h"
#include "include/log.h"
#include "lib/list.h"
#include "lib/spinlock.h"
#include "lib/string.h"

static const uint16_t slot_size[] = { 32, 64, 128, 256, 400, 576,
				      800, 1008, 1344, 2016 };
#define CLASSES ARRAY_SIZE(slot_size)

struct slab {
	struct list_head node; /* on partial[class], unless full */
	void *free;	       /* a free slot's first word: the next one */
	uint16_t used, class;
} __aligned(64);

static struct spinlock lock;
static struct list_head partial[CLASSES]; /* zeroes: not initialised yet */

static struct slab *slab_create(unsigned int class)
{
	uint8_t *page = heap_alloc_page();
	struct slab *s = (struct slab *)(void *)page;
	uint64_t at;

	if (!page) {
		return NULL;
	}
	s->class = (uint16_t)class;
	for (at = sizeof(*s); at + slot_size[class] <= PAGE_SIZE;
	     at += slot_size[class]) {
		*(void **)(void *)(page + at) = s->free;
		s->free = page + at;
	}
	list_add(&s->node, &partial[class]);
	return s;
}

static void *slot_alloc(unsigned int class)
{
	struct slab *s;
	void *p;

	if (!partial[class].next) {
		list_init(&partial[class]);
	}
	if (!list_empty(&partial[class])) {
		s = list_first(&partial[class], struct slab, node);
	} else {
		s = slab_create(class);
		if (!s) {
			return NULL;
		}
	}
	p = s->free;
	s->free = *(void **)p;
	s->used++;
	if (!s->free) {
		list_del(&s->node);
	}
	return p;
}

static void *block_alloc(size_t n)
{
	uint64_t pages = DIV_ROUND_UP(n, PAGE_SIZE);
	unsigned int order = 0;
	mfn_t m;

	while ((1ULL << order) < pages) {
		order++;
	}
	m = heap_alloc(order, 0);
	if (mfn_eq(m, MFN_NONE)) {
		return NULL;
	}
	frame_of(m)->order = (uint8_t)order;
	return frame_ptr(m);
}

void *mem_alloc(size_t n)
{
	unsigned int class = 0;
	void *p;

	if (n > 1024 * 1024) {
		return NULL;
	}
	while (class < CLASSES && slot_size[class] < n) {
		class++;
	}
	if (class == CLASSES) {
		p = block_alloc(n);
	} else {
		spin_lock(&lock);
		p = slot_alloc(class);
		spin_unlock(&lock);
	}
	if (p) {
		memset(p, 0, n);
	}
	return p;
}

static void slot_free(struct slab *s, void *p)
{
	BUG_UNLESS(s->used > 0 && s->class < CLASSES);
	if (!s->free) {
		list_add(&s->node, &partial[s->class]);
	}
	*(void **)p = s->free;
	s->free = p;
	if (--s->used == 0) {
		list_del(&s->node);
		heap_free_page(s);
	}
}

void mem_free(void *p)
{
	uint64_t offset = (uintptr_t)p & (PAGE_SIZE - 1);

	if (!p) {
		return;
	}
	if (offset == 0) {
		heap_free(ptr_mfn(p), frame_of(ptr_mfn(p))->order);
		return;
	}
	spin_lock(&lock);
	slot_free((struct slab *)(void *)((uint8_t *)p - offset), p);
	spin_unlock(&lock);
}
