/*
 * addr.h - IP and MAC addresses as values.
 *
 * IPv4 addresses are kept as ::ffff:a.b.c.d, so one type holds both families
 * and memcmp() order is address order within a family.  Pure functions.
 */
#ifndef SERAI_ADDR_H
#define SERAI_ADDR_H

#include <stdbool.h>
#include <stdint.h>

#define ADDR_TEXT_MAX	46	/* INET6_ADDRSTRLEN */

struct addr {
	uint8_t byte[16];
};

/** Parse dotted or colon form; -EINVAL. */
int addr_parse(struct addr *addr, const char *text);

/** Canonical text. */
void addr_format(const struct addr *addr, char text[ADDR_TEXT_MAX]);

/** 4 or 6. */
int addr_family(const struct addr *addr);

int addr_compare(const struct addr *a, const struct addr *b);

/** The next address; false when @addr was the last of all. */
bool addr_next(struct addr *addr);

/** Do both lie in one network of @prefix bits (counted in their family)? */
bool addr_same_network(const struct addr *a, const struct addr *b,
		       unsigned int prefix);

/** Is @addr (IPv4) its /@prefix network's first or last: no host's address? */
bool addr_is_edge(const struct addr *addr, unsigned int prefix);

/** May a guest have it: not loopback, multicast, 0.0.0.0/8, link-local...? */
bool addr_is_usable(const struct addr *addr);

/** Addresses from @first to @last, both counted; UINT64_MAX if more. */
uint64_t addr_count(const struct addr *first, const struct addr *last);

/** Is @text "xx:xx:xx:xx:xx:xx", lower case, unicast? */
bool addr_mac_valid(const char *text);

#endif
