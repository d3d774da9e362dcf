/*
 * bigmem: a dom0 with most of a machine of 16 GiB, whose memory has a hole
 * below 4 GiB: every frame it was given is RAM, its own, and holds what was
 * written to it.
 *
 * qemu: -m 16384
 * hypervisor: dom0_mem=14336M
 */
#include "guest.h"

const char guest_subject[] = "bigmem";

#define E820_MAX 128
#define E820_RAM 1
#define STRIDE	 4099 /* prime: all positions in a 2 MiB page come up */

struct e820 {
	uint64_t addr, size;
	uint32_t type;
} __attribute__((packed));

static struct e820 map[E820_MAX];
static unsigned int map_count;
static uint64_t window[512] __attribute__((aligned(4096)));

static void read_map(void)
{
	struct xen_memory_map m = { .nr_entries = E820_MAX };

	set_xen_guest_handle(m.buffer, (void *)map);
	guest_equal("machine-map", 0,
		    (uint64_t)hypercall2(__HYPERVISOR_memory_op,
					 XENMEM_machine_memory_map,
					 hc_ptr(&m)));
	map_count = m.nr_entries;
	VERDICT("map-has-entries", map_count > 3, "got %u", map_count);
}

static bool is_ram(uint64_t mfn)
{
	uint64_t ma = mfn * PAGE_SIZE;

	for (unsigned int i = 0; i < map_count; i++) {
		if (map[i].type == E820_RAM && ma >= map[i].addr &&
		    ma + PAGE_SIZE <= map[i].addr + map[i].size) {
			return true;
		}
	}
	return false;
}

static void frames(void)
{
	uint64_t high = 0, not_ram = 0, not_ours = 0;

	for (uint64_t pfn = 0; pfn < start_info->nr_pages; pfn++) {
		uint64_t mfn = guest_p2m()[pfn];

		high += mfn >= 1ul << 20;
		not_ram += !is_ram(mfn);
		not_ours += machine_to_phys_mapping[mfn] != pfn;
	}
	guest_printf("%lu pages, %lu of them above 4 GiB\n",
		     start_info->nr_pages, high);
	VERDICT("all-it-was-promised", start_info->nr_pages == 14336ul << 8,
		"got %lu pages", start_info->nr_pages);
	VERDICT("above-4-gib", high > 1ul << 18, "got %lu frames", high);
	guest_equal("all-are-ram", 0, not_ram);
	guest_equal("m2p-leads-back", 0, not_ours);
}

/* The pages behind the bootstrap region are free, and nobody's. */
static uint64_t walk(bool write)
{
	uint64_t bad = 0;

	for (uint64_t pfn = 1 << 16; pfn < start_info->nr_pages;
	     pfn += STRIDE) {
		uint64_t pte = guest_p2m()[pfn] * PAGE_SIZE | 0x67;

		if (guest_update_va(window, pte, UVMF_INVLPG)) {
			bad++;
		} else if (write) {
			bad += window[7] != 0 && window[7] == pfn;
			window[7] = pfn;
		} else {
			bad += window[7] != pfn;
		}
	}
	return bad;
}

static void contents(void)
{
	guest_equal("write", 0, walk(true));
	guest_equal("read-back", 0, walk(false));
}

/* What lies between the ranges of RAM is no memory of anybody's. */
static void hole(void)
{
	struct e820 *last = &map[0];
	uint64_t pte;

	for (unsigned int i = 0; i < map_count; i++) {
		if (map[i].addr > last->addr && map[i].type == E820_RAM) {
			last = &map[i];
		}
	}
	VERDICT("hole-below-4-gib", last->addr == 1ul << 32, "last RAM at %lx",
		last->addr);
	pte = (last->addr + last->size + (1ul << 40)) | 0x67;
	VERDICT("no-memory-there", guest_update_va(window, pte, 0) != 0,
		"a mapping of %lx was let in", pte);
}

void guest_main(void)
{
	read_map();
	frames();
	contents();
	hole();
}
