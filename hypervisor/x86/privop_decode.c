/* privop_decode.c - see privop_decode.h. */
#include "x86/privop_decode.h"
#include "lib/string.h"

struct reader {
	const uint8_t *code;
	size_t at, n;
	bool data16, addr_toggled, rep, repne;
	uint8_t rex;
	uint8_t segment;
};

#define REX_R 0x4
#define REX_B 0x1

/* Next byte; -1 when there is none. */
static int next(struct reader *r)
{
	return r->at < r->n ? r->code[r->at++] : -1;
}

/* Reads prefixes, returns the first opcode byte or -1. */
static int prefixes(struct reader *r, bool code64)
{
	int b;

	for (;;) {
		b = next(r);
		switch (b) {
		case 0x66:
			r->data16 = true;
			break;
		case 0x67:
			r->addr_toggled = true;
			break;
		case 0xf3:
			r->rep = true;
			break;
		case 0xf2:
			r->repne = true;
			break;
		case 0x64:
			r->segment = SEGMENT_FS;
			break;
		case 0x65:
			r->segment = SEGMENT_GS;
			break;
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
			r->segment = SEGMENT_DEFAULT;
			break;
		default:
			if (code64 && b >= 0x40 && b <= 0x4f) {
				/* counts only right before the opcode */
				r->rex = (uint8_t)b;
				return next(r);
			}
			return b;
		}
	}
}

static bool string_io(struct reader *r, struct privop *op, bool code64)
{
	op->rep = r->rep || r->repne;
	op->addr32 = r->addr_toggled;
	op->port_is_dx = true;
	/* 32-bit code may have segments that are not flat: not emulated */
	return code64;
}

/* MOV to or from a control or debug register: mod is ignored. */
static bool special_register(struct reader *r, struct privop *op)
{
	int modrm = next(r);

	if (modrm < 0) {
		return false;
	}
	op->number = (uint8_t)(((modrm >> 3) & 7) | (r->rex & REX_R ? 8 : 0));
	op->reg = (uint8_t)((modrm & 7) | (r->rex & REX_B ? 8 : 0));
	return true;
}

static bool two_byte(struct reader *r, struct privop *op)
{
	int b = next(r);

	switch (b) {
	case 0x01:
		op->kind = PRIVOP_XSETBV;
		return next(r) == 0xd1;
	case 0x06:
		op->kind = PRIVOP_CLTS;
		return true;
	case 0x09: /* with F3: WBNOINVD */
		op->kind = PRIVOP_WBINVD;
		return true;
	case 0x20:
		op->kind = PRIVOP_FROM_CR;
		return special_register(r, op);
	case 0x21:
		op->kind = PRIVOP_FROM_DR;
		return special_register(r, op);
	case 0x22:
		op->kind = PRIVOP_TO_CR;
		return special_register(r, op);
	case 0x23:
		op->kind = PRIVOP_TO_DR;
		return special_register(r, op);
	case 0x30:
		op->kind = PRIVOP_WRMSR;
		return true;
	case 0x31:
		op->kind = PRIVOP_RDTSC;
		return true;
	case 0x32:
		op->kind = PRIVOP_RDMSR;
		return true;
	case 0xa2:
		op->kind = PRIVOP_CPUID;
		return true;
	default:
		return false;
	}
}

static bool one_byte(struct reader *r, struct privop *op, int b, bool code64)
{
	int imm;

	op->bytes = b & 1 ? (r->data16 ? 2 : 4) : 1;
	switch (b) {
	case 0x6c:
	case 0x6d:
		op->kind = PRIVOP_INS;
		return string_io(r, op, code64);
	case 0x6e:
	case 0x6f:
		op->kind = PRIVOP_OUTS;
		return string_io(r, op, code64);
	case 0xe4:
	case 0xe5:
	case 0xe6:
	case 0xe7:
		op->kind = b < 0xe6 ? PRIVOP_IN : PRIVOP_OUT;
		imm = next(r);
		op->port = (uint16_t)imm;
		return imm >= 0;
	case 0xec:
	case 0xed:
	case 0xee:
	case 0xef:
		op->kind = b < 0xee ? PRIVOP_IN : PRIVOP_OUT;
		op->port_is_dx = true;
		return true;
	case 0xcd:
		op->kind = PRIVOP_INT;
		imm = next(r);
		op->number = (uint8_t)imm;
		return imm >= 0;
	case 0xfa:
		op->kind = PRIVOP_CLI;
		return true;
	case 0xfb:
		op->kind = PRIVOP_STI;
		return true;
	default:
		return false;
	}
}

bool privop_decode(const uint8_t *code, size_t n, bool code64,
		   struct privop *op)
{
	struct reader r = {
		.code = code,
		.n = MIN(n, (size_t)PRIVOP_MAX_LENGTH),
	};
	bool known;
	int b;

	memset(op, 0, sizeof(*op));
	b = prefixes(&r, code64);
	known = b == 0x0f ? two_byte(&r, op) : one_byte(&r, op, b, code64);
	op->segment = r.segment;
	op->length = (uint8_t)r.at;
	return known;
}
