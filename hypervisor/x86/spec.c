/*
 * spec.c - see spec.h.
 *
 * Sources: Intel's and AMD's guidance on IBPB (IA32_PRED_CMD, 0x49) and, for
 * VERW, Intel's "Microarchitectural Data Sampling".
 */
#include "x86/spec.h"
#include "core/domain.h"
#include "core/log.h"
#include "x86/insn.h"
#include "x86/layout.h"

#define MSR_PRED_CMD   0x49
#define PRED_CMD_IBPB  1
#define CPUID7D_IBRSB  (1u << 26)
#define CPUID7D_CLEAR  (1u << 10)
#define CPUID8B_IBPB   (1u << 12)
#define NOBODY	       0xffff

static bool use_ibpb, use_verw;
/* Whose traces a CPU holds: the last domain's id, which is not soon reused. */
static uint16_t last_domain[MAX_CPUS];

void spec_init(bool off)
{
	struct cpuid_regs l7 = { 0, 0, 0, 0 }, l8 = { 0, 0, 0, 0 };
	unsigned int i;

	for (i = 0; i < MAX_CPUS; i++) {
		last_domain[i] = NOBODY;
	}
	if (cpuid(0).a >= 7) {
		l7 = cpuid_count(7, 0);
	}
	if (cpuid(0x80000000).a >= 0x80000008) {
		l8 = cpuid(0x80000008);
	}
	use_ibpb = !off && ((l7.d & CPUID7D_IBRSB) || (l8.b & CPUID8B_IBPB));
	use_verw = !off && (l7.d & CPUID7D_CLEAR);
	printk(LOG_INFO "Speculation: between domains %s%s%s%s\n",
	       use_ibpb ? "IBPB" : "", use_ibpb && use_verw ? " and " : "",
	       use_verw ? "VERW" : "",
	       use_ibpb || use_verw ? ""
	       : off		    ? "nothing (command line)"
				    : "nothing (the CPU offers nothing)");
}

/* With a writable data selector VERW also empties the fill buffers. */
static void clear_buffers(void)
{
	static const uint16_t selector = SEL_HV_DS;

	__asm__ volatile("verw %0" : : "m"(selector) : "cc");
}

void spec_enter_domain(unsigned int cpu, const struct domain *d)
{
	if (last_domain[cpu] == d->id) {
		return;
	}
	last_domain[cpu] = d->id;
	if (use_ibpb) {
		wrmsr(MSR_PRED_CMD, PRED_CMD_IBPB);
	}
	if (use_verw) {
		clear_buffers();
	}
}
