/*
 * ptwr_decode.h - the few instructions with which guests write page tables.
 *
 * Pure: bytes in, a description out.  The operand's address is not computed;
 * the page fault told it.
 */
#ifndef HYPERCALL_PTWR_DECODE_H
#define HYPERCALL_PTWR_DECODE_H

#include "include/types.h"

enum ptwr_kind {
	PTWR_MOV,  /* memory = operand */
	PTWR_XCHG, /* memory <-> register */
	PTWR_AND,
	PTWR_OR,
	PTWR_XOR,
	PTWR_BTS, /* bit `operand` of memory */
	PTWR_BTR,
	PTWR_BTC,
	PTWR_CMPXCHG,	/* memory == rax ? register : into rax */
	PTWR_CMPXCHG8B, /* memory == edx:eax ? ecx:ebx : into edx:eax */
};

struct ptwr_insn {
	uint8_t kind;	/* enum ptwr_kind */
	uint8_t length; /* bytes */
	uint8_t size;	/* of the memory operand: 1, 4, 8 */
	uint8_t reg;	/* register operand, 0..15; see high_byte */
	bool high_byte; /* ah, ch, dh or bh rather than the register's low */
	bool has_imm;	/* operand is imm, not the register */
	uint64_t imm;	/* sign extended */
};

#define PTWR_INSN_MAX 15

/*
 * Decode 64-bit code.  False: not one of these, or cut off at n (never reads
 * beyond).
 */
bool ptwr_decode(const uint8_t *code, size_t n, struct ptwr_insn *insn);

/*
 * The usual ones at once: XCHG and MOV of 64 bits between a register and a
 * plain memory operand.  Its length, or 0: something else, or the same in
 * another form.  Reads three bytes.
 */
static inline unsigned int ptwr_decode_usual(const uint8_t *p, bool *xchg,
					     unsigned int *reg)
{
	/* REX.W, opcode, ModRM, displacement, by mod */
	static const uint8_t length[4] = { 3, 4, 7, 0 };
	unsigned int mod = p[2] >> 6, rm = p[2] & 7;

	if ((p[0] & 0xf8) != 0x48 || (p[1] != 0x87 && p[1] != 0x89) ||
	    rm == 4 || (mod == 0 && rm == 5)) {
		return 0;
	}
	*xchg = p[1] == 0x87;
	*reg = ((p[2] >> 3) & 7) | (p[0] & 4 ? 8 : 0);
	return length[mod];
}

#endif
