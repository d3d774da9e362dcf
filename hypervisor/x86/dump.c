/* dump.c - see dump.h. */
#include "x86/dump.h"
#include "core/domain.h"
#include "core/vcpu.h"
#include "include/log.h"
#include "include/port.h"
#include "include/upcall.h"
#include "x86/current.h"
#include "x86/insn.h"
#include "x86/layout.h"

#define STACK_WORDS 24

typedef unsigned long ul;

void dump_regs(const struct cpu_user_regs *r)
{
	printk("  rip %016lx cs %04x  rflags %08lx  rsp %016lx ss %04x\n",
	       (ul)r->rip, r->cs, (ul)r->rflags, (ul)r->rsp, r->ss);
	printk("  rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", (ul)r->rax,
	       (ul)r->rbx, (ul)r->rcx, (ul)r->rdx);
	printk("  rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n", (ul)r->rsi,
	       (ul)r->rdi, (ul)r->rbp, (ul)r->r8);
	printk("  r9  %016lx r10 %016lx r11 %016lx r12 %016lx\n", (ul)r->r9,
	       (ul)r->r10, (ul)r->r11, (ul)r->r12);
	printk("  r13 %016lx r14 %016lx r15 %016lx\n", (ul)r->r13,
	       (ul)r->r14, (ul)r->r15);
	printk("  vector %u error %x cr2 %016lx cr3 %016lx\n",
	       r->entry_vector & 0xffff, r->error_code, (ul)read_cr2(),
	       (ul)read_cr3());
}

static void dump_guest(struct vcpu *v, const char *why)
{
	const struct cpu_user_regs *r = &pcpu()->regs;
	uint64_t word[4];

	printk("d%uv%u: %s (guest %s mode), CPU %u\n", v->domain->id, v->id,
	       why, v->mode & VF_KERNEL ? "kernel" : "user", pcpu()->cpu);
	dump_regs(r);
	/* entry_fast.S does not store what C keeps. */
	if ((r->entry_vector & 0xffff) == VEC_SYSCALL) {
		printk("  (in a hypercall: rbx, rbp, r12-r15 may be older)\n");
	}
	printk("  guest stack:\n");
	for (unsigned int i = 0; i < STACK_WORDS; i += 4) {
		if (port_copy_from_guest(word, GVA((r->rsp & ~7UL) + i * 8),
					 sizeof(word))) {
			printk("   (unreadable)\n");
			break;
		}
		printk("   %016lx %016lx %016lx %016lx\n", (ul)word[0],
		       (ul)word[1], (ul)word[2], (ul)word[3]);
	}
}

void guest_crash(struct vcpu *v, const char *why)
{
	dump_guest(v, why);
	upcall_domain_crash(v->domain, why);
	pcpu_add_work(pcpu(), WORK_RESCHED);
}

void dump_stack(uint64_t sp)
{
	const uint64_t *p = (const uint64_t *)(sp & ~7UL);
	const uint64_t *end =
		(const uint64_t *)((sp | (STACK_SIZE - 1)) - sizeof(struct pcpu));
	extern uint8_t image_start[], image_text_end[];
	unsigned int shown = 0;

	printk("  stack from %016lx, code addresses:\n", (ul)sp);
	for (; p < end && shown < 20; p++) {
		if (*p >= (uint64_t)image_start &&
		    *p < (uint64_t)image_text_end) {
			printk("   %016lx\n", (ul)*p);
			shown++;
		}
	}
}
