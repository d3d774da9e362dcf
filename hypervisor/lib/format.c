/* format.c - see format.h.  No state, any context. */
#include "lib/format.h"
#include "lib/string.h"

#include <stdbool.h>
#include <stdint.h>

struct out {
	char *buf;
	size_t size, used;
};

struct spec {
	bool left, zero, upper;
	int width, precision; /* precision < 0: none */
	unsigned int longs;   /* number of `l`s; z counts as one */
};

static void put(struct out *o, char c)
{
	if (o->used + 1 < o->size) {
		o->buf[o->used] = c;
	}
	o->used++;
}

static void put_padded(struct out *o, const struct spec *s, const char *sign,
		       const char *text, size_t len)
{
	size_t sign_len = strlen(sign), total = sign_len + len, i;
	size_t fill = s->width > 0 && (size_t)s->width > total
			      ? (size_t)s->width - total
			      : 0;

	if (!s->left && !s->zero) {
		for (i = 0; i < fill; i++) {
			put(o, ' ');
		}
	}
	for (i = 0; i < sign_len; i++) {
		put(o, sign[i]);
	}
	if (!s->left && s->zero) {
		for (i = 0; i < fill; i++) {
			put(o, '0');
		}
	}
	for (i = 0; i < len; i++) {
		put(o, text[i]);
	}
	if (s->left) {
		for (i = 0; i < fill; i++) {
			put(o, ' ');
		}
	}
}

static void put_number(struct out *o, const struct spec *s, uint64_t val,
		       unsigned int base, const char *sign)
{
	const char *digits = s->upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[20];
	size_t i = sizeof(text);

	do {
		text[--i] = digits[val % base];
		val /= base;
	} while (val);
	put_padded(o, s, sign, text + i, sizeof(text) - i);
}

static int parse_number(const char **fmt, va_list *ap)
{
	int n = 0;

	if (**fmt == '*') {
		(*fmt)++;
		return va_arg(*ap, int);
	}
	while (**fmt >= '0' && **fmt <= '9') {
		n = n * 10 + (*(*fmt)++ - '0');
	}
	return n;
}

static const char *parse_spec(const char *fmt, struct spec *s, va_list *ap)
{
	*s = (struct spec){ .precision = -1 };
	for (; *fmt == '0' || *fmt == '-' || *fmt == '#'; fmt++) {
		s->zero |= *fmt == '0';
		s->left |= *fmt == '-';
	}
	s->width = parse_number(&fmt, ap);
	if (*fmt == '.') {
		fmt++;
		s->precision = parse_number(&fmt, ap);
	}
	for (; *fmt == 'l' || *fmt == 'h' || *fmt == 'z'; fmt++) {
		s->longs += *fmt != 'h';
	}
	return fmt;
}

static uint64_t arg_unsigned(const struct spec *s, va_list *ap)
{
	return s->longs ? va_arg(*ap, unsigned long) :
			  va_arg(*ap, unsigned int);
}

static void put_signed(struct out *o, const struct spec *s, va_list *ap)
{
	int64_t val = s->longs ? va_arg(*ap, long) : va_arg(*ap, int);
	uint64_t mag = val < 0 ? -(uint64_t)val : (uint64_t)val;

	put_number(o, s, mag, 10, val < 0 ? "-" : "");
}

static void put_string(struct out *o, struct spec *s, const char *text)
{
	if (!text) {
		text = "(null)";
	}
	s->zero = false;
	put_padded(o, s, "", text,
		   s->precision < 0 ? strlen(text)
				    : strnlen(text, (size_t)s->precision));
}

static void put_conversion(struct out *o, struct spec *s, char conv,
			   va_list *ap)
{
	char c;

	switch (conv) {
	case 'd':
	case 'i':
		put_signed(o, s, ap);
		break;
	case 'u':
		put_number(o, s, arg_unsigned(s, ap), 10, "");
		break;
	case 'X':
		s->upper = true;
		/* fall through */
	case 'x':
		put_number(o, s, arg_unsigned(s, ap), 16, "");
		break;
	case 'p':
		put_number(o, s, (uintptr_t)va_arg(*ap, void *), 16, "0x");
		break;
	case 's':
		put_string(o, s, va_arg(*ap, const char *));
		break;
	case 'c':
		c = (char)va_arg(*ap, int);
		put_padded(o, s, "", &c, 1);
		break;
	default:
		put(o, conv);
		break;
	}
}

size_t format_args(char *buf, size_t n, const char *fmt, va_list ap)
{
	struct out o = { buf, n, 0 };
	struct spec s;
	va_list args;

	va_copy(args, ap);
	while (*fmt) {
		if (*fmt != '%') {
			put(&o, *fmt++);
			continue;
		}
		fmt = parse_spec(fmt + 1, &s, &args);
		if (!*fmt) {
			break;
		}
		put_conversion(&o, &s, *fmt++, &args);
	}
	va_end(args);
	buf[o.used < n ? o.used : n - 1] = '\0';
	return o.used;
}

size_t format(char *buf, size_t n, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	len = format_args(buf, n, fmt, ap);
	va_end(ap);
	return len;
}
