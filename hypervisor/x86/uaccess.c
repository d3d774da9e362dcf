/* uaccess.c - see uaccess.h; also port.h's guest copies. */
#include "x86/uaccess.h"
#include "include/errno.h"
#include "include/port.h"

struct extable_row {
	int32_t fault, fixup; /* relative to the field itself */
};

extern const struct extable_row extable_start[], extable_end[];

bool uaccess_smap;

uint64_t extable_find(uint64_t rip)
{
	const struct extable_row *r;

	for (r = extable_start; r < extable_end; r++) {
		if ((uint64_t)&r->fault + (uint64_t)(int64_t)r->fault == rip) {
			return (uint64_t)&r->fixup +
			       (uint64_t)(int64_t)r->fixup;
		}
	}
	return 0;
}

/* Returns the bytes not copied. */
static size_t copy_bytes(void *dst, const void *src, size_t n)
{
	size_t words = n / 8;
	size_t rest = n % 8;

	uaccess_begin();
	__asm__ volatile("1:\trep movsq\n\t"
			 "movq %3, %0\n"
			 "2:\trep movsb\n"
			 "3:\t"
			 ".pushsection .text.fixup, \"ax\"\n"
			 "4:\tleaq (%3, %0, 8), %0\n\t"
			 "jmp 3b\n\t"
			 ".popsection\n\t" EXTABLE("1b", "4b")
				 EXTABLE("2b", "3b")
			 : "+c"(words), "+D"(dst), "+S"(src)
			 : "r"(rest)
			 : "memory");
	uaccess_end();
	return words;
}

/* The size of what is read most: an mmu_update, an instruction. */
static int read_two_words(uint64_t *dst, uint64_t va)
{
	int err;

	uaccess_begin();
	err = uaccess_get64(va, dst) | uaccess_get64(va + 8, dst + 1);
	uaccess_end();
	return unlikely(err) ? -EFAULT : 0;
}

int port_copy_from_guest(void *dst, gva_t src, size_t n)
{
	if (unlikely(!gva_range_ok(src, n))) {
		return -EFAULT;
	}
	if (n == 16) {
		return read_two_words(dst, src.v);
	}
	return unlikely(copy_bytes(dst, (const void *)src.v, n)) ? -EFAULT : 0;
}

int port_read_guest_word(uint64_t *word, gva_t src)
{
	int err;

	if (unlikely(!gva_range_ok(src, sizeof(*word)))) {
		return -EFAULT;
	}
	uaccess_begin();
	err = uaccess_get64(src.v, word);
	uaccess_end();
	return unlikely(err) ? -EFAULT : 0;
}

int port_copy_to_guest(gva_t dst, const void *src, size_t n)
{
	if (unlikely(!gva_range_ok(dst, n))) {
		return -EFAULT;
	}
	return unlikely(copy_bytes((void *)dst.v, src, n)) ? -EFAULT : 0;
}

/* Adding nothing to a byte needs the same right as writing it. */
static int probe_byte(uint64_t va)
{
	int err = 0;

	__asm__ volatile("1:\tlock addb $0, (%1)\n"
			 "3:\t"
			 ".pushsection .text.fixup, \"ax\"\n"
			 "2:\tmovl $1, %0\n\t"
			 "jmp 3b\n\t"
			 ".popsection\n\t" EXTABLE("1b", "2b")
			 : "+r"(err)
			 : "r"(va)
			 : "memory");
	return err;
}

int port_probe_guest_write(gva_t dst, size_t n)
{
	int err = 0;

	if (!n) {
		return 0;
	}
	if (!gva_range_ok(dst, n)) {
		return -EFAULT;
	}
	uaccess_begin();
	for (uint64_t va = dst.v; !err && va < dst.v + n;
	     va = (va & PAGE_MASK) + PAGE_SIZE) {
		err = probe_byte(va);
	}
	if (!err) {
		err = probe_byte(dst.v + n - 1);
	}
	uaccess_end();
	return err ? -EFAULT : 0;
}

int rdmsr_safe(uint32_t msr, uint64_t *val)
{
	uint32_t lo = 0, hi = 0;
	int err = 0;

	__asm__ volatile("1:\trdmsr\n"
			 "3:\t"
			 ".pushsection .text.fixup, \"ax\"\n"
			 "2:\tmovl $1, %0\n\t"
			 "jmp 3b\n\t"
			 ".popsection\n\t" EXTABLE("1b", "2b")
			 : "+r"(err), "+a"(lo), "+d"(hi)
			 : "c"(msr));
	*val = ((uint64_t)hi << 32) | lo;
	return err;
}

int wrmsr_safe(uint32_t msr, uint64_t val)
{
	int err = 0;

	__asm__ volatile("1:\twrmsr\n"
			 "3:\t"
			 ".pushsection .text.fixup, \"ax\"\n"
			 "2:\tmovl $1, %0\n\t"
			 "jmp 3b\n\t"
			 ".popsection\n\t" EXTABLE("1b", "2b")
			 : "+r"(err)
			 : "c"(msr), "a"((uint32_t)val),
			   "d"((uint32_t)(val >> 32))
			 : "memory");
	return err;
}
