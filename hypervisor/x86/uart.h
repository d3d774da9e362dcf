/*
 * uart.h - the serial console: a 16550 at an ISA port, and the screen.
 *
 * Output is polled from the first C instruction on; once uart_enable_input()
 * was called, what the line cannot take at once waits in a ring for the
 * interrupt.  A full ring waits for the line: no byte is lost.  Input comes by
 * interrupt, too, or by uart_poll() where there is none.
 *
 * Lock: one for output, one for the input ring.  port_console_write() may
 * be called anywhere; uart_break_lock() is for the last words of a panic.
 */
#ifndef X86_UART_H
#define X86_UART_H

#include "include/types.h"

struct uart_config {
	uint16_t base; /* I/O port, e.g. 0x3f8 */
	uint8_t irq;   /* ISA IRQ; 0: poll */
	uint32_t baud; /* 0: as the firmware left it */
};

/* Set up the line.  False if no UART answers there (then none is used). */
bool uart_init(const struct uart_config *c);
/* Interrupts are set up now: let input come by itself. */
void uart_enable_input(void);
/* Fetch what arrived; call now and then if there is no interrupt. */
void uart_poll(void);
void uart_break_lock(void);
/* All out before the machine stops; from now on output is polled again. */
void uart_flush(void);
/* The ports that dom0 must not touch: base and count (0: no UART). */
unsigned int uart_ioports(uint16_t *base);

/* vga.c: 80x25 text at boot, until dom0 gets the screen. */
void vga_init(void);
void vga_write(const char *s, size_t n);
void vga_release(void);

#endif
