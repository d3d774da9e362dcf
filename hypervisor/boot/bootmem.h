/*
 * bootmem.h - memory before the heap exists.
 *
 * Ranges of RAM from the memory map, minus what is reserved (image, modules,
 * low megabyte); pages are carved from them, and what is left at the end
 * goes to heap_add().  Boot CPU only, once.
 */
#ifndef BOOT_BOOTMEM_H
#define BOOT_BOOTMEM_H

#include "boot/multiboot.h"
#include "include/types.h"

/* RAM at and above this is not yet reachable; raised when it is mapped. */
void bootmem_init(const struct boot_info *bi);
void bootmem_reserve(uint64_t start, uint64_t end);
void bootmem_set_limit(uint64_t limit);
/* `size` bytes, aligned, zeroed; panics when there are none. */
uint64_t bootmem_alloc(uint64_t size, uint64_t align);
/* First address beyond all RAM. */
uint64_t bootmem_ram_end(void);
/* Call fn for every range that is still free (frames). */
void bootmem_for_each_free(void (*fn)(mfn_t start, mfn_t end));
void bootmem_for_each_ram(void (*fn)(mfn_t start, mfn_t end));

#endif
