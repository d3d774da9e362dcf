/*
 * ptwr.c - a guest kernel wrote to one of its L1 page tables as if it were
 * memory: do what the instruction meant, as a checked update.
 *
 * Linux's set_pte, ptep_get_and_clear (XCHG) and ptep_set_wrprotect (LOCK
 * AND) end here; building one guest causes 53,000 of these.  Upper levels
 * must come by hypercall.
 *
 * The instruction is read again from guest memory after it faulted, so
 * another vCPU may have changed it; then the guest writes something else to
 * its own entry, checked like any other.
 */
#include "core/domain.h"
#include "core/pt_update.h"
#include "core/pte.h"
#include "core/ptype.h"
#include "hypercall/ptwr_decode.h"
#include "hypercall/walk.h"
#include "include/errno.h"
#include "include/upcall.h"

#define EFL_CF 0x0001u
#define EFL_PF 0x0004u
#define EFL_AF 0x0010u
#define EFL_ZF 0x0040u
#define EFL_SF 0x0080u
#define EFL_RF 0x10000u
#define EFL_OF 0x0800u
#define EFL_ARITH (EFL_CF | EFL_PF | EFL_AF | EFL_ZF | EFL_SF | EFL_OF)

/* Registers by their number in an instruction. */
static const uint16_t reg_offset[16] = {
	offsetof(struct cpu_user_regs, rax),
	offsetof(struct cpu_user_regs, rcx),
	offsetof(struct cpu_user_regs, rdx),
	offsetof(struct cpu_user_regs, rbx),
	offsetof(struct cpu_user_regs, rsp),
	offsetof(struct cpu_user_regs, rbp),
	offsetof(struct cpu_user_regs, rsi),
	offsetof(struct cpu_user_regs, rdi),
	offsetof(struct cpu_user_regs, r8),
	offsetof(struct cpu_user_regs, r9),
	offsetof(struct cpu_user_regs, r10),
	offsetof(struct cpu_user_regs, r11),
	offsetof(struct cpu_user_regs, r12),
	offsetof(struct cpu_user_regs, r13),
	offsetof(struct cpu_user_regs, r14),
	offsetof(struct cpu_user_regs, r15),
};

/* One emulated write: entry *p of d's table; the operand's place in it. */
struct ptwr {
	struct domain *d;
	struct cpu_user_regs *regs;
	struct ptwr_insn insn;
	uint64_t *p;
	unsigned int shift; /* of the operand within the entry, in bits */
	uint64_t mask;	    /* of the operand, not shifted */
};

static uint64_t *reg_ptr(struct cpu_user_regs *regs, unsigned int n)
{
	return (uint64_t *)(void *)((uint8_t *)regs + reg_offset[n & 15]);
}

static uint64_t operand(const struct ptwr *w)
{
	uint64_t v;

	if (w->insn.has_imm) {
		return w->insn.imm & w->mask;
	}
	v = *reg_ptr(w->regs, w->insn.reg);
	return (w->insn.high_byte ? v >> 8 : v) & w->mask;
}

/* A register gets a value of the operand's size. */
static void reg_write(const struct ptwr *w, unsigned int n, bool high,
		      uint64_t v)
{
	uint64_t *r = reg_ptr(w->regs, n);
	unsigned int shift = high ? 8 : 0;

	if (w->insn.size == 1) {
		*r = (*r & ~(0xffULL << shift)) | (v << shift);
	} else {
		*r = v; /* 32-bit results are zero extended */
	}
}

static uint64_t sign_of(const struct ptwr *w)
{
	return 1ULL << (w->insn.size * 8 - 1);
}

static void set_flags(const struct ptwr *w, unsigned int which, uint64_t flags)
{
	w->regs->rflags = (w->regs->rflags & ~(uint64_t)which) | flags;
}

static uint64_t flags_of(const struct ptwr *w, uint64_t v)
{
	uint64_t fl = 0;

	fl |= v == 0 ? EFL_ZF : 0;
	fl |= v & sign_of(w) ? EFL_SF : 0;
	fl |= __builtin_parity((unsigned int)v & 0xff) ? 0 : EFL_PF;
	return fl;
}

/* As CMP a, b sets them. */
static void set_flags_cmp(const struct ptwr *w, uint64_t a, uint64_t b)
{
	uint64_t r = (a - b) & w->mask, fl = flags_of(w, r);

	fl |= a < b ? EFL_CF : 0;
	fl |= (a ^ b ^ r) & 0x10 ? EFL_AF : 0;
	fl |= (a ^ b) & (a ^ r) & sign_of(w) ? EFL_OF : 0;
	set_flags(w, EFL_ARITH, fl);
}

/* What the operand becomes; false: it stays (a comparison failed). */
static bool compute(const struct ptwr *w, uint64_t old, uint64_t *new)
{
	const struct cpu_user_regs *r = w->regs;
	uint64_t src = operand(w);
	uint64_t bit = 1ULL << (src & (w->insn.size * 8U - 1));

	switch (w->insn.kind) {
	case PTWR_AND:
		*new = old & src;
		return true;
	case PTWR_OR:
		*new = old | src;
		return true;
	case PTWR_XOR:
		*new = old ^ src;
		return true;
	case PTWR_BTS:
		*new = old | bit;
		return true;
	case PTWR_BTR:
		*new = old & ~bit;
		return true;
	case PTWR_BTC:
		*new = old ^ bit;
		return true;
	case PTWR_CMPXCHG:
		*new = src;
		return old == (r->rax & w->mask);
	case PTWR_CMPXCHG8B:
		*new = (r->rcx << 32) | (uint32_t)r->rbx;
		return old == ((r->rdx << 32) | (uint32_t)r->rax);
	default:
		*new = src;
		return true;
	}
}

static void advance(struct cpu_user_regs *regs, unsigned int length)
{
	regs->rip += length;
	regs->rflags &= ~(uint64_t)EFL_RF;
}

/* The instruction happened: registers and flags, for operand old -> new. */
static void retire(const struct ptwr *w, uint64_t old, uint64_t new, bool equal)
{
	struct cpu_user_regs *r = w->regs;
	uint64_t bit = 1ULL << (operand(w) & (w->insn.size * 8U - 1));

	switch (w->insn.kind) {
	case PTWR_XCHG:
		reg_write(w, w->insn.reg, w->insn.high_byte, old);
		break;
	case PTWR_AND:
	case PTWR_OR:
	case PTWR_XOR:
		set_flags(w, EFL_ARITH, flags_of(w, new));
		break;
	case PTWR_BTS:
	case PTWR_BTR:
	case PTWR_BTC:
		set_flags(w, EFL_CF, old & bit ? EFL_CF : 0);
		break;
	case PTWR_CMPXCHG:
		set_flags_cmp(w, r->rax & w->mask, old);
		if (!equal) {
			reg_write(w, 0, false, old);
		}
		break;
	case PTWR_CMPXCHG8B:
		set_flags(w, EFL_ZF, equal ? EFL_ZF : 0);
		if (!equal) {
			r->rax = (uint32_t)old;
			r->rdx = old >> 32;
		}
		break;
	default:
		break;
	}
	advance(r, w->insn.length);
}

/*
 * Part of an entry, or depending on what is there: from a value that was
 * read, again if it has changed meanwhile (accessed and dirty bits).
 */
static int emulate_rmw(const struct ptwr *w)
{
	uint64_t entry = READ_ONCE(*w->p), old, new, val;
	bool write;
	int rc = 0;

	do {
		old = (entry >> w->shift) & w->mask;
		write = compute(w, old, &new);
		new &= w->mask;
		if (!write) {
			break;
		}
		val = (entry & ~(w->mask << w->shift)) | (new << w->shift);
		/* On failure `entry` becomes what is there now. */
		rc = pt_update_l1(w->d, w->d, w->p, val, PT_IF_OLD, &entry);
	} while (rc == -EAGAIN);
	if (rc == 0) {
		retire(w, old, new, write);
	}
	return rc;
}

/* Two words of code if they are there; how many bytes. */
static size_t fetch(gva_t rip, uint8_t code[16])
{
	size_t n = 16;

	if (unlikely(port_copy_from_guest(code, rip, n) != 0)) {
		/* The next page may not be there. */
		n = MIN(n, (size_t)(PAGE_SIZE - (rip.v & (PAGE_SIZE - 1))));
		if (port_copy_from_guest(code, rip, n) != 0) {
			return 0;
		}
	}
	return n;
}

/* The L1 entry at va, when va is a read-only mapping of one of d's tables. */
static uint64_t *target(struct vcpu *v, gva_t va)
{
	uint64_t *map, e;
	struct frame *f;
	mfn_t l1;

	map = walk_l1e(v->pv.cr3, va, &l1);
	if (!map) {
		return NULL;
	}
	e = READ_ONCE(*map);
	f = frame_lookup(pte_mfn(e));
	if ((e & (PTE_PRESENT | PTE_WRITE)) != PTE_PRESENT || !f ||
	    f->owner != v->domain || !pt_is_valid(f, FT_L1)) {
		return NULL;
	}
	return (uint64_t *)frame_ptr(pte_mfn(e)) +
	       ((va.v & (PAGE_SIZE - 1)) / 8);
}

/* Any instruction that writes the entry *p, or a part of it, at va. */
static __noinline bool emulate_any(struct domain *d, struct cpu_user_regs *regs,
				   uint64_t *p, gva_t va)
{
	struct ptwr w = { .d = d, .regs = regs, .p = p };
	uint8_t code[16] __aligned(8);
	size_t n = fetch(GVA(regs->rip), code);

	if (!ptwr_decode(code, n, &w.insn) || (va.v & (w.insn.size - 1U))) {
		return false;
	}
	w.shift = (va.v & 7) * 8;
	w.mask = ~0ULL >> (64 - 8 * w.insn.size);
	return emulate_rmw(&w) == 0;
}

/* Caller holds mmu_lock.  True: done, or to be done again. */
static inline bool handle(struct vcpu *v, struct domain *d,
			  struct cpu_user_regs *regs, gva_t va)
{
	unsigned int length = 0, reg;
	uint64_t code, old, *r, *p;
	bool xchg;

	if (unlikely(d->pt_work) && ptype_drain(d, true) != 0) {
		return true; /* interrupted: the instruction faults again */
	}
	/* Most faults of a kernel are not this. */
	p = target(v, va);
	if (!p) {
		return false;
	}
	if (likely(!(va.v & 7)) &&
	    likely(port_read_guest_word(&code, GVA(regs->rip)) == 0)) {
		length = ptwr_decode_usual((const uint8_t *)&code, &xchg, &reg);
	}
	if (unlikely(!length)) {
		return emulate_any(d, regs, p, va);
	}
	/* What the CPU set until the very last goes to the guest. */
	r = reg_ptr(regs, reg);
	if (unlikely(pt_update_l1(d, d, p, *r, PT_SET, &old) != 0)) {
		return false;
	}
	if (xchg) {
		*r = old;
	}
	advance(regs, length);
	return true;
}

/*
 * The instruction is fetched with the lock held: it lies in guest memory, and
 * a fault there ends the copy without coming back here.
 */
bool upcall_ptwr(struct vcpu *v, struct cpu_user_regs *regs, gva_t va)
{
	struct domain *d = v->domain;
	bool ok;

	if (!(d->vm_assist & (1U << VMASST_TYPE_writable_pagetables))) {
		return false;
	}
	spin_lock(&d->mmu_lock);
	ok = handle(v, d, regs, va);
	spin_unlock(&d->mmu_lock);
	return ok;
}
