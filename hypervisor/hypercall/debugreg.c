/*
 * debugreg.c - what a guest may put into its debug registers.
 *
 * They stay loaded while the hypervisor runs, so a breakpoint inside the hole
 * would be the hypervisor's own #DB (XSA-444 and its elders): refused.  The
 * reserved bits read as the CPU has them.
 */
#include "hypercall/debugreg.h"
#include "hypercall/hc.h"
#include "include/upcall.h"

#define DR6_ONES     0xffff0ff0ULL
#define DR6_ZEROS    0x00001000ULL /* and the upper half */
#define DR7_ONES     0x00000400ULL
#define DR7_ZEROS    0x0000d800ULL
#define DR7_GD	     0x00002000ULL /* would trap our own accesses */
#define DR7_RW_IO    2u
#define LOW32	     0xffffffffULL

/* RW and LEN of a condition, 4 bits each from bit 16 on. */
static bool dr7_ok(uint64_t val)
{
	unsigned int i, ctl;

	for (i = 0; i < 4; i++) {
		ctl = (unsigned int)(val >> (16 + 4 * i)) & 15;
		/* I/O breakpoints need CR4.DE, which guests do not have. */
		if ((val >> (2 * i) & 3) && (ctl & 3) == DR7_RW_IO) {
			return false;
		}
	}
	return true;
}

int debugreg_set(struct vcpu *v, unsigned int reg, uint64_t val)
{
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
		val = (val & LOW32 & ~(DR7_ZEROS | DR7_GD)) | DR7_ONES;
		if (!dr7_ok(val)) {
			return -EPERM;
		}
		break;
	default:
		return -ENODEV;
	}
	port_vcpu_set_debugreg(v, reg, val);
	return 0;
}

int upcall_set_debugreg(struct vcpu *v, unsigned int reg, uint64_t val)
{
	return debugreg_set(v, reg, val);
}

long hc_set_debugreg(struct hc *hc)
{
	return debugreg_set(hc->v, (unsigned int)hc->arg[0], hc->arg[1]);
}

long hc_get_debugreg(struct hc *hc)
{
	unsigned int reg = (unsigned int)hc->arg[0];

	if (reg > 7 || reg == 4 || reg == 5) {
		return -EINVAL;
	}
	return (long)port_vcpu_get_debugreg(hc->v, reg);
}
