/*
 * uart.c - see uart.h.  National Semiconductor PC16550D data sheet.
 */
#include "x86/uart.h"
#include "include/port.h"
#include "include/upcall.h"
#include "lib/spinlock.h"
#include "x86/insn.h"
#include "x86/irq.h"

/* Registers */
#define THR 0 /* RBR on reading */
#define IER 1
#define FCR 2
#define IIR 2 /* on reading */
#define LCR 3
#define MCR 4
#define LSR 5
#define SCR 7

#define IER_RX	  0x01
#define IER_TX	  0x02
#define IIR_NONE  0x01
#define LCR_8N1	  0x03
#define LCR_DLAB  0x80
#define MCR_OUT2  0x0b /* DTR, RTS, and OUT2: the interrupt's gate */
#define LSR_READY 0x01
#define LSR_THRE  0x20
#define LSR_TEMT  0x40 /* the shift register is empty, too */

#define CLOCK_HZ   115200
#define RX_SIZE	   256	 /* powers of two */
#define TX_SIZE	   16384
#define FIFO_DEPTH 16
/*
 * A byte takes 87 us at 115200 baud; at 300 baud 33 ms.  An in takes about
 * a microsecond on any PC, so this is a second: hardware that hangs must
 * not stop the machine.
 */
#define TX_SPINS 1000000

static struct {
	struct uart_config config;
	bool present;
	bool stuck; /* gave up once: do not wait that long again */
	char last;

	struct spinlock tx_lock;
	bool tx_async; /* what does not fit into the FIFO waits in tx */
	uint8_t ier;
	unsigned int fifo_room;
	unsigned int tx_head, tx_tail; /* head - tail bytes wait */
	char tx[TX_SIZE];

	struct spinlock rx_lock;
	unsigned int rx_head, rx_tail;
	char rx[RX_SIZE];
} uart;

static uint8_t reg_read(unsigned int reg)
{
	return inb((uint16_t)(uart.config.base + reg));
}

static void reg_write(unsigned int reg, uint8_t v)
{
	outb((uint16_t)(uart.config.base + reg), v);
}

bool uart_init(const struct uart_config *c)
{
	uart.config = *c;
	uart.present = false;
	/* An empty bus reads all ones; a scratch register keeps a value. */
	reg_write(SCR, 0x5a);
	if (reg_read(SCR) != 0x5a || reg_read(LSR) == 0xff) {
		return false;
	}
	reg_write(IER, 0);
	if (c->baud) {
		uint32_t div = MAX(CLOCK_HZ / c->baud, 1u);

		reg_write(LCR, LCR_DLAB | LCR_8N1);
		reg_write(0, (uint8_t)div);
		reg_write(1, (uint8_t)(div >> 8));
	}
	reg_write(LCR, LCR_8N1);
	reg_write(FCR, 0x07); /* FIFOs on and empty, interrupt at 1 byte */
	reg_write(MCR, MCR_OUT2);
	uart.present = true;
	uart.stuck = false;
	uart.fifo_room = 0;
	return true;
}

/* --- output --------------------------------------------------------------- */

/* One byte by polling. */
static void put(char ch)
{
	unsigned int spins = uart.stuck ? 1 : TX_SPINS;

	/* An empty holding register means that the whole FIFO is empty. */
	while (uart.fifo_room == 0) {
		if (reg_read(LSR) & LSR_THRE) {
			uart.fifo_room = FIFO_DEPTH;
			uart.stuck = false;
		} else if (--spins == 0) {
			uart.stuck = true;
			uart.fifo_room = 1;
		}
	}
	uart.fifo_room--;
	reg_write(THR, (uint8_t)ch);
}

static char tx_take(void)
{
	return uart.tx[uart.tx_tail++ % TX_SIZE];
}

static void drain(void)
{
	while (uart.tx_tail != uart.tx_head) {
		put(tx_take());
	}
}

/* What an empty FIFO takes now; the interrupt asks for the rest. */
static void pump(void)
{
	uint8_t ier = IER_RX;

	if (uart.tx_tail != uart.tx_head && (reg_read(LSR) & LSR_THRE)) {
		for (unsigned int i = 0;
		     i < FIFO_DEPTH && uart.tx_tail != uart.tx_head; i++) {
			reg_write(THR, (uint8_t)tx_take());
		}
		uart.fifo_room = 0;
	}
	if (uart.tx_tail != uart.tx_head) {
		ier |= IER_TX;
	}
	if (ier != uart.ier) {
		uart.ier = ier;
		reg_write(IER, ier);
	}
}

static void send(char ch)
{
	if (!uart.tx_async) {
		put(ch);
		return;
	}
	/* No byte is lost: a full ring waits for the line. */
	if (uart.tx_head - uart.tx_tail == TX_SIZE) {
		drain();
	}
	uart.tx[uart.tx_head++ % TX_SIZE] = ch;
}

void port_console_write(const char *s, size_t n)
{
	spin_lock(&uart.tx_lock);
	vga_write(s, n);
	for (size_t i = 0; uart.present && i < n; i++) {
		/* Guests' ttys send \r\n, our own messages only \n. */
		if (s[i] == '\n' && uart.last != '\r') {
			send('\r');
		}
		uart.last = s[i];
		send(s[i]);
	}
	if (uart.tx_async) {
		pump();
	}
	spin_unlock(&uart.tx_lock);
}

void uart_flush(void)
{
	if (!uart.present) {
		return;
	}
	/* The interrupt may be pumping on another CPU. */
	spin_lock(&uart.tx_lock);
	uart.tx_async = false;
	drain();
	spin_unlock(&uart.tx_lock);
	for (unsigned int i = 0;
	     i < TX_SPINS && !(reg_read(LSR) & LSR_TEMT); i++) {
		cpu_pause();
	}
}

void uart_break_lock(void)
{
	uart.tx_lock.next = uart.tx_lock.owner = 0;
	uart_flush();
}

/* --- input ------------------------------------------------------------------ */

void uart_poll(void)
{
	bool got = false;

	if (!uart.present) {
		return;
	}
	spin_lock(&uart.rx_lock);
	/* At most a full ring: a line stuck at "ready" must not hold us. */
	for (unsigned int i = 0; i < RX_SIZE; i++) {
		char ch;

		if (!(reg_read(LSR) & LSR_READY)) {
			break;
		}
		ch = (char)reg_read(THR);
		if (uart.rx_head - uart.rx_tail < RX_SIZE) {
			uart.rx[uart.rx_head++ % RX_SIZE] = ch;
			got = true;
		}
	}
	spin_unlock(&uart.rx_lock);
	if (got) {
		upcall_console_input();
	}
}

size_t port_console_read(char *buf, size_t n)
{
	size_t i = 0;

	spin_lock(&uart.rx_lock);
	while (i < n && uart.rx_head != uart.rx_tail) {
		buf[i++] = uart.rx[uart.rx_tail++ % RX_SIZE];
	}
	spin_unlock(&uart.rx_lock);
	return i;
}

/* Edge-triggered: the line must be seen inactive before we leave. */
static void uart_interrupt(void)
{
	for (unsigned int i = 0; i < RX_SIZE; i++) {
		if (reg_read(IIR) & IIR_NONE) {
			break;
		}
		uart_poll();
		spin_lock(&uart.tx_lock);
		pump();
		spin_unlock(&uart.tx_lock);
	}
}

void uart_enable_input(void)
{
	if (!uart.present) {
		return;
	}
	if (uart.config.irq &&
	    irq_request_own(uart.config.irq, uart_interrupt) == 0) {
		uart.tx_async = true;
		uart.ier = IER_RX;
		reg_write(IER, IER_RX);
	}
	/* Bytes that came before the interrupt was on raise none. */
	uart_poll();
}

unsigned int uart_ioports(uint16_t *base)
{
	*base = uart.config.base;
	return uart.present ? 8 : 0;
}
