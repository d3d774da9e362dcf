/*
 * log.h - the hypervisor's log: serial line, VGA, and `xl dmesg`'s ring.
 *
 * printk() takes the formats of lib/format.h.  A message that a guest can
 * cause goes through printk_guest(), which is rate-limited, so that no
 * guest can fill the console.  Any context but NMI.
 */
#ifndef INCLUDE_LOG_H
#define INCLUDE_LOG_H

#include "include/compiler.h"

struct domain;

void printk(const char *fmt, ...) __printf(1, 2);
void printk_guest(const struct domain *d, const char *fmt, ...)
	__printf(2, 3);

/* Our own bug, never a guest's doing: print, dump and stop the machine. */
#define BUG_UNLESS(cond)                                                       \
	do {                                                                   \
		if (unlikely(!(cond))) {                                       \
			port_panic("%s:%d: %s", __FILE__, __LINE__, #cond);    \
		}                                                              \
	} while (0)

void port_panic(const char *fmt, ...) __printf(1, 2) __noreturn;

#endif
