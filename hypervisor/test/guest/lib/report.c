/*
 * report.c - verdict lines and the small printf behind them.
 *
 * A dom0 writes through console_io; an unprivileged guest through the ring
 * that xenconsoled reads.
 */
#include "guest.h"
#include <xen/io/console.h>

static unsigned int passed, failed;

static void ring_write(const char *s, size_t n)
{
	struct xencons_interface *c = pfn_va(
		machine_to_phys_mapping[start_info->console.domU.mfn]);
	struct evtchn_send send = { start_info->console.domU.evtchn };
	size_t i = 0;

	while (i < n) {
		XENCONS_RING_IDX prod = c->out_prod;

		if (prod - READ(c->out_cons) >= sizeof(c->out)) {
			hypercall_op(__HYPERVISOR_event_channel_op,
				     EVTCHNOP_send, &send);
			hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_yield,
				     NULL);
			continue;
		}
		c->out[MASK_XENCONS_IDX(prod, c->out)] = s[i++];
		__atomic_store_n(&c->out_prod, prod + 1, __ATOMIC_RELEASE);
	}
	hypercall_op(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &send);
}

static void console_write(const char *s, size_t n)
{
	if (start_info->flags & SIF_INITDOMAIN) {
		hypercall3(__HYPERVISOR_console_io, CONSOLEIO_write, n,
			   hc_ptr(s));
	} else {
		ring_write(s, n);
	}
}

struct line {
	char text[512];
	size_t n;
};

static void put(struct line *l, char c)
{
	if (l->n < sizeof(l->text)) {
		l->text[l->n++] = c;
	}
}

static void put_number(struct line *l, uint64_t v, unsigned int base)
{
	char digits[24];
	unsigned int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	while (n) {
		put(l, digits[--n]);
	}
}

static void put_signed(struct line *l, int64_t v)
{
	if (v < 0) {
		put(l, '-');
		put_number(l, -(uint64_t)v, 10);
	} else {
		put_number(l, (uint64_t)v, 10);
	}
}

/* %s %c %d %u %x, and the last three with l. */
static void format(struct line *l, const char *f, va_list ap)
{
	for (; *f; f++) {
		bool is_long = false;
		const char *s;

		if (*f != '%') {
			put(l, *f);
			continue;
		}
		if (*++f == 'l') {
			is_long = true;
			f++;
		}
		switch (*f) {
		case 's':
			for (s = va_arg(ap, const char *); *s; s++) {
				put(l, *s);
			}
			break;
		case 'c':
			put(l, (char)va_arg(ap, int));
			break;
		case 'd':
			put_signed(l, is_long ? va_arg(ap, int64_t)
					      : va_arg(ap, int));
			break;
		case 'u':
		case 'x':
			put_number(l,
				   is_long ? va_arg(ap, uint64_t)
					   : va_arg(ap, unsigned int),
				   *f == 'u' ? 10 : 16);
			break;
		default:
			put(l, *f);
		}
	}
}

void guest_printf(const char *fmt, ...)
{
	struct line l = { .n = 0 };
	va_list ap;

	va_start(ap, fmt);
	format(&l, fmt, ap);
	va_end(ap);
	console_write(l.text, l.n);
}

void guest_verdict(const char *name, bool pass, const char *fmt, ...)
{
	struct line l = { .n = 0 };
	va_list ap;

	if (pass) {
		passed++;
		guest_printf("TEST %s/%s: PASS\n", guest_subject, name);
		return;
	}
	failed++;
	va_start(ap, fmt);
	format(&l, fmt, ap);
	va_end(ap);
	put(&l, '\0');
	guest_printf("TEST %s/%s: FAIL %s\n", guest_subject, name, l.text);
}

void guest_equal(const char *name, uint64_t expected, uint64_t got)
{
	guest_verdict(name, expected == got, "expected %lx, got %lx", expected,
		      got);
}

/* dom0's poweroff only halts genuine Xen; a reboot ends QEMU -no-reboot. */
void guest_end(void)
{
	struct sched_shutdown s = {
		.reason = start_info->flags & SIF_INITDOMAIN ? SHUTDOWN_reboot
							     : SHUTDOWN_poweroff
	};

	guest_printf("TEST %s: DONE %u passed, %u failed\n", guest_subject,
		     passed, failed);
	for (;;) {
		hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &s);
	}
}
