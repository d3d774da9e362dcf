/* vmap.c - see vmap.h. */
#include "x86/vmap.h"
#include "boot/bootmem.h"
#include "core/frame.h"
#include "core/heap.h"
#include "include/log.h"
#include "include/port.h"
#include "lib/string.h"
#include "x86/insn.h"
#include "x86/layout.h"
#include "x86/pte.h"

#define MIB2 (2ULL << 20)

extern uint8_t image_start[], image_text_end[], image_rodata_end[],
	image_end[];

uint8_t *port_directmap = (uint8_t *)DIRECTMAP_VA;
uint64_t *port_m2p = (uint64_t *)M2P_RW_VA;
uint64_t port_m2p_count;
uint64_t hv_root;

static uint64_t image_maddr;
static bool tables_from_heap;
static uint64_t fixmap_next = FIXMAP_VA;

static uint64_t alloc_table(void)
{
	void *p;

	if (!tables_from_heap) {
		return bootmem_alloc(PAGE_SIZE, PAGE_SIZE);
	}
	p = heap_alloc_page();
	if (!p) {
		port_panic("no memory for a page table of the hypervisor");
	}
	return ptr_mfn(p).v << PAGE_SHIFT;
}

static uint64_t *table_at(uint64_t maddr)
{
	return (uint64_t *)(port_directmap + (maddr & PTE_ADDR));
}

/* The entry for va at `level` (1: 4 KiB, 2: 2 MiB, 3: 1 GiB). */
static uint64_t *entry_for(uint64_t va, unsigned int level)
{
	uint64_t *t = table_at(hv_root);

	for (unsigned int l = 4;; l--) {
		uint64_t *e = &t[(va >> (PAGE_SHIFT + 9 * (l - 1))) & 511];

		if (l == level) {
			return e;
		}
		if (!(*e & PTE_P)) {
			*e = alloc_table() | MAP_TABLE;
		}
		t = table_at(*e);
	}
}

void vmap_pages(uint64_t va, uint64_t maddr, uint64_t n, uint64_t flags)
{
	for (; n; n--, va += PAGE_SIZE, maddr += PAGE_SIZE) {
		*entry_for(va, 1) = maddr | flags;
	}
}

void vmap_unmap(uint64_t va, uint64_t n)
{
	for (; n; n--, va += PAGE_SIZE) {
		*entry_for(va, 1) = 0;
		cpu_invlpg(va);
	}
}

static void map_2m(uint64_t va, uint64_t maddr, uint64_t n, uint64_t flags)
{
	for (; n; n--, va += MIB2, maddr += MIB2) {
		*entry_for(va, 2) = maddr | flags | PTE_PS;
	}
}

/* RAM only: a cached alias of device memory could be read speculatively. */
static void map_ram_range(mfn_t start, mfn_t end)
{
	uint64_t from = (start.v << PAGE_SHIFT) & ~(MIB2 - 1);
	uint64_t to = ALIGN_UP(end.v << PAGE_SHIFT, MIB2);

	map_2m(DIRECTMAP_VA + from, from, (to - from) / MIB2, MAP_RW);
}

static void map_image(void)
{
	uint64_t va = (uint64_t)image_start;
	uint64_t text = ((uint64_t)image_text_end - va) / PAGE_SIZE;
	uint64_t ro = ((uint64_t)image_rodata_end - va) / PAGE_SIZE;
	uint64_t all = ((uint64_t)image_end - va) / PAGE_SIZE;

	vmap_pages(va, image_maddr, text, MAP_RX);
	vmap_pages(va + text * PAGE_SIZE, image_maddr + text * PAGE_SIZE,
		   ro - text, MAP_RO);
	vmap_pages(va + ro * PAGE_SIZE, image_maddr + ro * PAGE_SIZE, all - ro,
		   MAP_RW);
}

/* `bytes` of zeroed memory at va, in 2 MiB pieces from anywhere. */
static void map_new(uint64_t va, uint64_t bytes, uint64_t ro_va)
{
	for (uint64_t off = 0; off < bytes; off += MIB2) {
		uint64_t m = bootmem_alloc(MIB2, MIB2);

		map_2m(va + off, m, 1, MAP_RW);
		if (ro_va) { /* for guests: user-accessible, read-only */
			map_2m(ro_va + off, m, 1, MAP_RO | PTE_US);
		}
	}
}

static void grant_user_access(uint64_t va)
{
	uint64_t *l4 = table_at(hv_root);
	uint64_t *l3;

	l4[(va >> 39) & 511] |= PTE_US;
	l3 = table_at(l4[(va >> 39) & 511]);
	for (unsigned int i = 0; i < 512; i++) {
		if (l3[i] & PTE_P) {
			l3[i] |= PTE_US;
		}
	}
}

void vmap_init(uint64_t image)
{
	uint64_t *l4;
	uint64_t ram_end = bootmem_ram_end();

	image_maddr = image;
	hv_root = bootmem_alloc(PAGE_SIZE, PAGE_SIZE);
	l4 = table_at(hv_root);
	/* All L3 tables now, so that copies of these entries stay true. */
	for (unsigned int i = HOLE_L4_FIRST; i <= HOLE_L4_LAST; i++) {
		if (i != SLOT_PERDOMAIN) {
			l4[i] = alloc_table() | MAP_TABLE;
		}
	}

	/* The low megabyte: BIOS tables, and the AP trampoline. */
	map_2m(DIRECTMAP_VA, 0, 1, MAP_RW);
	bootmem_for_each_ram(map_ram_range);
	map_image();

	frame_max = ram_end >> PAGE_SHIFT;
	port_m2p_count = frame_max;
	/* Boot pages above 4 GiB are only reachable by the new tables. */
	write_cr3(hv_root);
	bootmem_set_limit(~0ULL);

	map_new(FRAMETABLE_VA, frame_max * sizeof(struct frame), 0);
	frame_table = (struct frame *)FRAMETABLE_VA;
	map_new(M2P_RW_VA, frame_max * sizeof(uint64_t), M2P_RO_VA);
	grant_user_access(M2P_RO_VA);
	memset(port_m2p, 0xff, ALIGN_UP(frame_max * 8, MIB2));
	tables_from_heap = false;
}


void vmap_use_heap(void)
{
	tables_from_heap = true;
}

mfn_t port_m2p_extent(unsigned int i)
{
	if (i * MIB2 >= port_m2p_count * sizeof(uint64_t)) {
		return MFN(0);
	}
	return MFN((*entry_for(M2P_RW_VA + i * MIB2, 2) & PTE_ADDR) >>
		   PAGE_SHIFT);
}

void *fixmap_mmio(uint64_t maddr, size_t len)
{
	uint64_t off = maddr & (PAGE_SIZE - 1);
	uint64_t pages = DIV_ROUND_UP(off + len, PAGE_SIZE);
	uint64_t va = fixmap_next;

	fixmap_next += (pages + 1) * PAGE_SIZE; /* and a guard page */
	if (fixmap_next > IMAGE_VA) {
		port_panic("no address space left for device registers");
	}
	vmap_pages(va, maddr - off, pages, MAP_UC);
	return (void *)(va + off);
}

uint64_t virt_to_maddr(const void *p)
{
	uint64_t va = (uint64_t)p;

	if (va >= DIRECTMAP_VA) {
		return va - DIRECTMAP_VA;
	}
	return va - (uint64_t)image_start + image_maddr;
}
