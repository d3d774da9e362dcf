/*
 * privop.c - see privop.h.
 *
 * Which instructions: those Linux's PV kernel and other PV kernels execute
 * although they cannot (xen-abi-surface.md section 3).  Verdicts were
 * compared with genuine Xen by test/guest/cpuid and test/guest/privop.
 */
#include "x86/privop.h"
#include "core/domain.h"
#include "core/vcpu.h"
#include "include/abi.h"
#include "include/compiler.h"
#include "include/port.h"
#include "include/upcall.h"
#include "x86/bounce.h"
#include "x86/context.h"
#include "x86/cpu.h"
#include "x86/cpuid.h"
#include "x86/current.h"
#include "x86/insn.h"
#include "x86/ioport.h"
#include "x86/msr.h"
#include "x86/privop_decode.h"
#include "x86/root.h"

#define FLAG_TF 0x100ULL
#define FLAG_DF 0x400ULL
#define FLAG_RF 0x10000ULL
#define CR0_TS	8ULL
/* PG AM WP NE ET MP PE, as genuine Xen shows it */
#define CR0_GUEST 0x80050033ULL
/* PAE MCE OSFXSR OSXMMEXCPT, likewise; and what a guest may change */
#define CR4_SHOWN    (CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMM)
#define CR4_CHANGES  (CR4_TSD | CR4_DE)
#define DR6_BS	     0x4000ULL
#define TRAP_DB	     1
/* String I/O elements per trap; the guest's rcx keeps the rest. */
#define STRING_BATCH 128

/* General register n in instruction encoding. */
static uint64_t *gpr(struct cpu_user_regs *r, unsigned int n)
{
	uint64_t *const all[16] = {
		&r->rax, &r->rcx, &r->rdx, &r->rbx, &r->rsp, &r->rbp,
		&r->rsi, &r->rdi, &r->r8,  &r->r9,  &r->r10, &r->r11,
		&r->r12, &r->r13, &r->r14, &r->r15,
	};

	return all[n & 15];
}

/* The selector is loaded, so it has a descriptor; its L bit. */
static bool is_code64(uint16_t cs)
{
	uint32_t rights = 0;

	__asm__ volatile("lar %1, %0" : "+r"(rights) : "r"((uint32_t)cs) : "cc");
	return rights & (1u << 21);
}

/* rip may be near the end of what is mapped. */
static size_t fetch(const struct cpu_user_regs *r, uint8_t *code)
{
	size_t n = PRIVOP_MAX_LENGTH;
	uint64_t to_page_end = PAGE_SIZE - (r->rip & (PAGE_SIZE - 1));

	if (port_copy_from_guest(code, GVA(r->rip), n) == 0) {
		return n;
	}
	n = MIN(n, to_page_end);
	return port_copy_from_guest(code, GVA(r->rip), n) == 0 ? n : 0;
}

/* --- ports -------------------------------------------------------------- */

static void set_low(uint64_t *reg, unsigned int bytes, uint32_t val)
{
	switch (bytes) {
	case 1:
		*reg = (*reg & ~0xffULL) | (val & 0xff);
		break;
	case 2:
		*reg = (*reg & ~0xffffULL) | (val & 0xffff);
		break;
	default:
		*reg = val;
	}
}

static bool in_out(struct vcpu *v, struct cpu_user_regs *r,
		   const struct privop *op)
{
	uint16_t port = op->port_is_dx ? (uint16_t)r->rdx : op->port;

	if (!ioport_guest_allows(v, port, op->bytes)) {
		return false;
	}
	if (op->kind == PRIVOP_IN) {
		set_low(&r->rax, op->bytes, ioport_read(v, port, op->bytes));
	} else {
		ioport_write(v, port, op->bytes, (uint32_t)r->rax);
	}
	return true;
}

static uint64_t truncate(uint64_t v, bool addr32)
{
	return addr32 ? (uint32_t)v : v;
}

static uint64_t segment_base(struct vcpu *v, const struct privop *op)
{
	if (op->kind == PRIVOP_INS || op->segment == SEGMENT_DEFAULT) {
		return 0;
	}
	port_vcpu_sync_regs(v);
	if (op->segment == SEGMENT_FS) {
		return v->pv.fs_base;
	}
	return v->mode & VF_KERNEL ? v->pv.gs_base_kernel
				   : v->pv.gs_base_user;
}

/* One element; false when guest memory at va is not accessible. */
static bool string_element(struct vcpu *v, const struct privop *op,
			   uint16_t port, uint64_t va)
{
	uint32_t val = 0;

	if (op->kind == PRIVOP_OUTS) {
		if (port_copy_from_guest(&val, GVA(va), op->bytes) != 0) {
			return false;
		}
		ioport_write(v, port, op->bytes, val);
		return true;
	}
	/* A read may have side effects: be sure of the memory first. */
	if (port_probe_guest_write(GVA(va), op->bytes) != 0) {
		return false;
	}
	val = ioport_read(v, port, op->bytes);
	return port_copy_to_guest(GVA(va), &val, op->bytes) == 0;
}

enum string_result { STRING_DONE, STRING_MORE, STRING_FAULT };

static enum string_result string_run(struct vcpu *v, struct cpu_user_regs *r,
				     const struct privop *op, uint64_t *fault)
{
	uint64_t *index = op->kind == PRIVOP_INS ? &r->rdi : &r->rsi;
	uint64_t step = r->rflags & FLAG_DF ? -(uint64_t)op->bytes : op->bytes;
	uint64_t base = segment_base(v, op);
	unsigned int n;

	for (n = 0; n < STRING_BATCH; n++) {
		if (op->rep && truncate(r->rcx, op->addr32) == 0) {
			return STRING_DONE;
		}
		*fault = base + truncate(*index, op->addr32);
		if (!string_element(v, op, (uint16_t)r->rdx, *fault)) {
			return STRING_FAULT;
		}
		*index = truncate(*index + step, op->addr32);
		if (!op->rep) {
			return STRING_DONE;
		}
		r->rcx = truncate(r->rcx - 1, op->addr32);
	}
	return truncate(r->rcx, op->addr32) ? STRING_MORE : STRING_DONE;
}

/* --- registers ----------------------------------------------------------- */

static bool from_cr(struct vcpu *v, struct cpu_user_regs *r,
		    const struct privop *op)
{
	uint64_t val;

	switch (op->number) {
	case 0:
		val = CR0_GUEST | (v->mode & VF_TS ? CR0_TS : 0);
		break;
	case 2:
		val = v->info->arch.cr2;
		break;
	case 3:
		val = v->pv.cr3.v << PAGE_SHIFT;
		break;
	case 4:
		val = CR4_SHOWN | v->pv.cr4_guest;
		break;
	default:
		return false;
	}
	*gpr(r, op->reg) = val;
	return true;
}

/* Bits that are not the guest's business are ignored, as genuine Xen does. */
static void set_cr4(struct vcpu *v, uint64_t val)
{
	uint64_t allowed = CR4_CHANGES;
	uint32_t leaf[4];

	if (port_xcr0_mask()) {
		allowed |= CR4_OSXSAVE;
	}
	cpuid_guest(v, 7, 0, leaf);
	if (leaf[1] & 1) {
		allowed |= CR4_FSGSBASE;
	}
	v->pv.cr4_guest = val & allowed;
	cpu_load_cr4(pcpu(), v);
}

static bool to_cr(struct vcpu *v, struct cpu_user_regs *r,
		  const struct privop *op)
{
	uint64_t val = *gpr(r, op->reg);

	switch (op->number) {
	case 0:
		if ((val ^ CR0_GUEST) & ~CR0_TS) {
			return false;
		}
		port_vcpu_set_ts(v, val & CR0_TS);
		return true;
	case 2:
		v->info->arch.cr2 = val;
		return true;
	case 3:
		/* a change is MMUEXT_NEW_BASEPTR's business */
		return val == v->pv.cr3.v << PAGE_SHIFT;
	case 4:
		set_cr4(v, val);
		return true;
	default:
		return false;
	}
}

static bool debug_register(struct vcpu *v, struct cpu_user_regs *r,
			   const struct privop *op)
{
	uint64_t *reg = gpr(r, op->reg);

	return op->kind == PRIVOP_TO_DR
		       ? upcall_set_debugreg(v, op->number, *reg) == 0
		       : upcall_get_debugreg(v, op->number, reg) == 0;
}

static uint64_t edx_eax(const struct cpu_user_regs *r)
{
	return (uint64_t)(uint32_t)r->rdx << 32 | (uint32_t)r->rax;
}

static void set_edx_eax(struct cpu_user_regs *r, uint64_t val)
{
	r->rax = (uint32_t)val;
	r->rdx = val >> 32;
}

static bool msr_access(struct vcpu *v, struct cpu_user_regs *r,
		       const struct privop *op)
{
	uint64_t val;

	if (op->kind == PRIVOP_WRMSR) {
		return msr_guest_write(v, (uint32_t)r->rcx, edx_eax(r));
	}
	if (!msr_guest_read(v, (uint32_t)r->rcx, &val)) {
		return false;
	}
	set_edx_eax(r, val);
	return true;
}

static void plain_cpuid(struct vcpu *v, struct cpu_user_regs *r)
{
	uint32_t out[4];

	cpuid_guest(v, (uint32_t)r->rax, (uint32_t)r->rcx, out);
	r->rax = out[0];
	r->rbx = out[1];
	r->rcx = out[2];
	r->rdx = out[3];
}

/* --- int n ---------------------------------------------------------------- */

/*
 * INT n whose gate is closed to ring 3: by the guest's own trap table.  The
 * instruction is decoded because QEMU up to 7.2 reports a wrong error code
 * in long mode.  A guest kernel counts as ring 1 (XTF depends on it).
 */
static bool software_interrupt(struct vcpu *v, struct cpu_user_regs *r,
			       const struct privop *op)
{
	const struct pv_trap *t = &v->pv.trap[op->number];
	bool real = ioport_iopl_in_frames(v);
	unsigned int level = v->mode & VF_KERNEL ? !real : 3;

	if (!t->address || (t->flags & 3) < level) {
		bounce_exception(v, 13, (uint32_t)op->number * 8 + 2);
		return true;
	}
	r->rip += op->length;
	bounce_to(v, t->address, t->cs, t->flags & 4 ? BOUNCE_MASK : 0, 0);
	return true;
}

/* --- dispatch ------------------------------------------------------------- */

/* Instructions for guest kernels alone. */
static bool kernel_op(struct vcpu *v, struct cpu_user_regs *r,
		      const struct privop *op)
{
	switch (op->kind) {
	case PRIVOP_CLTS:
		port_vcpu_set_ts(v, false);
		return true;
	case PRIVOP_WBINVD:
		if (v->domain->privileged) {
			cpu_wbinvd();
		}
		return true;
	case PRIVOP_FROM_CR:
		return from_cr(v, r, op);
	case PRIVOP_TO_CR:
		return to_cr(v, r, op);
	case PRIVOP_FROM_DR:
	case PRIVOP_TO_DR:
		return debug_register(v, r, op);
	case PRIVOP_RDMSR:
	case PRIVOP_WRMSR:
		return msr_access(v, r, op);
	case PRIVOP_RDTSC:
		set_edx_eax(r, rdtsc());
		return true;
	case PRIVOP_XSETBV:
		return (uint32_t)r->rcx == 0 &&
		       (v->pv.cr4_guest & CR4_OSXSAVE) &&
		       fpu_set_xcr0(v, edx_eax(r)) == 0;
	case PRIVOP_CPUID:
		plain_cpuid(v, r);
		return true;
	default:
		return false;
	}
}

/* Behind the instruction; a guest that single-steps sees its #DB. */
static void advance(struct vcpu *v, struct cpu_user_regs *r,
		    const struct privop *op)
{
	r->rip += op->length;
	r->rflags &= ~FLAG_RF;
	if (unlikely(r->rflags & FLAG_TF)) {
		v->pv.dr[6] |= DR6_BS;
		bounce_exception(v, TRAP_DB, 0);
	}
}

static bool string_io(struct vcpu *v, struct cpu_user_regs *r,
		      const struct privop *op)
{
	uint64_t fault = 0;

	if (!ioport_guest_allows(v, (uint16_t)r->rdx, op->bytes)) {
		return false;
	}
	switch (string_run(v, r, op, &fault)) {
	case STRING_FAULT:
		/* bit 1: write; presence is for the guest to find out */
		bounce_page_fault(v, fault, op->kind == PRIVOP_INS ? 2 : 0);
		return true;
	case STRING_DONE:
		advance(v, r, op);
		return true;
	default:
		return true; /* the instruction traps again for the rest */
	}
}

static bool emulate(struct vcpu *v)
{
	struct cpu_user_regs *r = &pcpu()->regs;
	uint8_t code[PRIVOP_MAX_LENGTH];
	struct privop op;
	bool done;

	if (!privop_decode(code, fetch(r, code), is_code64(r->cs), &op)) {
		return false;
	}
	switch (op.kind) {
	case PRIVOP_INT:
		return software_interrupt(v, r, &op);
	case PRIVOP_INS:
	case PRIVOP_OUTS:
		return string_io(v, r, &op);
	case PRIVOP_IN:
	case PRIVOP_OUT:
		done = in_out(v, r, &op);
		break;
	case PRIVOP_CLI:
	case PRIVOP_STI:
		/* A PV kernel's interrupt flag is in its vcpu_info. */
		done = ioport_guest_iopl(v);
		break;
	default:
		done = (v->mode & VF_KERNEL) && kernel_op(v, r, &op);
	}
	if (done) {
		advance(v, r, &op);
	}
	return done;
}

bool privop_emulate(struct vcpu *v)
{
	bool done;

	if (v->mode & VF_KERNEL) {
		return emulate(v);
	}
	root_borrow(pcpu(), v->pv.user_cr3);
	done = emulate(v);
	root_load(pcpu(), v);
	return done;
}
