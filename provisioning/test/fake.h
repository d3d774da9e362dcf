/*
 * fake.h - a host made of files, for tests of vpsd on any machine.
 *
 * Lives in $SERAI_FAKE_DIR:
 *	dom/ID		"DOMID STATE": running, poweroff, reboot, crash,
 *			paused; tests write here what a guest would do
 *	dom/.next	last domid given out
 *	disk/v-ID, disk/t-NAME-VERSION		sizes
 *	net/ID		address and MAC
 *	fail/OP		"TEXT": the operation fails (fail/start, fail/copy,
 *			fail/customize, fail/remove, fail/import)
 *	slow/OP		milliseconds the operation takes
 *	log		one line per operation
 */
#ifndef SERAI_TEST_FAKE_H
#define SERAI_TEST_FAKE_H

#include <stddef.h>

#include "err.h"

/** Write the path of @name inside the fake host. */
void fake_path(char *out, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** Log @op, wait and fail as the test wants it. */
int fake_enter(const char *op, unsigned long long id, struct err *err);

/** Read at most @size - 1 bytes of a file; 0 or -errno. */
int fake_read(const char *path, char *out, size_t size);

/** Write a file as a whole (by renaming). */
int fake_write(const char *path, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
