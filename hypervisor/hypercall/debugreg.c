/*
 * debugreg.c - what a guest may put into its debug registers.
 *
 * They stay loaded while the hypervisor runs, so a breakpoint inside the hole
 * would be the hypervisor's own #DB (XSA-444 and its elders): refused.  The
 * reserved bits read as the CPU has them, and DR4 and DR5 are DR6 and DR7 for a
 * guest that did not set CR4.DE.
 */
#include "hypercall/debugreg.h"
#include "hypercall/hc.h"
#include "include/nospec.h"
#include "include/upcall.h"

#define DR6_ONES     0xffff0ff0ULL
#define DR6_ZEROS    0x00001000ULL /* and the upper half */
#define DR7_ONES     0x00000400ULL
#define DR7_ZEROS    0x0000d800ULL
#define DR7_GD	     0x00002000ULL /* would trap our own accesses */
#define DR7_RW_IO    2u
#define LOW32	     0xffffffffULL
#define CR4_DE	     0x8u

/* RW and LEN of a condition, 4 bits each from bit 16 on. */
static bool dr7_ok(uint64_t val)
{
	unsigned int i, ctl;

	if (val & DR7_GD) {
		return false;
	}
	for (i = 0; i < 4; i++) {
		ctl = (unsigned int)(val >> (16 + 4 * i)) & 15;
		/* I/O breakpoints need CR4.DE, which guests do not have. */
		if ((val >> (2 * i) & 3) && (ctl & 3) == DR7_RW_IO) {
			return false;
		}
	}
	return true;
}

static unsigned int without_alias(const struct vcpu *v, unsigned int reg)
{
	bool alias = reg == 4 || reg == 5;

	return alias && !(v->pv.cr4_guest & CR4_DE) ? reg + 2 : reg;
}

int debugreg_set(struct vcpu *v, unsigned int reg, uint64_t val)
{
	reg = without_alias(v, reg);
	switch (reg) {
	case 0:
	case 1:
	case 2:
	case 3:
		if (!gva_is_canonical(GVA(val)) || !gva_range_ok(GVA(val), 8)) {
			return -EPERM;
		}
		break;
	case 6:
		val = (val & LOW32 & ~DR6_ZEROS) | DR6_ONES;
		break;
	case 7:
		val = (val & LOW32 & ~DR7_ZEROS) | DR7_ONES;
		if (!dr7_ok(val)) {
			return -EPERM;
		}
		break;
	default:
		return -ENODEV;
	}
	port_vcpu_set_debugreg(v, index_nospec(reg, 8), val);
	return 0;
}

int upcall_set_debugreg(struct vcpu *v, unsigned int reg, uint64_t val)
{
	return debugreg_set(v, reg, val);
}

int upcall_get_debugreg(struct vcpu *v, unsigned int reg, uint64_t *val)
{
	reg = without_alias(v, reg);
	if (reg > 7 || reg == 4 || reg == 5) {
		return -EINVAL;
	}
	*val = port_vcpu_get_debugreg(v, index_nospec(reg, 8));
	return 0;
}

long hc_set_debugreg(struct hc *hc)
{
	return debugreg_set(hc->v, (unsigned int)hc->arg[0], hc->arg[1]);
}

long hc_get_debugreg(struct hc *hc)
{
	uint64_t val;
	int rc = upcall_get_debugreg(hc->v, (unsigned int)hc->arg[0], &val);

	return rc ? rc : (long)val;
}
