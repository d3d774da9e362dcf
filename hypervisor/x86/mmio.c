/* mmio.c - see mmio.h. */
#include "x86/mmio.h"
#include "lib/spinlock.h"
#include "x86/vmap.h"

#define PAGES	512
#define WINDOWS 8
#define WINDOW	(256ULL << 10)

static struct spinlock lock;
static struct {
	uint64_t maddr;
	uint8_t *va; /* NULL: free */
} page[PAGES];

static struct {
	uint64_t maddr, size;
	const uint8_t *va;
} window[WINDOWS];
static unsigned int window_next;

volatile void *mmio_map(uint64_t maddr, size_t n)
{
	uint64_t base = maddr & PAGE_MASK;
	volatile void *p = NULL;

	if (maddr - base + n > PAGE_SIZE) {
		return NULL;
	}
	spin_lock(&lock);
	for (unsigned int i = 0; i < PAGES; i++) {
		if (!page[i].va) {
			page[i].va = fixmap_mmio(base, PAGE_SIZE);
			page[i].maddr = base;
		}
		if (page[i].maddr == base) {
			p = page[i].va + (maddr - base);
			break;
		}
	}
	spin_unlock(&lock);
	return p;
}

const void *mmio_map_window(uint64_t maddr, size_t n)
{
	unsigned int i;

	for (i = 0; i < WINDOWS; i++) {
		if (maddr >= window[i].maddr &&
		    maddr - window[i].maddr + n <= window[i].size) {
			return window[i].va + (maddr - window[i].maddr);
		}
	}
	i = window_next++ % WINDOWS;
	window[i].maddr = maddr & PAGE_MASK;
	window[i].size = ALIGN_UP(maddr - window[i].maddr + MAX(n, WINDOW),
				  PAGE_SIZE);
	window[i].va = fixmap_mmio(window[i].maddr, window[i].size);
	return window[i].va + (maddr - window[i].maddr);
}
