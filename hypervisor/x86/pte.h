/* pte.h - page-table bits as the CPU defines them (SDM vol. 3, 4.5). */
#ifndef X86_PTE_H
#define X86_PTE_H

#define PTE_P	 0x001ULL
#define PTE_RW	 0x002ULL
#define PTE_US	 0x004ULL
#define PTE_PWT	 0x008ULL
#define PTE_PCD	 0x010ULL
#define PTE_A	 0x020ULL
#define PTE_D	 0x040ULL
#define PTE_PS	 0x080ULL
#define PTE_G	 0x100ULL
#define PTE_NX	 (1ULL << 63)
#define PTE_ADDR 0x000ffffffffff000ULL

/* What the hypervisor maps for itself. */
#define MAP_RW	  (PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX)
#define MAP_RO	  (PTE_P | PTE_A | PTE_D | PTE_NX)
#define MAP_RX	  (PTE_P | PTE_A | PTE_D)
#define MAP_UC	  (MAP_RW | PTE_PCD | PTE_PWT)
#define MAP_TABLE (PTE_P | PTE_RW | PTE_A | PTE_D)

#endif
