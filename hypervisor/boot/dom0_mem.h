/*
 * dom0_mem.h - dom0's memory while it is being built: pseudo-physical frame
 * numbers to machine frames, and page tables written from outside.
 *
 * Start-up only, boot CPU.
 */
#ifndef BOOT_DOM0_MEM_H
#define BOOT_DOM0_MEM_H

#include "include/types.h"

struct domain;

/* A run of frames that is contiguous in both numberings. */
struct dom0_run {
	uint64_t pfn, count;
	mfn_t mfn;
};

#define DOM0_RUNS 1024

struct dom0_mem {
	struct domain *d;
	uint64_t pages;
	unsigned int run_count;
	struct dom0_run run[DOM0_RUNS];
};

/*
 * Give d `pages` frames, in chunks as large as there are, and number them
 * from 0; enters them into the M2P table.  0 or -ENOMEM (then m->pages
 * says how far it got).
 */
int dom0_mem_fill(struct dom0_mem *m, struct domain *d, uint64_t pages);
/* pfn is below m->pages. */
mfn_t dom0_mem_mfn(const struct dom0_mem *m, uint64_t pfn);
/* Copy n bytes to pseudo-physical `addr`; src NULL: zeroes. */
void dom0_mem_write(const struct dom0_mem *m, uint64_t addr, const void *src,
		    uint64_t n);

/* Page tables under construction: new ones come from [next, end) pfns. */
struct dom0_tables {
	const struct dom0_mem *mem;
	mfn_t root;
	uint64_t next_pfn, end_pfn;
};

/* How many tables below the root [start, end) of address space can need. */
uint64_t dom0_tables_needed(uint64_t start, uint64_t end);
void dom0_tables_init(struct dom0_tables *t, const struct dom0_mem *m,
		      uint64_t first_pfn, uint64_t count);
/* Map page va to pfn. */
void dom0_tables_map(struct dom0_tables *t, uint64_t va, uint64_t pfn,
		     bool writable);

#endif
