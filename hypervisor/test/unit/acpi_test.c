/*
 * acpi_test.c - ACPI tables built in memory, read back, and damaged.
 * uses: x86/acpi.c
 * uses: x86/acpi_find.c
 * uses: x86/e820.c
 */
#include "include/errno.h"
#include "test/unit/test.h"
#include "x86/acpi.h"
#include "x86/e820.h"

#include <stdlib.h>
#include <string.h>

/* The firmware's memory; each piece handed out is an exact heap copy. */
#define BASE 0xe0000ULL
#define SIZE 0x20000ULL
static uint8_t mem[SIZE];
static void *pieces[4096];
static unsigned int piece_count;
static uint64_t at;

static void drop_pieces(void)
{
	while (piece_count) {
		free(pieces[--piece_count]);
	}
}

/* ASan sees every byte read beyond what was asked for. */
const void *acpi_map(uint64_t addr, size_t n)
{
	if (addr < BASE || addr >= BASE + SIZE || n > BASE + SIZE - addr) {
		return NULL;
	}
	if (piece_count == 4096) {
		drop_pieces();
	}
	pieces[piece_count] = malloc(n ? n : 1);
	memcpy(pieces[piece_count], mem + (addr - BASE), n);
	return pieces[piece_count++];
}

static void put(uint64_t addr, uint64_t v, unsigned int width)
{
	memcpy(mem + (addr - BASE), &v, width);
}

static void fix_sum(uint64_t addr, size_t n, size_t where)
{
	uint8_t sum = 0;

	mem[addr - BASE + where] = 0;
	for (size_t i = 0; i < n; i++) {
		sum = (uint8_t)(sum + mem[addr - BASE + i]);
	}
	mem[addr - BASE + where] = (uint8_t)-sum;
}

static uint64_t table(const char *sig, const void *body, uint32_t n)
{
	uint64_t addr = at;

	memcpy(mem + (addr - BASE), sig, 4);
	put(addr + 4, 36 + n, 4);
	memcpy(mem + (addr - BASE) + 36, body, n);
	fix_sum(addr, 36 + n, 9);
	at = (addr + 36 + n + 63) & ~63ULL;
	return addr;
}

static uint64_t make_madt(void)
{
	static const uint8_t body[] = {
		0, 0, 0xe0, 0xfe, 1, 0, 0, 0, /* LAPIC address, 8259 */
		0, 8, 0, 0, 1, 0, 0, 0,	      /* CPU 0 */
		0, 8, 1, 2, 1, 0, 0, 0,	      /* CPU 1, APIC 2 */
		0, 8, 2, 4, 0, 0, 0, 0,	      /* not enabled */
		9, 16, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, /* again */
		9, 16, 0, 0, 0x2c, 1, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0,
		1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0,
		1, 12, 1, 0, 0, 0x10, 0xc0, 0xfe, 24, 0, 0, 0,
		2, 10, 0, 0, 2, 0, 0, 0, 0, 0,	   /* IRQ 0 -> 2 */
		2, 10, 0, 9, 9, 0, 0, 0, 0xd, 0,   /* IRQ 9 level high */
		4, 6, 0xff, 0, 0, 1,		   /* NMI: LINT1 of all */
		77, 5, 0, 0, 0,			   /* unknown */
	};

	return table("APIC", body, sizeof(body));
}

static uint64_t make_fadt(void)
{
	static uint8_t body[268 - 36];

	memset(body, 0, sizeof(body));
	body[46 - 36] = 9;
	memcpy(body + 64 - 36, "\x04\x06\0\0", 4);	/* PM1a control */
	memcpy(body + 76 - 36, "\x08\x06\0\0", 4);	/* PM timer */
	body[91 - 36] = 4;
	body[108 - 36] = 0x32;
	memcpy(body + 112 - 36, "\xa5\x84\0\0", 4); /* reset supported */
	memcpy(body + 116 - 36, "\x01\x08\0\0\xf9\x0c\0\0\0\0\0\0", 12);
	body[128 - 36] = 0x0f;
	return table("FACP", body, sizeof(body));
}

static uint64_t make_hpet(void)
{
	static const uint8_t body[] = { 1, 0xa2, 0x86, 0x80, 0, 64, 0, 0,
					0, 0, 0xd0, 0xfe, 0, 0, 0, 0, 0 };

	return table("HPET", body, sizeof(body));
}

static uint64_t make_mcfg(void)
{
	static const uint8_t body[] = { 0, 0, 0, 0, 0, 0, 0, 0,
					0, 0, 0, 0xb0, 0, 0, 0, 0,
					0, 0, 0, 0xff, 0, 0, 0, 0 };

	return table("MCFG", body, sizeof(body));
}

/* Everything, under an XSDT or an RSDT. */
static uint64_t make_all(bool xsdt)
{
	uint64_t t[5], rsdp;
	uint8_t body[5 * 8];
	uint64_t root;

	memset(mem, 0, sizeof(mem));
	at = BASE + 0x1000;
	t[0] = make_fadt();
	t[1] = make_madt();
	t[2] = make_hpet();
	t[3] = make_mcfg();
	t[4] = 0x12345; /* nothing there */
	for (unsigned int i = 0; i < 5; i++) {
		memcpy(body + i * (xsdt ? 8 : 4), &t[i], xsdt ? 8 : 4);
	}
	root = table(xsdt ? "XSDT" : "RSDT", body, xsdt ? 40 : 20);
	rsdp = BASE + 0x40;
	memcpy(mem + 0x40, "RSD PTR ", 8);
	put(rsdp + 15, xsdt ? 2 : 0, 1);
	if (xsdt) {
		put(rsdp + 20, 36, 4);
		put(rsdp + 24, root, 8);
	} else {
		put(rsdp + 16, root, 4);
	}
	fix_sum(rsdp, 20, 8);
	fix_sum(rsdp, 36, 32);
	return rsdp;
}

static struct acpi_info info;

static void check_all(void)
{
	CHECK(info.has_madt && info.has_8259 && info.has_fadt);
	CHECK_EQ(info.cpu_count, 3);
	CHECK_EQ(info.cpu[1].apic_id, 2);
	CHECK_EQ(info.cpu[1].acpi_id, 1);
	CHECK_EQ(info.cpu[2].apic_id, 300);
	CHECK_EQ(info.ioapic_count, 2);
	CHECK_EQ(info.ioapic[1].gsi_base, 24);
	CHECK_EQ(info.ioapic[1].addr, 0xfec01000);
	CHECK_EQ(info.isa[0].gsi, 2);
	CHECK_EQ(ACPI_TRIGGER(info.isa[9].flags), 3);
	CHECK_EQ(ACPI_POLARITY(info.isa[9].flags), 1);
	CHECK(!info.isa[1].present);
	CHECK_EQ(info.nmi_count, 1);
	CHECK_EQ(info.nmi[0].acpi_id, 0xffffffff);
	CHECK_EQ(info.nmi[0].lint, 1);
	CHECK_EQ(info.pm1a_cnt.addr, 0x604);
	CHECK_EQ(info.pm1b_cnt.addr, 0);
	CHECK_EQ(info.pm_timer.addr, 0x608);
	CHECK_EQ(info.reset.addr, 0xcf9);
	CHECK_EQ(info.reset_value, 0x0f);
	CHECK_EQ(info.century, 0x32);
	CHECK_EQ(info.hpet.addr, 0xfed00000);
	CHECK_EQ(info.mcfg_count, 1);
	CHECK_EQ(info.mcfg[0].addr, 0xb0000000);
	CHECK_EQ(info.mcfg[0].last_bus, 255);
}

TEST(acpi_reads_xsdt_and_rsdt)
{
	struct acpi_hints none = { 0 };

	for (int xsdt = 0; xsdt < 2; xsdt++) {
		uint64_t rsdp = make_all(xsdt);

		CHECK_EQ(acpi_init(&info, &none), 0);
		CHECK_EQ(info.rsdp, rsdp);
		CHECK(info.rsdp_in_bios_area);
		check_all();
	}
	drop_pieces();
}

TEST(acpi_finds_rsdp_by_copy_and_searches_its_address)
{
	uint8_t copy[36];
	struct acpi_hints h = { .rsdp_copy = copy, .rsdp_copy_len = 36 };

	make_all(true);
	memcpy(copy, mem + 0x40, 36);
	/* Moved to where only the memory map leads. */
	memset(mem + 0x40, 0, 36);
	machine_e820.count = 0;
	CHECK_EQ(acpi_init(&info, &h), 0);
	CHECK_EQ(info.rsdp, 0);
	check_all();
	drop_pieces();
}

TEST(acpi_without_rsdp)
{
	struct acpi_hints none = { 0 };

	memset(mem, 0, sizeof(mem));
	CHECK_EQ(acpi_init(&info, &none), -ENOENT);
	make_all(true);
	put(BASE + 0x40 + 8, 0x99, 1); /* the sum */
	CHECK_EQ(acpi_init(&info, &none), -ENOENT);
	drop_pieces();
}

/* A table with a wrong sum is left out, the others stay. */
TEST(acpi_damaged_table_is_left_out)
{
	struct acpi_hints none = { 0 };

	make_all(true);
	for (uint64_t a = BASE + 0x1000; a < at; a += 64) {
		if (memcmp(mem + (a - BASE), "APIC", 4) == 0) {
			mem[a - BASE + 50] ^= 0x40;
		}
	}
	CHECK_EQ(acpi_init(&info, &none), 0);
	CHECK(!info.has_madt);
	CHECK_EQ(info.cpu_count, 0);
	CHECK(info.has_fadt);
	drop_pieces();
}

/* Every byte in turn becomes something else, with the sums made right. */
TEST(acpi_survives_any_byte)
{
	static const uint8_t value[] = { 0, 1, 2, 0x24, 0x7f, 0xff };
	struct acpi_hints none = { 0 };
	uint64_t end;

	make_all(true);
	end = at;
	for (uint64_t a = BASE + 0x40; a < end; a++) {
		if (a == BASE + 0x40 + 36) {
			a = BASE + 0x1000;
		}
		for (unsigned int i = 0; i < sizeof(value); i++) {
			uint64_t t = BASE + 0x1000;

			make_all(true);
			mem[a - BASE] = value[i];
			fix_sum(BASE + 0x40, 20, 8);
			fix_sum(BASE + 0x40, 36, 32);
			while (t < end) {
				uint32_t n;

				memcpy(&n, mem + (t - BASE) + 4, 4);
				if (n >= 36 && n < SIZE - (t - BASE)) {
					fix_sum(t, n, 9);
				}
				t = (t + MAX(n, 64u) + 63) & ~63ULL;
			}
			acpi_init(&info, &none);
			CHECK(info.cpu_count <= MAX_CPUS);
			CHECK(info.ioapic_count <= ACPI_IOAPICS);
			drop_pieces();
		}
	}
}
