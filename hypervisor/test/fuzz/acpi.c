/*
 * acpi.c - fuzz target: bytes as the firmware's memory, from 0xe0000 on.
 * uses: x86/acpi.c
 * uses: x86/acpi_find.c
 * uses: x86/e820.c
 *
 * Sums are not repaired but ignored bytes are cheap to find: the fuzzer
 * starts from the corpus of real tables.
 */
#include "include/types.h"
#include "x86/acpi.h"
#include "x86/e820.h"

#include <stdlib.h>
#include <string.h>

#define BASE 0xe0000ULL

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *mem;
static size_t mem_size;
static void *pieces[65536];
static unsigned int piece_count;

const void *acpi_map(uint64_t addr, size_t n)
{
	void *p;

	if (addr < BASE || addr - BASE >= mem_size ||
	    n > mem_size - (addr - BASE) || piece_count == 65536) {
		return NULL;
	}
	p = malloc(n ? n : 1);
	memcpy(p, mem + (addr - BASE), n);
	pieces[piece_count++] = p;
	return p;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct acpi_hints hints = { .rsdp_copy = data, .rsdp_copy_len = size };
	static struct acpi_info info;

	mem = data;
	mem_size = size;
	if (size > 40 && data[size - 1] & 1) {
		hints.rsdp = BASE + data[size - 2];
		hints.efi_system_table = BASE + data[size - 3];
	}
	hints.rsdp_copy_len = MIN(size, (size_t)36);
	acpi_init(&info, &hints);
	if (info.cpu_count > MAX_CPUS || info.ioapic_count > ACPI_IOAPICS ||
	    info.nmi_count > ACPI_NMIS || info.mcfg_count > ACPI_MCFGS) {
		abort();
	}
	while (piece_count) {
		free(pieces[--piece_count]);
	}
	return 0;
}
