/*
 * e820_test.c - the memory map against a byte-per-page model.
 * uses: x86/e820.c
 */
#include "include/errno.h"
#include "test/unit/test.h"
#include "x86/e820.h"

#include <string.h>

#define UNITS 64 /* the model's address space: 0 .. UNITS * UNIT */
#define UNIT  0x1000ULL

static struct e820_map map;
static uint32_t seed = 1;

static uint32_t random_below(uint32_t n)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 8) % n;
}

static void check_sorted(void)
{
	for (unsigned int i = 0; i < map.count; i++) {
		const struct e820_entry *e = &map.entry[i];

		CHECK(e->size != 0);
		if (i == 0) {
			continue;
		}
		CHECK(e[-1].addr + e[-1].size <= e->addr);
		/* neighbours of one type are one entry */
		CHECK(e[-1].addr + e[-1].size < e->addr ||
		      e[-1].type != e->type);
	}
}

static uint32_t type_of(uint64_t addr)
{
	for (unsigned int i = 0; i < map.count; i++) {
		if (addr >= map.entry[i].addr &&
		    addr - map.entry[i].addr < map.entry[i].size) {
			return map.entry[i].type;
		}
	}
	return 0;
}

static unsigned int rank(uint32_t type)
{
	static const unsigned int r[] = { 0, 1, 2, 3, 4, 5 };

	return type < 6 ? r[type] : 2;
}

TEST(e820_overlaps_match_model)
{
	for (unsigned int round = 0; round < 2000; round++) {
		uint32_t model[UNITS] = { 0 };

		map.count = 0;
		for (unsigned int n = random_below(12); n; n--) {
			uint64_t from = random_below(UNITS);
			uint64_t len = random_below(UNITS - (uint32_t)from);
			uint32_t type = 1 + random_below(5);

			CHECK_EQ(e820_add(&map, from * UNIT, len * UNIT, type),
				 0);
			for (uint64_t u = from; u < from + len; u++) {
				if (rank(type) > rank(model[u])) {
					model[u] = type;
				}
			}
		}
		CHECK_EQ(e820_finish(&map), 0);
		check_sorted();
		for (unsigned int u = 0; u < UNITS; u++) {
			CHECK_EQ(type_of(u * UNIT), model[u]);
			CHECK_EQ(type_of(u * UNIT + UNIT - 1), model[u]);
		}
	}
}

TEST(e820_queries)
{
	map.count = 0;
	e820_add(&map, 0x1000, 0x1000, E820_RAM);
	e820_add(&map, 0x2000, 0x1000, E820_RAM);
	e820_add(&map, 0x4000, 0x1000, E820_RAM);
	CHECK_EQ(e820_finish(&map), 0);
	CHECK_EQ(map.count, 2);
	CHECK(e820_covers(&map, 0x1000, 0x2000, E820_RAM));
	CHECK(!e820_covers(&map, 0x1000, 0x2001, E820_RAM));
	CHECK(!e820_covers(&map, 0x2000, 0x3000, E820_RAM));
	CHECK(!e820_covers(&map, ~0ULL - 1, 0x1000, E820_RAM));
}

TEST(e820_extremes)
{
	map.count = 0;
	CHECK_EQ(e820_add(&map, ~0ULL - 0xfff, ~0ULL, E820_RESERVED), 0);
	CHECK_EQ(e820_add(&map, 5, 0, E820_RAM), 0);
	CHECK_EQ(map.count, 1);
	CHECK_EQ(e820_finish(&map), 0);
	map.count = 0;
	for (unsigned int i = 0; i < E820_MAX; i++) {
		CHECK_EQ(e820_add(&map, i * 0x2000ULL, 0x1000, E820_RAM), 0);
	}
	CHECK_EQ(e820_add(&map, 0x9000000, 0x1000, E820_RAM), -ENOSPC);
	CHECK_EQ(e820_finish(&map), 0);
	CHECK_EQ(map.count, E820_MAX);
	CHECK(strcmp(e820_type_name(E820_NVS), "ACPI NVS") == 0);
	CHECK(strcmp(e820_type_name(99), "unknown") == 0);
}
