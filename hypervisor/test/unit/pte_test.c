/* pte_test.c - which entries a guest may have, bit by bit. */
#include "test/unit/test.h"
#include "core/pte.h"
#include "core/segdesc.h"

#define P  PTE_PRESENT
#define AT(mfn) ((uint64_t)(mfn) << PAGE_SHIFT)

/* Allowed for a present entry of this level, each bit on its own. */
static bool bit_ok(unsigned int level, unsigned int bit, bool privileged)
{
	return pte_allowed(level, pte_adjust(AT(5) | P | (1ULL << bit)),
			   privileged);
}

TEST(pte_every_bit_of_every_level)
{
	unsigned int level, bit;
	bool want;

	for (level = 1; level <= 4; level++) {
		for (bit = 0; bit < 64; bit++) {
			want = !(bit >= 40 && bit < 52); /* address limit */
			if (bit == 7 && level > 1) {
				want = false; /* large page */
			}
			CHECK_EQ(bit_ok(level, bit, true), want);
			if (level == 1 && (bit == 3 || bit == 4 || bit == 7)) {
				want = false; /* caching */
			}
			CHECK_EQ(bit_ok(level, bit, false), want);
		}
	}
}

TEST(pte_present_entries_are_user_and_never_global)
{
	CHECK_EQ(pte_adjust(AT(9) | P | PTE_GLOBAL), AT(9) | P | PTE_USER);
	CHECK_EQ(pte_adjust(AT(9) | PTE_GLOBAL), AT(9) | PTE_GLOBAL);
	CHECK_EQ(pte_adjust(0), 0);
}

TEST(pte_l1tf)
{
	/* Without the bug a non-present entry is the guest's notebook. */
	CHECK(pte_allowed(1, AT(77) | PTE_WRITE, false));
	port_l1tf_limit = 1ULL << 38;
	CHECK(!pte_allowed(1, AT(77) | PTE_WRITE, false));
	CHECK(!pte_allowed(2, AT(77), false));
	CHECK(pte_allowed(1, AT(77), true));
	CHECK(pte_allowed(1, PTE_WRITE | 0xff8, false));
	/* What Linux stores for swap and PROT_NONE: all ones above. */
	CHECK(pte_allowed(1, ~AT(77) & PTE_FRAME, false));
	CHECK(pte_allowed(1, 1ULL << 38, false));
	CHECK(!pte_allowed(1, (1ULL << 38) - PAGE_SIZE, false));
}

TEST(pte_hole_slots)
{
	unsigned int slot, guest = 0;

	for (slot = 0; slot < PT_ENTRIES; slot++) {
		CHECK(pte_slot_is_guests(3, slot));
		guest += pte_slot_is_guests(4, slot);
	}
	CHECK_EQ(guest, 496);
	CHECK(pte_slot_is_guests(4, 255) && !pte_slot_is_guests(4, 256));
	CHECK(!pte_slot_is_guests(4, 271) && pte_slot_is_guests(4, 272));
}

TEST(segdesc_only_ring_3_code_and_data)
{
	/* type field, 5 bits with S; present, DPL 3 */
	unsigned int type;

	for (type = 0; type < 32; type++) {
		uint64_t d = ((uint64_t)type << 40) | (7ULL << 45);

		CHECK_EQ(segdesc_valid(d), type >= 16);
		CHECK_EQ(segdesc_valid(d & ~(1ULL << 47)), true);
		/* Other privilege levels are not taken as they are. */
		CHECK(!segdesc_valid(d & ~(1ULL << 45)));
		CHECK_EQ(segdesc_valid(segdesc_adjust(d & ~(3ULL << 45))),
			 type >= 16);
	}
	CHECK(segdesc_valid(0));
	CHECK(segdesc_valid(0x00affb000000ffffULL));
	CHECK(!segdesc_valid(0x00effb000000ffffULL)); /* L and D */
	CHECK(!segdesc_valid(0x0000ec0000000000ULL)); /* a call gate */
}
