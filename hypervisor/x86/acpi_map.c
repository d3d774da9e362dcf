/*
 * acpi_map.c - acpi_map() of the real machine.
 *
 * The direct map covers RAM and the low megabyte only; firmware keeps its
 * tables in reserved memory, which is mapped on demand.
 */
#include "include/port.h"
#include "x86/acpi.h"
#include "x86/e820.h"
#include "x86/mmio.h"

#define LOW_END	  0x100000ULL
#define ADDR_BITS 52

const void *acpi_map(uint64_t addr, size_t n)
{
	if (addr == 0 || addr >> ADDR_BITS || n > LOW_END) {
		return NULL;
	}
	if (addr + n <= LOW_END ||
	    e820_covers(&machine_e820, addr, n, E820_RAM)) {
		return port_directmap + addr;
	}
	return mmio_map_window(addr, n);
}
