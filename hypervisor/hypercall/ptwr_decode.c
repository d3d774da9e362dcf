/*
 * ptwr_decode.c - see ptwr_decode.h; encodings: SDM vol. 2.  Forms that Linux
 * was seen to use come first: XCHG (87), LOCK AND imm8 (83 /4), MOV (89).
 */
#include "hypercall/ptwr_decode.h"
#include "include/compiler.h"
#include "lib/string.h"

/*
 * The code is copied into a buffer that is longer than anything that can be
 * read after the last prefix (15 + opcode, ModRM, SIB, displacement and
 * immediate), so only the sum is compared with what there was.
 */
#define BUFFER 32

struct cursor {
	uint8_t p[BUFFER];
	unsigned int at;
	uint8_t rex;
};

static inline uint8_t next(struct cursor *c)
{
	return c->p[c->at++];
}

static uint64_t next_imm(struct cursor *c, unsigned int bytes)
{
	uint64_t v = 0;
	unsigned int i;

	for (i = 0; i < bytes; i++) {
		v |= (uint64_t)next(c) << (8 * i);
	}
	/* Sign extend. */
	return (uint64_t)((int64_t)(v << (64 - 8 * bytes)) >>
			  (64 - 8 * bytes));
}

static inline bool is_prefix(uint8_t b)
{
	return b == 0xf0 || (b & 0xe7) == 0x26 || b == 0x64 || b == 0x65;
}

/*
 * Prefixes: LOCK is implied by us, a segment's base was already added by the
 * CPU.  16-bit operands and REP are none of ours.
 */
static uint8_t skip_prefixes(struct cursor *c)
{
	uint8_t b = next(c);

	while (is_prefix(b) && c->at < PTWR_INSN_MAX) {
		b = next(c);
	}
	if ((b & 0xf0) == 0x40) {
		c->rex = b;
		b = next(c);
	}
	return b;
}

/* ModRM and what follows it; the /r field, or -1 for a register operand. */
static int skip_modrm(struct cursor *c)
{
	uint8_t modrm = next(c), mod = modrm >> 6, rm = modrm & 7, sib;

	if (mod == 3) {
		return -1;
	}
	if (rm == 4) {
		sib = next(c);
		if (mod == 0 && (sib & 7) == 5) {
			(void)next_imm(c, 4);
		}
	} else if (mod == 0 && rm == 5) {
		(void)next_imm(c, 4);
	}
	if (mod == 1) {
		(void)next(c);
	} else if (mod == 2) {
		(void)next_imm(c, 4);
	}
	return (modrm >> 3) & 7;
}

static bool set_imm(struct cursor *c, struct ptwr_insn *insn,
		    enum ptwr_kind kind, unsigned int bytes)
{
	insn->kind = (uint8_t)kind;
	insn->has_imm = true;
	insn->imm = next_imm(c, bytes);
	return true;
}

static bool set_reg(const struct cursor *c, struct ptwr_insn *insn,
		    enum ptwr_kind kind, int reg)
{
	insn->kind = (uint8_t)kind;
	if (insn->size == 1 && !c->rex && reg >= 4) {
		insn->high_byte = true;
		insn->reg = (uint8_t)(reg - 4);
	} else {
		insn->reg = (uint8_t)(reg | (c->rex & 4 ? 8 : 0));
	}
	return true;
}

/* 80, 81, 83: an immediate, the operation in the /r field. */
static bool decode_group1(struct cursor *c, struct ptwr_insn *insn, int reg,
			  unsigned int bytes)
{
	switch (reg) {
	case 1:
		return set_imm(c, insn, PTWR_OR, bytes);
	case 4:
		return set_imm(c, insn, PTWR_AND, bytes);
	case 6:
		return set_imm(c, insn, PTWR_XOR, bytes);
	default:
		return false;
	}
}

static bool decode_one_byte(struct cursor *c, struct ptwr_insn *insn,
			    uint8_t op)
{
	int reg = skip_modrm(c);

	if (reg < 0) {
		return false;
	}
	switch (op | 1) {
	case 0x87:
		return set_reg(c, insn, PTWR_XCHG, reg);
	case 0x89:
		return set_reg(c, insn, PTWR_MOV, reg);
	case 0x09:
		return set_reg(c, insn, PTWR_OR, reg);
	case 0x21:
		return set_reg(c, insn, PTWR_AND, reg);
	case 0x31:
		return set_reg(c, insn, PTWR_XOR, reg);
	case 0xc7:
		return reg == 0 && set_imm(c, insn, PTWR_MOV,
					   op == 0xc6 ? 1 : 4);
	case 0x81:
		return decode_group1(c, insn, reg, op == 0x80 ? 1 : 4);
	case 0x83:
		return op == 0x83 && decode_group1(c, insn, reg, 1);
	default:
		return false;
	}
}

static bool decode_two_byte(struct cursor *c, struct ptwr_insn *insn,
			    uint8_t op)
{
	static const uint8_t bit_op[] = { PTWR_BTS, PTWR_BTR, PTWR_BTC };
	int reg = skip_modrm(c);

	if (reg < 0) {
		return false;
	}
	switch (op) {
	case 0xab:
		return set_reg(c, insn, PTWR_BTS, reg);
	case 0xb3:
		return set_reg(c, insn, PTWR_BTR, reg);
	case 0xbb:
		return set_reg(c, insn, PTWR_BTC, reg);
	case 0xba:
		return reg >= 5 &&
		       set_imm(c, insn, (enum ptwr_kind)bit_op[reg - 5], 1);
	case 0xb0:
	case 0xb1:
		return set_reg(c, insn, PTWR_CMPXCHG, reg);
	case 0xc7:
		if (reg != 1 || (c->rex & 8)) { /* not CMPXCHG16B */
			return false;
		}
		insn->kind = PTWR_CMPXCHG8B;
		insn->size = 8;
		return true;
	default:
		return false;
	}
}

bool ptwr_decode(const uint8_t *code, size_t n, struct ptwr_insn *insn)
{
	struct cursor c;
	uint8_t op;
	bool two, ok, byte;

	n = MIN(n, (size_t)PTWR_INSN_MAX);
	memset(c.p, 0, sizeof(c.p));
	if (likely(n == PTWR_INSN_MAX)) {
		memcpy(c.p, code, PTWR_INSN_MAX);
	} else {
		memcpy(c.p, code, n);
	}
	c.at = 0;
	c.rex = 0;
	*insn = (struct ptwr_insn){ 0 };
	op = skip_prefixes(&c);
	two = op == 0x0f;
	if (two) {
		op = next(&c);
	}
	byte = two ? op == 0xb0 : !(op & 1);
	insn->size = byte ? 1 : c.rex & 8 ? 8 : 4;
	ok = two ? decode_two_byte(&c, insn, op) :
		   decode_one_byte(&c, insn, op);
	insn->length = (uint8_t)c.at;
	return ok && c.at <= n;
}
