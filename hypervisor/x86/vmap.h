/*
 * vmap.h - the hypervisor's own page tables.
 *
 * hv_root is an L4 with nothing but the hypervisor's slots; it is loaded
 * while a CPU idles.  Its L3 tables never change once guests run, so every
 * guest root carries a copy of its 16 entries (root.c).
 */
#ifndef X86_VMAP_H
#define X86_VMAP_H

#include "include/types.h"

extern uint64_t hv_root; /* machine address */

/*
 * Build hv_root with direct map, frame table, M2P and image, and load it.
 * Boot CPU, once; `image` is where the image was loaded.
 */
void vmap_init(uint64_t image);
/* Map n pages at va; tables are made as needed.  Start-up only. */
void vmap_pages(uint64_t va, uint64_t maddr, uint64_t n, uint64_t flags);
void vmap_unmap(uint64_t va, uint64_t n);
/* Device registers, uncached; never unmapped.  Panics when out of space. */
void *fixmap_mmio(uint64_t maddr, size_t len);
/* Machine address of something in the image or direct map. */
/* From now on tables come from the heap: bootmem is given away. */
void vmap_use_heap(void);
uint64_t virt_to_maddr(const void *p);

#endif
