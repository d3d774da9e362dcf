/* mce.c - see mce.h.  Intel SDM volume 3, chapter 15. */
#include "x86/mce.h"
#include "include/log.h"
#include "include/port.h"
#include "x86/insn.h"

#define MSR_MCG_CAP    0x179
#define MSR_MCG_STATUS 0x17a
#define MSR_MCG_CTL    0x17b
#define MSR_MC0_CTL    0x400 /* CTL, STATUS, ADDR, MISC of each bank */
#define CAP_CTL	       (1u << 8)
#define MCG_RIPV       1u /* the interrupted program can go on */

#define ST_VALID       (1ULL << 63)
#define ST_UNCORRECTED (1ULL << 61)
#define ST_MISC_VALID  (1ULL << 59)
#define ST_ADDR_VALID  (1ULL << 58)
#define ST_CORRUPT     (1ULL << 57) /* processor context */

static unsigned int banks;

/* Print and clear bank b; its status, 0 if there was nothing. */
static uint64_t take_bank(unsigned int b)
{
	uint32_t msr = MSR_MC0_CTL + 4 * b;
	uint64_t status = rdmsr(msr + 1);

	if (!(status & ST_VALID)) {
		return 0;
	}
	printk("CPU %u: machine check, bank %u: %s error, status 0x%llx, "
	       "address 0x%llx, misc 0x%llx\n",
	       port_cpu(), b,
	       status & ST_UNCORRECTED ? "uncorrected" : "corrected",
	       (unsigned long long)status,
	       status & ST_ADDR_VALID ? (unsigned long long)rdmsr(msr + 2) : 0,
	       status & ST_MISC_VALID ? (unsigned long long)rdmsr(msr + 3) :
					0);
	wrmsr(msr + 1, 0);
	return status;
}

void mce_init_cpu(void)
{
	uint32_t features = cpuid(1).d;
	uint64_t cap;

	/* MCE and MCA */
	if (!(features & (1u << 7)) || !(features & (1u << 14))) {
		return;
	}
	cap = rdmsr(MSR_MCG_CAP);
	banks = cap & 0xff;
	if (cap & CAP_CTL) {
		wrmsr(MSR_MCG_CTL, ~0ULL);
	}
	for (unsigned int b = 0; b < banks; b++) {
		take_bank(b);
		wrmsr(MSR_MC0_CTL + 4 * b, ~0ULL);
	}
}

unsigned int mce_poll(void)
{
	unsigned int found = 0;

	for (unsigned int b = 0; b < banks; b++) {
		/* Uncorrected ones come with an exception of their own. */
		if (!(rdmsr(MSR_MC0_CTL + 4 * b + 1) & ST_UNCORRECTED)) {
			found += take_bank(b) != 0;
		}
	}
	return found;
}

void mce_handle(void)
{
	uint64_t mcg = rdmsr(MSR_MCG_STATUS);
	uint64_t all = 0;

	for (unsigned int b = 0; b < banks; b++) {
		all |= take_bank(b);
	}
	if (!(mcg & MCG_RIPV) || (all & (ST_UNCORRECTED | ST_CORRUPT))) {
		port_panic("machine check: MCG_STATUS 0x%llx",
			   (unsigned long long)mcg);
	}
	wrmsr(MSR_MCG_STATUS, 0);
}
