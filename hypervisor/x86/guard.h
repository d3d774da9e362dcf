/* guard.h - the devices that the hypervisor keeps for itself. */
#ifndef X86_GUARD_H
#define X86_GUARD_H

/*
 * Reserve the pages of local APICs and IO-APICs in the memory map that
 * dom0 sees, and keep guests from mapping them.  After acpi_init().
 */
void guard_devices(void);

#endif
