/*
 * loader.c - a multiboot program that only says at which TSC it was entered:
 * the instructions that firmware and loader need before any hypervisor runs
 * (boot.sh subtracts them).  Multiboot 1 specification, section 3.1.
 */
#include <stdint.h>

#define MAGIC 0x1badb002u
#define COM1  0x3f8

static const uint32_t header[3]
	__attribute__((section(".multiboot"), used, aligned(4))) = {
		MAGIC, 0, -MAGIC
	};
static char stack[4096] __attribute__((used));

static void put(char c)
{
	__asm__ volatile("outb %0, %1" : : "a"(c), "Nd"((uint16_t)COM1));
}

/* Digits from the last: 32-bit code has no 64-bit division. */
static void print(uint32_t low)
{
	char digits[10];
	int n = 0;

	do {
		digits[n++] = (char)('0' + low % 10);
		low /= 10;
	} while (low);
	while (n) {
		put(digits[--n]);
	}
}

static __attribute__((used, noreturn)) void report(uint32_t low)
{
	for (const char *s = "BOOT loader "; *s; s++) {
		put(*s);
	}
	print(low);
	put('\n');
	__asm__ volatile("outb %0, %1" : : "a"((uint8_t)6), "Nd"((uint16_t)0xcf9));
	for (;;) {
		__asm__ volatile("hlt");
	}
}

/* The TSC's upper half is 0: QEMU counts from reset, 4 s would be late. */
__asm__(".globl _start\n_start:\n\t"
	"rdtsc\n\t"
	"leal stack+4096, %esp\n\t"
	"pushl %eax\n\t"
	"call 1f\n1:\n\t"
	"jmp report\n");
