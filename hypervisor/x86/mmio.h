/*
 * mmio.h - device registers and firmware memory, mapped and remembered.
 *
 * fixmap_mmio() mappings are never taken back, so each page is mapped once
 * and found again: MSI-X tables come and go with their drivers.
 */
#ifndef X86_MMIO_H
#define X86_MMIO_H

#include "include/types.h"

/*
 * Address of the n bytes of device registers at maddr, which must not cross
 * a page.  NULL when the table of mappings is full.  Any context.
 */
volatile void *mmio_map(uint64_t maddr, size_t n);

/*
 * n bytes (up to 1 MiB) of memory that need not be RAM, mapped uncached in
 * larger windows; for ACPI tables.  Start-up only.
 */
const void *mmio_map_window(uint64_t maddr, size_t n);

#endif
