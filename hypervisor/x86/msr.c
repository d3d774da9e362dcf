/*
 * msr.c - see msr.h.
 *
 * A row: the MSRs first..last, what a read gives and what a write does.
 * "host" is the machine's own value, for dom0 only; other domains, who might
 * learn about their neighbours or the machine, read the row's constant.
 */
#include "x86/msr.h"
#include "core/cpu_policy.h"
#include "core/domain.h"
#include "core/vcpu.h"
#include "include/compiler.h"
#include "include/port.h"
#include "x86/arch.h"
#include "x86/cpu.h"
#include "x86/insn.h"
#include "x86/uaccess.h"

#define EFER_GUEST 0xd01ULL /* SCE LME LMA NX */
/* What genuine Xen shows of the PAT: WB WT UC- UC, reserved, WC WP ... */
#define PAT_GUEST  0x0000050100070406ULL
#define APIC_BASE  0xfee00800ULL
#define APIC_BSP   0x100ULL
/* Two banks; software recovery, extended threshold. */
#define MCG_CAP_GUEST 0x1000c02ULL

enum msr_read {
	READ_FAULTS,
	READ_CONST,
	READ_HOST, /* dom0: the CPU's; else the constant */
	READ_TSC,
	READ_APIC_BASE,
	READ_SEGBASE,
	READ_TSC_AUX,
	READ_POLICY, /* what the domain's CPU policy has */
};

enum msr_write {
	WRITE_FAULTS,
	WRITE_IGNORED,
	WRITE_ZERO,    /* only 0 */
	WRITE_SAME,    /* only what a read gives */
	WRITE_SEGBASE,
	WRITE_TSC_AUX,
};

struct msr_row {
	uint32_t first, last;
	enum msr_read read;
	enum msr_write write;
	uint64_t value; /* READ_CONST, READ_HOST; SEGBASE_* */
};

static const struct msr_row table[] = {
	{ 0x10, 0x10, READ_TSC, WRITE_FAULTS, 0 },
	{ 0x1b, 0x1b, READ_APIC_BASE, WRITE_FAULTS, 0 },
	{ 0x3a, 0x3a, READ_CONST, WRITE_FAULTS, 1 },	/* FEATURE_CONTROL */
	{ 0x8b, 0x8b, READ_HOST, WRITE_ZERO, 0 },	/* microcode */
	{ 0xce, 0xce, READ_CONST, WRITE_FAULTS, 0 },	/* PLATFORM_INFO */
	{ 0x10a, 0x10a, READ_POLICY, WRITE_FAULTS, 0 }, /* ARCH_CAPS */
	{ 0x140, 0x140, READ_CONST, WRITE_ZERO, 0 },	/* MISC_FEATURES */
	{ 0x179, 0x179, READ_CONST, WRITE_IGNORED, MCG_CAP_GUEST },
	{ 0x17a, 0x17b, READ_CONST, WRITE_IGNORED, 0 }, /* MCG_STATUS, CTL */
	{ 0x186, 0x189, READ_CONST, WRITE_IGNORED, 0 }, /* PERFEVTSEL */
	{ 0xc1, 0xc8, READ_CONST, WRITE_IGNORED, 0 },	/* PMC */
	{ 0x198, 0x198, READ_CONST, WRITE_FAULTS, 0 },	/* PERF_STATUS */
	{ 0x199, 0x199, READ_CONST, WRITE_IGNORED, 0 }, /* PERF_CTL */
	{ 0x19c, 0x19c, READ_CONST, WRITE_FAULTS, 0 },	/* THERM_STATUS */
	{ 0x1a0, 0x1a0, READ_CONST, WRITE_IGNORED, 0x801801 }, /* MISC_EN */
	{ 0x277, 0x277, READ_CONST, WRITE_FAULTS, PAT_GUEST },
	{ 0x280, 0x281, READ_CONST, WRITE_IGNORED, 0 }, /* MC_CTL2 */
	{ 0x345, 0x345, READ_CONST, WRITE_FAULTS, 0 },	/* PERF_CAP */
	{ 0x38d, 0x390, READ_CONST, WRITE_IGNORED, 0 }, /* PERF_GLOBAL */
	{ 0x400, 0x400, READ_CONST, WRITE_IGNORED, ~0ULL }, /* MC0_CTL */
	{ 0x401, 0x403, READ_CONST, WRITE_ZERO, 0 },
	{ 0x404, 0x404, READ_CONST, WRITE_IGNORED, ~0ULL }, /* MC1_CTL */
	{ 0x405, 0x407, READ_CONST, WRITE_ZERO, 0 },
	{ 0x40000000, 0x40000000, READ_CONST, WRITE_FAULTS, 0 },
	{ 0xc0000080, 0xc0000080, READ_CONST, WRITE_SAME, EFER_GUEST },
	{ 0xc0000100, 0xc0000100, READ_SEGBASE, WRITE_SEGBASE, SEGBASE_FS },
	{ 0xc0000101, 0xc0000101, READ_SEGBASE, WRITE_SEGBASE,
	  SEGBASE_GS_KERNEL },
	{ 0xc0000102, 0xc0000102, READ_SEGBASE, WRITE_SEGBASE,
	  SEGBASE_GS_USER },
	{ MSR_TSC_AUX, MSR_TSC_AUX, READ_TSC_AUX, WRITE_TSC_AUX, 0 },
	{ 0xc001001f, 0xc001001f, READ_CONST, WRITE_IGNORED, 0 }, /* NB_CFG */
};

static const struct msr_row *find(uint32_t msr)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		if (msr >= table[i].first && msr <= table[i].last) {
			return &table[i];
		}
	}
	return NULL;
}

/* GS: the guest's current one is its kernel's; "user" is the other. */
static uint64_t segment_base(struct vcpu *v, uint64_t which)
{
	port_vcpu_sync_regs(v);
	switch (which) {
	case SEGBASE_FS:
		return v->pv.fs_base;
	case SEGBASE_GS_KERNEL:
		return v->pv.gs_base_kernel;
	default:
		return v->pv.gs_base_user;
	}
}

bool msr_guest_read(struct vcpu *v, uint32_t msr, uint64_t *val)
{
	const struct msr_row *r = find(msr);

	if (!r) {
		return false;
	}
	switch (r->read) {
	case READ_CONST:
		*val = r->value;
		return true;
	case READ_HOST:
		if (!v->domain->privileged || rdmsr_safe(msr, val) != 0) {
			*val = r->value;
		}
		return true;
	case READ_TSC:
		*val = rdtsc();
		return true;
	case READ_APIC_BASE:
		*val = APIC_BASE | (v->id == 0 ? APIC_BSP : 0);
		return true;
	case READ_SEGBASE:
		*val = segment_base(v, r->value);
		return true;
	case READ_TSC_AUX:
		*val = v->arch->tsc_aux;
		return cpu_has_tsc_aux;
	case READ_POLICY:
		return v->domain->policy &&
		       cpu_policy_get_msr(v->domain->policy, msr, val);
	default:
		return false;
	}
}

bool msr_guest_write(struct vcpu *v, uint32_t msr, uint64_t val)
{
	const struct msr_row *r = find(msr);
	uint64_t now;

	if (!r) {
		return false;
	}
	switch (r->write) {
	case WRITE_IGNORED:
		return true;
	case WRITE_ZERO:
		return val == 0;
	case WRITE_SAME:
		return msr_guest_read(v, msr, &now) && val == now;
	case WRITE_SEGBASE:
		/* a base that is not canonical would fault in our WRMSR */
		return gva_is_canonical(GVA(val)) &&
		       port_vcpu_set_segbase(v, (unsigned int)r->value,
					     val) == 0;
	case WRITE_TSC_AUX:
		if (!cpu_has_tsc_aux || val >> 32) {
			return false;
		}
		v->arch->tsc_aux = (uint32_t)val;
		wrmsr(MSR_TSC_AUX, val);
		return true;
	default:
		return false;
	}
}
