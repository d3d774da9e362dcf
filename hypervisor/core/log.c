/*
 * log.c - see core/log.h and include/log.h.
 *
 * Lock: `lock` guards the ring and the line, so that messages of two CPUs do
 * not mix.
 */
#include "core/log.h"
#include "core/domain.h"
#include "include/port.h"
#include "lib/format.h"
#include "lib/spinlock.h"
#include "lib/string.h"

#define LINE_MAX 512

/* Messages that all guests together may cause: a bucket of BURST, refilled
 * at one per GAP_NS. */
#define GUEST_BURST  20u
#define GUEST_GAP_NS 200000000ULL

static struct {
	struct spinlock lock;
	char ring[LOG_RING_SIZE];
	uint32_t written; /* bytes ever; wraps, ring size divides 2^32 */
	uint32_t cleared; /* log_clear() */
	enum log_level own, guest;
	void (*listener)(void);

	uint64_t guest_stamp;
	unsigned int guest_tokens;
	unsigned int guest_dropped;
} log = {
	.own = LOG_LEVEL_INFO,
	.guest = LOG_LEVEL_WARN,
	.guest_tokens = GUEST_BURST,
};

static void ring_write(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		log.ring[log.written++ & (LOG_RING_SIZE - 1)] = s[i];
	}
	if (log.written - log.cleared > LOG_RING_SIZE) {
		log.cleared = log.written - LOG_RING_SIZE;
	}
}

void log_write_line(const char *s, size_t n)
{
	spin_lock(&log.lock);
	port_console_write(s, n);
	spin_unlock(&log.lock);
}

static void log_write(const char *s, size_t n)
{
	spin_lock(&log.lock);
	ring_write(s, n);
	port_console_write(s, n);
	spin_unlock(&log.lock);
	if (log.listener) {
		log.listener();
	}
}

static enum log_level take_level(const char **fmt)
{
	enum log_level level = LOG_LEVEL_WARN;

	if ((*fmt)[0] == '\x01' && (*fmt)[1]) {
		level = (enum log_level)((*fmt)[1] - '0');
		*fmt += 2;
	}
	return level;
}

static void print_line(const char *prefix, const char *fmt, va_list ap)
{
	char line[LINE_MAX];
	size_t head = format(line, sizeof(line), "%s", prefix);
	size_t len = head + format_args(line + head, sizeof(line) - head,
					fmt, ap);

	log_write(line, MIN(len, sizeof(line) - 1));
}

void log_vprintk(const char *fmt, va_list ap)
{
	if (take_level(&fmt) <= log.own) {
		print_line("(XEN) ", fmt, ap);
	}
}

void printk(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vprintk(fmt, ap);
	va_end(ap);
}

/* True when the bucket has a token; *missed: how many were dropped before. */
static bool guest_take_token(unsigned int *missed)
{
	uint64_t now = port_now(), fresh;
	bool ok = false;

	spin_lock(&log.lock);
	fresh = (now - log.guest_stamp) / GUEST_GAP_NS;
	if (fresh) {
		log.guest_tokens = (unsigned int)MIN(
			(uint64_t)GUEST_BURST, log.guest_tokens + fresh);
		log.guest_stamp = now;
	}
	*missed = 0;
	if (log.guest_tokens) {
		log.guest_tokens--;
		*missed = log.guest_dropped;
		log.guest_dropped = 0;
		ok = true;
	} else {
		log.guest_dropped++;
	}
	spin_unlock(&log.lock);
	return ok;
}

void printk_guest(const struct domain *d, const char *fmt, ...)
{
	char prefix[24];
	unsigned int missed;
	va_list ap;

	if (take_level(&fmt) > log.guest || !guest_take_token(&missed)) {
		return;
	}
	if (missed) {
		printk("%u messages about guests suppressed\n", missed);
	}
	format(prefix, sizeof(prefix), "(XEN) d%u ", d ? d->id : DOMID_IDLE);
	va_start(ap, fmt);
	print_line(prefix, fmt, ap);
	va_end(ap);
}

size_t log_read(uint32_t *pos, char *buf, size_t n)
{
	size_t i;

	spin_lock(&log.lock);
	if (log.written - *pos > LOG_RING_SIZE) {
		*pos = log.written > LOG_RING_SIZE ?
			       log.written - LOG_RING_SIZE :
			       0;
	}
	if ((int32_t)(log.cleared - *pos) > 0) {
		*pos = log.cleared;
	}
	for (i = 0; i < n && *pos != log.written; i++) {
		buf[i] = log.ring[(*pos)++ & (LOG_RING_SIZE - 1)];
	}
	spin_unlock(&log.lock);
	return i;
}

void log_clear(void)
{
	spin_lock(&log.lock);
	log.cleared = log.written;
	spin_unlock(&log.lock);
}

uint32_t log_oldest(void)
{
	return log.cleared;
}

void log_set_levels(enum log_level own, enum log_level guest)
{
	log.own = own;
	log.guest = guest;
}

void log_break_lock(void)
{
	log.lock.next = log.lock.owner = 0;
}

void log_set_listener(void (*fn)(void))
{
	log.listener = fn;
}
