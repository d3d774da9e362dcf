/*
 * privop_decode.h - instruction bytes to one privileged operation.
 *
 * Pure; never looks beyond the bytes given.  Host-tested and fuzzed.
 * Source: SDM vol. 2 (opcode maps, prefixes).
 */
#ifndef X86_PRIVOP_DECODE_H
#define X86_PRIVOP_DECODE_H

#include "include/types.h"

#define PRIVOP_MAX_LENGTH 15

enum privop_kind {
	PRIVOP_IN,	  /* port, bytes: to al/ax/eax */
	PRIVOP_OUT,
	PRIVOP_INS,	  /* port dx, bytes; rep; to (rdi) */
	PRIVOP_OUTS,	  /* from segment:(rsi) */
	PRIVOP_CLI,
	PRIVOP_STI,
	PRIVOP_CLTS,
	PRIVOP_WBINVD,
	PRIVOP_FROM_CR,	  /* number -> reg */
	PRIVOP_TO_CR,
	PRIVOP_FROM_DR,
	PRIVOP_TO_DR,
	PRIVOP_RDMSR,
	PRIVOP_WRMSR,
	PRIVOP_RDTSC,
	PRIVOP_XSETBV,
	PRIVOP_CPUID,
	PRIVOP_INT,	  /* number = vector */
};

enum privop_segment { SEGMENT_DEFAULT, SEGMENT_FS, SEGMENT_GS };

struct privop {
	enum privop_kind kind;
	uint8_t length;	    /* of the whole instruction */
	uint8_t bytes;	    /* operand width of I/O: 1, 2, 4 */
	bool port_is_dx;
	uint16_t port;	    /* immediate, if not */
	bool rep;
	bool addr32;	    /* rdi/rsi/rcx are 32 bits wide */
	uint8_t segment;    /* enum privop_segment */
	uint8_t reg;	    /* general register 0-15 */
	uint8_t number;	    /* of CR, DR or vector */
};

/*
 * Decode one instruction of 64-bit code (or, code64 false, of 32-bit code)
 * from the n bytes at `code`.  False: not one of the above, or cut off.
 */
bool privop_decode(const uint8_t *code, size_t n, bool code64,
		   struct privop *op);

#endif
