/*
 * buddy.h - the heap's state; for buddy.c, and for host tests that start
 * over with an empty one.
 */
#ifndef CORE_BUDDY_H
#define CORE_BUDDY_H

#include "core/heap.h"
#include "lib/spinlock.h"

#define HEAP_ZONES 40 /* by the number of bits in a frame number */

struct heap {
	struct spinlock lock;
	uint64_t free, total;	     /* frames */
	uint64_t reserve;	     /* of the free ones */
	uint32_t orders[HEAP_ZONES]; /* bit o: head[z][o] is not empty */
	uint32_t head[HEAP_ZONES][HEAP_ORDER_MAX + 1]; /* mfn, 0: none */
};

extern struct heap heap;

/* Walk all free lists: sizes, alignment, links, buddies merged.  Panics. */
void heap_audit(void);

#endif
