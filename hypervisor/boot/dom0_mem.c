/*
 * dom0_mem.c - see dom0_mem.h.
 *
 * Tables are written here as plain memory.  Nothing is trusted for that: in
 * the end dom0.c has the whole tree validated by the page-type code, as it
 * would be for any guest.
 */
#include "boot/dom0_mem.h"
#include "core/domain.h"
#include "core/heap.h"
#include "core/m2p.h"
#include "core/pte.h"
#include "include/errno.h"
#include "include/log.h"
#include "lib/string.h"

static bool add_run(struct dom0_mem *m, mfn_t mfn, uint64_t count)
{
	struct dom0_run *last;
	uint64_t i;

	for (i = 0; i < count; i++) {
		m2p_set(mfn_add(mfn, i), m->pages + i);
	}
	last = m->run_count ? &m->run[m->run_count - 1] : NULL;
	if (last && last->mfn.v + last->count == mfn.v) {
		last->count += count;
	} else if (m->run_count < DOM0_RUNS) {
		last = &m->run[m->run_count++];
		last->pfn = m->pages;
		last->mfn = mfn;
		last->count = count;
	} else {
		return false;
	}
	m->pages += count;
	return true;
}

int dom0_mem_fill(struct dom0_mem *m, struct domain *d, uint64_t pages)
{
	unsigned int order = HEAP_ORDER_MAX;
	mfn_t mfn;

	m->d = d;
	while (m->pages < pages) {
		while (1ull << order > pages - m->pages) {
			order--;
		}
		if (domain_frames_alloc(d, order, 0, &mfn) == 0) {
			if (!add_run(m, mfn, 1ull << order)) {
				return -ENOMEM;
			}
		} else if (order-- == 0) {
			return -ENOMEM;
		}
	}
	return 0;
}

static const struct dom0_run *run_of(const struct dom0_mem *m, uint64_t pfn)
{
	const struct dom0_run *r = m->run;

	BUG_UNLESS(pfn < m->pages);
	while (pfn - r->pfn >= r->count) {
		r++;
	}
	return r;
}

mfn_t dom0_mem_mfn(const struct dom0_mem *m, uint64_t pfn)
{
	const struct dom0_run *r = run_of(m, pfn);

	return mfn_add(r->mfn, pfn - r->pfn);
}

void dom0_mem_write(const struct dom0_mem *m, uint64_t addr, const void *src,
		    uint64_t n)
{
	while (n) {
		const struct dom0_run *r = run_of(m, addr >> PAGE_SHIFT);
		uint64_t offset = addr - (r->pfn << PAGE_SHIFT);
		uint64_t room = (r->count << PAGE_SHIFT) - offset;
		uint64_t part = MIN(n, room);
		uint8_t *to = (uint8_t *)frame_ptr(r->mfn) + offset;

		if (src) {
			memcpy(to, src, part);
			src = (const uint8_t *)src + part;
		} else {
			memset(to, 0, part);
		}
		addr += part;
		n -= part;
	}
}

static uint64_t slots(uint64_t start, uint64_t end, unsigned int shift)
{
	return ((end - 1) >> shift) - (start >> shift) + 1;
}

uint64_t dom0_tables_needed(uint64_t start, uint64_t end)
{
	return slots(start, end, 39) + slots(start, end, 30) +
	       slots(start, end, 21);
}

static mfn_t new_table(struct dom0_tables *t)
{
	mfn_t m;

	BUG_UNLESS(t->next_pfn < t->end_pfn);
	m = dom0_mem_mfn(t->mem, t->next_pfn++);
	memset(frame_ptr(m), 0, PAGE_SIZE);
	return m;
}

void dom0_tables_init(struct dom0_tables *t, const struct dom0_mem *m,
		      uint64_t first_pfn, uint64_t count)
{
	t->mem = m;
	t->next_pfn = first_pfn;
	t->end_pfn = first_pfn + count;
	t->root = new_table(t);
}

void dom0_tables_map(struct dom0_tables *t, uint64_t va, uint64_t pfn,
		     bool writable)
{
	const uint64_t flags = PTE_PRESENT | PTE_USER | PTE_ACCESSED;
	uint64_t *table = frame_ptr(t->root);
	unsigned int level;

	for (level = 4; level > 1; level--) {
		uint64_t *e = &table[(va >> (3 + 9 * level)) & 511];

		if (!*e) {
			*e = new_table(t).v << PAGE_SHIFT | flags | PTE_WRITE;
		}
		table = frame_ptr(pte_mfn(*e));
	}
	table[(va >> PAGE_SHIFT) & 511] =
		dom0_mem_mfn(t->mem, pfn).v << PAGE_SHIFT | flags | PTE_DIRTY |
		(writable ? PTE_WRITE : 0);
}
