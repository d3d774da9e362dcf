/* buddy_test.c - the heap against a shadow of who has which frame. */
#include "test/unit/test.h"
#include "core/buddy.h"
#include "core/frame.h"
#include "core/tlbclock.h"

#include <stdlib.h>
#include <string.h>

#define ALL (FAKE_FRAMES - 1) /* frame 0 is nobody's */

static uint8_t taken[FAKE_FRAMES];

/* Mark a block; false if any of it was taken already. */
static bool shadow_take(mfn_t m, unsigned int order)
{
	uint64_t i;

	for (i = 0; i < 1ULL << order; i++) {
		if (taken[m.v + i]++) {
			return false;
		}
	}
	return true;
}

static void shadow_free(mfn_t m, unsigned int order)
{
	memset(&taken[m.v], 0, 1ULL << order);
}

TEST(heap_starts_with_all_of_ram)
{
	CHECK_EQ(heap_free_frames(), ALL);
	CHECK_EQ(heap_total_frames(), ALL);
	heap_audit();
}

TEST(heap_random_blocks_never_overlap_and_merge_again)
{
	static struct {
		mfn_t m;
		unsigned int order;
	} live[512];
	unsigned int n = 0, step, i, order;
	mfn_t m;

	memset(taken, 0, sizeof(taken));
	srand(1);
	for (step = 0; step < 20000; step++) {
		if (n < 512 && (rand() & 1)) {
			order = (unsigned int)rand() % 8;
			m = heap_alloc(order, 0);
			if (mfn_eq(m, MFN_NONE)) {
				continue;
			}
			CHECK_EQ(m.v & ((1U << order) - 1), 0);
			CHECK(m.v > 0 && m.v + (1ULL << order) <= FAKE_FRAMES);
			CHECK(shadow_take(m, order));
			live[n].m = m;
			live[n++].order = order;
		} else if (n) {
			i = (unsigned int)rand() % n;
			shadow_free(live[i].m, live[i].order);
			heap_free(live[i].m, live[i].order);
			live[i] = live[--n];
		}
		if (step % 500 == 0) {
			heap_audit();
		}
	}
	while (n--) {
		heap_free(live[n].m, live[n].order);
	}
	heap_audit();
	CHECK_EQ(heap_free_frames(), ALL);
	/* All in as few blocks as at the start: the top half in one. */
	CHECK(!mfn_eq(heap_alloc(13, 0), MFN_NONE));
}

TEST(heap_gives_every_frame_then_none)
{
	uint64_t n = 0;

	memset(taken, 0, sizeof(taken));
	for (;;) {
		mfn_t m = heap_alloc(0, 0);

		if (mfn_eq(m, MFN_NONE)) {
			break;
		}
		CHECK(shadow_take(m, 0));
		n++;
	}
	CHECK_EQ(n, ALL);
	CHECK_EQ(heap_free_frames(), 0);
}

TEST(heap_respects_address_bits)
{
	uint64_t n = 0;
	mfn_t m;

	/* 24 bits: 16 MiB, frames 1..4095. */
	while (!mfn_eq(m = heap_alloc(0, HEAP_BITS(24)), MFN_NONE)) {
		CHECK(m.v < 4096);
		n++;
	}
	CHECK_EQ(n, 4095);
	CHECK(mfn_eq(heap_alloc(0, HEAP_BITS(12)), MFN_NONE));
	CHECK(mfn_eq(heap_alloc(0, HEAP_BITS(1)), MFN_NONE));
	CHECK(!mfn_eq(heap_alloc(0, HEAP_BELOW_4G), MFN_NONE));
	CHECK(!mfn_eq(heap_alloc(0, HEAP_BITS(255)), MFN_NONE));
}

TEST(heap_prefers_high_memory)
{
	mfn_t m = heap_alloc(3, 0);

	CHECK(m.v >= FAKE_FRAMES / 2);
}

TEST(heap_refuses_silly_orders)
{
	CHECK(mfn_eq(heap_alloc(HEAP_ORDER_MAX + 1, 0), MFN_NONE));
	CHECK(mfn_eq(heap_alloc(HEAP_ORDER_MAX, 0), MFN_NONE));
}

TEST(heap_flushes_only_cpus_that_may_be_stale)
{
	mfn_t m = heap_alloc(0, 0);

	CHECK_EQ(fake_flush_count, 0);
	fake_tlb_flushed(0xf);
	frame_of(m)->stamp = tlbclock_now();
	fake_tlb_flushed(0x6);
	heap_free(m, 0);
	/* Whoever gets any part of the merged block waits for 0 and 3. */
	CHECK(!mfn_eq(heap_alloc(13, 0), MFN_NONE));
	CHECK_EQ(fake_flush_count, 1);
	CHECK_EQ(fake_flush[0].mask, 0x9);
	CHECK_EQ(fake_flush[0].flags, FLUSH_TLB);
}

TEST(heap_stamp_survives_a_split)
{
	mfn_t m = heap_alloc(0, 0);

	frame_of(m)->stamp = tlbclock_now();
	heap_free(m, 0);
	fake_flush_count = 0;
	CHECK(!mfn_eq(heap_alloc(0, 0), MFN_NONE));
	CHECK_EQ(fake_flush_count, 1);
	/* The flush served the whole block. */
	CHECK(!mfn_eq(heap_alloc(0, 0), MFN_NONE));
	CHECK_EQ(fake_flush_count, 1);
}

TEST(tlbclock_flush_makes_a_stamp_harmless)
{
	uint64_t stamp = tlbclock_now();

	CHECK_EQ(tlbclock_stale_cpus(stamp), 0xf);
	fake_tlb_flushed(0x1);
	CHECK_EQ(tlbclock_stale_cpus(stamp), 0xe);
	tlbclock_flush_since(stamp);
	CHECK_EQ(fake_flush[0].mask, 0xe);
	CHECK_EQ(tlbclock_stale_cpus(stamp), 0);
	tlbclock_flush_since(stamp);
	CHECK_EQ(fake_flush_count, 1);
	CHECK_EQ(tlbclock_stale_cpus(0), 0);
	/* A use that ends after the flush is stale again. */
	CHECK_EQ(tlbclock_stale_cpus(tlbclock_now()), 0xf);
}

TEST(heap_scrubs_what_is_freed)
{
	uint8_t *p = heap_alloc_page();
	mfn_t m = ptr_mfn(p);

	memset(p, 0xaa, PAGE_SIZE);
	heap_free_page(p);
	CHECK_EQ(*(uint8_t *)frame_ptr(m), 0);
	CHECK_EQ(((uint8_t *)frame_ptr(m))[PAGE_SIZE - 1], 0);
}

TEST(tlbclock_leaves_idle_cpus_alone)
{
	uint64_t stamp = tlbclock_now();

	fake_cpu = 2;
	tlbclock_cpu_idle();
	tlbclock_cpu_flushed(); /* a flush request does not wake it */
	fake_cpu = 0;
	CHECK_EQ(tlbclock_stale_cpus(stamp), 0xb);
	CHECK_EQ(tlbclock_stale_cpus(tlbclock_now()), 0xb);
	fake_cpu = 2;
	tlbclock_cpu_busy();
	fake_cpu = 0;
	CHECK_EQ(tlbclock_stale_cpus(stamp), 0xb);
	CHECK_EQ(tlbclock_stale_cpus(tlbclock_now()), 0xf);
}
