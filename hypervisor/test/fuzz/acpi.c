/*
 * acpi.c - fuzz target: the static ACPI tables.
 * uses: x86/acpi.c
 * uses: x86/acpi_find.c
 * uses: x86/e820.c
 *
 * First byte even: the rest is the firmware's memory as it is.  Odd: the
 * rest is cut into the bodies of MADT, FADT, HPET and MCFG (two bytes of
 * length each), with headers and sums that are right, so that the fuzzer
 * gets past them.
 */
#include "include/types.h"
#include "x86/acpi.h"
#include "x86/e820.h"

#include <stdlib.h>
#include <string.h>

#define BASE   0xe0000ULL
#define SIZE   0x8000u
#define TABLES 4
#define PIECES 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t mem[SIZE];
static size_t mem_size;
static void *pieces[PIECES];
static unsigned int piece_count;

/* An exact copy of each piece, so that ASan sees a byte too much. */
const void *acpi_map(uint64_t addr, size_t n)
{
	void *p;

	if (addr < BASE || addr - BASE >= mem_size ||
	    n > mem_size - (addr - BASE) || piece_count == PIECES) {
		return NULL;
	}
	p = malloc(n ? n : 1);
	memcpy(p, mem + (addr - BASE), n);
	pieces[piece_count++] = p;
	return p;
}

static void fix_sum(uint8_t *p, size_t n, size_t at)
{
	uint8_t sum = 0;

	p[at] = 0;
	for (size_t i = 0; i < n; i++) {
		sum = (uint8_t)(sum + p[i]);
	}
	p[at] = (uint8_t)-sum;
}

static size_t put_table(size_t at, const char *sig, const void *body, size_t n)
{
	uint32_t len = (uint32_t)n + 36;

	memcpy(mem + at, sig, 4);
	memcpy(mem + at + 4, &len, 4);
	memcpy(mem + at + 36, body, n);
	fix_sum(mem + at, len, 9);
	return (at + len + 7) & ~7ULL;
}

/* RSDP at 0, XSDT at 64, the tables behind. */
static void build(const uint8_t *data, size_t size)
{
	static const char *const sig[TABLES] = { "APIC", "FACP", "HPET",
						 "MCFG" };
	uint64_t entry[TABLES], xsdt = BASE + 64;
	uint32_t len = 36;
	size_t at = 256;

	memset(mem, 0, sizeof(mem));
	mem_size = SIZE;
	for (unsigned int i = 0; i < TABLES; i++) {
		size_t n = 0;

		if (size >= 2) {
			n = MIN((size_t)(data[0] | (data[1] & 3) << 8),
				size - 2);
			data += 2;
			size -= 2;
		}
		entry[i] = BASE + at;
		at = put_table(at, sig[i], data, n);
		data += n;
		size -= n;
	}
	put_table(64, "XSDT", entry, sizeof(entry));
	memcpy(mem, "RSD PTR ", 8);
	mem[15] = 2;
	memcpy(mem + 20, &len, 4);
	memcpy(mem + 24, &xsdt, 8);
	fix_sum(mem, 20, 8);
	fix_sum(mem, 36, 32);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct acpi_hints hints = { 0 };
	static struct acpi_info info;

	if (size == 0) {
		return 0;
	}
	if (data[0] & 1) {
		build(data + 1, size - 1);
	} else {
		mem_size = MIN(size - 1, sizeof(mem));
		memcpy(mem, data + 1, mem_size);
		hints.rsdp = BASE + (data[0] & 0xf0);
		hints.efi_system_table = BASE + (data[0] & 0xe) * 16;
		hints.rsdp_copy = mem;
		hints.rsdp_copy_len = MIN(mem_size, (size_t)36);
	}
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
