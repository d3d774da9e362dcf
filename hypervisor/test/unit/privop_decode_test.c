/*
 * privop_decode_test.c - instruction bytes to privileged operations.
 *
 * uses: x86/privop_decode.c
 */
#include "test/unit/test.h"
#include "x86/privop_decode.h"

#include <stdlib.h>
#include <string.h>

/* A literal of code bytes, decoded as 64-bit code. */
#define DECODE(op, code) privop_decode((const uint8_t *)(code),                \
				       sizeof(code) - 1, true, (op))

TEST(privop_in_and_out)
{
	struct privop op;

	CHECK(DECODE(&op, "\xe4\x42")); /* in $0x42,%al */
	CHECK(op.kind == PRIVOP_IN && op.bytes == 1 && !op.port_is_dx);
	CHECK(op.port == 0x42 && op.length == 2);
	CHECK(DECODE(&op, "\xe5\x42")); /* in $0x42,%eax */
	CHECK_EQ(op.bytes, 4);
	CHECK(DECODE(&op, "\x66\xe7\x80")); /* out %ax,$0x80 */
	CHECK(op.kind == PRIVOP_OUT && op.bytes == 2 && op.length == 3);
	CHECK(DECODE(&op, "\xec")); /* in (%dx),%al */
	CHECK(op.kind == PRIVOP_IN && op.port_is_dx && op.bytes == 1);
	CHECK(DECODE(&op, "\xed"));
	CHECK_EQ(op.bytes, 4);
	CHECK(DECODE(&op, "\x66\xef"));
	CHECK(op.kind == PRIVOP_OUT && op.bytes == 2);
	CHECK(DECODE(&op, "\x48\xee")); /* REX changes nothing */
	CHECK(op.kind == PRIVOP_OUT && op.bytes == 1 && op.length == 2);
	CHECK(!DECODE(&op, "\xe4"));
	CHECK(!DECODE(&op, "\x66"));
}

TEST(privop_string_forms)
{
	struct privop op;

	CHECK(DECODE(&op, "\xf3\x6d")); /* rep insl */
	CHECK(op.kind == PRIVOP_INS && op.rep && op.bytes == 4);
	CHECK(DECODE(&op, "\x66\xf3\x6d")); /* rep insw */
	CHECK(op.rep && op.bytes == 2 && op.length == 3);
	CHECK(DECODE(&op, "\xf2\x6e")); /* repne counts as rep here */
	CHECK(op.kind == PRIVOP_OUTS && op.rep && op.bytes == 1);
	CHECK(DECODE(&op, "\x64\x67\x6f"));
	CHECK(op.kind == PRIVOP_OUTS && !op.rep && op.addr32);
	CHECK_EQ(op.segment, SEGMENT_FS);
	CHECK(DECODE(&op, "\x65\x3e\x6f")); /* the last prefix counts */
	CHECK_EQ(op.segment, SEGMENT_DEFAULT);
	CHECK(!privop_decode((const uint8_t *)"\x6d", 1, false, &op));
}

TEST(privop_registers)
{
	struct privop op;

	CHECK(DECODE(&op, "\x0f\x20\xc0")); /* mov %cr0,%rax */
	CHECK(op.kind == PRIVOP_FROM_CR && op.number == 0 && op.reg == 0);
	CHECK(DECODE(&op, "\x41\x0f\x22\xe3")); /* mov %r11,%cr4 */
	CHECK(op.kind == PRIVOP_TO_CR && op.number == 4 && op.reg == 11);
	CHECK_EQ(op.length, 4);
	CHECK(DECODE(&op, "\x44\x0f\x20\xc1")); /* mov %cr8,%rcx */
	CHECK(op.number == 8 && op.reg == 1);
	CHECK(DECODE(&op, "\x0f\x21\xfa")); /* mov %dr7,%rdx */
	CHECK(op.kind == PRIVOP_FROM_DR && op.number == 7 && op.reg == 2);
	CHECK(DECODE(&op, "\x0f\x23\x07")); /* mod is ignored */
	CHECK(op.kind == PRIVOP_TO_DR && op.number == 0 && op.reg == 7);
	CHECK(!DECODE(&op, "\x0f\x20"));
	CHECK(!DECODE(&op, "\x0f"));
}

TEST(privop_plain_ones)
{
	static const struct {
		const char *code;
		size_t n;
		enum privop_kind kind;
	} all[] = {
		{ "\xfa", 1, PRIVOP_CLI },
		{ "\xfb", 1, PRIVOP_STI },
		{ "\x0f\x06", 2, PRIVOP_CLTS },
		{ "\x0f\x09", 2, PRIVOP_WBINVD },
		{ "\xf3\x0f\x09", 3, PRIVOP_WBINVD },
		{ "\x0f\x30", 2, PRIVOP_WRMSR },
		{ "\x0f\x31", 2, PRIVOP_RDTSC },
		{ "\x0f\x32", 2, PRIVOP_RDMSR },
		{ "\x0f\x01\xd1", 3, PRIVOP_XSETBV },
		{ "\x0f\xa2", 2, PRIVOP_CPUID },
	};
	struct privop op;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		CHECK(privop_decode((const uint8_t *)all[i].code, all[i].n,
				    true, &op));
		CHECK(op.kind == all[i].kind);
		CHECK_EQ(op.length, all[i].n);
	}
	CHECK(DECODE(&op, "\xcd\x80"));
	CHECK(op.kind == PRIVOP_INT && op.number == 0x80);
}

TEST(privop_refuses_the_rest)
{
	struct privop op;

	CHECK(!DECODE(&op, "\xf4"));		 /* hlt */
	CHECK(!DECODE(&op, "\x0f\x01\x38"));	 /* invlpg */
	CHECK(!DECODE(&op, "\x0f\x01\x10"));	 /* lgdt */
	CHECK(!DECODE(&op, "\x0f\x33"));	 /* rdpmc */
	CHECK(!DECODE(&op, "\x0f\x08"));	 /* invd */
	CHECK(!DECODE(&op, "\xf0\xfa"));	 /* lock cli: #UD really */
	CHECK(!DECODE(&op, "\x48\x66\xfa"));	 /* prefix after REX */
	CHECK(!DECODE(&op, "\x0f\x01\xf8"));	 /* swapgs */
	CHECK(!DECODE(&op, "\x90"));
	CHECK(!privop_decode(NULL, 0, true, &op));
}

/* 32-bit code has no REX: 0x48 is an instruction of its own. */
TEST(privop_code32)
{
	struct privop op;

	CHECK(!privop_decode((const uint8_t *)"\x48\xee", 2, false, &op));
	CHECK(privop_decode((const uint8_t *)"\xee", 1, false, &op));
}

/* Never longer than an instruction may be, never beyond its bytes. */
TEST(privop_any_three_bytes)
{
	uint8_t *code = malloc(3);
	unsigned int a, b, c, n;
	struct privop op;

	for (a = 0; a < 256; a++) {
		for (b = 0; b < 256; b++) {
			for (c = 0; c < 256; c += 5) {
				code[0] = (uint8_t)a;
				code[1] = (uint8_t)b;
				code[2] = (uint8_t)c;
				if (privop_decode(code, 3, true, &op)) {
					CHECK(op.length >= 1);
					CHECK(op.length <= 3);
				}
			}
		}
	}
	free(code);
	code = malloc(20);
	memset(code, 0x66, 20);
	for (n = 0; n < 20; n++) {
		CHECK(!privop_decode(code, n, true, &op));
	}
	code[15] = 0xec; /* the 16th byte is too late */
	CHECK(!privop_decode(code, 16, true, &op));
	free(code);
}
