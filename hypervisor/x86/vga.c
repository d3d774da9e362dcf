/*
 * vga.c - the boot messages on an 80x25 text screen, if there is one.
 *
 * Only with a BIOS: UEFI machines have no text mode, and dom0 paints their
 * frame buffer.  Under the caller's lock (port_console_write()).
 */
#include "include/port.h"
#include "lib/string.h"
#include "x86/insn.h"
#include "x86/uart.h"

#define COLUMNS	  80
#define ROWS	  25
#define VGA_MADDR 0xb8000ULL
#define ATTRIBUTE 0x0700 /* grey on black */

static volatile uint16_t *screen;
static unsigned int column;

void vga_init(void)
{
	/* The direct map has the low megabyte from the first instruction on,
	 * and the MTRRs make this part of it uncached. */
	screen = (volatile uint16_t *)(void *)(port_directmap + VGA_MADDR);
}

void vga_release(void)
{
	screen = NULL;
}

static void scroll(void)
{
	for (unsigned int i = 0; i < COLUMNS * (ROWS - 1); i++) {
		screen[i] = screen[i + COLUMNS];
	}
	for (unsigned int i = 0; i < COLUMNS; i++) {
		screen[COLUMNS * (ROWS - 1) + i] = ATTRIBUTE | ' ';
	}
	column = 0;
}

void vga_write(const char *s, size_t n)
{
	for (size_t i = 0; screen && i < n; i++) {
		if (s[i] == '\n' || column == COLUMNS) {
			scroll();
		}
		if ((uint8_t)s[i] >= ' ') {
			screen[COLUMNS * (ROWS - 1) + column++] =
				(uint16_t)(ATTRIBUTE | (uint8_t)s[i]);
		}
	}
}
