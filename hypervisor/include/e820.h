/* e820.h - an entry of a memory map, in the layout guests see. */
#ifndef INCLUDE_E820_H
#define INCLUDE_E820_H

#include "include/compiler.h"
#include <stdint.h>

#define E820_RAM      1
#define E820_RESERVED 2
#define E820_ACPI     3
#define E820_NVS      4
#define E820_UNUSABLE 5

struct e820_entry {
	uint64_t addr;
	uint64_t size;
	uint32_t type;
} __packed;

#endif
