/*
 * elf.c - fuzz target: bytes as a kernel file.
 * uses: boot/elf.c
 *
 * Whatever is accepted must be loadable: every segment inside the file, the
 * image's extent right, no two segments on the same memory.
 */
#include "boot/elf.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct elf_kernel *k)
{
	unsigned int i, j;

	for (i = 0; i < k->segment_count; i++) {
		const struct elf_segment *s = &k->segment[i];

		if (s->offset > k->size || s->file_size > k->size - s->offset ||
		    s->file_size > s->mem_size || s->paddr < k->paddr_start ||
		    s->paddr + s->mem_size > k->paddr_end) {
			abort();
		}
		for (j = 0; j < i; j++) {
			if (s->paddr < k->segment[j].paddr +
					       k->segment[j].mem_size &&
			    k->segment[j].paddr < s->paddr + s->mem_size) {
				abort();
			}
		}
	}
	if (k->entry - k->virt_base >= k->paddr_end ||
	    (k->virt_base & ~PAGE_MASK)) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_kernel k;

	if (elf_parse_kernel(data, size, &k) == NULL) {
		check(&k);
	}
	return 0;
}
