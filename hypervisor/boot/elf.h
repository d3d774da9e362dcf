/*
 * elf.h - read a guest kernel's ELF64 file and its Xen ELF notes.
 *
 * Pure: looks only at the bytes given, checks every offset against their
 * count, allocates nothing.  A kernel comes as a plain ELF file, or as a
 * bzImage whose payload is an uncompressed ELF file (there is no
 * decompressor in the hypervisor; the image build unpacks kernels).
 *
 * Sources: System V ABI (ELF-64), xen/elfnote.h, Linux's x86 boot protocol
 * (setup header, payload_offset).  Context: start-up; host tests; fuzzer.
 */
#ifndef BOOT_ELF_H
#define BOOT_ELF_H

#include "include/types.h"

#define ELF_MAX_SEGMENTS 16

/* One PT_LOAD segment: where its bytes are, and where they go. */
struct elf_segment {
	uint64_t offset, file_size; /* in elf_kernel.image */
	uint64_t paddr, mem_size;   /* pseudo-physical, PADDR_OFFSET applied */
};

struct elf_kernel {
	const uint8_t *image;
	uint64_t size;
	struct elf_segment segment[ELF_MAX_SEGMENTS];
	unsigned int segment_count;
	uint64_t paddr_start, paddr_end; /* of all segments, end exclusive */

	uint64_t virt_base; /* pseudo-physical 0 is mapped here */
	uint64_t entry;	    /* virtual */
	uint64_t hypercall_page, init_p2m; /* virtual; see has_... */
	bool has_hypercall_page, has_init_p2m;
	bool mod_start_pfn; /* initrd need not be mapped */
	char guest_os[32], guest_version[32];
};

/*
 * Parse `size` bytes at `image`.  Returns NULL and fills *k, or a message
 * for the operator that says what is wrong with the file.
 */
const char *elf_parse_kernel(const void *image, uint64_t size,
			     struct elf_kernel *k);

#endif
