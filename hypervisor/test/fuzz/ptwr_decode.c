/* ptwr_decode.c - fuzz target: bytes as guest code. */
#include "hypercall/ptwr_decode.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ptwr_insn insn;

	if (ptwr_decode(data, size, &insn) &&
	    (insn.length < 2 || insn.length > size ||
	     insn.length > PTWR_INSN_MAX || insn.reg > 15 ||
	     insn.kind > PTWR_CMPXCHG8B)) {
		abort();
	}
	return 0;
}
