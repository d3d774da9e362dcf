/* apic.c - see apic.h. */
#include "x86/apic.h"
#include "include/log.h"
#include "x86/acpi.h"
#include "x86/insn.h"
#include "x86/irq.h"
#include "x86/mmio.h"

#define MSR_APIC_BASE	 0x1b
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_X2APIC	 0x800 /* + register offset / 16 */
#define BASE_ENABLE	 (1ULL << 11)
#define BASE_X2APIC	 (1ULL << 10)
#define BASE_ADDR	 0x000ffffffffff000ULL

#define REG_ID	     0x020
#define REG_VERSION  0x030
#define REG_TPR	     0x080
#define REG_EOI	     0x0b0
#define REG_SVR	     0x0f0
#define REG_ISR	     0x100
#define REG_IRR	     0x200
#define REG_ESR	     0x280
#define REG_ICR	     0x300
#define REG_ICR_HIGH 0x310
#define REG_LVT_TMR  0x320
#define REG_LVT_THM  0x330
#define REG_LVT_PMC  0x340
#define REG_LVT_LINT 0x350 /* LINT1 at +0x10 */
#define REG_LVT_ERR  0x370
#define REG_TMICT    0x380
#define REG_TMCCT    0x390
#define REG_TDCR     0x3e0

#define SVR_ENABLE	 0x100
#define LVT_MASKED	 0x10000
#define LVT_NMI		 0x400
#define LVT_LOW		 0x2000
#define LVT_TSC_DEADLINE 0x40000
#define TDCR_BY_1	 0xb

static volatile uint8_t *base; /* NULL in x2APIC mode */
static bool x2apic, deadline;
static uint32_t errors;

static uint32_t reg_read(unsigned int reg)
{
	if (x2apic) {
		return (uint32_t)rdmsr(MSR_X2APIC + (reg >> 4));
	}
	return mmio_read32(base + reg);
}

static void reg_write(unsigned int reg, uint32_t v)
{
	if (x2apic) {
		wrmsr(MSR_X2APIC + (reg >> 4), v);
	} else {
		mmio_write32(base + reg, v);
	}
}

/* Both 8259s: vectors that nobody uses, and every line masked. */
static void pic_silence(void)
{
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
	outb(0x20, 0x11);
	outb(0x21, VEC_PIC);
	outb(0x21, 0x04);
	outb(0x21, 0x01);
	outb(0xa0, 0x11);
	outb(0xa1, VEC_PIC + 8);
	outb(0xa1, 0x02);
	outb(0xa1, 0x01);
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
}

void apic_init(bool allow_x2apic)
{
	uint64_t msr = rdmsr(MSR_APIC_BASE);
	struct cpuid_regs r = cpuid(1);

	if (!(r.d & (1u << 9))) {
		port_panic("this CPU has no local APIC");
	}
	if (machine_acpi.has_madt ? machine_acpi.has_8259 : true) {
		pic_silence();
	}
	deadline = r.c & (1u << 24);
	/* Once the firmware switched to it there is no way back. */
	x2apic = (msr & BASE_X2APIC) || (allow_x2apic && (r.c & (1u << 21)));
	if (!x2apic) {
		base = mmio_map(msr & BASE_ADDR, PAGE_SIZE);
	}
	printk("APIC: %s mode, %s timer\n", x2apic ? "x2APIC" : "xAPIC",
	       deadline ? "TSC deadline" : "one-shot");
}

static void init_nmi_lines(uint32_t acpi_id)
{
	for (unsigned int i = 0; i < machine_acpi.nmi_count; i++) {
		const struct acpi_nmi *n = &machine_acpi.nmi[i];

		if (n->acpi_id == acpi_id || n->acpi_id == ~0U) {
			reg_write(REG_LVT_LINT + n->lint * 0x10,
				  LVT_NMI | (ACPI_POLARITY(n->flags) == 3 ?
						     LVT_LOW :
						     0));
		}
	}
}

void apic_init_cpu(uint32_t acpi_id)
{
	uint64_t msr = rdmsr(MSR_APIC_BASE) | BASE_ENABLE;
	unsigned int lvts;

	wrmsr(MSR_APIC_BASE, msr);
	if (x2apic) {
		wrmsr(MSR_APIC_BASE, msr | BASE_X2APIC);
	}
	reg_write(REG_SVR, SVR_ENABLE | VEC_SPURIOUS);
	reg_write(REG_TPR, 0);
	/* What the firmware left in service would block lower vectors. */
	for (unsigned int i = 0; i < 256; i++) {
		bool busy = false;

		for (unsigned int w = 0; w < 8; w++) {
			busy |= reg_read(REG_ISR + w * 0x10) != 0;
		}
		if (!busy) {
			break;
		}
		apic_eoi();
	}
	lvts = ((reg_read(REG_VERSION) >> 16) & 0xff) + 1;
	reg_write(REG_LVT_LINT, LVT_MASKED);
	reg_write(REG_LVT_LINT + 0x10, LVT_MASKED);
	if (lvts > 4) {
		reg_write(REG_LVT_PMC, LVT_MASKED);
	}
	if (lvts > 5) {
		reg_write(REG_LVT_THM, LVT_MASKED);
	}
	init_nmi_lines(acpi_id);
	reg_write(REG_LVT_TMR,
		  VEC_TIMER | (deadline ? LVT_TSC_DEADLINE : 0));
	/* SDM 10.5.4.1: the mode must be set before the deadline MSR is. */
	__asm__ volatile("mfence" : : : "memory");
	if (!deadline) {
		reg_write(REG_TDCR, TDCR_BY_1);
		reg_write(REG_TMICT, 0);
	}
	reg_write(REG_ESR, 0);
	reg_write(REG_LVT_ERR, VEC_APIC_ERROR);
}

bool apic_is_x2apic(void)
{
	return x2apic;
}

bool apic_has_deadline(void)
{
	return deadline;
}

uint32_t apic_id(void)
{
	uint32_t v = reg_read(REG_ID);

	return x2apic ? v : v >> 24;
}

void apic_eoi(void)
{
	reg_write(REG_EOI, 0);
}

void apic_send_ipi(uint32_t to, uint32_t icr)
{
	if (x2apic) {
		/* WRMSR here is not serialising: earlier stores first. */
		__asm__ volatile("mfence; lfence" : : : "memory");
		wrmsr(MSR_X2APIC + (REG_ICR >> 4), ((uint64_t)to << 32) | icr);
		return;
	}
	reg_write(REG_ICR_HIGH, to << 24);
	reg_write(REG_ICR, icr);
	while (reg_read(REG_ICR) & ICR_PENDING) {
		cpu_pause();
	}
}

bool apic_irq_pending(void)
{
	/* Vectors below 0x20 are exceptions. */
	for (unsigned int w = 1; w < 8; w++) {
		if (reg_read(REG_IRR + w * 0x10)) {
			return true;
		}
	}
	return false;
}

bool apic_in_service(unsigned int vector)
{
	return reg_read(REG_ISR + (vector / 32) * 0x10) &
	       (1u << (vector % 32));
}

void apic_timer_set(uint32_t ticks)
{
	reg_write(REG_TMICT, ticks);
}

uint32_t apic_timer_left(void)
{
	return reg_read(REG_TMCCT);
}

void apic_timer_set_deadline(uint64_t tsc)
{
	wrmsr(MSR_TSC_DEADLINE, tsc);
}

void apic_error(void)
{
	uint32_t esr;

	reg_write(REG_ESR, 0);
	esr = reg_read(REG_ESR);
	/* Enough to notice; a broken bus must not fill the log. */
	if (errors++ < 20) {
		printk("APIC %u: error status 0x%x\n", apic_id(), esr);
	}
}
