/*
 * acpi_find.c - where the ACPI root pointer is.
 *
 * Tried in this order: the address the loader gave, EFI's configuration
 * table, the BIOS areas that the specification names, and, if the loader
 * left only a copy of the structure, the copy (then its address is searched
 * for in the firmware's memory, because dom0 must be told it on EFI).
 */
#include "include/errno.h"
#include "lib/string.h"
#include "x86/acpi.h"
#include "x86/e820.h"

#define RSDP_V1_SIZE 20
#define RSDP_V2_SIZE 36
#define BIOS_START   0xe0000ULL
#define BIOS_END     0x100000ULL
#define EBDA_POINTER 0x40eULL
/* Do not search further than this for a copy: firmware data is smaller. */
#define SEARCH_MAX (64ULL << 20)

struct rsdp {
	char signature[8];
	uint8_t sum;
	char oem[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t sum_all;
	uint8_t reserved[3];
} __packed;

/* What a system table of UEFI 2.x has at its end. */
struct efi_system_table {
	uint64_t signature;
	uint8_t other[96];
	uint64_t table_count;
	uint64_t tables;
} __packed;
#define EFI_SIGNATURE 0x5453595320494249ULL /* "IBI SYST" */

struct efi_config {
	uint8_t guid[16];
	uint64_t table;
} __packed;

/*
 * Take root table and entry size out of n bytes that may be an RSDP.  The
 * structure's first 20 bytes are all there is in revision 0 and 1.
 */
static bool rsdp_read(const void *p, size_t n, uint64_t *root,
		      unsigned int *entry_size)
{
	struct rsdp r;

	if (n < RSDP_V1_SIZE) {
		return false;
	}
	memset(&r, 0, sizeof(r));
	memcpy(&r, p, MIN(n, sizeof(r)));
	if (memcmp(r.signature, "RSD PTR ", 8) != 0 ||
	    !acpi_sum_ok(p, RSDP_V1_SIZE)) {
		return false;
	}
	if (r.revision >= 2 && n >= RSDP_V2_SIZE &&
	    r.length >= RSDP_V2_SIZE && acpi_sum_ok(p, RSDP_V2_SIZE) &&
	    r.xsdt) {
		*root = r.xsdt;
		*entry_size = 8;
		return true;
	}
	*root = r.rsdt;
	*entry_size = 4;
	return r.rsdt != 0;
}

static bool rsdp_at(uint64_t addr, uint64_t *root, unsigned int *entry_size)
{
	size_t n = RSDP_V2_SIZE;
	const void *p = acpi_map(addr, n);

	if (!p) {
		n = RSDP_V1_SIZE;
		p = acpi_map(addr, n);
	}
	return p && rsdp_read(p, n, root, entry_size);
}

static uint64_t rsdp_from_efi(uint64_t addr)
{
	static const uint8_t acpi20[16] = {
		0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4, 0xd3, 0x11,
		0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81,
	};
	const void *p = acpi_map(addr, sizeof(struct efi_system_table));
	struct efi_system_table st;
	struct efi_config c;

	if (!p) {
		return 0;
	}
	memcpy(&st, p, sizeof(st));
	if (st.signature != EFI_SIGNATURE || st.table_count > 1024) {
		return 0;
	}
	for (uint64_t i = 0; i < st.table_count; i++) {
		p = acpi_map(st.tables + i * sizeof(c), sizeof(c));
		if (!p) {
			return 0;
		}
		memcpy(&c, p, sizeof(c));
		if (memcmp(c.guid, acpi20, sizeof(acpi20)) == 0) {
			return c.table;
		}
	}
	return 0;
}

static uint64_t search(uint64_t start, uint64_t end, const void *want,
		       size_t want_len)
{
	uint64_t root;
	unsigned int size;

	/* In the BIOS areas it is on a paragraph; UEFI (OVMF) aligns to 4. */
	uint64_t step = want ? 4 : 16;

	for (uint64_t a = ALIGN_UP(start, step); a + RSDP_V1_SIZE <= end;
	     a += step) {
		const void *p = acpi_map(a, RSDP_V1_SIZE);

		if (!p || memcmp(p, "RSD PTR ", 8) != 0) {
			continue;
		}
		if (want) {
			p = acpi_map(a, want_len);
			if (p && memcmp(p, want, want_len) == 0) {
				return a;
			}
		} else if (rsdp_at(a, &root, &size)) {
			return a;
		}
	}
	return 0;
}

static uint64_t search_bios(void)
{
	const void *p = acpi_map(EBDA_POINTER, 2);
	uint64_t ebda = 0, found = 0;
	uint16_t segment;

	if (p) {
		memcpy(&segment, p, sizeof(segment));
		ebda = (uint64_t)segment << 4;
	}
	if (ebda >= 0x400 && ebda < 0xa0000) {
		found = search(ebda, ebda + 1024, NULL, 0);
	}
	return found ? found : search(BIOS_START, BIOS_END, NULL, 0);
}

/* Where in the firmware's memory the structure is that we have a copy of. */
static uint64_t search_copy(const struct acpi_hints *h)
{
	uint64_t found = 0;

	for (unsigned int i = 0; i < machine_e820.count && !found; i++) {
		const struct e820_entry *e = &machine_e820.entry[i];

		if (e->type != E820_RAM && e->size <= SEARCH_MAX) {
			found = search(e->addr, e->addr + e->size,
				       h->rsdp_copy, h->rsdp_copy_len);
		}
	}
	return found;
}

int acpi_find_rsdp(struct acpi_info *info, const struct acpi_hints *h,
		   uint64_t *root, unsigned int *entry_size)
{
	uint64_t addr = h->rsdp;

	if ((!addr || !rsdp_at(addr, root, entry_size)) &&
	    h->efi_system_table) {
		addr = rsdp_from_efi(h->efi_system_table);
	}
	if (!addr || !rsdp_at(addr, root, entry_size)) {
		addr = search_bios();
	}
	if (addr && rsdp_at(addr, root, entry_size)) {
		info->rsdp = addr;
		info->rsdp_in_bios_area = addr < BIOS_END;
		return 0;
	}
	if (h->rsdp_copy &&
	    rsdp_read(h->rsdp_copy, h->rsdp_copy_len, root, entry_size)) {
		info->rsdp = search_copy(h);
		return 0;
	}
	return -ENOENT;
}
