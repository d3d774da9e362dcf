/*
 * cmdline.c - fuzz target: bytes as the hypervisor's command line.
 * uses: boot/cmdline.c
 */
#include "boot/cmdline.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void complain(const char *option, const char *why)
{
	if (strlen(option) > 128 || !*why) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = malloc(size + 1);
	struct options o;
	uint64_t bytes;

	memcpy(line, data, size);
	line[size] = '\0';
	options_init(&o);
	cmdline_parse(line, &o, complain);
	bytes = options_dom0_bytes(&o, 1ull << 30);
	if (bytes > 1ull << 30 || (bytes & ~PAGE_MASK) ||
	    options_dom0_vcpus(&o, 4) < 1 ||
	    options_dom0_vcpus(&o, 4) > MAX_VCPUS) {
		abort();
	}
	free(line);
	return 0;
}
