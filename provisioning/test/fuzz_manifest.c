/*
 * fuzz_manifest.c - any bytes as a template's manifest.
 *
 * What is accepted must be safe to use as a file and volume name.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "disk_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct disk_template tpl;
	struct err err;
	char volume[DISK_VOLUME_MAX];

	if (disk_manifest_parse(&tpl, (const char *)data, size, &err)) {
		if (strpbrk(err.text, "\n\r")) {
			abort();
		}
		return 0;
	}
	if (disk_template_volume(volume, tpl.name, tpl.version, NULL) ||
	    strpbrk(volume, "/ \n") || tpl.min_disk_mib == 0) {
		abort();
	}
	return 0;
}
