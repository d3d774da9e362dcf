/*
 * ptwr_test.c - writes to page tables by instruction: the decoder against
 * cut-off code, and the emulation against this machine's own CPU, which
 * executes the same bytes on ordinary memory.
 */
#include "test/unit/mm.h"
#include "hypercall/ptwr_decode.h"
#include "include/upcall.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* --- decoder --------------------------------------------------------------- */

/* What the decoder must say of some code with (%rdi) as memory operand. */
static const struct {
	const char *code;
	uint8_t length, kind, size, reg;
	bool high_byte, has_imm;
	uint64_t imm;
} known[] = {
	{ "\x48\x87\x07", 3, PTWR_XCHG, 8, 0, 0, 0, 0 },
	{ "\x4c\x87\x3f", 3, PTWR_XCHG, 8, 15, 0, 0, 0 },
	{ "\x87\x1f", 2, PTWR_XCHG, 4, 3, 0, 0, 0 },
	{ "\x86\x27", 2, PTWR_XCHG, 1, 0, 1, 0, 0 }, /* ah */
	{ "\x40\x86\x27", 3, PTWR_XCHG, 1, 4, 0, 0, 0 }, /* spl */
	{ "\xf0\x48\x83\x27\xfd", 5, PTWR_AND, 8, 0, 0, 1, ~2ULL },
	{ "\xf0\x80\x27\xfd", 4, PTWR_AND, 1, 0, 0, 1, ~2ULL },
	{ "\x48\x81\x0f\x78\x56\x34\x82", 7, PTWR_OR, 8, 0, 0, 1,
	  0xffffffff82345678ULL },
	{ "\x48\x89\x07", 3, PTWR_MOV, 8, 0, 0, 0, 0 },
	{ "\x48\x89\x04\x25\x00\x10\x00\x00", 8, PTWR_MOV, 8, 0, 0, 0, 0 },
	{ "\x48\x89\x44\x8f\x10", 5, PTWR_MOV, 8, 0, 0, 0, 0 },
	{ "\x48\x89\x05\x00\x10\x00\x00", 7, PTWR_MOV, 8, 0, 0, 0, 0 },
	{ "\x49\x89\x84\x24\x00\x10\x00\x00", 8, PTWR_MOV, 8, 0, 0, 0, 0 },
	{ "\x65\x48\x89\x07", 4, PTWR_MOV, 8, 0, 0, 0, 0 },
	{ "\x48\xc7\x07\x00\x00\x00\x00", 7, PTWR_MOV, 8, 0, 0, 1, 0 },
	{ "\xc6\x07\x80", 3, PTWR_MOV, 1, 0, 0, 1, ~0x7fULL },
	{ "\xf0\x48\x0f\xba\x37\x01", 6, PTWR_BTR, 8, 0, 0, 1, 1 },
	{ "\xf0\x48\x0f\xb3\x07", 5, PTWR_BTR, 8, 0, 0, 0, 0 },
	{ "\xf0\x48\x0f\xb1\x0f", 5, PTWR_CMPXCHG, 8, 1, 0, 0, 0 },
	{ "\xf0\x0f\xc7\x0f", 4, PTWR_CMPXCHG8B, 8, 0, 0, 0, 0 },
};

TEST(ptwr_decodes_what_linux_uses)
{
	struct ptwr_insn insn;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		CHECK(ptwr_decode((const uint8_t *)known[i].code,
				  known[i].length, &insn));
		CHECK_EQ(insn.length, known[i].length);
		CHECK_EQ(insn.kind, known[i].kind);
		CHECK_EQ(insn.size, known[i].size);
		CHECK_EQ(insn.reg, known[i].reg);
		CHECK_EQ(insn.high_byte, known[i].high_byte);
		CHECK_EQ(insn.has_imm, known[i].has_imm);
		CHECK_EQ(insn.imm, known[i].imm);
	}
}

/* Exactly n bytes at the end of an allocation: ASan sees one more. */
static bool decode_exact(const uint8_t *code, size_t n, struct ptwr_insn *insn)
{
	uint8_t *p = malloc(n ? n : 1);
	bool ok;

	memcpy(p, code, n);
	ok = ptwr_decode(p, n, insn);
	free(p);
	return ok;
}

/* The short decoder says what the long one says, or nothing. */
TEST(ptwr_usual_decoder_agrees)
{
	uint8_t code[16] = { 0 };
	struct ptwr_insn insn;
	unsigned int i, length, reg, usual = 0;
	bool xchg;

	for (i = 0; i < 1U << 24; i++) {
		code[0] = (uint8_t)(i >> 16);
		code[1] = (uint8_t)(i >> 8);
		code[2] = (uint8_t)i;
		length = ptwr_decode_usual(code, &xchg, &reg);
		if (!length) {
			continue;
		}
		usual++;
		CHECK(ptwr_decode(code, sizeof(code), &insn));
		CHECK_EQ(insn.length, length);
		CHECK_EQ(insn.kind, xchg ? PTWR_XCHG : PTWR_MOV);
		CHECK_EQ(insn.size, 8);
		CHECK_EQ(insn.reg, reg);
		CHECK(!insn.has_imm && !insn.high_byte);
	}
	/* REX.W with 8 choices of RXB, two opcodes, 20 operands of 8 /r. */
	CHECK_EQ(usual, 8 * 2 * 8 * 20);
}

TEST(ptwr_decoder_refuses_cut_off_code)
{
	struct ptwr_insn insn;
	unsigned int i;
	size_t n;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		for (n = 0; n < known[i].length; n++) {
			CHECK(!decode_exact((const uint8_t *)known[i].code, n,
					    &insn));
		}
	}
}

TEST(ptwr_decoder_refuses_everything_else)
{
	static const uint8_t no[][PTWR_INSN_MAX] = {
		{ 0x66, 0x89, 0x07 },		  /* 16 bits */
		{ 0x48, 0x89, 0xc7 },		  /* a register */
		{ 0x48, 0x01, 0x07 },		  /* ADD */
		{ 0xf3, 0x48, 0xab },		  /* REP STOS */
		{ 0x48, 0x0f, 0xc7, 0x0f },	  /* CMPXCHG16B */
		{ 0x48, 0x0f, 0xba, 0x27, 0x01 }, /* BT */
		{ 0x48, 0xc7, 0x0f },		  /* C7 /1 */
		{ 0x82, 0x0f, 0x01 },		  /* not in 64-bit mode */
		{ 0x90 },
		{ 0x0f, 0x05 },
	};
	struct ptwr_insn insn;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(no); i++) {
		CHECK(!ptwr_decode(no[i], sizeof(no[i]), &insn));
	}
}

TEST(ptwr_decoder_random_code)
{
	uint8_t code[24];
	struct ptwr_insn insn;
	unsigned int i, k;
	size_t n;

	srand(4);
	for (i = 0; i < 300000; i++) {
		n = (size_t)rand() % 20;
		for (k = 0; k < n; k++) {
			code[k] = (uint8_t)rand();
		}
		if (decode_exact(code, n, &insn)) {
			CHECK(insn.length >= 2 && insn.length <= n);
			CHECK(insn.length <= PTWR_INSN_MAX);
			CHECK(insn.reg < 16);
			CHECK(insn.size == 1 || insn.size == 4 ||
			      insn.size == 8);
		}
	}
}

/* --- emulation ------------------------------------------------------------- */

static struct mm_domain A;
static struct mm_space s;

/* Where the guest has its L1 table mapped read-only: at 1 MiB - 4 KiB. */
#define TABLE_VA 0xff000ULL
#define CODE_OFF 0x100

static void setup(void)
{
	mm_domain_init(&A, 1);
	mm_space_build(&A.d, &s);
	*mm_entry(s.l1, TABLE_VA >> PAGE_SHIFT) = pte(s.l1, RO);
	CHECK_EQ(ptype_get_frame(s.l4, FT_L4, &A.d), 0);
	A.v.pv.cr3 = s.l4;
	A.v.regs.rip = fake_gva(CODE_OFF).v;
}

/* Registers that the generated code loads and stores. */
struct machine {
	uint64_t rax, rbx, rcx, rdx, rsi, flags, mem;
};

typedef void native_fn(struct machine *m, uint64_t *mem);

/*
 * Code: load registers from *rdi (kept in r8), put the operand's address
 * into rdi, set flags, the instruction, store everything.
 */
static native_fn *native_build(uint8_t *page, const uint8_t *insn, size_t n)
{
	static const uint8_t before[] = {
		0x53,				/* push %rbx */
		0x49, 0x89, 0xf8,		/* mov %rdi, %r8 */
		0x48, 0x89, 0xf7,		/* mov %rsi, %rdi */
		0x41, 0xff, 0x70, 0x28,		/* push 40(%r8) */
		0x9d,				/* popf */
		0x49, 0x8b, 0x00,		/* mov (%r8), %rax */
		0x49, 0x8b, 0x58, 0x08,		/* mov 8(%r8), %rbx */
		0x49, 0x8b, 0x48, 0x10,		/* mov 16(%r8), %rcx */
		0x49, 0x8b, 0x50, 0x18,		/* mov 24(%r8), %rdx */
		0x49, 0x8b, 0x70, 0x20,		/* mov 32(%r8), %rsi */
	};
	static const uint8_t after[] = {
		0x9c,				/* pushf */
		0x41, 0x8f, 0x40, 0x28,		/* pop 40(%r8) */
		0x49, 0x89, 0x00,		/* mov %rax, (%r8) */
		0x49, 0x89, 0x58, 0x08,		/* mov %rbx, 8(%r8) */
		0x49, 0x89, 0x48, 0x10,		/* mov %rcx, 16(%r8) */
		0x49, 0x89, 0x50, 0x18,		/* mov %rdx, 24(%r8) */
		0x49, 0x89, 0x70, 0x20,		/* mov %rsi, 32(%r8) */
		0x5b, 0xc3,			/* pop %rbx; ret */
	};

	memcpy(page, before, sizeof(before));
	memcpy(page + sizeof(before), insn, n);
	memcpy(page + sizeof(before) + n, after, sizeof(after));
	return (native_fn *)(uintptr_t)page;
}

/* Non-present entries hold anything, so all bits but P take part. */
static uint64_t random_value(void)
{
	uint64_t v = (uint64_t)rand() << 40 ^ (uint64_t)rand() << 20 ^
		     (uint64_t)rand();

	return rand() % 8 ? v & ~1ULL : 0;
}

#define ARITH 0x8d5u

static void compare(const uint8_t *insn, size_t n, native_fn *native,
		    unsigned int offset, uint64_t undefined_flags)
{
	struct cpu_user_regs *r = &A.v.regs;
	struct machine m = { random_value(), random_value(), random_value(),
			     random_value(), random_value(),
			     0x202 | ((uint64_t)rand() & ARITH), 0 };
	uint64_t *entry = mm_entry(s.l1, 40), value = random_value();
	bool done;

	if (rand() % 2) {
		m.rax = value; /* so that comparisons succeed too */
	}
	if (rand() % 4 == 0) {
		m.rdx = value >> 32;
	}
	*entry = value;
	r->rax = m.rax;
	r->rbx = m.rbx;
	r->rcx = m.rcx;
	r->rdx = m.rdx;
	r->rsi = m.rsi;
	r->rflags = m.flags | 0x10000;
	r->rip = fake_gva(CODE_OFF).v;
	memcpy(fake_guest(CODE_OFF), insn, n);
	m.mem = value;
	native(&m, (uint64_t *)(void *)((uint8_t *)&m.mem + offset));
	if (m.mem & PTE_PRESENT) {
		return; /* a mapping; not what is compared here */
	}
	done = upcall_ptwr(&A.v, port_vcpu_regs(&A.v), GVA(TABLE_VA + 40 * 8 + offset));
	CHECK(done);
	CHECK_EQ(*entry, m.mem);
	CHECK_EQ(r->rax, m.rax);
	CHECK_EQ(r->rbx, m.rbx);
	CHECK_EQ(r->rcx, m.rcx);
	CHECK_EQ(r->rdx, m.rdx);
	CHECK_EQ(r->rsi, m.rsi);
	CHECK_EQ(r->rip, fake_gva(CODE_OFF).v + n);
	CHECK_EQ(r->rflags & ~undefined_flags & (ARITH | 0x10000),
		 m.flags & ~undefined_flags & ARITH);
}

TEST(ptwr_emulation_agrees_with_the_cpu)
{
	/* code with (%rdi), operand size, flags that are undefined after it */
	static const struct {
		const char *code;
		uint8_t n, size;
		uint16_t undefined;
	} forms[] = {
		{ "\x48\x87\x37", 3, 8, 0 },		  /* xchg %rsi */
		{ "\x48\x87\x07", 3, 8, 0 },		  /* xchg %rax */
		{ "\x87\x0f", 2, 4, 0 },		  /* xchg %ecx */
		{ "\x86\x2f", 2, 1, 0 },		  /* xchg %ch */
		{ "\x40\x86\x37", 3, 1, 0 },		  /* xchg %sil */
		{ "\x48\x89\x17", 3, 8, 0 },		  /* mov */
		{ "\x89\x17", 2, 4, 0 },
		{ "\x88\x37", 2, 1, 0 },		  /* mov %dh */
		{ "\x48\xc7\x07\xf0\xff\xff\xff", 7, 8, 0 },
		{ "\xc7\x07\xf0\xff\xff\x7f", 6, 4, 0 },
		{ "\xc6\x07\x82", 3, 1, 0 },
		{ "\xf0\x48\x83\x27\xfd", 5, 8, 0x10 },	  /* and */
		{ "\xf0\x83\x27\xfd", 4, 4, 0x10 },
		{ "\xf0\x80\x27\xf1", 4, 1, 0x10 },
		{ "\x48\x81\x27\xff\x0f\x00\x80", 7, 8, 0x10 },
		{ "\x48\x21\x0f", 3, 8, 0x10 },
		{ "\x20\x37", 2, 1, 0x10 },
		{ "\xf0\x48\x83\x0f\x40", 5, 8, 0x10 },	  /* or */
		{ "\x48\x09\x0f", 3, 8, 0x10 },
		{ "\x48\x83\x37\x60", 4, 8, 0x10 },	  /* xor */
		{ "\x31\x0f", 2, 4, 0x10 },
		{ "\xf0\x48\x0f\xba\x37\x06", 6, 8, 0x894 }, /* btr imm */
		{ "\xf0\x48\x0f\xba\x2f\x3f", 6, 8, 0x894 }, /* bts imm */
		{ "\x48\x0f\xba\x3f\x06", 5, 8, 0x894 },     /* btc imm */
		{ "\xf0\x48\x0f\xb1\x37", 5, 8, 0 },	  /* cmpxchg */
		{ "\xf0\x0f\xb1\x37", 4, 4, 0 },
		{ "\xf0\x0f\xb0\x37", 4, 1, 0 },
		{ "\xf0\x0f\xc7\x0f", 4, 8, 0 },	  /* cmpxchg8b */
	};
	uint8_t *page = mmap(NULL, PAGE_SIZE,
			     PROT_READ | PROT_WRITE | PROT_EXEC,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned int i, round, offset;

	CHECK(page != MAP_FAILED);
	srand(5);
	setup();
	for (i = 0; i < ARRAY_SIZE(forms); i++) {
		const uint8_t *code = (const uint8_t *)forms[i].code;
		native_fn *native = native_build(page, code, forms[i].n);

		for (round = 0; round < 500; round++) {
			offset = (unsigned int)rand() % 8 &
				 ~(forms[i].size - 1U);
			compare(code, forms[i].n, native, offset,
				forms[i].undefined);
		}
	}
	munmap(page, PAGE_SIZE);
	CHECK_EQ(ptype_audit_extra(&A.d), 0);
}

static bool write_entry(unsigned int slot, uint64_t val)
{
	memcpy(fake_guest(CODE_OFF), "\x48\x87\x07", 3); /* xchg %rax, (%rdi) */
	A.v.regs.rip = fake_gva(CODE_OFF).v;
	A.v.regs.rax = val;
	return upcall_ptwr(&A.v, port_vcpu_regs(&A.v), GVA(TABLE_VA + slot * 8));
}

TEST(ptwr_counts_references_like_a_hypercall)
{
	mfn_t page;

	setup();
	page = mm_frame(&A.d);
	CHECK(write_entry(9, pte(page, RW)));
	CHECK_EQ(A.v.regs.rax, 0);
	CHECK_EQ(frame_of(page)->type & FT_COUNT_MASK, 1);
	CHECK_EQ(ptype_audit_extra(&A.d), 0);
	/* The CPU sets bits behind our back; XCHG must return them. */
	*mm_entry(s.l1, 9) |= PTE_ACCESSED | PTE_DIRTY;
	CHECK(write_entry(9, 0));
	CHECK_EQ(A.v.regs.rax, pte(page, RW | PTE_ACCESSED | PTE_DIRTY));
	CHECK_EQ(frame_of(page)->type & FT_COUNT_MASK, 0);
	CHECK_EQ(frame_of(page)->count & FC_COUNT_MASK, 1);
}

TEST(ptwr_refuses_and_changes_nothing)
{
	uint64_t rip;

	setup();
	/* A writable mapping of a page table. */
	CHECK(!write_entry(9, pte(s.l1, RW)));
	CHECK_EQ(*mm_entry(s.l1, 9), 0);
	CHECK_EQ(A.v.regs.rax, pte(s.l1, RW));
	rip = A.v.regs.rip;
	CHECK_EQ(rip, fake_gva(CODE_OFF).v);
	/* Unaligned, not mapped, the hole, not a table, assist off. */
	CHECK(!upcall_ptwr(&A.v, port_vcpu_regs(&A.v), GVA(TABLE_VA + 4)));
	CHECK(!upcall_ptwr(&A.v, port_vcpu_regs(&A.v), GVA(0x1000)));
	CHECK(!upcall_ptwr(&A.v, port_vcpu_regs(&A.v), GVA(HOLE_START)));
	CHECK(!upcall_ptwr(&A.v, port_vcpu_regs(&A.v), GVA(0x8000000000000000ULL)));
	*mm_entry(s.l1, 3) = 0;
	CHECK(write_entry(3, pte(mm_frame(&A.d), RO)));
	CHECK(!upcall_ptwr(&A.v, port_vcpu_regs(&A.v), GVA(0x3000)));
	A.d.vm_assist = 0;
	CHECK(!write_entry(9, 0));
	A.d.vm_assist = ~0U;
	/* The instruction cannot be read. */
	fake_guest_hole(0, true);
	CHECK(!upcall_ptwr(&A.v, port_vcpu_regs(&A.v), GVA(TABLE_VA + 72)));
	CHECK_EQ(ptype_audit_extra(&A.d), 0);
}

TEST(ptwr_fetches_up_to_the_end_of_a_page)
{
	setup();
	memcpy(fake_guest(PAGE_SIZE - 3), "\x48\x87\x07", 3);
	fake_guest_hole(1, true);
	A.v.regs.rip = fake_gva(PAGE_SIZE - 3).v;
	A.v.regs.rax = 0x123 << 1;
	CHECK(upcall_ptwr(&A.v, port_vcpu_regs(&A.v), GVA(TABLE_VA + 80)));
	CHECK_EQ(*mm_entry(s.l1, 10), 0x246);
	/* One byte less is half an instruction. */
	memcpy(fake_guest(PAGE_SIZE - 2), "\x48\x87", 2);
	A.v.regs.rip = fake_gva(PAGE_SIZE - 2).v;
	CHECK(!upcall_ptwr(&A.v, port_vcpu_regs(&A.v), GVA(TABLE_VA + 80)));
}
