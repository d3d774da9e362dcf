/* desc.c - see desc.h. */
#include "x86/desc.h"
#include "core/heap.h"
#include "include/abi.h"
#include "include/log.h"
#include "include/port.h"
#include "lib/string.h"
#include "x86/cpu.h"
#include "x86/current.h"
#include "x86/insn.h"
#include "x86/layout.h"
#include "x86/pte.h"
#include "x86/vmap.h"

#define GATE_INT   0x8e /* interrupt gate, DPL 0 */
#define GATE_INT_3 0xee /* the same, DPL 3 */

#define MSR_STAR	 0xc0000081
#define MSR_LSTAR	 0xc0000082
#define MSR_CSTAR	 0xc0000083
#define MSR_SYSCALL_MASK 0xc0000084
#define MSR_SYSENTER_CS	 0x174

/* RFLAGS that SYSCALL clears: TF IF DF IOPL NT RF AC */
#define SYSCALL_CLEAR 0x57700

struct gate {
	uint16_t offset_low, selector;
	uint8_t ist, type;
	uint16_t offset_mid;
	uint32_t offset_high, pad;
};

struct desc_ptr {
	uint16_t limit;
	uint64_t base;
} __packed;

extern const uint64_t idt_handlers[256], idt_handlers_xpti[256];
extern uint8_t syscall_stub_start[], syscall_stub_end[];
extern uint8_t syscall32_stub_start[], syscall32_stub_end[];
extern uint8_t syscall_stub_xpti_start[], syscall_stub_xpti_end[];
extern uint8_t syscall32_stub_xpti_start[], syscall32_stub_xpti_end[];
extern uint8_t entry_text_start[], entry_text_end[];
extern uint8_t entry_syscall[], entry_syscall_slow[];

_Static_assert(ENTRY_CPU_VA == 0xffff810000100000ULL, "entry_cpu_of()");

static uint64_t gdt_page_va;

static void set_gate(struct gate *idt, unsigned int v, uint64_t handler,
		     uint8_t type, uint8_t ist)
{
	idt[v] = (struct gate){
		.offset_low = (uint16_t)handler,
		.selector = SEL_HV_CS,
		.ist = ist,
		.type = type,
		.offset_mid = (uint16_t)(handler >> 16),
		.offset_high = (uint32_t)(handler >> 32),
	};
}

static void init_idt(struct gate *idt)
{
	const uint64_t *handler = cpu_xpti ? idt_handlers_xpti : idt_handlers;

	for (unsigned int v = 0; v < 256; v++) {
		set_gate(idt, v, handler[v], GATE_INT, 0);
	}
	/* What ring 3 may raise by an instruction of its own. */
	set_gate(idt, 3, handler[3], GATE_INT_3, 0);
	set_gate(idt, 4, handler[4], GATE_INT_3, 0);
	set_gate(idt, 0x80, handler[0x80], GATE_INT_3, 0);
	/* What may hit at any instruction gets a stack of its own. */
	idt[8].ist = 1;
	idt[2].ist = 2;
	idt[18].ist = 3;
	idt[1].ist = 4;
}

static void init_gdt(uint64_t *gdt)
{
#define GDT(sel) gdt[((sel) - GDT_RESERVED) / 8]
	GDT(SEL_HV_CS) = 0x00af9b000000ffffULL;
	GDT(SEL_HV_DS) = 0x00cf93000000ffffULL;
	GDT(SEL_G_CS32) = 0x00cffb000000ffffULL;
	GDT(SEL_G_DS) = 0x00cff3000000ffffULL;
	GDT(SEL_G_CS64) = 0x00affb000000ffffULL;
}

static void set_system_desc(unsigned int sel, uint64_t base, uint32_t limit,
			    unsigned int type)
{
	uint64_t *d = (uint64_t *)(gdt_page_va + (sel - GDT_RESERVED));

	d[0] = (limit & 0xffff) | ((base & 0xffffff) << 16) |
	       ((uint64_t)(0x80 | type) << 40) |
	       ((uint64_t)(limit >> 16) << 48) |
	       (((base >> 24) & 0xff) << 56);
	d[1] = base >> 32;
}

void desc_init(void)
{
	struct gate *idt = heap_alloc_page();
	uint64_t *gdt = heap_alloc_page();

	if (!idt || !gdt) {
		port_panic("no memory for descriptor tables");
	}
	init_idt(idt);
	init_gdt(gdt);
	gdt_page_va = (uint64_t)gdt;
	vmap_pages(ENTRY_IDT_VA, virt_to_maddr(idt), 1, MAP_RO);
	/* The CPU sets accessed and busy bits: writable. */
	vmap_pages(ENTRY_GDT_VA, virt_to_maddr(gdt), 1, MAP_RW);
	vmap_pages(ENTRY_TEXT_VA, virt_to_maddr(entry_text_start),
		   (uint64_t)(entry_text_end - entry_text_start) / PAGE_SIZE,
		   MAP_RX);
}

/* Copy a stub to a CPU's code page. */
static void place_stub(uint8_t *page, unsigned int off, const uint8_t *start,
		       const uint8_t *end)
{
	memcpy(page + off, start, (size_t)(end - start));
}

/* Under XPTI the CPU first pushes in its entry page (entry_xpti.S). */
static void set_tss_stacks(struct entry_cpu *e, uint64_t va, uint64_t stack)
{
	if (cpu_xpti) {
		e->tss.rsp0 = va + PAGE_SIZE;
		e->tss.ist[0] = va + ENTRY_IST_DF;
		e->tss.ist[1] = va + ENTRY_IST_NMI;
		e->tss.ist[2] = va + ENTRY_IST_MCE;
		e->tss.ist[3] = va + ENTRY_IST_DB;
	} else {
		e->tss.rsp0 = e->main_top;
		e->tss.ist[0] = e->df_top;
		e->tss.ist[1] = e->nmi_top;
		e->tss.ist[2] = e->mce_top;
		e->tss.ist[3] = stack + (STACK_DB + 1) * PAGE_SIZE;
	}
	e->tss.io_bitmap = sizeof(struct tss);
}

static void map_stack(unsigned int cpu, unsigned int page)
{
	void *p = heap_alloc_page();

	if (!p) {
		port_panic("no memory for the stacks of CPU %u", cpu);
	}
	vmap_pages(STACKS_VA + (uint64_t)cpu * STACK_SIZE + page * PAGE_SIZE,
		   virt_to_maddr(p), 1, MAP_RW);
}

void desc_cpu_alloc(unsigned int cpu)
{
	uint64_t va = (uint64_t)entry_cpu_of(cpu);
	uint64_t stack = STACKS_VA + (uint64_t)cpu * STACK_SIZE;
	struct entry_cpu *e = heap_alloc_page();
	uint8_t *code = heap_alloc_page();
	struct pcpu *p;

	if (!e || !code) {
		port_panic("no memory for the entry pages of CPU %u", cpu);
	}
	map_stack(cpu, STACK_DF);
	map_stack(cpu, STACK_NMI);
	map_stack(cpu, STACK_MCE);
	map_stack(cpu, STACK_DB);
	for (unsigned int i = STACK_MAIN; i < STACK_PAGES; i++) {
		map_stack(cpu, i);
	}
	p = pcpu_of(cpu);
	p->cpu = cpu;
	p->entry_page = va;

	vmap_pages(va, virt_to_maddr(e), 1, MAP_RW);
	p->xpti = cpu_xpti;
	e->main_top = (uint64_t)&p->regs.es;
	e->hv_cr3 = hv_root;
	e->nmi_top = stack + (STACK_NMI + 1) * PAGE_SIZE;
	e->mce_top = stack + (STACK_MCE + 1) * PAGE_SIZE;
	e->df_top = stack + (STACK_DF + 1) * PAGE_SIZE;
	e->syscall_target = (uint64_t)entry_syscall;
	/* The fast path is for 64-bit code alone. */
	e->syscall32_target = (uint64_t)entry_syscall_slow;
	set_tss_stacks(e, va, stack);

	if (cpu_xpti) {
		place_stub(code, 0, syscall_stub_xpti_start,
			   syscall_stub_xpti_end);
		place_stub(code, 128, syscall32_stub_xpti_start,
			   syscall32_stub_xpti_end);
	} else {
		place_stub(code, 0, syscall_stub_start, syscall_stub_end);
		place_stub(code, 128, syscall32_stub_start,
			   syscall32_stub_end);
	}
	vmap_pages(va + PAGE_SIZE, virt_to_maddr(code), 1, MAP_RX);
	set_system_desc(SEL_TSS(cpu), va, sizeof(struct tss) - 1, 9);
}

void desc_load_gdt(uint64_t va)
{
	struct desc_ptr gdtr = { 16 * PAGE_SIZE - 1, va };

	__asm__ volatile("lgdt %0" : : "m"(gdtr));
}

void desc_load_idle_gdt(void)
{
	struct desc_ptr gdtr = { 15 * PAGE_SIZE - 1,
				 ENTRY_GDT_VA - GDT_RESERVED };

	__asm__ volatile("lgdt %0" : : "m"(gdtr));
}

void desc_load_ldt(unsigned int cpu, uint64_t va, unsigned int n)
{
	uint16_t sel = 0;

	if (n) {
		set_system_desc(SEL_LDT(cpu), va, n * 8 - 1, 2);
		sel = (uint16_t)SEL_LDT(cpu);
	}
	__asm__ volatile("lldt %0" : : "r"(sel));
}

void desc_cpu_load(unsigned int cpu)
{
	struct desc_ptr idtr = { 256 * sizeof(struct gate) - 1, ENTRY_IDT_VA };
	uint64_t stub = (uint64_t)entry_cpu_of(cpu) + PAGE_SIZE;

	desc_load_idle_gdt();
	__asm__ volatile("pushq %0\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:\tmovl %1, %%ss\n\t"
			 "xorl %%eax, %%eax\n\t"
			 "movl %%eax, %%ds\n\t"
			 "movl %%eax, %%es\n\t"
			 "movl %%eax, %%fs\n\t"
			 "movl %%eax, %%gs"
			 :
			 : "i"(SEL_HV_CS), "r"(SEL_HV_DS)
			 : "rax", "memory");
	__asm__ volatile("lidt %0" : : "m"(idtr));
	__asm__ volatile("lldt %0" : : "r"((uint16_t)0));
	/* A busy TSS (CPU restarted) would fault: make it available again. */
	set_system_desc(SEL_TSS(cpu), (uint64_t)entry_cpu_of(cpu),
			sizeof(struct tss) - 1, 9);
	__asm__ volatile("ltr %0" : : "r"((uint16_t)SEL_TSS(cpu)));

	wrmsr(MSR_STAR, ((uint64_t)SEL_G_CS32 << 48) |
				((uint64_t)SEL_HV_CS << 32));
	wrmsr(MSR_LSTAR, stub);
	wrmsr(MSR_CSTAR, stub + 128);
	wrmsr(MSR_SYSCALL_MASK, SYSCALL_CLEAR);
	/* Closed, whatever firmware or a kernel that kexec left behind wrote. */
	wrmsr(MSR_SYSENTER_CS, 0);
}

uint64_t desc_gdt_maddr(void)
{
	return virt_to_maddr((const void *)gdt_page_va);
}
