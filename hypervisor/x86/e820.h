/*
 * e820.h - the machine's memory map: what the firmware said, made usable.
 *
 * boot/ adds the loader's entries in any order, then calls e820_finish();
 * from then on the map is sorted, has no overlaps and no empty entries, and
 * neighbours of one type are merged.  Where entries overlap, the type that
 * allows least wins (unusable > NVS > ACPI > reserved > RAM).
 *
 * No locks: written at start-up by one CPU, read-only after.  Pure: also
 * compiled and fuzzed on the host.
 */
#ifndef X86_E820_H
#define X86_E820_H

#include "include/e820.h"
#include <stdbool.h>
#include <stddef.h>

#define E820_MAX 128

struct e820_map {
	unsigned int count;
	struct e820_entry entry[E820_MAX];
};

/* The machine's.  Guests' own maps are struct domain's. */
extern struct e820_map machine_e820;

/*
 * Add [addr, addr+size).  Wrapping ranges are cut, empty ones ignored.
 * 0, or -ENOSPC: the map is full and stays as it was.
 */
int e820_add(struct e820_map *m, uint64_t addr, uint64_t size, uint32_t type);
/* Sort, resolve overlaps, merge.  0 or -ENOSPC (then RAM was dropped). */
int e820_finish(struct e820_map *m);

/* Bytes of the given type in the whole map. */
uint64_t e820_total(const struct e820_map *m, uint32_t type);
/* End of the last RAM entry, 0 if there is none. */
uint64_t e820_ram_end(const struct e820_map *m);
/* Does [addr, addr+size) lie wholly within entries of this type? */
bool e820_covers(const struct e820_map *m, uint64_t addr, uint64_t size,
		 uint32_t type);
/* What the boot log prints for a type. */
const char *e820_type_name(uint32_t type);

#endif
