/*
 * privop_decode.c - fuzz target: bytes as guest code.
 * uses: x86/privop_decode.c
 */
#include "x86/privop_decode.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct privop op;
	unsigned int code64;

	for (code64 = 0; code64 < 2; code64++) {
		if (privop_decode(data, size, code64, &op) &&
		    (op.length < 1 || op.length > size ||
		     op.length > PRIVOP_MAX_LENGTH || op.reg > 15 ||
		     op.number > (op.kind == PRIVOP_INT ? 255 : 15) ||
		     op.kind > PRIVOP_INT)) {
			abort();
		}
	}
	return 0;
}
