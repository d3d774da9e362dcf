/*
 * types.h - boxed addresses and page arithmetic.
 *
 * Three address spaces that must never be mixed have three types:
 *	mfn_t	machine frame number (real memory)
 *	gfn_t	pseudo-physical frame number (a guest's own numbering)
 *	gva_t	virtual address in a guest's address space
 * The compiler generates the same code as for plain integers.
 */
#ifndef INCLUDE_TYPES_H
#define INCLUDE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
	uint64_t v;
} mfn_t;

typedef struct {
	uint64_t v;
} gfn_t;

typedef struct {
	uint64_t v;
} gva_t;

/* One bit per physical CPU. */
typedef uint64_t cpumask_t;

#define MAX_CPUS  64  /* physical CPUs; the width of cpumask_t */
#define MAX_VCPUS 128 /* vCPUs in one domain */

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096ULL
#define PAGE_MASK  (~(PAGE_SIZE - 1))

#define MFN(x) ((mfn_t){(x)})
#define GFN(x) ((gfn_t){(x)})
#define GVA(x) ((gva_t){(x)})
/* The guest address in a XEN_GUEST_HANDLE. */
#define GVA_OF(handle) GVA((uint64_t)(uintptr_t)(handle).p)

#define MFN_NONE MFN(~0ULL)

static inline bool mfn_eq(mfn_t a, mfn_t b)
{
	return a.v == b.v;
}

static inline mfn_t mfn_add(mfn_t m, uint64_t n)
{
	return MFN(m.v + n);
}

static inline gva_t gva_add(gva_t a, uint64_t n)
{
	return GVA(a.v + n);
}

#define ARRAY_SIZE(a)	   (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)	   ((a) < (b) ? (a) : (b))
#define MAX(a, b)	   ((a) > (b) ? (a) : (b))
#define DIV_ROUND_UP(a, b) (((a) + (b) - 1) / (b))
#define ALIGN_UP(x, a)	   (((x) + (a) - 1) & ~((uint64_t)(a) - 1))
#define container_of(p, type, member)                                          \
	((type *)(void *)((char *)(p) - offsetof(type, member)))

/*
 * The hypervisor's hole in every guest address space: L4 slots 256-271.
 * Same bounds as HYPERVISOR_VIRT_START/END of the ABI.
 */
#define HOLE_START     0xffff800000000000ULL
#define HOLE_END       0xffff880000000000ULL
#define HOLE_L4_FIRST  256
#define HOLE_L4_LAST   271
#define CANONICAL_LOW  0x0000800000000000ULL
#define CANONICAL_HIGH 0xffff800000000000ULL

static inline bool gva_is_canonical(gva_t a)
{
	return (uint64_t)((int64_t)(a.v << 16) >> 16) == a.v;
}

/* May a guest pointer name [a, a+n)?  Outside the hole, not wrapping. */
static inline bool gva_range_ok(gva_t a, uint64_t n)
{
	uint64_t end = a.v + n;

	if (end < a.v) {
		return false;
	}
	return end <= CANONICAL_LOW || a.v >= HOLE_END;
}

#endif
