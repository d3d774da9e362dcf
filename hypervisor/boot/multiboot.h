/*
 * multiboot.h - what the boot loader told us, whichever protocol it spoke.
 *
 * Sources: Multiboot Specification 0.6.96 and 2.0 (GNU).  Everything is
 * copied out of the loader's memory, but the modules themselves.
 */
#ifndef BOOT_MULTIBOOT_H
#define BOOT_MULTIBOOT_H

#include "include/types.h"

#define BOOT_MAX_MODULES 4
#define BOOT_MAX_E820	 128
#define BOOT_CMDLINE_MAX 1024

struct boot_module {
	uint64_t start, end;		/* machine addresses, end exclusive */
	char cmdline[BOOT_CMDLINE_MAX]; /* without the file name */
};

struct boot_e820 {
	uint64_t addr, size;
	uint32_t type; /* E820_*: 1 RAM, 2 reserved, 3 ACPI, 4 NVS, 5 bad */
};

struct boot_framebuffer {
	uint64_t addr;
	uint32_t pitch, width, height;
	uint8_t bpp;
	uint8_t type; /* 0 indexed, 1 RGB, 2 EGA text; 255: none given */
	uint8_t red_pos, red_size, green_pos, green_size, blue_pos, blue_size;
};

struct boot_info {
	char cmdline[BOOT_CMDLINE_MAX];
	char loader[64];
	struct boot_module module[BOOT_MAX_MODULES];
	unsigned int module_count;
	struct boot_e820 e820[BOOT_MAX_E820];
	unsigned int e820_count;
	bool e820_truncated;
	uint8_t rsdp[36]; /* a copy of the RSDP if the loader gave one */
	unsigned int rsdp_size; /* 0: none; search the BIOS area */
	bool efi;
	uint64_t efi_system_table; /* machine address; 0: not given */
	struct boot_framebuffer fb;
};

/*
 * Read the loader's structures at `info` (as `magic` says which kind).
 * `base` is where machine address 0 is mapped.  0, or -EINVAL: unknown magic.
 */
int multiboot_parse(uint32_t magic, uint64_t info, const uint8_t *base,
		    struct boot_info *out);

#endif
