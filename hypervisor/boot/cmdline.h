/*
 * cmdline.h - the hypervisor's command line, as options.
 *
 * docs/hypervisor-command-line.md describes each for the operator; its list
 * and the table in cmdline.c are compared by a test.
 */
#ifndef BOOT_CMDLINE_H
#define BOOT_CMDLINE_H

#include "include/types.h"

/* A size that may be relative: "all memory but that much". */
struct option_size {
	bool given;
	bool all_but; /* it was negative */
	uint64_t bytes;
};

enum option_tristate { OPTION_AUTO, OPTION_OFF, OPTION_ON };

struct options {
	bool console_com1, console_vga, console_none;
	uint32_t com1_baud; /* 0: leave as the firmware set it */
	uint16_t com1_base; /* I/O port */

	struct option_size dom0_mem, dom0_mem_min, dom0_mem_max;
	unsigned int dom0_vcpus_min, dom0_vcpus_max; /* 0: not given */
	unsigned int max_cpus;			     /* 0: not given */

	int loglvl; /* enum log_level: highest that is printed */
	int guest_loglvl;
	bool noreboot;	/* halt instead, so that the message stays */
	enum option_tristate xpti, spec_ctrl, smep, smap, x2apic;
	uint32_t tsc_khz_forced; /* 0: calibrate */
};

/* Defaults: serial line and screen, 115200 baud, warnings and worse. */
void options_init(struct options *o);

/*
 * Read `line` into *o.  For every option that is unknown or has a bad value
 * complain(option, why) is called, and the rest is still read.
 * Returns how many complaints there were.
 */
unsigned int cmdline_parse(const char *line, struct options *o,
			   void (*complain)(const char *option,
					    const char *why));

/* How much memory dom0 gets out of `available` bytes; whole pages. */
uint64_t options_dom0_bytes(const struct options *o, uint64_t available);
/* How many vCPUs on `cpus` physical CPUs. */
unsigned int options_dom0_vcpus(const struct options *o, unsigned int cpus);

/* Name of table row i, NULL at the end: for the documentation test. */
const char *cmdline_option_name(unsigned int i);

#endif
