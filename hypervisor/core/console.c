/* console.c - see console.h. */
#include "core/console.h"
#include "core/domain.h"
#include "core/evtchn.h"
#include "core/heap.h"
#include "core/log.h"
#include "include/port.h"
#include "include/upcall.h"
#include "lib/spinlock.h"
#include "lib/string.h"

#define LINE_BYTES 256
#define INPUT_SIZE 512u /* a power of two */

/* The unfinished line of a guest without privilege. */
struct console_line {
	struct spinlock lock;
	unsigned int used;
	char text[LINE_BYTES + 1];
};

static struct {
	struct spinlock lock;
	char ring[INPUT_SIZE];
	uint32_t head, tail;
} input;

static void flush_line(struct domain *d, struct console_line *l)
{
	if (l->used) {
		l->text[l->used] = '\0';
		printk_guest(d, "%s\n", l->text);
		l->used = 0;
	}
}

static void write_lines(struct domain *d, const char *s, size_t n)
{
	struct console_line *l = d->console;
	size_t i;

	for (i = 0; i < n; i++) {
		if (s[i] == '\n' || l->used == LINE_BYTES) {
			flush_line(d, l);
		}
		/* No escape sequences towards the operator's terminal. */
		if (s[i] == '\t' || (s[i] >= ' ' && s[i] != 0x7f)) {
			l->text[l->used++] = s[i];
		}
	}
}

static struct console_line *line_of(struct domain *d)
{
	struct console_line *l = __atomic_load_n(&d->console, __ATOMIC_ACQUIRE);
	struct console_line *none = NULL, *fresh;

	if (l) {
		return l;
	}
	fresh = mem_alloc(sizeof(*fresh));
	if (fresh && !__atomic_compare_exchange_n(&d->console, &none, fresh,
						  false, __ATOMIC_ACQ_REL,
						  __ATOMIC_ACQUIRE)) {
		mem_free(fresh);
		return none;
	}
	return fresh;
}

void console_write(struct domain *d, const char *s, size_t n)
{
	struct console_line *l;

	if (d->privileged) {
		log_write_line(s, n);
		return;
	}
	l = line_of(d);
	if (l) {
		spin_lock(&l->lock);
		write_lines(d, s, n);
		spin_unlock(&l->lock);
	}
}

size_t console_read(char *buf, size_t n)
{
	size_t i;

	spin_lock(&input.lock);
	for (i = 0; i < n && input.tail != input.head; i++) {
		buf[i] = input.ring[input.tail++ & (INPUT_SIZE - 1)];
	}
	spin_unlock(&input.lock);
	return i;
}

void console_domain_fini(struct domain *d)
{
	mem_free(d->console);
	d->console = NULL;
}

void upcall_console_input(void)
{
	char buf[32];
	size_t n, i;

	spin_lock(&input.lock);
	while ((n = port_console_read(buf, sizeof(buf))) != 0) {
		for (i = 0; i < n; i++) {
			if (input.head - input.tail < INPUT_SIZE) {
				input.ring[input.head++ & (INPUT_SIZE - 1)] =
					buf[i];
			}
		}
	}
	spin_unlock(&input.lock);
	evtchn_raise_domain_virq(domain_dom0, VIRQ_CONSOLE);
}
