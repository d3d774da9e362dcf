/*
 * log.h - the ring behind printk(), which `xl dmesg` reads.
 *
 * The ring keeps the last LOG_RING_SIZE bytes.  A position is the count of
 * bytes ever written before it, so a reader that remembers one sees just
 * what is new, or the oldest that is left.
 *
 * Levels, as `loglvl=` sets them: a message may begin with one of LOG_*;
 * without one it is LOG_WARN.  Those above the threshold are dropped.
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include "include/log.h"
#include "include/types.h"

#include <stdarg.h>

#define LOG_RING_SIZE 16384u /* a power of two */

enum log_level { LOG_LEVEL_NONE, LOG_LEVEL_ERR, LOG_LEVEL_WARN,
		 LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

#define LOG_ERR	  "\x01" "1"
#define LOG_WARN  "\x01" "2"
#define LOG_INFO  "\x01" "3"
#define LOG_DEBUG "\x01" "4"

/* Print messages up to this level: hypervisor's own, and about guests. */
void log_set_levels(enum log_level own, enum log_level guest);
void log_vprintk(const char *fmt, va_list ap);

/* Bytes straight to the line, as dom0's console_io writes: not the ring's. */
void log_write_line(const char *s, size_t n);

/*
 * Copy at most n bytes from position *pos on, advancing it (and moving it up
 * if those bytes are gone or cleared).  Returns the number copied.
 */
size_t log_read(uint32_t *pos, char *buf, size_t n);
/* Forget what is in the ring: readers without a position start here. */
void log_clear(void);
/* Position of the oldest byte that log_clear() has left. */
uint32_t log_oldest(void);

/* Before the last words of a panic: its CPU may itself hold the lock. */
void log_break_lock(void);

/* Called after new text went into the ring; may be NULL.  Start-up. */
void log_set_listener(void (*fn)(void));

#endif
