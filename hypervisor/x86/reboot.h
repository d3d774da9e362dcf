/*
 * reboot.h - the end: reboot, power-off, and ACPI sleep registers.
 */
#ifndef X86_REBOOT_H
#define X86_REBOOT_H

#include "include/compiler.h"
#include "include/types.h"

/* `noreboot`: halt after a crash, where a reboot would hide the message. */
extern bool machine_noreboot;
/* All CPUs shall stop at the NMI that they get. */
extern bool machine_stopping;

/* By every means the machine has, in turn. */
void machine_reboot(void) __noreturn;
/* Stop all CPUs, keep the power on. */
void machine_halt(void) __noreturn;

#endif
