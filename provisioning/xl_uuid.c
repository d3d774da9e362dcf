/*
 * xl_uuid.c - whose domain is it?  (xl.h; pure, so tests share it)
 */
#include <stdlib.h>
#include <string.h>

#include "xl.h"

#define MARK	"5e7a"	/* second group of every UUID of ours */

uint64_t xl_uuid_vps(const char *uuid)
{
	if (strlen(uuid) != 36 || strncmp(uuid + 9, MARK, 4) != 0) {
		return 0;
	}
	return strtoull(uuid + 24, NULL, 16);
}
