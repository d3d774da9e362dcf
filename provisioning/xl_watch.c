/*
 * xl_watch.c - notice domains that come, shut down or go (xl.h).
 */
#include "xl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenstore.h>

int xl_watch(int fd, struct err *err)
{
	struct xs_handle *xs = xs_open(0);
	unsigned int count;
	char **event;
	int rc = 0;

	if (!xs) {
		return err_set(err, -errno, "xenstore: cannot be opened");
	}
	/* xenstored fires the second one for a shutdown, too. */
	if (!xs_watch(xs, "@introduceDomain", "domain") ||
	    !xs_watch(xs, "@releaseDomain", "domain")) {
		rc = err_set(err, -errno, "xenstore: cannot watch domains");
	}
	while (rc == 0) {
		event = xs_read_watch(xs, &count);
		if (!event) {
			rc = err_set(err, -EIO, "xenstore: lost");
			break;
		}
		free(event);
		/* A full pipe says it already. */
		if (write(fd, "w", 1) != 1 && errno != EAGAIN) {
			rc = -EPIPE;
		}
	}
	xs_close(xs);
	return rc;
}
