/*
 * machine.c - the fake machine's memory: frame table and heap over the RAM
 * of port.c, and the rest of port.h that memory code asks for.
 */
#include "test/fake/fake.h"
#include "core/buddy.h"
#include "core/frame.h"
#include "core/tlbclock.h"

#include <string.h>

void fake_port_reset(void);
void fake_clock_reset(void);

unsigned int port_phys_bits = 40;
uint64_t port_l1tf_limit;

static struct frame frames[FAKE_FRAMES];

void fake_reset(void)
{
	fake_port_reset();
	fake_clock_reset();
	port_phys_bits = 40;
	port_l1tf_limit = 0;
	memset(frames, 0, sizeof(frames));
	memset(&heap, 0, sizeof(heap));
	frame_table = frames;
	frame_max = FAKE_FRAMES;
	frame_set_ram(MFN(1), MFN(FAKE_FRAMES), true);
	heap_add(MFN(1), MFN(FAKE_FRAMES));
	fake_tlb_flushed(~0ULL);
}

mfn_t port_m2p_extent(unsigned int i)
{
	return MFN(FAKE_FRAMES + 512ULL * i);
}

void port_flush_cache(bool all_cpus)
{
	(void)all_cpus;
}

unsigned int port_machine_e820(const struct e820_entry **map)
{
	static const struct e820_entry e820[] = {
		{ 0, 0x9f000, E820_RAM },
		{ 0xf0000, 0x10000, E820_RESERVED },
		{ 0x100000, FAKE_FRAMES * PAGE_SIZE - 0x100000, E820_RAM },
	};

	*map = e820;
	return ARRAY_SIZE(e820);
}

void fake_tlb_flushed(cpumask_t mask)
{
	unsigned int self = fake_cpu;

	for (mask &= port_cpus_online(); mask; mask &= mask - 1) {
		fake_cpu = (unsigned int)__builtin_ctzll(mask);
		tlbclock_cpu_busy();
	}
	fake_cpu = self;
}
