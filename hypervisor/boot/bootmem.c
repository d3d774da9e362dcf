/* bootmem.c - see bootmem.h. */
#include "boot/bootmem.h"
#include "include/log.h"
#include "include/port.h"
#include "lib/string.h"
#include "x86/reboot.h"

#define MAX_RANGES 256
#define E820_RAM   1
#define LOW_1M	   0x100000

struct range {
	uint64_t start, end;
};

static struct range free_range[MAX_RANGES];
static struct range ram_range[MAX_RANGES];
static unsigned int free_count, ram_count;
static uint64_t limit = 1ULL << 32; /* what head.S maps */

void bootmem_reserve(uint64_t start, uint64_t end)
{
	start &= PAGE_MASK;
	end = ALIGN_UP(end, PAGE_SIZE);
	for (unsigned int i = 0; i < free_count; i++) {
		struct range *r = &free_range[i];

		if (end <= r->start || start >= r->end) {
			continue;
		}
		if (start > r->start && end < r->end) {
			BUG_UNLESS(free_count < MAX_RANGES);
			free_range[free_count].start = end;
			free_range[free_count++].end = r->end;
			r->end = start;
		} else if (start > r->start) {
			r->end = start;
		} else if (end < r->end) {
			r->start = end;
		} else {
			r->start = r->end; /* all of it */
		}
	}
}

void bootmem_init(const struct boot_info *bi)
{
	for (unsigned int i = 0; i < bi->e820_count; i++) {
		const struct boot_e820 *e = &bi->e820[i];
		struct range r = { ALIGN_UP(e->addr, PAGE_SIZE),
				   (e->addr + e->size) & PAGE_MASK };

		if (e->type != E820_RAM || r.start >= r.end ||
		    free_count == MAX_RANGES) {
			continue;
		}
		ram_range[ram_count++] = r;
		free_range[free_count++] = r;
	}
	/* Firmware may list a range as RAM and, overlapping, as reserved. */
	for (unsigned int i = 0; i < bi->e820_count; i++) {
		const struct boot_e820 *e = &bi->e820[i];

		if (e->type != E820_RAM) {
			bootmem_reserve(e->addr, e->addr + e->size);
		}
	}
	/* Left to dom0 and the AP trampoline. */
	bootmem_reserve(0, LOW_1M);
}

void bootmem_set_limit(uint64_t l)
{
	limit = l;
}

uint64_t bootmem_alloc(uint64_t size, uint64_t align)
{
	struct range *best = NULL;
	uint64_t at = 0;

	size = ALIGN_UP(size, PAGE_SIZE);
	/* From the top: memory below is scarcer (DMA). */
	for (unsigned int i = 0; i < free_count; i++) {
		struct range *r = &free_range[i];
		uint64_t end = MIN(r->end, limit);
		uint64_t start;

		if (end < r->start || end - r->start < size) {
			continue;
		}
		start = (end - size) & ~(align - 1);
		if (start >= r->start && start >= at) {
			best = r;
			at = start;
		}
	}
	if (!best) {
		printk("Not enough memory: no %lu KiB free at start-up\n",
		       (unsigned long)(size >> 10));
		machine_halt();
	}
	bootmem_reserve(at, at + size);
	memset(port_directmap + at, 0, size);
	return at;
}

uint64_t bootmem_ram_end(void)
{
	uint64_t end = 0;

	for (unsigned int i = 0; i < ram_count; i++) {
		end = MAX(end, ram_range[i].end);
	}
	return end;
}

static void for_each(const struct range *r, unsigned int n,
		     void (*fn)(mfn_t start, mfn_t end))
{
	for (unsigned int i = 0; i < n; i++) {
		if (r[i].start < r[i].end) {
			fn(MFN(r[i].start >> PAGE_SHIFT),
			   MFN(r[i].end >> PAGE_SHIFT));
		}
	}
}

void bootmem_for_each_free(void (*fn)(mfn_t start, mfn_t end))
{
	for_each(free_range, free_count, fn);
}

void bootmem_for_each_ram(void (*fn)(mfn_t start, mfn_t end))
{
	for_each(ram_range, ram_count, fn);
}
