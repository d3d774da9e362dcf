/*
 * elf_test.c - the kernel loader's parser, on files made here.
 *
 * Every message that an operator may see has a test that provokes it, and a
 * good file cut short anywhere must never be accepted with a segment beyond
 * its end.
 *
 * uses: boot/elf.c
 */
#include "boot/elf.h"
#include "test/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VIRT  0xffffffff80000000ULL
#define NOTES 0x200 /* offset of the notes in the file */
#define TEXT  0x1000
#define TEXT_SIZE 0x2000
#define FILE_SIZE (TEXT + TEXT_SIZE)

static uint8_t file[FILE_SIZE];
static size_t notes_end;

static void put(size_t at, uint64_t v, unsigned int bytes)
{
	memcpy(file + at, &v, bytes);
}

static void note(uint32_t type, const void *desc, uint32_t size)
{
	put(notes_end, 4, 4);
	put(notes_end + 4, size, 4);
	put(notes_end + 8, type, 4);
	memcpy(file + notes_end + 12, "Xen", 4);
	memcpy(file + notes_end + 16, desc, size);
	notes_end += 16 + ((size + 3) & ~3u);
	put(64 + 56 + 32, notes_end - NOTES, 8); /* PT_NOTE's size */
}

static void note64(uint32_t type, uint64_t v)
{
	note(type, &v, 8);
}

static void note32(uint32_t type, uint32_t v)
{
	note(type, &v, 4);
}

static void program(unsigned int i, uint32_t type, uint64_t offset,
		    uint64_t paddr, uint64_t filesz, uint64_t memsz)
{
	size_t at = 64 + i * 56;

	put(at, type, 4);
	put(at + 8, offset, 8);
	put(at + 16, VIRT + paddr, 8);
	put(at + 24, paddr, 8);
	put(at + 32, filesz, 8);
	put(at + 40, memsz, 8);
}

/* As Linux 6.1: one segment, notes, no hypercall page. */
static void make_kernel(void)
{
	memset(file, 0, sizeof(file));
	memcpy(file, "\177ELF\2\1\1", 7);
	put(16, 2, 2);
	put(18, 62, 2);
	put(32, 64, 8);	 /* phoff */
	put(54, 56, 2);	 /* phentsize */
	put(56, 2, 2);	 /* phnum */
	program(0, 1, TEXT, 0x1000000, TEXT_SIZE, TEXT_SIZE + 0x1000);
	program(1, 4, NOTES, 0, 0, 0);
	notes_end = NOTES;
	note(XEN_ELFNOTE_GUEST_OS, "linux", 6);
	note(XEN_ELFNOTE_GUEST_VERSION, "2.6", 4);
	note64(XEN_ELFNOTE_VIRT_BASE, VIRT);
	note64(XEN_ELFNOTE_INIT_P2M, 0x8000000000);
	note64(XEN_ELFNOTE_ENTRY, VIRT + 0x1000100);
	note(XEN_ELFNOTE_FEATURES, "!writable_page_tables|pae_pgdir_above_4gb",
	     41);
	note32(XEN_ELFNOTE_SUPPORTED_FEATURES, 0x8801);
	note32(XEN_ELFNOTE_MOD_START_PFN, 1);
}

static const char *parse(struct elf_kernel *k)
{
	return elf_parse_kernel(file, sizeof(file), k);
}

static bool says(const char *why, const char *part)
{
	if (why && strstr(why, part)) {
		return true;
	}
	fprintf(stderr, "said: %s\n", why ? why : "(accepted)");
	return false;
}

TEST(elf_reads_a_linux_kernel)
{
	struct elf_kernel k;

	make_kernel();
	CHECK(parse(&k) == NULL);
	CHECK_EQ(k.virt_base, VIRT);
	CHECK_EQ(k.entry, VIRT + 0x1000100);
	CHECK_EQ(k.init_p2m, 0x8000000000);
	CHECK(k.has_init_p2m && k.mod_start_pfn && !k.has_hypercall_page);
	CHECK_EQ(k.segment_count, 1);
	CHECK_EQ(k.paddr_start, 0x1000000);
	CHECK_EQ(k.paddr_end, 0x1000000 + TEXT_SIZE + 0x1000);
	CHECK(strcmp(k.guest_os, "linux") == 0);
	CHECK(strcmp(k.guest_version, "2.6") == 0);
}

TEST(elf_subtracts_paddr_offset)
{
	struct elf_kernel k;

	make_kernel();
	put(64 + 24, VIRT + 0x1000000, 8);
	note64(XEN_ELFNOTE_PADDR_OFFSET, VIRT);
	CHECK(parse(&k) == NULL);
	CHECK_EQ(k.segment[0].paddr, 0x1000000);
}

TEST(elf_refuses_what_is_no_kernel)
{
	struct elf_kernel k;

	make_kernel();
	file[0] = 0;
	CHECK(says(parse(&k), "neither an ELF file nor a bzImage"));
	make_kernel();
	file[4] = 1;
	CHECK(says(parse(&k), "not a 64-bit x86"));
	make_kernel();
	put(18, 183, 2);
	CHECK(says(parse(&k), "not a 64-bit x86"));
	make_kernel();
	put(64 + 56 + 32, 0, 8);
	CHECK(says(parse(&k), "not a PV kernel"));
	CHECK(says(elf_parse_kernel(file, 0, &k), "empty"));
}

TEST(elf_refuses_bad_segments)
{
	struct elf_kernel k;

	make_kernel();
	program(0, 1, TEXT, 0x1000000, TEXT_SIZE + 1, TEXT_SIZE + 1);
	CHECK(says(parse(&k), "beyond its end"));
	make_kernel();
	program(0, 1, UINT64_MAX, 0x1000000, 2, 2);
	CHECK(says(parse(&k), "beyond its end"));
	make_kernel();
	program(0, 1, TEXT, 0x1000000, 0x100, 0x80);
	CHECK(says(parse(&k), "larger in the file"));
	make_kernel();
	program(0, 1, TEXT, UINT64_MAX - 0x100, 0x100, 0x200);
	CHECK(says(parse(&k), "impossible size or address"));
	make_kernel();
	program(0, 4, NOTES, 0, 0, 0);
	CHECK(says(parse(&k), "nothing to load"));
	make_kernel();
	put(54, 32, 2);
	CHECK(says(parse(&k), "program header size"));
}

TEST(elf_refuses_overlapping_segments)
{
	struct elf_kernel k;

	make_kernel();
	put(56, 3, 2);
	program(2, 1, TEXT, 0x1001000, 0x1000, 0x1000);
	notes_end = NOTES;
	CHECK(says(parse(&k), "overlap"));
}

TEST(elf_refuses_bad_notes)
{
	struct elf_kernel k;

	make_kernel();
	note64(XEN_ELFNOTE_VIRT_BASE, 0x0000900000000000);
	CHECK(says(parse(&k), "VIRT_BASE"));
	make_kernel();
	note64(XEN_ELFNOTE_VIRT_BASE, 0xffff810000000000);
	CHECK(says(parse(&k), "VIRT_BASE"));
	make_kernel();
	note64(XEN_ELFNOTE_ENTRY, VIRT);
	CHECK(says(parse(&k), "entry point"));
	make_kernel();
	note64(XEN_ELFNOTE_HYPERCALL_PAGE, VIRT + 0x1000010);
	CHECK(says(parse(&k), "HYPERCALL_PAGE"));
	make_kernel();
	note64(XEN_ELFNOTE_INIT_P2M, 0xffff800000000000);
	CHECK(says(parse(&k), "INIT_P2M"));
	make_kernel();
	note64(XEN_ELFNOTE_HV_START_LOW, 0xffff880000000000);
	CHECK(says(parse(&k), "hole"));
	make_kernel();
	note(XEN_ELFNOTE_ENTRY, "abc", 3);
	CHECK(says(parse(&k), "impossible size"));
	make_kernel();
	note(XEN_ELFNOTE_FEATURES, "x|!auto_translated_physmap|y", 29);
	CHECK(says(parse(&k), "requires a feature"));
	make_kernel();
	note64(XEN_ELFNOTE_PADDR_OFFSET, 0x2000000);
	CHECK(says(parse(&k), "PADDR_OFFSET"));
}

TEST(elf_refuses_kernel_without_dom0_support)
{
	struct elf_kernel k;
	size_t at;

	make_kernel();
	for (at = NOTES; at < notes_end; at++) {
		if (memcmp(file + at, "\x01\x88\0\0", 4) == 0) {
			file[at + 1] = 0x80;
		}
	}
	CHECK(says(parse(&k), "without dom0 support"));
}

TEST(elf_enters_an_uncompressed_bzimage)
{
	static uint8_t image[1024 + FILE_SIZE];
	struct elf_kernel k;
	uint32_t offset = 0, length = FILE_SIZE;

	make_kernel();
	memset(image, 0, sizeof(image));
	image[0x1f1] = 1; /* one set-up sector */
	memcpy(image + 0x202, "HdrS\x0f\x02", 6);
	memcpy(image + 0x248, &offset, 4);
	memcpy(image + 0x24c, &length, 4);
	memcpy(image + 1024, file, FILE_SIZE);
	CHECK(elf_parse_kernel(image, sizeof(image), &k) == NULL);
	CHECK(k.image == image + 1024);
	memcpy(image + 1024, "\xfd" "7zX", 4);
	CHECK(says(elf_parse_kernel(image, sizeof(image), &k), "compressed"));
	length++;
	memcpy(image + 0x24c, &length, 4);
	CHECK(says(elf_parse_kernel(image, sizeof(image), &k), "truncated"));
}

/* An exact allocation, so that ASan sees a read one byte too far. */
TEST(elf_survives_truncation_anywhere)
{
	struct elf_kernel k;
	size_t n;

	make_kernel();
	for (n = 0; n < sizeof(file); n += n < 0x400 ? 1 : 97) {
		uint8_t *copy = malloc(n ? n : 1);

		memcpy(copy, file, n);
		CHECK(elf_parse_kernel(copy, n, &k) != NULL);
		free(copy);
	}
}

/* Flip each byte of headers and notes: accepted or not, never a crash. */
TEST(elf_survives_any_damaged_byte)
{
	struct elf_kernel k;
	unsigned int at, i;

	for (at = 0; at < 0x400; at++) {
		make_kernel();
		file[at] ^= 0xff;
		if (parse(&k) != NULL) {
			continue;
		}
		for (i = 0; i < k.segment_count; i++) {
			CHECK(k.segment[i].offset <= k.size);
			CHECK(k.segment[i].file_size <=
			      k.size - k.segment[i].offset);
		}
	}
}
