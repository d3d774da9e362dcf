/*
 * e820.c - the machine's memory map.  See e820.h.
 *
 * e820_finish() walks the entries' borders in ascending order; between two
 * neighbouring borders every address has the same set of entries above it,
 * of which the strictest type wins.  Quadratic, and maps are short.
 */
#include "x86/e820.h"
#include "include/errno.h"
#include "include/types.h"
#include "lib/string.h"

struct e820_map machine_e820;

/* Higher: allows less.  Unknown types are as bad as reserved. */
static unsigned int strictness(uint32_t type)
{
	switch (type) {
	case E820_RAM:
		return 1;
	case E820_ACPI:
		return 3;
	case E820_NVS:
		return 4;
	case E820_UNUSABLE:
		return 5;
	default:
		return 2;
	}
}

int e820_add(struct e820_map *m, uint64_t addr, uint64_t size, uint32_t type)
{
	/* The last byte of the address space is nobody's memory. */
	if (size > ~0ULL - addr) {
		size = ~0ULL - addr;
	}
	if (size == 0) {
		return 0;
	}
	if (m->count == E820_MAX) {
		return -ENOSPC;
	}
	m->entry[m->count].addr = addr;
	m->entry[m->count].size = size;
	m->entry[m->count].type = type;
	m->count++;
	return 0;
}

/* The lowest border (start or end of an entry) above `at`; ~0: none. */
static uint64_t next_border(const struct e820_map *m, uint64_t at, bool first)
{
	uint64_t best = ~0ULL;

	for (unsigned int i = 0; i < m->count; i++) {
		uint64_t start = m->entry[i].addr;
		uint64_t end = start + m->entry[i].size;

		if ((start > at || (first && start == at)) && start < best) {
			best = start;
		}
		if (end > at && end < best) {
			best = end;
		}
	}
	return best;
}

/* The strictest type at address `at`; 0 where no entry is. */
static uint32_t type_at(const struct e820_map *m, uint64_t at)
{
	uint32_t type = 0;

	for (unsigned int i = 0; i < m->count; i++) {
		const struct e820_entry *e = &m->entry[i];

		if (at >= e->addr && at - e->addr < e->size &&
		    (!type || strictness(e->type) > strictness(type))) {
			type = e->type;
		}
	}
	return type;
}

static int append(struct e820_map *m, uint64_t addr, uint64_t end,
		  uint32_t type)
{
	struct e820_entry *last = m->count ? &m->entry[m->count - 1] : NULL;

	if (last && last->type == type && last->addr + last->size == addr) {
		last->size = end - last->addr;
		return 0;
	}
	return e820_add(m, addr, end - addr, type);
}

int e820_finish(struct e820_map *m)
{
	static struct e820_map out; /* too big for the stack; start-up only */
	uint64_t at = next_border(m, 0, true), end;
	int rc = 0;

	out.count = 0;
	while (at != ~0ULL) {
		uint32_t type = type_at(m, at);

		end = next_border(m, at, false);
		/* A full map loses what comes last, and says so. */
		if (type && append(&out, at, end, type)) {
			rc = -ENOSPC;
		}
		at = end;
	}
	memcpy(m, &out, sizeof(out));
	return rc;
}

uint64_t e820_total(const struct e820_map *m, uint32_t type)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < m->count; i++) {
		if (m->entry[i].type == type) {
			sum += m->entry[i].size;
		}
	}
	return sum;
}

uint64_t e820_ram_end(const struct e820_map *m)
{
	uint64_t end = 0;

	for (unsigned int i = 0; i < m->count; i++) {
		if (m->entry[i].type == E820_RAM) {
			end = MAX(end, m->entry[i].addr + m->entry[i].size);
		}
	}
	return end;
}

/* How many bytes of [addr, addr+size) are of this type. */
static uint64_t overlap(const struct e820_map *m, uint64_t addr, uint64_t size,
			uint32_t type)
{
	uint64_t sum = 0;
	uint64_t limit = size > ~0ULL - addr ? ~0ULL : addr + size;

	for (unsigned int i = 0; i < m->count; i++) {
		uint64_t from = MAX(addr, m->entry[i].addr);
		uint64_t to = MIN(limit, m->entry[i].addr + m->entry[i].size);

		if (m->entry[i].type == type && from < to) {
			sum += to - from;
		}
	}
	return sum;
}

bool e820_covers(const struct e820_map *m, uint64_t addr, uint64_t size,
		 uint32_t type)
{
	return overlap(m, addr, size, type) == size;
}

const char *e820_type_name(uint32_t type)
{
	static const char *const name[] = {
		[E820_RAM] = "usable",	 [E820_RESERVED] = "reserved",
		[E820_ACPI] = "ACPI data", [E820_NVS] = "ACPI NVS",
		[E820_UNUSABLE] = "unusable",
	};

	return type < ARRAY_SIZE(name) && name[type] ? name[type] : "unknown";
}
