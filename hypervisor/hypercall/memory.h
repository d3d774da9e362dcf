/*
 * memory.h - the parts of the memory_op hypercall.  Each takes the guest
 * address of its structure.
 */
#ifndef HYPERCALL_MEMORY_H
#define HYPERCALL_MEMORY_H

#include "hypercall/hc.h"

/* Orders of contiguous memory: 2 MiB for guests, 1 GiB for the toolstack. */
#define MEMORY_ORDER_GUEST 9
#define MEMORY_ORDER_DOM0  18

/* heap_alloc() flags for XENMEMF_address_bits; which nodes does not matter. */
unsigned int memory_heap_flags(unsigned int mem_flags);
unsigned int memory_order_max(const struct domain *d);

/*
 * The number of extents is in arg[0]'s upper part while a call is preempted.
 */
#define MEMORY_CMD_MASK ((1UL << MEMORY_EXTENT_SHIFT) - 1)
#define MEMORY_EXTENT_SHIFT 6

long memory_exchange(struct hc *hc, gva_t arg);

long memory_map_get(struct hc *hc, gva_t arg);
long memory_map_set(struct hc *hc, gva_t arg);
long memory_map_machine(struct hc *hc, gva_t arg);
long memory_machphys_mapping(struct hc *hc, gva_t arg);
long memory_machphys_mfn_list(struct hc *hc, gva_t arg);

#endif
