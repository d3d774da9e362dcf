/*
 * console.h - who writes to the serial line, and who gets its input.
 *
 * dom0's text goes to the line as it is.  Another guest's goes into the log
 * line by line, prefixed with its number and rate-limited.  Input
 * belongs to dom0: VIRQ_CONSOLE tells it, console_io read takes it.
 *
 * Lock: one for the input ring; a guest's line under its own lock.
 */
#ifndef CORE_CONSOLE_H
#define CORE_CONSOLE_H

#include "include/types.h"

struct domain;

/* Text of d; any bytes, up to a page at a time. */
void console_write(struct domain *d, const char *s, size_t n);
/* Take up to n bytes of input; returns how many. */
size_t console_read(char *buf, size_t n);
void console_domain_fini(struct domain *d);

#endif
