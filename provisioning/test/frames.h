/*
 * frames.h - the honest and forged frames that frames.c sends and looks for.
 *
 * Each carries "SERAI-FRAME:NAME;" in its payload or as padding; where every
 * byte counts (ICMPv6), the case's number is in the flow label.
 */
#ifndef FRAMES_H
#define FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX 512

struct frame {
	uint8_t b[FRAME_MAX];
	size_t len;
	size_t ip6_at;	/* IPv6 header, for the checksum; 0 = none */
	size_t icmp_at;
};

struct who {
	uint8_t mac[6], ip4[4], ip6[16], ll[16];
};

/* Who sends, whose addresses are stolen, and the host; set before building. */
extern struct who me, vic, host;

struct frames_case {
	const char *name;
	bool honest;
	void (*build)(struct frame *f, const char *name);
};

extern const struct frames_case frames_cases[];
extern const size_t frames_count;

/* The frame of case @number; from frames_count on, the end mark. */
void frames_build(struct frame *f, size_t number);

/* Name of the case, or "end", that the @n bytes at @buf are; NULL for what is
 * not ours.  Ends the name with a NUL in @buf. */
const char *frames_recognise(char *buf, size_t n);

#endif
