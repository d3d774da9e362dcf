/*
 * acpi_map.c - acpi_map() of the real machine: the direct map.
 *
 * Firmware keeps its tables in memory below the end of RAM or below 4 GiB,
 * which the direct map covers.
 */
#include "include/port.h"
#include "x86/acpi.h"
#include "x86/e820.h"

const void *acpi_map(uint64_t addr, size_t n)
{
	uint64_t end = MAX(1ULL << 32, e820_ram_end(&machine_e820));

	if (addr == 0 || addr >= end || n > end - addr) {
		return NULL;
	}
	return port_directmap + addr;
}
