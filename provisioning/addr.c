/*
 * addr.c - see addr.h.
 */
#include "addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

int addr_parse(struct addr *addr, const char *text)
{
	if (inet_pton(AF_INET, text, addr->byte + 12) == 1) {
		memcpy(addr->byte, mapped, sizeof(mapped));
		return 0;
	}
	if (inet_pton(AF_INET6, text, addr->byte) == 1 &&
	    memcmp(addr->byte, mapped, sizeof(mapped)) != 0) {
		return 0;
	}
	return -EINVAL;
}

int addr_family(const struct addr *addr)
{
	return memcmp(addr->byte, mapped, sizeof(mapped)) == 0 ? 4 : 6;
}

void addr_format(const struct addr *addr, char text[ADDR_TEXT_MAX])
{
	if (addr_family(addr) == 4) {
		inet_ntop(AF_INET, addr->byte + 12, text, ADDR_TEXT_MAX);
	} else {
		inet_ntop(AF_INET6, addr->byte, text, ADDR_TEXT_MAX);
	}
}

int addr_compare(const struct addr *a, const struct addr *b)
{
	return memcmp(a->byte, b->byte, sizeof(a->byte));
}

bool addr_next(struct addr *addr)
{
	for (int i = 15; i >= 0; i--) {
		if (++addr->byte[i] != 0) {
			return true;
		}
	}
	return false;
}

bool addr_same_network(const struct addr *a, const struct addr *b,
		       unsigned int prefix)
{
	unsigned int bits = prefix;

	if (addr_family(a) != addr_family(b)) {
		return false;
	}
	if (addr_family(a) == 4) {
		bits += 96;
	}
	for (unsigned int i = 0; i < 16 && bits > 0; i++) {
		unsigned int take = bits < 8 ? bits : 8;
		uint8_t mask = (uint8_t)(0xff00u >> take);

		if ((a->byte[i] ^ b->byte[i]) & mask) {
			return false;
		}
		bits -= take;
	}
	return true;
}

bool addr_is_edge(const struct addr *addr, unsigned int prefix)
{
	uint32_t host = (uint32_t)addr->byte[12] << 24 |
			(uint32_t)addr->byte[13] << 16 |
			(uint32_t)addr->byte[14] << 8 | addr->byte[15];
	uint32_t mask = prefix >= 32 ? 0 : 0xffffffffu >> prefix;

	return (host & mask) == 0 || (host & mask) == mask;
}

bool addr_is_usable(const struct addr *addr)
{
	const uint8_t *b = addr->byte;

	if (addr_family(addr) == 4) {
		return b[12] != 0 && b[12] != 127 && b[12] < 224 &&
		       !(b[12] == 169 && b[13] == 254);
	}
	/* Global unicast and unique local; all else has a meaning already. */
	return (b[0] & 0xe0) == 0x20 || (b[0] & 0xfe) == 0xfc;
}

uint64_t addr_count(const struct addr *first, const struct addr *last)
{
	uint64_t high = 0, low = 0;

	for (int i = 0; i < 8; i++) {
		high = high << 8 | last->byte[i];
		low = low << 8 | first->byte[i];
	}
	if (high != low) {
		return UINT64_MAX;
	}
	high = low = 0;
	for (int i = 8; i < 16; i++) {
		high = high << 8 | last->byte[i];
		low = low << 8 | first->byte[i];
	}
	return high - low == UINT64_MAX ? UINT64_MAX : high - low + 1;
}

bool addr_mac_valid(const char *text)
{
	if (strlen(text) != 17) {
		return false;
	}
	for (int i = 0; i < 17; i++) {
		if (i % 3 == 2) {
			if (text[i] != ':') {
				return false;
			}
		} else if (!strchr("0123456789abcdef", text[i])) {
			return false;
		}
	}
	/* The lowest bit of the first byte marks group addresses. */
	return strchr("02468ace", text[1]) != NULL;
}
